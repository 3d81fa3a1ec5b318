package objective

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
)

// Terms are the parts of a loss, such as those of the equations and of each condition.
type Terms struct {
	Names []string
	// Build builds them as scalars, one for each name.
	Build func(theta *graph.Node, data []*graph.Node) []*graph.Node
	// Residuals builds the residuals whose sums of squares they are, one node for each name; nil where they are none. Where
	// the objective has Pieces, these are of that kind, too.
	Residuals func(theta *graph.Node, data []*graph.Node) []*graph.Node
	// Rows builds the summands of each term, one node for each name with its first axis along them, and Where says in words which
	// point a row of a term belongs to, with the data that the run has: for Diagnose. Nil for Residuals, and for numbers.
	Rows  func(theta *graph.Node, data []*graph.Node) []*graph.Node
	Where func(term, row int, data []*tensors.Tensor) string
}

// build is Build, with its result checked.
func (t *Terms) build(theta *graph.Node, data []*graph.Node) []*graph.Node {
	return t.checked("Build", allBuilt("Objective.Terms.Build", t.Build, theta, data))
}

// residuals is Residuals, checked likewise.
func (t *Terms) residuals(theta *graph.Node, data []*graph.Node) []*graph.Node {
	return t.checked("Residuals", allBuilt("Objective.Terms.Residuals", t.Residuals, theta, data))
}

func (t *Terms) checked(by string, parts []*graph.Node) []*graph.Node {
	if len(parts) != len(t.Names) {
		panic(fmt.Errorf("objective: Objective.Terms.%s builds %d parts, expected one for each of the names %q", by, len(parts), t.Names))
	}
	return parts
}

// Term is one of the terms as an objective of its own, of which everything may be asked that may be asked of the whole: its
// gradient, its Hessian, its Jacobian. It has the data and the Metric of the objective, which it shares, and no Adaptation. It fails for a
// name that no term has.
func (o *Objective) Term(name string) (*Objective, error) {
	if o == nil {
		return nil, errNil
	}
	if o.Terms == nil {
		return nil, Unsuitable("objective: there is no term %q, as Objective.Terms is nil", name)
	}
	i := slices.Index(o.Terms.Names, name)
	if i < 0 {
		return nil, fmt.Errorf("objective: there is no term %q, expected one of %q", name, o.Terms.Names)
	}
	t := &Objective{Backend: o.Backend, Dim: o.Dim, DType: o.DType, Data: o.Data, Blocks: o.Blocks, Samples: o.Samples, Metric: o.Metric, ctx: o.ctx}
	if o.Terms.Residuals == nil {
		t.Loss = func(theta *graph.Node, data []*graph.Node) *graph.Node { return o.Terms.build(theta, data)[i] }
		return t, nil
	}
	t.Residual = func(theta *graph.Node, data []*graph.Node) *graph.Node { return o.Terms.residuals(theta, data)[i] }
	if o.Pieces != nil {
		t.Pieces = func(theta *graph.Node, data []*graph.Node) []*graph.Node {
			return o.Terms.residuals(theta, data)[i : i+1]
		}
	}
	return t, nil
}

// TermEvaluator computes the terms of an objective. It is compiled once, and follows changes of Objective.Data.
type TermEvaluator struct {
	obj     *Objective
	program *device.Program
}

// NewTermEvaluator fails for an objective without Terms (ErrUnsuitable).
func NewTermEvaluator(obj *Objective) (*TermEvaluator, error) {
	if obj == nil {
		return nil, errNil
	}
	if obj.Terms == nil {
		return nil, Unsuitable("objective: Objective.Terms is nil, expected the parts of the loss")
	}
	p, err := device.NewProgram(obj.Compiler(), "terms", func(in []*graph.Node) []*graph.Node {
		return obj.Terms.build(in[0], in[1:])
	})
	return &TermEvaluator{obj: obj, program: p}, err
}

// Ahead has it compiled beside what the caller does next.
func (e *TermEvaluator) Ahead() {
	if e != nil && e.obj != nil {
		e.program.Ahead([]shapes.Shape{shapes.Make(e.obj.Precision(), e.obj.Dim)}, device.ShapesOf(e.obj.Data))
	}
}

// At computes the terms at a vector, by name. It fails when theta has another length than Objective.Dim.
func (e *TermEvaluator) At(theta []float64) (map[string]float64, error) {
	if e == nil || e.obj == nil {
		return nil, literal("TermEvaluator")
	}
	t, err := e.obj.upload(theta)
	if err != nil {
		return nil, err
	}
	defer device.Free([]*tensors.Tensor{t})
	return e.AtDevice(t)
}

// AtDevice is At for θ on the device.
func (e *TermEvaluator) AtDevice(theta *tensors.Tensor) (map[string]float64, error) {
	if e == nil || e.obj == nil {
		return nil, literal("TermEvaluator")
	}
	out, err := e.program.Call([]*tensors.Tensor{theta}, e.obj.Data)
	if err != nil {
		return nil, err
	}
	defer device.Free(out)
	terms := map[string]float64{}
	for i, name := range e.obj.Terms.Names {
		terms[name] = device.Number(out[i])
	}
	return terms, nil
}
