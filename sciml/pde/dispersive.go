package pde

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/pde/reference"
)

// KdVSoliton is u_t + 6u u_x + u_xxx = 0 for x in [−10, 10] and t in [0, 1] with the values of a soliton of speed 4 on
// its way from −2 to 2, u = 2 sech²(x − 4t + 2), at t = 0 and at both ends, and with its slope at the right end (waves
// of this equation travel to the left, so that it takes two conditions there). Its Ansatz is that of KdVTwoSolitons.
func KdVSoliton() *Problem {
	p := korteweg("Korteweg–de Vries, one soliton", "kdv-soliton",
		func(p []float64) float64 {
			c := math.Cosh(p[0] - 4*p[1] + 2)
			return 2 / (c * c)
		},
		func(x, t *graph.Node) *graph.Node {
			return graph.MulScalar(graph.Reciprocal(graph.Square(cosh(graph.AddScalar(graph.Sub(x, graph.MulScalar(t, 4)), 2)))), 2)
		},
		func(p []float64) float64 {
			z := p[0] - 4*p[1] + 2
			c := math.Cosh(z)
			return -4 * math.Tanh(z) / (c * c)
		})
	p.Source = "the soliton of Korteweg and de Vries"
	return p
}

// The two solitons of KdVTwoSolitons: their speeds, the roots of these, and where they are at t = 0.
var (
	kdvSpeed = [2]float64{6, 2}
	kdvRoot  = [2]float64{math.Sqrt(6), math.Sqrt(2)}
	kdvStart = [2]float64{-2, 2}
)

// KdVTwoSolitons is u_t + 6u u_x + u_xxx = 0 for x in [−10, 10] and t in [0, 1] with two solitons of speeds c₁ = 6 and
// c₂ = 2, which begin at about −2 and 2 and run into each other at t = 1:
//
//	u = 2(c₁−c₂) (c₁ cosh²(√c₂ξ₂/2) + c₂ sinh²(√c₁ξ₁/2)) / ((√c₁−√c₂) cosh((√c₁ξ₁+√c₂ξ₂)/2) + (√c₁+√c₂) cosh((√c₁ξ₁−√c₂ξ₂)/2))²
//
// with ξᵢ = x − cᵢt − xᵢ. It gives the values at t = 0 and at both ends, and the slope at the right end. Formula,
// conditions and Ansatz are those of Urbán, Stefanou and Pons 2024 (arXiv 2405.04230); the region is not. The Ansatz is
// u(x, 0) + r(x, t) + t·(1 − x²/100)·network, where r interpolates between the ends what has changed there since t = 0.
func KdVTwoSolitons() *Problem {
	p := korteweg("Korteweg–de Vries, two solitons", "kdv-two-solitons",
		func(p []float64) float64 { u, _ := twoSolitons(p[0], p[1]); return u },
		func(x, t *graph.Node) *graph.Node {
			var half [2]*graph.Node // √cᵢξᵢ/2
			for i := range half {
				moved := graph.Sub(x, graph.MulScalar(t, kdvSpeed[i]))
				half[i] = graph.MulScalar(graph.AddScalar(moved, -kdvStart[i]), kdvRoot[i]/2)
			}
			over := graph.Add(
				graph.MulScalar(graph.Square(cosh(half[1])), kdvSpeed[0]),
				graph.MulScalar(graph.AddScalar(graph.Square(cosh(half[0])), -1), kdvSpeed[1]))
			under := graph.Add(
				graph.MulScalar(cosh(graph.Add(half[0], half[1])), kdvRoot[0]-kdvRoot[1]),
				graph.MulScalar(cosh(graph.Sub(half[0], half[1])), kdvRoot[0]+kdvRoot[1]))
			return graph.MulScalar(graph.Div(over, graph.Square(under)), 2*(kdvSpeed[0]-kdvSpeed[1]))
		},
		func(p []float64) float64 { _, slope := twoSolitons(p[0], p[1]); return slope })
	p.Source = "Urbán, Stefanou and Pons 2024 (arXiv 2405.04230)"
	return p
}

// twoSolitons is the solution of KdVTwoSolitons and its derivative by x.
func twoSolitons(x, t float64) (u, slope float64) {
	a := kdvRoot[0] * (x - kdvSpeed[0]*t - kdvStart[0]) / 2
	b := kdvRoot[1] * (x - kdvSpeed[1]*t - kdvStart[1]) / 2
	less, more := kdvRoot[0]-kdvRoot[1], kdvRoot[0]+kdvRoot[1]
	over := kdvSpeed[0]*math.Pow(math.Cosh(b), 2) + kdvSpeed[1]*math.Pow(math.Sinh(a), 2)
	under := less*math.Cosh(a+b) + more*math.Cosh(a-b)
	// By x, a grows at the rate √c₁/2 and b at √c₂/2.
	overSlope := kdvSpeed[0]*kdvRoot[1]/2*math.Sinh(2*b) + kdvSpeed[1]*kdvRoot[0]/2*math.Sinh(2*a)
	underSlope := less * more / 2 * (math.Sinh(a+b) + math.Sinh(a-b))
	factor := 2 * (kdvSpeed[0] - kdvSpeed[1])
	return factor * over / (under * under), factor * (overSlope - 2*over*underSlope/under) / (under * under)
}

