package pde

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/autodiff"
)

// Poisson1D is −u″ = π² sin πx on [0, 1] with u(0) = u(1) = 0, whose solution is u = sin πx. Its Ansatz multiplies the
// network by 4x(1−x).
func Poisson1D() *Problem {
	coordinates := []string{"x"}
	box := rectangle(coordinates, []float64{0}, []float64{1})
	return poisson(&Problem{
		Name:        "Poisson 1D",
		Key:         "poisson1d",
		Coordinates: coordinates,
		Domain:      box,
		Ansatz:      DistanceAndLift(Bump(box), nil),
		Exact:       scalar(func(p []float64) float64 { return math.Sin(math.Pi * p[0]) }),
		Suggested:   Setup{Hidden: repeated(1, 32), Interior: 200, Boundary: 2},
		Source:      "the eigenfunction problem in one dimension",
	}, func(x *graph.Node) *graph.Node { return graph.MulScalar(sine(x, math.Pi), math.Pi*math.Pi) }, nil)
}

// Poisson2D is −Δu = 2π² sin πx sin πy on the unit square with u = 0 on its boundary, whose solution is
// u = sin πx sin πy (Müller and Zeinhofer 2023, section 5.1). Its Ansatz multiplies the network by x(1−x)y(1−y), scaled
// to at most one.
func Poisson2D() *Problem {
	coordinates := []string{"x", "y"}
	square := rectangle(coordinates, []float64{0, 0}, []float64{1, 1})
	return poisson(&Problem{
		Name:        "Poisson 2D",
		Key:         "poisson2d",
		Coordinates: coordinates,
		Domain:      square,
		Ansatz:      DistanceAndLift(Bump(square), nil),
		Exact:       scalar(func(p []float64) float64 { return math.Sin(math.Pi*p[0]) * math.Sin(math.Pi*p[1]) }),
		Suggested:   Setup{Hidden: repeated(2, 32), Interior: 900, Boundary: 120},
		Source:      "Müller and Zeinhofer 2023, section 5.1",
	}, func(x *graph.Node) *graph.Node {
		s := sine(x, math.Pi)
		return graph.MulScalar(graph.Mul(Column(s, 0), Column(s, 1)), 2*math.Pi*math.Pi)
	}, nil)
}

// Poisson is −Δu = π² Σ cos πxᵢ on the unit cube of d dimensions, 1 to 100, with boundary values from its solution
// u = Σ cos πxᵢ. In five dimensions it is the problem of Dangel, Müller and Zeinhofer 2024 (KFAC). From three dimensions on a
// separable network is suggested, which suits a solution that is such a sum, as published MLPs of up to a million parameters do not
// especially. The boundary values have no simple extension into the cube, so there is no Ansatz.
func Poisson(d int) *Problem {
	if d < 1 || d > 100 {
		return refuse("Poisson", "d", d, "1 to 100")
	}
	lo, hi := make([]float64, d), make([]float64, d)
	for i := range hi {
		hi[i] = 1
	}
	suggested := Setup{Hidden: []int{16}, Rank: 8, Interior: 1500, Boundary: 500}
	switch {
	case d <= 2:
		suggested = Setup{Hidden: repeated(2, 32), Interior: 900, Boundary: 120}
	case d > 20: // so many that each has a smaller network
		suggested = Setup{Hidden: []int{8}, Rank: 4, Interior: 1000, Boundary: 1000}
	}
	solution := func(x *graph.Node) *graph.Node { return graph.ReduceSum(cosine(x, math.Pi), 1) }
	return poisson(&Problem{
		Name:        fmt.Sprintf("Poisson %dD, sum of cosines", d),
		Key:         fmt.Sprintf("poisson%dd", d),
		Coordinates: axes(d),
		Domain:      rectangle(axes(d), lo, hi),
		Exact: scalar(func(p []float64) float64 {
			total := 0.0
			for _, x := range p {
				total += math.Cos(math.Pi * x)
			}
			return total
		}),
		Suggested: suggested,
		Source:    "Dangel, Müller and Zeinhofer 2024 (arXiv 2405.15603), in five dimensions",
	}, func(x *graph.Node) *graph.Node { return graph.MulScalar(solution(x), math.Pi*math.Pi) }, solution)
}

