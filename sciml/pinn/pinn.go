// Package pinn turns a boundary-value problem and a network into an objective for an optimizer: the least-squares
// loss of a physics-informed neural network (Raissi, Perdikaris and Karniadakis 2019)
//
//	L(θ) = Σ_t w_t · mean_n λ_tn · |r_t(x_n; θ)|²
//
// over the equations in the interior and, unless an ansatz satisfies them exactly, the conditions on the boundary and
// at points of data. A Form replaces the equations' strong residuals by an energy or by tests with functions; a
// Weighting moves the weights w and λ during training, and a sample.Refiner the points.
//
// The objective is given as a residual vector with entries √(w_t·λ_tn/N_t)·r_t, so that L is the sum of its squares
// and Gauss–Newton methods see weights as row scaling. Weights and points are data: changing them compiles nothing.
package pinn

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/internal/usercode"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/sample"
)

// Options say how a problem becomes a loss. Zero fields take what the problem suggests, or else the defaults.
type Options struct {
	// Form is what becomes of the equations; StrongForm{} when nil.
	Form Form
	// Interior and Boundary are the numbers of collocation points of the equations and of each condition on the
	// boundary; 900 and 120 when zero and nothing is suggested. They do not count a condition's own Points.
	Interior, Boundary int
	// Sampler chooses the points; sample.Uniform with Seed when nil.
	Sampler sample.Sampler
	// Active is the number of interior points that are used from the start; the others are in reserve for refiners that
	// add points, such as sample.RAR, which need it. All when zero.
	Active int
	// Refiner moves the interior points to where the residual is large, every RefineEvery iterations (500 when zero),
	// and when a method cannot go on. When nil, sample.RAD does so for the strong form of a problem that suggests it, as
	// often as it suggests; otherwise they stay.
	Refiner     sample.Refiner
	RefineEvery int
	// FixedPoints leaves the points where they are even if the problem suggests to move them. There is no Refiner then.
	FixedPoints bool
	// Soft penalizes all conditions, even those that the problem's Ansatz and Periods satisfy; without it those hold exactly.
	// The network then takes what nn.Periodic makes of the coordinates, if the problem has Periods. New tries which conditions
	// do hold exactly, and penalizes the others, with a remark in the history.
	Soft bool
	// Hard makes it an error that a condition does not hold exactly, by the problem's Ansatz and Periods.
	Hard bool
	// BoundaryWeight is w for the conditions; when zero what the problem suggests, or else 100, or 1 with a Weighting, which
	// finds weights by itself. Equations have weight 1.
	BoundaryWeight float64
	// Weights overrides w by the name of an equation, weak form or condition, or "energy"; 0 leaves a term out. It may name
	// what is in the problem, but not in the loss, such as a condition that holds exactly.
	Weights map[string]float64
	// Weighting multiplies these weights by others that it updates every WeightEvery iterations (100 when zero) and when
	// points have moved. Schemes that balance terms do so without the fixed weights, which stay as emphasis on top. Nil
	// leaves the weights fixed.
	Weighting   Weighting
	WeightEvery int
	// Laplacians estimates those in the strong form of the equations from random directions. The zero value leaves them exact.
	Laplacians Estimate
	// PseudoTime takes steady equations to their solution by steps in a time that they do not have. The zero value does not.
	PseudoTime PseudoTime
	// Metric is the norm of functions for optim.LevenbergMarquardt and optim.ENGD with their Metric set; others do not read it. The zero
	// value is none.
	Metric Metric
	// OnAdapt is called after each change of points or weights; nil for nothing.
	OnAdapt func(Adapted)
	// Window is the part of the time that the model is of, for trainings one after the other; nil for all of it.
	Window *Window
	// Seed chooses the points.
	Seed uint64
	// DType is the floating-point type of the computation; float64 when zero.
	DType dtypes.DType
}

