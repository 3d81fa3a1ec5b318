package sciml_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
	"github.com/gosciml/gosciml/sciml/sample"
)

// tiny are options for a training whose iterations cost next to nothing. Conditions are penalized, so that there are
// several terms to weigh.
func tiny(t testing.TB, b compute.Backend, method optim.Method) sciml.Options {
	t.Helper()
	network, err := nn.NewMLP(nn.Tanh, 2, 5, 1)
	if err != nil {
		t.Fatal(err)
	}
	return sciml.Options{Backend: b, Network: network, Method: method, Seed: 3, Loss: pinn.Options{Interior: 30, Boundary: 12, Soft: true}}
}

// identical compares all of two trainings but the time they took.
func identical(t *testing.T, got, want *sciml.Solution) {
	t.Helper()
	a, b := got.Result, want.Result
	if !slices.Equal(a.Theta, b.Theta) || a.Loss != b.Loss || a.Iterations != b.Iterations || a.Evaluations != b.Evaluations || a.Status != b.Status {
		t.Errorf("got %s with %d evaluations, want %s with %d", got, a.Evaluations, want, b.Evaluations)
	}
	if !maps.Equal(a.Metrics, b.Metrics) {
		t.Errorf("got the metrics %v, want %v", a.Metrics, b.Metrics)
	}
	same := func(x, y optim.Record) bool {
		return x.Iteration == y.Iteration && x.Loss == y.Loss && x.GradientNorm == y.GradientNorm && x.Step == y.Step &&
			x.Evaluations == y.Evaluations && x.Phase == y.Phase && maps.Equal(x.Metrics, y.Metrics)
	}
	if !slices.EqualFunc(a.History.Records, b.History.Records, same) {
		first := slices.IndexFunc(a.History.Records, func(r optim.Record) bool {
			return r.Iteration >= len(b.History.Records) || !same(r, b.History.Records[r.Iteration])
		})
		t.Errorf("histories of %d and %d records differ, from record %d on", len(a.History.Records), len(b.History.Records), first)
	}
	if !slices.EqualFunc(a.History.Events, b.History.Events, func(x, y optim.Event) bool {
		return x.Iteration == y.Iteration && x.Text == y.Text
	}) {
		t.Errorf("got the events %v, want %v", a.History.Events, b.History.Events)
	}
}

// TestResume interrupts trainings in all ways that there are, and compares the outcome with that of one that went
// through.
func TestResume(t *testing.T) {
	adaptive := pinn.Options{Weighting: pinn.GradNorm{}, WeightEvery: 15, Refiner: sample.RAD{}, RefineEvery: 40}
	const everything = "adaptive hybrid"
	hybrid := optim.Hybrid{
		{Method: optim.Adam{Rate: 5e-3}, Until: optim.AnyOf{optim.Iterations(400), optim.Stalled{}}}, {Method: optim.SSBroyden{}},
	}
	cases := map[string]struct {
		method     optim.Method
		loss       pinn.Options
		width      int
		iterations int
	}{
		"Adam":            {optim.Adam{}, pinn.Options{}, 5, 300},
		"L-BFGS":          {optim.LBFGS{}, pinn.Options{}, 5, 200},
		"hybrid":          {hybrid, pinn.Options{}, 5, 500},
		"adaptive Adam":   {optim.Adam{}, adaptive, 5, 300},
		"adaptive L-BFGS": {optim.LBFGS{}, adaptive, 5, 200},
		everything:        {hybrid, adaptive, 5, 500},
	}
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for name, c := range cases {
			compiles := b.String() != pureGo(t).String()
			if compiles && name != everything {
				continue // it takes seconds to compile
			}
			t.Run(name, func(t *testing.T) {
				options := tiny(t, b, c.method)
				var err error
				if options.Network, err = nn.NewMLP(nn.Tanh, 2, c.width, 1); err != nil {
					t.Fatal(err)
				}
				options.Seed, options.Iterations = 0, c.iterations
				l := &options.Loss
				l.Weighting, l.WeightEvery, l.Refiner, l.RefineEvery = c.loss.Weighting, c.loss.WeightEvery, c.loss.Refiner, c.loss.RefineEvery
				interrupted(t, options, compiles)
			})
		}
	})
}

