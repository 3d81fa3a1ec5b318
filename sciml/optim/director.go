package optim

import (
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// director finds the directions that a line search goes along. It may call the device as often as it needs.
type director interface {
	// blank is what it remembers on the device when it knows nothing.
	blank() []*tensors.Tensor
	// direct returns the direction at a point, and the state to remember if a step along it is taken.
	direct(at *evaluated, state []*tensors.Tensor) (directed, error)
	// rebase returns the state without what belongs to the objective before its data changed.
	rebase(state []*tensors.Tensor) []*tensors.Tensor
}

// directed is a direction p with its slope ∇fᵀp and its length.
type directed struct {
	step          *tensors.Tensor
	slope, length float64
	next          []*tensors.Tensor // state
	products      int               // evaluations, or products that count as such
	why           string            // there is none, where that is known: a matrix is NaN, for example
}

// graphDirector is a Direction as one program.
type graphDirector struct {
	obj       *objective.Objective
	direction Direction
	program   *device.Program
}

func newGraphDirector(obj *objective.Objective, d Direction) (*graphDirector, error) {
	g := &graphDirector{obj: obj, direction: d}
	size := len(d.State(obj.Dim, obj.Precision()))
	var err error
	g.program, err = device.NewProgram(obj.Compiler(), "direction", func(in []*graph.Node) []*graph.Node {
		p := obj.PointOf(in[0], in[1], in[2], in[3+size:])
		step, next := d.Step(p, in[3:3+size])
		return append([]*graph.Node{step, device.Dot(step, p.Gradient), device.Norm(step)}, next...)
	})
	return g, err
}

func (g *graphDirector) blank() []*tensors.Tensor {
	return device.Zeros(g.direction.State(g.obj.Dim, g.obj.Precision()))
}

func (g *graphDirector) direct(at *evaluated, state []*tensors.Tensor) (directed, error) {
	out, err := g.program.Call([]*tensors.Tensor{at.theta, device.Scalar(g.obj.Precision(), at.loss), at.gradient}, state, g.obj.Data)
	if err != nil {
		return directed{}, err
	}
	return directed{step: out[0], slope: device.Number(out[1]), length: device.Number(out[2]), next: out[3:]}, nil
}

func (g *graphDirector) rebase(state []*tensors.Tensor) []*tensors.Tensor {
	return rebase(g.direction, state)
}
