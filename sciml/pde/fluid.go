package pde

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/pde/reference"
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
		Suggested: Setup{Hidden: repeated(4, 40), Interior: 2000, Boundary: 400},
		Source:    "Kovasznay 1948; DeepXDE (Lu, Meng, Mao and Karniadakis 2021), example of the Kovasznay flow",
	}
}

// Cavity is the steady flow in the unit square under a lid that moves along its upper side with the speed
// u = 1 − cosh(50(x−½))/cosh 25, which is continuous in the corners; the other walls are at rest. Unknowns are u, v and
// p, with p = 0 at (0, 0). Re is 1 to 3200; usual are 100, 400, 1000 and 3200 (Ghia, Ghia and Shin 1982, for a lid of
// speed 1, as JAX-PI and Scale-PINN have it, without points near its ends). The reference is spectral, and u and v are
// compared. Its Ansatz is, with b = 16x(1−x)y(1−y),
//
//	u = y (1 − cosh(k(x−½))/cosh(k/2)) + b·network,  1/k = 1/50 + (1−y)/2,  v = b·network,  p = network,
//
// which satisfies what is said of u and v; the first term is the lid's speed at the lid and smoother away from it.
func Cavity(re float64) *Problem {
	p := cavity("Cavity", re, func(x, y *graph.Node) *graph.Node {
		width := graph.AddScalar(graph.MulScalar(graph.AddScalar(graph.Neg(y), 1), 0.5), 1./50)
		return lid(x, graph.Reciprocal(width))
	}, reference.Cavity)
	p.Name, p.Key = fmt.Sprintf("lid-driven cavity, Re = %v", re), fmt.Sprintf("cavity-re%v", re)
	p.Source = "Ghia, Ghia and Shin 1982, with a lid that is continuous in the corners"
	return p
}

// CavitySmooth is Cavity with the speed u = 16x²(1−x)² of the lid (Shen 1991), under which the vorticity is continuous and the
// pressure bounded. Its Ansatz has the first term 16x²(1−x)²·y in u.
func CavitySmooth(re float64) *Problem {
	p := cavity("CavitySmooth", re, func(x, _ *graph.Node) *graph.Node {
		return graph.MulScalar(graph.Square(graph.Mul(x, graph.OneMinus(x))), 16)
	}, reference.CavitySmooth)
	p.Name, p.Key = fmt.Sprintf("lid-driven cavity with a smooth lid, Re = %v", re), fmt.Sprintf("cavity-smooth-re%v", re)
	p.Source = "Shen 1991, Journal of Computational Physics 95"
	return p
}

// cavity is the flow under a lid with the given speed at y = 1, which is continued to y < 1.
func cavity(function string, re float64, speed func(x, y *graph.Node) *graph.Node, solution func(ctx context.Context, re float64) (reference.Field, error)) *Problem {
	if !(re >= 1 && re <= 3200) {
		return refuse(function, "re", re, "1 to 3200")
	}
	coordinates := []string{"x", "y"}
	square := rectangle(coordinates, []float64{0, 0}, []float64{1, 1})
	conditions := []Condition{
		Dirichlet("u", func(x *graph.Node) *graph.Node { return speed(Column(x, 0), Column(x, 1)) }, "y+"),
		Dirichlet("u", nil, "x-", "x+", "y-"),
		Dirichlet("v", nil),
		Measured("p", [][]float64{{0, 0}}, []float64{0}),
	}
	bump := Bump(square)
	return &Problem{
		Coordinates: coordinates,
		Unknowns:    []string{"u", "v", "p"},
		Domain:      square,
		Equations:   navierStokes(re, true),
		Conditions:  conditions,
		Ansatz: func(x *graph.Node, network Function) *graph.Node {
			b, y, outputs := bump(x), Column(x, 1), network(x)
			u := graph.Add(
				graph.Mul(y, speed(Column(x, 0), y)),
				graph.Mul(b, Column(outputs, 0)))
			return graph.Concatenate([]*graph.Node{u, graph.Mul(b, Column(outputs, 1)), Column(outputs, 2)}, 1)
		},
		Exactly: []string{conditions[0].Name, conditions[1].Name, conditions[2].Name},
		Reference: func(ctx context.Context) (Field, error) {
			flow, err := solution(ctx, re)
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
	}
}

// lid is 1 − cosh(k(x−½))/cosh(k/2).
func lid(x, k *graph.Node) *graph.Node {
	return graph.AddScalar(graph.Neg(graph.Div(
		cosh(graph.Mul(graph.AddScalar(x, -0.5), k)),
		cosh(graph.MulScalar(k, 0.5)))), 1)
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
