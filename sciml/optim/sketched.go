package optim

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/linalg"
	"github.com/gosciml/gosciml/sciml/objective"
)

// SketchedGaussNewton is a Gauss–Newton method for losses that are sums of squares f = Σ rᵢ², after DSGNAR, the doubly
// sketched one with adaptive ratio of Webb, Jerad and Cartis (2026, "An optimisation framework for the well-conditioned
// training of physics-informed neural networks"). The Jacobian J is compressed from both sides by random matrices, which
// are drawn anew for each step, S of its residuals and C of its parameters, and the step p = Cz is the solution of
//
//	min ‖S(JCz + r)‖² + λ‖z‖²
//
// Each λ belongs to a radius ‖p‖. Between a third and three times the radius of the step before, several are tried, at
// one loss each, and the largest is taken up to which the ratio of the decrease of f to that of the model is at least
// a target. The target is low at first: steps with little regularization matter more than a loss that falls fast, which
// may end where J is ill-conditioned. It rises when λ has had its minimum, when a line through its last 30 logarithms
// climbs (their Algorithm 5, with its thresholds).
//
// From the paper are the two sketches, the choice of the radius (Algorithm 3), its control (Algorithm 1), the two
// stages and the default settings. Ours is C, which has signed sums of disjoint parameters for columns, orthonormal ones
// as those of the paper's subsampled cosine transform, but without a transform; equal numbers of residuals in the sums of
// S; a bidiagonalization in the place of singular vectors; one of the radii that were tried, where they interpolate
// between them; that the radius does not grow beyond three times the length of a step; and that Rows double, up to
// all residuals, when f falls along the shortest step by so little next to the model that no radius meets the target. The
// method would stop short without where steps in the space cannot make the residuals vanish. Weights of conditions are the
// business of the objective.
//
// A step costs a Jacobian, a factorization on the host of about 4·Rows·Columns² operations, and Probes losses, each of
// which counts as an evaluation. The zero value is usable: fields that are zero take the defaults.
type SketchedGaussNewton struct {
	// Columns is the dimension of the space that a step is in; when zero a third of the parameters, but not fewer than 256.
	// The paper advises a third to a half. All of them are not sketched.
	Columns int
	// Rows is the number of sums that residuals are added up to; when zero as many as Columns, as in the paper. As many as
	// there are residuals, or more, do not sketch them.
	Rows int
	// Hashes is the number of sums that each residual is part of; 4 when zero.
	Hashes int
	// Radius is the first radius; 1 when zero. MaxRadius bounds it; 1e10 when zero.
	Radius, MaxRadius float64
	// Probes is the number of radii that are tried, at least 2; 24 when zero.
	Probes int
	// Target is the ratio aimed at before λ has had its minimum, and LateTarget afterwards, 0 < Target ≤ LateTarget < 1;
	// 0.075, or 0.1 in single precision, and 0.5 when zero.
	Target, LateTarget float64
	// Seed chooses the sketches.
	Seed uint64
	// AdaptEvery is the number of iterations after which it asks for new collocation points, where the objective has an
	// Adaptation; 10 when zero.
	AdaptEvery int
	// MaxMemory is the most that J may need, in bytes; 4 GiB when zero.
	MaxMemory int64
}

// Name implements Method.
func (SketchedGaussNewton) Name() string { return "sketched Gauss–Newton" }

const (
	probeWindow  = 3    // the range of radii tried is from the last one divided by this to that multiplied by it
	lambdaWindow = 30   // number of λ that tell whether it had its minimum
	climbSlope   = 1e-4 // of log λ for an iteration, and
	climbTrend   = 0.1  // its correlation with the iteration, above which it climbs
	enoughSteps  = 5    // number of steps after which half the rows are tried again
	mostSpaces   = 20   // number of spaces that may be drawn without a decrease in any, which few parameters can bring about
)

