package optim

import (
	"cmp"
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// Shampoo (Gupta, Koren and Singer 2018, Algorithm 1) preconditions the gradient G of a weight matrix from both sides. With
// exponential averages in the place of their sums, L of GGᵀ and R of GᵀG, and of the gradients, M, all without their bias,
//
//	W ← W − α(γL̂^(−1/4) M̂ R̂^(−1/4) + λW).
//
// Every Frequency steps the roots are renewed, by the coupled Newton iteration of Anil et al. (2021, "Scalable second order
// optimization for deep learning", appendix). It is spread over the steps up to the renewal: roots are those of the
// factors of Frequency − 1 steps before. Until there are roots, and for blocks that are no matrices or have a dimension above
// MaxSize, steps are Adam's. The scale γ is that of the Grafting.
//
// A step costs about 3(m+n)mn + 120(m³+n³)/Frequency multiplications for a matrix [m, n]. The objective has to have Blocks.
// The zero value is usable: fields that are zero take the defaults; use Zero for a Beta1, Beta2 or Epsilon of 0.
type Shampoo struct {
	// Rate is the step size α; 1e-3 when zero.
	Rate float64
	// Beta1 and Beta2 are the decay rates of the averages of gradients and of their products, at least 0 and below 1; 0.9
	// and 0.95 when zero. For Burgers' and Poisson's equation 0.95 led to a lower loss than Adam's 0.999.
	Beta1, Beta2 float64
	// Epsilon is that of Adam; 1e-8 when zero.
	Epsilon float64
	// Damping times its trace is added to the eigenvalues of a factor, above 0 and below 1; 1e-8 when zero. For one of size n
	// it is at least n times the rounding unit of the objective's type.
	Damping float64
	// Grafting is where the length of a step is taken from; AdamGrafting when zero.
	Grafting Grafting
	// WeightDecay is λ, for all parameters.
	WeightDecay float64
	// Frequency is the number of steps between two renewals of the roots; 10 when zero.
	Frequency int
	// MaxSize is the largest dimension of a matrix that has factors; 512 when zero.
	MaxSize int
	// Schedule changes the rate; nil for a constant one.
	Schedule Schedule
	// MaxMemory is the most that the factors may need, in bytes; 4 GiB when zero, or 256 vectors of the length of θ where they are more.
	MaxMemory int64
}

// Grafting is where Shampoo takes the length of the step of a matrix from (Agarwal et al. 2020, "Disentangling adaptive
// gradient methods from learning rates").
type Grafting int

const (
	// AdamGrafting gives the step of a matrix the Frobenius norm of Adam's step, so that rates are those of Adam.
	AdamGrafting Grafting = iota
	// NoGrafting takes the step as it is, γ = 1. Of a single gradient its norm would be the root of the rank.
	NoGrafting
)

// Name implements Method.
func (Shampoo) Name() string { return "Shampoo" }

// Start implements Method. It fails where there is no matrix to precondition.
func (s Shampoo) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	return startDirect(s, obj, theta)
}

// Direct implements Directed.
func (s Shampoo) Direct(obj *objective.Objective) (Direction, search.Search, error) {
	s.Rate, s.Epsilon, s.Damping = cmp.Or(s.Rate, 1e-3), cmp.Or(s.Epsilon, 1e-8), cmp.Or(s.Damping, 1e-8)
	s.Beta1, s.Beta2 = cmp.Or(s.Beta1, 0.9), cmp.Or(s.Beta2, 0.95)
	s.Frequency, s.MaxSize = cmp.Or(s.Frequency, 10), cmp.Or(s.MaxSize, 512)
	if err := checkSettings("Shampoo", positive("Rate", s.Rate), fraction("Beta1", s.Beta1), fraction("Beta2", s.Beta2),
		notNegative("Epsilon", s.Epsilon), positive("Damping", s.Damping), fraction("Damping", s.Damping),
		notNegative("WeightDecay", s.WeightDecay), counted("Frequency", s.Frequency), counted("MaxSize", s.MaxSize),
		choice("Grafting", s.Grafting, "AdamGrafting", "NoGrafting")); err != nil {
		return nil, nil, err
	}
	k, err := shampooFactorsOf(obj, "Shampoo", s.MaxSize)
	if err != nil {
		return nil, nil, err
	}
	rule := shampooRule{s, k}
	if err := needMemory(obj, "Shampoo", "the factors", numbersOf(rule.State(obj.Dim, obj.Precision())), s.MaxMemory); err != nil {
		return nil, nil, err
	}
	d, err := withSchedule("Shampoo", rule, s.Schedule)
	return d, nil, err
}

