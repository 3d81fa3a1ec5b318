package pinn

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/internal/usercode"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/sample"
)

// A set-up is tried before it is trained, at a few points and with a few networks: what couples points or broadcasts shows in
// shapes, what an ansatz satisfies in values, and what a loss would not see in sizes.

// probe is an equation or a condition at a few points.
type probe struct {
	term
	condition *pde.Condition // nil for an equation
	claimed   bool           // to hold exactly
	own       bool           // at points of its own, which its residual may be made for
	dropped   bool           // because it is
	points    *sample.Points
	partner   []float64

	components int  // of the residual; 0 before it was built
	constant   bool // whether it is not made of the network
	// off is how far a residual that is claimed to vanish is from zero, relative to its size for any other function.
	off float64
	// response is the root mean square of what a random network adds to the residual, bare that of the residual without it, and
	// by the share in response of each unknown alone.
	response, bare float64
	by             []float64
	parts          []float64 // the larger of response and bare for each component
}

// probePoints are so many in the interior, and for each condition; moreProbePoints are for shapes.
const probePoints, moreProbePoints = 12, 5

// trial tries a set-up.
type trial struct {
	model    *Model
	inside   *sample.Points
	probes   []*probe // equations, then conditions, in the order of the problem
	dtype    dtypes.DType
	used     map[string]bool // the coefficients that occur in a residual, an energy or a weak form
	unknowns []float64       // root mean squares of what a random network adds to each unknown
	lift     []float64       // those of the unknowns without it
	absent   []string        // unknowns that change no equation
	// laplacian says that an equation asks for one by Fields.Laplacian.
	laplacian bool
}

func (m *Model) newTrial() (*trial, error) {
	// Where the domain is one that only a sampler of the user's knows how to fill, that does it.
	sampled := func(ask func(s sample.Sampler) (*sample.Points, error)) (*sample.Points, error) {
		if points, err := ask(sample.Uniform{Seed: m.options.Seed}); err == nil {
			return points, nil
		}
		return m.sampled(ask)
	}
	t := &trial{model: m, dtype: dtypes.Float64, used: map[string]bool{}}
	var err error
	if t.inside, err = sampled(func(s sample.Sampler) (*sample.Points, error) { return s.Interior(m.problem.Domain, probePoints) }); err != nil {
		return nil, err
	}
	for i, e := range m.problem.Equations {
		name := nameOf("equation", i, e.Name)
		t.probes = append(t.probes, &probe{points: t.inside, term: term{name: name, what: called("equation", i, e.Name), code: e.Residual,
			build: func(u *pde.Fields, _ []*graph.Node) *graph.Node { return e.Residual(u) }}, claimed: m.holdsExactly(e.Name)})
	}
	conditions := m.problem.NamedConditions()
	for i := range conditions {
		c := &conditions[i]
		p := &probe{condition: c, own: len(c.Points) > 0, term: term{name: c.Name, what: fmt.Sprintf("condition %q", c.Name), code: c.Residual,
			build: func(u *pde.Fields, _ []*graph.Node) *graph.Node { return c.Residual(u) }}}
		p.claimed = m.exact && (m.problem.Exactly == nil || slices.Contains(m.problem.Exactly, c.Name))
		if c.Sums != nil { // a sum does not vanish where what is summed up does not
			p.claimed = m.exact && slices.Contains(m.problem.Exactly, c.Name)
			p.dropped = p.claimed
		}
		if p.points, err = m.pointsFor(c, func() (*sample.Points, error) {
			return sampled(func(s sample.Sampler) (*sample.Points, error) {
				return s.Boundary(m.problem.Domain, probePoints, c.On...)
			})
		}); err != nil {
			return nil, err
		}
		stride := 1 // of many points of data a few will do
		if most := 16 * probePoints; p.own && p.points.N > most {
			stride = p.points.N / most
			few := &sample.Points{N: most, Dim: p.points.Dim}
			for n := range most {
				few.Coords = append(few.Coords, p.points.At(n*stride)...)
				if p.points.Normals != nil {
					few.Normals = append(few.Normals, p.points.Normals[n*stride*few.Dim:(n*stride+1)*few.Dim]...)
				}
			}
			p.points = few
		}
		if p.partner, err = m.partners(c, p.points); err != nil {
			return nil, err
		}
		if p.values, p.width, err = valuesFor(c, p.points, func(n int) int { return n * stride }); err != nil {
			return nil, err
		}
		t.probes = append(t.probes, p)
	}
	return t, nil
}

