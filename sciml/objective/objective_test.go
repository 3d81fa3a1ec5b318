package objective_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/diff/fd"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/objective"
)

// The problem of these tests: two small networks fit data, as pieces of two and of one column, with 11 and 5 samples.
const (
	dim   = 3*4 + 4*2 + 3
	first = 11
	other = 5
	rows  = 2*first + other
)

func values(n int, by float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = math.Sin(by*float64(i+1)) + 0.1*by
	}
	return out
}

var theta = values(dim, 0.7)

func pieces(theta *graph.Node, data []*graph.Node) []*graph.Node {
	part := func(from, to int, dims ...int) *graph.Node {
		return graph.Reshape(graph.Slice(theta, graph.AxisRange(from, to)), dims...)
	}
	scaled := func(r, scale *graph.Node) *graph.Node { return graph.Mul(r, graph.ExpandAxes(scale, 1)) }
	one := graph.MatMul(graph.Tanh(graph.MatMul(data[0], part(0, 12, 3, 4))), part(12, 20, 4, 2))
	two := graph.Tanh(graph.MatMul(data[2], part(20, 23, 3, 1)))
	return []*graph.Node{scaled(one, data[1]), scaled(two, data[3])}
}

func networks(b compute.Backend, dtype dtypes.DType) *objective.Objective {
	tensor := func(values []float64, dims ...int) *tensors.Tensor {
		if dtype == dtypes.Float64 {
			return tensors.FromFlatDataAndDimensions(values, dims...)
		}
		narrow := make([]float32, len(values))
		for i, v := range values {
			narrow[i] = float32(v)
		}
		return tensors.FromFlatDataAndDimensions(narrow, dims...)
	}
	o := &objective.Objective{
		Backend: b, Dim: dim, DType: dtype, Pieces: pieces,
		Data: []*tensors.Tensor{
			tensor(values(3*first, 0.3), first, 3), tensor(values(first, 1.1), first),
			tensor(values(3*other, 0.9), other, 3), tensor(values(other, 0.2), other),
		},
		Samples: []objective.Samples{
			{Name: "first", Rows: first, Data: []int{0, 1}, Scales: []int{1}}, {Name: "other", Rows: other, Data: []int{2, 3}, Scales: []int{3}},
		},
	}
	o.Terms = &objective.Terms{Names: []string{"first", "other"}, Residuals: pieces, Build: func(theta *graph.Node, data []*graph.Node) []*graph.Node {
		var parts []*graph.Node
		for _, p := range pieces(theta, data) {
			parts = append(parts, graph.ReduceAllSum(graph.Square(p)))
		}
		return parts
	}}
	return o
}

// must is for what cannot fail in these tests.
func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func residualOf(t *testing.T, o *objective.Objective) func(x []float64) []float64 {
	l := must[*objective.Linearizer](t)(objective.NewLinearizer(o, 0))
	return func(x []float64) []float64 {
		return must[[]float64](t)(must[*objective.Linearization](t)(l.At(x)).Residual())
	}
}

// differences is the Jacobian of f by central differences.
func differences(m, n int, f func(x []float64) []float64, at []float64) *mat.Dense {
	j := mat.NewDense(m, n, nil)
	fd.Jacobian(j, func(dst, x []float64) { copy(dst, f(x)) }, at, &fd.JacobianSettings{Formula: fd.Central, Step: 1e-5})
	return j
}

func near(t *testing.T, what string, got, want mat.Matrix, tolerance float64) {
	t.Helper()
	if !mat.EqualApprox(got, want, tolerance) {
		var off mat.Dense
		off.Sub(got, want)
		t.Errorf("%s is off by %.2g", what, mat.Max(&off))
	}
}