// interrupted makes a training in one piece and in several: brief says in two.
func interrupted(t *testing.T, options sciml.Options, brief bool) {
	iterations := options.Iterations
	through := solve(t, pde.Poisson2D(), options)
	if through.Result.Status != optim.IterationLimit {
		t.Fatalf("the training that goes through does not: %s", through)
	}
	if _, hybrid := options.Method.(optim.Hybrid); hybrid && through.Result.History.Last().Phase != "SSBroyden" {
		t.Fatalf("the training never leaves its first phase: %s", through)
	}

	options.Checkpoint = filepath.Join(t.TempDir(), "checkpoint")
	options.Iterations = iterations/5 + 1 // ends by its limit
	solve(t, pde.Poisson2D(), options)

	options.Iterations = iterations
	options.Seed, options.Network = 99, nil // are taken from the file
	resume := func(ctx context.Context, want optim.Status) *sciml.Solution {
		t.Helper()
		s, err := sciml.Resume(ctx, options.Checkpoint, pde.Poisson2D(), options)
		if err != nil {
			t.Fatal(err)
		}
		if s.Result.Status != want {
			t.Fatalf("the resumed training ended otherwise: %s", s)
		}
		return s
	}
	stopAfter := func(share float64, stop func() error) {
		options.OnProgress = func(h *optim.History) error {
			if float64(len(h.Records)) > share*float64(iterations) {
				return stop()
			}
			return nil
		}
	}
	if !brief {
		stopAfter(0.4, func() error { return optim.ErrStop })
		resume(context.Background(), optim.CallbackStopped)
		ctx, cancel := context.WithCancel(context.Background())
		stopAfter(0.75, func() error { cancel(); return nil })
		s := resume(ctx, optim.Canceled)
		if done := s.Result.Iterations; done <= iterations/2 || done >= iterations {
			t.Fatalf("the third part ended after %d of %d iterations", done, iterations)
		}
		options.OnProgress = nil
	}
	identical(t, resume(context.Background(), optim.IterationLimit), through)
	if brief {
		return
	}
	options.Iterations += 20 // what has come to its end goes on
	if s := resume(context.Background(), optim.IterationLimit); s.Result.Iterations != iterations+20 {
		t.Errorf("with a larger limit: %s", s)
	}
}

// TestResumeMovingPointsAndWeights: what any scheme remembers comes back.
func TestResumeMovingPointsAndWeights(t *testing.T) {
	resume := func(name string, problem func() *pde.Problem, change func(o *pinn.Options)) {
		t.Run(name, func(t *testing.T) {
			options := tiny(t, pureGo(t), optim.Adam{})
			options.Loss.WeightEvery, options.Loss.RefineEvery = 3, 5
			change(&options.Loss)
			options.Iterations = 40
			through := solve(t, problem(), options)
			options.Checkpoint = filepath.Join(t.TempDir(), "checkpoint")
			for _, options.Iterations = range []int{3, 20, 40} { // a change is due at 3, and one of each at 20
				if _, err := os.Stat(options.Checkpoint); errors.Is(err, fs.ErrNotExist) {
					solve(t, problem(), options)
					continue
				}
				s, err := sciml.Resume(context.Background(), options.Checkpoint, problem(), options)
				if err != nil {
					t.Fatal(err)
				}
				if options.Iterations == 40 {
					identical(t, s, through)
				}
			}
		})
	}
	weightings := []pinn.Weighting{
		pinn.SelfAdaptive{}, pinn.ResidualAttention{}, pinn.GradientAnnealing{}, pinn.GradNorm{}, pinn.NTKWeights{}, pinn.ReLoBRaLo{},
	}
	for i, r := range []sample.Refiner{sample.R3{}, sample.RAD{}, sample.RAR{}, sample.RARD{}, sample.Redraw{}} {
		resume(r.Name(), pde.Poisson2D, func(o *pinn.Options) {
			o.Refiner, o.Weighting = r, weightings[i]
			switch r.(type) {
			case sample.RAR, sample.RARD:
				o.Active = 12
			}
		})
	}
	for _, w := range weightings {
		resume(w.Name(), pde.Poisson2D, func(o *pinn.Options) { o.Weighting = w })
	}
	resume("causal weights", pde.Heat1D, func(o *pinn.Options) { o.Weighting = pinn.Causal{Slabs: 3, Done: 0.1} })
}

// TestResumeAnInverseProblem: coefficients, periods and the ansatz come back as well.
func TestResumeAnInverseProblem(t *testing.T) {
	p := wave(t)
	p.Suggested.Hidden = []int{4}
	options := sciml.Options{Backend: pureGo(t), Method: optim.LBFGS{}, Iterations: 40, Loss: pinn.Options{Interior: 20, Boundary: 6}}
	through := solve(t, p, options)
	options.Checkpoint, options.Iterations = filepath.Join(t.TempDir(), "checkpoint"), 13
	solve(t, p, options)
	options.Iterations = 40
	s, err := sciml.Resume(context.Background(), options.Checkpoint, wave(t), options)
	if err != nil {
		t.Fatal(err)
	}
	identical(t, s, through)
	a, _ := s.Coefficients()
	if b, _ := through.Coefficients(); a["speed"] != b["speed"] || a["speed"] == 0.5 {
		t.Errorf("the coefficients are %v and %v", a, b)
	}
}

