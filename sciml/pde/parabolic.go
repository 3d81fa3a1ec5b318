package pde

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/pde/reference"
)

// Heat1D is u_t = ¼u_xx for x in [0, 1] and t in [0, 1] with u(x, 0) = sin πx and u = 0 at both ends, whose solution is
// u = exp(−π²t/4) sin πx (Müller and Zeinhofer 2023; Dangel, Müller and Zeinhofer 2024). Its Ansatz is
// sin πx + (1 − exp(−π²t/4))·4x(1−x)·network.
func Heat1D() *Problem {
	box := interval(0, 1, 1)
	u0 := func(x *graph.Node) *graph.Node { return sine(Column(x, 0), math.Pi) }
	return &Problem{
		Name:        "heat 1D",
		Key:         "heat1d",
		Coordinates: []string{"x", "t"},
		Unknowns:    []string{"u"},
		Domain:      box,
		Equations:   []Equation{heat(1)},
		Conditions:  []Condition{Initial("u", u0), Dirichlet("u", nil, "x-", "x+")},
		Ansatz:      startAndWalls(u0, Bump(box, 0), 1, math.Pi*math.Pi/4),
		Exact: scalar(func(p []float64) float64 {
			return math.Exp(-math.Pi*math.Pi*p[1]/4) * math.Sin(math.Pi*p[0])
		}),
		Suggested: Setup{Hidden: repeated(2, 32), Interior: 900, Boundary: 120},
		Source:    "Dangel, Müller and Zeinhofer 2024 (arXiv 2405.15603)",
	}
}

// Heat is u_t = ¼Δu on the unit cube of d dimensions, 1 to 99, for t in [0, 1], with initial and boundary values from
// its solution u = exp(−t) Σ sin 2xᵢ. With d = 4 it is the 4+1-dimensional problem of Dangel, Müller and Zeinhofer 2024
// (KFAC). From two dimensions on a separable network is suggested, which suits such a solution. The boundary values have no
// simple extension into the cube, so there is no Ansatz.
func Heat(d int) *Problem {
	if d < 1 || d > 99 {
		return refuse("Heat", "d", d, "1 to 99")
	}
	coordinates := append(axes(d), "t")
	lo, hi := make([]float64, d+1), make([]float64, d+1)
	var walls []string
	for i := range hi {
		hi[i] = 1
		if i < d {
			walls = append(walls, coordinates[i]+"-", coordinates[i]+"+")
		}
	}
	suggested := Setup{Hidden: []int{16}, Rank: 8, Interior: 1500, Boundary: 500}
	switch {
	case d == 1:
		suggested = Setup{Hidden: repeated(2, 32), Interior: 900, Boundary: 120}
	case d > 20: // so many that each has a smaller network
		suggested = Setup{Hidden: []int{8}, Rank: 4, Interior: 1000, Boundary: 1000}
	}
	solution := func(x *graph.Node) *graph.Node {
		waves := graph.ReduceSum(sine(graph.Slice(x, graph.AxisRange(), graph.AxisRange(0, d)), 2), 1)
		return graph.Mul(graph.Exp(graph.Neg(Column(x, d))), graph.ExpandAxes(waves, 1))
	}
	wall := Dirichlet("u", solution, walls...)
	wall.Name = "Dirichlet u" // all of them would be a long name
	return &Problem{
		Name:        fmt.Sprintf("heat %d+1D", d),
		Key:         fmt.Sprintf("heat%dd", d),
		Coordinates: coordinates,
		Unknowns:    []string{"u"},
		Domain:      rectangle(coordinates, lo, hi),
		Equations:   []Equation{heat(d)},
		Conditions:  []Condition{Initial("u", solution), wall},
		Exact: scalar(func(p []float64) float64 {
			total := 0.0
			for _, x := range p[:d] {
				total += math.Sin(2 * x)
			}
			return math.Exp(-p[d]) * total
		}),
		Suggested: suggested,
		Source:    "Dangel, Müller and Zeinhofer 2024 (arXiv 2405.15603)",
	}
}

