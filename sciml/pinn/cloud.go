package pinn

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/sample"
)

// cloud is a set of points with the terms of the loss that live on it, and share the network and its derivatives there.
type cloud struct {
	points  *sample.Points
	partner []float64 // partner points of periodic conditions, or nil
	// directions are those of estimated Laplacians, [N, R·d], or nil.
	directions []float64
	before     []float64 // θ and 1/τ of a step in pseudo-time, or nil
	refinable  bool
	terms      []*term
}

// term is one summand of the loss.
type term struct {
	name     string
	what     string // the name for errors, such as `equation "heat"`
	code     any    // the user's function, for the line where it is written
	equation bool   // rather than a condition
	energy   bool   // the mean itself counts, not that of squares
	tested   bool   // rows are sums over points, by test functions or the weights of an integral, rather than points
	coupled  bool   // rows are made of other points than their own as well
	weight   float64
	rows     int // of the residual: points, or test functions
	values   []float64
	width    int // of values
	extra    []*tensors.Tensor
	rate     *rate // in pseudo-time, or nil
	build    func(u *pde.Fields, extra []*graph.Node) *graph.Node
}

// called is the name of a user's function for errors.
func called(kind string, index int, name string) string {
	if name == "" {
		return nameOf(kind, index, "")
	}
	return fmt.Sprintf("%s %q", kind, name)
}

// residual builds the term's residual at the points of u, with two axes.
func (m *Model) residualOf(t *term, u *pde.Fields, rows int, extra []*graph.Node) *graph.Node {
	return usercode.Build(t.what, func() *graph.Node { return m.shaped(t, rows, u.X().DType(), t.build(u, extra)) })
}

// lossOf builds the term's part of the loss.
func (t *term) lossOf(r, scale *graph.Node) *graph.Node {
	if t.energy {
		return graph.ReduceAllSum(graph.Mul(r, graph.ExpandAxes(graph.Square(scale), 1)))
	}
	return graph.ReduceAllSum(graph.Square(graph.Mul(r, graph.ExpandAxes(scale, 1))))
}

// share is the weight that point n has in the mean, by itself: 1, unless points are in reserve.
func (t *term) share(c *cloud, n int) float64 {
	if t.tested || c.points.Weights == nil {
		return 1
	}
	return c.points.Weights[n]
}

// clone copies what an adaptation changes.
func (c *cloud) clone() *cloud {
	copied := *c
	points := *c.points
	copied.points = &points
	return &copied
}

// collocate makes the clouds: one for the equations, one for each part of the boundary, and one for each condition
// that brings its points or pairs them.
func (m *Model) collocate() error {
	equations, err := m.options.Form.clouds(m)
	if err != nil {
		return err
	}
	m.clouds = equations
	onPatches := map[string]*cloud{} // conditions on the same patches share points
	for i := range m.soft {
		condition := &m.soft[i]
		weight := m.weight(condition.Name, m.options.BoundaryWeight)
		if weight == 0 {
			continue
		}
		key := strings.Join(condition.On, "\x00")
		c := onPatches[key]
		own := len(condition.Points) > 0 || condition.Partner != nil
		if c == nil || own {
			if c, err = m.conditionCloud(condition); err != nil {
				return err
			}
			m.clouds = append(m.clouds, c)
			if !own {
				onPatches[key] = c
			}
		}
		t := &term{name: condition.Name, what: fmt.Sprintf("condition %q", condition.Name), code: condition.Residual, weight: weight, rows: c.points.N,
			build: func(u *pde.Fields, _ []*graph.Node) *graph.Node { return condition.Residual(u) }}
		if t.values, t.width, err = valuesFor(condition, c.points, every); err != nil {
			return err
		}
		if condition.Sums != nil {
			if err := m.sumUp(t, condition); err != nil {
				return err
			}
		}
		c.terms = append(c.terms, t)
	}
	if err := distinct(namesOf(m.clouds), m.problem.Name); err != nil {
		return err
	}
	return m.checkWeights()
}

// distinct reports two terms of one name, which points and weights could not be told apart by.
func distinct(names []string, problem string) error {
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			return fmt.Errorf("pinn: two terms of the loss of %q are named %q, expected different names", problem, name)
		}
	}
	return nil
}

