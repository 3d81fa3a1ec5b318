package pde

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"
)

// Convection is u_t + β u_x = 0 for x in [0, 2π], periodic, and t in [0, 1], with u(x, 0) = sin x, whose solution is
// u = sin(x − βt) (Krishnapriyan et al. 2021; usual is β = 40). β is finite. Its Ansatz sin x + (1 − exp(−|β|t))·network goes with a
// periodic network.
func Convection(beta float64) *Problem {
	if !finite(beta) {
		return refuse("Convection", "beta", beta, "a finite number")
	}
	box := interval(0, 2*math.Pi, 1)
	u0 := func(x *graph.Node) *graph.Node { return graph.Sin(Column(x, 0)) }
	return &Problem{
		Name:        fmt.Sprintf("convection, β = %v", beta),
		Key:         "convection",
		Coordinates: []string{"x", "t"},
		Unknowns:    []string{"u"},
		Domain:      box,
		Equations: []Equation{{Name: "convection", Residual: func(u *Fields) *graph.Node {
			return graph.Add(u.D("t"), graph.MulScalar(u.D("x"), beta))
		}}},
		Conditions: []Condition{Initial("u", u0), Periodic(box, "x", 1)},
		Ansatz:     startAndWalls(u0, nil, 1, math.Max(math.Abs(beta), 1)),
		Periods:    []float64{2 * math.Pi, 0},
		Exact:      scalar(func(p []float64) float64 { return math.Sin(p[0] - beta*p[1]) }),
		// A tanh network without the stretch hardly learns the many periods in time within minutes.
		Suggested: Setup{Hidden: repeated(3, 32), Activation: "sin", Stretch: []float64{1, 10}, Interior: 2000, Boundary: 200, Resample: 200},
		Source:    "Krishnapriyan et al. 2021; Rathore et al. 2024 (arXiv 2402.01868)",
	}
}

// Reaction is u_t = ρ u(1−u) for x in [0, 2π], periodic, and t in [0, 1], with u(x, 0) = h = exp(−(x−π)²/2σ²),
// σ = π/4, whose solution is u = h e^ρt/(h e^ρt + 1 − h) (Krishnapriyan et al. 2021; usual is ρ = 5). ρ is above 0. Its
// Ansatz is h + (1 − exp(−ρt))·network. It does not make the network periodic: nothing smooths the small kink in the periodic
// continuation of h, and a smooth network can have one only where x ends.
func Reaction(rho float64) *Problem {
	if !positive(rho) {
		return refuse("Reaction", "rho", rho, "a finite number above 0")
	}
	box := interval(0, 2*math.Pi, 1)
	initial := Initial("u", gaussian)
	return &Problem{
		Name:        fmt.Sprintf("reaction, ρ = %v", rho),
		Key:         "reaction",
		Coordinates: []string{"x", "t"},
		Unknowns:    []string{"u"},
		Domain:      box,
		Equations: []Equation{{Name: "reaction", Residual: func(u *Fields) *graph.Node {
			return graph.Sub(u.D("t"), logistic(u.U(), rho))
		}}},
		Conditions: []Condition{initial, Periodic(box, "x", 1)},
		Ansatz:     startAndWalls(gaussian, nil, 1, rho),
		Exactly:    []string{initial.Name},
		Exact: scalar(func(p []float64) float64 {
			z := (p[0] - math.Pi) / (math.Pi / 4)
			h := math.Exp(-z * z / 2)
			grown := h * math.Exp(rho*p[1])
			return grown / (grown + 1 - h)
		}),
		Suggested: Setup{Hidden: repeated(3, 32), Amplify: 0.3, Interior: 2000, Boundary: 200},
		Source:    "Krishnapriyan et al. 2021; Rathore et al. 2024 (arXiv 2402.01868)",
	}
}

// Wave is u_tt = c² u_xx for x in [0, 1] and t in [0, T] with u = 0 at both ends, u_t(x, 0) = 0 and u(x, 0) from its
// solution u = sin πx cos cπt + ½ sin βπx cos βcπt, a whole number β; β = 0 leaves the second part out. Usual are
// c = 2, T = 1, β = 5 (Rathore et al. 2024) and c = 1, T = 2, β = 0. c and T are above 0. Its Ansatz is
// u(x, 0) + (1 − exp(−(ωt)²))·4x(1−x)·network with ω = cπ·max(1, β).
func Wave(c, T float64, beta int) *Problem {
	switch {
	case !positive(c):
		return refuse("Wave", "c", c, "a finite number above 0")
	case !positive(T):
		return refuse("Wave", "T", T, "a finite number above 0")
	case beta < 0:
		return refuse("Wave", "beta", beta, "a whole number, at least 0")
	}
	box := interval(0, 1, T)
	b := float64(beta) * math.Pi
	u0 := func(x *graph.Node) *graph.Node {
		x = Column(x, 0)
		return graph.Add(sine(x, math.Pi), graph.MulScalar(sine(x, b), 0.5)) // the second is zero for β = 0
	}
	name, key := fmt.Sprintf("wave, c = %v, T = %v", c, T), "wave"
	suggested := Setup{Hidden: repeated(3, 24), Interior: 1500, Boundary: 200, Resample: 500}
	if beta > 0 {
		// A sine whose argument has about half the phase that the solution goes through.
		suggested = Setup{
			Hidden: repeated(4, 30), Activation: "sin", Stretch: []float64{0.8 * float64(beta), 0.8 * float64(beta) * c * T},
			Interior: 3000, Boundary: 200, Resample: 500,
		}
		name, key = fmt.Sprintf("%s, β = %d", name, beta), fmt.Sprintf("wave-beta%d", beta)
	}
	return &Problem{
		Name:        name,
		Key:         key,
		Coordinates: []string{"x", "t"},
		Unknowns:    []string{"u"},
		Domain:      box,
		Equations: []Equation{{Name: "wave", Residual: func(u *Fields) *graph.Node {
			return graph.Sub(u.D("t", "t"), graph.MulScalar(u.D("x", "x"), c*c))
		}}},
		Conditions: []Condition{Initial("u", u0), InitialRate("u", nil), Dirichlet("u", nil, "x-", "x+")},
		Ansatz:     startAndWalls(u0, Bump(box, 0), 2, c*math.Max(math.Pi, b)),
		Exact: scalar(func(p []float64) float64 {
			x, t := p[0], p[1]
			return math.Sin(math.Pi*x)*math.Cos(c*math.Pi*t) + 0.5*math.Sin(b*x)*math.Cos(c*b*t)
		}),
		Suggested: suggested,
		Source:    "Rathore et al. 2024 (arXiv 2402.01868)",
	}
}
