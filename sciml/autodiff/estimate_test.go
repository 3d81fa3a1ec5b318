package autodiff_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
)

// quartic is u = Σᵢ xᵢ⁴ + Σᵢ xᵢxᵢ₊₁, whose Hessian is not diagonal; Δu = 12·Σ xᵢ².
func quartic(x *graph.Node) *graph.Node {
	d := x.Shape().Dimensions[1]
	neighbours := graph.Mul(graph.Slice(x, graph.AxisRange(), graph.AxisRange(0, d-1)), graph.Slice(x, graph.AxisRange(), graph.AxisRangeToEnd(1)))
	return graph.Add(graph.ReduceSum(graph.Square(graph.Square(x)), 1), graph.ReduceSum(neighbours, 1))
}

func TestLaplacianEstimates(t *testing.T) {
	const n, d = 3, 6
	rng := rand.New(rand.NewPCG(5, 0))
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		x := randomTensor(dtypes.Float64, 1, n, d)
		exec := graph.MustNewExec(b, func(x, v *graph.Node) []*graph.Node {
			u := autodiff.Of(quartic(x), x)
			return []*graph.Node{u.LaplacianEstimate(v), u.Laplacian()}
		})
		estimate := func(v []float64, dims ...int) (got, want []float64) {
			out, err := exec.Call(x, tensors.FromFlatDataAndDimensions(v, dims...))
			if err != nil {
				t.Fatal(err)
			}
			return tensors.MustCopyFlatData[float64](out[0]), tensors.MustCopyFlatData[float64](out[1])
		}
		got, want := estimate(autodiff.SparseAxes(rng, d, d), d, d)
		near(t, "all axes", got, want, 1e-13)

		// All 2ᵈ sign vectors have the mean that Rademacher directions have in expectation.
		var signs []float64
		for mask := range 1 << d {
			for i := range d {
				signs = append(signs, float64(2*(mask>>i&1)-1))
			}
		}
		got, want = estimate(signs, 1<<d, d)
		near(t, "mean over all signs", got, want, 1e-12)

		// The same directions given for each point.
		v := autodiff.Rademacher(rng, 4, d)
		shared, _ := estimate(v, 4, d)
		var each []float64
		for r := range 4 {
			for range n {
				each = append(each, v[r*d:(r+1)*d]...)
			}
		}
		perPoint, _ := estimate(each, 4, n, d)
		near(t, "directions by point", perPoint, shared, 1e-13)
	})
}

func TestDirectionsAreIsotropic(t *testing.T) {
	const d, r = 5, 5
	rng := rand.New(rand.NewPCG(1, 1))
	for _, v := range [][]float64{autodiff.SparseAxes(rng, r, d), autodiff.Rademacher(rng, 40000, d)} {
		rows := len(v) / d
		for i := range d {
			for j := range d {
				mean := 0.0
				for k := range rows {
					mean += v[k*d+i] * v[k*d+j] / float64(rows)
				}
				want := 0.0
				if i == j {
					want = 1
				}
				if math.Abs(mean-want) > 0.03 { // 6 standard deviations of the mean over 40,000
					t.Errorf("mean of v%d·v%d over %d directions is %v, want %v", i, j, rows, mean, want)
				}
			}
		}
	}
	a, b := autodiff.Rademacher(rand.New(rand.NewPCG(3, 0)), 2, 9), autodiff.Rademacher(rand.New(rand.NewPCG(3, 0)), 2, 9)
	near(t, "the same seed", a, b, 0)
}
