package pinn_test

import (
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
	"github.com/gosciml/gosciml/sciml/sample"
)

// metricAt is J_mᵀJ_m of a model's objective.
func metricAt(t *testing.T, m *pinn.Model, theta []float64) *mat.SymDense {
	t.Helper()
	o := *m.Objective()
	o.Residual, o.Loss, o.Pieces = nil, nil, o.Metric
	l, err := objective.NewLinearizer(&o, 0)
	if err != nil {
		t.Fatal(err)
	}
	at, err := l.At(theta)
	if err != nil {
		t.Fatal(err)
	}
	k, err := at.NormalMatrix()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// gramByDifferences is the matrix of ⟨∂u/∂θᵢ, ∂u/∂θₖ⟩ at some points, with the derivatives of u by the given coordinates.
func gramByDifferences(t *testing.T, m *pinn.Model, theta, points []float64, derivatives [][]string) *mat.SymDense {
	t.Helper()
	const h = 1e-5
	dim := len(points) / len(m.Problem().Coordinates)
	k := mat.NewSymDense(len(theta), nil)
	for _, d := range derivatives {
		columns := make([][]float64, len(theta))
		for i := range theta {
			moved := append([]float64(nil), theta...)
			moved[i] += h
			up, err := m.Derivative(moved, points, d...)
			if err != nil {
				t.Fatal(err)
			}
			moved[i] -= 2 * h
			down, err := m.Derivative(moved, points, d...)
			if err != nil {
				t.Fatal(err)
			}
			columns[i] = make([]float64, len(up))
			for n := range up {
				columns[i][n] = (up[n] - down[n]) / (2 * h)
			}
		}
		for i := range theta {
			for l := i; l < len(theta); l++ {
				sum := k.At(i, l)
				for n := range columns[i] {
					sum += columns[i][n] * columns[l][n] / float64(dim)
				}
				k.SetSym(i, l, sum)
			}
		}
	}
	return k
}

// TestMetric compares the matrix with that of differences of the solution: with an ansatz and two unknowns, in two dimensions, with
// points in reserve, for an energy, and with weak forms.
func TestMetric(t *testing.T) {
	second := [][]string{{}, {"x"}, {"y"}, {"x", "x"}, {"x", "y"}, {"y", "y"}}
	for name, test := range map[string]struct {
		problem     *pde.Problem
		sizes       []int
		options     pinn.Options
		derivatives [][]string
		points      int // in use; all when zero
	}{
		"L2":      {reacting(t), []int{1, 4, 2}, pinn.Options{Metric: pinn.L2Metric}, second[:1], 0},
		"H1":      {reacting(t), []int{1, 4, 2}, pinn.Options{Metric: pinn.H1Metric, Weights: map[string]float64{"first": 3}}, second[:2], 0},
		"H1, 2D":  {pde.Poisson2D(), []int{2, 4, 1}, pinn.Options{Metric: pinn.H1Metric, Soft: true}, second[:3], 0},
		"H2":      {pde.Poisson2D(), []int{2, 4, 1}, pinn.Options{Metric: pinn.H2Metric}, second, 0},
		"reserve": {pde.Poisson2D(), []int{2, 4, 1}, pinn.Options{Metric: pinn.L2Metric, Active: 5, Refiner: sample.RAR{}}, second[:1], 5},
		"energy":  {pde.Poisson2D(), []int{2, 4, 1}, pinn.Options{Metric: pinn.H1Metric, Form: pinn.DeepRitz{}}, second[:3], 0},
		"weak":    {pde.Poisson2D(), []int{2, 4, 1}, pinn.Options{Metric: pinn.H1Metric, Form: pinn.Variational{Tests: 2}}, second[:3], 0},
	} {
		network := mlp(t, test.sizes...)
		test.options.Interior, test.options.Boundary = 12, 4
		m := newModel(t, pureGo(t), test.problem, network, test.options)
		theta := network.Init(3)
		var points []float64
		for _, term := range m.Objective().Terms.Names[:1] {
			p := m.Points()[term]
			points = p.Coords
			if test.points > 0 {
				points = nil
				for n := range p.N {
					if p.Weights[n] > 0 {
						points = append(points, p.At(n)...)
					}
				}
				if len(points) != test.points*p.Dim {
					t.Fatalf("%s: %d numbers of points in use, expected %d points", name, len(points), test.points)
				}
			}
		}
		got, want := metricAt(t, m, theta), gramByDifferences(t, m, theta, points, test.derivatives)
		largest := mat.Max(want)
		for i := range theta {
			for l := range theta {
				if e := math.Abs(got.At(i, l) - want.At(i, l)); !(e < 1e-6*largest) {
					t.Fatalf("%s: entry %d, %d is %v, by differences %v", name, i, l, got.At(i, l), want.At(i, l))
				}
			}
		}
	}
}

// TestMetricOfCoefficients: the unknown numbers of a problem are measured by themselves.
func TestMetricOfCoefficients(t *testing.T) {
	problem := pde.InverseBurgers()
	network := mlp(t, 2, 4, 1)
	m := newModel(t, pureGo(t), problem, network, pinn.Options{Interior: 10, Boundary: 4, Metric: pinn.L2Metric})
	k := metricAt(t, m, m.Init(1))
	for i := network.NumParams(); i < m.NumParams(); i++ {
		for l := range m.NumParams() {
			want := 0.0
			if i == l {
				want = 1
			}
			if k.At(i, l) != want {
				t.Errorf("entry %d, %d is %v, expected %v", i, l, k.At(i, l), want)
			}
		}
	}
}

// TestMetricSettings: none is the default, and what is none is refused.
func TestMetricSettings(t *testing.T) {
	network := mlp(t, 2, 4, 1)
	if m := newModel(t, pureGo(t), pde.Poisson2D(), network, pinn.Options{}); m.Objective().Metric != nil {
		t.Error("there is a metric without Options.Metric")
	}
	for word, options := range map[string]pinn.Options{
		"Options.Metric is 7":  {Metric: 7},
		"Options.Metric is L2": {Metric: pinn.L2Metric, Soft: true, Weights: map[string]float64{pde.Poisson2D().Equations[0].Name: 0}},
	} {
		if _, err := pinn.New(pureGo(t), pde.Poisson2D(), network, options); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v, expected one with %q", err, word)
		}
	}
	for _, s := range (pinn.Options{Metric: pinn.H2Metric}).Settings() {
		if s.Name == "Metric" && s.Value == "H2" {
			return
		}
	}
	t.Error("the metric is none of the settings that a resumed training is compared by")
}

// TestMetricOfEnergy: H¹ is the second derivative of Dirichlet's energy, so that natural gradients in it are nearly Newton's steps.
func TestMetricOfEnergy(t *testing.T) {
	network := mlp(t, 1, 8, 1)
	m := newModel(t, pureGo(t), pde.Poisson1D(), network, pinn.Options{Interior: 200, Form: pinn.DeepRitz{}, Metric: pinn.H1Metric, Sampler: sample.Grid{}})
	run := func(method optim.Method) float64 {
		r, err := optim.Minimize(t.Context(), m.Objective(), network.Init(1), method, optim.Options{MaxIterations: 30})
		if err != nil {
			t.Fatal(err)
		}
		return r.Loss
	}
	if natural, plain := run(optim.ENGD{Metric: true}), run(optim.LBFGS{}); !(natural < plain-1e-5) {
		t.Errorf("after 30 iterations the energy is %v with natural gradients, %v with L-BFGS", natural, plain)
	}
}