func (m *Model) weight(name string, fallback float64) float64 {
	if w, ok := m.options.Weights[name]; ok {
		return w
	}
	if factor, extreme := m.factors[name]; extreme {
		return fallback * factor
	}
	return fallback
}

// checkWeights reports weights of terms that are not there, and a loss without terms.
func (m *Model) checkWeights() error {
	var known []string
	for i, e := range m.problem.Equations {
		known = append(known, nameOf("equation", i, e.Name))
	}
	for i, w := range m.problem.Weak {
		known = append(known, nameOf("weak form", i, w.Name))
	}
	for _, c := range m.problem.NamedConditions() {
		known = append(known, c.Name)
	}
	known = append(known, energyTerm)
	for name, w := range m.options.Weights {
		if !slices.Contains(known, name) {
			return fmt.Errorf("pinn: Options.Weights has %q, expected a name of %q: one of %q", name, m.problem.Name, known)
		}
		if !(w >= 0) || math.IsInf(w, 0) {
			return fmt.Errorf("pinn: Options.Weights of %q is %v, expected a finite number, at least 0", name, w)
		}
	}
	if len(m.clouds) == 0 {
		return fmt.Errorf("pinn: no term is left in the loss of %q: all weights are zero", m.problem.Name)
	}
	return nil
}

func (m *Model) conditionCloud(condition *pde.Condition) (*cloud, error) {
	points, err := m.pointsFor(condition, func() (*sample.Points, error) {
		return m.sampled(func(s sample.Sampler) (*sample.Points, error) {
			return s.Boundary(m.problem.Domain, m.options.Boundary, condition.On...)
		})
	})
	if err != nil {
		return nil, err
	}
	partner, err := m.partners(condition, points)
	return &cloud{points: points, partner: partner}, err
}

// pointsFor are a condition's own points, or those of boundary.
func (m *Model) pointsFor(condition *pde.Condition, boundary func() (*sample.Points, error)) (*sample.Points, error) {
	if len(condition.Points) == 0 {
		return boundary()
	}
	points := &sample.Points{N: len(condition.Points), Dim: m.problem.Domain.Dim()}
	for _, p := range condition.Points {
		points.Coords = append(points.Coords, p...)
	}
	for _, n := range condition.Normals {
		points.Normals = append(points.Normals, n...)
	}
	return points, nil
}

// partners are the points that those of a condition are paired with, or nil.
func (m *Model) partners(condition *pde.Condition, points *sample.Points) (partners []float64, err error) {
	of := func(n int) []float64 { return condition.Partners[n] }
	if condition.Partner != nil {
		of = func(n int) []float64 { return condition.Partner(points.At(n)) }
	} else if condition.Partners == nil {
		return nil, nil
	}
	err = usercode.Call(fmt.Sprintf("Partner of the condition %q", condition.Name), func() error {
		for n := range points.N {
			other := of(n)
			if err := m.checkPartner(other); err != nil {
				return fmt.Errorf("pinn: Partner of the condition %q pairs %v with %v, %w", condition.Name, points.At(n), other, err)
			}
			partners = append(partners, other...)
		}
		return nil
	})
	return partners, err
}

// sampled asks the Sampler for points, and checks them.
func (m *Model) sampled(ask func(s sample.Sampler) (*sample.Points, error)) (points *sample.Points, err error) {
	err = usercode.Call("Options.Sampler", func() error {
		if points, err = ask(m.options.Sampler); err != nil {
			return err
		}
		return m.checkPoints(points, m.options.Sampler.Name())
	})
	return points, err
}

// checkPartner reports a point outside of the domain's bounds. Rounding may have moved it a little.
func (m *Model) checkPartner(point []float64) error {
	lo, hi := m.problem.Domain.Bounds()
	if len(point) != len(lo) {
		return fmt.Errorf("expected a point of %d coordinates", len(lo))
	}
	for i, v := range point {
		if slack := 1e-9 * (hi[i] - lo[i]); !(v >= lo[i]-slack && v <= hi[i]+slack) {
			return fmt.Errorf("expected a point of the domain, which lies between %v and %v", lo, hi)
		}
	}
	return nil
}

