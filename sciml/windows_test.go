package sciml_test

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// rotation is u' = v, v' = −u from (1, 0) for two periods: errors neither grow nor decay.
func rotation(t testing.TB, width int) *pde.Problem {
	t.Helper()
	const end = 4 * math.Pi
	line, err := pde.NewInterval("t", 0, end)
	if err != nil {
		t.Fatal(err)
	}
	return &pde.Problem{
		Name: "rotation", Coordinates: []string{"t"}, Unknowns: []string{"u", "v"}, Domain: line,
		Equations: []pde.Equation{{Name: "rotation", Residual: func(u *pde.Fields) *graph.Node {
			return graph.Concatenate([]*graph.Node{
				graph.Sub(u.Of("u").D("t"), u.Of("v").U()), graph.Add(u.Of("v").D("t"), u.Of("u").U()),
			}, 1)
		}}},
		Conditions: []pde.Condition{
			pde.Dirichlet("u", pde.Constant(1), "t-"), pde.Dirichlet("v", nil, "t-"),
		},
		Ansatz: pde.DistanceAndLift(
			func(x *graph.Node) *graph.Node { return graph.OneMinus(graph.Exp(graph.Neg(x))) },
			func(x *graph.Node) *graph.Node {
				return graph.Concatenate([]*graph.Node{graph.OnesLike(x), graph.ZerosLike(x)}, 1)
			}),
		Exact:     func(p []float64) []float64 { return []float64{math.Cos(p[0]), -math.Sin(p[0])} },
		Suggested: pde.Setup{Hidden: []int{width}},
	}
}

var levenberg = optim.LevenbergMarquardt{}

// TestWindowsPredictTheError: where errors neither grow nor decay, the defects of the windows say what the error becomes, and the
// tolerance of each window follows from that of the whole.
func TestWindowsPredictTheError(t *testing.T) {
	for _, tolerance := range []float64{1e-3, 1e-5} {
		s, err := sciml.Solve(t.Context(), rotation(t, 12), sciml.Options{
			Method: levenberg, Iterations: 1600, Loss: pinn.Options{Interior: 40}, Seed: 1,
			Windows: sciml.Windows{Count: 8, Tolerance: tolerance},
		})
		if err != nil {
			t.Fatal(err)
		}
		bound := 0.0
		for i, w := range s.Windows() {
			if w.Status != optim.CriterionMet || w.Defect > tolerance {
				t.Errorf("window %d ended by %q at the defect %g, want the tolerance %g reached", i, w.Status, w.Defect, tolerance)
			}
			if w.Jump > 1e-9 || i > 0 && (w.RateJump == 0 || w.RateJump > 10*tolerance) {
				t.Errorf("window %d begins with a jump of %g, and of %g in the rate, want rounding, and about the defect", i, w.Jump, w.RateJump)
			}
			bound += w.Defect / 8
		}
		if e := s.RelativeError(); e > 2*bound || e < bound/50 {
			t.Errorf("the error is %g, the defects add up to %g, want about as much", e, bound)
		}
	}
}

