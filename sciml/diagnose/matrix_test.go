package diagnose_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/diagnose"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/linalg"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

// TestMatrices compares all three, in full and by products, with finite differences.
func TestMatrices(t *testing.T) {
	obj, theta := poisson(t)
	evaluator := got[*objective.Evaluator](t)(objective.NewEvaluator(obj))
	hessian := differences(func(theta []float64) []float64 {
		_, gradient, err := evaluator.At(theta)
		noError(t, err)
		return gradient
	}, theta)
	j := differences(residual(t, obj), theta)
	for name, c := range map[string]struct {
		of   func(context.Context, *objective.Objective, []float64) (*diagnose.Matrix, error)
		want []float64
	}{
		"Hessian":             {diagnose.Hessian, flat(hessian)},
		"Gauss–Newton matrix": {diagnose.GaussNewton, product(2, j.T(), j)},
		"tangent kernel":      {diagnose.Kernel, product(2, j, j.T())},
	} {
		m := got[*diagnose.Matrix](t)(c.of(ctx, obj, theta))
		if m.Name() != name || m.Order()*m.Order() != len(c.want) {
			t.Errorf("%s is called %q, of order %d, want %d numbers", name, m.Name(), m.Order(), len(c.want))
		}
		dense := got[*mat.SymDense](t)(m.Dense())
		near(t, name, flat(dense), c.want, 1e-8)
		x, have := normal(m.Order(), 7), make([]float64, m.Order())
		taken := m.Products
		noError(t, m.Multiply(have, x))
		near(t, name+", product", have, product(1, dense, mat.NewDense(m.Order(), 1, x)), 1e-12)
		if m.Products != taken+1 {
			t.Errorf("%s: %d products counted, want %d", name, m.Products, taken+1)
		}
		eigen := got[*linalg.Eigen](t)(m.Eigen())
		near(t, name+", eigenvalues", got[*diagnose.Spectrum](t)(m.Spectrum()).Eigenvalues, eigen.Values, 1e-12)
	}
}

// TestTermsAdd: the Hessian of a loss is the sum of those of its terms.
func TestTermsAdd(t *testing.T) {
	obj, theta := poisson(t)
	whole := flat(got[*mat.SymDense](t)(got[*diagnose.Matrix](t)(diagnose.Hessian(ctx, obj, theta)).Dense()))
	sum := make([]float64, len(whole))
	for _, name := range obj.Terms.Names {
		term := got[*objective.Objective](t)(obj.Term(name))
		for i, v := range flat(got[*mat.SymDense](t)(got[*diagnose.Matrix](t)(diagnose.Hessian(ctx, term, theta)).Dense())) {
			sum[i] += v
		}
	}
	near(t, "sum over terms", sum, whole, 1e-12)
}

// TestPreconditioned compares with CᵀAC from C and A in full.
func TestPreconditioned(t *testing.T) {
	obj, theta := poisson(t)
	j := differences(residual(t, obj), theta)
	for _, by := range []optim.Preconditioner{optim.Diagonal{Shift: 1e-3}, optim.NystromPreconditioner{Rank: 6, MaxRank: 6, Shift: 1e-3}, optim.BlockDiagonal{Shift: 1e-3}} {
		c := rootOf(t, by, obj, theta)
		for name, of := range map[string]func(context.Context, *objective.Objective, []float64) (*diagnose.Matrix, error){
			"Hessian": diagnose.Hessian, "Gauss–Newton matrix": diagnose.GaussNewton, "tangent kernel": diagnose.Kernel,
		} {
			m := got[*diagnose.Matrix](t)(of(ctx, obj, theta))
			p := got[*diagnose.Matrix](t)(m.Preconditioned(by))
			a := mat.DenseCopyOf(got[*mat.SymDense](t)(m.Dense()))
			if name == "tangent kernel" {
				var jc mat.Dense
				jc.Mul(j, c)
				a.Mul(&jc, jc.T())
				a.Scale(2, a)
			} else {
				a.Mul(c.T(), a)
				a.Mul(a, c)
			}
			near(t, p.Name(), flat(got[*mat.SymDense](t)(p.Dense())), flat(a), 1e-6)
			var eigen mat.EigenSym
			if !eigen.Factorize(mat.NewSymDense(m.Order(), flat(a)), false) {
				t.Fatal("no eigenvalues")
			}
			want := eigen.Values(nil)
			slices.Reverse(want)
			near(t, p.Name()+", eigenvalues", got[*diagnose.Spectrum](t)(p.Spectrum()).Eigenvalues, want, 1e-6)
			if want := name + ", preconditioned (" + by.Name() + ")"; p.Name() != want {
				t.Errorf("the name is %q, want %q", p.Name(), want)
			}
		}
	}
}

