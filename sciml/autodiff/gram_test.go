package autodiff_test

import (
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
)

// TestGram compares JᵀJ, Jᵀr and JJᵀ with those of the whole Jacobian, for budgets of one point to all of them.
func TestGram(t *testing.T) {
	const n = 7
	// Budgets of two to seven points: blocks that divide the points or not, and all at once.
	for name, budgets := range map[string][]int64{"Laplacian": {4, 100}, "components": {3}} {
		res := residuals(t)[name]
		for _, points := range budgets {
			budget := points * 24 * int64(res.params)
			backendtest.Each(t, func(t *testing.T, b compute.Backend) {
				theta, x := randomTensor(dtypes.Float64, 0.5, res.params), randomTensor(dtypes.Float64, 1, n, res.dims)
				out, err := graph.CallOnceN(b, func(theta, x *graph.Node) []*graph.Node {
					r := func(x *graph.Node) *graph.Node { return res.r(theta, x) }
					matrix, right := autodiff.NormalEquations(x, theta, budget, r)
					gram := autodiff.GramMatrix(x, theta, budget, r)
					all := graph.Reshape(r(x), r(x).Shape().Size())
					j := graph.Reshape(autodiff.Jacobian(r(x), theta), all.Shape().Size(), res.params)
					product := func(axis int) *graph.Node { return graph.DotGeneral(j, []int{axis}, nil, j, []int{axis}, nil) }
					return []*graph.Node{matrix, product(0), right, graph.Einsum("np,n->p", j, all), gram, product(1)}
				}, theta, x)
				if err != nil {
					t.Fatal(err)
				}
				for i, what := range []string{"JᵀJ", "Jᵀr", "JJᵀ"} {
					near(t, what, tensors.MustCopyFlatData[float64](out[2*i]), tensors.MustCopyFlatData[float64](out[2*i+1]), 1e-12)
				}
			})
		}
	}
}

func TestGramNeedsABudget(t *testing.T) {
	_, err := graph.CallOnce(backendtest.Best(t), func(theta, x *graph.Node) *graph.Node {
		return autodiff.GramMatrix(x, theta, 100, func(x *graph.Node) *graph.Node { return graph.MatMul(x, graph.Reshape(theta, 5, 1)) })
	}, randomTensor(dtypes.Float64, 1, 5), randomTensor(dtypes.Float64, 1, 3, 5))
	if err == nil || !strings.Contains(err.Error(), "budget is 100 bytes") {
		t.Errorf("error %v, want one that names the budget", err)
	}
}