// inputs are those of the program, after theta: the gates of the unknowns, the sizes of another function, the numbers of a window of
// time, the points inside, and then those of each condition.
func (t *trial) inputs() []*tensors.Tensor {
	d, unknowns := t.inside.Dim, len(t.model.problem.Unknowns)
	ones := slices.Repeat([]float64{1}, unknowns)
	all := []*tensors.Tensor{t.rows(ones, unknowns), t.rows(ones, unknowns)}
	if numbers := t.model.numbers; numbers != nil {
		all = append(all, device.Vector(t.dtype, numbers))
	}
	all = append(all, t.rows(t.inside.Coords, d))
	for _, p := range t.conditions() {
		all = append(all, t.rows(p.points.Coords, d))
		if p.points.Normals != nil {
			all = append(all, t.rows(p.points.Normals, d))
		}
		if p.partner != nil {
			all = append(all, t.rows(p.partner, d))
		}
		if p.values != nil {
			all = append(all, t.rows(p.values, p.width))
		}
	}
	return all
}

func (t *trial) equations() []*probe  { return t.probes[:len(t.model.problem.Equations)] }
func (t *trial) conditions() []*probe { return t.probes[len(t.model.problem.Equations):] }

func (t *trial) rows(values []float64, width int) *tensors.Tensor {
	return device.Filled(shapes.Make(t.dtype, len(values)/width, width), values)
}

// build is the program: of the nodes of theta and inputs it makes u inside, then the residual of each probe, and after that of
// each that is claimed to vanish what it is for another function.
func (t *trial) build(in []*graph.Node) []*graph.Node {
	m := t.model
	theta, gate, size := in[0], in[1], in[2]
	in = in[3:]
	next := func(there bool) *graph.Node {
		if !there {
			return nil
		}
		n := in[0]
		in = in[1:]
		return n
	}
	of := parameters{theta, next(m.numbers != nil)}
	inside := next(true)
	asked := map[string][]*graph.Node{}
	inputs := pde.Inputs{Asked: func(coefficient string, value *graph.Node) { asked[coefficient] = append(asked[coefficient], value) }}
	within := inputs
	within.Directions = func() *graph.Node { t.laplacian = true; return nil }
	u := m.gated(of, inside, within, gate)
	out := []*graph.Node{graph.ConvertDType(u.U(), dtypes.Float64)}
	for _, p := range t.equations() {
		r := t.residual(p, u, inside)
		p.constant = !madeOf(r)[theta]
		if out = append(out, r); p.claimed {
			out = append(out, t.residual(p, m.other(of, inside, pde.Inputs{}, size), inside))
		}
	}
	for _, p := range t.conditions() {
		x := next(true)
		with, other := inputs, pde.Inputs{}
		with.Normal = next(p.points.Normals != nil)
		if partner := next(p.partner != nil); partner != nil {
			with.Partner = m.gated(of, partner, with, gate)
			other.Partner = m.other(of, partner, pde.Inputs{Normal: with.Normal}, size)
		}
		with.Values = next(p.values != nil)
		other.Normal, other.Values = with.Normal, with.Values
		r := t.residual(p, m.gated(of, x, with, gate), x)
		p.constant = !madeOf(r)[theta]
		if out = append(out, r); p.claimed {
			out = append(out, t.residual(p, m.other(of, x, other, size), x))
		}
	}
	t.occurrences(asked, append(out[1:len(out):len(out)], t.variational(u)...))
	return out
}

// residual builds that of a probe at some points, shape [N, components].
func (t *trial) residual(p *probe, u *pde.Fields, x *graph.Node) *graph.Node {
	rows := x.Shape().Dimensions[0]
	blank := graph.Zeros(x.Graph(), shapes.Make(dtypes.Float64, rows, 1))
	var r *graph.Node
	build := func() { r = t.model.residualOf(&p.term, u, rows, nil) }
	if p.own && rows != len(p.condition.Points) { // it may be made for these points alone
		if exceptions.Try(build) != nil {
			p.dropped = p.dropped || rows == p.points.N
			return blank
		}
	} else {
		build()
	}
	components := r.Shape().Dimensions[1]
	if p.components != 0 && components != p.components {
		panic(usercode.Wrong(p.code, "pinn: the residual %q of problem %q has the shapes [N, %d] and [N, %d] for different numbers N of points, expected as many components for any: a column [N, 1] and a row [1, N] make [N, N]",
			p.name, t.model.problem.Name, p.components, components))
	}
	if p.own && components == rows && rows > 4*len(t.model.problem.Unknowns) { // a row that is as long as there are points
		panic(usercode.Wrong(p.code, "pinn: the residual %q of problem %q has shape [%d, %d] at its %d points, expected a few components for each: a column [N, 1] and a row [1, N] make [N, N]",
			p.name, t.model.problem.Name, rows, components, rows))
	}
	p.components = components
	return graph.ConvertDType(r, dtypes.Float64)
}

