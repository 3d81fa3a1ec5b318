package pde

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
)

// Sums make one row of a condition's residual of a group of its Points: (Σ wᵢ·g(xᵢ) − Value)/Σ|wᵢ| for what Residual builds, g.
// The division gives rows the size of g, whatever that of a domain. The groups follow on each other and have Size points each;
// where one has fewer, points of weight 0 fill it up.
type Sums struct {
	Size    int
	Weights []float64 // of the Points
	Values  []float64 // of the groups
	// Rewrite changes the rows, as Condition.Robust does; nil for nothing.
	Rewrite func(r *graph.Node) *graph.Node
}

// Rows are the weights divided by Σ|w| of their group, [groups × Size] in row-major order, and the values likewise; nil where they do not fit, which Check reports.
func (s *Sums) Rows() (weights, values []float64) {
	if s.Size < 1 || len(s.Weights) != s.Size*len(s.Values) {
		return nil, nil
	}
	weights, values = slices.Clone(s.Weights), slices.Clone(s.Values)
	for k := range values {
		total, group := 0.0, weights[k*s.Size:(k+1)*s.Size]
		for _, w := range group {
			total += math.Abs(w)
		}
		for i := range group {
			group[i] /= total
		}
		values[k] /= total
	}
	return weights, values
}

// checkSums reports sums and normals that do not fit the points.
func (c Condition) checkSums(dim int) error {
	if c.Normals != nil && len(c.Normals) != len(c.Points) {
		return fmt.Errorf("has %d Normals for %d Points, expected as many (or none)", len(c.Normals), len(c.Points))
	}
	for n, normal := range c.Normals {
		if len(normal) != dim || !finite(normal...) {
			return fmt.Errorf("has the normal %v at point %d, expected %d finite numbers", normal, n, dim)
		}
	}
	s := c.Sums
	if s == nil {
		return nil
	}
	if s.Size < 1 || len(s.Values) == 0 || len(s.Weights) != len(c.Points) || len(s.Values)*s.Size != len(c.Points) {
		return fmt.Errorf("sums up %d Points with %d Weights in groups of Size %d to %d Values, expected at least one group, Size points and weights for each value", len(c.Points), len(s.Weights), s.Size, len(s.Values))
	}
	if c.Partner != nil || c.Partners != nil {
		return fmt.Errorf("has Sums and a Partner, expected one of them")
	}
	for k, v := range s.Values {
		group := s.Weights[k*s.Size : (k+1)*s.Size]
		if !finite(v) {
			return fmt.Errorf("has the value %v in group %d, expected a finite number", v, k)
		}
		if n := slices.IndexFunc(group, func(w float64) bool { return !finite(w) }); n >= 0 {
			return fmt.Errorf("has the weight %v at point %d of group %d, expected a finite number", group[n], n, k)
		}
		if !slices.ContainsFunc(group, func(w float64) bool { return w != 0 }) {
			return fmt.Errorf("has only weights of zero in group %d, expected another one", k)
		}
	}
	return nil
}

// Integral is the condition ∫ g(u) dx = value over a domain, which is that of the problem or a part of it: a given mass, or the
// mean that a problem of Neumann's leaves open. Density builds g, shape [N] or [N, 1].
//
// The points are those of Gauss and Legendre for boxes, and along the lines within other domains: the integral is right to many
// digits where g and the boundary are smooth, and to about four where the bodies of constructive geometry intersect.
func Integral(name string, domain Domain, density func(u *Fields) *graph.Node, value float64) Condition {
	return Condition{Name: name, Residual: density}.rule(domain, value, func(q *quadrature) error {
		*q = overDomain(domain)
		return nil
	})
}

// BoundaryIntegral is the condition ∫ g(u) ds = value over the named patches of the boundary of a domain, or over all of it: a
// given flux, for example. Density builds g, shape [N] or [N, 1], and may ask for normals. See Integral.
func BoundaryIntegral(name string, domain Domain, density func(u *Fields) *graph.Node, value float64, on ...string) Condition {
	return Condition{Name: name, Residual: density}.rule(domain, value, func(q *quadrature) error {
		var names []string
		for _, patch := range domain.Boundary() {
			names = append(names, patch.Name)
			if len(on) == 0 || slices.Contains(on, patch.Name) {
				q.overPatch(patch, domain.Dim())
			}
		}
		for _, name := range on {
			if !slices.Contains(names, name) {
				return fmt.Errorf("is an integral over the patch %q, expected one of %q", name, names)
			}
		}
		return nil
	})
}

// rule takes that of a domain, whose functions may be a user's.
func (c Condition) rule(domain Domain, value float64, make func(q *quadrature) error) Condition {
	if err := CheckDomain(domain); err != nil {
		c.unable = fmt.Errorf("is an integral that cannot be: %w", err)
		return c
	}
	var q quadrature
	if c.unable = usercode.Call(fmt.Sprintf("domain %T", domain), func() error { return make(&q) }); c.unable != nil {
		return c
	}
	if len(q.points) == 0 {
		c.unable = errors.New("is an integral over a domain without points")
		return c
	}
	c.Points, c.Normals = q.points, q.normals
	c.Sums = &Sums{Size: len(q.points), Weights: q.weights, Values: []float64{value}}
	return c
}

// MeasuredMeans is the condition that the means of an unknown over groups of points have the given values, in least squares: data
// of instruments that average over a region or a time. Each group is a row for Gauss–Newton methods. A group may have any number
// of points, from one. Check reports lengths that differ, groups without points, and what Measured reports.
func MeasuredMeans(unknown string, groups [][][]float64, values []float64) Condition {
	c := Condition{Name: "means of " + unknown, numbered: "means of " + unknown, Residual: func(u *Fields) *graph.Node { return u.Of(unknown).U() }}
	if len(groups) == 0 || len(groups) != len(values) {
		c.unable = fmt.Errorf("has %d groups of points and %d values, expected one value for each group, and at least one", len(groups), len(values))
		return c
	}
	c.Sums = &Sums{Values: slices.Clone(values)}
	for _, group := range groups {
		c.Sums.Size = max(c.Sums.Size, len(group))
	}
	for k, group := range groups {
		if len(group) == 0 {
			c.unable = fmt.Errorf("has no points in group %d, expected at least one", k)
			return c
		}
		for i := range c.Sums.Size {
			point, weight := group[0], 0.0
			if i < len(group) {
				point, weight = group[i], 1/float64(len(group))
			}
			c.Points, c.Sums.Weights = append(c.Points, point), append(c.Sums.Weights, weight)
		}
	}
	return c
}
