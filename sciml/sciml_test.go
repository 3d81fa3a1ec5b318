package sciml_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
)

// pureGo is the back end that compiles in no time.
func pureGo(t testing.TB) compute.Backend {
	t.Helper()
	b, err := backend.OpenConfig("go")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// small are options for a training of a tenth of a second.
func small(t testing.TB, b compute.Backend) sciml.Options {
	t.Helper()
	network, err := nn.NewMLP(nn.Tanh, 2, 8, 1)
	if err != nil {
		t.Fatal(err)
	}
	return sciml.Options{Backend: b, Network: network, Method: optim.LBFGS{}, Interior: 64, Boundary: 32, Iterations: 60}
}

func solve(t *testing.T, problem *pde.Problem, options sciml.Options) *sciml.Solution {
	t.Helper()
	s, err := sciml.Solve(context.Background(), problem, options)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSolve(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for name, soft := range map[string]bool{"hard": false, "soft": true} {
			options := small(t, b)
			options.Soft = soft
			options.Iterations = 150
			s := solve(t, pde.Poisson2D(), options)
			if !(s.Error() < 0.15) || s.Method != "L-BFGS" || !strings.Contains(s.String(), "L-BFGS: relative L2 error") {
				t.Errorf("%s: %s", name, s)
			}
			u, err := s.At([]float64{0.5, 0.5}, []float64{0.25, 0.5}, []float64{0, 1})
			if err != nil {
				t.Fatal(err)
			}
			for n, want := range []float64{1, math.Sqrt2 / 2, 0} {
				if len(u[n]) != 1 || math.Abs(u[n][0]-want) > 0.2 {
					t.Errorf("%s: u at point %d is %v, want about %v", name, n, u[n], want)
				}
			}
			if edge := u[2][0]; (edge == 0) != !soft {
				t.Errorf("%s: u in a corner is %v", name, edge)
			}
		}
	})
}

// TestDefaults solves with every default but the number of iterations.
func TestDefaults(t *testing.T) {
	s := solve(t, pde.Poisson2D(), sciml.Options{Backend: pureGo(t), Iterations: 5})
	if s.Method != "Adam → L-BFGS" || s.Result.Iterations != 5 || s.Result.Status != optim.IterationLimit || math.IsNaN(s.Error()) {
		t.Errorf("%s after %d iterations", s, s.Result.Iterations)
	}
}

func TestSeeds(t *testing.T) {
	b := pureGo(t)
	theta := func(seed uint64) []float64 {
		options := small(t, b)
		options.Seed, options.Iterations = seed, 10
		return solve(t, pde.Poisson2D(), options).Result.Theta
	}
	if !slices.Equal(theta(1), theta(1)) {
		t.Error("the same seed gives another solution")
	}
	if slices.Equal(theta(1), theta(2)) {
		t.Error("another seed gives the same solution")
	}
}

func TestFloat32(t *testing.T) {
	options := small(t, pureGo(t))
	options.DType = dtypes.Float32
	if s := solve(t, pde.Poisson2D(), options); !(s.Error() < 0.2) {
		t.Errorf("%s", s)
	}
}

func TestPointsOutside(t *testing.T) {
	s := solve(t, pde.Poisson2D(), small(t, pureGo(t)))
	for word, point := range map[string][]float64{
		"point 1 is [0.5], expected 2 coordinates": {0.5},
		"expected 2 coordinates [x y]":             {0.5, 0.5, 0.5},
		"between [0 0] and [1 1]":                  {0.5, 1.01},
		"point 1 is [NaN 0.5]":                     {math.NaN(), 0.5},
	} {
		u, err := s.At([]float64{0.5, 0.5}, point)
		if u != nil || err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("At(%v) gives %v, %v, want an error that mentions %q", point, u, err, word)
		}
	}
	if u, err := s.At(); err != nil || len(u) != 0 {
		t.Errorf("no points: %v, %v", u, err)
	}
}

