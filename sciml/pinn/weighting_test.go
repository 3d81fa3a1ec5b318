package pinn_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/floats"

	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// weighed lets a scheme make updates at given parameters and returns what it was told after each. The first term has six
// rows, the last four, and all have fixed weights that no scheme is to see.
type weighed struct {
	t     *testing.T
	model *pinn.Model
	told  []pinn.Adapted
}

func weigh(t *testing.T, p *pde.Problem, network nn.Network, options pinn.Options, thetas ...[]float64) *weighed {
	t.Helper()
	w := &weighed{t: t}
	options.Interior, options.Boundary, options.BoundaryWeight, options.WeightEvery = 6, 4, 7, 10
	options.OnAdapt = func(a pinn.Adapted) { w.told = append(w.told, a) }
	w.model = newModel(t, pureGo(t), p, network, options)
	o := adapt(w.model.Objective())
	for k, theta := range thetas {
		if changed, err := o.Adapt(10*k, theta, false); err != nil || !changed {
			t.Fatalf("update %d changed the weights: %v, error %v", k, changed, err)
		}
	}
	return w
}

// terms are the residuals of each term without any weights.
func (w *weighed) terms(theta []float64) [][]float64 {
	w.t.Helper()
	r, err := residuals(w.model, theta)
	if err != nil {
		w.t.Fatal(err)
	}
	first, last := slices.Clone(r[:6]), slices.Clone(r[6:])
	floats.Scale(math.Sqrt(6), first)
	floats.Scale(math.Sqrt(4.0/7), last)
	return [][]float64{first, last}
}

// losses are the mean squares of the terms.
func (w *weighed) losses(theta []float64) []float64 {
	w.t.Helper()
	terms := w.terms(theta)
	return []float64{sumOfSquares(terms[0]) / 6, sumOfSquares(terms[1]) / 4}
}

// gradients are those of the losses, by differences.
func (w *weighed) gradients(theta []float64) [][]float64 {
	w.t.Helper()
	return differences(w.t, w.losses, theta)
}

// small is a network with two parameter vectors.
func small(t *testing.T) (network nn.Network, thetas [][]float64) {
	t.Helper()
	n := mlp(t, 2, 2, 1)
	for seed := range uint64(3) {
		thetas = append(thetas, n.Init(seed+1))
	}
	return n, thetas
}

func TestGradientAnnealing(t *testing.T) {
	network, thetas := small(t)
	w := weigh(t, pde.Poisson2D(), network, pinn.Options{Soft: true, BoundaryWeight: 1, Weighting: pinn.GradientAnnealing{Keep: 0.3}}, thetas...)
	lambda := 1.0
	for k, theta := range thetas {
		g := w.gradients(theta)
		largest := math.Max(floats.Max(g[0]), -floats.Min(g[0]))
		lambda = 0.3*lambda + 0.7*largest/(lambda*floats.Norm(g[1], 1)/float64(len(theta)))
		near(t, "the weights", w.told[k].Weights.Terms, []float64{1, lambda}, 1e-7)
	}
}

func TestGradNorm(t *testing.T) {
	network, thetas := small(t)
	for _, alpha := range []float64{0, 1.5} {
		w := weigh(t, pde.Poisson2D(), network, pinn.Options{Soft: true, BoundaryWeight: 1, Weighting: pinn.GradNorm{Alpha: alpha, Keep: 0.8}}, thetas...)
		initial := w.losses(thetas[0])
		var weights []float64
		for k, theta := range thetas {
			g, l := w.gradients(theta), w.losses(theta)
			floats.Div(l, initial) // the mean of these ratios is a common factor, and cancels
			target := []float64{math.Pow(l[0], alpha) / floats.Norm(g[0], 2), math.Pow(l[1], alpha) / floats.Norm(g[1], 2)}
			floats.Scale(2/floats.Sum(target), target)
			if k == 0 {
				weights = target
			} else {
				floats.Scale(0.8, weights)
				floats.AddScaled(weights, 0.2, target)
			}
			near(t, "the weights", w.told[k].Weights.Terms, weights, 1e-7)
		}
		near(t, "the memory", w.told[0].Weights.Memory["started"], []float64{1}, 0)
	}
}

