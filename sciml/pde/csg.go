package pde

import (
	"fmt"
	"math"
	"slices"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
)

// composite is a body made of two others.
type composite struct {
	lo, hi   []float64
	names    []string // of the coordinates; "" where neither body has one
	contains func(point []float64) bool
	patches  []Patch
	parts    [2]Domain // that it is made of
}

// Union is the set of points of either domain. Its boundary is what is not inside the other; where boundaries coincide,
// the first has it if both domains lie on the same side, and nobody if one lies on either side. A patch that nothing is
// left of is dropped. Patches keep their names; one of b whose name is still among those of a gets the next free number,
// as "circle 2".
//
// The Measure of a patch of curves is right to about 1e-8, that of a surface to about a thousandth. It returns an error
// for nil, for different dimensions and for boxes that name their coordinates differently.
func Union(a, b Domain) (Domain, error) {
	if err := checkBodies("Union", a, b); err != nil {
		return nil, err
	}
	lo, hi := corners(a, b, math.Min, math.Max)
	near := newNeighbourhood(lo, hi)
	return compose("Union", a, b, &composite{lo: lo, hi: hi,
		contains: func(p []float64) bool { return a.Contains(p) || b.Contains(p) },
	},
		func(p, n []float64) bool { return !b.Contains(near.step(p, n, 1)) },
		func(p, n []float64) bool {
			return !a.Contains(near.step(p, n, 1)) && !a.Contains(near.step(p, n, -1))
		}, 1)
}

// Intersection is the set of points of both domains. Its patches are those parts of either boundary that are inside the
// other domain, or on its boundary with both on the same side; names and measures as for Union. It returns an error for
// nil, for different dimensions and when nothing is left.
func Intersection(a, b Domain) (Domain, error) {
	if err := checkBodies("Intersection", a, b); err != nil {
		return nil, err
	}
	lo, hi := corners(a, b, math.Max, math.Min)
	for i := range lo {
		if !(lo[i] < hi[i]) {
			return nil, fmt.Errorf("pde.Intersection: the domains have no common interior, the bounds along axis %d would be from %v to %v", i, lo[i], hi[i])
		}
	}
	near := newNeighbourhood(lo, hi)
	return compose("Intersection", a, b, &composite{lo: lo, hi: hi,
		contains: func(p []float64) bool { return a.Contains(p) && b.Contains(p) },
	},
		func(p, n []float64) bool { return b.Contains(near.step(p, n, -1)) },
		func(p, n []float64) bool {
			return a.Contains(near.step(p, n, -1)) && a.Contains(near.step(p, n, 1))
		}, 1)
}

// Difference is the closure of the set of points of a that are not in b, such as a plate with a hole. Its patches are
// the parts of the boundary of a outside of b and, with their normals turned around, the parts of the boundary of b
// inside a; names and measures as for Union, and its bounds are those of a. It returns an error for nil, for different
// dimensions and when nothing is left.
func Difference(a, b Domain) (Domain, error) {
	if err := checkBodies("Difference", a, b); err != nil {
		return nil, err
	}
	lo, hi := a.Bounds()
	near := newNeighbourhood(lo, hi)
	outside := func(p []float64) bool { return a.Contains(p) && !b.Contains(p) }
	return compose("Difference", a, b, &composite{lo: lo, hi: hi,
		// A point of b belongs to the closure when a neighbour along an axis does: so does the boundary of b inside a,
		// but not that of a inside b.
		contains: func(p []float64) bool { return outside(p) || a.Contains(p) && near.any(p, outside) },
	},
		func(p, n []float64) bool { return !b.Contains(near.step(p, n, -1)) },
		func(p, n []float64) bool {
			return a.Contains(near.step(p, n, -1)) && a.Contains(near.step(p, n, 1))
		}, -1)
}

// corners are the corners of the bounds of two domains, combined.
func corners(a, b Domain, lower, upper func(x, y float64) float64) (lo, hi []float64) {
	loA, hiA := a.Bounds()
	loB, hiB := b.Bounds()
	for i := range loA {
		lo, hi = append(lo, lower(loA[i], loB[i])), append(hi, upper(hiA[i], hiB[i]))
	}
	return lo, hi
}

