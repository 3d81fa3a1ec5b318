package optim

import (
	"cmp"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// Adam is the method of Kingma and Ba (2015), Algorithm 1, on the full objective, with two variants. The zero value is
// usable: fields that are zero take the defaults; use Zero for a Beta1, Beta2 or Epsilon of 0.
type Adam struct {
	// Rate is the step size α; 1e-3 when zero.
	Rate float64
	// Beta1 and Beta2 are the decay rates of the moments, at least 0 and below 1; 0.9 and 0.999 when zero.
	Beta1, Beta2 float64
	// Epsilon is added to the root of the second moment; 1e-8 when zero.
	Epsilon float64
	// AMSGrad divides by the largest second moment so far (Reddi, Kale and Kumar 2018, Algorithm 2; with the bias
	// correction of Adam, which they leave out).
	AMSGrad bool
	// WeightDecay is λ of AdamW (Loshchilov and Hutter 2019, Algorithm 2): a step is −α(m̂/(√v̂+ε) + λθ), so that θ
	// decays apart from the moments. As in most software λ is multiplied by the rate, α included.
	WeightDecay float64
	// Schedule changes the rate; nil for a constant one.
	Schedule Schedule
}

// Name implements Method.
func (a Adam) Name() string { return "Adam" }

// Start implements Method.
func (a Adam) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	return startDirect(a, obj, theta)
}

// Direct implements Directed.
func (a Adam) Direct(obj *objective.Objective) (Direction, search.Search, error) {
	a = a.withDefaults()
	if err := a.check("Adam"); err != nil {
		return nil, nil, err
	}
	d, err := withSchedule("Adam", adamRule{a}, a.Schedule)
	return d, nil, err
}

func (a Adam) withDefaults() Adam {
	a.Rate = cmp.Or(a.Rate, 1e-3)
	a.Beta1 = cmp.Or(a.Beta1, 0.9)
	a.Beta2 = cmp.Or(a.Beta2, 0.999)
	a.Epsilon = cmp.Or(a.Epsilon, 1e-8)
	return a
}

func (a Adam) check(owner string) error {
	return checkSettings(owner, positive("Rate", a.Rate), fraction("Beta1", a.Beta1), fraction("Beta2", a.Beta2),
		notNegative("Epsilon", a.Epsilon), notNegative("WeightDecay", a.WeightDecay))
}

type adamRule struct{ Adam }

// The state of adamRule: the moments; β₁ᵗ and β₂ᵗ, stored as 1 − βᵗ so that they start at zero; with AMSGrad the largest
// second moment.
const (
	adamFirst = iota
	adamSecond
	adamBias1
	adamBias2
	adamLargest
)

func (a adamRule) State(dim int, dtype dtypes.DType) []shapes.Shape {
	all := []shapes.Shape{
		adamFirst:   shapes.Make(dtype, dim),
		adamSecond:  shapes.Make(dtype, dim),
		adamBias1:   shapes.Make(dtype),
		adamBias2:   shapes.Make(dtype),
		adamLargest: shapes.Make(dtype, dim),
	}
	if !a.AMSGrad {
		all = all[:adamLargest]
	}
	return all
}

func (a adamRule) Step(p *objective.Point, factor *graph.Node, state []*graph.Node) (*graph.Node, []*graph.Node) {
	one := graph.ScalarOne(p.Theta.Graph(), p.Theta.DType())
	m := blend(state[adamFirst], p.Gradient, a.Beta1)
	v := blend(state[adamSecond], graph.Square(p.Gradient), a.Beta2)
	// 1 − βᵗ⁺¹ = β(1 − βᵗ) + (1 − β).
	bias1, bias2 := blend(state[adamBias1], one, a.Beta1), blend(state[adamBias2], one, a.Beta2)
	next := []*graph.Node{adamFirst: m, adamSecond: v, adamBias1: bias1, adamBias2: bias2}
	if a.AMSGrad {
		v = graph.Max(state[adamLargest], v)
		next = append(next, v)
	}
	direction := overRoot(graph.Div(m, bias1), graph.Div(v, bias2), a.Epsilon)
	return descend(withDecay(direction, p.Theta, a.WeightDecay), factor, a.Rate), next
}

// withDecay adds λθ to a direction.
func withDecay(direction, theta *graph.Node, decay float64) *graph.Node {
	if decay == 0 {
		return direction
	}
	return graph.Add(direction, graph.MulScalar(theta, decay))
}