func TestNTKWeights(t *testing.T) {
	network, thetas := small(t)
	w := weigh(t, pde.Poisson2D(), network, pinn.Options{Soft: true, BoundaryWeight: 1, Weighting: pinn.NTKWeights{Keep: 0.6}}, thetas...)
	var weights []float64
	for k, theta := range thetas {
		trace := make([]float64, 2)
		for term, rows := range []int{6, 4} {
			j := differences(t, func(theta []float64) []float64 { return w.terms(theta)[term] }, theta)
			for _, row := range j {
				trace[term] += sumOfSquares(row) / float64(rows)
			}
		}
		total := floats.Sum(trace)
		target := []float64{total / trace[0], total / trace[1]}
		if k == 0 {
			weights = target
		} else {
			floats.Scale(0.6, weights)
			floats.AddScaled(weights, 0.4, target)
		}
		near(t, "the weights", w.told[k].Weights.Terms, weights, 1e-7)
	}
}

// TestKernelTraces has terms whose residuals depend on θ in other ways: pairs of points, data, coefficients.
func TestKernelTraces(t *testing.T) {
	for _, c := range []struct {
		problem *pde.Problem
		network nn.Network
	}{
		{inverse(t), mlp(t, 1, 2, 1)},
		{func() *pde.Problem {
			p := travelling(t, func(box *pde.Box) pde.Condition { return pde.Periodic(box, "x", 2) })
			p.Periods = nil
			return p
		}(), mlp(t, 2, 2, 1)},
	} {
		var traces []float64
		scheme := custom(func(o *pinn.Observation, w *pinn.Weights) (err error) {
			traces, err = o.KernelTraces()
			return err
		})
		m := newModel(t, pureGo(t), c.problem, c.network, pinn.Options{Soft: true, BoundaryWeight: 1, Interior: 3, Boundary: 2, Weighting: scheme})
		theta := m.Init(1)
		o := adapt(m.Objective())
		if _, err := o.Adapt(0, theta, false); err != nil {
			t.Fatal(err)
		}
		j := differences(t, func(theta []float64) []float64 {
			r, err := residuals(m, theta)
			if err != nil {
				t.Fatal(err)
			}
			return r
		}, theta)
		total := 0.0 // with 1/N in the rows, and no other weights
		for _, row := range j {
			total += sumOfSquares(row)
		}
		near(t, c.problem.Name+": the sum of the traces", []float64{floats.Sum(traces)}, []float64{total}, 1e-7)
	}
}

func TestReLoBRaLo(t *testing.T) {
	network, thetas := small(t)
	softmax := func(now, before []float64, temperature float64) []float64 {
		e := []float64{math.Exp(now[0] / before[0] / temperature), math.Exp(now[1] / before[1] / temperature)}
		floats.Scale(2/floats.Sum(e), e)
		return e
	}
	for _, recall := range []float64{0, 1} { // certain but for one part in 10⁹
		scheme := pinn.ReLoBRaLo{Temperature: 2, Keep: 0.7, Lookback: math.Min(math.Max(recall, 1e-12), 1-1e-12)}
		w := weigh(t, pde.Poisson2D(), network, pinn.Options{Soft: true, BoundaryWeight: 1, Weighting: scheme}, thetas...)
		initial := w.losses(thetas[0])
		weights, last := []float64{1, 1}, initial
		for k, theta := range thetas {
			now := w.losses(theta)
			if k > 0 {
				past, step := softmax(now, initial, 2), softmax(now, last, 2)
				for t := range weights {
					weights[t] = 0.7*(recall*weights[t]+(1-recall)*past[t]) + 0.3*step[t]
				}
			}
			near(t, "the weights", w.told[k].Weights.Terms, weights, 1e-10)
			near(t, "the memory", w.told[k].Weights.Memory["last"], now, 1e-12)
			last = now
		}
	}
}

// TestWeightsStayFinite: a term whose loss starts at zero must not make weights of infinities.
func TestWeightsStayFinite(t *testing.T) {
	p := handmade()
	p.Equations = p.Equations[:1]
	p.Conditions = []pde.Condition{pde.Dirichlet("u", nil, "x-")}
	zero := []float64{0, 0, 0} // u = 0 satisfies the condition
	for _, scheme := range []pinn.Weighting{
		pinn.GradientAnnealing{}, pinn.GradNorm{Alpha: 1}, pinn.NTKWeights{}, pinn.ReLoBRaLo{}, pinn.SelfAdaptive{}, pinn.ResidualAttention{},
	} {
		w := weigh(t, p, affine(t), pinn.Options{Soft: true, BoundaryWeight: 1, Weighting: scheme}, zero, []float64{1e5, -2e5, 3e5}, theta)
		for _, a := range w.told {
			for _, v := range a.Weights.Terms {
				if !(v >= 0) || math.IsInf(v, 0) {
					t.Errorf("%s: the weights are %v", scheme.Name(), a.Weights.Terms)
				}
			}
		}
	}
}

