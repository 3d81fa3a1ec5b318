package pde

import (
	"fmt"
	"math"
	"strings"

	"github.com/gomlx/gomlx/core/graph"
)

// Catalogue lists the problems that come with the package, with the parameters that are usual in the literature. Making
// the list computes nothing: references are computed when they are asked for.
func Catalogue() []*Problem {
	return []*Problem{
		Poisson1D(), Poisson2D(), Poisson(5), Poisson(10), Poisson(100),
		Helmholtz(1, 4, 1),
		EulerBernoulli(), Plate(),
		Heat1D(), Heat(4),
		Burgers(0.01 / math.Pi), Burgers(0.01),
		AllenCahn(),
		ReactionDiffusion(3, 5),
		Convection(40),
		Reaction(5),
		Wave(2, 1, 5), Wave(1, 2, 0),
		KdVSoliton(), KdVTwoSolitons(), KdVCosine(),
		KuramotoSivashinsky(0.2), KuramotoSivashinsky(0.5), KuramotoSivashinsky(1),
		Schrodinger(),
		GrayScott(2),
		Kovasznay(40), TaylorGreen(0.1),
		Cavity(100), Cavity(1000), Cavity(3200),
		CavitySmooth(100), CavitySmooth(1000), CavitySmooth(3200),
		InverseDiffusion(), InverseBurgers(),
	}
}

// Named is the problem of the catalogue with the given key. It returns an error that lists the keys when there is none.
func Named(key string) (*Problem, error) {
	var known []string
	for _, p := range Catalogue() {
		if p.Key == key {
			return p, nil
		}
		known = append(known, p.Key)
	}
	return nil, fmt.Errorf("pde: no problem of the catalogue has the key %q, expected one of %s", key, strings.Join(known, ", "))
}

// refuse is a problem whose Check says what is wrong with a parameter: what it was, and what was expected.
func refuse(function, parameter string, was any, expected string) *Problem {
	return &Problem{
		Name:    function,
		refused: fmt.Errorf("pde.%s: %s is %v, expected %s", function, parameter, was, expected),
	}
}

// positive reports whether all values are finite and above 0.
func positive(values ...float64) bool {
	for _, v := range values {
		if !finite(v) || v <= 0 {
			return false
		}
	}
	return true
}

// rectangle is a box from sizes that are known to be right.
func rectangle(coordinates []string, lo, hi []float64) *Box {
	return &Box{Lo: lo, Hi: hi, names: coordinates}
}

// interval is the space-time box [lo, hi] × [0, end] with coordinates x and t.
func interval(lo, hi, end float64) *Box {
	return rectangle([]string{"x", "t"}, []float64{lo, 0}, []float64{hi, end})
}

// axes are names for d coordinates: x1, x2, …
func axes(d int) []string {
	names := make([]string, d)
	for i := range names {
		names[i] = fmt.Sprintf("x%d", i+1)
	}
	return names
}

// scalar makes a field of one unknown from its value.
func scalar(value func(point []float64) float64) Field {
	return func(point []float64) []float64 { return []float64{value(point)} }
}

// sine is sin kx, cosine is cos kx, entry by entry.
func sine(x *graph.Node, k float64) *graph.Node   { return graph.Sin(graph.MulScalar(x, k)) }
func cosine(x *graph.Node, k float64) *graph.Node { return graph.Cos(graph.MulScalar(x, k)) }

// sum adds nodes of equal shapes.
func sum(first *graph.Node, others ...*graph.Node) *graph.Node {
	for _, other := range others {
		first = graph.Add(first, other)
	}
	return first
}

// repeated is a list of layers of one width.
func repeated(layers, width int) []int {
	widths := make([]int, layers)
	for i := range widths {
		widths[i] = width
	}
	return widths
}

// startAndWalls is the ansatz u₀(x) + (1 − exp(−(rate·t)^power))·distance(x)·network: it has the initial value u₀, with
// power 2 also the initial rate zero, and keeps the values of u₀ on walls where distance (nil for one) vanishes. A rate
// at which u changes at first leaves the network a function of moderate size; with t in its place it would have to
// learn (u − u₀)/t, whose size at the start is that of u_t. Time is last.
func startAndWalls(u0, distance Function, power int, rate float64) Ansatz {
	return DistanceAndLift(func(x *graph.Node) *graph.Node {
		passed := graph.MulScalar(Column(x, x.Shape().Dimensions[1]-1), rate)
		if power == 2 {
			passed = graph.Square(passed)
		}
		factor := graph.OneMinus(graph.Exp(graph.Neg(passed)))
		if distance != nil {
			factor = graph.Mul(factor, distance(x))
		}
		return factor
	}, u0)
}