// Start implements Method. It fails for an objective without residuals, and when a setting is out of its range.
func (m SketchedGaussNewton) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	if err := obj.NeedResidual("SketchedGaussNewton"); err != nil {
		return nil, err
	}
	least := 0.075
	if obj.Precision() == dtypes.Float32 {
		least = 0.1
	}
	m.Radius, m.MaxRadius = cmp.Or(m.Radius, 1), cmp.Or(m.MaxRadius, 1e10)
	m.Target, m.LateTarget = cmp.Or(m.Target, least), cmp.Or(m.LateTarget, 0.5)
	m.Columns = cmp.Or(m.Columns, max(256, (obj.Dim+2)/3))
	m.Rows = cmp.Or(m.Rows, m.Columns)
	m.Hashes = cmp.Or(m.Hashes, 4)
	m.Probes = cmp.Or(m.Probes, 24)
	m.AdaptEvery = cmp.Or(m.AdaptEvery, 10)
	m.MaxMemory = cmp.Or(m.MaxMemory, defaultMemory)
	if err := checkSettings("SketchedGaussNewton", counted("Columns", m.Columns), counted("Rows", m.Rows), upTo("Hashes", m.Hashes, max(m.Rows, 4)),
		counted("AdaptEvery", m.AdaptEvery),
		positive("Radius", m.Radius), positive("MaxRadius", m.MaxRadius), setting{"Radius", m.Radius, m.Radius <= m.MaxRadius, "at most MaxRadius"},
		several("Probes", m.Probes), upTo("Probes", m.Probes, 1<<12),
		setting{"Target", m.Target, m.Target > 0 && m.Target <= m.LateTarget, "above 0 and at most LateTarget"},
		setting{"LateTarget", m.LateTarget, m.LateTarget < 1, "a number below 1"},
		memory(m.MaxMemory)); err != nil {
		return nil, err
	}
	rows, err := obj.NumResiduals()
	if err != nil {
		return nil, err
	}
	if err := obj.NeedJacobian("SketchedGaussNewton", rows, m.MaxMemory); err != nil {
		return nil, err
	}
	columns, sums := float64(min(m.Columns, obj.Dim)), float64(min(m.Rows, rows))
	sketches := float64(m.Hashes)*float64(rows) + 4*sums*columns + float64(m.Probes)*float64(obj.Dim)
	if err := needMemory(obj, "SketchedGaussNewton", "sketches and probes", sketches, m.MaxMemory); err != nil {
		return nil, err
	}
	s := &sketchedModel{SketchedGaussNewton: m, obj: obj, rows: rows, sketching: map[int]*device.Program{}}
	if s.linearizing, err = device.NewProgram(obj.Compiler(), "linearization", func(in []*graph.Node) []*graph.Node {
		r, j := obj.BuildLinearization(in[0], in[1:])
		return []*graph.Node{r, j}
	}); err != nil {
		return nil, err
	}
	if s.probing, err = objective.NewLosses(obj, "losses of steps", func(number *graph.Node, in []*graph.Node) *graph.Node {
		theta, steps := in[0], in[1]
		return graph.Add(theta, objective.NumberedRow(steps, number))
	}); err != nil {
		return nil, err
	}
	region, err := startTrustRegion(obj, theta, newtonModel{}, s, s)
	if err != nil {
		return nil, err
	}
	region.asks.every = m.AdaptEvery
	return &sketchedStepper{region, s}, nil
}

// sketchedModel finds steps and controls their radius.
type sketchedModel struct {
	SketchedGaussNewton
	obj         *objective.Objective
	rows        int // M
	linearizing *device.Program
	sketching   map[int]*device.Program // for numbers of rows
	probing     *objective.Losses

	at       *evaluated        // where
	matrices []*tensors.Tensor // r and J are
	chosen   float64           // radius, and
	lambda   float64           // λ of the last step

	sketchedState
}

// sketchedState is what goes on from step to step.
type sketchedState struct {
	Drawn     uint64    // number of sketches
	Logarithm []float64 // of the last λ
	Climbed   bool      // whether λ has had its minimum
	Doubled   int       // number of times that Rows is doubled at present
	Enough    int       // number of steps since it was changed
}

// mark implements rewinder.
func (s *sketchedModel) mark() func() {
	before := s.sketchedState
	return func() { s.sketchedState = before }
}

// enlarge doubles the number of rows of the sketches to come, and reports whether it was not that of all residuals.
func (s *sketchedModel) enlarge() bool {
	if s.Rows<<s.Doubled >= s.rows {
		return false
	}
	s.Doubled++
	s.Enough = 0
	return true
}

// reduce goes back to half the rows after some steps for which they were enough.
func (s *sketchedModel) reduce() {
	if s.Enough++; s.Enough > enoughSteps && s.Doubled > 0 {
		s.Doubled--
		s.Enough = 0
	}
}

