package objective

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"
)

// Robust rewrites residuals of any shape, entry by entry, so that outliers count less. A loss takes δ²ρ((r/δ)²) in place of
// r², with ρ(s) ≈ s for small s that grows more slowly for large ones, and here r becomes
//
//	r̃ = sign(r)·δ·√ρ((r/δ)²),
//
// whose squares are that loss. So Gauss–Newton methods see it as any other sum of squares, without the correction of Triggs,
// McLauchlan, Hartley and Fitzgibbon (2000) for second derivatives of ρ. Huber, SoftL1 and Cauchy are continuously
// differentiable, with r̃ ≈ r at 0; they are the losses of scipy.optimize.least_squares, where δ is called f_scale.
//
// δ is the size, in units of r, of the largest residuals that are no outliers. Building one panics unless it is positive and
// finite. Weights of a loss belong outside: w·Huber(δ)(r).
type Robust func(r *graph.Node) *graph.Node

// Huber is for the loss r² up to |r| = δ, and 2δ|r| − δ² beyond (Huber 1964).
func Huber(delta float64) Robust {
	return robust("Huber", delta, func(z *graph.Node) *graph.Node {
		one := graph.OnesLike(z)
		small := graph.LessOrEqual(z, one)
		beyond := graph.Sqrt(graph.Where(small, one, z)) // |r|/δ, away from the root's singularity
		return graph.Where(small, one, graph.Div(graph.AddScalar(graph.MulScalar(beyond, 2), -1), graph.Square(beyond)))
	})
}

// SoftL1 is for the loss 2δ²(√(1 + (r/δ)²) − 1): a smooth form of Huber's.
func SoftL1(delta float64) Robust {
	return robust("SoftL1", delta, func(z *graph.Node) *graph.Node {
		return graph.Div(graph.MulScalar(graph.OnesLike(z), 2), graph.OnePlus(graph.Sqrt(graph.OnePlus(z))))
	})
}

// Cauchy is for the loss δ²·ln(1 + (r/δ)²), under which far outliers hardly
// count. It is not convex: start from what Huber or SoftL1 gives where there are many outliers.
func Cauchy(delta float64) Robust {
	return robust("Cauchy", delta, func(z *graph.Node) *graph.Node {
		const series = 1e-4 // below which z²/4 and on are left out of ln(1+z)/z
		small := graph.LessThan(z, graph.MulScalar(graph.OnesLike(z), series))
		large := graph.Where(small, graph.OnesLike(z), z)
		near := graph.OnePlus(graph.Mul(z, graph.AddScalar(graph.MulScalar(z, 1./3), -0.5)))
		return graph.Where(small, near, graph.Div(graph.Log1p(large), large))
	})
}

// robust rewrites r as r·√(ρ(z)/z), z = (r/δ)². The share ρ(z)/z is 1 at 0 and smooth there, which the sign of r is not.
func robust(name string, delta float64, share func(z *graph.Node) *graph.Node) Robust {
	return func(r *graph.Node) *graph.Node {
		if !(delta > 0) || math.IsInf(delta, 0) {
			panic(fmt.Errorf("objective.%s: the scale is %v, expected a finite number above 0", name, delta))
		}
		return graph.Mul(r, graph.Sqrt(share(graph.Square(graph.DivScalar(r, delta)))))
	}
}