// TestWindowsAreChosen: a window that does not reach its tolerance is halved, one that does so easily is followed by a longer one.
func TestWindowsAreChosen(t *testing.T) {
	solve := func(first float64, iterations int) *sciml.Solution {
		s, err := sciml.Solve(t.Context(), rotation(t, 6), sciml.Options{
			Method: levenberg, Loss: pinn.Options{Interior: 40}, Seed: 1,
			Windows: sciml.Windows{Tolerance: 1e-3, First: first, Iterations: iterations},
		})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := solve(4*math.Pi, 60)
	if windows := s.Windows(); windows[0].Halved == 0 || windows[0].To > 2*math.Pi {
		t.Errorf("the first window is %+v, want it halved", windows[0])
	}
	if again := solve(4*math.Pi, 60); !slices.Equal(s.Result.Theta, again.Result.Theta) {
		t.Error("the same seed gives another solution")
	}
	windows := solve(0.5, 100).Windows()
	longer := false
	for i, w := range windows {
		if i > 0 {
			longer = longer || w.To-w.From > windows[i-1].To-windows[i-1].From
			if w.From != windows[i-1].To {
				t.Errorf("window %d begins at %g, want %g", i, w.From, windows[i-1].To)
			}
		}
	}
	if last := windows[len(windows)-1].To; last != 4*math.Pi {
		t.Errorf("the last window ends at %g, want %g", last, 4*math.Pi)
	}
	if !longer {
		t.Errorf("no window is longer than the one before: %+v", windows)
	}
}

// TestWindowsOfWaves: equations of second order in time go on with their rate, whatever the network is.
func TestWindowsOfWaves(t *testing.T) {
	problem := pde.Wave(1, 2, 0)
	problem.Suggested.Hidden = []int{8}
	s, err := sciml.Solve(t.Context(), problem, sciml.Options{
		Method: levenberg, Iterations: 30, Loss: pinn.Options{Interior: 60}, Seed: 1,
		Windows: sciml.Windows{Count: 3},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range s.Windows()[1:] {
		if w.Jump > 1e-9 || w.RateJump > 1e-9 {
			t.Errorf("the window from %g begins with jumps of %g and %g, want rounding", w.From, w.Jump, w.RateJump)
		}
		const beside = 1e-9
		for _, x := range []float64{0.2, 0.7} {
			before, err := s.Derivative([]string{"t"}, []float64{x, w.From - beside})
			if err != nil {
				t.Fatal(err)
			}
			after, err := s.Derivative([]string{"t"}, []float64{x, w.From + beside})
			if err != nil {
				t.Fatal(err)
			}
			if d := math.Abs(before[0][0] - after[0][0]); d > 1e-6 {
				t.Errorf("at x = %g and t = %g the rate jumps by %g", x, w.From, d)
			}
		}
	}
}

func windowed() sciml.Options {
	return sciml.Options{Method: levenberg, Iterations: 48, Loss: pinn.Options{Interior: 40}, Seed: 3, MonitorEvery: 5, Windows: sciml.Windows{Count: 4}}
}

// damage changes a bit in the middle of a file.
func damage(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestWindowsResume: a training that ends in the middle of a window goes on bit for bit, and what there is can be looked at.
func TestWindowsResume(t *testing.T) {
	problem := rotation(t, 6)
	options := windowed()
	whole, err := sciml.Solve(t.Context(), problem, options)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "windows.checkpoint")
	options.Checkpoint, options.CheckpointEvery = path, 1
	seen := 0
	interrupted := options
	ctx, cancel := context.WithCancel(t.Context())
	interrupted.Windows = options.Windows
	interrupted.OnProgress = func(h *optim.History) error {
		if seen = len(h.Records); seen > 30 { // in the third window
			cancel()
		}
		return nil
	}
	part, err := sciml.Solve(ctx, problem, interrupted)
	if err != nil {
		t.Fatal(err)
	}
	if part.Result.Status != optim.Canceled || !strings.Contains(part.Result.Message, "was not reached") {
		t.Errorf("the part ended by %q, %q", part.Result.Status, part.Result.Message)
	}
	if n := len(part.Windows()); n != 3 {
		t.Errorf("the part has %d windows, want 3", n)
	}
	known, err := sciml.LoadCheckpoint(path, problem)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(known.Result.Theta, part.Result.Theta) {
		t.Error("the checkpoint has another solution than the part")
	}
	resumed, err := sciml.Resume(t.Context(), path, problem, options)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(resumed.Result.Theta, whole.Result.Theta) {
		t.Error("the resumed training ends elsewhere")
	}
	if len(resumed.Result.History.Records) != len(whole.Result.History.Records) || len(resumed.Windows()) != 4 {
		t.Errorf("the resumed training has %d records and %d windows, want %d and 4", len(resumed.Result.History.Records), len(resumed.Windows()), len(whole.Result.History.Records))
	}
	other := options
	other.Windows.Count = 5
	if _, err := sciml.Resume(t.Context(), path, problem, other); err == nil || !strings.Contains(err.Error(), "Windows") {
		t.Errorf("resumed with other windows: %v", err)
	}
	damage(t, path)
	if _, err := sciml.Resume(t.Context(), path, problem, options); !errors.Is(err, optim.ErrDamaged) {
		t.Errorf("a damaged file: %v", err)
	}
}

// TestWindowsAreKept: a solution in windows is saved and loaded with them.
func TestWindowsAreKept(t *testing.T) {
	problem := rotation(t, 6)
	options := windowed()
	s, err := sciml.Solve(t.Context(), problem, options)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "solution")
	if err := s.Save(path); err != nil {
		t.Fatal(err)
	}
	loaded, err := sciml.Load(path, problem)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(loaded.Windows(), s.Windows()) {
		t.Errorf("the windows are %v, want %v", loaded.Windows(), s.Windows())
	}
	for _, at := range []float64{0, 1, math.Pi, 7, 4 * math.Pi} {
		want, err := s.At([]float64{at})
		if err != nil {
			t.Fatal(err)
		}
		got, err := loaded.At([]float64{at})
		if err != nil || !slices.Equal(got[0], want[0]) {
			t.Errorf("at t = %g it is %v, want %v (%v)", at, got, want, err)
		}
	}
}

// TestWindowsCount: limits are those of all windows, and what is not reached is said.
func TestWindowsCount(t *testing.T) {
	options := windowed()
	options.Iterations = 3
	s, err := sciml.Solve(t.Context(), rotation(t, 6), options)
	if err != nil {
		t.Fatal(err)
	}
	if s.Result.Iterations != 3 || len(s.Windows()) != 3 || s.Result.Status != optim.IterationLimit || !strings.Contains(s.Result.Message, "was not reached") {
		t.Errorf("%d iterations in %d windows ended by %q, %q", s.Result.Iterations, len(s.Windows()), s.Result.Status, s.Result.Message)
	}
	// Steps in the weights of all windows at once would take minutes to compile.
	if evidence, err := s.Evidence(t.Context()); err != nil || evidence.Objective != nil || evidence.Start != nil {
		t.Errorf("there is an objective for experiments, %v", err)
	}
	if x, err := s.Explain(t.Context()); err != nil || !strings.Contains(x.String(), "what other steps from here would gain") {
		t.Errorf("it is explained by %v, %v", x, err)
	}
}

// TestWindowsBeginAgain: a window whose share of the time is over while it compiles, or is set up, begins again, as there is time for all.
func TestWindowsBeginAgain(t *testing.T) {
	for _, number := range []int{0, 3} {
		b := backendtest.Block(pureGo(t), number)
		options := windowed()
		options.Backend, options.Iterations, options.Time = b.Backend, 0, 4*time.Second
		options.Method = levenberg
		options.Until = optim.Iterations(2)
		options.Windows = sciml.Windows{Count: 8}
		go func() {
			<-b.Reached
			time.Sleep(700 * time.Millisecond) // more than an eighth of all
			close(b.Release)
		}()
		s, err := sciml.Solve(t.Context(), rotation(t, 4), options)
		if err != nil {
			t.Fatalf("program %d: %v", number, err)
		}
		windows := s.Windows()
		if len(windows) == 0 || windows[0].Iterations == 0 {
			t.Errorf("program %d: the windows are %+v, want iterations in the first", number, windows)
		}
	}
}

// TestWindowsRefuse: what cannot be cut says so.
func TestWindowsRefuse(t *testing.T) {
	many := sciml.Windows{Count: 2}
	for _, c := range []struct {
		problem *pde.Problem
		options sciml.Options
		want    string
	}{
		{pde.Poisson2D(), sciml.Options{Windows: many}, "expected an evolution problem"},
		{pde.InverseBurgers(), sciml.Options{Windows: many}, "has the coefficient"},
		{pde.Heat(4), sciml.Options{Windows: many}, "4 coordinates of space, expected at most 3"},
		{pde.Heat1D(), sciml.Options{Windows: sciml.Windows{Count: -1}}, "Windows.Count is -1"},
		{pde.Heat1D(), sciml.Options{Windows: sciml.Windows{Tolerance: math.NaN()}}, "Windows.Tolerance is NaN"},
		{pde.Heat1D(), sciml.Options{Windows: sciml.Windows{Count: 2, First: 1}}, "expected one of the two"},
		{pde.Heat1D(), sciml.Options{Windows: many, SnapshotEvery: 1}, "SnapshotEvery is 1"},
	} {
		if _, err := sciml.Solve(t.Context(), c.problem, c.options); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.problem.Name, err, c.want)
		}
	}
}
