package pde

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// Polygon is the region of the plane inside a closed chain of edges that do not meet but at common vertices, perhaps with holes;
// see NewPolygon and NewPolygonWithHoles.
type Polygon struct {
	vertices [][2]float64
	area     float64 // positive for vertices that run counterclockwise
	lo, hi   []float64
	holes    []*Polygon
}

// NewPolygon makes a polygon from its vertices in order, in either orientation; the last may be the first again, as in GeoJSON
// and other formats of closed rings. Its patches are "edge 0" from vertex 0 to vertex 1, "edge 1" from vertex 1 to vertex 2, and
// so on. It returns an error for fewer than three vertices, one that is not finite or occurs twice, edges that cross, touch or
// fold back, and zero area.
func NewPolygon(vertices ...[2]float64) (*Polygon, error) {
	vertices = opened(vertices)
	if len(vertices) < 3 {
		return nil, fmt.Errorf("pde.NewPolygon: %d vertices, expected at least 3", len(vertices))
	}
	for i, v := range vertices {
		if !finite(v[:]...) {
			return nil, fmt.Errorf("pde.NewPolygon: vertex %d is %v, expected finite coordinates", i, v)
		}
		if j := slices.Index(vertices[:i], v); j >= 0 {
			return nil, fmt.Errorf("pde.NewPolygon: vertices %d and %d are both %v, expected each once", j, i, v)
		}
	}
	p := polygon(vertices)
	if width, height := p.hi[0]-p.lo[0], p.hi[1]-p.lo[1]; !(math.Abs(p.area) > rounding*(width*width+height*height)) || !finite(p.area) {
		return nil, fmt.Errorf("pde.NewPolygon: the area of the vertices %v is %v, expected a positive finite one", vertices, math.Abs(p.area))
	}
	for i := range vertices {
		for j := range i {
			if p.meet(j, i) {
				return nil, fmt.Errorf("pde.NewPolygon: edges %d and %d intersect, expected edges that meet at their common vertices only", j, i)
			}
		}
	}
	return p, nil
}

// NewPolygonWithHoles makes a polygon with holes, from the vertices of each ring as NewPolygon takes them, in either orientation:
// for the coordinates c of a polygon in GeoJSON, NewPolygonWithHoles(c[0], c[1:]...). The patches of the holes are "hole 1 edge
// 0" and so on. It returns an error for a ring that is no polygon, rings that touch or cross, and a hole that is not
// inside of the outer ring or is inside of another hole.
func NewPolygonWithHoles(outer [][2]float64, holes ...[][2]float64) (*Polygon, error) {
	p, err := NewPolygon(outer...)
	if err != nil {
		return nil, err
	}
	for i, ring := range holes {
		hole, err := NewPolygon(ring...)
		if err != nil {
			return nil, fmt.Errorf("hole %d: %w", i+1, err)
		}
		if p.crosses(hole) || !p.surrounds(hole) {
			return nil, fmt.Errorf("pde.NewPolygonWithHoles: hole %d is not inside of the outer ring, expected one that does not touch it", i+1)
		}
		for j, other := range p.holes {
			if other.crosses(hole) || other.surrounds(hole) || hole.surrounds(other) {
				return nil, fmt.Errorf("pde.NewPolygonWithHoles: holes %d and %d meet, expected holes that do not touch", j+1, i+1)
			}
		}
		p.holes = append(p.holes, hole)
	}
	return p, nil
}

// opened is a ring without a last vertex that is the first again, up to rounding.
func opened(ring [][2]float64) [][2]float64 {
	last := len(ring) - 1
	if last < 1 {
		return ring
	}
	size := 0.0
	for _, v := range ring {
		size = max(size, math.Abs(v[0]), math.Abs(v[1]), math.Abs(v[0]-ring[0][0]), math.Abs(v[1]-ring[0][1]))
	}
	if finite(size) && math.Hypot(ring[last][0]-ring[0][0], ring[last][1]-ring[0][1]) <= rounding*size {
		return ring[:last]
	}
	return ring
}

// crosses reports whether edges of two rings have a point in common.
func (p *Polygon) crosses(other *Polygon) bool {
	for i := range p.vertices {
		a, b := p.edge(i)
		for j := range other.vertices {
			if c, d := other.edge(j); touch(a, b, c, d) {
				return true
			}
		}
	}
	return false
}

// surrounds reports whether a ring that does not cross this one is inside of it.
func (p *Polygon) surrounds(other *Polygon) bool {
	inside, _ := p.locate(other.vertices[0])
	return inside
}

// LShape is the square (−1,1)² without the quadrant [0,1]×[−1,0]: the re-entrant corner, of angle 3π/2, is at the
// origin, between "edge 1" (x = 0, y from −1 to 0) and "edge 2" (y = 0, x from 0 to 1). Edges 0 and 3 to 5 are
// y = −1, x = 1, y = 1 and x = −1.
func LShape() *Polygon {
	return polygon([][2]float64{{-1, -1}, {0, -1}, {0, 0}, {1, 0}, {1, 1}, {-1, 1}})
}

