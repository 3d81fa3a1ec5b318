package pde

import (
	"context"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/pde/reference"
)

// Cavity is the steady flow in the unit square under a lid that moves along its upper side with the speed
// u = 1 − cosh(50(x−½))/cosh 25, which is continuous in the corners; the other walls are at rest. Unknowns are u, v and
// p, with p = 0 at (0, 0). Re is 1 to 3200; usual are 100, 400, 1000 and 3200 (Ghia, Ghia and Shin 1982, for a lid of
// speed 1, as JAX-PI and Scale-PINN have it, without points near its ends). The reference is spectral, and u and v are
// compared.
//
// Its Ansatz is a stream function of two outputs of the network, and the pressure of the third,
//
//	u = ∂ψ/∂y,  v = −∂ψ/∂x,  ψ = lift + b²·(network + q·network),  p = lift + network,  b = 16x(1−x)y(1−y),
//
// which satisfies the equation of continuity and what is said of u and v. The lifts hold the slow flow in the upper corners, where
// the vorticity jumps and the pressure is unbounded, and q is large there: see corner. Residuals are multiplied by
// r²/(r² + 0.05²) for the distance r from each of them, and the network takes coordinates that spread out what is close to walls.
func Cavity(re float64) *Problem {
	p := cavity("Cavity", re, steepLid(re), reference.Cavity)
	p.Name, p.Key = fmt.Sprintf("lid-driven cavity, Re = %v", re), fmt.Sprintf("cavity-re%v", re)
	p.Source = "Ghia, Ghia and Shin 1982, with a lid that is continuous in the corners"
	p.Suggested.Interior = 2000 // with fewer, each move of the points to the corners sets a training back
	p.Suggested.Path = fromSlow(Cavity, re)
	return p
}

// CavitySmooth is Cavity with the speed u = 16x²(1−x)² of the lid (Shen 1991), under which the vorticity is continuous and the
// pressure bounded. The lift of its Ansatz is −16x²(1−x)²y²(1−y), that of the pressure is zero, and q = y.
func CavitySmooth(re float64) *Problem {
	p := cavity("CavitySmooth", re, smoothLid(), reference.CavitySmooth)
	p.Name, p.Key = fmt.Sprintf("lid-driven cavity with a smooth lid, Re = %v", re), fmt.Sprintf("cavity-smooth-re%v", re)
	p.Source = "Shen 1991, Journal of Computational Physics 95"
	p.Suggested.Path = fromSlow(CavitySmooth, re)
	return p
}

// fromSlow is the way to a flow from that at Re = 100; nil up to Re = 400, where a flow is trained at once.
func fromSlow(of func(re float64) *Problem, re float64) *Path {
	if !(re > 400) {
		return nil
	}
	return &Path{Of: of, From: 100, To: re}
}

// drive is a lid: its speed at x, a stream function and a pressure with what is known of the flow under it, and a factor that is
// large where more is to be learned. They take columns x and y.
type drive struct {
	speed                    func(x *graph.Node) *graph.Node
	stream, pressure, factor func(x, y *graph.Node) *graph.Node
	weight                   func(x, y *graph.Node) *graph.Node // of the equations; nil for 1
}

