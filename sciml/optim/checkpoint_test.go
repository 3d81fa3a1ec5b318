package optim_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

// resumable are methods whose runs are interrupted and resumed.
var resumable = map[string]optim.Method{
	"Adam":      optim.Adam{Rate: 0.01},
	"L-BFGS":    optim.LBFGS{Memory: 5},
	"SSBroyden": optim.SSBroyden{},
	"Hybrid": optim.Hybrid{
		{Method: optim.Adam{Rate: 0.01}, Until: optim.Iterations(12)}, {Method: optim.LBFGS{}, Until: optim.Iterations(15)}, {Method: optim.BFGS{}},
	},
}

// withoutTime is a history without what differs from run to run.
func withoutTime(h optim.History) optim.History {
	h.Records, h.Events = slices.Clone(h.Records), slices.Clone(h.Events)
	for i := range h.Records {
		h.Records[i].Seconds = 0
	}
	for i := range h.Events {
		h.Events[i].Seconds = 0
	}
	return h
}

// TestResume interrupts runs at several iterations; resumed they are the same as uninterrupted ones, bit for bit.
func TestResume(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		p := problems["Rosenbrock in R¹⁰"]
		for name, method := range resumable {
			stops := []int{1, 7, 20}
			if strings.HasSuffix(t.Name(), "/xla") {
				stops = stops[1:2]
			}
			monitor := func(_ context.Context, theta *tensors.Tensor) (map[string]float64, error) {
				return map[string]float64{"first": tensors.MustCopyFlatData[float64](theta)[0]}, nil
			}
			options := optim.Options{MaxIterations: 40, Monitor: monitor, MonitorEvery: 3}
			whole := minimize(t, p.objective(b), p.start, method, options)
			for _, stop := range stops {
				options.CheckpointPath = filepath.Join(t.TempDir(), "run")
				first := options
				first.MaxIterations = stop
				half := minimize(t, p.objective(b), p.start, method, first)
				c, err := optim.LoadCheckpoint(options.CheckpointPath)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(c.Result.Theta, half.Theta) || c.Result.Iterations != stop {
					t.Errorf("%s: the checkpoint has θ = %v after %d iterations, the run ended with %v after %d", name, c.Result.Theta, c.Result.Iterations, half.Theta, stop)
				}
				resumed, err := optim.Resume(context.Background(), p.objective(b), c, method, options)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(resumed.Theta, whole.Theta) || resumed.Loss != whole.Loss || resumed.Iterations != whole.Iterations || resumed.Evaluations != whole.Evaluations {
					t.Errorf("%s, resumed at %d: %s, want %s", name, stop, resumed, whole)
				}
				if got, want := withoutTime(resumed.History), withoutTime(whole.History); !reflect.DeepEqual(got, want) {
					t.Errorf("%s, resumed at %d: the history differs: %d and %d records", name, stop, len(got.Records), len(want.Records))
				}
				if resumed.Seconds < c.Result.Seconds {
					t.Errorf("%s: %v s in all, %v s before the interruption", name, resumed.Seconds, c.Result.Seconds)
				}
			}
		}
	})
}