// TestLinearization: every answer agrees with differences of the residuals, whole and in chunks of any size, on both back ends.
func TestLinearization(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		o := networks(b, dtypes.Float64)
		j := differences(rows, dim, residualOf(t, o), theta)
		var normal, kernel mat.Dense
		normal.Mul(j.T(), j)
		kernel.Mul(j, j.T())
		whole := int64(3 * 8 * rows * dim)
		for _, budget := range []int64{0, whole, whole / 2, whole / 3, 1} {
			l := must[*objective.Linearizer](t)(objective.NewLinearizer(o, budget))
			at := must[*objective.Linearization](t)(l.At(theta))
			near(t, "JᵀJ", must[*mat.SymDense](t)(at.NormalMatrix()), &normal, 1e-7)
			near(t, "JJᵀ", must[*mat.SymDense](t)(at.Kernel()), &kernel, 1e-7)
			if trace := must[float64](t)(at.KernelTrace()); math.Abs(trace-mat.Trace(&kernel)) > 1e-7 {
				t.Errorf("tr JJᵀ = %v, want %v", trace, mat.Trace(&kernel))
			}
			dense, err := at.Jacobian()
			if fits := budget == 0 || budget >= whole; fits && err == nil {
				near(t, "J", dense, j, 1e-7)
			} else if fits || !errors.Is(err, objective.ErrTooLarge) {
				t.Errorf("with a budget of %d bytes J gives the error %v", budget, err)
			}
			v, w := values(dim, 2), values(rows, 3)
			jv, jw := make([]float64, rows), make([]float64, dim)
			if err := errors.Join(at.Forward()(jv, v), at.Adjoint()(jw, w)); err != nil {
				t.Fatal(err)
			}
			var want mat.VecDense
			want.MulVec(j, mat.NewVecDense(dim, v))
			near(t, "J·v", mat.NewVecDense(rows, jv), &want, 1e-7)
			want.Reset()
			want.MulVec(j.T(), mat.NewVecDense(rows, w))
			near(t, "Jᵀ·w", mat.NewVecDense(dim, jw), &want, 1e-7)
			if err := at.Forward()(jw, v); err == nil || !strings.Contains(err.Error(), "lengths") && !strings.Contains(err.Error(), "length") {
				t.Errorf("a product into a vector of the wrong length gives the error %v", err)
			}
		}
	})
}

// TestChunksFollowData: chunks are of the data that the objective has when it is asked.
func TestChunksFollowData(t *testing.T) {
	o := networks(backendtest.Best(t), dtypes.Float64)
	l := must[*objective.Linearizer](t)(objective.NewLinearizer(o, 1))
	trace := func() float64 {
		return must[float64](t)(must[*objective.Linearization](t)(l.At(theta)).KernelTrace())
	}
	before := trace()
	scales := values(other, 0.2)
	floats.Scale(3, scales)
	o.Data[3] = tensors.FromValue(scales)
	term := must[*objective.Objective](t)(networks(o.Backend, dtypes.Float64).Term("other"))
	of := must[*objective.Linearizer](t)(objective.NewLinearizer(term, 0))
	share := must[float64](t)(must[*objective.Linearization](t)(of.At(theta)).KernelTrace())
	if got, want := trace(), before+8*share; math.Abs(got-want) > 1e-12*want {
		t.Errorf("with three times the scales of a term tr JJᵀ is %v, want %v", got, want)
	}
}

// TestFloat32: answers in single precision come to the host in double, and are off by rounding only.
func TestFloat32(t *testing.T) {
	b := backendtest.Best(t)
	wide := must[*objective.Linearizer](t)(objective.NewLinearizer(networks(b, dtypes.Float64), 0))
	narrow := must[*objective.Linearizer](t)(objective.NewLinearizer(networks(b, dtypes.Float32), 500))
	want := must[*mat.SymDense](t)(must[*objective.Linearization](t)(wide.At(theta)).NormalMatrix())
	got := must[*mat.SymDense](t)(must[*objective.Linearization](t)(narrow.At(theta)).NormalMatrix())
	near(t, "JᵀJ in single precision", got, want, 1e-5)
	if mat.Equal(got, want) {
		t.Error("single precision gives the digits of double precision")
	}
}

// TestCurvature: products with the Hessian and the Gauss–Newton matrix, against differences of the gradient and 2JᵀJ.
func TestCurvature(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		o := networks(b, dtypes.Float64)
		e := must[*objective.Evaluator](t)(objective.NewEvaluator(o))
		j := differences(rows, dim, residualOf(t, o), theta)
		hessian := differences(dim, dim, func(x []float64) []float64 {
			_, g, err := e.At(x)
			if err != nil {
				t.Fatal(err)
			}
			return g
		}, theta)
		var gaussNewton mat.Dense
		gaussNewton.Mul(j.T(), j)
		gaussNewton.Scale(2, &gaussNewton)
		for matrix, want := range map[objective.CurvatureMatrix]*mat.Dense{objective.HessianMatrix: hessian, objective.GaussNewtonMatrix: &gaussNewton} {
			c := must[*objective.Curvature](t)(objective.NewCurvature(o, matrix))
			at := must[*objective.CurvatureAt](t)(c.At(theta))
			v, got := values(dim, 5), make([]float64, dim)
			if err := at.Multiply(got, v); err != nil {
				t.Fatal(err)
			}
			var product mat.VecDense
			product.MulVec(want, mat.NewVecDense(dim, v))
			near(t, matrix.String(), mat.NewVecDense(dim, got), &product, 1e-6)
			if at.Products != 1 || at.Err != nil {
				t.Errorf("%s: %d products, error %v", matrix, at.Products, at.Err)
			}
		}
	})
}

