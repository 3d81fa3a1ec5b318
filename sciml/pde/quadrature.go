package pde

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/integrate/quad"
)

// GaussLegendre are the nodes and weights of the rule of Gauss and Legendre of n points for the interval from lo to hi, which
// integrates polynomials up to degree 2n − 1; none when n is not above 0. They are gonum's, but where its table is wrong, as it is for 26 points: then
// Newton's iteration finds them.
func GaussLegendre(n int, lo, hi float64) (nodes, weights []float64) {
	n = max(0, n)
	nodes, weights = make([]float64, n), make([]float64, n)
	quad.Legendre{}.FixedLocations(nodes, weights, lo, hi)
	total := 0.0
	for _, w := range weights {
		total += w
	}
	if math.Abs(total-(hi-lo)) <= 1e-12*(hi-lo) {
		return nodes, weights
	}
	for i := range n {
		x := -math.Cos(math.Pi * (float64(i) + 0.75) / (float64(n) + 0.5))
		slope := 0.0
		for range 10 {
			p, before := x, 1.0 // of degrees k and k − 1
			for k := 2; k <= n; k++ {
				p, before = (float64(2*k-1)*x*p-float64(k-1)*before)/float64(k), p
			}
			slope = float64(n) * (x*p - before) / (x*x - 1)
			x -= p / slope
		}
		nodes[i], weights[i] = lo+(hi-lo)*(x+1)/2, (hi-lo)/((1-x*x)*slope*slope)
	}
	return nodes, weights
}

// quadrature is a rule of points with weights that add up to the measure.
type quadrature struct {
	points, normals [][]float64
	weights         []float64
}

// quadratureNodes is the number of Gauss–Legendre nodes along an axis, for so many axes: about two thousand in all at most.
func quadratureNodes(axes int) int {
	switch {
	case axes <= 1:
		return 64
	case axes == 2:
		return 28
	}
	return max(3, int(math.Pow(2000, 1/float64(axes))))
}

// overDomain is a rule for a domain: of Gauss and Legendre for boxes, and along the lines within other domains, which are found by
// bisection. It converges fast where the boundary is smooth but for edges along the last axis and corners of polygons.
func overDomain(domain Domain) quadrature {
	lo, hi := domain.Bounds()
	d := len(lo)
	volume := 1.0
	for i := range lo {
		volume *= hi[i] - lo[i]
	}
	place := func(unit []float64) []float64 {
		p := make([]float64, d)
		for i, u := range unit {
			p[i] = lo[i] + u*(hi[i]-lo[i])
		}
		return p
	}
	r := region{nodes: quadratureNodes(d), breaks: unitBreaks(domain, lo, hi)}
	if _, box := domain.(*Box); !box {
		r.inside = func(unit []float64) bool { return domain.Contains(place(unit)) }
	}
	var q quadrature
	r.each(d, func(unit []float64, weight float64) {
		q.points, q.weights = append(q.points, place(unit)), append(q.weights, volume*weight)
	})
	return q
}

// overPatch adds a rule for a patch of the boundary of a domain of d dimensions.
func (q *quadrature) overPatch(patch Patch, d int) {
	r := region{nodes: quadratureNodes(d - 1)}
	if patch.Keep != nil {
		r.inside = func(unit []float64) bool { return patch.Keep(patch.At(unit)) }
	}
	first, total := len(q.weights), 0.0
	r.each(d-1, func(unit []float64, weight float64) {
		point, normal := patch.At(slices.Clone(unit))
		q.points, q.normals, q.weights = append(q.points, point), append(q.normals, normal), append(q.weights, weight)
		total += weight
	})
	for i := range q.weights[first:] {
		q.weights[first+i] *= patch.Measure / total
	}
}

