package pde

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"
)

// navierStokes are the incompressible Navier–Stokes equations for the velocity (u, v) and the pressure p:
// (u·∇)u + ∇p = Δu/Re, ∇·u = 0, where the flow is steady. Where it is not, u_t comes to the left-hand side.
func navierStokes(re float64, steady bool) []Equation {
	momentum := func(of, along string) Equation {
		return Equation{Name: "momentum " + along, Residual: func(u *Fields) *graph.Node {
			w := u.Of(of)
			carried := graph.Add(graph.Mul(u.Of("u").U(), w.D("x")), graph.Mul(u.Of("v").U(), w.D("y")))
			if !steady {
				carried = graph.Add(carried, w.D("t"))
			}
			viscous := w.Laplacian(w.Axis("x"), w.Axis("y"))
			return graph.Sub(graph.Add(carried, u.Of("p").D(along)), graph.MulScalar(viscous, 1/re))
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
		Equations:   navierStokes(re, true),
		Conditions:  []Condition{Dirichlet("u", u), Dirichlet("v", v), Dirichlet("p", p, "x+")},
		Exact: func(at []float64) []float64 {
			e := math.Exp(lambda * at[0])
			y := 2 * math.Pi * at[1]
			return []float64{1 - e*math.Cos(y), lambda / (2 * math.Pi) * e * math.Sin(y), (1 - e*e) / 2}
		},
		Suggested: Setup{Hidden: repeated(3, 24), Interior: 800, Boundary: 120, BoundaryWeight: 10},
		Source:    "Kovasznay 1948; DeepXDE (Lu, Meng, Mao and Karniadakis 2021), example of the Kovasznay flow",
	}
}

// TaylorGreen is a flow on [0, 2π]², periodic in x and y, that decays by viscosity alone, for t in [0, 1] (Taylor and Green
// 1937). The unknowns are u, v and p; u and v are given at t = 0, and the pressure's constant at (π/4, π/4). The solution is
//
//	u = −cos x sin y e^−2νt,  v = sin x cos y e^−2νt,  p = −¼(cos 2x + cos 2y) e^−4νt.
//
// ν is above 0. Its Ansatz is u(x, y, 0) + (1 − e^−t)·network for u, the same for v, and the network for p; it goes with a
// periodic network.
func TaylorGreen(nu float64) *Problem {
	if !positive(nu) {
		return refuse("TaylorGreen", "nu", nu, "a finite number above 0")
	}
	coordinates := []string{"x", "y", "t"}
	box := rectangle(coordinates, []float64{0, 0, 0}, []float64{2 * math.Pi, 2 * math.Pi, 1})
	u0 := func(x *graph.Node) *graph.Node {
		return graph.Neg(graph.Mul(graph.Cos(Column(x, 0)), graph.Sin(Column(x, 1))))
	}
	v0 := func(x *graph.Node) *graph.Node { return graph.Mul(graph.Sin(Column(x, 0)), graph.Cos(Column(x, 1))) }
	var still [][]float64
	for i := range 11 {
		still = append(still, []float64{math.Pi / 4, math.Pi / 4, float64(i) / 10})
	}
	conditions := []Condition{
		Initial("u", u0), Initial("v", v0), Periodic(box, "x", 2), Periodic(box, "y", 2),
		Measured("p", still, make([]float64, len(still))),
	}
	return &Problem{
		Name:        fmt.Sprintf("Taylor–Green vortices, ν = %v", nu),
		Key:         "taylor-green",
		Coordinates: coordinates,
		Unknowns:    []string{"u", "v", "p"},
		Domain:      box,
		Equations:   navierStokes(1/nu, false),
		Conditions:  conditions,
		Ansatz: func(x *graph.Node, network Function) *graph.Node {
			outputs := network(x)
			passed := graph.OneMinus(graph.Exp(graph.Neg(Column(x, 2))))
			return graph.Concatenate([]*graph.Node{
				graph.Add(u0(x), graph.Mul(passed, Column(outputs, 0))),
				graph.Add(v0(x), graph.Mul(passed, Column(outputs, 1))),
				Column(outputs, 2),
			}, 1)
		},
		Periods: []float64{2 * math.Pi, 2 * math.Pi, 0},
		Exactly: []string{conditions[0].Name, conditions[1].Name, conditions[2].Name, conditions[3].Name},
		Exact: func(p []float64) []float64 {
			x, y, decay := p[0], p[1], math.Exp(-2*nu*p[2])
			return []float64{
				-math.Cos(x) * math.Sin(y) * decay,
				math.Sin(x) * math.Cos(y) * decay,
				-(math.Cos(2*x) + math.Cos(2*y)) / 4 * decay * decay,
			}
		},
		Suggested: Setup{Hidden: repeated(2, 24), Interior: 1000, Boundary: 100},
		Source:    "Taylor and Green 1937",
	}
}
