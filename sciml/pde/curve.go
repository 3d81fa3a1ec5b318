package pde

import (
	"errors"
	"fmt"
	"math"
	"sort"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
)

// Ellipse is the region of the plane inside an ellipse; see NewEllipse.
type Ellipse struct {
	Center [2]float64
	// SemiAxes are half the lengths of the axes, and Angle is from the x axis to the first of them, counterclockwise, in
	// radians.
	SemiAxes [2]float64
	Angle    float64
	arc      *arc
}

// NewEllipse makes an ellipse with the given semi-axes, of which the first is turned by an angle against the x axis,
// counterclockwise, in radians. Its only patch is "ellipse". It returns an error unless the centre and the angle are finite and
// the semi-axes positive and finite.
func NewEllipse(center, semiAxes [2]float64, angle float64) (*Ellipse, error) {
	if !finite(center[:]...) || !finite(angle) {
		return nil, fmt.Errorf("pde.NewEllipse: the centre is %v and the angle %v, expected finite numbers", center, angle)
	}
	a, b := semiAxes[0], semiAxes[1]
	if !(a > 0) || !(b > 0) || !finite(a*b) || a*b == 0 {
		return nil, fmt.Errorf("pde.NewEllipse: the semi-axes are %v, expected positive finite numbers", semiAxes)
	}
	e := &Ellipse{Center: center, SemiAxes: semiAxes, Angle: angle}
	e.arc = newArc(func(s float64) float64 {
		sin, cos := math.Sincos(s)
		return math.Hypot(a*sin, b*cos)
	})
	return e, nil
}

// Dim implements Domain.
func (e *Ellipse) Dim() int { return 2 }

// Bounds implements Domain.
func (e *Ellipse) Bounds() (lo, hi []float64) {
	sin, cos := math.Sincos(e.Angle)
	w, h := math.Hypot(e.SemiAxes[0]*cos, e.SemiAxes[1]*sin), math.Hypot(e.SemiAxes[0]*sin, e.SemiAxes[1]*cos)
	x, y := e.Center[0], e.Center[1]
	return []float64{x - w, y - h}, []float64{x + w, y + h}
}

// Contains implements Domain.
func (e *Ellipse) Contains(point []float64) bool {
	if len(point) != 2 {
		return false
	}
	sin, cos := math.Sincos(e.Angle)
	x, y := point[0]-e.Center[0], point[1]-e.Center[1]
	u, v := (x*cos+y*sin)/e.SemiAxes[0], (y*cos-x*sin)/e.SemiAxes[1]
	radius := math.Hypot(u, v) // 1 on the boundary
	slope := math.Hypot(u/e.SemiAxes[0], v/e.SemiAxes[1]) / radius
	return radius <= 1 || radius-1 <= slackOf(e.Bounds())*slope
}

func (e *Ellipse) measure() float64 { return math.Pi * e.SemiAxes[0] * e.SemiAxes[1] }

// turned is a vector along the axes of the ellipse in coordinates.
func (e *Ellipse) turned(x, y float64) []float64 {
	sin, cos := math.Sincos(e.Angle)
	return []float64{x*cos - y*sin, x*sin + y*cos}
}

// check reports a literal.
func (e *Ellipse) check() error {
	if e.arc == nil {
		return errors.New("pde: the ellipse is a literal, expected one of NewEllipse")
	}
	return nil
}

// Boundary implements Domain: the ellipse, counterclockwise from the end of its first semi-axis.
func (e *Ellipse) Boundary() []Patch {
	if e.check() != nil {
		return nil
	}
	return []Patch{{Name: "ellipse", Measure: e.arc.length(), At: func(unit []float64) (point, normal []float64) {
		sin, cos := math.Sincos(e.arc.at(unit[0]))
		a, b := e.SemiAxes[0], e.SemiAxes[1]
		point = e.turned(a*cos, b*sin)
		point[0], point[1] = point[0]+e.Center[0], point[1]+e.Center[1]
		steep := math.Hypot(b*cos, a*sin)
		return point, e.turned(b*cos/steep, a*sin/steep)
	}}}
}

