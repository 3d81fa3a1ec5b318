//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/gosciml/gosciml/kernel/internal/notebook"
)

// tellParameters answers the question of our plug-in for papermill, in JSON: what a cell declares, and how it is declared
// with other values.
func tellParameters(in io.Reader, out io.Writer) error {
	var question struct {
		Source string               `json:"source"`
		Values []notebook.Parameter `json:"values"`
	}
	if err := json.NewDecoder(in).Decode(&question); err != nil {
		return fmt.Errorf("parameters is asked by papermill, in JSON: %w", err)
	}
	var answer struct {
		Declared []notebook.Declared `json:"declared"`
		Cell     string              `json:"cell"`
	}
	var err error
	if answer.Declared, err = notebook.Declares(question.Source); err != nil {
		return err
	}
	if len(question.Values) > 0 {
		if answer.Cell, err = notebook.DeclareAnew(question.Source, question.Values); err != nil {
			return err
		}
	}
	return json.NewEncoder(out).Encode(answer)
}
