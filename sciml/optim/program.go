package optim

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// program is a compiled graph with a name for its errors.
type program struct {
	name string
	exec *graph.Exec
}

func newProgram(obj *Objective, name string, build func(inputs []*graph.Node) []*graph.Node) (*program, error) {
	exec, err := graph.NewExec(obj.Backend, build)
	if err != nil {
		return nil, fmt.Errorf("optim: building the %s program: %w", name, err)
	}
	return &program{name: name, exec: exec.WithName(name)}, nil
}

// call runs the program on device tensors; the first call compiles it.
func (p *program) call(groups ...[]*tensors.Tensor) ([]*tensors.Tensor, error) {
	var args []any
	for _, group := range groups {
		for _, t := range group {
			args = append(args, t)
		}
	}
	out, err := p.exec.Call(args...)
	if err != nil {
		return nil, fmt.Errorf("optim: running the %s program: %w", p.name, err)
	}
	return out, nil
}

// number reads a scalar of either precision.
func number(t *tensors.Tensor) float64 {
	if t.DType() == dtypes.Float32 {
		return float64(tensors.ToScalar[float32](t))
	}
	return tensors.ToScalar[float64](t)
}

// numbers reads a vector of either precision.
func numbers(t *tensors.Tensor) ([]float64, error) {
	if t.DType() != dtypes.Float32 {
		return tensors.CopyFlatData[float64](t)
	}
	flat, err := tensors.CopyFlatData[float32](t)
	if err != nil {
		return nil, err
	}
	out := make([]float64, len(flat))
	for i, v := range flat {
		out[i] = float64(v)
	}
	return out, nil
}

// vector makes a tensor of the objective's precision.
func vector(dtype dtypes.DType, values []float64) *tensors.Tensor {
	if dtype != dtypes.Float32 {
		return tensors.FromFlatDataAndDimensions(values, len(values))
	}
	narrow := make([]float32, len(values))
	for i, v := range values {
		narrow[i] = float32(v)
	}
	return tensors.FromFlatDataAndDimensions(narrow, len(narrow))
}

func scalar(dtype dtypes.DType, value float64) *tensors.Tensor {
	if dtype == dtypes.Float32 {
		return tensors.FromScalar(float32(value))
	}
	return tensors.FromScalar(value)
}

func zeros(all []shapes.Shape) []*tensors.Tensor {
	out := make([]*tensors.Tensor, len(all))
	for i, s := range all {
		out[i] = tensors.FromShape(s)
	}
	return out
}

func norm(x *graph.Node) *graph.Node { return graph.Sqrt(dot(x, x)) }

func dot(a, b *graph.Node) *graph.Node { return graph.ReduceAllSum(graph.Mul(a, b)) }