// heat is u_t = ¼Δu with d coordinates in space, which come before time.
func heat(d int) Equation {
	space := make([]int, d)
	for i := range space {
		space[i] = i
	}
	return Equation{Name: "heat", Residual: func(u *Fields) *graph.Node {
		return graph.Sub(u.D("t"), graph.MulScalar(u.Laplacian(space...), 0.25))
	}}
}

// Burgers is u_t + u u_x = ν u_xx for x in [−1, 1] and t in [0, 1] with u(x, 0) = −sin πx and u = 0 at both ends
// (Raissi, Perdikaris and Karniadakis 2019). The canonical ν is 0.01/π; ν = 0.01 is much easier; it may be 1e-4 to 10.
// The reference is the transform of Cole and Hopf. Its Ansatz is −sin πx + (1 − exp(−πt))(1−x²)·network, with the part of
// the network that is odd in x, as the solution is.
func Burgers(nu float64) *Problem {
	solution, err := reference.Burgers(nu)
	if err != nil {
		return refuse("Burgers", "nu", nu, "1e-4 to 10")
	}
	box := interval(-1, 1, 1)
	u0 := func(x *graph.Node) *graph.Node { return graph.Neg(sine(Column(x, 0), math.Pi)) }
	name, key := fmt.Sprintf("Burgers, ν = %v", nu), fmt.Sprintf("burgers-nu%v", nu)
	if nu == 0.01/math.Pi {
		name, key = "Burgers, ν = 0.01/π", "burgers"
	}
	return &Problem{
		Name:        name,
		Key:         key,
		Coordinates: []string{"x", "t"},
		Unknowns:    []string{"u"},
		Domain:      box,
		Equations: []Equation{{Name: "Burgers", Residual: func(u *Fields) *graph.Node {
			return graph.Sub(graph.Add(u.D("t"), graph.Mul(u.U(), u.D("x"))), graph.MulScalar(u.D("x", "x"), nu))
		}}},
		Conditions: []Condition{Initial("u", u0), Dirichlet("u", nil, "x-", "x+")},
		Ansatz:     Odd(box, 0, startAndWalls(u0, Bump(box, 0), 1, math.Pi)),
		Reference:  func(context.Context) (Field, error) { return solution, nil },
		// Not amplified, a network takes some two hundred Levenberg–Marquardt steps before a shock begins to form.
		Suggested: Setup{Hidden: repeated(4, 20), Amplify: 3, Interior: 1600, Boundary: 200, Resample: 500},
		Source:    "Raissi, Perdikaris and Karniadakis 2019",
	}
}

// AllenCahn is u_t = 1e-4 u_xx + 5u − 5u³ for x in [−1, 1], periodic, and t in [0, 1], with u(x, 0) = x² cos πx (Raissi,
// Perdikaris and Karniadakis 2019). The reference is spectral. Periods make the network periodic.
//
// The periodic continuation of u(x, 0) has a kink at x = ±1, which diffusion rounds off over a width of √t/50, and which no
// smooth network fits. So the Ansatz contains what becomes of it. With z = (2/π) cos(πx/2), which is the distance from the
// kink next to it, and the solution s of the heat equation that begins as |z|, it is
//
//	u(x, 0) − 2z + 2exp(−10t)s(z, t) + (1 − exp(−5t))·network
//
// where −10 is the slope of 5u − 5u³ at u = −1, the value there, with the part of the network that is even in x, as the solution is.
func AllenCahn() *Problem {
	const diffusion = 1e-4
	box := interval(-1, 1, 1)
	u0 := func(x *graph.Node) *graph.Node {
		c := Column(x, 0)
		return graph.Mul(graph.Square(c), cosine(c, math.Pi))
	}
	return &Problem{
		Name:        "Allen–Cahn",
		Key:         "allen-cahn",
		Coordinates: []string{"x", "t"},
		Unknowns:    []string{"u"},
		Domain:      box,
		Equations: []Equation{{Name: "Allen–Cahn", Residual: func(u *Fields) *graph.Node {
			v := u.U()
			growth := graph.MulScalar(graph.Sub(v, graph.Mul(v, graph.Square(v))), 5)
			return graph.Sub(u.D("t"), graph.Add(graph.MulScalar(u.D("x", "x"), diffusion), growth))
		}}},
		Conditions: []Condition{Initial("u", u0), Periodic(box, "x", 2)},
		Ansatz: Even(box, 0, startAndWalls(func(x *graph.Node) *graph.Node {
			z, t := graph.MulScalar(cosine(Column(x, 0), math.Pi/2), 2/math.Pi), Column(x, 1)
			kink := graph.Mul(graph.Exp(graph.MulScalar(t, -10)), roundedKink(z, t, diffusion))
			return graph.Add(u0(x), graph.MulScalar(graph.Sub(kink, z), 2))
		}, nil, 1, 5)),
		Periods:   []float64{2, 0},
		Reference: func(ctx context.Context) (Field, error) { return reference.AllenCahn(ctx) },
		Suggested: Setup{Hidden: repeated(4, 24), Amplify: 0.3, Interior: 1200, Boundary: 500, BoundaryWeight: 100, Resample: 500},
		Source:    "Raissi, Perdikaris and Karniadakis 2019",
	}
}

