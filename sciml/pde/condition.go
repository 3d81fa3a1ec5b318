package pde

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
)

// Condition is a residual that vanishes on a part of the boundary, or at points of its own.
type Condition struct {
	// Name differs from that of any other condition and equation of the problem.
	Name string
	// On names the patches of the boundary on which it holds; empty for the whole boundary.
	On []string
	// Points are where it holds instead, if there are any: data, or a value that fixes a constant.
	Points [][]float64
	// Values are numbers that the residual is given as Fields.Values, from the point (k of them, the same number
	// everywhere) or, where there are Points, also from its index. Nil for none.
	Values func(index int, point []float64) []float64
	// Partner is the point that a point is paired with, for periodic conditions. Nil for none.
	Partner func(point []float64) []float64
	// Partners are those of Points instead, one for each; nil for none.
	Partners [][]float64
	// Normals are the outer unit normals at Points that are on the boundary; nil for none.
	Normals [][]float64
	// Sums make a row of the residual of many points, as integrals and means are. Nil for a row for each point.
	Sums *Sums
	// Residual builds what has to vanish, shape [N] or [N, components], or with Sums what is summed up, shape [N] or [N, 1].
	Residual func(u *Fields) *graph.Node

	unable   error  // why it could not be made
	numbered string // a name that is followed by a number where several conditions have it
	refused  string // why the function that made it could not make a Residual
}

// Robust is the condition with the residual rewritten, so that a loss grows more slowly than its square where it is large, as
// it is at outliers among data: by objective.Huber, SoftL1 or Cauchy, or by any function of that form.
//
//	pde.Measured("u", points, values).Robust(objective.Huber(0.1))
func (c Condition) Robust(rewrite func(r *graph.Node) *graph.Node) Condition {
	if c.Sums != nil && rewrite != nil {
		sums := *c.Sums
		if before := sums.Rewrite; before != nil {
			sums.Rewrite = func(r *graph.Node) *graph.Node { return rewrite(before(r)) }
		} else {
			sums.Rewrite = rewrite
		}
		c.Sums = &sums
	} else if residual := c.Residual; residual != nil && rewrite != nil {
		c.Residual = func(u *Fields) *graph.Node { return rewrite(residual(u)) }
	}
	return c
}

func (c Condition) check(p *Problem, patches map[string]bool) error {
	if c.unable != nil {
		return c.unable
	}
	if c.Residual == nil {
		return errors.New("has no Residual" + c.refused)
	}
	if err := c.checkPartners(p.Domain.Dim()); err != nil {
		return err
	}
	if err := c.checkSums(p.Domain.Dim()); err != nil {
		return err
	}
	if len(c.Points) > 0 && len(c.On) > 0 {
		return fmt.Errorf("is on the patches %q and at %d points, expected one of them", c.On, len(c.Points))
	}
	for i, name := range c.On {
		if !patches[name] {
			return fmt.Errorf("is on the patch %q, which the boundary of its domain does not have", name)
		}
		if index(c.On[:i], name) >= 0 {
			return fmt.Errorf("is on the patch %q twice, expected each at most once", name)
		}
	}
	for n, point := range c.Points {
		if d := p.Domain.Dim(); len(point) != d {
			return fmt.Errorf("has the point %d at %v, expected a point of %d coordinates", n, point, d)
		}
		if !p.Domain.Contains(point) {
			lo, hi := p.Domain.Bounds()
			return fmt.Errorf("has the point %d at %v, expected a point of the domain, which lies between %v and %v", n, point, lo, hi)
		}
		if c.Values == nil {
			continue
		}
		var values []float64
		if err := usercode.Call(fmt.Sprintf("Values of the condition %q", c.Name), func() error { values = c.Values(n, point); return nil }); err != nil {
			return err
		}
		for _, v := range values {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("has the value %v at point %d, %v, expected a finite number", v, n, point)
			}
		}
	}
	return nil
}

