package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"
)

// memoryFlags are those of the command memory.
type memoryFlags struct {
	method, parameters string
	iterations         int
	limit              float64 // in GiB
	json               bool

	runs []memoryRun
}

// memoryChild is the first argument of the command in the process that makes one run; users do not give it.
const memoryChild = "-child"

// memory measures the memory of optimizers for a large θ, each run in a process of its own.
func memory(ctx context.Context, args []string) error {
	child := len(args) > 0 && args[0] == memoryChild
	if child {
		args = args[1:]
	}
	f, err := parseMemory(args)
	if err != nil {
		return err
	}
	if runtime.GOOS != "linux" {
		return fmt.Errorf("memory: this is %s, expected Linux, whose /proc tells the memory of a process", runtime.GOOS)
	}
	if child {
		go func() { // the other end closes when the command ends, however it does
			_, _ = io.Copy(io.Discard, os.Stdin)
			os.Exit(1)
		}()
		return f.runs[0].measure(ctx, func(r memoryRow) error { return printJSON(os.Stdout, r) })
	}
	return f.measureAll(ctx)
}

func parseMemory(args []string) (f memoryFlags, err error) {
	flags := flag.NewFlagSet("memory", flag.ContinueOnError)
	var names []string
	for _, m := range memoryMethods {
		names = append(names, m.name)
	}
	flags.StringVar(&f.method, "method", strings.Join(names, ","), "the optimizer, or several separated by commas")
	flags.StringVar(&f.parameters, "parameters", "2000000,4000000", "about how many parameters the network has, or several numbers separated by commas")
	flags.IntVar(&f.iterations, "iterations", 200, "iterations of each run; growth is that from the second quarter of them to the last")
	flags.Float64Var(&f.limit, "limit", 12, "stop a run that needs more than so many GiB")
	flags.BoolVar(&f.json, "json", false, "print one JSON object a line instead of a table")
	if err := flags.Parse(args); err != nil {
		return f, err
	}
	switch {
	case flags.NArg() > 0:
		return f, fmt.Errorf("memory: there is an argument %q, expected flags only", flags.Arg(0))
	case f.iterations < 20 || f.iterations%4 != 0:
		return f, fmt.Errorf("memory: -iterations is %d, expected a multiple of 4, at least 20", f.iterations)
	case !(f.limit > 0) || math.IsInf(f.limit, 0):
		return f, fmt.Errorf("memory: -limit is %v, expected a number of GiB above 0", f.limit)
	}
	for _, text := range strings.Split(f.parameters, ",") {
		parameters, err := strconv.Atoi(text)
		if err != nil || parameters < leastParameters {
			return f, fmt.Errorf("memory: -parameters is %q, expected whole numbers from %d, separated by commas", f.parameters, leastParameters)
		}
		for _, name := range strings.Split(f.method, ",") {
			i := slices.Index(names, name)
			if i < 0 {
				return f, fmt.Errorf("memory: -method is %q, expected some of %q, separated by commas", f.method, names)
			}
			f.runs = append(f.runs, memoryRun{memoryMethods[i], parameters, f.iterations})
		}
	}
	return f, nil
}

// measureAll makes the runs, prints what they needed, and says which targets are met. It fails when one is not.
func (f memoryFlags) measureAll(ctx context.Context) error {
	verdicts := os.Stderr
	if !f.json {
		verdicts = os.Stdout
		if err := printMemoryHead(os.Stdout); err != nil {
			return err
		}
	}
	var rows []memoryRow
	for i, m := range f.runs {
		fmt.Fprintf(os.Stderr, "run %d of %d: %s, P ≈ %d, %d iterations\n", i+1, len(f.runs), m.method.name, m.parameters, m.iterations)
		r, err := m.inChild(ctx, int64(f.limit*(1<<30)))
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		if err != nil {
			return fmt.Errorf("memory: %s, P ≈ %d: %w", m.method.name, m.parameters, err)
		}
		r.judge(m.method.peak)
		rows = append(rows, r)
		if f.json {
			err = printJSON(os.Stdout, r)
		} else {
			err = r.print(os.Stdout)
		}
		if err != nil {
			return err
		}
	}
	text, missed := memoryVerdict(rows)
	if _, err := fmt.Fprintln(verdicts, text); err != nil {
		return err
	}
	if missed > 0 {
		return fmt.Errorf("memory: %d of %d runs miss a target", missed, len(rows))
	}
	return nil
}

// inChild makes the run in a process of its own.
func (m memoryRun) inChild(ctx context.Context, limit int64) (memoryRow, error) {
	program, err := os.Executable()
	if err != nil {
		return memoryRow{}, err
	}
	cmd := exec.CommandContext(ctx, program, "memory", memoryChild, "-method", m.method.name,
		"-parameters", strconv.Itoa(m.parameters), "-iterations", strconv.Itoa(m.iterations))
	cmd.Stderr = os.Stderr
	return watch(cmd, limit)
}

// watchEvery is the time between two looks at the memory of a child: in it a process cannot take much more than the limit.
const watchEvery = 5 * time.Millisecond

// watch runs a process that prints rows, each with more figures than the one before, and returns the last. It ends the
// process when that has more resident memory than the limit in bytes. What ends before its time is a row that says so,
// unless there is no row yet.
func watch(cmd *exec.Cmd, limit int64) (memoryRow, error) {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return memoryRow{}, err
	}
	if _, err := cmd.StdinPipe(); err != nil { // a child ends when it closes, and that is when this process ends
		return memoryRow{}, err
	}
	if err := cmd.Start(); err != nil {
		return memoryRow{}, err
	}
	done, highest := make(chan struct{}), make(chan int64)
	go func() {
		highest <- guard(cmd.Process, limit, done)
	}()
	r, unreadable := lastRow(out)
	if unreadable != nil {
		_ = cmd.Process.Kill()
	}
	close(done)
	seen := <-highest
	failure := cmd.Wait()
	switch {
	case unreadable != nil:
		return r, unreadable
	case seen > limit:
		r.Stopped = fmt.Sprintf("above the limit of %.4g GiB", float64(limit)/(1<<30))
	case failure != nil: // killed by the kernel for want of memory, say
		r.Stopped = failure.Error()
	case r.Method == "":
		return r, errors.New("the child ended without a word")
	default:
		return r, nil
	}
	if r.Method == "" { // it had not begun
		return r, errors.New(r.Stopped)
	}
	stage := afterwards
	if r.Later == 0 {
		stage = firstIterations
	}
	r.peaked(stage, seen)
	return r, nil
}

// lastRow reads rows until there are no more, and returns the last.
func lastRow(from io.Reader) (r memoryRow, err error) {
	for lines := json.NewDecoder(from); ; {
		var next memoryRow
		err := lines.Decode(&next)
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF): // a line that was cut short says nothing
			return r, nil
		case err != nil:
			return r, fmt.Errorf("reading what the child printed: %w", err)
		}
		r = next
	}
}

// guard looks at the memory of a process until done is closed, kills it above the limit, and returns the most it saw.
func guard(process *os.Process, limit int64, done <-chan struct{}) (highest int64) {
	r, err := openResident(strconv.Itoa(process.Pid))
	if err != nil { // unguarded it must not go on
		_ = process.Kill()
		<-done
		return 0
	}
	defer r.close()
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return highest
		case <-tick.C:
		}
		now, err := r.bytes(residentNow) // an error when it has ended
		if err != nil {
			continue
		}
		if highest = max(highest, now); highest > limit {
			_ = process.Kill()
			<-done
			return highest
		}
	}
}