// roundedKink is the solution of s_t = ν s_zz that begins as |z|: z erf(z/w) + w exp(−z²/w²)/√π with w = √(4νt).
func roundedKink(z, t *graph.Node, nu float64) *graph.Node {
	const least = 1e-12 // keeps derivatives finite at t = 0
	w := graph.Sqrt(graph.MulScalar(graph.AddScalar(t, least), 4*nu))
	q := graph.Div(z, w)
	tail := graph.MulScalar(graph.Mul(w, graph.Exp(graph.Neg(graph.Square(q)))), 1/math.SqrtPi)
	return graph.Add(graph.Mul(z, graph.Erf(q)), tail)
}

// ReactionDiffusion is u_t = ν u_xx + ρ u(1−u) for x in [0, 2π], periodic, and t in [0, 1], with
// u(x, 0) = exp(−(x−π)²/2σ²), σ = π/4 (Krishnapriyan et al. 2021; usual are ν = 3 and ρ = 5). ν and ρ are above 0. The
// reference is spectral. Periods make the network periodic; there is no Ansatz, because the periodic continuation of
// u(x, 0) has a small kink that the solution loses at once.
func ReactionDiffusion(nu, rho float64) *Problem {
	switch {
	case !positive(nu):
		return refuse("ReactionDiffusion", "nu", nu, "a finite number above 0")
	case !positive(rho):
		return refuse("ReactionDiffusion", "rho", rho, "a finite number above 0")
	}
	box := interval(0, 2*math.Pi, 1)
	return &Problem{
		Name:        fmt.Sprintf("reaction–diffusion, ν = %v, ρ = %v", nu, rho),
		Key:         "reaction-diffusion",
		Coordinates: []string{"x", "t"},
		Unknowns:    []string{"u"},
		Domain:      box,
		Equations: []Equation{{Name: "reaction–diffusion", Residual: func(u *Fields) *graph.Node {
			return graph.Sub(u.D("t"), graph.Add(graph.MulScalar(u.D("x", "x"), nu), logistic(u.U(), rho)))
		}}},
		Conditions: []Condition{Initial("u", gaussian), Periodic(box, "x", 2)},
		Periods:    []float64{2 * math.Pi, 0},
		Exactly:    []string{"periodic x"},
		Reference:  func(ctx context.Context) (Field, error) { return reference.ReactionDiffusion(ctx, nu, rho) },
		Suggested:  Setup{Hidden: repeated(3, 32), Interior: 2000, Boundary: 200, BoundaryWeight: 100, Resample: 200},
		Source:     "Krishnapriyan et al. 2021",
	}
}

// gaussian is exp(−(x−π)²/2σ²) with σ = π/4.
func gaussian(x *graph.Node) *graph.Node {
	return graph.Exp(graph.MulScalar(graph.Square(graph.AddScalar(Column(x, 0), -math.Pi)), -8/(math.Pi*math.Pi)))
}

// logistic is ρ u(1−u).
func logistic(u *graph.Node, rho float64) *graph.Node {
	return graph.MulScalar(graph.Sub(u, graph.Square(u)), rho)
}