// Model is a problem with a network in place of its unknowns. Its parameters θ are those of the network, followed by
// those of the problem's Coefficients.
type Model struct {
	backend  compute.Backend
	problem  *pde.Problem
	network  nn.Network // as given
	embedded nn.Network // of the coordinates
	options  Options
	straight bool               // whether second derivatives of the network vanish
	exact    bool               // whether Ansatz and Periods are used
	soft     []pde.Condition    // conditions that do not hold exactly
	factors  map[string]float64 // of weights, by the names of terms, where residuals have extreme sizes
	sizes    []float64          // of the unknowns, where they are extreme
	numbers  []float64          // of the window of time, where there is one
	frame    []*tensors.Tensor  // the same on the device
	whole    *pde.Problem       // of which that is a part
	remarks  []string
	clouds   []*cloud
	layout   *layout

	building sync.Mutex                 // guards programs
	programs map[string]*device.Program // by what they compute; built when first used

	preparing sync.Mutex // guards what follows
	reference pde.Field  // set by Prepare
	prepared  bool
	heldOut   []*tensors.Tensor // points and reference values; nil until first used
	size      float64           // of the reference values
}

// New makes the model. It fails when the problem is incomplete, the network does not fit it, or options make no sense.
func New(backend compute.Backend, problem *pde.Problem, network nn.Network, options Options) (*Model, error) {
	if usercode.Nil(backend) {
		return nil, errors.New("pinn: the back end is nil, expected an open one such as backend.Open gives")
	}
	if err := problem.Check(); err != nil {
		return nil, err
	}
	if err := nn.CheckNetwork(network); err != nil {
		return nil, usercode.First(fmt.Errorf("pinn: %w", err))
	}
	refines := options.Refiner != nil
	if err := options.setDefaults(problem); err != nil {
		return nil, err
	}
	m := &Model{backend: backend, problem: problem, network: network, options: options, programs: map[string]*device.Program{}, factors: map[string]float64{}}
	m.exact = !options.Soft && (problem.Ansatz != nil || periodic(problem))
	var err error
	if err = m.openWindow(); err != nil {
		return nil, err
	}
	if m.embedded, err = embed(problem, network, m.exact); err != nil {
		return nil, err
	}
	m.straight = nn.PiecewiseLinear(m.embedded)
	t, err := m.try()
	if err != nil {
		return nil, err
	}
	if err := m.judge(t); err != nil {
		return nil, err
	}
	if err := m.collocate(); err != nil {
		return nil, err
	}
	if err := m.measured(); err != nil {
		return nil, err
	}
	m.direct(m.clouds, 0)
	m.evolve()
	m.layout = layoutOf(m.clouds, options.Window)
	if err := m.inspect(); err != nil {
		return nil, err
	}
	if err := m.checkCoupled(refines); err != nil {
		return nil, err
	}
	if err := m.tryRefiner(); err != nil {
		return nil, err
	}
	return m, nil
}

// periodic reports whether a coordinate has a period.
func periodic(problem *pde.Problem) bool {
	return slices.ContainsFunc(problem.Periods, func(period float64) bool { return period > 0 })
}

// embed puts the problem's periodic embedding before the network, if conditions are to hold exactly.
func embed(problem *pde.Problem, network nn.Network, exact bool) (nn.Network, error) {
	inputs, made := len(problem.Coordinates), ""
	var maps []nn.Map
	if exact && problem.Periods != nil {
		periodic, err := nn.Periodic(problem.Periods...)
		if err != nil {
			return nil, err
		}
		maps = []nn.Map{periodic}
		inputs, made = periodic.Outputs(), fmt.Sprintf(" (what nn.Periodic makes of %d coordinates with the periods %v)", inputs, problem.Periods)
	}
	if n := network.NumParams(); n < 0 || n > maxParams {
		return nil, fmt.Errorf("pinn: the network %s has %d parameters, expected at most %d", network, n, maxParams)
	}
	if network.Inputs() != inputs || network.Outputs() != len(problem.Unknowns) {
		return nil, fmt.Errorf("pinn: the network %s maps %d inputs to %d outputs, expected %d%s to %d for %q",
			network, network.Inputs(), network.Outputs(), inputs, made, len(problem.Unknowns), problem.Name)
	}
	return nn.Mapped(network, maps...)
}

// maxPoints and maxParams are more than any device has memory for.
const maxPoints, maxParams = 1 << 28, 1 << 31