// poisson completes a problem to −Δu = source with u = boundary, where nil is zero.
func poisson(p *Problem, source, boundary Function) *Problem {
	p.Unknowns = []string{"u"}
	p.Equations = []Equation{{Name: "Poisson", Residual: func(u *Fields) *graph.Node {
		return graph.Add(u.Laplacian(), graph.ReshapeLike(source(u.X()), u.U()))
	}}}
	p.Conditions = []Condition{Dirichlet("u", boundary)}
	p.Energy = func(u *Fields) *graph.Node {
		slope := graph.ReduceSum(graph.Square(u.Gradient()), 1)
		work := graph.Mul(graph.ReshapeLike(source(u.X()), u.U()), u.U())
		return graph.Sub(graph.MulScalar(slope, 0.5), graph.ReshapeLike(work, slope))
	}
	p.Weak = []WeakForm{{Name: "Poisson", Terms: func(u *Fields) (flux, load *graph.Node) {
		return u.Gradient(), graph.Neg(graph.ReshapeLike(source(u.X()), u.U()))
	}}}
	return p
}

// Helmholtz is Δu + k²u = q on [−1, 1]² with u = 0 on its boundary, where q is made for the solution
// u = sin(a₁πx) sin(a₂πy) (Wang, Teng and Perdikaris 2021; usual are a₁ = 1, a₂ = 4, k = 1). a₁ and a₂ are whole
// numbers from 1, k is at least 0; 4k²/π² must not be the sum of two squares of whole numbers, or the solution is not
// unique. Its Ansatz multiplies the network by (1−x²)(1−y²).
func Helmholtz(a1, a2 int, k float64) *Problem {
	switch {
	case a1 < 1:
		return refuse("Helmholtz", "a1", a1, "a whole number from 1")
	case a2 < 1:
		return refuse("Helmholtz", "a2", a2, "a whole number from 1")
	case !finite(k) || k < 0:
		return refuse("Helmholtz", "k", k, "a finite number, at least 0")
	}
	coordinates := []string{"x", "y"}
	square := rectangle(coordinates, []float64{-1, -1}, []float64{1, 1})
	p1, p2 := float64(a1)*math.Pi, float64(a2)*math.Pi
	q := func(x *graph.Node) *graph.Node {
		return graph.MulScalar(graph.Mul(sine(Column(x, 0), p1), sine(Column(x, 1), p2)), k*k-p1*p1-p2*p2)
	}
	return &Problem{
		Name:        fmt.Sprintf("Helmholtz, a = (%d, %d), k = %v", a1, a2, k),
		Key:         "helmholtz",
		Coordinates: coordinates,
		Unknowns:    []string{"u"},
		Domain:      square,
		Equations: []Equation{{Name: "Helmholtz", Residual: func(u *Fields) *graph.Node {
			return graph.Sub(graph.Add(u.Laplacian(), graph.MulScalar(u.U(), k*k)), q(u.X()))
		}}},
		Conditions: []Condition{Dirichlet("u", nil)},
		Ansatz:     DistanceAndLift(Bump(square), nil),
		Weak: []WeakForm{{Name: "Helmholtz", Terms: func(u *Fields) (flux, load *graph.Node) {
			return u.Gradient(), graph.Sub(q(u.X()), graph.MulScalar(u.U(), k*k))
		}}},
		Exact:     scalar(func(p []float64) float64 { return math.Sin(p1*p[0]) * math.Sin(p2*p[1]) }),
		Suggested: Setup{Hidden: repeated(4, 30), Activation: "sin", Stretch: []float64{2, 2}, Interior: 3000, Boundary: 400},
		Source:    "Wang, Teng and Perdikaris 2021",
	}
}

