package objective

import (
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
)

// Losses computes f at many points in one call to the device, such as those along a line. It is compiled once for each number of
// points.
type Losses struct {
	obj  *Objective
	loop *device.Loop
}

// NewLosses makes one, with a name for its errors. Point builds a θ (shape [Dim]) from its number (an int32, from 0 on) and the inputs
// that At is given. It fails for an objective that is a plain function (ErrUnsuitable).
func NewLosses(obj *Objective, name string, point func(number *graph.Node, inputs []*graph.Node) *graph.Node) (*Losses, error) {
	if err := obj.Check(); err != nil {
		return nil, err
	}
	if err := obj.NeedGraph("Losses", "a graph of the loss"); err != nil {
		return nil, err
	}
	loop, err := device.NewLoop(obj.Compiler(), name, 3, func(vars []*graph.Node) []*graph.Node {
		// The variables are whether to go on, the number and the losses; how many there are, the inputs and the data stay.
		number, losses, count, inputs, data := vars[1], vars[2], vars[3], vars[4:len(vars)-len(obj.Data)], vars[len(vars)-len(obj.Data):]
		loss := obj.BuildLoss(point(number, inputs), data)
		here := graph.Equal(graph.Iota(number.Graph(), shapes.Make(dtypes.Int32, losses.Shape().Size()), 0), number)
		next := graph.AddScalar(number, 1)
		return []*graph.Node{graph.LessThan(next, count), next, graph.Where(here, loss, losses)}
	})
	return &Losses{obj, loop}, err
}

// At returns the losses of points 0 to count − 1, for these inputs and data; some may be NaN or infinite.
func (l *Losses) At(count int, inputs, data []*tensors.Tensor) ([]float64, error) {
	if l == nil || l.obj == nil {
		return nil, literal("Losses")
	}
	first := []*tensors.Tensor{tensors.FromScalar(int32(0)), device.Vector(l.obj.Precision(), make([]float64, count))}
	many := []*tensors.Tensor{tensors.FromScalar(int32(count))}
	defer device.Free(append(first, many...))
	out, err := l.loop.Run(first, many, inputs, data)
	if err != nil {
		return nil, err
	}
	defer device.Free(out)
	return device.Numbers(out[1])
}

// NumberedRow is row number (an int32) of a matrix, or the entry of a vector, as NewLosses may want it.
func NumberedRow(of, number *graph.Node) *graph.Node {
	return graph.Reshape(graph.Gather(of, graph.Reshape(number, 1, 1)), of.Shape().Dimensions[1:]...)
}