// checkPartners reports partners that do not fit the points.
func (c Condition) checkPartners(dim int) error {
	switch {
	case c.Partners == nil:
		return nil
	case c.Partner != nil:
		return errors.New("has a Partner and Partners, expected one of them")
	case len(c.Partners) != len(c.Points):
		return fmt.Errorf("has %d Partners for %d Points, expected as many (or none)", len(c.Partners), len(c.Points))
	}
	for n, partner := range c.Partners {
		if len(partner) != dim || !finite(partner...) {
			return fmt.Errorf("has the partner %v of point %d, expected %d finite numbers", partner, n, dim)
		}
	}
	return nil
}

// name says what and where.
func name(what string, on []string) string {
	return strings.TrimSpace(what + " " + strings.Join(on, ","))
}

// given is a user's function in a condition: what it builds, nil for zero, and the function itself, for what is said of it.
type given struct {
	build func(u *Fields) *graph.Node
	of    any
}

// ofPoints is a function of points; nil stays nil.
func ofPoints(g Function) given {
	if g == nil {
		return given{}
	}
	return given{func(u *Fields) *graph.Node { return g(u.X()) }, g}
}

// ofNormals is a function of points and normals; nil stays nil.
func ofNormals(g NormalFunction) given {
	if g == nil {
		return given{}
	}
	return given{func(u *Fields) *graph.Node { return g(u.X(), u.Normal()) }, g}
}

// less is value − g.
func (g given) less(value *graph.Node, u *Fields) *graph.Node {
	if g.build == nil {
		return value
	}
	return graph.Sub(value, graph.ReshapeLike(usercode.Build("", func() *graph.Node { return g.numbers(u) }), value))
}

// numbers builds g, which must be one number for each point.
func (g given) numbers(u *Fields) *graph.Node {
	x := u.X()
	points := x.Shape().Dimensions[0]
	v := g.build(u)
	switch {
	case v == nil:
		panic(usercode.Wrong(g.of, "the function g of a condition gives nil, expected one number for each point: shape [%d, 1] or [%d]", points, points))
	case v.Rank() < 1 || v.Rank() > 2 || v.Shape().Dimensions[0] != points || v.Shape().Size() != points || v.DType() != x.DType():
		panic(usercode.Wrong(g.of, "the function g of a condition gives shape %s at %d points, expected one number of type %s for each: [%d, 1] or [%d]; a constant c is pde.Constant(c)",
			v.Shape(), points, x.DType(), points, points))
	}
	return v
}

// Dirichlet is the condition u = g for an unknown, on the whole boundary or on the named patches. A nil g is zero.
func Dirichlet(unknown string, g Function, on ...string) Condition {
	return Condition{Name: name("Dirichlet "+unknown, on), On: on, Residual: func(u *Fields) *graph.Node {
		return ofPoints(g).less(u.Of(unknown).U(), u)
	}}
}

// DirichletValues is the condition u = g with g as a Go function, for boundary values that are no graph.
func DirichletValues(unknown string, g func(point []float64) float64, on ...string) Condition {
	if g == nil {
		return Condition{Name: name("Dirichlet "+unknown, on), On: on, refused: ", because DirichletValues was given a nil function"}
	}
	return Condition{
		Name: name("Dirichlet "+unknown, on), On: on,
		Values:   func(_ int, point []float64) []float64 { return []float64{g(point)} },
		Residual: func(u *Fields) *graph.Node { return graph.Sub(u.Of(unknown).U(), u.Values()) },
	}
}

// Constant is the function that is v everywhere: Dirichlet("u", Constant(1), "x-"). Building it panics unless v is finite.
func Constant(v float64) Function {
	return func(x *graph.Node) *graph.Node {
		if !finite(v) {
			panic(fmt.Errorf("pde.Constant: the value is %v, expected a finite number", v))
		}
		return graph.AddScalar(graph.ZerosLike(Column(x, 0)), v)
	}
}

// Neumann is the condition ∂u/∂n = g with the outer normal n. A nil g is zero.
func Neumann(unknown string, g Function, on ...string) Condition {
	return neumann(unknown, ofPoints(g), on)
}

