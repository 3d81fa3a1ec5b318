//go:build unix

package headless

import (
	"bufio"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gosciml/gosciml/internal/child"
	"github.com/gosciml/gosciml/kernel/internal/place"
	"github.com/gosciml/gosciml/kernel/internal/supervise"
	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/backend/install"
)

//go:embed latency.py
var latencyScript string

// latencyCells are the cells to measure: what a cell says its training took is not counted.
//
//go:embed latency/*.go.txt
var latencyCells embed.FS

// measured is what to measure and the seconds each should not exceed on two processors. Warm is what has run before: Go
// code is compiled, and so are the programs of the back end, which the measurement keeps in a folder of its own. Cold is a
// training whose programs are kept nowhere.
var measured = []struct {
	name, state string
	kind        string  // of measurement; see latency.py
	file        string  // with its cell
	problem     string  // of the catalogue, that the cell solves
	limit       float64 // none if 0
	most        int     // runs
}{
	{name: "a trivial cell", state: "warm", kind: "cell", file: "1-trivial", limit: 0.4, most: 100},
	{name: "statements without %%", state: "warm", kind: "cell", file: "4-statements", limit: 0.4, most: 100},
	{name: "a value at the end", state: "warm", kind: "value", file: "5-value", limit: 0.4, most: 100},
	{name: "a cell that plots", state: "warm", kind: "cell", file: "2-plot", limit: 1.2, most: 100},
	{name: "a cell that trains and plots, beyond the training", state: "warm", kind: "cell", file: "3-train", limit: 1.2, most: 100},
	{name: "kernel start to first plot", state: "warm", kind: "first plot", file: "2-plot", limit: 3, most: 5},
	{name: "kernel start to idle", state: "warm", kind: "idle", limit: 1, most: 5},
	{name: "kernel start to first completion", state: "warm", kind: "completion", limit: 2, most: 3},
	{name: "interrupt of a cell that compiles, to idle", state: "warm", kind: "interrupt", file: "3-train", limit: 0.5, most: 5},
	{name: "a training cell to its first frame", state: "warm", kind: "frame", file: "live", limit: 1, most: 5},
	{name: "Solve to its first step, Poisson 2D", state: "warm", kind: "said", file: "first-step", problem: "poisson2d", limit: 0.3, most: 3},
	{name: "Solve to its first step, Burgers", state: "warm", kind: "said", file: "first-step", problem: "burgers", limit: 0.6, most: 3},
	{name: "Solve to its first step, KdV", state: "warm", kind: "said", file: "first-step", problem: "kdv-soliton", most: 3},
	{name: "Solve to its first step, Helmholtz", state: "warm", kind: "said", file: "first-step", problem: "helmholtz", limit: 1, most: 3},
	{name: "Solve to its first step, Poisson 2D", state: "cold", kind: "said", file: "first-step", problem: "poisson2d", limit: 2, most: 3},
	{name: "Solve to its first step, Burgers", state: "cold", kind: "said", file: "first-step", problem: "burgers", limit: 3.5, most: 3},
	{name: "Solve to its first step, KdV", state: "cold", kind: "said", file: "first-step", problem: "kdv-soliton", most: 3},
	{name: "Solve to its first step, Helmholtz", state: "cold", kind: "said", file: "first-step", problem: "helmholtz", limit: 4, most: 3},
}

// Latency measures how fast things come back, and prints the median of n runs each, or of fewer where one takes long, next
// to what was aimed at. It judges nothing: on a machine that is busy with other things the figures mean little. What cannot
// be measured is an error.
func Latency(ctx context.Context, p place.Place, n int, out io.Writer) error {
	type question struct {
		Index  int    `json:"index"`
		Kind   string `json:"kind"`
		Source string `json:"source"`
		Most   int    `json:"most"`
	}
	var cells []question
	for i, m := range measured {
		q := question{Index: i, Kind: m.kind, Most: m.most}
		if m.file != "" {
			source, err := latencyCells.ReadFile("latency/" + m.file + ".go.txt")
			if err != nil {
				return err
			}
			q.Source = strings.ReplaceAll(string(source), "PROBLEM", m.problem)
			if m.state == "cold" {
				q.Source = "%env " + backend.CacheEnv + "=off\n" + q.Source
			}
		}
		cells = append(cells, q)
	}
	input, err := json.Marshal(cells)
	if err != nil {
		return err
	}
	folder, err := supervise.TempDir()
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	cmd := exec.CommandContext(ctx, install.VenvPython(p.Home), "-c", latencyScript, strconv.Itoa(n), folder)
	cmd.Env = append(p.JupyterEnv(os.Environ()), backend.CacheEnv+"="+filepath.Join(folder, "programs"))
	cmd.Stdin = strings.NewReader(string(input))
	cmd.ExtraFiles = []*os.File{write}
	var noise strings.Builder
	cmd.Stdout, cmd.Stderr = &noise, &noise
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = 10 * time.Second
	wait, err := child.Start(cmd)
	if err != nil {
		write.Close()
		return fmt.Errorf("cannot start Python: %w; run `go run ./kernel setup`", err)
	}
	write.Close()
	fmt.Fprintf(out, "%-50s %-5s %8s %8s %8s %6s %6s\n", "seconds", "", "median", "least", "most", "runs", "aim")
	var failed []string
	for in := bufio.NewScanner(read); in.Scan(); {
		var r struct {
			Index, Runs         int
			Median, Least, Most float64
			Failed              string
		}
		if err := json.Unmarshal(in.Bytes(), &r); err != nil {
			return err
		}
		m := measured[r.Index]
		if r.Failed != "" {
			failed = append(failed, m.name)
			fmt.Fprintf(out, "%-50s %-5s could not be measured: %s\n", m.name, m.state, r.Failed)
			continue
		}
		aim := "–"
		if m.limit > 0 {
			aim = fmt.Sprintf("%.1f", m.limit)
		}
		fmt.Fprintf(out, "%-50s %-5s %8.2f %8.2f %8.2f %6d %6s\n", m.name, m.state, r.Median, r.Least, r.Most, r.Runs, aim)
	}
	if err := wait(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("the measurement failed: %w\n%s", err, strings.TrimSpace(noise.String()))
	}
	if len(failed) > 0 {
		return fmt.Errorf("could not be measured: %s", strings.Join(failed, "; "))
	}
	return nil
}
