//go:build unix

// Package headless executes notebooks through the real kernel, without a browser.
package headless

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gosciml/gosciml/internal/atomicfile"
	"github.com/gosciml/gosciml/internal/child"
	"github.com/gosciml/gosciml/kernel/internal/notebook"
	"github.com/gosciml/gosciml/kernel/internal/place"
	"github.com/gosciml/gosciml/kernel/internal/supervise"
	"github.com/gosciml/gosciml/sciml/backend/install"
)

//go:embed execute.py
var script string

// ErrFailed says that a cell failed; what and where has been printed already.
var ErrFailed = errors.New("a cell failed")

// Job is a notebook to execute, all of which has been read and checked.
type Job struct {
	Env            []string // more for the environment of the kernel
	source, target string
	notebook       []byte
	cells          []cell
}

// Prepare reads the notebook or Markdown chapter source, gives it the values of parameters, and finds out whether the
// executed notebook can be written to target: what is wrong with a job should be said before hours of work.
func Prepare(source, target string, values []notebook.Parameter) (*Job, error) {
	j := &Job{source: source}
	var err error
	if strings.EqualFold(filepath.Ext(source), ".md") {
		j.notebook, j.cells, err = convert(source)
	} else {
		j.notebook, j.cells, err = read(source)
	}
	if err != nil {
		return nil, err
	}
	if len(values) > 0 {
		var in notebook.Injected
		if j.notebook, in, err = notebook.Parameterize(j.notebook, values); err != nil {
			return nil, fmt.Errorf("%s: %w", source, err)
		}
		if in.Replaced {
			j.cells[in.Index] = cell{source: in.Source}
		} else {
			j.cells = slices.Insert(j.cells, in.Index, cell{source: in.Source})
		}
	}
	if j.target, err = filepath.Abs(target); err != nil {
		return nil, err
	}
	return j, checkTarget(j.target)
}

// checkTarget makes the folder of a notebook that is to be written, and reports whether the notebook can be.
func checkTarget(target string) error {
	folder := filepath.Dir(target)
	err := os.MkdirAll(folder, 0o755)
	if err == nil {
		err = atomicfile.Check(target)
	}
	if err == nil {
		return nil
	}
	if info, e := os.Stat(folder); e == nil && !place.Writable(folder) {
		if owner, _ := place.Owner(info); owner != os.Getuid() {
			return fmt.Errorf("the executed notebook cannot be written: the folder %s belongs to user %d and cannot be written to by user %d: run as user %[2]d (in a container, with --user %[2]d), or give another target with -o",
				folder, owner, os.Getuid())
		}
	}
	return fmt.Errorf("the executed notebook cannot be written: %w; give another target with -o", err)
}

// convert returns the notebook of a Markdown chapter, and its cells.
func convert(source string) ([]byte, []cell, error) {
	text, err := os.ReadFile(source)
	if err != nil {
		return nil, nil, err
	}
	nb, err := notebook.FromMarkdown(text, kernelspec)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", source, err)
	}
	if len(nb.Cells) == 0 {
		return nil, nil, fmt.Errorf("%s has no cells, expected a chapter", source)
	}
	cells := make([]cell, len(nb.Cells))
	for i, c := range nb.Cells {
		cells[i] = cell{source: c.Source, line: c.Line}
	}
	data, err := nb.Encode()
	return data, cells, err
}

var kernelspec = notebook.Kernelspec{DisplayName: place.DisplayName, Language: "go", Name: place.KernelName}

// cell is what messages need to know of a cell.
type cell struct {
	source string
	line   int // in the Markdown chapter, 0 if there is none
}

// read returns a notebook and its cells.
func read(path string) ([]byte, []cell, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	var nb struct {
		Cells []struct {
			Source notebook.Source `json:"source"`
		} `json:"cells"`
	}
	if err := json.Unmarshal(data, &nb); err != nil {
		return nil, nil, fmt.Errorf("%s is not a notebook: %w", path, err)
	}
	if nb.Cells == nil {
		return nil, nil, fmt.Errorf("%s is not a notebook: it has no cells", path)
	}
	cells := make([]cell, len(nb.Cells))
	for i, c := range nb.Cells {
		cells[i].source = string(c.Source)
	}
	return data, cells, nil
}

// event is what execute.py tells.
type event struct {
	Event   string  `json:"event"`
	Number  int     `json:"number"`
	Total   int     `json:"total"`
	Index   int     `json:"index"`
	Seconds float64 `json:"seconds"`
	Text    string  `json:"text"`
	Value   string  `json:"value"`
}