// TestTerms: each term as an objective of its own has the value, the residuals and the gradient that are its part.
func TestTerms(t *testing.T) {
	o := networks(backendtest.Best(t), dtypes.Float64)
	whole, gradient, err := must[*objective.Evaluator](t)(objective.NewEvaluator(o)).At(theta)
	if err != nil {
		t.Fatal(err)
	}
	terms := must[*objective.TermEvaluator](t)(objective.NewTermEvaluator(o))
	byName := must[map[string]float64](t)(terms.At(theta))
	sum, sums, all := 0.0, make([]float64, dim), []float64{}
	for _, name := range o.Terms.Names {
		term := must[*objective.Objective](t)(o.Term(name))
		f, g, err := must[*objective.Evaluator](t)(objective.NewEvaluator(term)).At(theta)
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(f-byName[name]) > 1e-14*f {
			t.Errorf("the term %q is %v by itself and %v among all", name, f, byName[name])
		}
		sum += f
		floats.Add(sums, g)
		all = append(all, residualOf(t, term)(theta)...)
	}
	if math.Abs(sum-whole) > 1e-13*whole || floats.Distance(sums, gradient, 2) > 1e-13*floats.Norm(gradient, 2) {
		t.Errorf("the terms add up to %v, with gradients off by %v; the loss is %v", sum, floats.Distance(sums, gradient, 2), whole)
	}
	if !floats.EqualApprox(all, residualOf(t, o)(theta), 1e-15) {
		t.Errorf("the residuals of the terms, one after the other, are %v", all)
	}
	if _, err := o.Term("third"); err == nil || !strings.Contains(err.Error(), `"third", expected one of ["first" "other"]`) {
		t.Errorf("a term that is not there: error %v", err)
	}
	o.Terms.Residuals = nil // as of an energy
	if f, _, err := must[*objective.Evaluator](t)(objective.NewEvaluator(must[*objective.Objective](t)(o.Term("other")))).At(theta); err != nil || math.Abs(f-byName["other"]) > 1e-15 {
		t.Errorf("a term without residuals: %v, error %v", f, err)
	}
}

// TestRestrict: on a plane the objective has the values of its points, the projected gradient, and all terms.
func TestRestrict(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		o := networks(b, dtypes.Float64)
		directions := [][]float64{values(dim, 1.3), values(dim, 2.1)}
		plane := must[*objective.Change](t)(objective.Restrict(o, theta, directions...))
		z := []float64{0.2, -0.1}
		at := slices.Clone(theta)
		for i, d := range directions {
			floats.AddScaled(at, z[i], d)
		}
		f, g, err := must[*objective.Evaluator](t)(objective.NewEvaluator(plane.Objective)).At(z)
		if err != nil {
			t.Fatal(err)
		}
		want, gradient, err := must[*objective.Evaluator](t)(objective.NewEvaluator(o)).At(at)
		if err != nil {
			t.Fatal(err)
		}
		projected := []float64{floats.Dot(directions[0], gradient), floats.Dot(directions[1], gradient)}
		if math.Abs(f-want) > 1e-13*want || !floats.EqualApprox(g, projected, 1e-11) {
			t.Errorf("f(z) = %v and ∇f(z) = %v, want %v and %v", f, g, want, projected)
		}
		terms := must[map[string]float64](t)(must[*objective.TermEvaluator](t)(objective.NewTermEvaluator(plane.Objective)).At(z))
		if math.Abs(terms["first"]+terms["other"]-want) > 1e-13*want {
			t.Errorf("the terms on the plane are %v, the loss is %v", terms, want)
		}
		j := differences(rows, dim, residualOf(t, o), at)
		var along mat.Dense
		c := mat.NewDense(dim, 2, nil)
		c.SetCol(0, directions[0])
		c.SetCol(1, directions[1])
		along.Mul(j, c)
		l := must[*objective.Linearizer](t)(objective.NewLinearizer(plane.Objective, 0))
		near(t, "J on the plane", must[*mat.Dense](t)(must[*objective.Linearization](t)(l.At(z)).Jacobian()), &along, 1e-6)
	})
}

