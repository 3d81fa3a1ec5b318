package objective

import (
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
)

// Diagnose says in words where the loss or its gradient is NaN or infinite at theta: which term, at which point or row of the
// residual, and why, where that can be seen; or that squares of the gradient overflow. It says nothing when all is finite, or more is not known. Its programs are compiled for
// the occasion. It fails when theta has another length than Objective.Dim, and with the device.
func (o *Objective) Diagnose(theta []float64) (string, error) {
	if err := o.Check(); err != nil {
		return "", err
	}
	if err := o.checkLength(theta); err != nil {
		return "", err
	}
	if i := slices.IndexFunc(theta, func(v float64) bool { return !device.Finite(v) }); i >= 0 {
		return fmt.Sprintf("entry %d of θ is %v", i, theta[i]), nil
	}
	if o.Function != nil {
		loss, gradient, err := o.compute(slices.Clone(theta))
		return wrongNumbers("Objective.Function gives the loss", "Objective.Function gives the gradient", loss, gradient), err
	}
	t, err := o.upload(theta)
	if err != nil {
		return "", err
	}
	defer device.Free([]*tensors.Tensor{t})
	d := &diagnosis{Objective: o, theta: t}
	d.name()
	if said, err := d.values(); said != "" || err != nil {
		return said, err
	}
	return d.gradients()
}

// diagnosis is at work on one θ.
type diagnosis struct {
	*Objective
	theta    *tensors.Tensor
	names    []string
	build    func(theta *graph.Node, data []*graph.Node) []*graph.Node // rows of each name
	trapped  []bool                                                    // by name: whether Where may be a trap in it
	gradient []float64
	largest  string // the largest row, and where it is
}

// name chooses what the loss is taken apart into.
func (d *diagnosis) name() {
	switch {
	case d.Terms != nil && d.Terms.Rows != nil:
		d.names, d.build = d.quoted(), func(theta *graph.Node, data []*graph.Node) []*graph.Node {
			return d.Terms.checked("Rows", d.Terms.Rows(theta, data))
		}
	case d.Terms != nil && d.Terms.Residuals != nil:
		d.names, d.build = d.quoted(), d.Terms.residuals
	case d.Residual != nil || d.Pieces != nil:
		d.names, d.build = []string{"the residual"}, func(theta *graph.Node, data []*graph.Node) []*graph.Node {
			return []*graph.Node{d.BuildResidual(theta, data)}
		}
	case d.Terms != nil:
		d.names, d.build = d.quoted(), d.Terms.build
	default:
		d.names, d.build = []string{"the loss"}, func(theta *graph.Node, data []*graph.Node) []*graph.Node {
			return []*graph.Node{d.BuildLoss(theta, data)}
		}
	}
}

// quoted are the names of the terms.
func (d *diagnosis) quoted() []string {
	names := make([]string, len(d.Terms.Names))
	for i, name := range d.Terms.Names {
		names[i] = fmt.Sprintf("the term %q", name)
	}
	return names
}