// TestPreconditioningHelps: the condition of damped curvature falls as a preconditioner promises, seen by Lanczos alone.
func TestPreconditioningHelps(t *testing.T) {
	obj, theta := linear(t, 40, 12)
	m := got[*diagnose.Matrix](t)(diagnose.GaussNewton(ctx, obj, theta))
	p := got[*diagnose.Matrix](t)(m.Preconditioned(optim.NystromPreconditioner{Rank: 12, Shift: 1e-10}))
	before := got[diagnose.Extremes](t)(m.Extremes(12, 1))
	after := got[diagnose.Extremes](t)(p.Extremes(12, 1))
	if !(before.Condition() > 5) || !(after.Condition() < 1.001) {
		t.Errorf("condition %v before, %v after: want above 5, and 1", before.Condition(), after.Condition())
	}
}

// rootOf is C as a matrix, from f(θ + Cz) in z: the Jacobian of θ + Cz.
func rootOf(t *testing.T, by optim.Preconditioner, obj *objective.Objective, theta []float64) *mat.Dense {
	t.Helper()
	identity := *obj // whose residual is θ
	identity.Pieces, identity.Terms, identity.Loss = nil, nil, nil
	identity.Residual = func(theta *graph.Node, _ []*graph.Node) *graph.Node { return theta }
	m := got[*diagnose.Matrix](t)(diagnose.Kernel(ctx, &identity, theta))
	p := got[*diagnose.Matrix](t)(m.Preconditioned(ofOther{by, obj}))
	// 2CCᵀ, and C is its root: all of these C are symmetric.
	eigen := got[*linalg.Eigen](t)(p.Eigen())
	c, n := new(mat.Dense), len(theta)
	scaled := mat.DenseCopyOf(eigen.Vectors)
	for i := range n {
		for k, v := range eigen.Values {
			scaled.Set(i, k, scaled.At(i, k)*math.Sqrt(v/2))
		}
	}
	c.Mul(scaled, eigen.Vectors.T())
	return c
}

// ofOther is a preconditioner for the curvature of another objective.
type ofOther struct {
	optim.Preconditioner
	obj *objective.Objective
}

func (o ofOther) Start(*objective.Objective) (optim.Root, error) {
	return o.Preconditioner.Start(o.obj)
}

// TestRefused: what cannot be answered says why.
func TestRefused(t *testing.T) {
	obj, theta := linear(t, 3, 2)
	plain := got[*objective.Objective](t)(objective.FromFunction(2, func(theta, gradient []float64) float64 { return 0 }))
	energy := &objective.Objective{Backend: obj.Backend, Dim: 2, Loss: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
		return graph.ReduceAllSum(graph.Mul(theta, theta))
	}}
	infinite := &objective.Objective{Backend: obj.Backend, Dim: 2, Residual: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
		return graph.Log(graph.MulScalar(graph.OnesLike(theta), -1))
	}}
	done, cancel := context.WithCancel(ctx)
	cancel()
	kernelAt := func(c context.Context, o *objective.Objective, theta []float64) error {
		_, err := diagnose.NewTangentKernel(c, o, theta)
		return err
	}
	spectrumOf := func(of func(context.Context, *objective.Objective, []float64) (*diagnose.Matrix, error)) func(context.Context, *objective.Objective, []float64) error {
		return func(c context.Context, o *objective.Objective, theta []float64) error {
			m, err := of(c, o, theta)
			if err != nil {
				return err
			}
			_, dense := m.Spectrum()
			_, estimated := m.Quadrature(diagnose.Quadrature{Probes: 2, Steps: 2})
			if (dense == nil) != (estimated == nil) {
				t.Errorf("%s: errors %v in full and %v by products", m.Name(), dense, estimated)
			}
			return dense
		}
	}
	all := map[string]func(context.Context, *objective.Objective, []float64) error{
		"Hessian": spectrumOf(diagnose.Hessian), "GaussNewton": spectrumOf(diagnose.GaussNewton), "Kernel": spectrumOf(diagnose.Kernel), "NewTangentKernel": kernelAt,
	}
	for name, f := range all {
		for what, c := range map[string]struct {
			ctx   context.Context
			obj   *objective.Objective
			theta []float64
			says  string
			is    error
		}{
			"a short θ":        {ctx, obj, theta[:1], "θ has 1 entries, expected Objective.Dim = 2", nil},
			"NaN":              {ctx, obj, []float64{0, math.NaN()}, "θ has NaN at index 1", nil},
			"no objective":     {ctx, nil, theta, "is nil", nil},
			"no context":       {nil, obj, theta, "context is nil", nil},
			"a plain function": {ctx, plain, theta, "Function", objective.ErrUnsuitable},
			"an energy":        {ctx, energy, theta, "Objective.Residual", objective.ErrUnsuitable},
			"NaN residuals":    {ctx, infinite, theta, "NaN", nil},
			"a done context":   {done, obj, theta, "canceled", context.Canceled},
		} {
			err := f(c.ctx, c.obj, c.theta)
			if what == "an energy" && name == "Hessian" {
				noError(t, err)
				continue
			}
			if what == "NaN residuals" && err == nil && name != "NewTangentKernel" {
				continue // they do not depend on θ here, so that the matrices are zero
			}
			if what == "a plain function" && name != "Hessian" {
				c.says = "plain functions have none"
			}
			if err == nil || !strings.Contains(err.Error(), c.says) || c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("%s of %s: error %v, want one with %q that is %v", name, what, err, c.says, c.is)
			}
		}
	}
	m := got[*diagnose.Matrix](t)(diagnose.NewMatrix("large", 1<<20, func(dst, x []float64) error { copy(dst, x); return nil }))
	if _, err := m.Dense(); !errors.Is(err, objective.ErrTooLarge) {
		t.Errorf("error %v, want one that is ErrTooLarge", err)
	}
	if _, err := m.Preconditioned(optim.Diagonal{}); !errors.Is(err, objective.ErrUnsuitable) {
		t.Errorf("error %v, want one that is ErrUnsuitable", err)
	}
	h := got[*diagnose.Matrix](t)(diagnose.Hessian(ctx, energy, theta))
	if _, err := h.Preconditioned(optim.BlockDiagonal{}); !errors.Is(err, objective.ErrUnsuitable) {
		t.Errorf("error %v, want one that is ErrUnsuitable", err)
	}
	if _, err := h.Preconditioned((*optim.Diagonal)(nil)); err == nil || !strings.Contains(err.Error(), "preconditioner is nil") {
		t.Errorf("error %v, want one that says that the preconditioner is nil", err)
	}
	if err := h.Multiply(make([]float64, 2), make([]float64, 3)); err == nil || !strings.Contains(err.Error(), "length 3 and 2, expected 2") {
		t.Errorf("error %v, want one that tells the lengths", err)
	}
}