func TestResumeErrors(t *testing.T) {
	b := pureGo(t)
	p := problems["Rosenbrock"]
	path := filepath.Join(t.TempDir(), "run")
	minimize(t, p.objective(b), p.start, optim.LBFGS{}, optim.Options{MaxIterations: 5, CheckpointPath: path})
	c, err := optim.LoadCheckpoint(path)
	if err != nil {
		t.Fatal(err)
	}
	resume := func(obj *objective.Objective, c *optim.Checkpoint, m optim.Method) error {
		_, err := optim.Resume(context.Background(), obj, c, m, optim.Options{})
		return err
	}
	wide := problems["Rosenbrock in R¹⁰"].objective(b)
	withData := energy(b)
	withoutData := *c
	withoutData.Dim = withData.Dim
	withoutData.Result.Theta = []float64{1, 1, 1}
	spoiled := *c
	spoiled.State = spoiled.State[:len(spoiled.State)/2]
	for word, err := range map[string]error{
		"checkpoint is nil":                resume(p.objective(b), nil, optim.LBFGS{}),
		`"L-BFGS", and cannot`:             resume(p.objective(b), c, optim.Adam{}),
		"2 parameters":                     resume(wide, c, optim.LBFGS{}),
		"shape":                            resume(p.objective(b), c, optim.LBFGS{Memory: 7}),
		"not fit L-BFGS as it is set now":  resume(p.objective(b), c, optim.LBFGS{Memory: 7}),
		"decoding the state":               resume(p.objective(b), &spoiled, optim.LBFGS{}),
		"0 stored tensors, expected 1, in": resume(withData, &withoutData, optim.LBFGS{}),
	} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v, want one that mentions %q", err, word)
		}
	}
}

