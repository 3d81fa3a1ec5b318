package autodiff

import (
	"slices"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
)

// Cost is what a Jacobian takes.
type Cost struct {
	// Passes is the number of reverse passes.
	Passes int
	// Rows is that of all the Jacobians that it is made from, of what they are carried through, and its own: each row has P
	// numbers.
	Rows int
}

// JacobianCost is what Jacobian would take, or why it cannot be had. Nothing is computed.
func JacobianCost(r, theta *graph.Node) (Cost, error) {
	checkJacobian(r, theta)
	p := newPlanner(theta)
	plan, refused := p.of(unfused(r, theta))
	if refused != nil {
		return Cost{}, refused
	}
	return p.cost(plan), nil
}

// mostPasses bounds the reverse passes where points interact: each becomes a part of the graph.
const mostPasses = 256

// mostMembers bounds the width of bundles that an operation has to be repeated for, see eachOf.
const mostMembers = 64

// mostOfWeight bounds the entries of the Jacobian of a weight that is no slice of theta.
const mostOfWeight = 1 << 26

// planner finds ways to the Jacobians of nodes with respect to theta.
type planner struct {
	theta   *graph.Node
	byTheta *engine
	refused map[nodeAxis]*refusal
	plans   map[graph.NodeId]*jacobianPlan
	built   map[graph.NodeId]*graph.Node
}

// jacobianPlan is how to get the Jacobian of a node: by the structure of its rows; or from those of other nodes, which are carried
// forward; or else by a reverse pass for each entry.
type jacobianPlan struct {
	node    *graph.Node
	refused *refusal // it cannot be had

	by      *pointwise
	axis    int
	weights []*jacobianPlan // of weights that are no slices of theta

	forward bool
	leaves  []*jacobianPlan
	direct  bool // theta itself is one of them
}

func newPlanner(theta *graph.Node) *planner {
	return &planner{theta: theta, byTheta: newEngine(theta), refused: map[nodeAxis]*refusal{},
		plans: map[graph.NodeId]*jacobianPlan{}, built: map[graph.NodeId]*graph.Node{}}
}

// of is the cheapest plan for a node, or why there is none.
func (p *planner) of(n *graph.Node) (*jacobianPlan, *refusal) {
	plan, known := p.plans[n.Id()]
	if !known {
		plan = p.choose(n)
		p.plans[n.Id()] = plan
	}
	return plan, plan.refused
}

func (p *planner) choose(n *graph.Node) *jacobianPlan {
	single := n.NumOutputs() == 1 && !n.DType().IsComplex()
	var why *refusal
	if single {
		if n.Shape().Size() == 1 || n.Rank() > 0 && n.Rank() < 3 && n.Shape().Dimensions[0] == 1 && n.Shape().Size() <= mostPasses {
			return &jacobianPlan{node: n} // there is nothing to separate
		}
		for axis, size := range n.Shape().Dimensions {
			if size == 1 {
				continue
			}
			plan, refused := p.structured(n, axis)
			if plan != nil {
				return plan
			}
			if why == nil {
				why = refused
			}
		}
	}
	forward, refused := p.forward(n)
	if why == nil {
		why = refused
	}
	if single && n.Shape().Size() <= mostPasses && (forward == nil || p.cost(forward).Passes >= n.Shape().Size()) {
		return &jacobianPlan{node: n}
	}
	if forward == nil || p.cost(forward).Passes > mostPasses {
		return &jacobianPlan{node: n, refused: why}
	}
	return forward
}

// structured is the plan by the structure of rows along an axis.
func (p *planner) structured(n *graph.Node, axis int) (*jacobianPlan, *refusal) {
	key := nodeAxis{n.Id(), axis}
	if refused := p.refused[key]; refused != nil {
		return nil, refused
	}
	by := blankPointwise(p.theta, p.byTheta)
	by.refused = p.refused
	refused := catch(func() { by.visit(n, axis) })
	for _, failed := range by.path {
		p.refused[failed] = refused
	}
	plan := &jacobianPlan{node: n, by: by, axis: axis}
	if refused == nil {
		plan.weights, refused = p.weightsOf(by)
	}
	if refused != nil {
		p.refused[key] = refused
		return nil, refused
	}
	return plan, nil
}

// weightsOf are the plans of weights that are no slices of theta. They must not be made from rows, since the signals of those
// would count what goes through the weight.
func (p *planner) weightsOf(by *pointwise) (plans []*jacobianPlan, refused *refusal) {
	meets := map[graph.NodeId]bool{}
	for _, m := range by.meetings {
		meets[m.at.Id()] = true
	}
	seen := map[graph.NodeId]bool{}
	for _, m := range by.meetings {
		if seen[m.weight.Id()] {
			continue
		}
		seen[m.weight.Id()] = true
		refused := catch(func() { by.find(by.source(m.weight)) })
		if refused == nil {
			continue
		}
		if p.reaches(m.weight, meets) || m.weight.Shape().Size()*p.theta.Shape().Size() > mostOfWeight {
			return nil, refused
		}
		plan, none := p.of(m.weight)
		if none != nil {
			return nil, refused
		}
		plans = append(plans, plan)
	}
	return plans, nil
}

// reaches reports whether a node is made from one of the others.
func (p *planner) reaches(n *graph.Node, others map[graph.NodeId]bool) bool {
	seen := map[graph.NodeId]bool{}
	var walk func(n *graph.Node) bool
	walk = func(n *graph.Node) bool {
		if seen[n.Id()] || !p.byTheta.depends(n) {
			return false
		}
		seen[n.Id()] = true
		return others[n.Id()] || slices.ContainsFunc(n.Inputs(), walk)
	}
	return walk(n)
}