// TestForRun: a run may replace its data, and the objective stays as it is.
func TestForRun(t *testing.T) {
	o := networks(backendtest.Best(t), dtypes.Float64)
	before := slices.Clone(o.Data)
	o.ForRun(context.Background()).Data[0] = nil
	if !slices.Equal(o.Data, before) {
		t.Error("the data of a run are those of the objective")
	}
}

func TestErrors(t *testing.T) {
	b := backendtest.Best(t)
	o := networks(b, dtypes.Float64)
	energy := &objective.Objective{Backend: b, Dim: 2, Loss: func(theta *graph.Node, _ []*graph.Node) *graph.Node { return graph.ReduceAllSum(theta) }}
	plain, err := objective.FromFunction(2, func(x, g []float64) float64 { return 0 })
	if err != nil {
		t.Fatal(err)
	}
	interacting := &objective.Objective{Backend: b, Dim: objective.MostForwardPasses + 1}
	interacting.Residual = func(theta *graph.Node, _ []*graph.Node) *graph.Node {
		r := graph.BroadcastToDims(graph.ReduceAllSum(theta), 300) // maxima of scattered numbers have reverse mode alone
		places := graph.Iota(theta.Graph(), shapes.Make(dtypes.Int32, 300, 1), 0)
		return graph.ScatterMax(graph.ZerosLike(r), places, r, true, true)
	}
	without := networks(b, dtypes.Float64)
	without.Samples = nil
	means := networks(b, dtypes.Float64)
	means.Samples[0].Scales = nil
	constant := networks(b, dtypes.Float64)
	constant.Pieces = func(theta *graph.Node, data []*graph.Node) []*graph.Node {
		return append(pieces(theta, data), graph.Slice(theta, graph.AxisRange(0, 1)))
	}
	l := must[*objective.Linearizer](t)(objective.NewLinearizer(o, 0))
	normal := func(o *objective.Objective, budget int64) error {
		l := must[*objective.Linearizer](t)(objective.NewLinearizer(o, budget))
		_, err := must[*objective.Linearization](t)(l.At(make([]float64, o.Dim))).NormalMatrix()
		return err
	}
	second := func(_ any, err error) error { return err }
	for word, c := range map[string]struct{ err, kind error }{
		"a Linearizer needs the residuals":              {second(objective.NewLinearizer(energy, 0)), objective.ErrUnsuitable},
		"a Linearizer needs the residuals whose":        {second(objective.NewLinearizer(plain, 0)), objective.ErrUnsuitable},
		"budget of a Linearizer is -1":                  {second(objective.NewLinearizer(o, -1)), nil},
		"theta has 2 entries, expected Objective.Dim":   {second(l.At(theta[:2])), nil},
		"products with the Hessian":                     {second(objective.NewCurvature(plain, objective.HessianMatrix)), objective.ErrUnsuitable},
		"Curvature with the Gauss–Newton matrix needs":  {second(objective.NewCurvature(energy, objective.GaussNewtonMatrix)), objective.ErrUnsuitable},
		"JᵀJ: objective: the Jacobian of the residuals": {normal(interacting, 0), objective.ErrUnsuitable},
		"Objective.Samples is nil, so that":             {normal(without, 100), objective.ErrTooLarge},
		`Samples "first" have no Scales`:                {normal(means, 100), objective.ErrTooLarge},
		"in chunks of the samples are not those":        {normal(constant, 100), objective.ErrTooLarge},
		"there are no directions":                       {second(objective.Restrict(o, theta)), nil},
		"expected Objective.Dim = 23, in direction 1":   {second(objective.Restrict(o, theta, theta, theta[:1])), nil},
		"a change of variables needs a graph":           {second(objective.Restrict(plain, []float64{0, 0}, []float64{1, 0})), objective.ErrUnsuitable},
		"Objective.Terms is nil, expected":              {second(objective.NewTermEvaluator(energy)), objective.ErrUnsuitable},
		`no term "x", as Objective.Terms is nil`:        {second(energy.Term("x")), objective.ErrUnsuitable},
	} {
		if c.err == nil || !strings.Contains(c.err.Error(), word) {
			t.Errorf("error %v, want one that mentions %q", c.err, word)
		}
		for _, kind := range []error{objective.ErrUnsuitable, objective.ErrTooLarge} {
			if errors.Is(c.err, kind) != (kind == c.kind) {
				t.Errorf("%v: that it is %q is %v", c.err, kind, errors.Is(c.err, kind))
			}
		}
	}
}