// TestCheckpointFiles: a damaged file is refused by name.
func TestCheckpointFiles(t *testing.T) {
	p := problems["Rosenbrock"]
	path := filepath.Join(t.TempDir(), "run")
	minimize(t, p.objective(pureGo(t)), p.start, optim.Adam{}, optim.Options{MaxIterations: 5, CheckpointPath: path})
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	older := bytes.Replace(whole, []byte("checkpoint 2"), []byte("checkpoint 1"), 1)
	for word, c := range map[string]struct {
		content  []byte
		sentinel error
	}{
		"damaged":            {append(slices.Clone(whole[:len(whole)-1]), whole[len(whole)-1]^1), optim.ErrDamaged},
		"truncated":          {whole[:len(whole)/2], optim.ErrDamaged},
		"not a checkpoint":   {[]byte("a file of some other program, which is long enough to be one"), optim.ErrOtherKind},
		"not a checkpoint 2": {older, optim.ErrOtherKind},
	} {
		if err := os.WriteFile(path, c.content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := optim.LoadCheckpoint(path); !errors.Is(err, c.sentinel) || !strings.Contains(err.Error(), word) || !strings.Contains(err.Error(), path) {
			t.Errorf("error %v, want one that mentions %q and the file, and is %q", err, word, c.sentinel)
		}
	}
	if _, err := optim.LoadCheckpoint(path + "x"); err == nil {
		t.Error("a file that is not there is read")
	}
}

// TestCheckpointPlace: one that cannot be written to is found before anything is computed, and what is there stays.
func TestCheckpointPlace(t *testing.T) {
	p, dir := problems["Rosenbrock"], t.TempDir()
	good := filepath.Join(dir, "good")
	minimize(t, p.objective(pureGo(t)), p.start, optim.Adam{}, optim.Options{MaxIterations: 5, CheckpointPath: good})
	c, err := optim.LoadCheckpoint(good)
	if err != nil {
		t.Fatal(err)
	}
	monitor := func(context.Context, *tensors.Tensor) (map[string]float64, error) {
		t.Error("the run has begun")
		return nil, nil
	}
	data := filepath.Join(dir, "data.csv")
	if err := os.WriteFile(data, []byte("x,u\n1,2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, word := range map[string]string{
		data:                                 "is no checkpoint, and would be replaced: it starts with \"x,u",
		filepath.Join(dir, "missing", "run"): "no such", filepath.Join(good, "below"): "not a directory", dir: "folder", dir + "/": "no name", os.DevNull: "no regular",
	} {
		options := optim.Options{MaxIterations: 9, CheckpointPath: path, Monitor: monitor, MonitorEvery: 1}
		r, err := optim.Minimize(context.Background(), p.objective(pureGo(t)), p.start, optim.Adam{}, options)
		again, errAgain := optim.Resume(context.Background(), p.objective(pureGo(t)), c, optim.Adam{}, options)
		for _, err := range []error{err, errAgain} {
			if r != nil || again != nil || err == nil || !strings.Contains(err.Error(), word) || !strings.Contains(err.Error(), fmt.Sprintf("CheckpointPath is %q", path)) {
				t.Errorf("%q: result %v and %v, error %v, want one that mentions %q", path, r, again, err, word)
			}
		}
	}
	_, err = optim.Minimize(context.Background(), p.objective(pureGo(t)), append(p.start, 0), optim.Adam{}, optim.Options{CheckpointPath: good})
	if again, errAgain := optim.LoadCheckpoint(good); err == nil || errAgain != nil || !reflect.DeepEqual(again, c) {
		t.Errorf("a run that did not begin (%v) has left another checkpoint, error %v", err, errAgain)
	}
}

// TestCheckpointComesAndGoes: where it cannot be written for a while, the run goes on; where it cannot at the end, that is an
// error, and the result is whole.
func TestCheckpointComesAndGoes(t *testing.T) {
	p := problems["Rosenbrock in R¹⁰"]
	for name, back := range map[string]int{"it comes back": 20, "it stays away": 1000} {
		dir := filepath.Join(t.TempDir(), "folder")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		monitor := func(_ context.Context, theta *tensors.Tensor) (map[string]float64, error) {
			return map[string]float64{"first": tensors.MustCopyFlatData[float64](theta)[0]}, nil
		}
		options := optim.Options{MaxIterations: 40, Monitor: monitor, MonitorEvery: 1}
		whole := minimize(t, p.objective(pureGo(t)), p.start, optim.LBFGS{}, options)
		options.CheckpointPath, options.CheckpointEvery = filepath.Join(dir, "run"), time.Nanosecond
		options.OnProgress = func(h *optim.History) error {
			switch h.Last().Iteration {
			case 10:
				return os.RemoveAll(dir)
			case back:
				return os.Mkdir(dir, 0o755)
			}
			return nil
		}
		r, err := optim.Minimize(context.Background(), p.objective(pureGo(t)), p.start, optim.LBFGS{}, options)
		var said []string
		for _, e := range r.History.Events {
			said = append(said, e.Text)
		}
		r.History.Events = nil
		if !slices.Equal(r.Theta, whole.Theta) || !reflect.DeepEqual(r.Metrics, whole.Metrics) || !reflect.DeepEqual(withoutTime(r.History), withoutTime(whole.History)) {
			t.Errorf("%s: %s, without it %s", name, r, whole)
		}
		if back > 40 {
			if err == nil || !errors.Is(err, fs.ErrNotExist) || r.Status != optim.Failed || len(said) != 1 || !strings.Contains(said[0], "could not be written") {
				t.Errorf("%s: %s, error %v, events %q", name, r, err, said)
			}
			continue
		}
		if c, errLoad := optim.LoadCheckpoint(options.CheckpointPath); err != nil || errLoad != nil || c.Result.Iterations != 40 || len(said) != 2 {
			t.Errorf("%s: %s, errors %v and %v, events %q", name, r, err, errLoad, said)
		}
	}
}

// shifting is an adaptation that sets the data to the number of iterations, every three of them.
type shifting struct {
	calls []int
	stuck int
	data  []float64 // the last ones
}

func (s *shifting) Begin() objective.Adapter { return s }

func (s *shifting) Every() int { return 3 }

func (s *shifting) Adapt(ctx context.Context, now objective.Iterate) ([]*tensors.Tensor, error) {
	if now.Stuck {
		s.stuck++
	}
	s.calls = append(s.calls, now.Iteration)
	s.data = []float64{1, 4, 10 + float64(now.Iteration)}
	return []*tensors.Tensor{tensors.FromValue(s.data)}, nil
}

func (s *shifting) Save() ([]byte, error) {
	return binary.BigEndian.AppendUint64(nil, uint64(len(s.calls))), nil
}

func (s *shifting) Load(saved []byte) error {
	if n := binary.BigEndian.Uint64(saved); len(saved) != 8 {
		return fmt.Errorf("%d calls", n)
	}
	return nil
}

// TestAdaptation: a changed objective is minimized from where the iterate is, and the result is one of the last one.
func TestAdaptation(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for name, method := range map[string]optim.Method{
			"Adam": optim.Adam{Rate: 0.1}, "L-BFGS": optim.LBFGS{}, "SSBroyden": optim.SSBroyden{},
			"Hybrid": optim.Hybrid{{Method: optim.Adam{Rate: 0.1}, Until: optim.Iterations(4)}, {Method: optim.LBFGS{}}},
		} {
			obj := energy(b)
			s := &shifting{}
			obj.Adaptation = s
			r := minimize(t, obj, []float64{1, 1, 1}, method, optim.Options{MaxIterations: 10})
			want := []int{0, 3, 6, 9}
			if name == "Adam" && !slices.Equal(s.calls, want) {
				t.Errorf("%s: adapted at %v, want %v", name, s.calls, want)
			}
			f := func(theta []float64) float64 {
				total := 0.0
				for i, d := range s.data {
					total += 0.5*d*theta[i]*theta[i] - theta[i]
				}
				return total
			}
			if got := f(r.Theta); r.Loss < got-1e-12 || r.Loss > got+1e-12 {
				t.Errorf("%s: the loss is %v, of the last objective it would be %v", name, r.Loss, got)
			}
			for i, rec := range r.History.Records {
				if rec.Iteration != i {
					t.Errorf("%s: record %d says iteration %d", name, i, rec.Iteration)
				}
			}
			if len(r.History.Records) < r.Iterations || len(r.History.Records) > r.Iterations+1 {
				t.Errorf("%s: %d records of %d iterations", name, len(r.History.Records), r.Iterations)
			}
		}
	})
}

