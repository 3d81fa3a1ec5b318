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
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gosciml/gosciml/kernel/internal/notebook"
	"github.com/gosciml/gosciml/kernel/internal/place"
	"github.com/gosciml/gosciml/kernel/internal/supervise"
	"github.com/gosciml/gosciml/sciml/backend/install"
)

//go:embed execute.py
var script string

// ErrFailed says that a cell failed; what and where has been printed already.
var ErrFailed = errors.New("a cell failed")

// Run executes the notebook or Markdown chapter source and writes the executed notebook to target, also if a cell
// fails or ctx ends before the last cell. Progress and what the cells print go to out. A cell that runs longer than
// timeout fails, unless timeout is zero.
func Run(ctx context.Context, p place.Place, source, target string, timeout time.Duration, out io.Writer) error {
	input := source
	chapter := strings.EqualFold(filepath.Ext(source), ".md")
	if chapter {
		tmp, err := os.MkdirTemp("", "gosciml-run-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(tmp)
		input = filepath.Join(tmp, "chapter.ipynb")
		if err := Convert(source, input); err != nil {
			return err
		}
	}
	cells, err := readCells(input)
	if err != nil {
		return fmt.Errorf("%s is not a notebook: %w", source, err)
	}
	if chapter {
		if err := addLines(source, cells); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	if target, err = filepath.Abs(target); err != nil {
		return err
	}
	return execute(ctx, p, source, input, target, cells, timeout, out)
}

// Convert writes the notebook of a Markdown chapter, not executed.
func Convert(source, target string) error {
	text, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	nb, err := notebook.FromMarkdown(text, kernelspec)
	if err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	data, err := nb.Encode()
	if err != nil {
		return err
	}
	return place.WriteFile(target, data, 0o644)
}

var kernelspec = notebook.Kernelspec{DisplayName: place.DisplayName, Language: "go", Name: place.KernelName}

// cell is what messages need to know of a cell.
type cell struct {
	source string
	line   int // in the Markdown chapter, 0 if there is none
}

func readCells(path string) ([]cell, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var nb struct {
		Cells []struct {
			Source json.RawMessage `json:"source"`
		} `json:"cells"`
	}
	if err := json.Unmarshal(data, &nb); err != nil {
		return nil, err
	}
	if nb.Cells == nil {
		return nil, errors.New("it has no cells")
	}
	cells := make([]cell, len(nb.Cells))
	for i, c := range nb.Cells {
		var lines []string
		if json.Unmarshal(c.Source, &lines) == nil {
			cells[i].source = strings.Join(lines, "")
		} else if err := json.Unmarshal(c.Source, &cells[i].source); err != nil {
			return nil, fmt.Errorf("cell %d: %w", i+1, err)
		}
	}
	return cells, nil
}

func addLines(source string, cells []cell) error {
	text, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	nb, err := notebook.FromMarkdown(text, kernelspec)
	if err != nil {
		return err
	}
	for i := range cells {
		cells[i].line = nb.Cells[i].Line
	}
	return nil
}

// event is what execute.py tells.
type event struct {
	Event   string  `json:"event"`
	Number  int     `json:"number"`
	Total   int     `json:"total"`
	Index   int     `json:"index"`
	Seconds float64 `json:"seconds"`
	Stream  string  `json:"stream"`
	Text    string  `json:"text"`
	Name    string  `json:"name"`
	Value   string  `json:"value"`
}

func execute(ctx context.Context, p place.Place, name, input, target string, cells []cell, timeout time.Duration, out io.Writer) error {
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	cmd := exec.CommandContext(ctx, install.VenvPython(p.Home), "-c", script, input, target, filepath.Dir(target),
		strconv.Itoa(int(timeout.Round(time.Second).Seconds())))
	cmd.Env = append(p.JupyterEnv(os.Environ()), supervise.RawErrorEnv+"=1")
	cmd.ExtraFiles = []*os.File{write}
	var noise strings.Builder
	cmd.Stdout, cmd.Stderr = &noise, &noise
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a ctrl-C comes through ctx, once
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	if err := cmd.Start(); err != nil {
		write.Close()
		return fmt.Errorf("Python does not start: %w; run `go run ./kernel setup`", err)
	}
	write.Close()
	told := report(read, name, cells, out)
	err = cmd.Wait()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("%s: stopped; what had been computed is in %s", name, target)
	case told:
		return ErrFailed
	}
	return fmt.Errorf("%s could not be executed: %w\n%s", name, err, strings.TrimSpace(noise.String()))
}

// report prints what execute.py tells. It returns whether a failure has been told.
func report(r io.Reader, name string, cells []cell, out io.Writer) (failed bool) {
	in := bufio.NewScanner(r)
	in.Buffer(nil, 1<<28)
	var current event
	fresh := true // the cursor is at the beginning of a line
	for in.Scan() {
		var e event
		if json.Unmarshal(in.Bytes(), &e) != nil {
			continue
		}
		switch e.Event {
		case "start":
			current = e
			fmt.Fprintf(out, "[%d/%d] %s\n", e.Number, e.Total, firstLine(cells[e.Index].source))
		case "text":
			fresh = printIndented(out, e.Text, fresh)
		case "end":
			fresh = newline(out, fresh)
			fmt.Fprintf(out, "    %.2f s\n", e.Seconds)
		case "failed":
			fresh = newline(out, fresh)
			failed = true
			where := fmt.Sprintf("%s: cell %d of %d", name, current.Number, current.Total)
			c := cells[e.Index]
			if n := errorLine(e.Value); n > 0 {
				where += fmt.Sprintf(", line %d", n)
				if c.line > 0 {
					where += fmt.Sprintf(" (line %d of the file)", c.line+n-1)
				}
				if lines := strings.Split(c.source, "\n"); n <= len(lines) {
					where += ": " + strings.TrimSpace(lines[n-1])
				}
			} else if c.line > 0 {
				where += fmt.Sprintf(" (line %d of the file): %s", c.line, firstLine(c.source))
			} else {
				where += ": " + firstLine(c.source)
			}
			fmt.Fprintf(out, "%s\nfailed after %.2f s: %s\n", where, e.Seconds, strings.TrimSpace(e.Value))
		case "kernel":
			fresh = newline(out, fresh)
			failed = true
			fmt.Fprintf(out, "%s: the kernel died or did not start: %s; `go run ./kernel doctor` says what is wrong\n", name, e.Value)
		}
	}
	return failed
}

// firstLine is the first line of code of a cell.
func firstLine(source string) string {
	first := ""
	for line := range strings.Lines(source) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if first == "" {
			first = line
		}
		if !strings.HasPrefix(line, "//") && !strings.HasPrefix(line, "%") && !strings.HasPrefix(line, "import") {
			first = line
			break
		}
	}
	if r := []rune(first); len(r) > 72 {
		first = string(r[:71]) + "…"
	}
	return first
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