// run compiles a graph of θ and the data, and calls it.
func (d *diagnosis) run(name string, build func(theta *graph.Node, data []*graph.Node) []*graph.Node) ([][]float64, error) {
	p, err := device.NewProgram(d.Compiler(), name, func(in []*graph.Node) []*graph.Node {
		out := build(in[0], in[1:])
		for i, n := range out {
			out[i] = graph.ConvertDType(graph.Reshape(n, n.Shape().Size()), dtypes.Float64)
		}
		return out
	})
	if err != nil {
		return nil, err
	}
	out, err := p.Call([]*tensors.Tensor{d.theta}, d.Data)
	if err != nil {
		return nil, err
	}
	defer device.Free(out)
	values := make([][]float64, len(out))
	for i, t := range out {
		if values[i], err = device.Numbers(t); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// values looks at the loss and its rows, and keeps the gradient.
func (d *diagnosis) values() (string, error) {
	widths := make([]int, len(d.names))
	d.trapped = make([]bool, len(d.names))
	out, err := d.run("diagnosis", func(theta *graph.Node, data []*graph.Node) []*graph.Node {
		p := d.BuildPoint(theta, data)
		rows := d.build(theta, data)
		for i, r := range rows {
			d.trapped[i] = whereTrap(r)
			widths[i] = 1
			if r.Rank() > 1 && r.Shape().Dimensions[0] > 0 {
				widths[i] = r.Shape().Size() / r.Shape().Dimensions[0]
			}
		}
		return append([]*graph.Node{p.Loss, p.Gradient}, rows...)
	})
	if err != nil {
		return "", err
	}
	loss, rows := out[0][0], out[2:]
	d.gradient = out[1]
	for i, values := range rows {
		if n, count := firstWrong(values, widths[i]); n >= 0 {
			at := slices.IndexFunc(values[n*widths[i]:], func(v float64) bool { return !device.Finite(v) }) + n*widths[i]
			return fmt.Sprintf("%s is %v at %s", d.names[i], values[at], d.places(i, n, count, len(values)/widths[i])), nil
		}
	}
	term, row, largest := 0, 0, 0.0
	for i, values := range rows {
		for k, v := range values {
			if math.Abs(v) > largest {
				term, row, largest = i, k/widths[i], math.Abs(v)
			}
		}
	}
	d.largest = fmt.Sprintf("residuals up to %.3g: %s at %s", largest, d.names[term], d.row(term, row))
	if device.Finite(loss) {
		return "", nil
	}
	return fmt.Sprintf("the loss is %v, of %s", loss, d.largest), nil
}

// gradients looks for the term whose gradient is not finite, and for the samples that it comes from: the derivatives of the term
// with respect to these are not finite either, each row by itself.
func (d *diagnosis) gradients() (string, error) {
	entry, count := firstWrong(d.gradient, 1)
	if entry < 0 {
		most := 0.0
		for _, v := range d.gradient {
			most = math.Max(most, math.Abs(v))
		}
		if most*most < d.limit()/float64(len(d.gradient)) {
			return "", nil
		}
		return fmt.Sprintf("the gradient has entries up to %.3g, whose squares are too large, of %s", most, d.largest), nil
	}
	var places []int // of samples among the data
	for _, group := range d.Samples {
		for _, place := range group.Data {
			if d.Data[place].DType().IsFloat() && !slices.Contains(group.Scales, place) {
				places = append(places, place)
			}
		}
	}
	out, err := d.run("diagnosis of the gradient", func(theta *graph.Node, data []*graph.Node) []*graph.Node {
		with := []*graph.Node{theta}
		for _, place := range places {
			with = append(with, data[place])
		}
		var all []*graph.Node
		for _, r := range d.build(theta, data) {
			all = append(all, graph.Gradient(graph.ReduceAllSum(graph.Square(r)), with...)...)
		}
		return all
	})
	said := fmt.Sprintf("the gradient is %v in %s, where the loss is finite", d.gradient[entry], several(fmt.Sprintf("entry %d of θ", entry), count, len(d.gradient), "entries"))
	if err != nil {
		return said, nil // it is known, and more cannot be had
	}
	for i, name := range d.names {
		of := out[i*(1+len(places)) : (i+1)*(1+len(places))]
		if k, _ := firstWrong(of[0], 1); k < 0 {
			continue
		}
		said = fmt.Sprintf("the gradient of %s is not finite, where its value is", name)
		for k, place := range places {
			rows := d.Data[place].Shape().Dimensions[0]
			if n, count := firstWrong(of[1+k], len(of[1+k])/rows); n >= 0 {
				said = fmt.Sprintf("the gradient of %s is not finite at %s, where its value is", name, d.places(i, n, count, rows))
				break
			}
		}
		if d.trapped[i] {
			said += "; graph.Where differentiates the branch that it does not take as well, and zero times infinity is NaN: apply it to the argument too," +
				" as in Where(c, Sqrt(Where(c, x, one)), zero)"
		}
		return said, nil
	}
	return said, nil
}

// limit is the largest number of the precision.
func (d *diagnosis) limit() float64 {
	if d.Precision() == dtypes.Float32 {
		return math.MaxFloat32
	}
	return math.MaxFloat64
}

// places are rows of a term in words, by the first of them.
func (d *diagnosis) places(term, row, count, rows int) string {
	return several(d.row(term, row), count, rows, "points")
}

// row is a row of a term in words.
func (d *diagnosis) row(term, row int) string {
	if d.Terms != nil && d.Terms.Where != nil {
		if at := d.Terms.Where(term, row, d.Data); at != "" {
			return at
		}
	}
	return fmt.Sprintf("row %d", row)
}

// several is the first of some places.
func several(first string, count, all int, what string) string {
	if count < 2 {
		return first
	}
	return fmt.Sprintf("%s (and others, %d of %d %s in all)", first, count, all, what)
}

// firstWrong is the first row of so many numbers with one that is not finite, or −1, and the number of such rows.
func firstWrong(values []float64, width int) (first, count int) {
	first = -1
	n := 0
	for row := range slices.Chunk(values, max(1, width)) {
		if !device.AllFinite(row) {
			if count++; first < 0 {
				first = n
			}
		}
		n++
	}
	return first, count
}

// wrongNumbers says which of a loss and a gradient are not finite.
func wrongNumbers(lossIs, gradientIs string, loss float64, gradient []float64) string {
	if !device.Finite(loss) {
		return fmt.Sprintf("%s %v", lossIs, loss)
	}
	if k, count := firstWrong(gradient, 1); k >= 0 {
		return fmt.Sprintf("%s %v in %s", gradientIs, gradient[k], several(fmt.Sprintf("entry %d", k), count, len(gradient), "entries"))
	}
	return ""
}

// singular are operations with derivatives that may be infinite where they themselves are finite, or not defined.
var singular = []graph.NodeType{graph.NodeTypeSqrt, graph.NodeTypeRsqrt, graph.NodeTypeLog, graph.NodeTypePow, graph.NodeTypeDiv}

// whereTrap reports whether a graph chooses by Where among branches one of which has an infinite derivative somewhere.
func whereTrap(n *graph.Node) bool {
	var search func(n *graph.Node, seen map[graph.NodeId]bool, found func(n *graph.Node) bool) bool
	search = func(n *graph.Node, seen map[graph.NodeId]bool, found func(n *graph.Node) bool) bool {
		if seen[n.Id()] {
			return false
		}
		seen[n.Id()] = true
		return found(n) || slices.ContainsFunc(n.Inputs(), func(in *graph.Node) bool { return search(in, seen, found) })
	}
	steep := map[graph.NodeId]bool{} // seen in a branch, and not singular
	return search(n, map[graph.NodeId]bool{}, func(n *graph.Node) bool {
		return n.Type() == graph.NodeTypeWhere && slices.ContainsFunc(n.Inputs()[1:], func(branch *graph.Node) bool {
			return search(branch, steep, func(n *graph.Node) bool { return slices.Contains(singular, n.Type()) })
		})
	})
}