// TestInterrupted: a context that ends later ends whatever is asked then.
func TestInterrupted(t *testing.T) {
	obj, theta := linear(t, 3, 2)
	c, cancel := context.WithCancel(ctx)
	var all []*diagnose.Matrix
	for _, of := range []func(context.Context, *objective.Objective, []float64) (*diagnose.Matrix, error){diagnose.Hessian, diagnose.GaussNewton, diagnose.Kernel} {
		m := got[*diagnose.Matrix](t)(of(c, obj, theta))
		all = append(all, m, got[*diagnose.Matrix](t)(m.Preconditioned(optim.Diagonal{})))
	}
	for _, m := range all {
		noError(t, m.Multiply(make([]float64, m.Order()), make([]float64, m.Order())))
	}
	cancel()
	for _, m := range all {
		_, dense := m.Spectrum()
		_, estimated := m.Quadrature(diagnose.Quadrature{})
		_, ends := m.Extremes(2, 1)
		_, changed := m.Preconditioned(optim.NystromPreconditioner{})
		for _, err := range []error{dense, estimated, ends, changed} {
			if !errors.Is(err, context.Canceled) {
				t.Errorf("%s: error %v, want one of the context", m.Name(), err)
			}
		}
	}
}

// TestSinglePrecision: matrices of float32 objectives are those of float64 to their rounding.
func TestSinglePrecision(t *testing.T) {
	obj := &objective.Objective{Backend: backendtest.Best(t), Dim: 3}
	obj.Residual = func(theta *graph.Node, _ []*graph.Node) *graph.Node { return graph.Sin(theta) }
	theta := []float64{0.1, 0.5, 1}
	double := got[*diagnose.Spectrum](t)(got[*diagnose.Matrix](t)(diagnose.Hessian(ctx, obj, theta)).Spectrum())
	narrow := *obj
	narrow.DType = dtypes.Float32
	rounded := got[*diagnose.Spectrum](t)(got[*diagnose.Matrix](t)(diagnose.Hessian(ctx, &narrow, theta)).Spectrum())
	near(t, "eigenvalues", rounded.Eigenvalues, double.Eigenvalues, 1e-6)
	if ratio := rounded.Rounding / double.Rounding; !(ratio > 1e8) {
		t.Errorf("rounding is %g in float32 and %g in float64", rounded.Rounding, double.Rounding)
	}
}