// forward is the plan from the Jacobians of a node's inputs, which are themselves carried forward where they have to be.
func (p *planner) forward(n *graph.Node) (*jacobianPlan, *refusal) {
	plan := &jacobianPlan{node: n, forward: true}
	if refused := catch(func() { p.checkForward(n) }); refused != nil {
		return nil, refused
	}
	for k, input := range n.Inputs() {
		switch {
		case !matters(n, k) || !p.byTheta.depends(input):
		case input == p.theta:
			plan.direct = true
		default:
			of, refused := p.of(input)
			if refused != nil {
				return nil, refused
			}
			leaves := []*jacobianPlan{of}
			if of.forward {
				leaves, plan.direct = of.leaves, plan.direct || of.direct
			}
			for _, leaf := range leaves {
				if !slices.Contains(plan.leaves, leaf) {
					plan.leaves = append(plan.leaves, leaf)
				}
			}
		}
	}
	return plan, nil
}

// checkForward refuses operations that cannot carry a bundle of P directions.
func (p *planner) checkForward(n *graph.Node) {
	r, known := rules[n.Type()]
	if _, is := r.(refused); is || !known {
		refuse(n, "this operation has no forward derivative")
	}
	if p.theta.Shape().Size() > mostMembers && !carries(n) {
		refuse(n, "this operation would be repeated for each parameter")
	}
}

// cost adds up what a plan takes.
func (p *planner) cost(plan *jacobianPlan) Cost {
	if plan.node.NumOutputs() != 1 {
		return Cost{}
	}
	size := plan.node.Shape().Size()
	c := Cost{Passes: size, Rows: size}
	switch {
	case plan.by != nil:
		c.Passes = size / plan.node.Shape().Dimensions[plan.axis]
		for _, w := range plan.weights {
			of := p.cost(w)
			c.Passes, c.Rows = c.Passes+of.Passes, c.Rows+of.Rows
		}
	case plan.forward:
		c = Cost{Rows: p.carried(plan)}
		for _, leaf := range plan.leaves {
			of := p.cost(leaf)
			c.Passes, c.Rows = c.Passes+of.Passes, c.Rows+of.Rows
		}
		if plan.direct {
			c.Rows += p.theta.Shape().Size()
		}
	}
	return c
}

// carried is the size of the nodes that Jacobians are carried through.
func (p *planner) carried(plan *jacobianPlan) int {
	done := map[graph.NodeId]bool{}
	for _, leaf := range plan.leaves {
		done[leaf.node.Id()] = true
	}
	var walk func(n *graph.Node) int
	walk = func(n *graph.Node) int {
		if done[n.Id()] || n == p.theta || !p.byTheta.depends(n) {
			return 0
		}
		done[n.Id()] = true
		total := 0
		if n.NumOutputs() == 1 {
			total = n.Shape().Size()
		}
		for _, input := range n.Inputs() {
			total += walk(input)
		}
		return total
	}
	return walk(plan.node)
}

// build builds the Jacobian, shape [size of the node, P].
func (p *planner) build(plan *jacobianPlan) *graph.Node {
	n := plan.node
	if j := p.built[n.Id()]; j != nil {
		return j
	}
	var j *graph.Node
	switch {
	case plan.by != nil:
		plan.by.general = map[graph.NodeId]*graph.Node{}
		for _, w := range plan.weights {
			plan.by.general[w.node.Id()] = p.build(w)
		}
		j = plan.by.along(n, plan.axis)
	case plan.forward:
		j = p.carry(plan)
	default:
		j = p.byEntries(n)
	}
	p.built[n.Id()] = j
	return j
}

// byEntries takes a reverse pass for each entry.
func (p *planner) byEntries(n *graph.Node) *graph.Node {
	size := n.Shape().Size()
	rows := make([]*graph.Node, size)
	flat := graph.Reshape(n, 1, size)
	for i := range rows {
		entry := flat
		if size > 1 {
			entry = graph.Slice(flat, graph.AxisRange(), graph.AxisElem(i))
		}
		rows[i] = graph.ExpandAxes(Gradient(graph.ReduceAllSum(entry), p.theta), 0)
	}
	if size == 1 {
		return rows[0]
	}
	return graph.Concatenate(rows, 0)
}

// carry takes the Jacobians of the leaves forward to the node, as a bundle of P directions.
func (p *planner) carry(plan *jacobianPlan) *graph.Node {
	n, params := plan.node, p.theta.Shape().Size()
	seeds, inputs := map[graph.NodeId]*graph.Node{}, []*graph.Node{}
	for _, leaf := range plan.leaves {
		turned := graph.Transpose(p.build(leaf), 0, 1)
		seeds[leaf.node.Id()] = graph.Reshape(turned, append([]int{params}, leaf.node.Shape().Dimensions...)...)
		inputs = append(inputs, leaf.node)
	}
	if plan.direct {
		seeds[p.theta.Id()] = graph.ConvertDType(graph.Diagonal(n.Graph(), params), p.theta.DType())
		inputs = append(inputs, p.theta)
	}
	e := newEngine(inputs...)
	all := e.direction("parameters", params, false, func() map[graph.NodeId]*graph.Node { return seeds })
	s := e.mono(n, mono{all})
	if s.zero() {
		return graph.Zeros(n.Graph(), shapes.Make(n.DType(), n.Shape().Size(), params))
	}
	return graph.Transpose(graph.Reshape(s.node, params, n.Shape().Size()), 0, 1)
}

// catch returns the refusal with which do ends, if it does.
func catch(do func()) (refused *refusal) {
	defer func() {
		if r := recover(); r != nil {
			var ok bool
			if refused, ok = r.(*refusal); !ok {
				panic(r)
			}
		}
	}()
	do()
	return nil
}