// Run executes the job and writes the executed notebook, also if a cell fails or ctx ends before the last cell. Progress
// and what the cells print go to out. A cell that runs longer than timeout fails, unless timeout is zero.
func (j *Job) Run(ctx context.Context, p place.Place, timeout time.Duration, out io.Writer) error {
	language, err := notebook.GoOf(p.Clone)
	if err != nil {
		return err
	}
	metadata, err := json.Marshal(notebook.Metadata{Kernelspec: kernelspec, Language: &language})
	if err != nil {
		return err
	}
	tmp, err := supervise.TempDir()
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	input := filepath.Join(tmp, "source.ipynb")
	if err := atomicfile.Write(input, j.notebook, 0o600); err != nil {
		return err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	cmd := exec.CommandContext(ctx, install.VenvPython(p.Home), "-c", script, input, j.target, filepath.Dir(j.target),
		strconv.FormatFloat(timeout.Seconds(), 'f', -1, 64), string(metadata))
	cmd.Env = append(p.JupyterEnv(os.Environ()),
		"JPY_SESSION_NAME="+j.target) // as a server sets it: sciml/keep files values under the notebook's name
	cmd.Env = append(cmd.Env, j.Env...)
	cmd.ExtraFiles = []*os.File{write}
	var noise strings.Builder
	cmd.Stdout, cmd.Stderr = &noise, &noise
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	wait, err := child.Start(cmd) // a ctrl-C comes through ctx, once
	if err != nil {
		write.Close()
		return fmt.Errorf("cannot start Python: %w; run `go run ./kernel setup`", err)
	}
	write.Close()
	told := report(read, j.source, j.cells, out)
	err = wait()
	switch {
	case err == nil:
		return nil
	case told:
		return ErrFailed
	case ctx.Err() != nil:
		return fmt.Errorf("%s: stopped; what had been computed is in %s", j.source, j.target)
	}
	return fmt.Errorf("%s could not be executed: %w\n%s", j.source, err, strings.TrimSpace(noise.String()))
}

// report prints what execute.py tells. It returns whether a failure has been told.
func report(r io.Reader, name string, cells []cell, out io.Writer) (failed bool) {
	in := bufio.NewScanner(r)
	in.Buffer(nil, 1<<28)
	indexOf := map[int]int{} // of the cell, by the number it was executed under
	number, total := 0, 0
	fresh := true // the cursor is at the beginning of a line
	for in.Scan() {
		var e event
		if json.Unmarshal(in.Bytes(), &e) != nil {
			continue
		}
		switch e.Event {
		case "start":
			number, total = e.Number, e.Total
			indexOf[number] = e.Index
			fmt.Fprintf(out, "[%d/%d] %s\n", number, total, firstLine(cells[e.Index].source))
		case "text":
			fresh = printIndented(out, e.Text, fresh)
		case "end":
			fresh = newline(out, fresh)
			fmt.Fprintf(out, "    %.2f s\n", e.Seconds)
		case "failed":
			fresh = newline(out, fresh)
			failed = true
			where := fmt.Sprintf("%s: cell %d of %d", name, number, total)
			what, place := errorPlace(strings.TrimSpace(e.Value))
			index, ok := indexOf[place.cell]
			if !ok {
				index, place.line = e.Index, 0
			}
			c := cells[index]
			if place.line > 0 && index != e.Index {
				where += fmt.Sprintf(", in code of cell %d", place.cell)
			}
			line := firstLine(c.source)
			if lines := strings.Split(c.source, "\n"); place.line > 0 && place.line <= len(lines) {
				where += fmt.Sprintf(", line %d", place.line)
				line = strings.TrimSpace(lines[place.line-1])
			}
			if c.line > 0 {
				where += fmt.Sprintf(" (line %d of the file)", c.line+max(place.line-1, 0))
			}
			fmt.Fprintf(out, "%s: %s\nfailed after %.2f s: %s\n", where, line, e.Seconds, what)
		case "unsaved":
			fresh = newline(out, fresh)
			failed = true
			fmt.Fprintf(out, "%s: the executed notebook could not be written: %s\n", name, e.Value)
			if e.Text != "" {
				fmt.Fprintf(out, "what had been computed is in %s\n", e.Text)
			}
		case "kernel":
			fresh = newline(out, fresh)
			failed = true
			fmt.Fprintf(out, "%s: the kernel died or did not start: %s; `go run ./kernel doctor` says what is wrong\n", name, e.Value)
		}
	}
	return failed
}

// firstLine is the first line of a cell that says what the cell does, rather than what it imports.
func firstLine(source string) string {
	first, block := "", false
	for line := range strings.Lines(source) {
		line = strings.TrimSpace(line)
		switch {
		case line == "":
			continue
		case first == "":
			first = line
		}
		switch {
		case block:
			block = line != ")"
		case line == "import (":
			block = true
		case strings.HasPrefix(line, "//"), strings.HasPrefix(line, "%"), strings.HasPrefix(line, "import "):
		default:
			return cut(line)
		}
	}
	return cut(first)
}

func cut(line string) string {
	if r := []rune(line); len(r) > 72 {
		return string(r[:71]) + "…"
	}
	return line
}

func printIndented(out io.Writer, text string, fresh bool) bool {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if fresh {
			b.WriteString("    ")
		}
		b.WriteString(line)
		fresh = strings.HasSuffix(line, "\n")
	}
	fmt.Fprint(out, b.String())
	return fresh
}

func newline(out io.Writer, fresh bool) bool {
	if !fresh {
		fmt.Fprintln(out)
	}
	return true
}
