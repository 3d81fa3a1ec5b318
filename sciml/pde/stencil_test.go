package pde_test

import (
	"math"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/pde"
)

// weights are those of the finite difference that gives the derivatives of all orders up to the given one at 0 from
// values at the nodes: weights[k][j] (Fornberg 1988, "Generation of finite difference formulas").
func weights(nodes []float64, order int) [][]float64 {
	w := make([][]float64, order+1)
	for k := range w {
		w[k] = make([]float64, len(nodes))
	}
	w[0][0] = 1
	c1 := 1.0
	for i := 1; i < len(nodes); i++ {
		c2 := 1.0
		for j := range i {
			c3 := nodes[i] - nodes[j]
			c2 *= c3
			if j == i-1 {
				for k := min(i, order); k >= 0; k-- {
					below := 0.0
					if k > 0 {
						below = float64(k) * w[k-1][i-1]
					}
					w[k][i] = c1 * (below - nodes[i-1]*w[k][i-1]) / c2
				}
			}
			for k := min(i, order); k >= 0; k-- {
				below := 0.0
				if k > 0 {
					below = float64(k) * w[k-1][j]
				}
				w[k][j] = (nodes[i]*w[k][j] - below) / c3
			}
		}
		c1 = c2
	}
	return w
}

// stencil is the number of nodes: central differences of first and second derivatives are of order 10.
const stencil = 11

// local is what is known of a field of m components about N points of R^d: its values and derivatives along the axes,
// up to an order, and in the plane mixed ones.
type local struct {
	points      []float64   // [N, d]
	values      []float64   // [N, m]
	derivatives [][]float64 // of order k+1: [N, m, d]
	mixed       [][]float64 // for each of mixtures, in the plane: [N, m]
	d, m        int
}

// mixtures are the orders along both axes of the mixed derivatives up to an order. Nothing of a lower one has any.
func mixtures(order, d int) (orders [][2]int) {
	for i := 1; i < order && order >= 4 && d == 2; i++ {
		for j := 1; i+j <= order; j++ {
			orders = append(orders, [2]int{i, j})
		}
	}
	return orders
}

// about differentiates by finite differences with the given steps along the axes. All nodes are in the box from lo to hi.
func about(field pde.Field, points [][]float64, lo, hi, steps []float64, order int) *local {
	l := &local{d: len(lo), derivatives: make([][]float64, order)}
	for _, point := range points {
		value := field(point)
		l.m = len(value)
		l.points, l.values = append(l.points, point...), append(l.values, value...)
	}
	for k := range l.derivatives {
		l.derivatives[k] = make([]float64, len(points)*l.m*l.d)
	}
	for range mixtures(order, l.d) {
		l.mixed = append(l.mixed, make([]float64, len(points)*l.m))
	}
	for n, point := range points {
		var along [][]float64 // coordinates of the nodes
		var by [][][]float64  // their weights
		for i, h := range steps {
			// As central as the box allows.
			first := math.Max(-float64(stencil/2)*h, lo[i]-point[i])
			first = math.Min(first, hi[i]-point[i]-float64(stencil-1)*h)
			nodes, node := make([]float64, stencil), append([]float64(nil), point...)
			for j := range nodes {
				nodes[j] = first + float64(j)*h
			}
			w := weights(nodes, order)
			for j := range nodes {
				nodes[j] = math.Min(hi[i], math.Max(lo[i], point[i]+nodes[j]))
			}
			along, by = append(along, nodes), append(by, w)
			for j := range nodes {
				node[i] = nodes[j]
				for c, v := range field(node) {
					for k := range l.derivatives {
						l.derivatives[k][(n*l.m+c)*l.d+i] += w[k+1][j] * v
					}
				}
			}
		}
		if len(l.mixed) == 0 {
			continue
		}
		for i, x := range along[0] {
			for j, y := range along[1] {
				for c, v := range field([]float64{x, y}) {
					for k, orders := range mixtures(order, l.d) {
						l.mixed[k][n*l.m+c] += by[0][orders[0]][i] * by[1][orders[1]][j] * v
					}
				}
			}
		}
	}
	return l
}

// inputs are the arguments of a graph that builds the polynomial; see polynomial.
func (l *local) inputs() []any {
	points := tensorOf(l.points, l.d)
	in := []any{points, points, tensorOf(l.values, l.m)}
	for _, k := range l.derivatives {
		in = append(in, tensorOf(k, l.m, l.d))
	}
	for _, k := range l.mixed {
		in = append(in, tensorOf(k, l.m))
	}
	return in
}

// polynomial takes the inputs from the front of in and builds the points x and the Taylor polynomials u of [N, m] about
// them, whose derivatives along the axes are the given numbers exactly. Points are given twice: x, and the centres.
func polynomial(in []*graph.Node, order int) (x, u *graph.Node, rest []*graph.Node) {
	x = in[0]
	away := graph.ExpandAxes(graph.Sub(x, in[1]), 1)
	u = in[2]
	power := away
	for k := range order {
		if k > 0 {
			power = graph.MulScalar(graph.Mul(power, away), 1/float64(k+1))
		}
		u = graph.Add(u, graph.ReduceSum(graph.Mul(in[3+k], graph.BroadcastToShape(power, in[3+k].Shape())), -1))
	}
	in = in[3+order:]
	for k, orders := range mixtures(order, x.Shape().Dimensions[1]) {
		term := in[k]
		for axis, o := range orders {
			for i := range o {
				term = graph.MulScalar(graph.Mul(term, graph.Slice(graph.Squeeze(away, 1), graph.AxisRange(), graph.AxisElem(axis))), 1/float64(i+1))
			}
		}
		u = graph.Add(u, term)
	}
	return x, u, in[len(mixtures(order, x.Shape().Dimensions[1])):]
}

// TestStencil checks the finite differences against the derivatives of sin 3x·e^y, near and away from the boundary.
func TestStencil(t *testing.T) {
	field := func(p []float64) []float64 { return []float64{0, math.Sin(3*p[0]) * math.Exp(p[1])} }
	points := [][]float64{{0, 0.5}, {0.3, 1}, {1, 0}, {0.98, 0.03}}
	l := about(field, points, []float64{0, 0}, []float64{1, 1}, []float64{0.03, 0.03}, 4)
	for n, p := range points {
		e, s, c := math.Exp(p[1]), math.Sin(3*p[0]), math.Cos(3*p[0])
		for k, want := range [][2]float64{{3 * c * e, s * e}, {-9 * s * e, s * e}, {-27 * c * e, s * e}, {81 * s * e, s * e}} {
			for i, w := range want {
				got, other := l.derivatives[k][(n*2+1)*2+i], l.derivatives[k][n*2*2+i]
				if tolerance := []float64{1e-10, 1e-8, 1e-6, 1e-4}[k]; math.Abs(got-w) > tolerance || other != 0 {
					t.Errorf("derivative %d along axis %d at %v is %v (and %v), want %v (and 0)", k+1, i, p, got, other, w)
				}
			}
		}
		for k, orders := range mixtures(4, 2) {
			want := []float64{3 * c * e, -9 * s * e, -27 * c * e}[orders[0]-1]
			if got, other := l.mixed[k][n*2+1], l.mixed[k][n*2]; math.Abs(got-want) > 1e-4 || other != 0 {
				t.Errorf("derivative %v at %v is %v (and %v), want %v (and 0)", orders, p, got, other, want)
			}
		}
	}
}