// cosh is the hyperbolic cosine.
func cosh(x *graph.Node) *graph.Node {
	return graph.MulScalar(graph.Add(graph.Exp(x), graph.Exp(graph.Neg(x))), 0.5)
}

// korteweg is u_t + 6u u_x + u_xxx = 0 on [−10, 10] × [0, 1] with data from a solution: as a Go function, as a graph
// of columns x and t, and its slope.
func korteweg(name, key string, u func(p []float64) float64, build func(x, t *graph.Node) *graph.Node, slope func(p []float64) float64) *Problem {
	const side = 10
	box := interval(-side, side, 1)
	initial := DirichletValues("u", u, "t-")
	initial.Name = "initial u"
	ends := DirichletValues("u", u, "x-", "x+")
	return &Problem{
		Name:        name,
		Key:         key,
		Coordinates: []string{"x", "t"},
		Unknowns:    []string{"u"},
		Domain:      box,
		Equations: []Equation{{Name: "Korteweg–de Vries", Residual: func(u *Fields) *graph.Node {
			return sum(u.D("t"), graph.MulScalar(graph.Mul(u.U(), u.D("x")), 6), u.D("x", "x", "x"))
		}}},
		Conditions: []Condition{initial, ends, {
			Name:     "Neumann u x+",
			On:       []string{"x+"},
			Values:   func(_ int, point []float64) []float64 { return []float64{slope(point)} },
			Residual: func(u *Fields) *graph.Node { return graph.Sub(u.D("x"), u.Values()) },
		}},
		Ansatz: DistanceAndLift(func(points *graph.Node) *graph.Node {
			return graph.Mul(Column(points, 1), Bump(box, 0)(points))
		}, func(points *graph.Node) *graph.Node {
			x, t := Column(points, 0), Column(points, 1)
			start, left := graph.ZerosLike(t), graph.AddScalar(graph.ZerosLike(x), -side)
			right := graph.Neg(left)
			change := func(end *graph.Node) *graph.Node { return graph.Sub(build(end, t), build(end, start)) }
			return sum(build(x, start),
				graph.Mul(graph.MulScalar(graph.Sub(right, x), 1./(2*side)), change(left)),
				graph.Mul(graph.MulScalar(graph.Sub(x, left), 1./(2*side)), change(right)))
		}),
		Exactly:   []string{initial.Name, ends.Name},
		Exact:     scalar(u),
		Suggested: Setup{Hidden: repeated(3, 24), Amplify: 1, Interior: 2000, Boundary: 200, BoundaryWeight: 5, Resample: 500},
	}
}

// KdVCosine is u_t + u u_x + 0.022² u_xxx = 0 for x in [−1, 1], periodic, and t in [0, 1], with u(x, 0) = cos πx, which
// breaks up into solitons (Zabusky and Kruskal 1965). The reference is spectral. Its Ansatz cos πx + (1 − exp(−πt))·network goes with
// a periodic network.
func KdVCosine() *Problem {
	box := interval(-1, 1, 1)
	u0 := func(x *graph.Node) *graph.Node { return cosine(Column(x, 0), math.Pi) }
	return &Problem{
		Name:        "Korteweg–de Vries, cosine",
		Key:         "kdv-cosine",
		Coordinates: []string{"x", "t"},
		Unknowns:    []string{"u"},
		Domain:      box,
		Equations: []Equation{{Name: "Korteweg–de Vries", Residual: func(u *Fields) *graph.Node {
			return sum(u.D("t"), graph.Mul(u.U(), u.D("x")), graph.MulScalar(u.D("x", "x", "x"), 0.022*0.022))
		}}},
		Conditions: []Condition{Initial("u", u0), Periodic(box, "x", 3)},
		Ansatz:     startAndWalls(u0, nil, 1, math.Pi),
		Periods:    []float64{2, 0},
		Reference:  func(ctx context.Context) (Field, error) { return reference.KortewegDeVries(ctx) },
		Suggested:  Setup{Hidden: repeated(3, 24), Harmonics: 4, Interior: 2000, Boundary: 200, Windows: 16, Resample: 500},
		Source:     "Zabusky and Kruskal 1965; Wang et al. 2024 (PirateNets, arXiv 2402.00326)",
	}
}

