package pinn

import (
	"cmp"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/sample"
)

// Variational penalizes the problem's Weak forms tested with piecewise polynomials on a mesh of a box (variational
// PINNs, Kharazmi, Zhang and Karniadakis 2019 and 2021). The test functions on an element are products over the
// coordinates of
//
//	φ_k(ξ) = (P_{k−1}(ξ) − P_{k+1}(ξ)) / √(4k+2), k = 1 … Tests,
//
// which vanish at the ends of [−1, 1] and whose derivatives are orthonormal there (Shen 1994): in one dimension, on one
// element, the sum of squared residuals is the square of their H⁻¹ norm in the span of the tests, so that the
// loss has the condition of an energy rather than of its square. Integrals are by Gauss–Legendre quadrature.
type Variational struct {
	// Elements is the number of elements along each coordinate; 1 when zero.
	Elements int
	// Tests is the number of test functions along each coordinate of an element; 10 when zero.
	Tests int
	// Nodes is the number of quadrature nodes along each coordinate of an element; Tests + 10 when zero.
	Nodes int
}

// Name implements Form.
func (Variational) Name() string { return "variational form" }

func (v Variational) clouds(m *Model) ([]*cloud, error) {
	if len(m.problem.Weak) == 0 {
		return nil, fmt.Errorf("pinn: problem %q has no Weak form, which the variational form needs", m.problem.Name)
	}
	box, ok := m.problem.Domain.(*pde.Box)
	if !ok {
		return nil, fmt.Errorf("pinn: the domain of problem %q is a %T, expected a box for the variational form", m.problem.Name, m.problem.Domain)
	}
	if v.Elements < 0 || v.Tests < 0 || v.Nodes < 0 {
		return nil, fmt.Errorf("pinn: Variational has %d Elements, %d Tests and %d Nodes, expected at least 1 (or 0 for the default)", v.Elements, v.Tests, v.Nodes)
	}
	v.Elements = cmp.Or(v.Elements, 1)
	v.Tests = cmp.Or(v.Tests, 10)
	if v.Nodes = cmp.Or(v.Nodes, v.Tests+10); v.Nodes < v.Tests {
		return nil, fmt.Errorf("pinn: Variational has %d Tests and %d Nodes, expected at least as many nodes, or integrals of the tests are not what they stand for", v.Tests, v.Nodes)
	}
	d := box.Dim()
	tests, nodes := math.Pow(float64(v.Tests)*float64(v.Elements), float64(d)), math.Pow(float64(v.Nodes)*float64(v.Elements), float64(d))
	const most = 1 << 26 // half a gigabyte of each matrix
	if tests*nodes > most {
		return nil, fmt.Errorf("pinn: Variational would test with %.3g functions at %.3g nodes in %d dimensions, expected a product of at most %d", tests, nodes, d, most)
	}
	rule := v.tensorRule(box)
	extra := []*tensors.Tensor{m.tensor(rule.value, rule.nodes)}
	for axis := range d {
		extra = append(extra, m.tensor(rule.slope[axis], rule.nodes))
	}
	if err := m.settle(extra); err != nil {
		return nil, err
	}
	c := &cloud{points: &sample.Points{N: rule.nodes, Dim: d, Coords: rule.points}}
	for i, w := range m.problem.Weak {
		name := nameOf("weak form", i, w.Name)
		weight := m.weight(name, 1)
		if weight == 0 {
			continue
		}
		c.terms = append(c.terms, &term{name: name, what: called("weak form", i, w.Name), code: w.Terms, equation: true, tested: true, weight: weight * float64(rule.tests), rows: rule.tests, extra: extra,
			build: func(u *pde.Fields, extra []*graph.Node) *graph.Node { return weakResidual(u, w, extra) }})
	}
	if len(c.terms) == 0 {
		return nil, nil
	}
	return []*cloud{c}, nil
}

// weakTerms builds the flux, shape [N, d], and the source of a weak form, N numbers or nil.
func weakTerms(u *pde.Fields, w pde.WeakForm) (flux, source *graph.Node) {
	points, d := u.X().Shape().Dimensions[0], u.Dims()
	flux, source = w.Terms(u)
	for _, n := range []*graph.Node{flux, source} {
		if n != nil && !n.DType().IsFloat() {
			panic(usercode.Wrong(w.Terms, "pinn: a term of the weak form %q is of type %s, expected the floating-point type of the points", w.Name, n.DType()))
		}
	}
	if flux == nil {
		panic(usercode.Wrong(w.Terms, "pinn: the weak form %q has no flux, expected shape [%d, %d]", w.Name, points, d))
	}
	dtype := u.X().DType()
	if flux.Rank() != 2 || flux.Shape().Dimensions[0] != points || flux.Shape().Dimensions[1] != d || flux.DType() != dtype {
		panic(usercode.Wrong(w.Terms, "pinn: the flux of the weak form %q has shape %s, expected [%d, %d] of type %s", w.Name, flux.Shape(), points, d, dtype))
	}
	if source != nil && (source.Rank() < 1 || source.Rank() > 2 || source.Shape().Dimensions[0] != points || source.Shape().Size() != points || source.DType() != dtype) {
		panic(usercode.Wrong(w.Terms, "pinn: the source of the weak form %q has shape %s, expected [%d, 1] of type %s", w.Name, source.Shape(), points, dtype))
	}
	return flux, source
}