func (o *Options) setDefaults(problem *pde.Problem) error {
	for name, given := range map[string]any{"Form": o.Form, "Sampler": o.Sampler, "Refiner": o.Refiner, "Weighting": o.Weighting} {
		if given != nil && usercode.Nil(given) {
			return fmt.Errorf("pinn: Options.%s is a nil %T, expected one that is not, or nil without a type", name, given)
		}
	}
	switch {
	case o.Interior < 0 || o.Boundary < 0:
		return fmt.Errorf("pinn: Options.Interior is %d and Boundary %d, expected at least 1 (or 0 for the default)", o.Interior, o.Boundary)
	case o.Interior > maxPoints || o.Boundary > maxPoints:
		return fmt.Errorf("pinn: Options.Interior is %d and Boundary %d, expected at most %d", o.Interior, o.Boundary, maxPoints)
	case o.RefineEvery < 0 || o.WeightEvery < 0:
		return fmt.Errorf("pinn: Options.RefineEvery is %d and WeightEvery %d, expected at least 1 (or 0 for the default)", o.RefineEvery, o.WeightEvery)
	case o.BoundaryWeight < 0 || math.IsNaN(o.BoundaryWeight) || math.IsInf(o.BoundaryWeight, 0):
		return fmt.Errorf("pinn: Options.BoundaryWeight is %v, expected a finite number above 0 (or 0 for the default)", o.BoundaryWeight)
	case o.Laplacians != Estimate{} && o.Form != nil && o.Form != Form(StrongForm{}):
		return fmt.Errorf("pinn: Options.Laplacians is set, and Form is %s, expected the strong form: others have no Laplacians", o.Form.Name())
	case o.Soft && o.Hard:
		return errors.New("pinn: Options.Soft and Hard are both set, expected one of them")
	case o.FixedPoints && o.Refiner != nil:
		return fmt.Errorf("pinn: Options.FixedPoints is set, and Refiner is %s, expected one of them", o.Refiner.Name())
	case o.DType != dtypes.InvalidDType && o.DType != dtypes.Float64 && o.DType != dtypes.Float32:
		return fmt.Errorf("pinn: Options.DType is %s, expected float64 or float32", o.DType)
	}
	if err := o.checkPseudoTime(problem); err != nil {
		return err
	}
	if err := o.Metric.check(); err != nil {
		return err
	}
	suggested := problem.Suggested
	if suggested.Resample > 0 && o.Refiner == nil && o.Form == nil && !o.FixedPoints {
		o.Refiner, o.RefineEvery = sample.RAD{}, cmp.Or(o.RefineEvery, suggested.Resample)
	}
	o.Interior = cmp.Or(o.Interior, suggested.Interior, 900)
	o.Boundary = cmp.Or(o.Boundary, suggested.Boundary, 120)
	o.RefineEvery, o.WeightEvery = cmp.Or(o.RefineEvery, 500), cmp.Or(o.WeightEvery, 100)
	if err := o.Laplacians.setDefaults(len(problem.Coordinates)); err != nil {
		return err
	}
	if o.Weighting != nil {
		o.BoundaryWeight = cmp.Or(o.BoundaryWeight, 1)
	}
	o.BoundaryWeight = cmp.Or(o.BoundaryWeight, suggested.BoundaryWeight, 100)
	if o.Active < 0 || o.Active > o.Interior {
		return fmt.Errorf("pinn: Options.Active is %d, expected at most Interior, %d (or 0 for all)", o.Active, o.Interior)
	}
	if o.DType == dtypes.InvalidDType {
		o.DType = dtypes.Float64
	}
	if o.Form == nil {
		o.Form = StrongForm{}
	}
	if o.Sampler == nil {
		o.Sampler = sample.Uniform{Seed: o.Seed}
	}
	return nil
}

// ready reports a model that is not one of New.
func (m *Model) ready() error {
	if m == nil || m.problem == nil {
		return errors.New("pinn: the model is nil or a literal, expected one of pinn.New")
	}
	return nil
}

// Problem that the model solves; nil for a model that is not one of New.
func (m *Model) Problem() *pde.Problem {
	if m == nil {
		return nil
	}
	return m.problem
}

// Network in place of the problem's unknowns.
func (m *Model) Network() nn.Network {
	if m == nil {
		return nil
	}
	return m.network
}

// Exact reports whether the problem's Ansatz and Periods satisfy conditions exactly, which then are no terms of the loss.
func (m *Model) Exact() bool { return m != nil && m.exact }

// Options of the model, with the defaults filled in.
func (m *Model) Options() Options {
	if m == nil {
		return Options{}
	}
	return m.options
}

// NumParams is P, the length of θ: parameters of the network and coefficients of the problem.
func (m *Model) NumParams() int {
	if m.ready() != nil {
		return 0
	}
	return m.network.NumParams() + len(m.problem.Coefficients)
}