// custom is a user's Weighting.
type custom func(o *pinn.Observation, w *pinn.Weights) error

func (custom) Name() string                                        { return "custom scheme" }
func (c custom) Update(o *pinn.Observation, w *pinn.Weights) error { return c(o, w) }

// TestWeightsScaleRows: weights of terms and points multiply those of the options, also of test functions; what a scheme
// observes is without those of terms.
func TestWeightsScaleRows(t *testing.T) {
	for _, form := range []pinn.Form{pinn.StrongForm{}, pinn.Variational{Tests: 2, Nodes: 3}} {
		rows := map[bool]int{true: 5, false: 4}[form.Name() == "strong form"]
		scheme := custom(func(o *pinn.Observation, w *pinn.Weights) error {
			if o.IsEquation(-1) || !o.IsEquation(0) || o.IsEquation(1) || o.IsEquation(2) || !slices.Equal(o.Names(), []string{"Poisson", "Dirichlet u"}) {
				t.Errorf("the terms are %q, the first an equation", o.Names())
			}
			before, err := o.Gradients()
			if err != nil {
				return err
			}
			w.Terms[0], w.Terms[1] = 4, 0
			w.Points[0] = make([]float64, rows)
			w.Points[0][1] = 9
			after, err := o.Gradients() // of the loss as it was: an observation does not change
			if err != nil {
				return err
			}
			if before[0] != after[0] || before[1] != after[1] || before[1].Norm == 0 {
				t.Errorf("the gradients are %v and %v", before, after)
			}
			return nil
		})
		network, thetas := small(t)
		m := newModel(t, pureGo(t), pde.Poisson2D(), network, pinn.Options{Soft: true, BoundaryWeight: 1, Form: form, Interior: 5, Boundary: 3, Weighting: scheme})
		plain, err := residuals(m, thetas[0])
		if err != nil {
			t.Fatal(err)
		}
		o := adapt(m.Objective())
		for _, iteration := range []int{0, 100} { // the second time from weights of zero
			if _, err := o.Adapt(iteration, thetas[0], false); err != nil {
				t.Fatal(err)
			}
		}
		got, err := evaluate(o.Objective, thetas[0])
		if err != nil {
			t.Fatal(err)
		}
		want := make([]float64, len(plain))
		want[1] = plain[1] * math.Sqrt(4*9)
		near(t, form.Name()+": weighted residuals", got, want, 1e-13)
	}
}

// TestObservedPoints: points in reserve do not count in losses and gradients, and weights of points do in gradients.
func TestObservedPoints(t *testing.T) {
	p := handmade()
	p.Equations, p.Conditions = p.Equations[:1], nil // residual 2x − 3y + ½ − x²
	var losses, gradient []float64
	scheme := custom(func(o *pinn.Observation, w *pinn.Weights) error {
		stats, err := o.Gradients()
		if err != nil {
			return err
		}
		loss, err := o.Losses()
		losses, gradient = append(losses, loss[0]), append(gradient, stats[0].Norm)
		w.Points[0] = []float64{0, 2, 1, 1, 5, 5}
		return err
	})
	m := newModel(t, pureGo(t), p, affine(t), pinn.Options{Soft: true, BoundaryWeight: 1, Interior: 6, Active: 4, Weights: map[string]float64{"value": 3}, Weighting: scheme})
	o := adapt(m.Objective())
	for k := range 2 {
		if _, err := o.Adapt(100*k, theta, false); err != nil {
			t.Fatal(err)
		}
	}
	points := m.Points()["value"]
	loss, first, second := 0.0, make([]float64, 3), make([]float64, 3)
	for n, lambda := range []float64{0, 2, 1, 1} {
		x, y := points.At(n)[0], points.At(n)[1]
		r := 2*x - 3*y + 0.5 - x*x
		loss += r * r / 4
		floats.AddScaled(first, 2*r/4, []float64{x, y, 1})
		floats.AddScaled(second, lambda*2*r/4, []float64{x, y, 1})
	}
	near(t, "the losses", losses, []float64{loss, loss}, 1e-13)
	near(t, "the norms of the gradients", gradient, []float64{floats.Norm(first, 2), floats.Norm(second, 2)}, 1e-13)
}