// cavity is the flow under a lid.
func cavity(function string, re float64, lid drive, solution func(ctx context.Context, re float64) (reference.Field, error)) *Problem {
	if !(re >= 1 && re <= 3200) {
		return refuse(function, "re", re, "1 to 3200")
	}
	coordinates := []string{"x", "y"}
	square := rectangle(coordinates, []float64{0, 0}, []float64{1, 1})
	conditions := []Condition{
		Dirichlet("u", func(x *graph.Node) *graph.Node { return lid.speed(Column(x, 0)) }, "y+"),
		Dirichlet("u", nil, "x-", "x+", "y-"),
		Dirichlet("v", nil),
		Measured("p", [][]float64{{0, 0}}, []float64{0}),
	}
	equations := navierStokes(re, true)
	if lid.weight != nil {
		for i := range equations {
			residual := equations[i].Residual
			equations[i].Residual = func(u *Fields) *graph.Node { return graph.Mul(lid.weight(u.At("x"), u.At("y")), residual(u)) }
		}
	}
	bump := Bump(square)
	return &Problem{
		Coordinates: coordinates,
		Unknowns:    []string{"u", "v", "p"},
		Domain:      square,
		Equations:   equations,
		Conditions:  conditions,
		Ansatz: func(points *graph.Node, network Function) *graph.Node {
			x, y := Column(points, 0), Column(points, 1)
			outputs := network(graph.Concatenate([]*graph.Node{spread(x), spread(y)}, 1))
			free := graph.Add(Column(outputs, 0), graph.Mul(lid.factor(x, y), Column(outputs, 1)))
			stream := autodiff.Of(graph.Add(lid.stream(x, y), graph.Mul(graph.Square(bump(points)), free)), points)
			p := graph.Add(lid.pressure(x, y), Column(outputs, 2))
			return graph.Concatenate([]*graph.Node{stream.Partial(1), graph.Neg(stream.Partial(0)), p}, 1)
		},
		Exactly: []string{equations[2].Name, conditions[0].Name, conditions[1].Name, conditions[2].Name},
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
		Suggested: Setup{Hidden: repeated(3, 24), Interior: 1200, Boundary: 100, Resample: 50},
	}
}

// spread maps [0, 1] onto itself so that what is close to the ends, as layers at walls are, takes more room:
// ½ + ½ log((x+δ)/(1−x+δ))/log((1+δ)/δ), δ = 0.05.
func spread(x *graph.Node) *graph.Node {
	const delta = 0.05
	ratio := graph.Div(graph.AddScalar(x, delta), graph.AddScalar(graph.OneMinus(x), delta))
	return graph.AddScalar(graph.MulScalar(graph.Log(ratio), 0.5/math.Log((1+delta)/delta)), 0.5)
}

// smoothLid is that of CavitySmooth.
func smoothLid() drive {
	speed := func(x *graph.Node) *graph.Node {
		return graph.MulScalar(graph.Square(graph.Mul(x, graph.OneMinus(x))), 16)
	}
	return drive{
		speed: speed,
		stream: func(x, y *graph.Node) *graph.Node {
			return graph.Neg(graph.Mul(speed(x), graph.Mul(graph.Square(y), graph.OneMinus(y))))
		},
		pressure: func(x, _ *graph.Node) *graph.Node { return graph.ZerosLike(x) },
		factor:   func(_, y *graph.Node) *graph.Node { return y },
	}
}

// steepness is the slope of the speed of Cavity's lid at its ends.
const steepness = 50

// steepLid is that of Cavity. Each corner's flow is multiplied by 1 − O(x⁴) along the lid and downwards, so that it is zero with
// its slope on the walls opposite; what is missing then of the lid's speed, 3e-5 at most, is continued as that of smoothLid.
func steepLid(re float64) drive {
	// rise is a polynomial from 0 to 1, flat to the third derivative at both ends.
	rise := func(x *graph.Node) *graph.Node {
		inner := graph.AddScalar(graph.MulScalar(x, -20), 70)
		inner = graph.AddScalar(graph.Mul(x, inner), -84)
		inner = graph.AddScalar(graph.Mul(x, inner), 35)
		return graph.Mul(graph.Square(graph.Square(x)), inner)
	}
	end := func(x *graph.Node) *graph.Node { return graph.Exp(graph.MulScalar(x, -steepness)) }
	corners := func(x, y *graph.Node) (left, right corner) {
		down := graph.OneMinus(y)
		return newCorner(x, down), newCorner(graph.OneMinus(x), down)
	}
	return drive{
		speed: func(x *graph.Node) *graph.Node {
			return graph.AddScalar(graph.MulScalar(graph.Add(end(x), end(graph.OneMinus(x))), -1/(1+math.Exp(-steepness))), 1)
		},
		stream: func(x, y *graph.Node) *graph.Node {
			left, right := corners(x, y)
			fromLeft, fromRight := rise(graph.OneMinus(x)), rise(x)
			flow := graph.Add(graph.Mul(fromLeft, left.stream()), graph.Mul(fromRight, right.stream()))
			missing := graph.Add(graph.Mul(end(x), fromRight), graph.Mul(end(graph.OneMinus(x)), fromLeft))
			below := graph.Mul(graph.Square(y), graph.OneMinus(y))
			return graph.Sub(graph.Mul(missing, below), graph.Mul(rise(y), flow))
		},
		pressure: func(x, y *graph.Node) *graph.Node {
			left, right := corners(x, y)
			return graph.MulScalar(graph.Sub(left.pressure(), right.pressure()), 2/re)
		},
		factor: func(x, y *graph.Node) *graph.Node {
			left, right := corners(x, y)
			return graph.MulScalar(graph.Add(left.factor(), right.factor()), 10)
		},
		weight: func(x, y *graph.Node) *graph.Node {
			left, right := corners(x, y)
			return graph.Mul(left.weight(), right.weight())
		},
	}
}

