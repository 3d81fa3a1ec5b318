package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/gosciml/gosciml/internal/atomicfile"
	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
)

// compileChild is the first argument of the command in the process that makes one run; users do not give it.
const compileChild = "-child"

// compileProblems are those of the published table.
const compileProblems = "poisson2d,burgers,kdv-soliton,helmholtz"

// compileRun is what one process did, from nothing to two iterations.
type compileRun struct {
	Network   string            `json:"network"`
	FirstStep float64           `json:"first_step"` // seconds since Solve was called
	Programs  []backend.Program `json:"programs"`
}

// compileCommand measures what the first step of a training waits for: each problem in a process with an empty cache of compiled
// programs, and then in one with the same cache.
func compileCommand(ctx context.Context, args []string) error {
	child := len(args) > 0 && args[0] == compileChild
	if child {
		args = args[1:]
	}
	flags := flag.NewFlagSet("compile", flag.ContinueOnError)
	problem := flags.String("problem", compileProblems, "keys of problems, separated by commas")
	asJSON := flags.Bool("json", false, "print one JSON object a line instead of a table")
	page := flags.String("page", "", fmt.Sprintf("also write the table into this file, between the lines %q and %q", pageBegin, pageEnd))
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("compile: there is an argument %q, expected flags only", flags.Arg(0))
	}
	chosen, err := chosenProblems(*problem)
	if err != nil {
		return err
	}
	if child {
		r, err := firstStep(ctx, chosen[0])
		if err != nil {
			return err
		}
		return printJSON(os.Stdout, r)
	}
	if *page != "" { // said before the measurement, not after it
		if err := writeBetween(*page, nil); err != nil {
			return err
		}
	}
	var rows []compileRow
	for i, p := range chosen {
		fmt.Fprintf(os.Stderr, "%d of %d: %s\n", i+1, len(chosen), p.Key)
		r, err := measureCompiling(ctx, p)
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		if err != nil {
			return fmt.Errorf("compile: %s: %w", p.Key, err)
		}
		rows = append(rows, r)
		if *asJSON {
			if err := printJSON(os.Stdout, r); err != nil {
				return err
			}
		}
	}
	if !*asJSON {
		if _, err := fmt.Print(compileTables(rows)); err != nil {
			return err
		}
	}
	if *page == "" {
		return nil
	}
	return writeBetween(*page, rows)
}

// firstStep makes two iterations, with everything as Solve chooses it.
func firstStep(ctx context.Context, p *pde.Problem) (compileRun, error) {
	if report := backend.Inspect(); report.WhyNoCache != "" {
		return compileRun{}, fmt.Errorf("compiled programs are not kept here, so there is nothing to list: %s", report.WhyNoCache)
	}
	if p.Exact == nil { // it is no part of a first step
		if _, err := p.Solution(ctx); err != nil {
			return compileRun{}, err
		}
	}
	var r compileRun
	start := time.Now()
	s, err := sciml.Solve(ctx, p, sciml.Options{Seed: 1, Iterations: 2, OnProgress: func(h *optim.History) error {
		if r.FirstStep == 0 && len(h.Records) > 1 { // the first is that of the start
			r.FirstStep = time.Since(start).Seconds()
		}
		return nil
	}})
	if err != nil {
		return r, err
	}
	r.Network, r.Programs = row{Network: s.Model().Network().String()}.core(), backend.Programs()
	if r.FirstStep == 0 || len(r.Programs) == 0 {
		return r, fmt.Errorf("the training made no step or no program: %s", s.Result.Message)
	}
	return r, nil
}

// measureCompiling makes the two runs of a problem.
func measureCompiling(ctx context.Context, p *pde.Problem) (compileRow, error) {
	cache, err := os.MkdirTemp("", "gosciml-programs-")
	if err != nil {
		return compileRow{}, err
	}
	defer os.RemoveAll(cache)
	cold, err := compileInChild(ctx, p, cache)
	if err != nil {
		return compileRow{}, fmt.Errorf("cold: %w", err)
	}
	warm, err := compileInChild(ctx, p, cache)
	if err != nil {
		return compileRow{}, fmt.Errorf("warm: %w", err)
	}
	return compileRowOf(p, cold, warm)
}

// compileInChild makes a run in a process of its own.
func compileInChild(ctx context.Context, p *pde.Problem, cache string) (r compileRun, err error) {
	program, err := os.Executable()
	if err != nil {
		return r, err
	}
	cmd := exec.CommandContext(ctx, program, "compile", compileChild, "-problem", p.Key)
	cmd.Env = append(os.Environ(), backend.CacheEnv+"="+cache)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(out, &r); err != nil {
		return r, fmt.Errorf("reading what the child printed: %w", err)
	}
	return r, nil
}

// Lines of a page between which the command writes.
const (
	pageBegin = "<!-- measured by go run ./bench compile -->"
	pageEnd   = "<!-- end of what was measured -->"
)

// writeBetween puts the tables into a page. Without rows it only says whether it could.
func writeBetween(path string, rows []compileRow) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	head, rest, begun := strings.Cut(string(text), pageBegin+"\n")
	_, tail, ended := strings.Cut(rest, pageEnd)
	if !begun || !ended {
		return fmt.Errorf("compile: %s has no lines %q and %q after each other, between which to write", path, pageBegin, pageEnd)
	}
	if rows == nil {
		return atomicfile.Check(path)
	}
	var page bytes.Buffer
	fmt.Fprintf(&page, "%s%s\n\n%s\n%s\n%s%s", head, pageBegin, compileMachine(), compileTables(rows), pageEnd, tail)
	return atomicfile.Write(path, page.Bytes(), 0o644)
}