func TestWeightingErrors(t *testing.T) {
	network, thetas := small(t)
	set := func(change func(w *pinn.Weights)) custom {
		return func(_ *pinn.Observation, w *pinn.Weights) error { change(w); return nil }
	}
	onlyConditions := map[string]float64{"Poisson": 0}
	for _, c := range []struct {
		options pinn.Options
		word    string
	}{
		{pinn.Options{Weighting: pinn.GradientAnnealing{}}, `has only ["Poisson"]`},
		{pinn.Options{Soft: true, BoundaryWeight: 1, Weighting: pinn.GradientAnnealing{}, Weights: onlyConditions}, `has only ["Dirichlet u"]`},
		{pinn.Options{Weighting: pinn.GradNorm{}}, "expected at least two"},
		{pinn.Options{Weighting: pinn.NTKWeights{}}, "expected at least two"},
		{pinn.Options{Weighting: pinn.ReLoBRaLo{}}, "(ReLoBRaLo, problem \"Poisson 2D\")"},
		{pinn.Options{Soft: true, BoundaryWeight: 1, Weighting: pinn.GradientAnnealing{Keep: 1.5}}, "GradientAnnealing.Keep is 1.5"},
		{pinn.Options{Soft: true, BoundaryWeight: 1, Weighting: pinn.GradNorm{Alpha: math.NaN()}}, "Alpha is NaN"},
		{pinn.Options{Soft: true, BoundaryWeight: 1, Weighting: pinn.NTKWeights{Keep: -1}}, "NTKWeights.Keep is -1"},
		{pinn.Options{Soft: true, BoundaryWeight: 1, Weighting: pinn.ReLoBRaLo{Temperature: -1}}, "Temperature is -1"},
		{pinn.Options{Soft: true, BoundaryWeight: 1, Weighting: pinn.ReLoBRaLo{Lookback: 2}}, "Lookback is 2"},
		{pinn.Options{Soft: true, BoundaryWeight: 1, Weighting: pinn.SelfAdaptive{Rate: math.Inf(1)}}, "Rate is +Inf"},
		{pinn.Options{Soft: true, BoundaryWeight: 1, Weighting: pinn.ResidualAttention{Rate: -1}}, "Rate is -1"},
		{pinn.Options{Soft: true, BoundaryWeight: 1, Weighting: pinn.ResidualAttention{Decay: 7}}, "Decay is 7"},
		{pinn.Options{Soft: true, BoundaryWeight: 1, Weighting: pinn.Causal{}}, `has the coordinates ["x" "y"], expected one named "t"`},
		{pinn.Options{Soft: true, BoundaryWeight: 1, Weighting: pinn.Causal{}, Weights: onlyConditions}, `has only the conditions ["Dirichlet u"]`},
		{pinn.Options{Soft: true, BoundaryWeight: 1, Weighting: pinn.Causal{Slabs: 1}}, "Slabs is 1"},
		{pinn.Options{Soft: true, BoundaryWeight: 1, Weighting: pinn.Causal{Tolerances: []float64{2, 1}}}, "Tolerances is [2 1]"},
		{pinn.Options{Soft: true, BoundaryWeight: 1, Weighting: pinn.Causal{Tolerances: []float64{1, math.NaN()}}}, "Tolerances is [1 NaN]"},
		{pinn.Options{Soft: true, BoundaryWeight: 1, Weighting: pinn.SelfAdaptive{}, Form: pinn.DeepRitz{}}, "asks for residuals, which deep Ritz does not have"},
		{pinn.Options{Soft: true, BoundaryWeight: 1, Weighting: pinn.NTKWeights{}, Form: pinn.DeepRitz{}}, "which deep Ritz does not have"},
		{pinn.Options{Soft: true, BoundaryWeight: 1, Weighting: set(func(w *pinn.Weights) { w.Terms[1] = math.NaN() })}, `custom scheme gives the term "Dirichlet u" the weight NaN`},
		{pinn.Options{Soft: true, BoundaryWeight: 1, Weighting: set(func(w *pinn.Weights) { w.Terms[0] = -2 })}, `the term "Poisson" the weight -2`},
		{pinn.Options{Soft: true, BoundaryWeight: 1, Weighting: set(func(w *pinn.Weights) { w.Points[1] = []float64{1, 1, math.Inf(1)} })}, `row 2 of the term "Dirichlet u" the weight +Inf`},
		{pinn.Options{Soft: true, BoundaryWeight: 1, Weighting: set(func(w *pinn.Weights) { w.Points[1] = []float64{1} })}, `"Dirichlet u" 1 weights, expected one for each of its 3 rows`},
		{pinn.Options{Soft: true, BoundaryWeight: 1, Weighting: set(func(w *pinn.Weights) { clear(w.Terms) })}, "custom scheme gives all terms the weight 0"},
		{pinn.Options{Soft: true, BoundaryWeight: 1, Weighting: set(func(w *pinn.Weights) { w.Terms[0], w.Points[1] = 0, make([]float64, 3) })}, "custom scheme gives all terms the weight 0"},
		{pinn.Options{Soft: true, BoundaryWeight: 1, Weighting: set(func(w *pinn.Weights) { w.Terms = nil })}, "leaves 0 weights of terms and 2 of points, expected 2 of each"},
		{pinn.Options{Soft: true, BoundaryWeight: 1, Weighting: custom(func(o *pinn.Observation, _ *pinn.Weights) error { _, err := o.Residuals(2); return err })}, "residuals of term 2, expected 0 to 1"},
		{pinn.Options{Soft: true, BoundaryWeight: 1, Weighting: custom(func(*pinn.Observation, *pinn.Weights) error { return errors.New("no mood") })}, "no mood (custom scheme"},
	} {
		c.options.Interior, c.options.Boundary = 5, 3
		o := adapt(newModel(t, pureGo(t), pde.Poisson2D(), network, c.options).Objective())
		before := slices.Clone(o.Data)
		_, err := o.Adapt(0, thetas[0], false)
		if err == nil || !strings.Contains(err.Error(), c.word) {
			t.Errorf("error %v, want one that mentions %q", err, c.word)
		}
		if !slices.Equal(o.Data, before) {
			t.Errorf("%s: the objective's data have changed", c.word)
		}
	}
	o := adapt(newModel(t, pureGo(t), pde.Poisson2D(), network, pinn.Options{Soft: true, BoundaryWeight: 1, Weighting: pinn.SelfAdaptive{}}).Objective())
	thetas[0][0] = math.NaN()
	word := `the residuals of the term "Poisson" hold NaN after 300 iterations`
	if _, err := o.Adapt(300, thetas[0], false); err == nil || !strings.Contains(err.Error(), word) {
		t.Errorf("error %v, want one that mentions %q", err, word)
	}
}

