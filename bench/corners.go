package main

import (
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
	"github.com/gosciml/gosciml/sciml/sample"
)

// layerWidth is ε of layer.
const layerWidth = 1e-3

// layer is −εu″ + u′ = 1 on the unit interval, u = 0 at its ends, with a boundary layer of the width ε at x = 1.
func layer() *pde.Problem {
	line, err := pde.NewInterval("x", 0, 1)
	if err != nil {
		panic(err)
	}
	return &pde.Problem{
		Name: "Boundary layer, ε = 1e-3", Key: "layer", Coordinates: []string{"x"}, Unknowns: []string{"u"}, Domain: line,
		Equations: []pde.Equation{{Name: "convection and diffusion", Residual: func(u *pde.Fields) *graph.Node {
			return graph.AddScalar(graph.Sub(u.D("x"), graph.MulScalar(u.D("x", "x"), layerWidth)), -1)
		}}},
		Conditions: []pde.Condition{pde.Dirichlet("u", pde.Constant(0), "x-", "x+")},
		Exact: func(x []float64) []float64 {
			return []float64{x[0] - (math.Exp((x[0]-1)/layerWidth)-math.Exp(-1/layerWidth))/(1-math.Exp(-1/layerWidth))}
		},
	}
}

// corner is −Δu = f on an L, with the solution r^(2/3) sin(2φ/3) (1 − x²)(1 − y²), whose derivatives are infinite at the corner.
func corner() *pde.Problem {
	l, err := pde.NewPolygon([2]float64{0, 0}, [2]float64{1, 0}, [2]float64{1, 1}, [2]float64{-1, 1}, [2]float64{-1, -1}, [2]float64{0, -1})
	if err != nil {
		panic(err)
	}
	exact := func(x *graph.Node) *graph.Node {
		y := graph.OneMinus(graph.Square(x))
		return graph.Mul(cornerFeature{}.of(x), graph.Mul(pde.Column(y, 0), pde.Column(y, 1)))
	}
	return &pde.Problem{
		Name: "Corner of an L", Key: "corner", Coordinates: []string{"x", "y"}, Unknowns: []string{"u"}, Domain: l,
		Equations: []pde.Equation{{Name: "Poisson", Residual: func(u *pde.Fields) *graph.Node {
			return graph.Sub(u.Laplacian(), autodiff.Of(exact(u.X()), u.X()).Laplacian())
		}}},
		Conditions: []pde.Condition{pde.Dirichlet("u", nil)},
		Exact: func(p []float64) []float64 {
			angle := math.Atan2(-p[0]-p[1], p[1]-p[0]) + 0.75*math.Pi
			return []float64{math.Cbrt(p[0]*p[0]+p[1]*p[1]) * math.Sin(angle*2/3) * (1 - p[0]*p[0]) * (1 - p[1]*p[1])}
		},
	}
}

// cornerFeature and layerFeature show a network what the solution is like, beside the coordinates.
type (
	cornerFeature struct{}
	layerFeature  struct{}
)

func (cornerFeature) Inputs() int    { return 2 }
func (cornerFeature) Outputs() int   { return 3 }
func (cornerFeature) String() string { return "corner" }
func (f cornerFeature) Apply(x *graph.Node) *graph.Node {
	return graph.Concatenate([]*graph.Node{x, f.of(x)}, 1)
}

// of is r^(2/3) sin(2φ/3), with an angle that does not jump within the L.
func (cornerFeature) of(points *graph.Node) *graph.Node {
	x, y := pde.Column(points, 0), pde.Column(points, 1)
	angle := graph.AddScalar(graph.Atan2(graph.Neg(graph.Add(x, y)), graph.Sub(y, x)), 0.75*math.Pi)
	square := graph.Add(graph.Square(x), graph.Square(y))
	return graph.Mul(graph.PowScalar(square, 1./3), graph.Sin(graph.MulScalar(angle, 2./3)))
}