// Init returns a start for θ: the network's for that seed, and where the problem's coefficients start.
func (m *Model) Init(seed uint64) []float64 {
	if m.ready() != nil {
		return nil
	}
	theta := m.network.Init(seed)
	for _, c := range m.problem.Coefficients {
		theta = append(theta, c.Parameter(c.Start))
	}
	return theta
}

// Coefficients are the values of the problem's unknown numbers for a θ, by name. It fails when θ has another length than NumParams.
func (m *Model) Coefficients(theta []float64) (map[string]float64, error) {
	if err := m.checkTheta(theta); err != nil {
		return nil, err
	}
	values := map[string]float64{}
	for i, c := range m.problem.Coefficients {
		values[c.Name] = c.Value(theta[m.network.NumParams()+i])
	}
	return values, nil
}

func (m *Model) checkTheta(theta []float64) error {
	if err := m.ready(); err != nil {
		return err
	}
	if len(theta) != m.NumParams() {
		return fmt.Errorf("pinn: theta has %d entries, expected %d for %s and %d coefficients", len(theta), m.NumParams(), m.network, len(m.problem.Coefficients))
	}
	return nil
}

// Points are the collocation points at the start, by the name of the equation, condition or form that they belong to.
func (m *Model) Points() map[string]*sample.Points {
	if m == nil {
		return nil
	}
	return pointsOf(m.clouds)
}

// fields builds the network, or the ansatz around it, at points of shape [N, d].
func (m *Model) fields(p parameters, x *graph.Node, inputs pde.Inputs) *pde.Fields {
	return m.fieldsOf(p, x, inputs, true, func(_, u *graph.Node) *graph.Node { return u })
}

// fieldsOf is fields, with or without the ansatz, of what change makes of the network's outputs at some points.
func (m *Model) fieldsOf(p parameters, x *graph.Node, inputs pde.Inputs, ansatz bool, change func(x, u *graph.Node) *graph.Node) *pde.Fields {
	if weights := m.network.NumParams(); len(m.problem.Coefficients) > 0 {
		inputs.Coefficients = graph.Slice(p.theta, graph.AxisRangeToEnd(weights))
		p.theta = graph.Slice(p.theta, graph.AxisRange(0, weights))
	}
	network := func(x *graph.Node) *graph.Node {
		u := usercode.Build("network", func() *graph.Node { return m.function(p, x) })
		m.checkFields("the network", nil, u, x)
		return change(x, u)
	}
	inputs.X = x
	if ansatz && m.exact && m.problem.Ansatz != nil {
		inputs.U = usercode.Build(fmt.Sprintf("Ansatz of %q", m.problem.Name), func() *graph.Node { return m.problem.Ansatz(x, network) })
		m.checkFields("the Ansatz", m.problem.Ansatz, inputs.U, x)
	} else {
		inputs.U = network(x)
	}
	return pde.NewFields(m.problem, inputs)
}

// checkFields reports unknowns of another shape than [N, m] at points of shape [N, d].
func (m *Model) checkFields(by string, code any, u, x *graph.Node) {
	n, unknowns := x.Shape().Dimensions[0], len(m.problem.Unknowns)
	if u == nil || u.Rank() != 2 || u.Shape().Dimensions[0] != n || u.Shape().Dimensions[1] != unknowns || u.DType() != x.DType() {
		got := "nothing"
		if u != nil {
			got = "shape " + u.Shape().String()
		}
		panic(usercode.Wrong(code, "pinn: %s of problem %q gives %s at %d points, expected [%d, %d] of type %s: a column for each of the unknowns %q",
			by, m.problem.Name, got, n, n, unknowns, x.DType(), m.problem.Unknowns))
	}
}

// settle moves tensors to the device that several runs may share: the first use of a tensor is not safe in goroutines.
func (m *Model) settle(shared []*tensors.Tensor) error {
	for _, t := range shared {
		if err := t.MaterializeOnDevice(m.backend, true, 0); err != nil {
			return fmt.Errorf("pinn: moving a tensor of shape %s to the device: %w", t.Shape(), err)
		}
	}
	return nil
}

// tensor puts row-major rows of the given width, or one vector if that is zero, into the model's precision.
func (m *Model) tensor(values []float64, width int) *tensors.Tensor {
	dims := []int{len(values)}
	if width > 0 {
		dims = []int{len(values) / width, width}
	}
	return device.Filled(shapes.Make(m.options.DType, dims...), values)
}