// corner is where a lid with the speed 1 − e^−50X along its side Y = 0 meets a wall at rest, X = 0. Close to it the slow flow has
// the stream function 50S and farther away, where the lid moves with speed 1, T (Taylor 1962),
//
//	S = −πY²/4 + XY/2 + (θ/2)r²,  T = aY + (bX + cY)θ,  b = 1/(1 − π²/4), a = 1 − b, c = bπ/2,
//
// which are biharmonic and satisfy the conditions for a speed of X and of 1. In between we have 50 e^−s S + (1 − (1+s)e^−s) T
// with s = 50r, which satisfies those for the lid's speed.
type corner struct {
	x, y, r, angle *graph.Node
	near, far      *graph.Node // e^−s and 1 − (1+s)e^−s
}

const (
	taylorB = 1 / (1 - math.Pi*math.Pi/4)
	taylorA = 1 - taylorB
	taylorC = taylorB * math.Pi / 2
	// smallest keeps roots and angles differentiable in the corner itself.
	smallest = 1e-15
)

func newCorner(x, y *graph.Node) corner {
	r := graph.Sqrt(graph.AddScalar(graph.Add(graph.Square(x), graph.Square(y)), smallest*smallest))
	s := graph.MulScalar(r, steepness)
	near := graph.Exp(graph.Neg(s))
	return corner{
		x: x, y: y, r: r, angle: graph.Atan2(y, graph.AddScalar(x, smallest)),
		near: near, far: graph.OneMinus(graph.Mul(graph.AddScalar(s, 1), near)),
	}
}

func (c corner) stream() *graph.Node {
	s := sum(
		graph.MulScalar(graph.Square(c.y), -math.Pi/4),
		graph.MulScalar(graph.Mul(c.x, c.y), 0.5),
		graph.MulScalar(graph.Mul(c.angle, graph.Add(graph.Square(c.x), graph.Square(c.y))), 0.5))
	t := graph.Add(
		graph.MulScalar(c.y, taylorA),
		graph.Mul(c.angle, graph.Add(graph.MulScalar(c.x, taylorB), graph.MulScalar(c.y, taylorC))))
	return graph.Add(graph.MulScalar(graph.Mul(c.near, s), steepness), graph.Mul(c.far, t))
}

// pressure is that of the two flows times Re/2 where the lid goes away from the corner: 50 log r and (bX + cY)/r².
func (c corner) pressure() *graph.Node {
	t := graph.Div(graph.Add(graph.MulScalar(c.x, taylorB), graph.MulScalar(c.y, taylorC)), graph.Square(c.r))
	return graph.Add(graph.MulScalar(graph.Mul(c.near, graph.Log(c.r)), steepness), graph.Mul(c.far, t))
}

// factor is large within some hundredths, where the flow of the ansatz is not quite right.
func (c corner) factor() *graph.Node {
	return graph.Div(c.near, graph.AddScalar(c.r, 1./steepness))
}

// weight is r²/(r² + 0.05²): a residual a within a distance r makes an error of about Re·ar².
func (c corner) weight() *graph.Node {
	square := graph.Square(c.r)
	return graph.Div(square, graph.AddScalar(square, 0.05*0.05))
}