// Plate is the bending Δ²u = f of the unit square that is clamped at its edge, u = ∂u/∂n = 0, with f made for the solution
// u = sin²πx sin²πy. The residual is divided by 4π⁴, about the size of f. Its Ansatz multiplies the network by
// (16x(1−x)y(1−y))².
func Plate() *Problem {
	coordinates := []string{"x", "y"}
	square := rectangle(coordinates, []float64{0, 0}, []float64{1, 1})
	load := func(x *graph.Node) *graph.Node {
		c := cosine(x, 2*math.Pi)
		a, b := Column(c, 0), Column(c, 1)
		return graph.MulScalar(graph.Sub(graph.MulScalar(graph.Mul(a, b), 4), graph.Add(a, b)), 4*math.Pow(math.Pi, 4))
	}
	bump := Bump(square)
	return &Problem{
		Name:        "clamped plate",
		Key:         "plate",
		Coordinates: coordinates,
		Unknowns:    []string{"u"},
		Domain:      square,
		Equations: []Equation{{Name: "plate", Residual: func(u *Fields) *graph.Node {
			bending := u.Operator(
				autodiff.Term{Weight: 1, Axes: []int{0, 0, 0, 0}},
				autodiff.Term{Weight: 2, Axes: []int{0, 0, 1, 1}},
				autodiff.Term{Weight: 1, Axes: []int{1, 1, 1, 1}})
			return graph.MulScalar(graph.Sub(bending, load(u.X())), 1/(4*math.Pow(math.Pi, 4)))
		}}},
		Conditions: []Condition{Dirichlet("u", nil), Neumann("u", nil)},
		Ansatz:     DistanceAndLift(func(x *graph.Node) *graph.Node { return graph.Square(bump(x)) }, nil),
		Energy: func(u *Fields) *graph.Node {
			return graph.Sub(graph.MulScalar(graph.Square(u.Laplacian()), 0.5), graph.Mul(load(u.X()), u.U()))
		},
		Exact: scalar(func(p []float64) float64 {
			return math.Pow(math.Sin(math.Pi*p[0])*math.Sin(math.Pi*p[1]), 2)
		}),
		Suggested: Setup{Hidden: repeated(2, 24), Interior: 600, Boundary: 120},
		Source:    "a solution made for the clamped Kirchhoff plate",
	}
}

// EulerBernoulli is the beam u⁗ + 1 = 0 on [0, 1], clamped at 0 (u = u′ = 0) and free at 1 (u″ = u‴ = 0), whose
// solution is u = −x⁴/24 + x³/6 − x²/4 (an example of DeepXDE, Lu et al. 2021). Its Ansatz x²·network clamps it; the
// free end is what minimizing the Energy gives by itself.
func EulerBernoulli() *Problem {
	coordinates := []string{"x"}
	free := func(name string, derivative ...string) Condition {
		return Condition{Name: name, On: []string{"x+"}, Residual: func(u *Fields) *graph.Node { return u.D(derivative...) }}
	}
	clamp := []Condition{Dirichlet("u", nil, "x-"), Neumann("u", nil, "x-")}
	return &Problem{
		Name:        "Euler–Bernoulli beam",
		Key:         "beam",
		Coordinates: coordinates,
		Unknowns:    []string{"u"},
		Domain:      rectangle(coordinates, []float64{0}, []float64{1}),
		Equations: []Equation{{Name: "beam", Residual: func(u *Fields) *graph.Node {
			return graph.AddScalar(u.D("x", "x", "x", "x"), 1)
		}}},
		Conditions: append(clamp, free("moment x+", "x", "x"), free("shear x+", "x", "x", "x")),
		Ansatz:     DistanceAndLift(graph.Square, nil),
		Exactly:    []string{clamp[0].Name, clamp[1].Name},
		Energy: func(u *Fields) *graph.Node {
			return graph.Add(graph.MulScalar(graph.Square(u.D("x", "x")), 0.5), u.U())
		},
		Exact:     scalar(func(p []float64) float64 { x := p[0]; return x * x * (-x*x/24 + x/6 - 0.25) }),
		Suggested: Setup{Hidden: repeated(2, 20), Interior: 100, Boundary: 1},
		Source:    "DeepXDE (Lu, Meng, Mao and Karniadakis 2021), example of the Euler beam",
	}
}
