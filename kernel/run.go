//go:build unix

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gosciml/gosciml/kernel/internal/headless"
	"github.com/gosciml/gosciml/kernel/internal/notebook"
)

func runRun(ctx context.Context, args []string) error {
	flags := newFlags("run")
	var target *string // nil: in place
	flags.Func("o", "write the executed notebook to this `file` instead of in place", func(text string) error {
		target = &text
		return nil
	})
	timeout := flags.Duration("timeout", 30*time.Minute, "longest time for one cell, 0 for no limit")
	var values []notebook.Parameter
	flags.Func("p", "give a parameter a value in each of the files, as `name=value`; once for each parameter", func(text string) error {
		name, value, ok := strings.Cut(text, "=")
		if name = strings.TrimSpace(name); !ok || name == "" {
			return errors.New("expected name=value, such as rate=0.01")
		}
		values = append(values, notebook.Parameter{Name: name, Value: value})
		return nil
	})
	files, err := parse(flags, args, -1)
	if err != nil {
		return err
	}
	if *timeout < 0 {
		return misuse("run got -timeout %v, expected a time such as 30m, or 0 for no limit", *timeout)
	}
	targets, err := targetsOf(files, target)
	if err != nil {
		return err
	}
	// All that can be wrong is found before the first cell of the first file.
	jobs := make([]*headless.Job, len(files))
	for i, file := range files {
		if jobs[i], err = headless.Prepare(file, targets[i], values); err != nil {
			return err
		}
	}
	p, err := here()
	if err != nil {
		return err
	}
	if err := prepareBriefly(ctx, p); err != nil {
		return err
	}
	for i, file := range files {
		start := time.Now()
		fmt.Println(file, "→", targets[i])
		if _, err := jobs[i].Run(ctx, p, *timeout, os.Stdout); err != nil {
			return err
		}
		fmt.Printf("%s: all cells passed in %.1f s\n", targets[i], time.Since(start).Seconds())
	}
	return nil
}

// targetsOf returns where the executed notebook of each file goes: to the target given, or beside its file. No two may be
// the same, and none a file that is not a notebook.
func targetsOf(files []string, given *string) ([]string, error) {
	switch {
	case len(files) == 0:
		return nil, misuse("run got no file, expected notebooks (.ipynb) or chapters (.md)")
	case given != nil && len(files) > 1:
		return nil, misuse("run got -o and %d files, expected one file with -o", len(files))
	case given != nil && extension(*given) != ".ipynb":
		return nil, misuse("run got -o %q, expected the name of a notebook, which ends in .ipynb", *given)
	}
	targets := make([]string, len(files))
	fileOf := map[string]string{} // of a target
	for i, file := range files {
		ext := extension(file)
		if ext != ".ipynb" && ext != ".md" {
			return nil, misuse("run got %q, expected a notebook (.ipynb) or a chapter (.md)", file)
		}
		if _, err := os.Stat(file); err != nil {
			return nil, fmt.Errorf("run cannot read its file: %w", err)
		}
		targets[i] = strings.TrimSuffix(file, filepath.Ext(file)) + ".ipynb"
		if ext == ".ipynb" {
			targets[i] = file
		}
		if given != nil {
			targets[i] = *given
		}
		if ext == ".md" && sameFile(file, targets[i]) {
			return nil, misuse("run would write the executed notebook to %s, which is the chapter %s itself: give another file with -o", targets[i], file)
		}
		place := resolved(targets[i])
		if other, ok := fileOf[place]; ok {
			if sameFile(other, file) {
				return nil, misuse("run got %s twice, expected each file once", file)
			}
			return nil, misuse("run got %s and %s, and would write both to %s: run them one by one, with -o", other, file, targets[i])
		}
		fileOf[place] = file
	}
	return targets, nil
}

func extension(file string) string { return strings.ToLower(filepath.Ext(file)) }

// resolved is the same for all paths of a file, which need not be there yet.
func resolved(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	if folder, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		return filepath.Join(folder, filepath.Base(path))
	}
	return path
}

func sameFile(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}
