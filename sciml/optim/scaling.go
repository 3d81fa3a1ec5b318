package optim

import (
	"context"
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// Scaling is the D in the damping λ‖Dp‖² of LevenbergMarquardt: what a change of one parameter is worth against that of another.
type Scaling int

// The choices of Scaling.
const (
	// UsualScaling is MoreScaling with geodesic acceleration for up to 64 parameters, which are those of a model with a meaning and
	// a unit of their own, and UnitScaling for more, which are weights of a network. It is also the latter where there is no dense
	// solver.
	UsualScaling Scaling = iota
	// UnitScaling is I (Levenberg 1944).
	UnitScaling
	// MarquardtScaling has the norms of the columns of J on its diagonal (Marquardt 1963). Steps do not depend on the units of
	// parameters, but nothing holds back one that stops to matter.
	MarquardtScaling
	// MoreScaling has the largest norm of each column so far (Moré 1978, "The Levenberg–Marquardt algorithm: implementation and
	// theory", as in MINPACK). They begin anew where 20 iterations have not halved the loss: those of where the run came from may
	// be what holds it back.
	MoreScaling
)

var scalingNames = map[Scaling]string{
	UsualScaling: "the usual scaling", UnitScaling: "one", MarquardtScaling: "the norms of the columns of J",
	MoreScaling: "the largest norms of the columns of J",
}

// String is a name for messages.
func (s Scaling) String() string {
	if name, ok := scalingNames[s]; ok {
		return name
	}
	return fmt.Sprintf("Scaling(%d)", int(s))
}

// fewParameters is the number up to which UsualScaling takes them for those of a model. Networks that small are rare.
const fewParameters = 64

// scales are D on the way; nil for I.
type scales struct {
	keep     bool // the largest
	geodesic bool
	values   []float64 // of D so far; 0 for a column that was always zero
	origin   float64   // ‖Dθ‖
}

func newScales(s Scaling, geodesic bool, dim int) *scales {
	if s <= UnitScaling {
		return nil
	}
	return &scales{keep: s == MoreScaling, geodesic: geodesic, values: make([]float64, dim)}
}

// linearization builds r, JC and what rest makes of that. With scales, J is JD⁻¹, and D and ‖Dθ‖ follow. Inputs are θ, D so far where
// there are scales, those of the subspace, and the data.
func (s *scales) linearization(obj *objective.Objective, space objective.Subspaces, rest func(j, jc *graph.Node) []*graph.Node) func(in []*graph.Node) []*graph.Node {
	split := space.NumInputs()
	if s == nil {
		return func(in []*graph.Node) []*graph.Node {
			r, j := obj.BuildLinearization(in[0], in[1+split:])
			jc := space.Narrow(j, in[1:1+split])
			return append([]*graph.Node{r, jc}, rest(j, jc)...)
		}
	}
	return func(in []*graph.Node) []*graph.Node {
		theta, d, drawn, data := in[0], in[1], in[2:2+split], in[2+split:]
		r, j := obj.BuildLinearization(theta, data)
		norms := graph.Sqrt(graph.ReduceSum(graph.Square(j), 0))
		if s.keep {
			d = graph.Max(d, norms)
		} else {
			d = norms
		}
		j = graph.Div(j, graph.ExpandAxes(divisors(d), 0))
		jc := space.Narrow(j, drawn)
		return slices.Concat([]*graph.Node{r, jc}, rest(j, jc), []*graph.Node{d, device.Norm(graph.Mul(d, theta))})
	}
}

// divisors is D with ones for zeros.
func divisors(d *graph.Node) *graph.Node {
	return graph.Where(graph.GreaterThan(d, graph.ZerosLike(d)), d, graph.OnesLike(d))
}

// linearize calls the program at an iterate. All but ‖Dθ‖ is returned.
func (s *scales) linearize(p *device.Program, at *evaluated, drawn, data []*tensors.Tensor) ([]*tensors.Tensor, error) {
	if s == nil {
		return p.Call([]*tensors.Tensor{at.theta}, drawn, data)
	}
	before := device.Vector(at.theta.DType(), s.values)
	defer device.Free([]*tensors.Tensor{before})
	made, err := p.Call([]*tensors.Tensor{at.theta, before}, drawn, data)
	if err != nil {
		return nil, err
	}
	last := len(made) - 1
	values, err := device.Numbers(made[last-1])
	if err != nil {
		device.Free(made)
		return nil, err
	}
	s.values = values
	s.origin = device.Number(made[last])
	device.Free(made[last:])
	return made[:last:last], nil
}

// scaledStepper is a regionStepper of Levenberg–Marquardt whose state has the scales.
type scaledStepper struct {
	*regionStepper
	scales *scales
	made   int     // iterations
	before float64 // the loss when their number was last a multiple of crawling; 0 for none that compares
}

// crawling is the number of iterations that have to halve the loss, for scales to stay.
const crawling = 20

// Advance implements Stepper.
func (s *scaledStepper) Advance(ctx context.Context, n int, goal Goal) (Progress, error) {
	p, err := s.regionStepper.Advance(ctx, min(n, crawling-s.made%crawling), goal)
	s.made += p.Iterations
	if p.Iterations == 0 || s.made%crawling != 0 || s.at == nil {
		return p, err
	}
	if s.before > 0 && s.at.loss > s.before/2 {
		clear(s.scales.values)
	}
	s.before = s.at.loss
	return p, err
}

// Refresh implements Stepper.
func (s *scaledStepper) Refresh() {
	s.before = 0
	s.regionStepper.Refresh()
}

// Relocate implements Relocator.
func (s *scaledStepper) Relocate(theta *tensors.Tensor) error {
	s.before = 0
	return s.regionStepper.Relocate(theta)
}

// Restart implements Restarter.
func (s *scaledStepper) Restart(theta *tensors.Tensor) error {
	clear(s.scales.values)
	s.before = 0
	return s.regionStepper.Restart(theta)
}

// savedScaled is the state of a scaledStepper.
type savedScaled struct {
	Region []byte
	Scales []float64
	Made   int
	Before float64
}

// Save implements Stepper.
func (s *scaledStepper) Save() ([]byte, error) {
	region, err := s.regionStepper.Save()
	if err != nil {
		return nil, err
	}
	return encode(savedScaled{Region: region, Scales: s.scales.values, Made: s.made, Before: s.before})
}

// Restore implements Stepper.
func (s *scaledStepper) Restore(data []byte) error {
	all, err := decode[savedScaled](data)
	if err != nil {
		return err
	}
	if len(all.Scales) != len(s.scales.values) {
		return fmt.Errorf("optim: the stored state has scales of %d parameters, expected %d", len(all.Scales), len(s.scales.values))
	}
	if err := s.regionStepper.Restore(all.Region); err != nil {
		return fmt.Errorf("optim: restoring the damping: %w", err)
	}
	s.scales.values, s.made, s.before = all.Scales, all.Made, all.Before
	return nil
}
