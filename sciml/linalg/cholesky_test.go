package linalg_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/linalg"
)

// run calls the graph with matrices of float64, and returns matrices.
func run(t *testing.T, b compute.Backend, build func(in []*graph.Node) []*graph.Node, args ...any) [][]float64 {
	t.Helper()
	exec, err := graph.NewExec(b, build)
	noError(t, err)
	out, err := exec.Call(args...)
	noError(t, err)
	all := make([][]float64, len(out))
	for i, o := range out {
		all[i], err = tensors.CopyFlatData[float64](o)
		noError(t, err)
	}
	return all
}

func tensor(a mat.Matrix) *tensors.Tensor {
	m, n := a.Dims()
	return tensors.FromFlatDataAndDimensions(rowsOf(a), m, n)
}

// TestCholesky has matrices of one block, of several, and with a last block of one, and compares with gonum: solutions for
// a vector and a matrix, L⁻¹b and L⁻ᵀb, and the solution with a factor made of the blocks of another.
func TestCholesky(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, backend compute.Backend) {
		for _, n := range []int{1, 2, 31, 64, 65, 150} {
			a := withSpectrum(logarithmic(max(n, 2), 1e4), 110)
			if n == 1 {
				a = mat.NewSymDense(1, []float64{9})
			}
			right, vector := gaussian(n, 3, 111), gaussianVector(n, 112)
			out := run(t, backend, func(in []*graph.Node) []*graph.Node {
				f := linalg.Cholesky(in[0])
				return []*graph.Node{f.Solve(in[1]), f.Solve(in[2]), f.Forward(in[1]), f.Backward(in[2]), linalg.FactorOf(n, f.Blocks()).Solve(in[2])}
			}, tensor(a), tensor(right), vector)

			var factor mat.Cholesky
			if !factor.Factorize(a) {
				t.Fatal("gonum finds the matrix not positive definite")
			}
			var lower mat.TriDense
			factor.LTo(&lower)
			var solved, forward mat.Dense
			var x, backward mat.VecDense
			noError(t, factor.SolveTo(&solved, right))
			noError(t, factor.SolveVecTo(&x, mat.NewVecDense(n, vector)))
			noError(t, forward.Solve(&lower, right))
			noError(t, backward.SolveVec(lower.T(), mat.NewVecDense(n, vector)))
			for i, want := range [][]float64{rowsOf(&solved), x.RawVector().Data, rowsOf(&forward), backward.RawVector().Data, x.RawVector().Data} {
				atMost(t, fmt.Sprintf("n = %d: the error of result %d", n, i), apart(out[i], want), 1e-11)
			}
		}
	})
}

// TestCholeskyConditions: the error is that of a backward stable method, of the order of the condition times rounding.
func TestCholeskyConditions(t *testing.T) {
	const n = 100
	backendtest.Each(t, func(t *testing.T, backend compute.Backend) {
		for _, condition := range []float64{1e2, 1e8, 1e12} {
			a := withSpectrum(logarithmic(n, condition), 113)
			want := gaussianVector(n, 114)
			b := times(a, want)
			out := run(t, backend, func(in []*graph.Node) []*graph.Node {
				return []*graph.Node{linalg.Cholesky(in[0]).Solve(in[1])}
			}, tensor(a), b)
			atMost(t, fmt.Sprintf("the error with condition %g", condition), apart(out[0], want), 1e-14*condition)
		}
	})
}

// TestCholeskyIndefinite: the solution is not finite, wherever the pivot that is not positive.
func TestCholeskyIndefinite(t *testing.T) {
	const n = 70
	backendtest.Each(t, func(t *testing.T, backend compute.Backend) {
		exec, err := graph.NewExec(backend, func(in []*graph.Node) []*graph.Node {
			return []*graph.Node{linalg.Cholesky(in[0]).Solve(in[1])}
		})
		noError(t, err)
		for _, at := range []int{0, 40, 63, 64, 69} {
			values := diagonal(n, 2)
			values.SetDiag(at, float64(-(at % 2))) // 0 or −1
			out, err := exec.Call(tensor(values), gaussianVector(n, 115))
			noError(t, err)
			x, err := tensors.CopyFlatData[float64](out[0])
			noError(t, err)
			found := false
			for _, v := range x {
				found = found || math.IsNaN(v) || math.IsInf(v, 0)
			}
			if !found {
				t.Errorf("pivot %d is %g: the solution is finite", at, values.At(at, at))
			}
		}
	})
}

// TestCholeskyFloat32 solves in the precision of the matrix.
func TestCholeskyFloat32(t *testing.T) {
	const n = 80
	a := withSpectrum(logarithmic(n, 100), 116)
	want := gaussianVector(n, 117)
	narrow := func(values []float64) []float32 {
		out := make([]float32, len(values))
		for i, v := range values {
			out[i] = float32(v)
		}
		return out
	}
	backendtest.Each(t, func(t *testing.T, backend compute.Backend) {
		exec, err := graph.NewExec(backend, func(in []*graph.Node) []*graph.Node {
			return []*graph.Node{linalg.Cholesky(in[0]).Solve(in[1])}
		})
		noError(t, err)
		out, err := exec.Call(tensors.FromFlatDataAndDimensions(narrow(rowsOf(a)), n, n), narrow(times(a, want)))
		noError(t, err)
		x, err := tensors.CopyFlatData[float32](out[0])
		noError(t, err)
		wide := make([]float64, n)
		for i, v := range x {
			wide[i] = float64(v)
		}
		atMost(t, "the error", apart(wide, want), 1e-4)
	})
}

func TestCholeskyShapes(t *testing.T) {
	backend := backendtest.Best(t)
	for says, build := range map[string]func(in []*graph.Node) []*graph.Node{
		"expected a square matrix": func(in []*graph.Node) []*graph.Node {
			return []*graph.Node{linalg.Cholesky(in[1]).Solve(in[0])}
		},
		"expected [2] or [2, k]": func(in []*graph.Node) []*graph.Node {
			return []*graph.Node{linalg.Cholesky(in[0]).Backward(in[2])}
		},
	} {
		exec, err := graph.NewExec(backend, build)
		noError(t, err)
		_, err = exec.Call(tensor(diagonal(2, 1)), tensor(gaussian(2, 3, 1)), gaussianVector(3, 1))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("the error is %v, expected %q in it", err, says)
		}
	}
}