// Fill implements Filled.
func (e *Ellipse) Fill(unit []float64) []float64 {
	if len(unit) != 2 {
		return nil
	}
	sin, cos := math.Sincos(2 * math.Pi * unit[0])
	r := math.Sqrt(unit[1])
	point := e.turned(r*cos*e.SemiAxes[0], r*sin*e.SemiAxes[1])
	return []float64{point[0] + e.Center[0], point[1] + e.Center[1]}
}

// Bump is 1 − (x′/a)² − (y′/b)², with x′ and y′ along the semi-axes a and b: a distance for DistanceAndLift that vanishes on
// the ellipse and is one in its centre. Shape [N, 1]. Further coordinates of x, such as time, do not count.
func (e *Ellipse) Bump() Function {
	sin, cos := math.Sincos(e.Angle)
	a, b := e.SemiAxes[0], e.SemiAxes[1]
	return bump(e.Center[:], []float64{cos / a, sin / a}, []float64{-sin / b, cos / b})
}

// StarShaped is the region of the plane of all points that are seen from a centre within a radius that depends on the angle; see
// NewStarShaped.
type StarShaped struct {
	center [2]float64
	radius func(angle float64) float64
	lo, hi []float64
	size   float64
	area   float64
	arc    *arc
}

// starStep is that of differences of radii by the angle: at it truncation and rounding of a fourth-order one are alike.
const starStep = 5e-4

// NewStarShaped makes the region of the points center + r·(cos φ, sin φ) with 0 ≤ r ≤ radius(φ), for angles φ in [0, 2π). The
// radius is a continuous function with equal values at both ends, whose derivative may jump at a few angles: in corners, where
// normals within 0.001 of the angle are between those of the sides. The only patch is "star". It returns an error unless
// the centre is finite, the radius is positive and finite, and its ends meet.
func NewStarShaped(center [2]float64, radius func(angle float64) float64) (*StarShaped, error) {
	if !finite(center[:]...) {
		return nil, fmt.Errorf("pde.NewStarShaped: the centre is %v, expected finite coordinates", center)
	}
	if radius == nil {
		return nil, fmt.Errorf("pde.NewStarShaped: the radius is nil, expected a function of the angle")
	}
	var s *StarShaped
	err := usercode.Call("radius of pde.NewStarShaped", func() (err error) { s, err = starShaped(center, radius); return err })
	if err != nil {
		return nil, err
	}
	return s, nil
}

// starShaped is NewStarShaped for a radius that may panic.
func starShaped(center [2]float64, radius func(angle float64) float64) (*StarShaped, error) {
	s := &StarShaped{center: center, radius: radius, size: max(math.Abs(center[0]), math.Abs(center[1]))}
	s.lo, s.hi = []float64{math.Inf(1), math.Inf(1)}, []float64{math.Inf(-1), math.Inf(-1)}
	for i := range arcPanels {
		angle := arcPanel * float64(i)
		r := radius(angle)
		if !(r > 0) || math.IsInf(r, 0) {
			return nil, fmt.Errorf("pde.NewStarShaped: the radius at the angle %v is %v, expected a positive finite number", angle, r)
		}
		s.size = max(s.size, r)
		s.area += gauss(angle, angle+arcPanel, func(angle float64) float64 { return s.at(angle) * s.at(angle) / 2 })
	}
	last := math.Nextafter(2*math.Pi, 0)
	if first, end := radius(0), radius(last); !(math.Abs(end-first) <= 1e-9*s.size) {
		return nil, fmt.Errorf("pde.NewStarShaped: the radius is %v at the angle 0 and %v at %v, expected the same", first, end, last)
	}
	for axis := range 2 {
		s.hi[axis] = center[axis] + s.reach(axis, 1)
		s.lo[axis] = center[axis] - s.reach(axis, -1)
	}
	s.arc = newArc(func(angle float64) float64 { return math.Hypot(s.at(angle), s.slope(angle)) })
	return s, nil
}

// at is the radius at any angle.
func (s *StarShaped) at(angle float64) float64 {
	angle = math.Mod(angle, 2*math.Pi)
	if angle < 0 {
		angle += 2 * math.Pi
	}
	if angle >= 2*math.Pi { // a tiny negative angle, rounded
		angle = 0
	}
	return s.radius(angle)
}

