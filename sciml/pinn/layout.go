package pinn

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/pde"
)

// layout says where in the data of an objective each tensor is. It is assigned once, and whatever lays data out or takes
// them looks here.
type layout struct {
	clouds []cloudPlaces
	frame  int // of the window of time
	size   int // the number of all tensors
}

// cloudPlaces are those of a cloud; none where it has no such tensor.
type cloudPlaces struct {
	points, normals, partner, directions, before int
	terms                                        []termPlaces
	first                                        int // the number of its first term among those of all clouds
}

// termPlaces are those of a term.
type termPlaces struct {
	scale, values int
	extra         []int
}

const none = -1

func layoutOf(clouds []*cloud, window *Window) *layout {
	l := &layout{}
	place := func(there bool) int {
		if !there {
			return none
		}
		l.size++
		return l.size - 1
	}
	terms := 0
	for _, c := range clouds {
		at := cloudPlaces{first: terms, points: place(true), normals: place(c.points.Normals != nil), partner: place(c.partner != nil), directions: place(c.directions != nil), before: place(c.before != nil)}
		for _, t := range c.terms {
			its := termPlaces{scale: place(true), values: place(t.values != nil)}
			for range t.extra {
				its.extra = append(its.extra, place(true))
			}
			at.terms = append(at.terms, its)
			terms++
		}
		l.clouds = append(l.clouds, at)
	}
	l.frame = place(window != nil)
	return l
}

// data makes the tensors of clouds with weights, at their places.
func (m *Model) data(clouds []*cloud, w *Weights) []*tensors.Tensor {
	all := make([]*tensors.Tensor, m.layout.size)
	put := func(place int, values []float64, width int) {
		if place != none {
			all[place] = m.tensor(values, width)
		}
	}
	for i, c := range clouds {
		at := m.layout.clouds[i]
		put(at.points, c.points.Coords, c.points.Dim)
		put(at.normals, c.points.Normals, c.points.Dim)
		put(at.partner, c.partner, c.points.Dim)
		put(at.directions, c.directions, m.options.Laplacians.Directions*c.points.Dim)
		put(at.before, c.before, 0)
		for k, t := range c.terms {
			its := at.terms[k]
			put(its.scale, t.scale(c, w, at.first+k), 0)
			put(its.values, t.values, t.width)
			for e, place := range its.extra {
				all[place] = t.extra[e]
			}
		}
	}
	if m.layout.frame != none {
		all[m.layout.frame] = m.tensor(m.numbers, 0)
	}
	return all
}

// samples are the points of each cloud. Those that sums and means bring together are none.
func (m *Model) samples() []objective.Samples {
	var all []objective.Samples
	for i, c := range m.clouds {
		at := m.layout.clouds[i]
		s := objective.Samples{Name: c.terms[0].name, Rows: c.points.N}
		pointwise := true
		add := func(place int) {
			if place != none {
				s.Data = append(s.Data, place)
			}
		}
		add(at.points)
		add(at.normals)
		add(at.partner)
		add(at.directions)
		for k, t := range c.terms {
			add(at.terms[k].scale)
			s.Scales = append(s.Scales, at.terms[k].scale)
			add(at.terms[k].values)
			pointwise = pointwise && !t.tested && !t.coupled
		}
		if pointwise {
			all = append(all, s)
		}
	}
	return all
}

// each builds the residual of every term, shape [rows, components], and hands it on with its scale, shape [rows]. Before that, begin
// tells which one it is, unless it is nil.
func (m *Model) each(theta *graph.Node, data []*graph.Node, begin func(t *term), do func(t *term, r, scale *graph.Node)) {
	take := func(place int) *graph.Node {
		if place == none {
			return nil
		}
		return data[place]
	}
	p := m.parameters(theta, data)
	for i, c := range m.clouds {
		at := m.layout.clouds[i]
		x := take(at.points)
		inputs := pde.Inputs{Normal: take(at.normals), Directions: directionsOf(take(at.directions), x)}
		if partner := take(at.partner); partner != nil {
			inputs.Partner = m.fields(p, partner, pde.Inputs{Normal: inputs.Normal})
		}
		shared := m.fields(p, x, inputs)
		before, pace := m.fieldsBefore(take(at.before), x)
		for k, t := range c.terms {
			if begin != nil {
				begin(t)
			}
			its := at.terms[k]
			u := shared
			if values := take(its.values); values != nil {
				u = u.WithValues(values)
			}
			var extra []*graph.Node
			for _, place := range its.extra {
				extra = append(extra, take(place))
			}
			rows := t.rows
			if !t.tested { // perhaps some of the points only
				rows = x.Shape().Dimensions[0]
			}
			r := m.residualOf(t, u, rows, extra)
			if u.Order() > 1 && m.straight {
				panic(fmt.Errorf("pinn: %q of problem %q has derivatives of order %d, but all above the first vanish for the network %s: expected a smooth activation, such as tanh, sin or gelu, or a form of the equation with first derivatives",
					t.name, m.problem.Name, u.Order(), m.network))
			}
			if t.rate != nil {
				r = t.rate.build(r, u, before, pace)
			}
			do(t, r, take(its.scale))
		}
	}
}