// compose gives c the patches of a that keepA keeps, and those of b that keepB keeps with the normals times sign.
func compose(construction string, a, b Domain, c *composite, keepA, keepB func(point, normal []float64) bool, sign float64) (Domain, error) {
	err := usercode.Call("domain", func() error { return c.compose(construction, a, b, keepA, keepB, sign) })
	if err != nil {
		return nil, err
	}
	return c, nil
}

func (c *composite) compose(construction string, a, b Domain, keepA, keepB func(point, normal []float64) bool, sign float64) error {
	var err error
	if c.names, err = common(construction, a, b); err != nil {
		return err
	}
	c.parts = [2]Domain{a, b}
	taken, some := map[string]bool{}, false
	for _, body := range []struct {
		domain Domain
		keep   func(point, normal []float64) bool
		sign   float64
	}{{a, keepA, 1}, {b, keepB, sign}} {
		for _, p := range body.domain.Boundary() {
			name := p.Name
			for k := 2; taken[name]; k++ {
				name = fmt.Sprintf("%s %d", p.Name, k)
			}
			some = true
			if part := p.part(name, c.Dim(), body.sign, body.keep); part.Measure > 0 {
				taken[name] = true
				c.patches = append(c.patches, part)
			}
		}
	}
	if some && len(c.patches) == 0 {
		return fmt.Errorf("pde.%s: nothing is left, expected domains such that it has an interior", construction)
	}
	return nil
}

// part is the part of a patch that keep keeps, with the normals times sign.
func (p Patch) part(name string, d int, sign float64, keep func(point, normal []float64) bool) Patch {
	turn := func(normal []float64) []float64 {
		if sign > 0 {
			return normal
		}
		turned := make([]float64, len(normal))
		for i, v := range normal {
			turned[i] = 0 - v // 0, not −0
		}
		return turned
	}
	part := Patch{
		Name: name,
		At: func(unit []float64) (point, normal []float64) {
			point, normal = p.At(unit)
			return point, turn(normal)
		},
		Keep: func(point, normal []float64) bool { return p.kept(point, turn(normal)) && keep(point, normal) },
	}
	whole := p.Measure
	if p.Keep != nil {
		// p.Measure is that of a part, and the share below is of the whole.
		whole /= share(d-1, func(unit []float64) bool { return p.kept(p.At(unit)) })
	}
	part.Measure = whole * share(d-1, func(unit []float64) bool { return part.kept(part.At(unit)) })
	return part
}

// Dim implements Domain.
func (c *composite) Dim() int { return len(c.lo) }

// Bounds implements Domain.
func (c *composite) Bounds() (lo, hi []float64) { return c.lo, c.hi }

// Contains implements Domain.
func (c *composite) Contains(point []float64) bool { return len(point) == c.Dim() && c.contains(point) }

// Boundary implements Domain.
func (c *composite) Boundary() []Patch { return slices.Clone(c.patches) }

// neighbourhood tells what is next to a point. Its size along an axis is in proportion to the bounds, and large against
// the rounding of coordinates.
type neighbourhood []float64

func newNeighbourhood(lo, hi []float64) neighbourhood {
	size := make(neighbourhood, len(lo))
	for i := range lo {
		size[i] = 1e-8*(hi[i]-lo[i]) + 1e-12*max(math.Abs(lo[i]), math.Abs(hi[i]))
	}
	return size
}

// step is a point next to p on the side of the normal for a positive sign, on the other side for a negative one.
func (s neighbourhood) step(p, normal []float64, sign float64) []float64 {
	q := make([]float64, len(p))
	for i := range p {
		q[i] = p[i] + sign*s[i]*normal[i]
	}
	return q
}

// any reports whether holds is true at a neighbour of p along an axis, at a hundredth of a step: a step leads out of
// whatever contains a point for its neighbours' sake.
func (s neighbourhood) any(p []float64, holds func(point []float64) bool) bool {
	q := slices.Clone(p)
	for i := range p {
		for _, sign := range []float64{-1, 1} {
			q[i] = p[i] + sign*s[i]/100
			if holds(q) {
				return true
			}
		}
		q[i] = p[i]
	}
	return false
}