// slope is the derivative of the radius by the angle.
func (s *StarShaped) slope(angle float64) float64 {
	difference := func(h float64) float64 { return s.at(angle+h) - s.at(angle-h) }
	return (8*difference(starStep) - difference(2*starStep)) / (12 * starStep)
}

// reach is how far the region extends from its centre along an axis in a direction: the largest of the nodes, then of what is
// between its neighbours by golden sections.
func (s *StarShaped) reach(axis int, sign float64) float64 {
	extent := func(angle float64) float64 {
		sin, cos := math.Sincos(angle)
		return sign * s.at(angle) * [2]float64{cos, sin}[axis]
	}
	best, farthest := 0.0, math.Inf(-1)
	for i := range arcPanels {
		if v := extent(arcPanel * float64(i)); v > farthest {
			best, farthest = arcPanel*float64(i), v
		}
	}
	const section = 0.6180339887498949 // 1/φ
	a, b := best-arcPanel, best+arcPanel
	for range 60 {
		if c, d := b-section*(b-a), a+section*(b-a); extent(c) > extent(d) {
			b = d
		} else {
			a = c
		}
	}
	return max(farthest, extent((a+b)/2))
}

// Dim implements Domain.
func (s *StarShaped) Dim() int { return 2 }

// Bounds implements Domain.
func (s *StarShaped) Bounds() (lo, hi []float64) { return s.lo, s.hi }

// Contains implements Domain.
func (s *StarShaped) Contains(point []float64) bool {
	if s.check() != nil || len(point) != 2 || !finite(point...) {
		return false
	}
	x, y := point[0]-s.center[0], point[1]-s.center[1]
	return math.Hypot(x, y) <= s.at(math.Atan2(y, x))+slackOf(s.lo, s.hi)
}

func (s *StarShaped) measure() float64 { return s.area }

// check reports a literal.
func (s *StarShaped) check() error {
	if s.arc == nil {
		return errors.New("pde: the star-shaped domain is a literal, expected one of NewStarShaped")
	}
	return nil
}

// Boundary implements Domain: the curve, counterclockwise from the angle 0.
func (s *StarShaped) Boundary() []Patch {
	if s.check() != nil {
		return nil
	}
	return []Patch{{Name: "star", Measure: s.arc.length(), At: func(unit []float64) (point, normal []float64) {
		angle := s.arc.at(unit[0])
		sin, cos := math.Sincos(angle)
		r, slope := s.at(angle), s.slope(angle)
		speed := math.Hypot(r, slope)
		return []float64{s.center[0] + r*cos, s.center[1] + r*sin}, []float64{(r*cos + slope*sin) / speed, (r*sin - slope*cos) / speed}
	}}}
}

// arc tells where on a closed curve, with a parameter from 0 to 2π, a share of its length has passed.
type arc struct {
	speed  func(s float64) float64 // by the parameter
	passed []float64               // the length up to the end of each panel, from 0 on
}

const (
	arcPanels = 2048
	arcPanel  = 2 * math.Pi / arcPanels
)

func newArc(speed func(s float64) float64) *arc {
	a := &arc{speed: speed, passed: make([]float64, arcPanels+1)}
	for i := range arcPanels {
		a.passed[i+1] = a.passed[i] + gauss(arcPanel*float64(i), arcPanel*float64(i+1), speed)
	}
	return a
}

// gauss is the integral of f by three points.
func gauss(from, to float64, f func(s float64) float64) float64 {
	middle, half := (from+to)/2, (to-from)/2
	off := half * math.Sqrt(0.6)
	return half * (5*(f(middle-off)+f(middle+off)) + 8*f(middle)) / 9
}

func (a *arc) length() float64 { return a.passed[arcPanels] }

// at is the parameter at a share of the length, by Newton's method between the ends of a panel.
func (a *arc) at(share float64) float64 {
	want := share * a.length()
	i := min(max(sort.SearchFloat64s(a.passed, want)-1, 0), arcPanels-1)
	from, to := arcPanel*float64(i), arcPanel*float64(i+1)
	s := from + (to-from)*(want-a.passed[i])/(a.passed[i+1]-a.passed[i])
	for range 20 {
		step := (a.passed[i] + gauss(from, s, a.speed) - want) / a.speed(s)
		s = min(max(s-step, from), to)
		if math.Abs(step) <= 1e-15*(1+s) {
			break
		}
	}
	return s
}
