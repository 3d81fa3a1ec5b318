package autodiff

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"
)

// LaplacianEstimate returns an estimate of Δu from R directions, (1/R)·Σᵣ vᵣᵀ·D²u·vᵣ: directions has shape [R, d], or
// [R, N, d] for others at each point. It is unbiased when the vᵣ are random with mean vvᵀ equal to the identity, as
// those of Rademacher (Hutchinson 1989) and SparseAxes (STDE, Shi et al. 2024) are, and costs as much as a Laplacian
// in R dimensions. Directions are an input of the graph like the points: drawn anew on the host as often as one likes.
func (d *Derivatives) LaplacianEstimate(directions *graph.Node) *graph.Node {
	shape := directions.Shape().Dimensions
	if len(shape) == 2 && shape[1] == d.dims {
		directions = graph.ExpandAxes(directions, 1)
	} else if len(shape) != 3 || shape[1] != d.x.Shape().Dimensions[0] || shape[2] != d.dims {
		exceptions.Panicf("autodiff.LaplacianEstimate: directions have shape %s, expected [R, %d] or [R, %d, %d]",
			directions.Shape(), d.dims, d.x.Shape().Dimensions[0], d.dims)
	}
	sum := d.squared(fmt.Sprintf("estimate %d", directions.Id()), directions)
	return graph.DivScalar(sum, float64(shape[0]))
}

// Rademacher draws r directions in d dimensions with entries ±1, in row-major order: the estimate has the least
// variance among directions with independent entries, 2·Σ_{i≠j}(∂²ᵢⱼu)²/r.
func Rademacher(rng *rand.Rand, r, d int) []float64 {
	directions := make([]float64, r*d)
	for i := range directions {
		directions[i] = float64(2*rng.IntN(2) - 1)
	}
	return directions
}

// SparseAxes draws r of the d coordinate axes without replacement, scaled by √d, in row-major order: the stochastic
// Taylor derivative estimator of the Laplacian. With r = d the estimate is exact. It panics for r above d.
func SparseAxes(rng *rand.Rand, r, d int) []float64 {
	if r > d {
		exceptions.Panicf("autodiff.SparseAxes: %d axes were asked for, expected at most d = %d", r, d)
	}
	directions := make([]float64, r*d)
	for i, axis := range rng.Perm(d)[:r] {
		directions[i*d+axis] = math.Sqrt(float64(d))
	}
	return directions
}