// solve implements subproblem.
func (s *sketchedModel) solve(at *evaluated, radius float64, _, data []*tensors.Tensor) (step regionStep, err error) {
	defer func(before sketchedState) {
		if err != nil { // who goes on from here draws the same sketches
			s.sketchedState = before
		}
	}(s.sketchedState)
	if s.at != at {
		made, err := s.linearizing.Call([]*tensors.Tensor{at.theta}, data)
		if err != nil {
			return regionStep{}, err
		}
		s.at, s.matrices, at.made = at, made, made
	}
	gradient, err := device.Numbers(at.gradient)
	if err != nil {
		return regionStep{}, err
	}
	var system *linalg.Ridge
	var lambdas, steps []float64
	radii := s.radii(radius)
	s.reduce()
	for tries := 0; ; tries++ {
		var space objective.Subspace
		if system, space, err = s.sketch(); err != nil {
			return regionStep{}, err
		}
		if system == nil {
			return regionStep{why: "the Jacobian is NaN or infinite, where the loss is finite"}, nil
		}
		lambdas = s.lambdas(system, radii)
		steps = s.steps(system, space, lambdas)
		if !space.Whole() && system.Decrease(lambdas[len(lambdas)-1]) <= s.noise(at.loss) && tries < mostSpaces {
			continue // the loss is at its lowest in this space
		}
		slope := -floats.Dot(gradient, steps[:s.obj.Dim])
		if model := system.Descent(lambdas[0]); model > 0 && slope >= s.target()*model || !s.enlarge() {
			break
		}
	}
	losses, err := s.losses(steps, data)
	if err != nil {
		return regionStep{}, err
	}
	pick := s.pick(at.loss, losses, lambdas, system)
	s.chosen, s.lambda = radii[pick], lambdas[pick]
	p := steps[pick*s.obj.Dim : (pick+1)*s.obj.Dim]
	return regionStep{
		p: device.Vector(s.obj.Precision(), p), length: floats.Norm(p, 2), predicted: system.Decrease(s.lambda), products: s.Probes,
	}, nil
}

// radii are those that are tried.
func (s *sketchedModel) radii(radius float64) []float64 {
	radii := make([]float64, s.Probes)
	for i := range radii {
		radii[i] = math.Min(radius*math.Pow(probeWindow, 2*float64(i)/float64(s.Probes-1)-1), s.MaxRadius)
	}
	return radii
}

// lambdas are those that belong to the radii. Below the rounding errors of J they mean nothing.
func (s *sketchedModel) lambdas(system *linalg.Ridge, radii []float64) []float64 {
	least := math.Max(math.Pow(device.Epsilon(s.obj.Precision())*system.Singular[0], 2), math.SmallestNonzeroFloat32)
	lambdas := make([]float64, len(radii))
	for i, radius := range radii {
		lambdas[i] = system.Damping(radius, least)
	}
	return lambdas
}

// steps are those for each λ, one after the other.
func (s *sketchedModel) steps(system *linalg.Ridge, space objective.Subspace, lambdas []float64) []float64 {
	all := system.Solve(lambdas)
	steps := make([]float64, 0, len(lambdas)*s.obj.Dim)
	z := make([]float64, system.N)
	for k := range lambdas {
		for i := range z {
			z[i] = all[i*len(lambdas)+k]
		}
		steps = append(steps, space.Step(z)...)
	}
	return steps
}

// noise is what rounding hides of a change of the loss.
func (s *sketchedModel) noise(loss float64) float64 {
	return 8 * device.Epsilon(s.obj.Precision()) * math.Abs(loss)
}

// target is the ratio aimed at.
func (s *sketchedModel) target() float64 {
	if s.Climbed {
		return s.LateTarget
	}
	return s.Target
}

