package optim_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

// linearModel has the residual Aθ − y and the metric ‖Bp‖, of random matrices.
type linearModel struct {
	a, b *mat.Dense
	y    []float64
}

func newLinearModel(rows, columns int, seed uint64) linearModel {
	rng := rand.New(rand.NewPCG(seed, 1))
	random := func(n, m int) *mat.Dense {
		d := mat.NewDense(n, m, nil)
		d.Apply(func(_, _ int, _ float64) float64 { return rng.NormFloat64() }, d)
		return d
	}
	l := linearModel{a: random(rows, columns), b: random(rows+2, columns), y: make([]float64, rows)}
	for i := range l.y {
		l.y[i] = rng.NormFloat64()
	}
	return l
}

// product builds Mx.
func product(m *mat.Dense, x *graph.Node) *graph.Node {
	rows, columns := m.Dims()
	all := graph.Reshape(graph.Const(x.Graph(), mat.DenseCopyOf(m).RawMatrix().Data), rows, columns)
	return graph.DotGeneral(all, []int{1}, nil, x, []int{0}, nil)
}

// objective has parameters z of θ = Cz; nil for θ.
func (l linearModel) objective(b compute.Backend, c *mat.Dense) *objective.Objective {
	_, dim := l.a.Dims()
	in := func(theta *graph.Node) *graph.Node {
		if c == nil {
			return theta
		}
		return product(c, theta)
	}
	return &objective.Objective{
		Backend: b, Dim: dim,
		Residual: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
			return graph.Sub(product(l.a, in(theta)), graph.Const(theta.Graph(), l.y))
		},
		Metric: func(theta *graph.Node, _ []*graph.Node) []*graph.Node {
			return []*graph.Node{product(l.b, in(theta))}
		},
	}
}

// step is −(K + shift)⁻¹Aᵀr at a θ, for K = AᵀA or 0.
func (l linearModel) step(theta []float64, normal bool, shift mat.Matrix) []float64 {
	var r, g, k, p mat.Dense
	r.Mul(l.a, mat.NewDense(len(theta), 1, theta))
	r.Sub(&r, mat.NewDense(len(l.y), 1, l.y))
	g.Mul(l.a.T(), &r)
	k.CloneFrom(shift)
	if normal {
		var gram mat.Dense
		gram.Mul(l.a.T(), l.a)
		k.Add(&k, &gram)
	}
	if err := p.Solve(&k, &g); err != nil {
		panic(err)
	}
	p.Scale(-1, &p)
	return p.RawMatrix().Data
}

// gramOf is AᵀA with its largest diagonal entry.
func gramOf(a mat.Matrix) (*mat.Dense, float64) {
	var k mat.Dense
	k.Mul(a.T(), a)
	largest := 0.0
	for i := range k.RawMatrix().Cols {
		largest = math.Max(largest, k.At(i, i))
	}
	return &k, largest
}

// shifted is factor·(K + shift·I).
func shifted(k *mat.Dense, factor, shift float64) *mat.Dense {
	c := mat.DenseCopyOf(k)
	for i := range k.RawMatrix().Cols {
		c.Set(i, i, c.At(i, i)+shift)
	}
	c.Scale(factor, c)
	return c
}

// stepOf is the first step of a method.
func stepOf(t *testing.T, obj *objective.Objective, start []float64, m optim.Method) []float64 {
	t.Helper()
	r := minimize(t, obj, start, m, optim.Options{MaxIterations: 1})
	p := make([]float64, len(start))
	for i := range p {
		p[i] = r.Theta[i] - start[i]
	}
	return p
}

// apart is ‖a − b‖/‖b‖.
func apart(a, b []float64) float64 {
	var square, all float64
	for i := range b {
		square += (a[i] - b[i]) * (a[i] - b[i])
		all += b[i] * b[i]
	}
	return math.Sqrt(square / all)
}

// TestLevenbergMetric: a step is that of the normal equations with the metric, by gonum.
func TestLevenbergMetric(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		l := newLinearModel(30, 12, 1)
		start := make([]float64, 12)
		start[3] = 2
		_, s := gramOf(l.a)
		m, sm := gramOf(l.b)
		for _, damping := range []float64{1e-3, 1, 100} {
			want := l.step(start, true, shifted(m, damping*s/sm, 1e-2*sm))
			got := stepOf(t, l.objective(b, nil), start, optim.LevenbergMarquardt{Metric: true, Damping: damping})
			if e := apart(got, want); !(e < 1e-10) {
				t.Errorf("λ = %v: steps %v and %v, apart by %.2g", damping, got, want, e)
			}
		}
	})
}

