package optim

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// restless is an Auto that goes on to another of its candidates every few iterations, in an order that has each change
// between two of them, and counts the changes in its Patience.
type restless struct{ Auto }

type restlessPlan struct {
	*automatic
	order []int
}

func (r restless) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	s, err := r.Auto.Start(obj, theta)
	if err != nil {
		return nil, err
	}
	phased := s.(*phasedStepper)
	plan := restlessPlan{automatic: phased.plan.(*automatic)}
	for i := range plan.candidates {
		for j := range i {
			plan.order = append(plan.order, j, i)
		}
	}
	phased.plan = plan
	return s, nil
}

func (p restlessPlan) next(int) int { return 4 }

func (p restlessPlan) leave(*course, *tensors.Tensor) (string, error) {
	for p.State.Next = p.State.At; p.State.Next == p.State.At; p.State.Patience++ {
		p.State.Next = p.order[int(p.State.Patience)%len(p.order)]
	}
	return "for a change", nil
}

// saved runs a method to the end, and returns what it told, and the checkpoint after each iteration, from none on.
func saved(t *testing.T, obj *objective.Objective, start []float64, m func() Method, options Options) (string, []*Checkpoint) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "run")
	load := func() *Checkpoint {
		c, err := LoadCheckpoint(path)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	options.CheckpointPath, options.CheckpointEvery, options.MonitorEvery = path, time.Nanosecond, 1
	none, cancel := context.WithCancel(context.Background())
	begun := options
	begun.Monitor = func(context.Context, *tensors.Tensor) (map[string]float64, error) {
		cancel()
		return nil, nil
	}
	if r, err := Minimize(none, obj, start, m(), begun); err != nil || r.Iterations > 0 {
		t.Fatalf("canceled before the first iteration: %v, error %v", r, err)
	}
	all := []*Checkpoint{load()}
	options.OnProgress = func(h *History) error {
		if c := load(); c.Result.Iterations > all[len(all)-1].Result.Iterations {
			all = append(all, c) // of the Advance before
		}
		return nil
	}
	r, err := Minimize(context.Background(), obj, start, m(), options)
	return told(t, r, err), all
}

// told is all that a run tells, a line each, but for the times.
func told(t *testing.T, r *Result, err error) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "θ = %v, f = %v, %s: %s, %d evaluations\n", r.Theta, r.Loss, r.Status, r.Message, r.Evaluations)
	for _, rec := range r.History.Records {
		rec.Seconds = 0
		fmt.Fprintf(&b, "%+v\n", rec)
	}
	fmt.Fprintln(&b)
	for _, e := range r.History.Events {
		fmt.Fprintln(&b, e.Iteration, e.Text)
	}
	return b.String()
}

// same compares what two runs told.
func same(t *testing.T, what, got, want string) {
	t.Helper()
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range g {
		if i >= len(w) || g[i] != w[i] {
			t.Errorf("%s: %d lines, the first other one is\n%s\nof %d lines, expected\n%s", what, len(g), g[i], len(w), w[min(i, len(w)-1)])
			return
		}
	}
	if len(g) < len(w) {
		t.Errorf("%s: %d lines, expected %d", what, len(g), len(w))
	}
}

// TestResumeEveryMethod: a run that was killed at its start, after an iteration, in the middle, or around a change of its
// method goes on as if nothing had happened, while points move.
func TestResumeEveryMethod(t *testing.T) {
	b := goBackend(t)
	for name := range everyMethod() {
		if strings.Contains(name, "gonum") {
			continue // is refused
		}
		t.Run(name, func(t *testing.T) {
			obj, start := curve(b, dtypes.Float64, false)
			obj.Adaptation = &mixing{given: obj.Data}
			method := func() Method { return everyMethod()[name] }
			options := Options{MaxIterations: 11}
			whole, all := saved(t, obj, start, method, options)
			resumeFrom(t, obj, whole, all, []int{0, 1, len(all) / 2}, method, options)
		})
	}
}

