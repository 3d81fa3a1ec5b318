//go:build unix

// Package chapters makes the notebooks of the course from its texts, and finds out whether the two agree.
package chapters

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gosciml/gosciml/internal/atomicfile"
	"github.com/gosciml/gosciml/kernel/internal/headless"
	"github.com/gosciml/gosciml/kernel/internal/notebook"
	"github.com/gosciml/gosciml/kernel/internal/place"
	"github.com/gosciml/gosciml/sciml/keep"
	"github.com/gosciml/gosciml/tutorials/chapter"
)

// Course is where the chapters are.
type Course struct {
	Texts     string // the folder of NN-name.md
	Notebooks string // the folder of NN-name.ipynb
}

// Choose reads all chapters and picks those that are named, by their number or name, or all if none is.
func (c Course) Choose(names []string) (all, chosen []*chapter.Chapter, err error) {
	if all, err = chapter.All(c.Texts); err != nil || len(names) == 0 {
		return all, all, err
	}
	for _, name := range names {
		wanted := strings.TrimSuffix(filepath.Base(name), filepath.Ext(name))
		found := false
		for _, ch := range all {
			if ch.Name == wanted || ch.Number == wanted || strings.TrimLeft(ch.Number, "0") == wanted {
				chosen, found = append(chosen, ch), true
			}
		}
		if !found {
			var there []string
			for _, ch := range all {
				there = append(there, ch.Name)
			}
			return nil, nil, fmt.Errorf("there is no chapter %q in %s, expected the number or the name of one: %s", name, c.Texts, strings.Join(there, ", "))
		}
	}
	return all, chosen, nil
}

func (c Course) notebookOf(ch *chapter.Chapter) string {
	return filepath.Join(c.Notebooks, ch.Name+".ipynb")
}

// Made is what making a notebook took.
type Made struct {
	Seconds float64
	Memory  uint64
}

// Prepare finds out whether the notebook of a chapter can be made, before hours of work.
func (c Course) Prepare(ch *chapter.Chapter) (*headless.Job, error) {
	job, err := headless.Prepare(ch.File, c.notebookOf(ch), nil)
	if err != nil {
		return nil, err
	}
	for _, e := range ch.Exercises {
		job.After = append(job.After, headless.Cell{Source: e.Solution.Source, Line: e.Solution.Line, Name: "solution " + e.Name})
	}
	return job, nil
}

// Make makes the notebook of a chapter, executes it, and after it, in the same session, the solutions of its exercises. All is computed:
// nothing that was kept before is used. It is an error if a cell fails, if a check finds a solution wrong, if a number that the text
// quotes is not the one that was printed, or if time or memory are far from what the box says. What cells print goes to out.
func (c Course) Make(ctx context.Context, p place.Place, ch *chapter.Chapter, job *headless.Job, timeout time.Duration, out io.Writer) (Made, error) {
	kept, err := os.MkdirTemp("", "gosciml-keep-")
	if err != nil {
		return Made{}, err
	}
	defer os.RemoveAll(kept)
	job.Env = []string{keep.DirEnv + "=" + kept}
	var said bytes.Buffer
	report, err := job.Run(ctx, p, timeout, io.MultiWriter(out, &said))
	made := Made{Seconds: report.Seconds, Memory: report.Memory}
	if errors.Is(err, headless.ErrFailed) {
		return made, fmt.Errorf("a cell failed:\n%s", lastLines(said.String(), 12))
	}
	if err != nil {
		return made, err
	}
	nb, err := chapter.ReadNotebook(c.notebookOf(ch))
	if err != nil {
		return made, err
	}
	problems := []error{ch.Compare(nb)}
	for i, e := range ch.Exercises {
		problems = append(problems, solved(ch, e, report.After[i]))
	}
	return made, errors.Join(append(problems, excess(ch, made))...)
}

// solved returns an error unless a check found the solution of an exercise right, and none found it wrong.
func solved(ch *chapter.Chapter, e chapter.Exercise, printed string) error {
	right := false
	for line := range strings.Lines(printed) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "✗") {
			return fmt.Errorf("%s:%d: the solution of exercise %s is found wrong: %s", ch.File, e.Solution.Line, e.Name, line)
		}
		right = right || strings.HasPrefix(line, "✓")
	}
	if !right {
		return fmt.Errorf("%s:%d: the solution of exercise %s printed no line that begins with ✓, expected it to end with the exercise's check", ch.File, e.Solution.Line, e.Name)
	}
	return nil
}

// excess returns an error where a chapter took far more than its box says. A machine may be slower than others; memory
// hardly depends on it.
func excess(ch *chapter.Chapter, made Made) error {
	var problems []error
	if m := ch.Box.Minutes; m > 0 && made.Seconds > 3*60*m {
		problems = append(problems, fmt.Errorf("%s: its cells took %.0f s, three times what the box says, %g minutes, or more", ch.File, made.Seconds, m))
	}
	if m := ch.Box.Memory; m > 0 && float64(made.Memory) > 1.5*m {
		problems = append(problems, fmt.Errorf("%s: its cells used %.0f MB, 1.5 times what the box says, %.0f MB, or more", ch.File, float64(made.Memory)/1e6, m/1e6))
	}
	return errors.Join(problems...)
}

// Check compares the notebook of a chapter, as it is, with the text.
func (c Course) Check(ch *chapter.Chapter) error {
	nb, err := chapter.ReadNotebook(c.notebookOf(ch))
	if err != nil {
		return err
	}
	return ch.Compare(nb)
}

// WriteGlossary writes the notebook with the terms of all chapters, if they explain any.
func (c Course) WriteGlossary(p place.Place, all []*chapter.Chapter) error {
	text, err := chapter.Glossary(all, ".ipynb")
	if err != nil || text == "" {
		return err
	}
	nb, err := notebook.FromMarkdown([]byte(text), headless.Kernelspec)
	if err != nil {
		return err
	}
	language, err := notebook.GoOf(p.Clone)
	if err != nil {
		return err
	}
	nb.Metadata.Language = &language
	data, err := nb.Encode()
	if err != nil {
		return err
	}
	path := filepath.Join(c.Notebooks, chapter.GlossaryName+".ipynb")
	if have, err := os.ReadFile(path); err == nil && bytes.Equal(have, data) {
		return nil
	}
	return atomicfile.Write(path, data, 0o644)
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
