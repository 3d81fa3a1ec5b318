package optim

import (
	"errors"
	"fmt"
	"strings"
	"unicode"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	ml "github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/ml/model/initializer"
	"github.com/gomlx/gomlx/ml/train/optimizer"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// GoMLX makes a method an optimizer of GoMLX, for a train.Trainer: θ are the trainable variables of the model, one after
// the other, in the floating-point type of the loss, and what the method remembers are variables under "optimizers", so that
// it is in GoMLX's checkpoints. Two kinds of methods can do that:
//
//   - those that take steps as they come, such as Adam, Momentum, Muon or BarzilaiBorwein: one each training step;
//   - those with a line search, if it is Armijo: LBFGS{Search: Armijo{}}, BFGS, NonlinearCG, … The graph of a training step
//     holds the loss at one point only, so that each trial of the search is a training step, and the model holds a trial that
//     is still to be judged. At the end its loss should therefore be looked at, as EvalStep does; the variables state_1 and
//     state_3 of the method are the last point that was accepted and its loss. Losses are compared from step to step: all
//     steps must have the same data, or batches so large that their losses hardly differ. A search that fails, where
//     Armijo in a run may end on the best of its trials, goes back to its start, and the direction forgets all.
//
// The rate is that of the method; GoMLX's hyperparameters for it are not looked at. Building the graph panics, as GoMLX
// does, when the method is of another kind or its settings make no sense. Variables have to be real.
func GoMLX(m Method) optimizer.Interface { return trainerOptimizer{m} }

type trainerOptimizer struct{ method Method }

// UpdateGraph implements optimizer.Interface.
func (o trainerOptimizer) UpdateGraph(scope *ml.Scope, g *graph.Graph, loss *graph.Node) {
	if usercode.Nil(o.method) {
		panic(errors.New("optim: the method of GoMLX is nil, expected for example optim.Adam{}"))
	}
	if !loss.IsScalar() {
		panic(fmt.Errorf("optim: the loss has shape %s, expected a scalar", loss.Shape()))
	}
	var vars []*ml.Variable
	for v := range scope.IterVariables() {
		if v.Trainable && v.InUseByGraph(g) {
			vars = append(vars, v)
		}
	}
	if len(vars) == 0 {
		panic(errors.New("optim: the loss depends on no trainable variables, expected at least one"))
	}
	dtype := loss.DType()
	gradient := flatten(scope.BuildTrainableVariablesGradientsGraph(loss), dtype)
	values := make([]*graph.Node, len(vars))
	for i, v := range vars {
		values[i] = v.NodeValue(g)
	}
	point := &objective.Point{Theta: flatten(values, dtype), Loss: loss, Gradient: gradient}

	rule, err := trainerRuleOf(o.method, g, vars, dtype)
	if err != nil {
		panic(err)
	}
	optimizer.IncrementGlobalStep(g, dtype)
	var memory []*ml.Variable
	var state []*graph.Node
	for i, s := range rule.State(point.Theta.Shape().Size(), dtype) {
		v := o.scope(scope).WithInitializer(initializer.Zero).VariableWithShape(fmt.Sprintf("state_%d", i), s).SetTrainable(false)
		memory, state = append(memory, v), append(state, v.NodeValue(g))
	}
	step, next := rule.Step(point, state)
	for i, v := range memory {
		v.SetNodeValue(next[i])
	}
	offset := 0
	for i, v := range vars {
		size := v.Shape().Size()
		part := graph.Slice(step, graph.AxisRange(offset, offset+size))
		change := graph.ConvertDType(graph.Reshape(part, v.Shape().Dimensions...), v.DType())
		v.SetNodeValue(graph.Add(values[i], change))
		offset += size
	}
}

// Clear implements optimizer.Interface.
func (o trainerOptimizer) Clear(scope *ml.Scope) error {
	return o.scope(scope).DeleteVariablesInScope()
}

// scope is where the state is: methods do not share it.
func (o trainerOptimizer) scope(scope *ml.Scope) *ml.Scope {
	name := strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return r
		}
		return '_'
	}, o.method.Name())
	return scope.At("%s", optimizer.Scope).At("%s", name)
}

// flatten puts variables one after the other.
func flatten(all []*graph.Node, dtype dtypes.DType) *graph.Node {
	parts := make([]*graph.Node, len(all))
	for i, x := range all {
		parts[i] = graph.ConvertDType(graph.Reshape(x, x.Shape().Size()), dtype)
	}
	return graph.Concatenate(parts, 0)
}

// trainerRuleOf starts the method on an objective that has what a trainer has, and takes its direction.
func trainerRuleOf(m Method, g *graph.Graph, vars []*ml.Variable, dtype dtypes.DType) (Direction, error) {
	obj := &objective.Objective{Backend: g.Backend(), DType: dtype, Function: func(_, _ []float64) float64 { return 0 }}
	for _, v := range vars {
		obj.Blocks = append(obj.Blocks, objective.Block{Name: v.Path(), Offset: obj.Dim, Dims: v.Shape().Dimensions})
		obj.Dim += v.Shape().Size()
	}
	if err := obj.Check(); err != nil {
		return nil, err
	}
	directed, ok := m.(Directed)
	if !ok {
		return nil, fmt.Errorf("optim: %s cannot run in a trainer of GoMLX, expected a method with fixed steps, such as Adam, or with a line search", m.Name())
	}
	d, by, err := directed.Direct(obj)
	if err != nil {
		return nil, fmt.Errorf("optim: for a trainer of GoMLX: %w", err)
	}
	switch by := by.(type) {
	case nil:
		return d, nil
	case search.Armijo:
		by, err := by.WithDefaults()
		return trainingSearch{Armijo: by, direction: d}, err
	}
	return nil, fmt.Errorf("optim: the Search of %s is %T, expected Armijo in a trainer of GoMLX", m.Name(), by)
}