// TestENGDMetric: a step goes along the natural gradient by gonum, for a sum of squares and for a loss.
func TestENGDMetric(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		l := newLinearModel(30, 12, 2)
		start := make([]float64, 12)
		start[5] = -1
		m, sm := gramOf(l.b)
		obj := l.objective(b, nil)
		loss := *obj
		loss.Residual, loss.Loss = nil, func(theta *graph.Node, data []*graph.Node) *graph.Node {
			return graph.MulScalar(obj.BuildLoss(theta, data), 0.5)
		}
		for _, regularization := range []float64{1e-12, 0.1} {
			want := l.step(start, false, shifted(m, 1, regularization*sm))
			for _, o := range []*objective.Objective{obj, &loss} {
				got := stepOf(t, o, start, optim.ENGD{Metric: true, Regularization: regularization})
				length := got[0] / want[0]
				for i := range want {
					want[i] *= length
				}
				if e := apart(got, want); !(e < 1e-8) {
					t.Errorf("λ = %v: steps %v and %v, apart by %.2g", regularization, got, want, e)
				}
				for i := range want {
					want[i] /= length
				}
				if _, exponent := math.Frexp(length); math.Abs(length/math.Ldexp(1, exponent-1)-1) > 1e-8 {
					t.Errorf("λ = %v: a step of length %v, expected a power of two", regularization, length)
				}
			}
		}
	})
}

// TestMetricInvariance: in other parameters z of θ = Cz natural gradients change a function in the same way, whereas gradient
// descent does not.
func TestMetricInvariance(t *testing.T) {
	l := newLinearModel(30, 12, 3)
	c := newLinearModel(12, 12, 4).a
	start, there := make([]float64, 12), make([]float64, 12)
	start[2] = 1
	if err := mat.NewVecDense(12, there).SolveVec(c, mat.NewVecDense(12, start)); err != nil {
		t.Fatal(err)
	}
	change := func(p []float64, in *mat.Dense) []float64 {
		v := mat.NewVecDense(12, p)
		if in != nil {
			w := mat.NewVecDense(12, nil)
			w.MulVec(in, v)
			v = w
		}
		f := mat.NewVecDense(30, nil)
		f.MulVec(l.a, v)
		return f.RawVector().Data
	}
	for _, test := range []struct {
		method      optim.Method
		least, most float64
	}{
		{optim.ENGD{Metric: true, Regularization: 1e-12}, 0, 1e-7},
		{optim.ENGD{}, 0, 1e-7},
		{optim.LBFGS{}, 0.3, math.Inf(1)},                                             // whose first step is one of gradient descent
		{optim.ENGD{Metric: true, Regularization: 10}, 1e-2, math.Inf(1)},             // λI is Euclidean
		{optim.LevenbergMarquardt{Metric: true, Damping: 1e-2, Shift: 1e-9}, 0, 1e-2}, // but for ε, and s, which is that of parameters
	} {
		a := change(stepOf(t, l.objective(pureGo(t), nil), start, test.method), nil)
		b := change(stepOf(t, l.objective(pureGo(t), c), there, test.method), c)
		if e := apart(a, b); !(e >= test.least && e <= test.most) {
			t.Errorf("%+v: the changes of the function are apart by %.2g, expected from %.2g to %.2g", test.method, e, test.least, test.most)
		}
	}
}

// TestMetricBlind: parameters that the metric does not see are held back by the shift alone, and all of them find the minimum.
func TestMetricBlind(t *testing.T) {
	l := newLinearModel(30, 12, 5)
	obj := l.objective(pureGo(t), nil)
	obj.Metric = func(theta *graph.Node, _ []*graph.Node) []*graph.Node {
		return []*graph.Node{graph.Slice(theta, graph.AxisRange(0, 7))}
	}
	want := l.step(make([]float64, 12), true, mat.NewDense(12, 12, nil))
	got := minimize(t, obj, make([]float64, 12), optim.LevenbergMarquardt{Metric: true}, optim.Options{MaxIterations: 30}).Theta
	if e := apart(got, want); !(e < 1e-8) {
		t.Errorf("minimizers %v and %v, apart by %.2g", got, want, e)
	}
	obj.Metric = func(theta *graph.Node, _ []*graph.Node) []*graph.Node {
		return []*graph.Node{graph.MulScalar(theta, 0)}
	}
	got = minimize(t, obj, make([]float64, 12), optim.LevenbergMarquardt{Metric: true}, optim.Options{MaxIterations: 30}).Theta
	if e := apart(got, want); !(e < 1e-8) {
		t.Errorf("with a metric of zeros, minimizers %v and %v, apart by %.2g", got, want, e)
	}
}

