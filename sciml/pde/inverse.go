package pde

import (
	"context"
	"math"
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/pde/reference"
)

// InverseDiffusion finds the coefficient a(x) of −(a u′)′ = f on [0, 1] from measurements of u at x = 0, 0.05, …, 1,
// where a is known to be 1 at both ends. The solution is u = x + sin(2πx)/4π and a = 1 + ½ sin πx, with f made for it;
// u′ is nowhere below ½, so that a is determined everywhere. Unknowns are u and a. Its Ansatz 1 + 4x(1−x)·network gives
// a its ends and leaves u alone.
func InverseDiffusion() *Problem {
	coordinates := []string{"x"}
	box := rectangle(coordinates, []float64{0}, []float64{1})
	exact := func(p []float64) []float64 {
		return []float64{p[0] + math.Sin(2*math.Pi*p[0])/(4*math.Pi), 1 + math.Sin(math.Pi*p[0])/2}
	}
	// f = −(a′u′ + a u″).
	source := func(x *graph.Node) *graph.Node {
		first := graph.Mul(graph.MulScalar(cosine(x, math.Pi), math.Pi/2), graph.AddScalar(graph.MulScalar(cosine(x, 2*math.Pi), 0.5), 1))
		second := graph.Mul(graph.AddScalar(graph.MulScalar(sine(x, math.Pi), 0.5), 1), graph.MulScalar(sine(x, 2*math.Pi), math.Pi))
		return graph.Sub(second, first)
	}
	var points [][]float64
	var values []float64
	for i := range 21 {
		point := []float64{float64(i) / 20}
		points, values = append(points, point), append(values, exact(point)[0])
	}
	ends := Dirichlet("a", func(x *graph.Node) *graph.Node { return graph.OnesLike(x) })
	return &Problem{
		Name:        "inverse diffusion",
		Key:         "inverse-diffusion",
		Coordinates: coordinates,
		Unknowns:    []string{"u", "a"},
		Domain:      box,
		Equations: []Equation{{Name: "diffusion", Residual: func(u *Fields) *graph.Node {
			a, v := u.Of("a"), u.Of("u")
			flow := graph.Add(graph.Mul(a.D("x"), v.D("x")), graph.Mul(a.U(), v.D("x", "x")))
			return graph.Add(flow, source(u.X()))
		}}},
		Conditions: []Condition{Measured("u", points, values), ends},
		Ansatz: func(x *graph.Node, network Function) *graph.Node {
			outputs := network(x)
			a := graph.AddScalar(graph.Mul(Bump(box)(x), Column(outputs, 1)), 1)
			return graph.Concatenate([]*graph.Node{Column(outputs, 0), a}, 1)
		},
		Exactly: []string{ends.Name},
		Weak: []WeakForm{{Name: "diffusion", Terms: func(u *Fields) (flux, load *graph.Node) {
			return graph.Mul(u.Of("a").U(), u.Of("u").D("x")), graph.Neg(source(u.X()))
		}}},
		Exact:     exact,
		Suggested: Setup{Hidden: repeated(2, 32), Interior: 200, Boundary: 2, BoundaryWeight: 10},
		Source:    "made for this catalogue",
	}
}

// InverseBurgers finds λ₁ and λ₂ of u_t + λ₁ u u_x = λ₂ u_xx for x in [−1, 1] and t in [0, 1] from u at 500 points,
// drawn uniformly from a fixed seed. They belong to λ₁ = 1 and λ₂ = 0.01/π (Raissi, Perdikaris and Karniadakis 2019).
// The coefficients are "λ1" and "log λ2", so that λ₂ stays positive and small steps are small relative to it; as in the
// authors' program they start from 0 and −6.
func InverseBurgers() *Problem {
	const nu = 0.01 / math.Pi
	solution, err := reference.Burgers(nu)
	if err != nil {
		return refuse("InverseBurgers", "nu", nu, err.Error())
	}
	rng := rand.New(rand.NewPCG(2019, 0))
	points, values := make([][]float64, 500), make([]float64, 500)
	for i := range points {
		points[i] = []float64{2*rng.Float64() - 1, rng.Float64()}
		values[i] = solution(points[i])[0]
	}
	return &Problem{
		Name:        "inverse Burgers",
		Key:         "inverse-burgers",
		Coordinates: []string{"x", "t"},
		Unknowns:    []string{"u"},
		Coefficients: []Coefficient{
			{Name: "λ1", Start: 0, True: 1},
			{Name: "log λ2", Start: -6, True: math.Log(nu)},
		},
		Domain: interval(-1, 1, 1),
		Equations: []Equation{{Name: "Burgers", Residual: func(u *Fields) *graph.Node {
			convection := graph.Mul(u.Coefficient("λ1"), graph.Mul(u.U(), u.D("x")))
			diffusion := graph.Mul(graph.Exp(u.Coefficient("log λ2")), u.D("x", "x"))
			return graph.Sub(graph.Add(u.D("t"), convection), diffusion)
		}}},
		Conditions: []Condition{Measured("u", points, values)},
		Reference:  func(context.Context) (Field, error) { return solution, nil },
		Suggested:  Setup{Hidden: repeated(4, 20), Interior: 3000, Boundary: 500, Resample: 500},
		Source:     "Raissi, Perdikaris and Karniadakis 2019",
	}
}
