package autodiff

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
)

// Mix is a part of theta, a tensor of shape [Before, Axis, After] from Offset on, whose middle axis is multiplied by a matrix By
// of shape [Axis, n]: a step p in that part is By·z for z of shape [Before, n, After].
type Mix struct {
	Offset, Before, Axis, After int
	By                          *graph.Node
}

// Size is the number of entries of theta.
func (m Mix) Size() int { return m.Before * m.Axis * m.After }

// Columns is the number of entries of z.
func (m Mix) Columns() int { return m.Before * m.sums() * m.After }

func (m Mix) sums() int {
	if m.By == nil {
		return 0
	}
	return m.By.Shape().Dimensions[1]
}

// Mixing is a matrix C of shape [P, n], block by block: mixes of parts that follow on each other and are theta together. Nil is
// the identity.
type Mixing []Mix

// JacobianTimes returns J·C for the Jacobian J of residuals with respect to theta: shape [N, n] for r of shape [N] or [N, 1], and
// [N, C, n] for r of shape [N, C]. Rows of the Jacobian that belong to a weight matrix are sums of products of what goes into it and
// of signals that come back; where C mixes an axis of that matrix, it is one of these that is mixed, before they are multiplied, so
// that J itself is never made. Elsewhere J is made, as Jacobian makes it, and multiplied.
//
// It panics as Jacobian does.
func JacobianTimes(r, theta *graph.Node, c Mixing) *graph.Node {
	checkJacobian(r, theta)
	c.check(theta)
	p := newPlanner(theta)
	p.mixing = c
	plan, refused := p.of(unfused(r, theta))
	if refused != nil {
		panic(refused)
	}
	j := p.build(plan)
	if r.Rank() == 2 && r.Shape().Dimensions[1] > 1 {
		return graph.Reshape(j, append(r.Shape().Dimensions, c.columns(theta))...)
	}
	return j
}

func (c Mixing) check(theta *graph.Node) {
	if c == nil {
		return
	}
	end := 0
	for i, m := range c {
		if m.Offset != end || m.By == nil || m.By.Rank() != 2 || m.By.Shape().Dimensions[0] != m.Axis || m.Size() < 1 {
			panic(fmt.Errorf("autodiff.JacobianTimes: mix %d is of [%d, %d, %d] from %d on by %v, expected one of a part that follows on the last, from %d on, by a matrix of shape [Axis, n]",
				i, m.Before, m.Axis, m.After, m.Offset, m.By, end))
		}
		end += m.Size()
	}
	if size := theta.Shape().Size(); end != size {
		panic(fmt.Errorf("autodiff.JacobianTimes: the mixes have %d entries in all, expected %d as theta has", end, size))
	}
}

// columns is n.
func (c Mixing) columns(theta *graph.Node) int {
	if c == nil {
		return theta.Shape().Size()
	}
	n := 0
	for _, m := range c {
		n += m.Columns()
	}
	return n
}

// Apply returns JC for J of shape [M, P].
func (c Mixing) Apply(j *graph.Node) *graph.Node {
	if c == nil {
		return j
	}
	side := make([]*graph.Node, len(c))
	for i, m := range c {
		side[i] = m.apply(graph.Slice(j, graph.AxisRange(), graph.AxisRange(m.Offset, m.Offset+m.Size())))
	}
	return beside(side)
}

// Step returns Cz of shape [P] for z of shape [n].
func (c Mixing) Step(z *graph.Node) *graph.Node {
	if c == nil {
		return z
	}
	parts := make([]*graph.Node, len(c))
	from := 0
	for i, m := range c {
		part := graph.Reshape(graph.Slice(z, graph.AxisRange(from, from+m.Columns())), m.Before, m.sums(), m.After)
		part = graph.DotGeneral(m.By, []int{1}, nil, part, []int{1}, nil) // axis, before, after
		parts[i] = graph.Reshape(graph.TransposeAllAxes(part, 1, 0, 2), m.Size())
		from += m.Columns()
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return graph.Concatenate(parts, 0)
}

// apply mixes rows of shape [M, Size].
func (m Mix) apply(rows *graph.Node) *graph.Node {
	n := rows.Shape().Dimensions[0]
	return graph.Reshape(mixed(graph.Reshape(rows, n, m.Before, m.Axis, m.After), 2, m.By), n, m.Columns())
}

// mixed multiplies an axis of x by a matrix.
func mixed(x *graph.Node, axis int, by *graph.Node) *graph.Node {
	product := graph.DotGeneral(x, []int{axis}, nil, by, []int{0}, nil)
	last := x.Rank() - 1
	if axis == last {
		return product
	}
	order := make([]int, 0, x.Rank()) // the new axis is the last one
	for i := range last {
		if i == axis {
			order = append(order, last)
		}
		order = append(order, i)
	}
	return graph.TransposeAllAxes(product, order...)
}

// axisIn is the axis of a tensor of these dimensions that is mixed; -1 where there is none.
func (m Mix) axisIn(dims []int) int {
	before := 1
	for i, d := range dims {
		if before == m.Before && d == m.Axis {
			return i
		}
		before *= d
	}
	return -1
}

// mixedPart is the mix of exactly the weight of some products, and which axis of it is mixed; nil for none.
func (p *pointwise) mixedPart(group []meeting) (part *Mix, axis int) {
	m := group[0]
	if p.mixing == nil || m.factor == nil || p.general[m.weight.Id()] != nil || m.weight.Type() == graph.NodeTypeDotGeneral {
		return nil, 0
	}
	at := p.locate(m.weight)
	i := p.mixing.at(at)
	if i < 0 || at.slope != nil {
		return nil, 0
	}
	if axis = p.mixing[i].axisIn(m.weight.Shape().Dimensions); axis < 0 || slices.Contains(m.batch, axis) {
		return nil, 0
	}
	return &p.mixing[i], axis
}

// at is the number of the mix of a place; -1 for none.
func (c Mixing) at(place place) int {
	return slices.IndexFunc(c, func(m Mix) bool { return m.Offset == place.offset && m.Size() == place.size })
}

// mixedColumns are the parts of a Jacobian times C, one for each mix; nil where it is zero.
type mixedColumns []*graph.Node

func (c *columns) addMixed(part int, rows *graph.Node) {
	if c.mixed == nil {
		c.mixed = make(mixedColumns, len(c.mixing))
	}
	c.mixed[part] = plus(c.mixed[part], rows)
}

// assembleMixed puts the parts times C side by side.
func (c *columns) assembleMixed(theta *graph.Node) *graph.Node {
	total := c.whole
	if len(c.parts) > 0 { // that are no parts of C
		total = plus(total, c.mixing.Apply(c.sideBySide(theta, nil)))
	}
	if c.mixed == nil {
		if total == nil {
			return graph.Zeros(theta.Graph(), shapes.Make(theta.DType(), c.points, c.mixing.columns(theta)))
		}
		return total
	}
	side := make([]*graph.Node, len(c.mixing))
	for i, m := range c.mixing {
		if side[i] = c.mixed[i]; side[i] == nil {
			side[i] = graph.Zeros(theta.Graph(), shapes.Make(theta.DType(), c.points, m.Columns()))
		}
	}
	return plus(total, beside(side))
}

// beside puts matrices side by side.
func beside(side []*graph.Node) *graph.Node {
	if len(side) == 1 {
		return side[0]
	}
	return graph.Concatenate(side, 1)
}