type shampooRule struct {
	Shampoo
	shampooFactors
}

// The state of shampooRule: that of Adam, then the steps of the renewal under way, and 1 once there are roots, else 0. Then
// for each group the factors, the roots, and of the iteration under way the powers and the roots; see rootIteration.
const (
	shampooTurn = adamLargest + iota
	shampooBegun
	shampooGroups
)

// adam makes steps of unit rate.
func (r shampooRule) adam() adamRule {
	return adamRule{Adam{Rate: 1, Beta1: r.Beta1, Beta2: r.Beta2, Epsilon: r.Epsilon}}
}

func (r shampooRule) State(dim int, dtype dtypes.DType) []shapes.Shape {
	all := append(r.adam().State(dim, dtype), shapes.Make(dtype), shapes.Make(dtype))
	for range 4 {
		all = append(all, r.shapes(dtype)...)
	}
	return all
}

func (r shampooRule) Step(p *objective.Point, factor *graph.Node, state []*graph.Node) (*graph.Node, []*graph.Node) {
	groups := len(r.groups)
	part := func(i int) []*graph.Node { return state[shampooGroups+i*groups : shampooGroups+(i+1)*groups] }
	factors, roots, powers, under := r.blend(part(0), p.Gradient, r.Beta2), part(1), part(2), part(3)
	begun, one := state[shampooBegun], graph.OnesLike(state[shampooBegun])
	begins, ends, turn := renewalTurn(state[shampooTurn], r.Frequency)

	next := make([]*graph.Node, len(state))
	adam, moments := r.adam().Step(p, graph.Neg(one), state[:shampooTurn])
	copy(next, moments)
	next[shampooTurn], next[shampooBegun] = turn, graph.Where(ends, one, begun)

	first := graph.Div(moments[adamFirst], moments[adamBias1])
	isBegun := graph.Equal(begun, one)
	direction := r.change(adam, func(i int, adam *graph.Node) *graph.Node {
		m := r.matrices[i]
		step := graph.MatMul(graph.MatMul(m.left.of(roots), m.of(first)), m.right.of(roots))
		if r.Grafting == AdamGrafting {
			step = graph.Mul(step, overRoot(device.Norm(adam), graph.Square(device.Norm(step)), 0))
		}
		return graph.Where(isBegun, step, adam)
	})
	for i, g := range r.groups {
		size := trace(factors[i])
		damping := math.Max(r.Damping, float64(g.size)*device.Epsilon(p.Theta.DType()))
		power, root := startRoot(graph.Div(factors[i], size), damping)
		power, root = graph.Where(begins, power, powers[i]), graph.Where(begins, root, under[i])
		for range share(rootIterations(damping), r.Frequency) {
			power, root = rootIteration(power, root)
		}
		scale := graph.Reciprocal(graph.Sqrt(graph.Sqrt(graph.Div(size, moments[adamBias2]))))
		next[shampooGroups+i] = factors[i]
		next[shampooGroups+groups+i] = graph.Where(ends, graph.Mul(root, scale), roots[i])
		next[shampooGroups+2*groups+i], next[shampooGroups+3*groups+i] = power, root
	}
	return descend(withDecay(direction, p.Theta, r.WeightDecay), factor, r.Rate), next
}

// The coupled Newton iteration for A^(−1/4), A symmetric positive definite: from X = z^¼·I and M = zA, where z brings the
// eigenvalues of M below 5, go on with T = (5I − M)/4 to XT and T⁴M. Then M = X⁴A all along, M → I and X → A^(−1/4).

// startRoot is the start of the iteration for each of some matrices of trace 1, with damping added to their eigenvalues.
func startRoot(a *graph.Node, damping float64) (power, root *graph.Node) {
	unit := graph.BroadcastToShape(identities(a), a.Shape())
	z := 2.5 / (1 + damping)
	return graph.MulScalar(graph.Add(a, graph.MulScalar(unit, damping)), z), graph.MulScalar(unit, math.Pow(z, 0.25))
}

func rootIteration(power, root *graph.Node) (*graph.Node, *graph.Node) {
	change := graph.Sub(graph.MulScalar(identities(power), 1.25), graph.MulScalar(power, 0.25))
	square := product(change, change)
	return product(product(square, square), power), product(root, change)
}

// rootIterations is how many the smallest and the largest eigenvalue take.
func rootIterations(damping float64) int {
	n := 0
	for small, large := 2.5*damping/(1+damping), 2.5; max(math.Abs(small-1), math.Abs(large-1)) > 1e-12; n++ {
		small *= math.Pow(1.25-0.25*small, 4)
		large *= math.Pow(1.25-0.25*large, 4)
	}
	return n
}