// Robin is the condition ∂u/∂n + αu = g. A nil g is zero.
func Robin(unknown string, alpha float64, g Function, on ...string) Condition {
	return robin(unknown, alpha, ofPoints(g), on)
}

// NormalFunction builds a function of points of the boundary and the outer unit normals there, both of shape [N, d]: of
// shape [N, 1] or [N]. That of a flux q(x) is n·q.
type NormalFunction = func(x, normal *graph.Node) *graph.Node

// NeumannWithNormal is the condition ∂u/∂n = g(x, n) with the outer normal n. A nil g is zero.
func NeumannWithNormal(unknown string, g NormalFunction, on ...string) Condition {
	return neumann(unknown, ofNormals(g), on)
}

// RobinWithNormal is the condition ∂u/∂n + αu = g(x, n) with the outer normal n. A nil g is zero.
func RobinWithNormal(unknown string, alpha float64, g NormalFunction, on ...string) Condition {
	return robin(unknown, alpha, ofNormals(g), on)
}

func neumann(unknown string, g given, on []string) Condition {
	return Condition{Name: name("Neumann "+unknown, on), On: on, Residual: func(u *Fields) *graph.Node {
		return g.less(u.Of(unknown).NormalDerivative(), u)
	}}
}

func robin(unknown string, alpha float64, g given, on []string) Condition {
	c := Condition{Name: name("Robin "+unknown, on), On: on, Residual: func(u *Fields) *graph.Node {
		v := u.Of(unknown)
		return g.less(graph.Add(v.NormalDerivative(), graph.MulScalar(v.U(), alpha)), u)
	}}
	if !finite(alpha) {
		c.unable = fmt.Errorf("has the coefficient alpha %v, expected a finite number", alpha)
	}
	return c
}

// Periodic is the condition that all unknowns and their derivatives by the coordinate, up to one less than order, are
// equal on opposite faces of a box. For a differential operator of an order, that is the number of them it needs.
func Periodic(box *Box, coordinate string, order int) Condition {
	c := Condition{Name: "periodic " + coordinate, On: []string{coordinate + "-"}}
	if box == nil {
		c.refused = ", because Periodic was given a nil box"
		return c
	}
	axis := index(box.names, coordinate)
	if axis < 0 || order < 1 {
		c.refused = fmt.Sprintf(", because Periodic was given the coordinate %q and order %d, expected one of %q and at least 1", coordinate, order, box.names)
		return c
	}
	c.Partner = func(point []float64) []float64 {
		other := append([]float64(nil), point...)
		other[axis] += box.Hi[axis] - box.Lo[axis]
		return other
	}
	c.Residual = func(u *Fields) *graph.Node {
		parts := []*graph.Node{graph.Sub(u.U(), u.Partner().U())}
		var along []string
		for range order - 1 {
			along = append(along, coordinate)
			parts = append(parts, graph.Sub(u.D(along...), u.Partner().D(along...)))
		}
		return graph.Concatenate(parts, -1)
	}
	return c
}

// Initial is the condition u = g at the start of time, on the patch "t-". A nil g is zero.
func Initial(unknown string, g Function) Condition {
	c := Dirichlet(unknown, g, "t-")
	c.Name = "initial " + unknown
	return c
}

// InitialRate is the condition ∂u/∂t = g at the start of time, on the patch "t-". A nil g is zero.
func InitialRate(unknown string, g Function) Condition {
	return Condition{Name: "initial rate of " + unknown, On: []string{"t-"}, Residual: func(u *Fields) *graph.Node {
		return ofPoints(g).less(u.Of(unknown).D("t"), u)
	}}
}

// Measured is the condition that an unknown has the given values at the given points, in least squares: data of an
// inverse problem, or a single value that fixes a constant. Check reports lengths that differ, points outside of the
// domain and values that are not finite. There may be several sets of data of an unknown, "data of u", "data of u 2" and so
// on in the order of the conditions, unless Name is set.
func Measured(unknown string, points [][]float64, values []float64) Condition {
	c := Condition{Name: "data of " + unknown, Points: points}
	c.numbered = c.Name
	if len(points) == 0 || len(points) != len(values) {
		c.refused = fmt.Sprintf(", because Measured was given %d points and %d values, expected as many of each, and at least one", len(points), len(values))
		return c
	}
	c.Values = func(index int, _ []float64) []float64 { return values[index : index+1] }
	c.Residual = func(u *Fields) *graph.Node { return graph.Sub(u.Of(unknown).U(), u.Values()) }
	return c
}