func (layerFeature) Inputs() int    { return 1 }
func (layerFeature) Outputs() int   { return 2 }
func (layerFeature) String() string { return "layer" }
func (layerFeature) Apply(x *graph.Node) *graph.Node {
	e := graph.Exp(graph.MulScalar(graph.AddScalar(x, -1), 1/layerWidth))
	return graph.Concatenate([]*graph.Node{graph.AddScalar(graph.MulScalar(x, 2), -1), e}, 1)
}

// graded are points half of which are drawn towards where a solution is not smooth.
type graded struct {
	sample.Sobol
	draw func(point []float64)
}

// Interior implements sample.Sampler.
func (g graded) Interior(domain pde.Domain, n int) (*sample.Points, error) {
	points, err := g.Sobol.Interior(domain, n)
	if err != nil {
		return nil, err
	}
	for k := 0; k < n; k += 2 {
		g.draw(points.At(k))
	}
	return points, nil
}

// WithSeed implements sample.Sampler.
func (g graded) WithSeed(seed uint64) sample.Sampler {
	g.Seed = seed
	return g
}

// toLayer and toCorner leave points in the domain.
func toLayer(p []float64) { p[0] = 1 - math.Pow(1-p[0], 4) }

func toCorner(p []float64) {
	far := math.Max(math.Abs(p[0]), math.Abs(p[1]))
	p[0], p[1] = p[0]*far*far, p[1]*far*far
}

// singular is one way to a solution that is not smooth, by the default method.
func singular(loss pinn.Options, network func(d division) (nn.Network, error)) func(d division) ([]step, error) {
	return func(d division) ([]step, error) {
		steps := single(d, d.whole, sciml.Options{Loss: loss})
		steps[0].problem.Suggested.BoundaryWeight = 100
		if network == nil {
			return steps, nil
		}
		var err error
		steps[0].options.Network, err = network(d)
		return steps, err
	}
}

// narrowing are boxes with edges.
func narrowing(edges ...[]float64) func(d division) (nn.Network, error) {
	return func(d division) (nn.Network, error) {
		p := d.problem()
		p.Suggested.Hidden = d.hidden
		network, err := sciml.DefaultNetwork(p, false)
		if err != nil {
			return nil, err
		}
		return nn.Subdomains(network, 1, edges...)
	}
}

// shown is a network with a feature.
func shown(feature nn.Map) func(d division) (nn.Network, error) {
	return func(d division) (nn.Network, error) {
		mlp, err := nn.NewMLP(nn.Tanh, append(append([]int{feature.Outputs()}, d.whole...), 1)...)
		if err != nil {
			return nil, err
		}
		return nn.Mapped(mlp, feature)
	}
}

// singularContests are a boundary layer and a corner, by points, by subdomains, and by features.
func singularContests() []contestOfLevels {
	finer := []float64{-1, -0.25, -0.06, 0.06, 0.25, 1}
	approachesOf := func(boxes func(d division) (nn.Network, error), feature nn.Map, draw func(point []float64)) []approach {
		fixed, towards := pinn.Options{FixedPoints: true}, pinn.Options{FixedPoints: true, Sampler: graded{draw: draw}}
		return []approach{
			{"one network", "", singular(fixed, nil)},
			{"one network, points moved", "to where the residual is large (RAD)", singular(pinn.Options{}, nil)},
			{"one network, points graded", "half of the points are drawn towards the place", singular(towards, nil)},
			{"boxes that narrow", "", singular(fixed, boxes)},
			{"boxes that narrow, points graded", "", singular(towards, boxes)},
			{"feature", "what the solution is like there is one more input", singular(fixed, shown(feature))},
			{"feature, points graded", "", singular(towards, shown(feature))},
		}
	}
	return []contestOfLevels{
		{division{key: "layer", problem: layer, whole: []int{16, 16}, counts: []int{5}, hidden: []int{8}, points: 400, seconds: 12}, "Boundary layer, ε = 1e-3",
			approachesOf(narrowing([]float64{0, 0.8, 0.96, 0.99, 0.997, 1}), layerFeature{}, toLayer)},
		{division{key: "corner", problem: corner, whole: []int{16, 16}, counts: []int{5, 5}, hidden: []int{6}, points: 800, seconds: 15}, "Corner of an L",
			approachesOf(narrowing(finer, finer), cornerFeature{}, toCorner)},
	}
}