func TestResumeOfSomethingElse(t *testing.T) {
	begin := func() sciml.Options {
		options := tiny(t, pureGo(t), optim.LBFGS{})
		options.Iterations = 5
		return options
	}
	options := begin()
	path := filepath.Join(t.TempDir(), "checkpoint")
	options.Checkpoint = path
	s := solve(t, pde.Poisson2D(), options)
	sines, err := nn.NewMLP(nn.Sine, 2, 5, 1)
	if err != nil {
		t.Fatal(err)
	}
	edges := pde.Poisson2D().Conditions[0].Name
	refuses := func(path string, problem *pde.Problem, options sciml.Options, words ...string) {
		t.Helper()
		got, err := sciml.Resume(context.Background(), path, problem, options)
		for _, word := range words {
			if got != nil || err == nil || !strings.Contains(err.Error(), word) {
				t.Errorf("%v and the error %v, want one that mentions %q", got, err, word)
			}
		}
	}
	for word, change := range map[string]func(o *sciml.Options){
		"Options.Method is Adam, expected L-BFGS":                                func(o *sciml.Options) { o.Method = optim.Adam{} },
		"Options.Method is auto, expected L-BFGS":                                func(o *sciml.Options) { o.Method = nil },
		"Options.Loss.Interior is 31, expected 30":                               func(o *sciml.Options) { o.Loss.Interior = 31 },
		"Options.Loss.Boundary is 120, expected 12":                              func(o *sciml.Options) { o.Loss.Boundary = 0 },
		"Options.Loss.BoundaryWeight is 3, expected":                             func(o *sciml.Options) { o.Loss.BoundaryWeight = 3 },
		"Options.Loss.Soft is false, expected true":                              func(o *sciml.Options) { o.Loss.Soft = false },
		"Options.Loss.DType is Float32, expected Float64":                        func(o *sciml.Options) { o.Loss.DType = dtypes.Float32 },
		"Options.Network is MLP 2-5-1 sin, expected MLP 2-5-1 tanh":              func(o *sciml.Options) { o.Network = sines },
		"Options.Loss.Refiner is RAD every 500 iterations, expected none":        func(o *sciml.Options) { o.Loss.Refiner = sample.RAD{} },
		"Options.Loss.Weighting is GradNorm every 100 iterations, expected none": func(o *sciml.Options) { o.Loss.BoundaryWeight, o.Loss.Weighting = 100, pinn.GradNorm{} },
		"Options.Loss.Form is deep Ritz, expected strong form":                   func(o *sciml.Options) { o.Loss.Form = pinn.DeepRitz{} },
		"Options.Loss.Weights is map[" + edges + ":2], expected map[]":           func(o *sciml.Options) { o.Loss.Weights = map[string]float64{edges: 2} },
		"Options.Iterations is -1":                                               func(o *sciml.Options) { o.Iterations = -1 },
	} {
		options := begin()
		change(&options)
		refuses(path, pde.Poisson2D(), options, word)
	}
	refuses(path, pde.Helmholtz(1, 4, 1), begin(), path, `is one of "Poisson 2D", and cannot be resumed with "`)
	fewer := pde.Poisson2D()
	fewer.Conditions = nil
	refuses(path, fewer, begin(), path, "has the equations and conditions", "expected", edges)
	renamed := pde.Poisson2D()
	renamed.Equations[0].Name = "other"
	refuses(path, renamed, begin(), path, `"other"`)
	other := begin()
	other.Method = optim.LBFGS{Memory: 3}
	refuses(path, pde.Poisson2D(), other, "does not fit L-BFGS as it is set now, expected the settings")
	refuses(path, nil, begin(), "problem is nil")
	refuses(stored(t, s), pde.Poisson2D(), begin(), "is not a checkpoint")
	refuses(path+"x", pde.Poisson2D(), begin(), path+"x", "no such file")

	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged := filepath.Join(t.TempDir(), "damaged")
	for word, bad := range map[string][]byte{"is truncated": content[:len(content)/2], "is damaged": append(bytes.Clone(content[:len(content)-1]), content[len(content)-1]^1)} {
		if err := os.WriteFile(damaged, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		refuses(damaged, pde.Poisson2D(), begin(), damaged, word)
	}

	checkpoint, err := optim.LoadCheckpoint(path)
	if err != nil {
		t.Fatal(err)
	}
	checkpoint.Extra = nil // as of optim.Minimize
	bare := filepath.Join(t.TempDir(), "bare")
	if err := checkpoint.Save(bare); err != nil {
		t.Fatal(err)
	}
	refuses(bare, pde.Poisson2D(), begin(), bare, "was not made by Solve")
}

// TestResumeANetworkThatCannotBeStored needs the network in the options.
func TestResumeANetworkThatCannotBeStored(t *testing.T) {
	options := tiny(t, pureGo(t), optim.LBFGS{})
	options.Network = other{options.Network.(*nn.MLP)}
	options.Iterations = 20
	through := solve(t, pde.Poisson2D(), options)
	path := filepath.Join(t.TempDir(), "checkpoint")
	options.Checkpoint, options.Iterations = path, 7
	solve(t, pde.Poisson2D(), options)
	options.Iterations = 20
	s, err := sciml.Resume(context.Background(), path, pde.Poisson2D(), options)
	if err != nil {
		t.Fatal(err)
	}
	identical(t, s, through)
	options.Network = nil
	if _, err := sciml.Resume(context.Background(), path, pde.Poisson2D(), options); err == nil || !strings.Contains(err.Error(), "expected it in Options.Network") {
		t.Errorf("without the network: error %v", err)
	}
}

// TestCheckpointThatCannotBeWritten: that is found before the network is built, by Resume too.
func TestCheckpointThatCannotBeWritten(t *testing.T) {
	options := tiny(t, pureGo(t), optim.LBFGS{})
	options.Iterations = 3
	options.Checkpoint = filepath.Join(t.TempDir(), "good")
	solve(t, pde.Poisson2D(), options)
	good := options.Checkpoint
	options.Network, options.Checkpoint = nil, filepath.Join(t.TempDir(), "no such folder", "checkpoint")
	options.Loss.Interior = -1 // is looked at later
	s, err := sciml.Solve(context.Background(), pde.Poisson2D(), options)
	again, errAgain := sciml.Resume(context.Background(), good, pde.Poisson2D(), options)
	for _, err := range []error{err, errAgain} {
		if err == nil || !strings.Contains(err.Error(), "Options.Checkpoint is \""+options.Checkpoint) || s != nil || again != nil {
			t.Errorf("%v, %v and the error %v, want one that names the file", s, again, err)
		}
	}
}

// childsFile is set in the process that TestKilledProcess starts, to the file of its checkpoint.
const childsFile = "GOSCIML_TEST_CHECKPOINT"

// TestKilledProcess resumes a training whose process was killed in the middle.
func TestKilledProcess(t *testing.T) {
	options := tiny(t, pureGo(t), optim.Adam{})
	options.Loss.Weighting, options.Loss.WeightEvery, options.Loss.Refiner, options.Loss.RefineEvery = pinn.GradNorm{}, 15, sample.RAD{}, 40
	if path := os.Getenv(childsFile); path != "" {
		options.Checkpoint, options.CheckpointEvery, options.Iterations = path, time.Millisecond, 100_000_000
		solve(t, pde.Poisson2D(), options)
		return
	}
	path := filepath.Join(t.TempDir(), "checkpoint")
	child := exec.Command(os.Args[0], "-test.run=^TestKilledProcess$", "-test.timeout=60s")
	child.Env = append(os.Environ(), childsFile+"="+path)
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	for made, deadline := 0, time.Now().Add(30*time.Second); made < 100 && time.Now().Before(deadline) && len(ended) == 0; time.Sleep(5 * time.Millisecond) {
		c, err := optim.LoadCheckpoint(path)
		switch {
		case err == nil:
			made = c.Result.Iterations
		case !errors.Is(err, fs.ErrNotExist): // there is the old file or the new one at any moment
			t.Errorf("while it is being written: %v", err)
		}
	}
	if len(ended) > 0 {
		t.Fatalf("the process ended by itself: %v", <-ended)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-ended
	c, err := optim.LoadCheckpoint(path)
	if err != nil {
		t.Fatal(err)
	}
	options.Iterations = c.Result.Iterations + 100
	s, err := sciml.Resume(context.Background(), path, pde.Poisson2D(), options)
	if err != nil {
		t.Fatal(err)
	}
	identical(t, s, solve(t, pde.Poisson2D(), options))
}