// KuramotoSivashinsky is u_t + (100/16) u u_x + (100/16²) u_xx + (100/16⁴) u_xxxx = 0 for x in [0, 2π], periodic, and
// t in [0, T], with u(x, 0) = cos x (1 + sin x) (Wang, Sankaran and Perdikaris 2024). T is above 0 and at most 1; the
// catalogue has 0.2, 0.5 and 1: perturbations grow by up to exp(25t), and for T = 0.5 a network trained for two minutes settles on
// a wrong solution with a small residual; longer times want windows of time. The reference is spectral. Its Ansatz
// u(x, 0) + (1 − exp(−100t/16))·network goes with a periodic network.
func KuramotoSivashinsky(T float64) *Problem {
	if !(T > 0 && T <= 1) {
		return refuse("KuramotoSivashinsky", "T", T, "a number above 0, at most 1")
	}
	box := interval(0, 2*math.Pi, T)
	u0 := func(x *graph.Node) *graph.Node {
		x = Column(x, 0)
		return graph.Mul(graph.Cos(x), graph.AddScalar(graph.Sin(x), 1))
	}
	key := "kuramoto-sivashinsky"
	if T != 0.2 {
		key = fmt.Sprintf("%s-t%v", key, T)
	}
	return &Problem{
		Name:        fmt.Sprintf("Kuramoto–Sivashinsky, T = %v", T),
		Key:         key,
		Coordinates: []string{"x", "t"},
		Unknowns:    []string{"u"},
		Domain:      box,
		Equations: []Equation{{Name: "Kuramoto–Sivashinsky", Residual: func(u *Fields) *graph.Node {
			return sum(u.D("t"),
				graph.MulScalar(graph.Mul(u.U(), u.D("x")), 100./16),
				graph.MulScalar(u.D("x", "x"), 100./(16*16)),
				graph.MulScalar(u.D("x", "x", "x", "x"), 100./(16*16*16*16)))
		}}},
		Conditions: []Condition{Initial("u", u0), Periodic(box, "x", 4)},
		Ansatz:     startAndWalls(u0, nil, 1, 100./16),
		Periods:    []float64{2 * math.Pi, 0},
		Reference:  func(ctx context.Context) (Field, error) { return reference.KuramotoSivashinsky(ctx, T) },
		Suggested:  Setup{Hidden: repeated(3, 24), Harmonics: 5, Interior: 2000, Boundary: 200, Windows: int(math.Ceil(40 * T)), Resample: 500},
		Source:     "Wang, Sankaran and Perdikaris 2024, Computer Methods in Applied Mechanics and Engineering 421",
	}
}

// Schrodinger is the nonlinear Schrödinger equation i h_t + ½h_xx + |h|²h = 0 for h = u + iv, for x in [−5, 5], periodic, and t
// in [0, π/2], with h(x, 0) = 2 sech x (Raissi, Perdikaris and Karniadakis 2019): two solitons on top of each other, whose
// height goes from 2 to 4 and back. The unknowns are u and v. The reference is spectral.
//
// The periodic continuation of 2 sech x has a kink at x = ±5, a change of slope by 0.05, which goes out from there in waves that
// are the shorter the earlier. Its Ansatz 2 sech x + (1 − exp(−4t))·network has the initial values; periods are penalized,
// because a network that has them would keep the kink.
func Schrodinger() *Problem {
	box := interval(-5, 5, math.Pi/2)
	u0 := func(x *graph.Node) *graph.Node {
		return graph.MulScalar(graph.Reciprocal(cosh(Column(x, 0))), 2)
	}
	part := func(name, of, other string, sign float64) Equation {
		return Equation{Name: name, Residual: func(u *Fields) *graph.Node {
			f, g := u.Of(of), u.Of(other)
			square := graph.Add(graph.Square(f.U()), graph.Square(g.U()))
			return sum(graph.MulScalar(g.D("t"), sign), graph.MulScalar(f.D("x", "x"), 0.5), graph.Mul(square, f.U()))
		}}
	}
	conditions := []Condition{Initial("u", u0), Initial("v", nil), Periodic(box, "x", 2)}
	return &Problem{
		Name:        "nonlinear Schrödinger",
		Key:         "schrodinger",
		Coordinates: []string{"x", "t"},
		Unknowns:    []string{"u", "v"},
		Domain:      box,
		Equations:   []Equation{part("Schrödinger, real part", "u", "v", -1), part("Schrödinger, imaginary part", "v", "u", 1)},
		Conditions:  conditions,
		Ansatz: startAndWalls(func(x *graph.Node) *graph.Node {
			start := u0(x)
			return graph.Concatenate([]*graph.Node{start, graph.ZerosLike(start)}, 1)
		}, nil, 1, 4),
		Exactly:   []string{conditions[0].Name, conditions[1].Name},
		Reference: func(ctx context.Context) (Field, error) { return reference.Schrodinger(ctx) },
		Suggested: Setup{Hidden: repeated(3, 30), Interior: 2000, Boundary: 200, Resample: 500},
		Source:    "Raissi, Perdikaris and Karniadakis 2019",
	}
}
