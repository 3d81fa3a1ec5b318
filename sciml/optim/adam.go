package optim

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// Adam is the method of Kingma and Ba (2015), Algorithm 1, on the full objective. The zero value is usable: fields
// that are zero take the defaults.
type Adam struct {
	// Rate is the step size α; 1e-3 when zero.
	Rate float64
	// Beta1 and Beta2 are the decay rates of the moments; 0.9 and 0.999 when zero.
	Beta1, Beta2 float64
	// Epsilon is added to the root of the second moment; 1e-8 when zero.
	Epsilon float64
}

// Name implements Method.
func (a Adam) Name() string { return "Adam" }

// Start implements Method.
func (a Adam) Start(obj *Objective, theta *tensors.Tensor) (Stepper, error) {
	a = a.withDefaults()
	for _, field := range []struct {
		name      string
		value, at float64
	}{{"Beta1", a.Beta1, 1}, {"Beta2", a.Beta2, 1}} {
		if !(field.value >= 0 && field.value < field.at) {
			return nil, fmt.Errorf("optim: Adam.%s is %v, expected at least 0 and below 1", field.name, field.value)
		}
	}
	if a.Rate < 0 || a.Epsilon < 0 || !finite(a.Rate) || !finite(a.Epsilon) {
		return nil, fmt.Errorf("optim: Adam.Rate is %v and Epsilon %v, expected finite numbers above 0", a.Rate, a.Epsilon)
	}
	return startFixedStep(obj, theta, adamDirection{a})
}

func (a Adam) withDefaults() Adam {
	a.Rate = orDefault(a.Rate, 1e-3)
	a.Beta1 = orDefault(a.Beta1, 0.9)
	a.Beta2 = orDefault(a.Beta2, 0.999)
	a.Epsilon = orDefault(a.Epsilon, 1e-8)
	return a
}

func orDefault(v, or float64) float64 {
	if v == 0 {
		return or
	}
	return v
}

// adamDirection keeps the first moment, the second moment and β₁ᵗ, β₂ᵗ, stored as 1 − βᵗ so that they start at zero.
type adamDirection struct{ Adam }

func (adamDirection) State(dim int, dtype dtypes.DType) []shapes.Shape {
	return []shapes.Shape{
		shapes.Make(dtype, dim), shapes.Make(dtype, dim), shapes.Make(dtype), shapes.Make(dtype),
	}
}

func (a adamDirection) Step(p *Point, state []*graph.Node) (*graph.Node, []*graph.Node) {
	blend := func(old, fresh *graph.Node, beta float64) *graph.Node {
		return graph.Add(graph.MulScalar(old, beta), graph.MulScalar(fresh, 1-beta))
	}
	one := graph.ScalarOne(p.theta.Graph(), p.theta.DType())
	m := blend(state[0], p.gradient, a.Beta1)
	v := blend(state[1], graph.Square(p.gradient), a.Beta2)
	// 1 − βᵗ⁺¹ = β(1 − βᵗ) + (1 − β).
	bias1, bias2 := blend(state[2], one, a.Beta1), blend(state[3], one, a.Beta2)
	root := graph.AddScalar(graph.Sqrt(graph.Div(v, bias2)), a.Epsilon)
	step := graph.MulScalar(graph.Div(graph.Div(m, bias1), root), -a.Rate)
	return step, []*graph.Node{m, v, bias1, bias2}
}
