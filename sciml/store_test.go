package sciml_test

import (
	"bytes"
	"context"
	"encoding/gob"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

func TestGob(t *testing.T) {
	options := small(t, pureGo(t))
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
		if math.Abs(got[n][0]-want[n][0]) > 1e-13 { // by another back end
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
	options := small(t, pureGo(t))
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
	if err != nil || math.Abs(got[0][0]-want[0][0]) > 1e-13 {
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

// wave is a problem with all that a file has to keep: x is periodic, a coefficient is sought, the ansatz may be left out.
func wave(t testing.TB) *pde.Problem {
	t.Helper()
	box, err := pde.NewBox([]string{"x", "t"}, []float64{0, 0}, []float64{2, 1})
	if err != nil {
		t.Fatal(err)
	}
	start := pde.Initial("u", func(x *graph.Node) *graph.Node { return graph.Sin(graph.MulScalar(pde.Column(x, 0), math.Pi)) })
	return &pde.Problem{
		Name: "transport", Coordinates: []string{"x", "t"}, Unknowns: []string{"u"}, Domain: box,
		Coefficients: []pde.Coefficient{{Name: "speed", Start: 0.5, True: 1}},
		Equations: []pde.Equation{{Name: "transport", Residual: func(u *pde.Fields) *graph.Node {
			return graph.Add(u.D("t"), graph.Mul(u.Coefficient("speed"), u.D("x")))
		}}},
		Conditions: []pde.Condition{start, pde.Measured("u", [][]float64{{0.5, 1}, {1.2, 0.5}}, []float64{-1, math.Sin(0.7 * math.Pi)})},
		Ansatz: func(x *graph.Node, network pde.Function) *graph.Node {
			return graph.Add(graph.Sin(graph.MulScalar(pde.Column(x, 0), math.Pi)), graph.Mul(pde.Column(x, 1), network(x)))
		},
		Periods: []float64{2, 0},
		Exactly: []string{start.Name},
		Exact:   func(p []float64) []float64 { return []float64{math.Sin(math.Pi * (p[0] - p[1]))} },
	}
}

// stored is a solution in a file.
func stored(t *testing.T, s *sciml.Solution) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "solution")
	if err := s.Save(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestCoefficientsOfAnotherKind: what a parameter means is in the file, of a solution as of a checkpoint.
func TestCoefficientsOfAnotherKind(t *testing.T) {
	p := wave(t)
	p.Suggested.Hidden = []int{5}
	p.Coefficients[0].Log = true
	options := sciml.Options{Backend: pureGo(t), Iterations: 2, Loss: pinn.Options{Interior: 20, Boundary: 6}, Checkpoint: filepath.Join(t.TempDir(), "ck")}
	s := solve(t, p, options)
	path := stored(t, s)
	again, err := sciml.Load(path, p)
	if err != nil {
		t.Fatal(err)
	}
	before, err := s.Coefficients()
	if err != nil || !(before["speed"] > 0) {
		t.Errorf("coefficients %v, error %v", before, err)
	}
	if after, err := again.Coefficients(); err != nil || after["speed"] != before["speed"] {
		t.Errorf("coefficients %v after loading, %v before, error %v", after, before, err)
	}
	const want = `"speed" with Scale 0, Log false and Bounds [0 0], expected "speed" with Scale 0, Log true`
	if _, err := sciml.Load(path, wave(t)); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("a solution of another kind: error %v", err)
	}
	other := wave(t)
	other.Suggested = p.Suggested
	if _, err := sciml.Resume(context.Background(), options.Checkpoint, other, options); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("a checkpoint of another kind: error %v", err)
	}
}

func TestSaveAndLoad(t *testing.T) {
	for name, soft := range map[string]bool{"hard": false, "soft": true} {
		p := wave(t)
		p.Suggested.Hidden = []int{5}
		s := solve(t, p, sciml.Options{Backend: pureGo(t), Seed: 7, Iterations: 4, Loss: pinn.Options{Interior: 20, Boundary: 6, Soft: soft}})
		again, err := sciml.Load(stored(t, s), wave(t))
		if err != nil {
			t.Fatal(err)
		}
		if again.String() != s.String() || !slices.Equal(again.Result.Theta, s.Result.Theta) || len(again.Result.History.Records) != len(s.Result.History.Records) {
			t.Errorf("%s: loaded %s, saved %s", name, again, s)
		}
		points := [][]float64{{0, 0}, {0.3, 0.8}, {2, 0.5}}
		want, err := s.At(points...)
		if err != nil {
			t.Fatal(err)
		}
		got, err := again.At(points...)
		if err != nil {
			t.Fatal(err)
		}
		for n := range points { // by another back end
			if math.Abs(got[n][0]-want[n][0]) > 1e-13 {
				t.Errorf("%s: u at %v is %v after loading, %v before", name, points[n], got[n], want[n])
			}
		}
		before, err := s.Coefficients()
		if err != nil {
			t.Fatal(err)
		}
		if after, err := again.Coefficients(); err != nil || after["speed"] != before["speed"] || before["speed"] == 0.5 {
			t.Errorf("%s: coefficients %v, %v after loading, %v before", name, after, err, before)
		}
		if path := stored(t, again); path == "" {
			t.Error("a loaded solution cannot be saved")
		}
	}
}

// TestLoadWithoutEquations: problems that are an energy or a weak form alone have no strong residuals.
func TestLoadWithoutEquations(t *testing.T) {
	energy := pde.Poisson2D()
	weak := pde.Poisson2D()
	if energy.Energy == nil || weak.Weak == nil {
		t.Fatal("Poisson2D lacks a form")
	}
	energy.Equations, energy.Weak = nil, nil
	weak.Equations, weak.Energy = nil, nil
	for _, c := range []struct {
		p    *pde.Problem
		form pinn.Form
	}{{energy, pinn.DeepRitz{}}, {weak, pinn.Variational{Tests: 2, Nodes: 4}}} {
		options := small(t, pureGo(t))
		options.Iterations, options.Loss.Form = 2, c.form
		s := solve(t, c.p, options)
		again, err := sciml.Load(stored(t, s), c.p)
		if err != nil {
			t.Errorf("%s: %v", c.form.Name(), err)
		} else if _, err := again.At([]float64{0.5, 0.5}); err != nil {
			t.Errorf("%s: %v", c.form.Name(), err)
		}
	}
}

func TestFilesThatAreNoSolution(t *testing.T) {
	options := small(t, pureGo(t))
	options.Iterations = 2
	options.Checkpoint = filepath.Join(t.TempDir(), "checkpoint")
	s := solve(t, pde.Poisson2D(), options)
	path := stored(t, s)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Clone(whole)
	changed[len(changed)/2] ^= 1
	for name, c := range map[string]struct {
		content  []byte
		word     string
		sentinel error
	}{
		"damaged":   {changed, "is damaged: its SHA-256", optim.ErrDamaged},
		"truncated": {whole[:len(whole)-100], "is truncated", optim.ErrDamaged},
		"empty":     {nil, "is truncated", optim.ErrDamaged},
		"foreign":   {bytes.Repeat([]byte("words "), 50), "is not a solution", optim.ErrOtherKind},
	} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, c.content, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := sciml.Load(path, pde.Poisson2D()); got != nil || !errors.Is(err, c.sentinel) || !strings.Contains(err.Error(), c.word) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v and the error %v, want one that mentions %q and the file", name, got, err, c.word)
		}
	}
	if _, err := sciml.Load(options.Checkpoint, pde.Poisson2D()); !errors.Is(err, optim.ErrOtherKind) || !strings.Contains(err.Error(), "is not a solution") {
		t.Errorf("a checkpoint: error %v", err)
	}
	if _, err := sciml.Load(path+"x", pde.Poisson2D()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing file: error %v", err)
	}
	if _, err := sciml.Load(path, nil); err == nil || !strings.Contains(err.Error(), "problem is nil") {
		t.Errorf("no problem: error %v", err)
	}
	if _, err := sciml.Load(path, pde.Heat1D()); err == nil || !strings.Contains(err.Error(), `is one of "Poisson 2D", and cannot be attached to "heat 1D"`) {
		t.Errorf("another problem: error %v", err)
	}
	changedProblem := pde.Poisson2D() // of the same name
	changedProblem.Coefficients = []pde.Coefficient{{Name: "c"}}
	changedProblem.Equations[0].Residual = func(u *pde.Fields) *graph.Node { return graph.Mul(u.Coefficient("c"), u.U()) }
	if _, err := sciml.Load(path, changedProblem); err == nil || !strings.Contains(err.Error(), "parameters, expected") {
		t.Errorf("a changed problem: error %v", err)
	}
	if err := s.Save(filepath.Join(path, "below a file")); err == nil || !strings.Contains(err.Error(), "writing the solution") {
		t.Errorf("a place that is none: error %v", err)
	}
	if err := (*sciml.Solution)(nil).Save(path); err == nil || !strings.Contains(err.Error(), "solution is nil") {
		t.Errorf("no solution: error %v", err)
	}
}
