package pde

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/pde/reference"
)

// navierStokes are the steady, incompressible Navier–Stokes equations for the velocity (u, v) and the pressure p:
// (u·∇)u + ∇p = Δu/Re, ∇·u = 0.
func navierStokes(re float64) []Equation {
	momentum := func(of, along string) Equation {
		return Equation{Name: "momentum " + along, Residual: func(u *Fields) *graph.Node {
			w := u.Of(of)
			carried := graph.Add(graph.Mul(u.Of("u").U(), w.D("x")), graph.Mul(u.Of("v").U(), w.D("y")))
			return graph.Sub(graph.Add(carried, u.Of("p").D(along)), graph.MulScalar(w.Laplacian(), 1/re))
		}}
	}
	return []Equation{momentum("u", "x"), momentum("v", "y"), {Name: "continuity", Residual: func(u *Fields) *graph.Node {
		return graph.Add(u.Of("u").D("x"), u.Of("v").D("y"))
	}}}
}

// Kovasznay is the steady flow behind a grid on [−0.5, 1] × [−0.5, 1.5] (Kovasznay 1948; usual is Re = 40). The
// unknowns are u, v and p; u and v are given on the boundary, and p at its right side x = 1, from the solution
//
//	u = 1 − e^λx cos 2πy,  v = λ/2π e^λx sin 2πy,  p = ½(1 − e^2λx),  λ = Re/2 − √(Re²/4 + 4π²).
//
// Re is above 0.
func Kovasznay(re float64) *Problem {
	if !positive(re) {
		return refuse("Kovasznay", "re", re, "a finite number above 0")
	}
	coordinates := []string{"x", "y"}
	lambda := re/2 - math.Sqrt(re*re/4+4*math.Pi*math.Pi)
	decay := func(x *graph.Node) *graph.Node { return graph.Exp(graph.MulScalar(Column(x, 0), lambda)) }
	u := func(x *graph.Node) *graph.Node {
		return graph.AddScalar(graph.Neg(graph.Mul(decay(x), cosine(Column(x, 1), 2*math.Pi))), 1)
	}
	v := func(x *graph.Node) *graph.Node {
		return graph.MulScalar(graph.Mul(decay(x), sine(Column(x, 1), 2*math.Pi)), lambda/(2*math.Pi))
	}
	p := func(x *graph.Node) *graph.Node {
		return graph.MulScalar(graph.AddScalar(graph.Neg(graph.Square(decay(x))), 1), 0.5)
	}
	return &Problem{
		Name:        fmt.Sprintf("Kovasznay flow, Re = %v", re),
		Key:         "kovasznay",
		Coordinates: coordinates,
		Unknowns:    []string{"u", "v", "p"},
		Domain:      rectangle(coordinates, []float64{-0.5, -0.5}, []float64{1, 1.5}),
		Equations:   navierStokes(re),
		Conditions:  []Condition{Dirichlet("u", u), Dirichlet("v", v), Dirichlet("p", p, "x+")},
		Exact: func(at []float64) []float64 {
			e := math.Exp(lambda * at[0])
			y := 2 * math.Pi * at[1]
			return []float64{1 - e*math.Cos(y), lambda / (2 * math.Pi) * e * math.Sin(y), (1 - e*e) / 2}
		},
		Suggested: Setup{Hidden: repeated(4, 40), Interior: 2000, Boundary: 400},
		Source:    "Kovasznay 1948; DeepXDE (Lu, Meng, Mao and Karniadakis 2021), example of the Kovasznay flow",
	}
}

// Cavity is the steady flow in the unit square under a lid that moves along its upper side with the speed
// u = 1 − cosh(50(x−½))/cosh 25, which is continuous in the corners; the other walls are at rest. Unknowns are u, v and
// p, with p = 0 at (0, 0). Re is 1 to 3200; usual are 100, 400, 1000 and 3200 (Ghia, Ghia and Shin 1982, for a lid of
// speed 1). The reference is spectral, and u and v are compared. Its Ansatz is, with b = 16x(1−x)y(1−y),
//
//	u = y (1 − cosh(k(x−½))/cosh(k/2)) + b·network,  1/k = 1/50 + (1−y)/2,  v = b·network,  p = network,
//
// which satisfies what is said of u and v; the first term is the lid's speed at the lid and smoother away from it.
func Cavity(re float64) *Problem {
	if !(re >= 1 && re <= 3200) {
		return refuse("Cavity", "re", re, "1 to 3200")
	}
	coordinates := []string{"x", "y"}
	square := rectangle(coordinates, []float64{0, 0}, []float64{1, 1})
	conditions := []Condition{
		Dirichlet("u", func(x *graph.Node) *graph.Node { return lid(Column(x, 0), graph.Scalar(x.Graph(), x.DType(), 50)) }, "y+"),
		Dirichlet("u", nil, "x-", "x+", "y-"),
		Dirichlet("v", nil),
		Measured("p", [][]float64{{0, 0}}, []float64{0}),
	}
	bump := Bump(square)
	return &Problem{
		Name:        fmt.Sprintf("lid-driven cavity, Re = %v", re),
		Key:         fmt.Sprintf("cavity-re%v", re),
		Coordinates: coordinates,
		Unknowns:    []string{"u", "v", "p"},
		Domain:      square,
		Equations:   navierStokes(re),
		Conditions:  conditions,
		Ansatz: func(x *graph.Node, network Function) *graph.Node {
			b, y, outputs := bump(x), Column(x, 1), network(x)
			width := graph.AddScalar(graph.MulScalar(graph.AddScalar(graph.Neg(y), 1), 0.5), 1./50)
			u := graph.Add(
				graph.Mul(y, lid(Column(x, 0), graph.Reciprocal(width))),
				graph.Mul(b, Column(outputs, 0)))
			return graph.Concatenate([]*graph.Node{u, graph.Mul(b, Column(outputs, 1)), Column(outputs, 2)}, 1)
		},
		Exactly: []string{conditions[0].Name, conditions[1].Name, conditions[2].Name},
		Reference: func(ctx context.Context) (Field, error) {
			flow, err := reference.Cavity(ctx, re)
			if err != nil {
				return nil, err
			}
			corner := flow([]float64{0, 0})[2]
			return func(point []float64) []float64 {
				values := flow(point)
				return []float64{values[0], values[1], values[2] - corner}
			}, nil
		},
		Compare:   []string{"u", "v"},
		Suggested: Setup{Hidden: repeated(4, 32), Interior: 3000, Boundary: 400},
		Source:    "Ghia, Ghia and Shin 1982, with a lid that is continuous in the corners",
	}
}

// lid is 1 − cosh(k(x−½))/cosh(k/2).
func lid(x, k *graph.Node) *graph.Node {
	return graph.AddScalar(graph.Neg(graph.Div(
		cosh(graph.Mul(graph.AddScalar(x, -0.5), k)),
		cosh(graph.MulScalar(k, 0.5)))), 1)
}