// polygon takes vertices that are known to be a simple polygon.
func polygon(vertices [][2]float64) *Polygon {
	p := &Polygon{vertices: slices.Clone(vertices), lo: []float64{math.Inf(1), math.Inf(1)}, hi: []float64{math.Inf(-1), math.Inf(-1)}}
	for i := range vertices {
		a, b := p.edge(i)
		// Relative to a vertex, so that a polygon far from the origin does not lose its area to cancellation.
		o := vertices[0]
		p.area += ((a[0]-o[0])*(b[1]-o[1]) - (b[0]-o[0])*(a[1]-o[1])) / 2
		for axis, v := range a {
			p.lo[axis], p.hi[axis] = min(p.lo[axis], v), max(p.hi[axis], v)
		}
	}
	return p
}

// edge is the pair of ends of edge i.
func (p *Polygon) edge(i int) (a, b [2]float64) {
	return p.vertices[i], p.vertices[(i+1)%len(p.vertices)]
}

// meet reports whether two edges have more in common than a vertex in which one ends and the next begins.
func (p *Polygon) meet(i, j int) bool {
	a, b := p.edge(i)
	c, d := p.edge(j)
	n := len(p.vertices)
	switch {
	case (i+1)%n == j: // b is c
		return cross(a, b, d) == 0 && dot(b, a, d) > 0
	case (j+1)%n == i: // d is a
		return cross(c, d, b) == 0 && dot(d, c, b) > 0
	}
	return touch(a, b, c, d)
}

// touch reports whether the segments from a to b and from c to d have a point in common.
func touch(a, b, c, d [2]float64) bool {
	on := func(u, v, w [2]float64) bool { // w on the segment from u to v
		return cross(u, v, w) == 0 && dot(w, u, v) <= 0
	}
	if on(a, b, c) || on(a, b, d) || on(c, d, a) || on(c, d, b) {
		return true
	}
	return cross(a, b, c)*cross(a, b, d) < 0 && cross(c, d, a)*cross(c, d, b) < 0
}

// cross is twice the signed area of the triangle a b c.
func cross(a, b, c [2]float64) float64 {
	return (b[0]-a[0])*(c[1]-a[1]) - (b[1]-a[1])*(c[0]-a[0])
}

// dot is the product of the vectors from o to a and to b.
func dot(o, a, b [2]float64) float64 {
	return (a[0]-o[0])*(b[0]-o[0]) + (a[1]-o[1])*(b[1]-o[1])
}

// Vertices is a copy of the vertices of the outer ring in the order that NewPolygon got, each once.
func (p *Polygon) Vertices() [][2]float64 { return slices.Clone(p.vertices) }

// check reports a literal.
func (p *Polygon) check() error {
	if len(p.vertices) == 0 {
		return errors.New("pde: the polygon has no vertices, expected one that NewPolygon makes")
	}
	return nil
}

// Dim implements Domain.
func (p *Polygon) Dim() int { return 2 }

// Bounds implements Domain.
func (p *Polygon) Bounds() (lo, hi []float64) { return p.lo, p.hi }

// Contains implements Domain.
func (p *Polygon) Contains(point []float64) bool {
	if len(point) != 2 || !finite(point...) {
		return false
	}
	q := [2]float64{point[0], point[1]}
	inside, near := p.locate(q)
	if !inside || near {
		return near
	}
	for _, hole := range p.holes {
		if inside, near := hole.locate(q); inside || near {
			return near
		}
	}
	return true
}

// locate reports whether a point is inside of the outer ring, by the parity of the edges to its right, and whether it is on
// an edge, up to rounding.
func (p *Polygon) locate(q [2]float64) (inside, near bool) {
	slack := slackOf(p.lo, p.hi)
	for i := range p.vertices {
		a, b := p.edge(i)
		length := math.Hypot(b[0]-a[0], b[1]-a[1])
		along := min(max(dot(a, b, q)/(length*length), 0), 1)
		if math.Hypot(a[0]+along*(b[0]-a[0])-q[0], a[1]+along*(b[1]-a[1])-q[1]) <= slack {
			return inside, true
		}
		if (a[1] > q[1]) != (b[1] > q[1]) && q[0] < a[0]+(q[1]-a[1])/(b[1]-a[1])*(b[0]-a[0]) {
			inside = !inside
		}
	}
	return inside, false
}

func (p *Polygon) measure() float64 {
	area := math.Abs(p.area)
	for _, hole := range p.holes {
		area -= hole.measure()
	}
	return area
}

// Boundary implements Domain: the edges, then those of the holes.
func (p *Polygon) Boundary() []Patch {
	patches := p.edges("", 1)
	for i, hole := range p.holes {
		patches = append(patches, hole.edges(fmt.Sprintf("hole %d ", i+1), -1)...)
	}
	return patches
}

// edges are the patches of the outer ring, with the normals times sign.
func (p *Polygon) edges(prefix string, sign float64) []Patch {
	var patches []Patch
	orientation := math.Copysign(sign, p.area*sign)
	for i := range p.vertices {
		a, b := p.edge(i)
		length := math.Hypot(b[0]-a[0], b[1]-a[1])
		nx, ny := orientation*(b[1]-a[1])/length, -orientation*(b[0]-a[0])/length
		patches = append(patches, Patch{
			Name:    fmt.Sprintf("%sedge %d", prefix, i),
			Measure: length,
			At: func(unit []float64) (point, normal []float64) {
				u := unit[0]
				return []float64{a[0] + u*(b[0]-a[0]), a[1] + u*(b[1]-a[1])}, []float64{nx, ny}
			},
		})
	}
	return patches
}
