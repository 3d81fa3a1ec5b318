package pde

import (
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/autodiff"
)

// Poisson2D is −Δu = 2π² sin πx sin πy on the unit square with u = 0 on its boundary, whose solution is
// u = sin πx sin πy. Its Ansatz multiplies the network by x(1−x)y(1−y), scaled to at most one.
func Poisson2D() *Problem {
	coordinates := []string{"x", "y"}
	square := &Box{Lo: []float64{0, 0}, Hi: []float64{1, 1}, names: coordinates}
	return &Problem{
		Name:        "Poisson 2D",
		Coordinates: coordinates,
		Unknowns:    []string{"u"},
		Domain:      square,
		Equations: []Equation{{Name: "Poisson", Residual: func(u *autodiff.Derivatives) *graph.Node {
			sin := func(axis int) *graph.Node { return graph.Sin(graph.MulScalar(u.Coordinate(axis), math.Pi)) }
			source := graph.MulScalar(graph.Mul(sin(0), sin(1)), 2*math.Pi*math.Pi)
			return graph.Add(u.Laplacian(), source)
		}}},
		Conditions: []Condition{Dirichlet(nil)},
		Ansatz: func(x, network *graph.Node) *graph.Node {
			bubble := graph.Mul(x, graph.OneMinus(x)) // x(1−x) and y(1−y), a quarter at most
			column := func(i int) *graph.Node { return graph.Slice(bubble, graph.AxisRange(), graph.AxisElem(i)) }
			return graph.Mul(network, graph.MulScalar(graph.Mul(column(0), column(1)), 16.0))
		},
		Exact: func(p []float64) []float64 {
			return []float64{math.Sin(math.Pi*p[0]) * math.Sin(math.Pi*p[1])}
		},
		Source: "Müller and Zeinhofer 2023, section 5.1",
	}
}