// TestMetricForwarded: a term and a change of variables have the metric of the whole.
func TestMetricForwarded(t *testing.T) {
	l := newLinearModel(30, 12, 6)
	obj := l.objective(pureGo(t), nil)
	residuals := func(theta *graph.Node, data []*graph.Node) []*graph.Node {
		return []*graph.Node{obj.BuildResidual(theta, data)}
	}
	obj.Terms = &objective.Terms{Names: []string{"all"}, Residuals: residuals, Build: func(theta *graph.Node, data []*graph.Node) []*graph.Node {
		return []*graph.Node{graph.ReduceAllSum(graph.Square(residuals(theta, data)[0]))}
	}}
	term, err := obj.Term("all")
	if err != nil {
		t.Fatal(err)
	}
	m := optim.LevenbergMarquardt{Metric: true}
	want := stepOf(t, obj, make([]float64, 12), m)
	if got := stepOf(t, term, make([]float64, 12), m); apart(got, want) > 1e-12 {
		t.Errorf("steps %v of a term, %v of the whole", got, want)
	}
	directions := make([][]float64, 12)
	for i := range directions {
		directions[i] = make([]float64, 12)
		directions[i][11-i] = -1
	}
	turned, err := objective.Restrict(obj, make([]float64, 12), directions...)
	if err != nil {
		t.Fatal(err)
	}
	defer turned.Release()
	got := stepOf(t, turned.Objective, make([]float64, 12), m)
	for i := range want {
		if math.Abs(got[i]+want[11-i]) > 1e-10 {
			t.Fatalf("steps %v in other variables, %v in θ", got, want)
		}
	}
}

// TestMetricSettings: what a metric does not go together with, or needs, is an error of its kind.
func TestMetricSettings(t *testing.T) {
	l := newLinearModel(30, 12, 7)
	whole := l.objective(pureGo(t), nil)
	bare := *whole
	bare.Metric = nil
	for i, test := range []struct {
		obj    *objective.Objective
		method optim.Method
		word   string
		kind   error
	}{
		{&bare, optim.LevenbergMarquardt{Metric: true}, "LevenbergMarquardt measures steps by Objective.Metric, which is nil", objective.ErrUnsuitable},
		{&bare, optim.ENGD{Metric: true}, "ENGD measures steps by Objective.Metric", objective.ErrUnsuitable},
		{whole, optim.LevenbergMarquardt{Metric: true, Solver: optim.MatrixFree}, "LevenbergMarquardt.Metric is set with the Solver matrix-free", objective.ErrUnsuitable},
		{whole, optim.LevenbergMarquardt{Metric: true, Solver: optim.DenseKernel}, "the Solver dense JJᵀ, expected dense JᵀJ", objective.ErrUnsuitable},
		{whole, optim.LevenbergMarquardt{Metric: true, Scaling: optim.MoreScaling}, "Scaling by", objective.ErrUnsuitable},
		{whole, optim.LevenbergMarquardt{Metric: true, MaxMemory: 1000}, "LevenbergMarquardt.Metric needs", objective.ErrTooLarge},
		{whole, optim.ENGD{Metric: true, MaxMemory: 1000}, "the matrix of the metric", objective.ErrTooLarge},
		{whole, optim.ENGD{Metric: true, PseudoInverse: true}, "ENGD.Metric is set with a PseudoInverse", objective.ErrUnsuitable},
		{whole, optim.ENGD{Metric: true, Solver: optim.DenseKernel}, "ENGD.Metric is set with the Solver dense JJᵀ", objective.ErrUnsuitable},
	} {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			mustFail(t, test.obj, make([]float64, 12), test.method, optim.Options{}, test.word)
			_, err := optim.Minimize(t.Context(), test.obj, make([]float64, 12), test.method, optim.Options{})
			if !errors.Is(err, test.kind) {
				t.Errorf("error %v, expected one of the kind %v", err, test.kind)
			}
		})
	}
}