func TestGrid(t *testing.T) {
	s := solve(t, pde.Poisson2D(), small(t, pureGo(t)))
	grid, err := s.Grid(5)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(grid.X, []float64{0, 0.25, 0.5, 0.75, 1}) || !slices.Equal(grid.Y, grid.X) || len(grid.U) != 25 {
		t.Fatalf("the nodes are %v by %v with %d values", grid.X, grid.Y, len(grid.U))
	}
	u, err := s.At([]float64{0.75, 0.25})
	if err != nil {
		t.Fatal(err)
	}
	if got := grid.U[1*5+3]; got != u[0][0] {
		t.Errorf("u at (0.75, 0.25) is %v on the grid and %v at the point", got, u[0][0])
	}
	if _, err := s.Grid(1); err == nil || !strings.Contains(err.Error(), "1×1") {
		t.Errorf("a grid of one node: %v", err)
	}
	if _, err := s.Maps(); err != nil {
		t.Errorf("maps: %v", err)
	}
	if _, err := sciml.Convergence("a title", s, s); err != nil {
		t.Errorf("convergence: %v", err)
	}
	if _, err := sciml.Convergence("a title", s, nil); err == nil || !strings.Contains(err.Error(), "solution 1") {
		t.Errorf("convergence of nil: %v", err)
	}
	if _, err := sciml.Convergence("a title"); err == nil {
		t.Error("convergence of nothing gives a figure")
	}
}

// TestOneCoordinateWithoutExactSolution: u′ = 1 with u(0) = 0, which needs no ansatz.
func TestOneCoordinateWithoutExactSolution(t *testing.T) {
	line, err := pde.NewBox([]string{"x"}, []float64{0}, []float64{1})
	if err != nil {
		t.Fatal(err)
	}
	problem := &pde.Problem{
		Name: "line", Coordinates: []string{"x"}, Unknowns: []string{"u"}, Domain: line,
		Equations: []pde.Equation{{Residual: func(u *autodiff.Derivatives) *graph.Node {
			return graph.AddScalar(u.Partial(0), -1)
		}}},
		Conditions: []pde.Condition{pde.Dirichlet(nil, "x-")},
	}
	s := solve(t, problem, sciml.Options{Backend: pureGo(t), Interior: 20, Boundary: 1, Method: optim.LBFGS{}, Iterations: 100})
	if u, err := s.At([]float64{0.7}); err != nil || math.Abs(u[0][0]-0.7) > 1e-3 {
		t.Errorf("u(0.7) = %v, error %v", u, err)
	}
	if !math.IsNaN(s.Error()) {
		t.Errorf("the error is %v without anything to compare to", s.Error())
	}
	if _, err := s.Grid(10); err == nil || !strings.Contains(err.Error(), "expected two") {
		t.Errorf("a grid in one dimension: %v", err)
	}
}

func TestGob(t *testing.T) {
	b := backendtest.Best(t)
	options := small(t, b)
	options.Iterations = 5
	s := solve(t, pde.Poisson2D(), options)
	var stored bytes.Buffer
	if err := gob.NewEncoder(&stored).Encode(s); err != nil {
		t.Fatal(err)
	}
	var loaded sciml.Solution
	if err := gob.NewDecoder(&stored).Decode(&loaded); err != nil {
		t.Fatal(err)
	}
	if loaded.String() != s.String() || !slices.Equal(loaded.Result.Theta, s.Result.Theta) || len(loaded.Result.History.Records) != len(s.Result.History.Records) {
		t.Errorf("loaded %s, stored %s", &loaded, s)
	}
	points := [][]float64{{0.1, 0.9}, {0.5, 0.3}}
	if _, err := loaded.At(points...); err == nil || !strings.Contains(err.Error(), "solution.For(problem)") {
		t.Errorf("before For: error %v", err)
	}
	if err := gob.NewEncoder(&stored).Encode(&loaded); err != nil {
		t.Errorf("a loaded solution cannot be stored again: %v", err)
	}
	other := pde.Poisson2D()
	other.Name = "another problem"
	if _, err := loaded.For(other); err == nil || !strings.Contains(err.Error(), `"another problem"`) {
		t.Errorf("For another problem: error %v", err)
	}
	if _, err := loaded.For(nil); err == nil {
		t.Error("For no problem gives no error")
	}
	attached, err := loaded.For(pde.Poisson2D())
	if err != nil {
		t.Fatal(err)
	}
	got, err := attached.At(points...)
	if err != nil {
		t.Fatal(err)
	}
	want, err := s.At(points...)
	if err != nil {
		t.Fatal(err)
	}
	for n := range want {
		if math.Abs(got[n][0]-want[n][0]) > 1e-14 {
			t.Errorf("u at %v is %v after loading, %v before", points[n], got[n], want[n])
		}
	}
	if err := new(sciml.Solution).GobDecode([]byte("nonsense")); err == nil || !strings.Contains(err.Error(), "loading") {
		t.Errorf("nonsense: error %v", err)
	}
	if _, err := new(sciml.Solution).GobEncode(); err == nil || !strings.Contains(err.Error(), "not made by Solve") {
		t.Errorf("an empty solution: error %v", err)
	}
}