// DistanceAndLift is the ansatz u = lift + distance·network: distance vanishes where conditions are to hold (with its
// first derivative, where the condition is one on that), and lift satisfies them. Distance has shape [N, 1] or [N, m],
// lift too, where nil means zero (Lagaris, Likas and Fotiadis 1998; Sukumar and Srivastava 2022).
func DistanceAndLift(distance, lift Function) Ansatz {
	return func(x *graph.Node, network Function) *graph.Node {
		if distance == nil {
			panic(errors.New("pde.DistanceAndLift: the distance is nil, expected a function that vanishes where conditions hold"))
		}
		u := graph.Mul(distance(x), network(x))
		if lift != nil {
			u = graph.Add(u, lift(x))
		}
		return u
	}
}

// Odd is an ansatz for solutions that change their sign when they are mirrored in the middle of a box along an axis. It
// passes ½(N(x) − N(x′)) in place of the network N, where x′ is the mirror image of x: what is learned on one side holds
// on the other one too, so that each point counts twice. Distance and lift have to be even and odd then.
func Odd(box *Box, axis int, ansatz Ansatz) Ansatz { return mirrored(box, axis, graph.Sub, ansatz) }

// Even is Odd for solutions that stay the same when they are mirrored: it passes ½(N(x) + N(x′)). Distance and lift have to be even.
func Even(box *Box, axis int, ansatz Ansatz) Ansatz { return mirrored(box, axis, graph.Add, ansatz) }

// mirrored passes half of what join makes of the network at points and at their mirror images.
func mirrored(box *Box, axis int, join func(a, b *graph.Node) *graph.Node, ansatz Ansatz) Ansatz {
	return func(x *graph.Node, network Function) *graph.Node {
		return ansatz(x, func(x *graph.Node) *graph.Node {
			columns := make([]*graph.Node, len(box.Lo))
			for i := range columns {
				columns[i] = Column(x, i)
			}
			columns[axis] = graph.AddScalar(graph.Neg(columns[axis]), box.Lo[axis]+box.Hi[axis])
			mirror := graph.Concatenate(columns, 1)
			return graph.MulScalar(join(network(x), network(mirror)), 0.5)
		})
	}
}

// Column is coordinate i of points, or unknown i of u, shape [N, 1].
func Column(x *graph.Node, i int) *graph.Node {
	if x.Rank() != 2 || i < 0 || i >= x.Shape().Dimensions[1] {
		panic(fmt.Errorf("pde: Column %d was asked for of shape %s, expected one of the columns of [N, columns], from 0", i, x.Shape()))
	}
	return graph.Slice(x, graph.AxisRange(), graph.AxisElem(i))
}

// Bump is ∏ 4(xᵢ − loᵢ)(hiᵢ − xᵢ)/(hiᵢ − loᵢ)² over the given axes, or all: a distance that vanishes on the faces of a
// box and is one in its middle. Shape [N, 1].
func Bump(box *Box, axes ...int) Function {
	if len(axes) == 0 && box != nil {
		for i := range box.Lo {
			axes = append(axes, i)
		}
	}
	return func(x *graph.Node) *graph.Node {
		var product *graph.Node
		for _, i := range axes {
			c := Column(x, i)
			side := box.Hi[i] - box.Lo[i]
			factor := graph.Mul(graph.AddScalar(c, -box.Lo[i]), graph.AddScalar(graph.Neg(c), box.Hi[i]))
			factor = graph.MulScalar(factor, 4/(side*side))
			if product == nil {
				product = factor
			} else {
				product = graph.Mul(product, factor)
			}
		}
		return product
	}
}