// weakResidual is ∫ flux·∇v + source·v for every test function, shape [tests]. The matrices of extra have the
// quadrature weights in them.
func weakResidual(u *pde.Fields, w pde.WeakForm, extra []*graph.Node) *graph.Node {
	points, d := u.X().Shape().Dimensions[0], u.Dims()
	flux, source := weakTerms(u, w)
	var total *graph.Node
	add := func(matrix, at *graph.Node) {
		part := graph.MatMul(matrix, graph.Reshape(at, points, 1))
		if total == nil {
			total = part
		} else {
			total = graph.Add(total, part)
		}
	}
	for axis := range d {
		add(extra[1+axis], pde.Column(flux, axis))
	}
	if source != nil {
		add(extra[0], source)
	}
	return total
}

// rule is a quadrature rule with test functions: value and slope (by coordinate) have a row of nodes for each test.
type rule struct {
	tests, nodes int
	points       []float64
	value        []float64
	slope        [][]float64
}

// line is the rule along one coordinate; columns of elements that a test does not live on are zero.
type line struct {
	x            []float64
	value, slope [][]float64 // [test][node], with weights
}

// along makes the rule for one side of the box.
func (v Variational) along(lo, hi float64) line {
	xi, weight := pde.GaussLegendre(v.Nodes, -1, 1)
	h := (hi - lo) / float64(v.Elements)
	var l line
	for e := range v.Elements {
		for _, s := range xi {
			l.x = append(l.x, lo+h*(float64(e)+(s+1)/2))
		}
		for k := 1; k <= v.Tests; k++ {
			value, slope := make([]float64, v.Elements*v.Nodes), make([]float64, v.Elements*v.Nodes)
			norm := math.Sqrt(float64(4*k + 2))
			for i, s := range xi {
				p := legendre(k+1, s)
				// φ′ = −(2k+1)P_k/√(4k+2); the element's length enters φ so that φ′ stays orthonormal in x.
				value[e*v.Nodes+i] = (p[k-1] - p[k+1]) / norm * math.Sqrt(h/2) * weight[i] * h / 2
				slope[e*v.Nodes+i] = -float64(2*k+1) * p[k] / norm / math.Sqrt(h/2) * weight[i] * h / 2
			}
			l.value, l.slope = append(l.value, value), append(l.slope, slope)
		}
	}
	return l
}

// legendre gives P_0(x) … P_n(x).
func legendre(n int, x float64) []float64 {
	p := make([]float64, n+1)
	p[0] = 1
	if n > 0 {
		p[1] = x
	}
	for k := 1; k < n; k++ {
		p[k+1] = (float64(2*k+1)*x*p[k] - float64(k)*p[k-1]) / float64(k+1)
	}
	return p
}

// tensorRule is the product of the rules along all coordinates.
func (v Variational) tensorRule(box *pde.Box) rule {
	d := box.Dim()
	lines := make([]line, d)
	r := rule{tests: 1, nodes: 1, slope: make([][]float64, d)}
	for i := range lines {
		lines[i] = v.along(box.Lo[i], box.Hi[i])
		r.tests *= len(lines[i].value)
		r.nodes *= len(lines[i].x)
	}
	digits := func(n, base int) []int { // n in the given base, d digits
		out := make([]int, d)
		for i := d - 1; i >= 0; i-- {
			out[i], n = n%base, n/base
		}
		return out
	}
	nodes := make([][]int, r.nodes)
	for n := range nodes {
		nodes[n] = digits(n, len(lines[0].x))
		for i, k := range nodes[n] {
			r.points = append(r.points, lines[i].x[k])
		}
	}
	for test := range r.tests {
		which := digits(test, len(lines[0].value))
		for _, at := range nodes {
			value := 1.0
			for i := range d {
				value *= lines[i].value[which[i]][at[i]]
			}
			r.value = append(r.value, value)
			for axis := range d {
				slope := 1.0
				for i := range d {
					factor := lines[i].value
					if i == axis {
						factor = lines[i].slope
					}
					slope *= factor[which[i]][at[i]]
				}
				r.slope[axis] = append(r.slope[axis], slope)
			}
		}
	}
	return r
}