// TestGobOfAComposedNetwork takes a network with input maps through a gob.
func TestGobOfAComposedNetwork(t *testing.T) {
	waves, err := nn.Fourier(2, 4, 1, 3)
	if err != nil {
		t.Fatal(err)
	}
	mlp, err := nn.NewMLP(nn.Tanh, 8, 5, 1)
	if err != nil {
		t.Fatal(err)
	}
	options := small(t, backendtest.Best(t))
	options.Iterations = 3
	if options.Network, err = nn.Mapped(mlp, waves); err != nil {
		t.Fatal(err)
	}
	s := solve(t, pde.Poisson2D(), options)
	var stored bytes.Buffer
	if err := gob.NewEncoder(&stored).Encode(s); err != nil {
		t.Fatal(err)
	}
	var loaded sciml.Solution
	if err := gob.NewDecoder(&stored).Decode(&loaded); err != nil {
		t.Fatal(err)
	}
	again, err := loaded.For(pde.Poisson2D())
	if err != nil {
		t.Fatal(err)
	}
	point := []float64{0.3, 0.6}
	want, err := s.At(point)
	if err != nil {
		t.Fatal(err)
	}
	got, err := again.At(point)
	if err != nil || got[0][0] != want[0][0] {
		t.Errorf("u = %v, %v after loading, %v before", got, err, want)
	}
}

// other is a network that cannot be stored: it is not of this library.
type other struct{ *nn.MLP }

func TestNetworksThatCannotBeStored(t *testing.T) {
	options := small(t, pureGo(t))
	options.Network = other{options.Network.(*nn.MLP)}
	options.Iterations = 1
	if err := gob.NewEncoder(new(bytes.Buffer)).Encode(solve(t, pde.Poisson2D(), options)); err == nil || !strings.Contains(err.Error(), "nn.MLP") {
		t.Errorf("error %v, want one that mentions nn.MLP", err)
	}
}

func TestCancelReturnsASolution(t *testing.T) {
	b := pureGo(t)
	ctx, cancel := context.WithCancel(context.Background())
	options := small(t, b)
	options.Iterations = 1_000_000
	options.OnProgress = func(h *optim.History) error {
		if len(h.Records) > 10 {
			cancel()
		}
		return nil
	}
	s, err := sciml.Solve(ctx, pde.Poisson2D(), options)
	if err != nil || s.Result.Status != optim.Canceled || math.IsNaN(s.Error()) {
		t.Fatalf("%v, error %v", s, err)
	}
	if _, err := s.At([]float64{0.5, 0.5}); err != nil {
		t.Error(err)
	}
	s, err = sciml.Solve(ctx, pde.Poisson2D(), options) // canceled before it begins
	if err != nil || s.Result.Status != optim.Canceled {
		t.Fatalf("%v, error %v", s, err)
	}
	if _, err := s.At([]float64{0.5, 0.5}); err != nil {
		t.Error(err)
	}
}

func TestErrors(t *testing.T) {
	b := pureGo(t)
	for word, change := range map[string]func(p *pde.Problem, o *sciml.Options) *pde.Problem{
		"problem is nil":   func(*pde.Problem, *sciml.Options) *pde.Problem { return nil },
		"no Domain":        func(p *pde.Problem, _ *sciml.Options) *pde.Problem { p.Domain = nil; return p },
		"Interior is -1":   func(p *pde.Problem, o *sciml.Options) *pde.Problem { o.Interior = -1; return p },
		"Iterations is -1": func(p *pde.Problem, o *sciml.Options) *pde.Problem { o.Iterations = -1; return p },
		"Memory is -1":     func(p *pde.Problem, o *sciml.Options) *pde.Problem { o.Method = optim.LBFGS{Memory: -1}; return p },
		"Sort": func(p *pde.Problem, o *sciml.Options) *pde.Problem {
			p.Ansatz = func(_, network *graph.Node) *graph.Node { return graph.Sort(network, 1, true) }
			return p
		},
	} {
		options := small(t, b)
		problem := change(pde.Poisson2D(), &options)
		if _, err := sciml.Solve(context.Background(), problem, options); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v, want one that mentions %q", err, word)
		}
	}
	stop := errors.New("stop here")
	options := small(t, b)
	options.OnProgress = func(*optim.History) error { return stop }
	if s, err := sciml.Solve(context.Background(), pde.Poisson2D(), options); !errors.Is(err, stop) || s == nil || s.Result.Status != optim.Failed {
		t.Errorf("a callback's error: %v, %v", s, err)
	}
}