// unitBreaks are the places along each axis, from 0 to 1 between the bounds, where a boundary may have edges across the axis.
func unitBreaks(domain Domain, lo, hi []float64) [][]float64 {
	breaks := make([][]float64, len(lo))
	var add func(domain Domain)
	at := func(axis int, v float64) {
		if u := (v - lo[axis]) / (hi[axis] - lo[axis]); u > 1e-9 && u < 1-1e-9 {
			breaks[axis] = append(breaks[axis], u)
		}
	}
	add = func(domain Domain) {
		switch domain := domain.(type) {
		case *composite:
			for _, part := range domain.parts {
				add(part)
			}
			return
		case *Cylinder:
			add(domain.Base)
			at(domain.Base.Dim(), domain.T0)
			at(domain.Base.Dim(), domain.T1)
			return
		case *Polygon:
			for _, ring := range append([]*Polygon{domain}, domain.holes...) {
				for _, v := range ring.vertices {
					at(0, v[0])
					at(1, v[1])
				}
			}
			return
		}
		from, to := domain.Bounds()
		for axis := range from {
			at(axis, from[axis])
			at(axis, to[axis])
		}
	}
	add(domain)
	for axis := range breaks {
		slices.Sort(breaks[axis])
		breaks[axis] = slices.Compact(breaks[axis])
	}
	return breaks
}

// region is a part of a unit cube: all of it where inside is nil.
type region struct {
	inside func(unit []float64) bool
	nodes  int
	breaks [][]float64
}

// each visits the nodes of a rule, axis by axis. The nodes of an axis that others follow crowd at the ends of its panels, where
// the length of lines along the others may begin like a root, as it does at the ends of a ball.
func (r region) each(d int, visit func(unit []float64, weight float64)) {
	if d == 0 {
		if r.inside == nil || r.inside(nil) {
			visit(nil, 1)
		}
		return
	}
	unit := make([]float64, d)
	var along func(axis int, weight float64)
	along = func(axis int, weight float64) {
		last := axis == d-1
		for _, panel := range r.panels(unit, axis) {
			length := panel[1] - panel[0]
			nodes := min(r.nodes, max(8, int(math.Ceil(float64(r.nodes)*math.Sqrt(length)))))
			x, w := GaussLegendre(nodes, 0, 1)
			for i := range x {
				at, share := x[i], w[i]
				if !last && r.inside != nil { // at = (1 − cos πx)/2
					at, share = (1-math.Cos(math.Pi*x[i]))/2, w[i]*math.Pi/2*math.Sin(math.Pi*x[i])
				}
				unit[axis] = panel[0] + length*at
				if last {
					visit(unit, weight*length*share)
				} else {
					along(axis+1, weight*length*share)
				}
			}
		}
	}
	along(0, 1)
}

// The number of places at which lines are looked at to find their panels, and of bisections.
const (
	panelPlaces     = 512
	panelBisections = 45
)

// panels are the intervals along an axis, after those before it in unit, on which what is integrated is smooth: for the last axis
// those inside of the region, for the one before it those on which there are as many of them.
func (r region) panels(unit []float64, axis int) [][2]float64 {
	if r.inside == nil {
		return [][2]float64{{0, 1}}
	}
	d := len(unit)
	at := slices.Clone(unit)
	kind := func(u float64) int { return 1 } // of what is at a place; 0 for nothing
	switch axis {
	case d - 1:
		kind = func(u float64) int {
			at[axis] = u
			if r.inside(at) {
				return 1
			}
			return 0
		}
	case d - 2:
		kind = func(u float64) int {
			at[axis] = u
			return len(r.panels(at, axis+1))
		}
	}
	ends := []float64{0}
	if axis < len(r.breaks) && axis < d-1 {
		ends = append(ends, r.breaks[axis]...)
	}
	ends = append(ends, 1)
	var all [][2]float64
	for k := 1; k < len(ends); k++ {
		from, to := ends[k-1], ends[k]
		start, before := from, kind(from+(to-from)*1e-9)
		places := panelPlaces
		if axis < d-1 {
			places = panelPlaces / 16
		}
		finish := func(end float64) {
			if before > 0 && end > start {
				all = append(all, [2]float64{start, end})
			}
		}
		for i := range places {
			a, b := from+(to-from)*float64(i)/float64(places), from+(to-from)*float64(i+1)/float64(places)
			probe := b
			if i == places-1 {
				probe = b - (to-from)*1e-9
			}
			after := kind(probe)
			if after == before {
				continue
			}
			for range panelBisections {
				if middle := (a + b) / 2; kind(middle) == before {
					a = middle
				} else {
					b = middle
				}
			}
			finish((a + b) / 2)
			start, before = (a+b)/2, after
		}
		finish(to)
	}
	return all
}