// TestStuckMethodsAreHelped: at a kink the search finds no decrease, and the gradient is not zero.
func TestStuckMethodsAreHelped(t *testing.T) {
	obj := energy(pureGo(t))
	obj.Loss = func(theta *graph.Node, data []*graph.Node) *graph.Node {
		return graph.ReduceAllSum(graph.Abs(graph.AddScalar(graph.Mul(data[0], theta), -0.3)))
	}
	s := &shifting{}
	obj.Adaptation = s
	r := minimize(t, obj, []float64{1.1, 0.7, 0.3}, optim.LBFGS{}, optim.Options{MaxIterations: 60, MaxTime: time.Minute})
	if s.stuck == 0 || len(r.History.Events) == 0 {
		t.Errorf("%s after being stuck %d times, adapted at %v; want a change out of turn", r, s.stuck, s.calls)
	}
}

// TestCancelRightAfterAChange: the iterate is kept, although the changed objective was not evaluated there yet.
func TestCancelRightAfterAChange(t *testing.T) {
	for name, method := range methods {
		obj := energy(pureGo(t))
		ctx, cancel := context.WithCancel(context.Background())
		obj.Adaptation = &canceling{shifting{}, cancel}
		r, err := optim.Minimize(ctx, obj, []float64{1, 1, 1}, method, optim.Options{MaxIterations: 100})
		if err != nil {
			t.Fatal(err)
		}
		if r.Status != optim.Canceled || slices.Equal(r.Theta, []float64{1, 1, 1}) || math.IsInf(r.Loss, 0) {
			t.Errorf("%s: θ = %v, %s; want an iterate and its loss", name, r.Theta, r)
		}
	}
}

// canceling cancels the run when it has adapted after some iterations.
type canceling struct {
	shifting
	cancel context.CancelFunc
}

func (c *canceling) Begin() objective.Adapter { return c }

func (c *canceling) Adapt(ctx context.Context, now objective.Iterate) ([]*tensors.Tensor, error) {
	if now.Iteration > 0 {
		c.cancel()
	}
	return c.shifting.Adapt(ctx, now)
}
