//go:build unix

// Package headless executes notebooks through the real kernel, without a browser.
package headless

import (
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
	"github.com/gosciml/gosciml/tutorials/chapter"
)

//go:embed execute.py
var script string

// ErrFailed says that a cell failed; what and where has been printed already.
var ErrFailed = errors.New("a cell failed")

// Job is a notebook to execute, all of which has been read and checked.
type Job struct {
	Env            []string // more for the environment of the kernel
	After          []Cell   // are executed in the same session after the notebook's own cells, and not stored
	source, target string
	notebook       []byte
	cells          []Cell
}

// Cell is what messages need to know of a cell.
type Cell struct {
	Source string
	Line   int    // in the Markdown chapter, 0 if there is none
	Name   string // of what it is, if it is not one of the notebook's
}

// Report is what an execution took.
type Report struct {
	Seconds float64  // of the notebook's own cells together
	Memory  uint64   // of the cells' programs at most, in bytes; compiling them is not counted
	After   []string // what each cell of After printed
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
			j.cells[in.Index] = Cell{Source: in.Source}
		} else {
			j.cells = slices.Insert(j.cells, in.Index, Cell{Source: in.Source})
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
func convert(source string) ([]byte, []Cell, error) {
	text, err := os.ReadFile(source)
	if err != nil {
		return nil, nil, err
	}
	nb, err := notebook.FromMarkdown(text, Kernelspec)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", source, err)
	}
	if len(nb.Cells) == 0 {
		return nil, nil, fmt.Errorf("%s has no cells, expected a chapter", source)
	}
	cells := make([]Cell, len(nb.Cells))
	for i, c := range nb.Cells {
		cells[i] = Cell{Source: c.Source, Line: c.Line}
	}
	data, err := nb.Encode()
	return data, cells, err
}

// Kernelspec is what notebooks are told of the kernel.
var Kernelspec = notebook.Kernelspec{DisplayName: place.DisplayName, Language: "go", Name: place.KernelName}

// read returns a notebook and its cells.
func read(path string) ([]byte, []Cell, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, nil, err
	}
	var nb struct {
		Cells []struct {
			Source chapter.Text `json:"source"`
		} `json:"cells"`
	}
	if err := json.Unmarshal(data, &nb); err != nil {
		return nil, nil, fmt.Errorf("%s is not a notebook: %w", path, err)
	}
	if nb.Cells == nil {
		return nil, nil, fmt.Errorf("%s is not a notebook: it has no cells", path)
	}
	cells := make([]Cell, len(nb.Cells))
	for i, c := range nb.Cells {
		cells[i].Source = string(c.Source)
	}
	return data, cells, nil
}

// Run executes the job and writes the executed notebook, also if a cell fails or ctx ends before the last cell. Progress
// and what the cells print go to out. A cell that runs longer than timeout fails, unless timeout is zero.
func (j *Job) Run(ctx context.Context, p place.Place, timeout time.Duration, out io.Writer) (Report, error) {
	r := reporter{out: out, name: j.source, cells: slices.Concat(j.cells, j.After), own: len(j.cells), printed: map[int]string{}}
	err := j.run(ctx, p, timeout, &r)
	report := Report{Seconds: r.seconds, Memory: r.memory}
	for i := range j.After {
		report.After = append(report.After, r.printed[len(j.cells)+i])
	}
	return report, err
}

func (j *Job) run(ctx context.Context, p place.Place, timeout time.Duration, r *reporter) error {
	language, err := notebook.GoOf(p.Clone)
	if err != nil {
		return err
	}
	metadata, err := json.Marshal(notebook.Metadata{Kernelspec: Kernelspec, Language: &language})
	if err != nil {
		return err
	}
	tmp, err := supervise.TempDir()
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	after := make([]string, len(j.After))
	for i, c := range j.After {
		after[i] = c.Source
	}
	afterJSON, err := json.Marshal(after)
	if err != nil {
		return err
	}
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
		strconv.FormatFloat(timeout.Seconds(), 'f', -1, 64), string(metadata), string(afterJSON))
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
	measured := make(chan uint64)
	stop := make(chan struct{})
	go func() { measured <- supervise.PeakMemory(cmd.Process.Pid, stop) }()
	told := r.follow(read)
	close(stop)
	r.memory = <-measured
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