// TestTraining: with each scheme both terms get smaller.
func TestTraining(t *testing.T) {
	heat := travelling(t, func(*pde.Box) pde.Condition {
		return pde.Initial("u", func(x *graph.Node) *graph.Node { return graph.Sin(graph.MulScalar(pde.Column(x, 0), 2)) })
	})
	heat.Periods = nil
	network := mlp(t, 2, 8, 1)
	for _, scheme := range []pinn.Weighting{
		pinn.GradientAnnealing{}, pinn.GradNorm{}, pinn.GradNorm{Alpha: 1}, pinn.NTKWeights{}, pinn.ReLoBRaLo{},
		pinn.SelfAdaptive{}, pinn.ResidualAttention{}, pinn.Causal{},
	} {
		m := newModel(t, pureGo(t), heat, network, pinn.Options{Soft: true, BoundaryWeight: 1, Interior: 40, Boundary: 20, Weighting: scheme, WeightEvery: 25})
		start := m.Init(2)
		result, err := optim.Minimize(t.Context(), m.Objective(), start, optim.Adam{Rate: 0.02}, optim.Options{MaxIterations: 150})
		if err != nil {
			t.Fatalf("%s: %v", scheme.Name(), err)
		}
		before, err := residuals(m, start) // without the scheme's weights
		if err != nil {
			t.Fatal(err)
		}
		after, err := residuals(m, result.Theta)
		if err != nil {
			t.Fatal(err)
		}
		for term, rows := range [][2]int{{0, 40}, {40, 60}} {
			if was, is := sumOfSquares(before[rows[0]:rows[1]]), sumOfSquares(after[rows[0]:rows[1]]); !(is < 0.5*was) {
				t.Errorf("%s: term %d goes from %v to %v", scheme.Name(), term, was, is)
			}
		}
	}
}