// TestResumeAuto: in each of its phases, right before and after each change, and where a method that has rested goes on.
func TestResumeAuto(t *testing.T) {
	squares, start := curve(goBackend(t), dtypes.Float64, false)
	squares.Adaptation = &mixing{given: squares.Data}
	plain, _ := curve(goBackend(t), dtypes.Float64, false)
	plain.Loss, plain.Pieces = squares.BuildLoss, nil
	for name, c := range map[string]struct {
		obj     *objective.Objective
		changes int
	}{"least squares": {squares, 6}, "a plain loss": {plain, 2}} {
		t.Run(name, func(t *testing.T) {
			options := Options{MaxIterations: 36}
			method := func() Method { return restless{Auto{}} }
			whole, all := saved(t, c.obj, start, method, options)
			seen := map[string]bool{}
			records := all[len(all)-1].Result.History.Records
			for i := 1; i < len(records); i++ {
				if records[i-1].Phase != records[i].Phase {
					seen[records[i-1].Phase+" → "+records[i].Phase] = true
				}
			}
			if len(seen) != c.changes {
				t.Fatalf("there are the changes %v, want %d", seen, c.changes)
			}
			resumeFrom(t, c.obj, whole, all, []int{0, 1}, method, options)
		})
	}
}

// TestResumeCut: a run may end in the middle of an iteration, where it does not wait for a program or a graph. What was done of
// that is done again: evaluations are more then, and remarks are told at another time.
func TestResumeCut(t *testing.T) {
	b := backendtest.Watch(goBackend(t))
	squares, start := curve(b, dtypes.Float64, false)
	squares.Adaptation = &mixing{given: squares.Data}
	plain, _ := curve(b, dtypes.Float64, false)
	plain.Loss, plain.Pieces = squares.BuildLoss, nil
	but := func(told string) string {
		iterates, _, _ := strings.Cut(told, "\n\n")
		return evaluations.ReplaceAllString(iterates, "")
	}
	cut := func(name string, obj *objective.Objective, method func() Method, iterations, every int) {
		options := Options{MaxIterations: iterations}
		calls, known := 0, map[string]bool{}
		var first []int // the calls of a program that has to be compiled for that
		b.Fail = func(program string) error {
			if calls++; !known[program] {
				known[program], first = true, append(first, calls)
			}
			return nil
		}
		r, err := Minimize(context.Background(), obj, start, method(), options)
		whole := but(told(t, r, err))
		for at := 1; at <= calls; at++ {
			compiles := slices.Contains(first, at)
			if !compiles && at%every != 0 {
				continue
			}
			last := options
			last.CheckpointPath = filepath.Join(t.TempDir(), "run")
			ctx, cancel := context.WithCancel(context.Background())
			made := 0
			b.Fail = func(program string) error {
				if made++; made < at {
					return nil
				}
				cancel()
				if compiles {
					return &device.Interrupted{What: program, Cause: ctx.Err()}
				}
				return nil
			}
			_, err := Minimize(ctx, obj, start, method(), last)
			b.Fail = nil
			if err != nil {
				t.Fatalf("%s, call %d: %v", name, at, err)
			}
			c, err := LoadCheckpoint(last.CheckpointPath)
			if errors.Is(err, fs.ErrNotExist) {
				continue // in the start
			}
			r, err := Resume(context.Background(), obj, c, method(), options)
			same(t, fmt.Sprintf("%s, cut in call %d (compiles: %v) after %d iterations, and resumed", name, at, compiles, c.Result.Iterations), but(told(t, r, err)), whole)
		}
	}
	for name := range everyMethod() {
		if !strings.Contains(name, "gonum") {
			cut(name, squares, func() Method { return everyMethod()[name] }, 9, 41)
		}
	}
	for name, obj := range map[string]*objective.Objective{"restless, least squares": squares, "restless, a plain loss": plain} {
		cut(name, obj, func() Method { return restless{Auto{}} }, 27, 4)
	}
	cut("auto, a plain loss", plain, func() Method { return Auto{WarmUp: 3} }, 12, 1)
}

var evaluations = regexp.MustCompile(`, \d+ evaluations|Evaluations:\d+`)

// resumeFrom resumes from the checkpoints with the given numbers, and around each change of the phase.
func resumeFrom(t *testing.T, obj *objective.Objective, whole string, all []*Checkpoint, at []int, m func() Method, options Options) {
	t.Helper()
	for i, c := range all {
		changes := func(i int) bool {
			return i > 0 && i < len(all) && len(all[i].Result.History.Events) > len(all[i-1].Result.History.Events)
		}
		if !slices.Contains(at, i) && !changes(i) && !changes(i+1) {
			continue
		}
		r, err := Resume(context.Background(), obj, c, m(), options)
		same(t, fmt.Sprintf("resumed after %d iterations", c.Result.Iterations), told(t, r, err), whole)
	}
}
