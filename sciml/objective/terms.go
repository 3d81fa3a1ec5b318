package objective

import (
	"errors"
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gosciml/gosciml/sciml/internal/device"
)

// Terms are the parts of a loss.
type Terms struct {
	Names []string
	// Build builds them as scalars, one for each name.
	Build func(theta *graph.Node, data []*graph.Node) []*graph.Node
	// Residuals builds the residuals whose sums of squares they are, one node for each name; nil where they are none. Where
	// the objective has Pieces, these are of that kind, too.
	Residuals func(theta *graph.Node, data []*graph.Node) []*graph.Node
}

// TermEvaluator computes the parts of an objective. It is compiled once, and follows changes of Objective.Data.
type TermEvaluator struct {
	obj     *Objective
	program *device.Program
}

// NewTermEvaluator fails for an objective without Terms.
func NewTermEvaluator(obj *Objective) (*TermEvaluator, error) {
	if obj.Terms == nil {
		return nil, errors.New("objective: Objective.Terms is nil, expected the parts of the loss")
	}
	p, err := device.NewProgram(obj.Backend, "terms", func(in []*graph.Node) []*graph.Node {
		return obj.Terms.build(in[0], in[1:])
	})
	return &TermEvaluator{obj: obj, program: p}, err
}

// build is Build, with its result checked.
func (t *Terms) build(theta *graph.Node, data []*graph.Node) []*graph.Node {
	parts := t.Build(theta, data)
	if len(parts) != len(t.Names) {
		panic(fmt.Errorf("objective: Objective.Terms builds %d parts, expected one for each of the names %q", len(parts), t.Names))
	}
	return parts
}

// BuildPoint computes the parts at θ on the device, by name.
func (e *TermEvaluator) At(theta *tensors.Tensor) (map[string]float64, error) {
	out, err := e.program.Call([]*tensors.Tensor{theta}, e.obj.Data)
	if err != nil {
		return nil, err
	}
	terms := map[string]float64{}
	for i, name := range e.obj.Terms.Names {
		terms[name] = device.Number(out[i])
	}
	return terms, nil
}