// sketch draws the next sketch: a system, nil when it is not finite, and the space that its steps are in.
func (s *sketchedModel) sketch() (system *linalg.Ridge, space objective.Subspace, err error) {
	rng := rand.New(rand.NewPCG(s.Seed, (s.Drawn+1)*0x9e3779b97f4a7c15))
	s.Drawn++
	spaces := objective.Subspaces{Items: s.obj.Dim, Size: s.Columns}
	space = spaces.Draw(rng)
	size := s.Rows << s.Doubled
	residuals := objective.NewEmbedding(rng, s.rows, size, s.Hashes)
	if s.sketching[size] == nil {
		split := spaces.NumInputs()
		s.sketching[size], err = device.NewProgram(s.obj.Compiler(), "sketch", func(in []*graph.Node) []*graph.Node {
			r, j, drawn := in[0], in[1], in[2:]
			both := graph.Concatenate([]*graph.Node{spaces.Narrow(j, drawn[:split]), graph.ExpandAxes(r, 1)}, 1)
			return []*graph.Node{residuals.Build(both, drawn[split:])}
		})
		if err != nil {
			return nil, space, err
		}
	}
	drawn := append(space.Inputs(s.obj), residuals.Inputs(s.obj)...)
	defer device.Free(drawn)
	out, err := s.sketching[size].Call(s.matrices, drawn)
	if err != nil {
		return nil, space, err
	}
	defer device.Free(out)
	both, err := device.Numbers(out[0])
	if err != nil {
		return nil, space, err
	}
	if !device.AllFinite(both) {
		return nil, space, nil
	}
	m, n := out[0].Shape().Dimensions[0], out[0].Shape().Dimensions[1]-1
	a, b := make([]float64, 0, m*n), make([]float64, 0, m)
	for row := range slices.Chunk(both, n+1) {
		a, b = append(a, row[:n]...), append(b, row[n])
	}
	system, err = linalg.NewRidge(m, n, a, b)
	return system, space, err
}

// losses computes f(θ + p) for the rows of steps.
func (s *sketchedModel) losses(steps []float64, data []*tensors.Tensor) ([]float64, error) {
	all := device.Filled(shapes.Make(s.obj.Precision(), s.Probes, s.obj.Dim), steps)
	defer device.Free([]*tensors.Tensor{all})
	return s.probing.At(s.Probes, []*tensors.Tensor{s.at.theta, all}, data)
}

// pick is the number of the largest radius up to which no ratio is below the target; the smallest radius if there is none.
func (s *sketchedModel) pick(loss float64, losses, lambdas []float64, system *linalg.Ridge) int {
	last, noise := 0, s.noise(loss)
	for i, l := range losses {
		predicted, decrease := system.Decrease(lambdas[i]), loss-l
		hidden := predicted <= noise && math.Abs(decrease) <= noise // by rounding
		if !hidden && !(decrease >= s.target()*predicted) {         // NaN is below, too
			break
		}
		last = i
	}
	return last
}

// first implements regionControl.
func (s *sketchedModel) first() float64 { return s.Radius }

// next implements regionControl: every step down is taken.
func (s *sketchedModel) next(radius, ratio float64, step regionStep, _ float64) (float64, bool) {
	if !(ratio > 0) {
		return radius / probeWindow, false
	}
	s.Logarithm = append(s.Logarithm, math.Log(s.lambda))
	if len(s.Logarithm) >= lambdaWindow {
		s.Logarithm = s.Logarithm[len(s.Logarithm)-lambdaWindow:]
		s.Climbed = s.Climbed || climbs(s.Logarithm)
	}
	return math.Min(s.chosen, math.Max(radius, probeWindow*step.length)), true
}

func climbs(y []float64) bool {
	x := make([]float64, len(y))
	for i := range x {
		x[i] = float64(i)
	}
	_, slope := stat.LinearRegression(x, y, nil, false)
	return slope > climbSlope && stat.Correlation(x, y, nil) > climbTrend // false for the NaN of a constant
}

// sketchedStepper is a regionStepper whose state has that of the model.
type sketchedStepper struct {
	*regionStepper
	model *sketchedModel
}

// Restart implements Restarter. The sketches go on.
func (s *sketchedStepper) Restart(theta *tensors.Tensor) error {
	s.model.sketchedState = sketchedState{Drawn: s.model.Drawn}
	return s.regionStepper.Restart(theta)
}

// savedSketched is the state of a sketchedStepper.
type savedSketched struct {
	Region []byte
	State  sketchedState
}

// Save implements Stepper.
func (s *sketchedStepper) Save() ([]byte, error) {
	region, err := s.regionStepper.Save()
	if err != nil {
		return nil, err
	}
	return encode(savedSketched{Region: region, State: s.model.sketchedState})
}

// Restore implements Stepper.
func (s *sketchedStepper) Restore(data []byte) error {
	all, err := decode[savedSketched](data)
	if err != nil {
		return err
	}
	if err := s.regionStepper.Restore(all.Region); err != nil {
		return fmt.Errorf("optim: restoring the radius: %w", err)
	}
	s.model.sketchedState = all.State
	return nil
}