// checkPoints reports points that cannot be used: of a user's own Sampler or Refiner, by its name.
func (m *Model) checkPoints(p *sample.Points, by string) error {
	d := m.problem.Domain.Dim()
	switch {
	case p == nil || p.N == 0:
		return fmt.Errorf("pinn: %s gives no points of %q, expected at least one", by, m.problem.Name)
	case p.Dim != d || len(p.Coords) != p.N*d:
		return fmt.Errorf("pinn: %s gives %d numbers for %d points of %d coordinates, expected %d coordinates as %q has", by, len(p.Coords), p.N, p.Dim, d, m.problem.Name)
	case p.Normals != nil && len(p.Normals) != p.N*d, p.Weights != nil && len(p.Weights) != p.N:
		return fmt.Errorf("pinn: %s gives %d numbers as normals and %d weights, expected %d and %d for %d points (or none)", by, len(p.Normals), len(p.Weights), p.N*d, p.N, p.N)
	}
	for n := range p.N {
		point := p.At(n)
		inside := p.Normals != nil || m.problem.Domain.Contains(point) // rounding may put boundary points beside it
		for _, v := range point {
			inside = inside && !math.IsNaN(v) && !math.IsInf(v, 0)
		}
		if !inside {
			return fmt.Errorf("pinn: %s puts point %d at %v, expected a point of the domain of %q", by, n, point, m.problem.Name)
		}
		if p.Weights != nil && (!(p.Weights[n] >= 0) || math.IsInf(p.Weights[n], 0)) {
			return fmt.Errorf("pinn: %s gives point %d the weight %v, expected a finite number, at least 0", by, n, p.Weights[n])
		}
	}
	if p.Weights != nil && !slices.ContainsFunc(p.Weights, func(w float64) bool { return w > 0 }) {
		return fmt.Errorf("pinn: %s gives all %d points the weight 0, expected a number above 0 for one of them", by, p.N)
	}
	return nil
}

// valuesFor are the values that a condition has at some of its points, as many at each, whose indices are given; nil when it
// has none.
func valuesFor(condition *pde.Condition, points *sample.Points, index func(n int) int) (values []float64, width int, err error) {
	if condition.Values == nil {
		return nil, 0, nil
	}
	err = usercode.Call(fmt.Sprintf("Values of the condition %q", condition.Name), func() error {
		for n := range points.N {
			at := condition.Values(index(n), points.At(n))
			if n == 0 {
				width = len(at)
			}
			if width == 0 {
				return fmt.Errorf("pinn: Values of the condition %q are none at point %d, expected at least one", condition.Name, index(n))
			}
			if len(at) != width {
				return fmt.Errorf("pinn: Values of the condition %q are %d at point %d, expected %d as at the first", condition.Name, len(at), index(n), width)
			}
			for _, v := range at {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					return fmt.Errorf("pinn: a value of the condition %q is %v at point %d, %v, expected a finite number", condition.Name, v, index(n), points.At(n))
				}
			}
			values = append(values, at...)
		}
		return nil
	})
	return values, width, err
}

// every is the index of points that are all there.
func every(n int) int { return n }

// scale is √(wλ/N) for each row, with the points' own weights.
func (t *term) scale(c *cloud, w *Weights, index int) []float64 {
	scale := make([]float64, t.rows)
	for n := range scale {
		square := t.weight * w.Terms[index] / float64(t.rows) * t.share(c, n)
		if w.Points[index] != nil {
			square *= w.Points[index][n]
		}
		scale[n] = math.Sqrt(square)
	}
	return scale
}

// termsOf are the terms of all clouds, in the order of weights.
func termsOf(clouds []*cloud) []*term {
	var terms []*term
	for _, c := range clouds {
		terms = append(terms, c.terms...)
	}
	return terms
}

func namesOf(clouds []*cloud) []string {
	var names []string
	for _, t := range termsOf(clouds) {
		names = append(names, t.name)
	}
	return names
}

func pointsOf(clouds []*cloud) map[string]*sample.Points {
	points := map[string]*sample.Points{}
	for _, c := range clouds {
		for _, t := range c.terms {
			points[t.name] = c.points
		}
	}
	return points
}
