package optim

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/floats"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// diagonalSums has samples in two groups: f is the mean of aᵢ²θ₀² over the first, by scales whose squares sum to one, and
// that of cᵢ²θ₁² over the second, with aᵢ² = cᵢ² = 2ⁱ. The Hessian is diagonal, and its entries tell which samples are in it.
func diagonalSums(b compute.Backend) (obj *objective.Objective, first, second []float64) {
	first, second = make([]float64, 12), make([]float64, 5)
	scales := make([]float64, len(first))
	for i := range first {
		first[i], scales[i] = math.Pow(2, float64(i)/2), 1/math.Sqrt(float64(len(first)))
	}
	for i := range second {
		second[i] = math.Pow(2, float64(i)/2)
	}
	return &objective.Objective{
		Backend: b, Dim: 2, Data: []*tensors.Tensor{tensors.FromValue(first), tensors.FromValue(scales), tensors.FromValue(second)},
		Residual: func(theta *graph.Node, data []*graph.Node) *graph.Node {
			part := func(i int) *graph.Node { return graph.Slice(theta, graph.AxisRange(i, i+1)) }
			rows := math.Sqrt(float64(data[2].Shape().Dimensions[0]))
			return graph.Concatenate([]*graph.Node{
				graph.Mul(graph.Mul(data[0], data[1]), part(0)), graph.DivScalar(graph.Mul(data[2], part(1)), rows),
			}, 0)
		},
		Samples: []objective.Samples{{Name: "first", Rows: len(first), Data: []int{0, 1}, Scales: []int{1}}, {Name: "second", Rows: len(second), Data: []int{2}}},
	}, first, second
}

// subset reads which of the numbers 2ⁱ, each at most once, have the mean that a diagonal entry is twice of.
func subset(entry float64, size, rows int) ([]int, error) {
	sum := int(math.Round(entry / 2 * float64(size)))
	if math.Abs(entry/2*float64(size)-float64(sum)) > 1e-6 {
		return nil, fmt.Errorf("%v is not twice a mean of %d of them", entry, size)
	}
	var members []int
	for i := range rows {
		if sum>>i&1 == 1 {
			members = append(members, i)
		}
	}
	if len(members) != size || sum>>rows != 0 {
		return nil, fmt.Errorf("%d has the members %v, want %d", sum, members, size)
	}
	return members, nil
}

// TestSampledProducts: the matrix is the unbiased estimate from samples that are drawn anew at each step, none of them twice,
// and all of them equally often; a step has the same ones in each run.
func TestSampledProducts(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for _, matrix := range []objective.CurvatureMatrix{objective.HessianMatrix, objective.GaussNewtonMatrix} {
			obj, first, second := diagonalSums(b)
			s, err := newSampledSystem(obj, matrix, objective.Batches{Size: 6, Seed: 8})
			if err != nil {
				t.Fatal(err)
			}
			const steps = 300
			diagonal := func(step int) []float64 {
				p, err := s.prepare(&evaluated{theta: device.Vector(dtypes.Float64, []float64{1, 1})}, step, nil)
				if err != nil {
					t.Fatal(err)
				}
				defer device.Free(p.release)
				if p.share != 6./17 {
					t.Fatalf("a product counts as %v of an evaluation, want 6/17", p.share)
				}
				got := make([]float64, 2)
				if err := p.matrix.Multiply(got, []float64{1, 1}); err != nil {
					t.Fatal(err)
				}
				return got
			}
			counts := [2][]int{make([]int, len(first)), make([]int, len(second))}
			different := map[string]bool{}
			for step := range steps {
				d := diagonal(step)
				for g, size := range []int{4, 2} {
					members, err := subset(d[g], size, len(counts[g]))
					if err != nil {
						t.Fatalf("step %d, group %d: %v", step, g, err)
					}
					for _, i := range members {
						counts[g][i]++
					}
					different[fmt.Sprint(g, members)] = true
				}
			}
			for g, size := range []float64{4, 2} {
				mean := steps * size / float64(len(counts[g]))
				if low, high := float64(slices.Min(counts[g])), float64(slices.Max(counts[g])); low < 0.7*mean || high > 1.3*mean {
					t.Errorf("%s: samples of group %d are drawn %v times, want about %v", matrix, g, counts[g], mean)
				}
			}
			if len(different) < 100 {
				t.Errorf("%s: %d different sets of samples in %d steps", matrix, len(different), steps)
			}
			if !floats.Equal(diagonal(7), diagonal(7)) || floats.Equal(diagonal(7), diagonal(8)) {
				t.Errorf("%s: steps 7, 7 and 8 have %v, %v, %v", matrix, diagonal(7), diagonal(7), diagonal(8))
			}
		}
	})
}
