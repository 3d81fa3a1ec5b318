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
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gosciml/gosciml/internal/child"
	"github.com/gosciml/gosciml/kernel/internal/place"
	"github.com/gosciml/gosciml/kernel/internal/supervise"
	"github.com/gosciml/gosciml/sciml/backend/install"
)

//go:embed latency.py
var latencyScript string

// latencyCells are the cells to measure: what a cell says its training took is not counted.
//
//go:embed latency/*.go.txt
var latencyCells embed.FS

// measured names the cells and the seconds each should not exceed on two processors. The second one is also the one
// that has to be there soon after the start of a kernel.
var measured = []struct {
	name, file string
	limit      float64
}{
	{"a trivial cell", "latency/1-trivial.go.txt", 0.4},
	{"a cell that plots", "latency/2-plot.go.txt", 1.2},
	{"a cell that trains and plots, beyond the training", "latency/3-train.go.txt", 1.2},
}

// Latency measures how fast cells come back, warm, and prints the median of n runs each next to what was aimed at.
// It judges nothing: on a machine that is busy with other things the figures mean little.
func Latency(ctx context.Context, p place.Place, n int, out io.Writer) error {
	var cells [][]any
	for _, m := range measured {
		source, err := latencyCells.ReadFile(m.file)
		if err != nil {
			return err
		}
		cells = append(cells, []any{m.name, string(source), m.limit})
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
	cmd := exec.CommandContext(ctx, install.VenvPython(p.Home), "-c", latencyScript, strconv.Itoa(n), strconv.Itoa(min(n, 5)), folder)
	cmd.Env = append(p.JupyterEnv(os.Environ()), supervise.RawErrorEnv+"=1")
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
	fmt.Fprintf(out, "%-52s %8s %8s %8s %6s %6s\n", "seconds", "median", "least", "most", "runs", "aim")
	for in := bufio.NewScanner(read); in.Scan(); {
		var r struct {
			Name                       string
			Median, Least, Most, Limit float64
			Runs                       int
		}
		if err := json.Unmarshal(in.Bytes(), &r); err != nil {
			return err
		}
		fmt.Fprintf(out, "%-52s %8.2f %8.2f %8.2f %6d %6.1f\n", r.Name, r.Median, r.Least, r.Most, r.Runs, r.Limit)
	}
	if err := wait(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("the measurement failed: %w\n%s", err, strings.TrimSpace(noise.String()))
	}
	return nil
}
