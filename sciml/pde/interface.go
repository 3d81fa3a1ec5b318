package pde

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
)

// Surface is one inside of a domain, where a solution may jump or have a kink: where a coefficient jumps, or where subdomains meet.
type Surface struct {
	// Points lie on it.
	Points [][]float64
	// Normal is the unit normal at one of the points; it goes from the side that is called before to the one after.
	Normal func(point []float64) []float64
}

// Section is the part of a box where a coordinate has a value between its ends, with some points that lie evenly on it, in one dimension one. The
// normal is along the coordinate. It returns an error for a coordinate that the box does not have, a value that is not between its ends, and a
// number of points below one.
func (b *Box) Section(coordinate string, at float64, points int) (Surface, error) {
	axis := index(b.names, coordinate)
	switch {
	case axis < 0:
		return Surface{}, fmt.Errorf("pde: Section was asked of a box at %q, expected one of its coordinates %q", coordinate, b.names)
	case !(at > b.Lo[axis] && at < b.Hi[axis]):
		return Surface{}, fmt.Errorf("pde: Section was asked of a box at %s = %v, expected a number between %v and %v", coordinate, at, b.Lo[axis], b.Hi[axis])
	case points < 1:
		return Surface{}, fmt.Errorf("pde: Section was asked for %d points, expected at least 1", points)
	}
	if b.Dim() == 1 {
		points = 1
	}
	face := b.Boundary()[2*axis]
	normal := make([]float64, b.Dim())
	normal[axis] = 1
	s := Surface{Normal: func([]float64) []float64 { return normal }}
	unit := make([]float64, b.Dim()-1)
	spread := recurrence(b.Dim())
	for n := range points {
		if spread(n+1, unit); len(unit) == 1 { // at equal distances
			unit[0] = (float64(n) + 0.5) / float64(points)
		}
		point, _ := face.At(unit)
		point[axis] = at
		s.Points = append(s.Points, point)
	}
	return s, nil
}

// beside is how far from a surface its sides are looked at, relative to its distance from the origin and to 1.
const beside = 1e-9

// Interface is a condition between the two sides of a surface, before and after it along its normal: what residual makes of both, shape [N] or
// [N, components], vanishes. Both are looked at beside the surface, 1e-9 away (times the largest coordinate of a point, where that is above 1), so
// that coefficients that jump there have the values of either side; that takes float64, and a network that may jump, such as nn.Subdomains with
// the overlap 0. A jump of the values by g, for example:
//
//	pde.Interface("jump of u", surface, func(before, after *pde.Fields) *graph.Node {
//		return graph.Sub(graph.Sub(after.U(), before.U()), g(before.X()))
//	})
//
// With such conditions each subdomain has a network of its own: an extended PINN (Jagtap and Karniadakis 2020), which makes values and
// residuals continuous (Continuous, EqualResidual), or a conservative one (Jagtap, Kharazmi and Karniadakis 2020), fluxes in the place of residuals
// (EqualFlux).
func Interface(name string, surface Surface, residual func(before, after *Fields) *graph.Node) Condition {
	c := Condition{Name: name}
	switch {
	case residual == nil:
		c.refused = ", because Interface was given none"
		return c
	case len(surface.Points) == 0 || surface.Normal == nil:
		c.unable = fmt.Errorf("is on a surface of %d points, expected at least one, and a Normal", len(surface.Points))
		return c
	}
	for _, point := range surface.Points {
		normal, err := surface.normal(point)
		if err != nil {
			c.unable = err
			return c
		}
		c.Points, c.Partners = append(c.Points, moved(point, normal, -1)), append(c.Partners, moved(point, normal, 1))
		c.Normals = append(c.Normals, normal)
	}
	c.Residual = func(u *Fields) *graph.Node { return residual(u, u.Partner()) }
	return c
}

// normal is that at a point.
func (s Surface) normal(point []float64) (normal []float64, err error) {
	if err := usercode.Call("Normal of a Surface", func() error { normal = s.Normal(point); return nil }); err != nil {
		return nil, err
	}
	length := 0.0
	for _, v := range normal {
		length += v * v
	}
	if len(normal) != len(point) || !(math.Abs(length-1) < 1e-6) {
		return nil, fmt.Errorf("is on a surface with the normal %v at %v, expected %d numbers of length 1", normal, point, len(point))
	}
	return normal, nil
}

// moved is a point beside a surface.
func moved(point, normal []float64, side float64) []float64 {
	far := 1.0
	for _, v := range point {
		far = math.Max(far, math.Abs(v))
	}
	other := make([]float64, len(point))
	for i, v := range point {
		other[i] = v + side*beside*far*normal[i]
	}
	return other
}

// Continuous is the condition that an unknown is the same on both sides of a surface.
func Continuous(unknown string, surface Surface) Condition {
	return Interface("continuous "+unknown, surface, func(before, after *Fields) *graph.Node {
		return graph.Sub(after.Of(unknown).U(), before.Of(unknown).U())
	})
}

// EqualFlux is the condition that as much flows out of one side of a surface as into the other: n·q is the same on both, for a flux q(u) of shape
// [N, d] that is built for each side by itself, with the coefficients there. In −∇·(a∇u) = f it is a∇u.
func EqualFlux(name string, surface Surface, flux func(u *Fields) *graph.Node) Condition {
	if flux == nil {
		return Condition{Name: name, refused: ", because EqualFlux was given no flux"}
	}
	return Interface(name, surface, func(before, after *Fields) *graph.Node {
		through := graph.Mul(before.Normal(), graph.Sub(flux(after), flux(before)))
		return graph.ReduceSum(through, 1)
	})
}

// EqualResidual is the condition that the residual of an equation, shape [N] or [N, components], is the same on both sides of a surface, each with the
// coefficients there: with Continuous an extended PINN (Jagtap and Karniadakis 2020, "Extended physics-informed neural networks (XPINNs): a generalized
// space-time domain decomposition based deep learning framework for nonlinear partial differential equations"), for any equation. Both vanish for a solution,
// so it holds whatever flows through the surface: an equation of second order, whose solution on each side exists for any values on the surface, takes
// EqualFlux, beside it or in its place.
func EqualResidual(name string, surface Surface, residual func(u *Fields) *graph.Node) Condition {
	if residual == nil {
		return Condition{Name: name, refused: ", because EqualResidual was given no residual"}
	}
	return Interface(name, surface, func(before, after *Fields) *graph.Node { return graph.Sub(residual(after), residual(before)) })
}
