package diagnose_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/diagnose"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

var ctx = context.Background()

func noError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// got is the value of a call that must not fail.
func got[T any](t testing.TB) func(value T, err error) T {
	return func(value T, err error) T {
		t.Helper()
		noError(t, err)
		return value
	}
}

// near reports numbers that differ by more than tolerance times the largest of them.
func near(t testing.TB, name string, have, want []float64, tolerance float64) {
	t.Helper()
	if len(have) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", name, len(have), len(want))
	}
	size := 0.0
	for _, v := range want {
		size = max(size, math.Abs(v))
	}
	for i, v := range have {
		if !(math.Abs(v-want[i]) <= tolerance*size) {
			t.Errorf("%s: number %d is %.15g, want %.15g", name, i, v, want[i])
			return
		}
	}
}

// poisson is a loss of two terms, an equation and the conditions, with a θ.
func poisson(t testing.TB) (*objective.Objective, []float64) {
	t.Helper()
	network := got[*nn.MLP](t)(nn.NewMLP(nn.Tanh, 1, 6, 1))
	problem := pde.Poisson1D()
	problem.Ansatz, problem.Exactly = nil, nil
	problem.Conditions = []pde.Condition{pde.Dirichlet("u", nil, "x-", "x+")}
	model := got[*pinn.Model](t)(pinn.New(backendtest.Best(t), problem, network, pinn.Options{Interior: 12, Boundary: 2, Seed: 1}))
	return model.Objective(), network.Init(1)
}

// linear is ‖Aθ − b‖² with a random A of that shape, with a θ.
func linear(t testing.TB, rows, columns int) (*objective.Objective, []float64) {
	t.Helper()
	a, b := tensors.FromFlatDataAndDimensions(normal(rows*columns, 1), rows, columns), tensors.FromFlatDataAndDimensions(normal(rows, 2), rows)
	return &objective.Objective{
		Backend: backendtest.Best(t), Dim: columns, Data: []*tensors.Tensor{a, b},
		Residual: func(theta *graph.Node, data []*graph.Node) *graph.Node {
			return graph.Sub(graph.Einsum("ij,j->i", data[0], theta), data[1])
		},
	}, normal(columns, 3)
}

func normal(n int, seed uint64) []float64 {
	random := rand.New(rand.NewPCG(seed, 5))
	out := make([]float64, n)
	for i := range out {
		out[i] = random.NormFloat64()
	}
	return out
}

// residual computes r at θ.
func residual(t testing.TB, obj *objective.Objective) func(theta []float64) []float64 {
	t.Helper()
	linearizer := got[*objective.Linearizer](t)(objective.NewLinearizer(obj, 0))
	return func(theta []float64) []float64 {
		at := got[*objective.Linearization](t)(linearizer.At(theta))
		return got[[]float64](t)(at.Residual())
	}
}

// differences is the Jacobian of f by central differences.
func differences(f func([]float64) []float64, theta []float64) *mat.Dense {
	const h = 1e-5
	var j *mat.Dense
	for i := range theta {
		moved := append([]float64(nil), theta...)
		moved[i] = theta[i] + h
		plus := f(moved)
		moved[i] = theta[i] - h
		minus := f(moved)
		if j == nil {
			j = mat.NewDense(len(plus), len(theta), nil)
		}
		for row, v := range plus {
			j.Set(row, i, (v-minus[row])/(2*h))
		}
	}
	return j
}

// product is factor·A·B, row by row.
func product(factor float64, a, b mat.Matrix) []float64 {
	var c mat.Dense
	c.Mul(a, b)
	c.Scale(factor, &c)
	return c.RawMatrix().Data
}

func flat(m mat.Matrix) []float64 { return mat.DenseCopyOf(m).RawMatrix().Data }

// diagonalMatrix is the one with these eigenvalues, turned by reflections so that no unit vector is an eigenvector.
func diagonalMatrix(t testing.TB, values []float64) *diagnose.Matrix {
	t.Helper()
	n := len(values)
	mirrors := [][]float64{normal(n, 11), normal(n, 12), normal(n, 13)}
	reflect := func(x, v []float64) {
		dot, square := 0.0, 0.0
		for i := range v {
			dot, square = dot+x[i]*v[i], square+v[i]*v[i]
		}
		for i := range v {
			x[i] -= 2 * dot / square * v[i]
		}
	}
	return got[*diagnose.Matrix](t)(diagnose.NewMatrix("test matrix", n, func(dst, x []float64) error {
		copy(dst, x)
		for _, v := range mirrors {
			reflect(dst, v)
		}
		for i := range dst {
			dst[i] *= values[i]
		}
		for i := len(mirrors) - 1; i >= 0; i-- {
			reflect(dst, mirrors[i])
		}
		return nil
	}))
}