// variational builds what a form of the loss may take in the place of equations.
func (t *trial) variational(u *pde.Fields) []*graph.Node {
	var nodes []*graph.Node
	m := t.model
	unknown := len(m.problem.Coefficients) > 0 // perhaps there
	if _, ritz := m.options.Form.(DeepRitz); m.problem.Energy != nil && (ritz || unknown) {
		rows := u.X().Shape().Dimensions[0]
		energy := &term{name: energyTerm, what: "Energy", code: m.problem.Energy, energy: true,
			build: func(u *pde.Fields, _ []*graph.Node) *graph.Node { return m.problem.Energy(u) }}
		nodes = append(nodes, m.residualOf(energy, u, rows, nil))
	}
	if _, weak := m.options.Form.(Variational); weak || unknown {
		for i, w := range m.problem.Weak {
			nodes = append(nodes, usercode.Build(called("weak form", i, w.Name), func() []*graph.Node {
				flux, source := weakTerms(u, w)
				return []*graph.Node{flux, source}
			})...)
		}
	}
	return nodes
}

// gated are the fields of the network, with each of its outputs times a gate.
func (m *Model) gated(p parameters, x *graph.Node, inputs pde.Inputs, gate *graph.Node) *pde.Fields {
	return m.fieldsOf(p, x, inputs, true, func(_, u *graph.Node) *graph.Node {
		return graph.Mul(u, graph.BroadcastToShape(gate, u.Shape()))
	})
}

// other are the fields of a function that no condition is known of, of the given size.
func (m *Model) other(p parameters, x *graph.Node, inputs pde.Inputs, size *graph.Node) *pde.Fields {
	return m.fieldsOf(p, x, inputs, false, func(x, _ *graph.Node) *graph.Node {
		lo, hi := m.problem.Domain.Bounds()
		var sum *graph.Node
		for i := range lo {
			z := graph.MulScalar(graph.AddScalar(pde.Column(x, i), -lo[i]), 1/(hi[i]-lo[i])/(1+0.3*float64(i)))
			if sum == nil {
				sum = z
			} else {
				sum = graph.Add(sum, z)
			}
		}
		var columns []*graph.Node
		for k := range m.problem.Unknowns {
			columns = append(columns, graph.Exp(graph.MulScalar(sum, 1/(1+float64(k)))))
		}
		u := graph.Concatenate(columns, 1)
		return graph.Mul(u, graph.BroadcastToShape(size, u.Shape()))
	})
}

// shapes builds the program for two numbers of points, and compiles nothing.
func (t *trial) shapes(b compute.Backend) error {
	inputs := t.inputs()
	defer device.Free(inputs)
	for _, more := range []int{0, moreProbePoints} {
		g := graph.NewGraph(b, "shapes")
		err := usercode.Call("", func() error {
			nodes := []*graph.Node{graph.Parameter(g, "theta", shapes.Make(t.dtype, t.model.NumParams()))}
			for i, input := range inputs {
				s := input.Shape().Clone()
				if i >= 2 && s.Rank() == 2 { // neither those of unknowns nor those of a window
					s.Dimensions[0] += more
				}
				nodes = append(nodes, graph.Parameter(g, fmt.Sprintf("input%d", i), s))
			}
			t.build(nodes)
			return nil
		})
		g.Finalize()
		if err != nil {
			return err
		}
	}
	return nil
}

// run tries the set-up on the pure-Go back end, which has next to nothing to compile, or else on that of the model.
func (m *Model) try() (*trial, error) {
	host, err := objective.HostBackend()
	if err != nil {
		return nil, err
	}
	for i, b := range []compute.Backend{host, m.backend} {
		t, newErr := m.newTrial()
		if newErr != nil {
			return nil, newErr
		}
		if i > 0 {
			t.dtype = m.options.DType
		}
		if err = t.shapes(b); err == nil {
			err = t.measure(b)
		}
		if err == nil {
			return t, nil
		}
	}
	return nil, err
}