// GrayScott is the system of a reaction and diffusion (Gray and Scott 1984; Pearson 1993)
//
//	u_t = 0.2Δu + 40(1−u) − 1000uv²,  v_t = 0.1Δv − 100v + 1000uv²
//
// for x and y in [−1, 1], periodic, and t in [0, T], with
//
//	u(x, y, 0) = 1 − b(x+0.05)b(y+0.02),  v(x, y, 0) = b(x−0.05)b(y−0.02),  b(x) = Σ exp(−10(x+2n)²), n = −1, 0, 1.
//
// JAX-PI has it with n = 0 alone, so that values differ by 1e-4 on opposite sides, and T = 2 (Wang, Li, Chen and Perdikaris 2024,
// PirateNets). T is above 0 and at most 2. The reference is spectral. Its Ansatz
// (u, v at t = 0) + (1 − exp(−100t))·network goes with a periodic network.
func GrayScott(T float64) *Problem {
	if !(T > 0 && T <= 2) {
		return refuse("GrayScott", "T", T, "a number above 0, at most 2")
	}
	const reaction = 1000
	coordinates := []string{"x", "y", "t"}
	box := rectangle(coordinates, []float64{-1, -1, 0}, []float64{1, 1, T})
	images := func(x *graph.Node) *graph.Node {
		var parts []*graph.Node
		for n := -1.; n <= 1; n++ {
			parts = append(parts, graph.Exp(graph.MulScalar(graph.Square(graph.AddScalar(x, 2*n)), -10)))
		}
		return sum(parts[0], parts[1:]...)
	}
	bell := func(x *graph.Node, sign float64) *graph.Node {
		return graph.Mul(images(graph.AddScalar(Column(x, 0), 0.05*sign)), images(graph.AddScalar(Column(x, 1), 0.02*sign)))
	}
	u0 := func(x *graph.Node) *graph.Node { return graph.OneMinus(bell(x, 1)) }
	v0 := func(x *graph.Node) *graph.Node { return bell(x, -1) }
	react := func(u *Fields) *graph.Node {
		return graph.MulScalar(graph.Mul(u.Of("u").U(), graph.Square(u.Of("v").U())), reaction)
	}
	key := "gray-scott"
	if T != 2 {
		key = fmt.Sprintf("%s-t%v", key, T)
	}
	return &Problem{
		Name:        fmt.Sprintf("Gray–Scott, T = %v", T),
		Key:         key,
		Coordinates: coordinates,
		Unknowns:    []string{"u", "v"},
		Domain:      box,
		Equations: []Equation{{Name: "substrate", Residual: func(u *Fields) *graph.Node {
			w := u.Of("u")
			gained := graph.Add(graph.MulScalar(w.Laplacian(0, 1), 0.2), graph.MulScalar(graph.OneMinus(w.U()), 40))
			return graph.Add(graph.Sub(w.D("t"), gained), react(u))
		}}, {Name: "catalyst", Residual: func(u *Fields) *graph.Node {
			w := u.Of("v")
			gained := graph.Sub(graph.MulScalar(w.Laplacian(0, 1), 0.1), graph.MulScalar(w.U(), 100))
			return graph.Sub(graph.Sub(w.D("t"), gained), react(u))
		}}},
		Conditions: []Condition{Initial("u", u0), Initial("v", v0), Periodic(box, "x", 2), Periodic(box, "y", 2)},
		Ansatz: startAndWalls(func(x *graph.Node) *graph.Node {
			return graph.Concatenate([]*graph.Node{u0(x), v0(x)}, 1)
		}, nil, 1, 100),
		Periods:   []float64{2, 2, 0},
		Reference: func(ctx context.Context) (Field, error) { return reference.GrayScott(ctx, T) },
		// Reactions with rates of 100 want short windows.
		Suggested: Setup{Hidden: repeated(3, 32), Harmonics: 4, Interior: 2000, Boundary: 200, Windows: int(math.Ceil(50 * T)), Resample: 200},
		Source:    "Wang, Li, Chen and Perdikaris 2024 (PirateNets, arXiv 2402.00326)",
	}
}
