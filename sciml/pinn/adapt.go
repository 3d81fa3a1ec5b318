package pinn

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/sealed"
	"github.com/gosciml/gosciml/sciml/internal/usercode"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/sample"
)

// Adapted tells of a change of points or weights; see Options.OnAdapt. Points are those of the run, to be read only.
type Adapted struct {
	// Iteration is the number of iterations made before.
	Iteration int
	// Names are the terms' names, Weights those of the scheme in the same order, Points the collocation points.
	Names   []string
	Weights Weights
	Points  map[string]*sample.Points
}

// adaptation moves the points and weights of an objective.
type adaptation struct{ model *Model }

// adapter moves those of one run.
type adapter struct {
	model   *Model
	clouds  []*cloud
	weights *Weights
	drawn   int // how often directions were drawn anew
	pseudo  pseudoState
	source  *rand.PCG // of rng, whose state is saved
	rng     *rand.Rand
}

// The streams of random numbers of a seed that belong to this package.
const adaptStream = 0x6164617074

// Begin implements objective.Adaptation.
func (a adaptation) Begin() objective.Adapter {
	from := &adapter{model: a.model, clouds: a.model.clouds, weights: newWeights(a.model.clouds), source: rand.NewPCG(a.model.options.Seed, adaptStream)}
	return from.clone()
}

func (a *adapter) clone() *adapter {
	clouds := make([]*cloud, len(a.clouds))
	for i, c := range a.clouds {
		clouds[i] = c.clone()
	}
	weights, source := a.weights.clone(), *a.source
	return &adapter{model: a.model, clouds: clouds, weights: &weights, drawn: a.drawn, pseudo: a.pseudo, source: &source, rng: rand.New(&source)}
}

// Every implements objective.Adaptation: the greatest common divisor of the intervals.
func (a adaptation) Every() int {
	o := a.model.options
	every := 0
	with := func(there bool, other int) {
		for there && other != 0 {
			every, other = other, every%other
		}
	}
	with(o.Refiner != nil, o.RefineEvery)
	with(o.Weighting != nil, o.WeightEvery)
	with(o.Laplacians.Directions > 0, o.Laplacians.Every)
	with(o.PseudoTime.on(), o.PseudoTime.Every)
	return every
}

// Adapt implements objective.Adapter. A method that is stuck gets new points and directions; weights follow where points have moved,
// and where that is due.
func (a *adapter) Adapt(ctx context.Context, now objective.Iterate) ([]*tensors.Tensor, error) {
	next := a.clone()
	data, err := next.adapt(ctx, now)
	if err == nil {
		*a = *next
	}
	return data, err
}

func (a *adapter) adapt(ctx context.Context, now objective.Iterate) ([]*tensors.Tensor, error) {
	o := a.model.options
	moved := false
	if o.Refiner != nil && (now.Stuck || now.Iteration > 0 && now.Iteration%o.RefineEvery == 0) {
		for i, c := range a.clouds {
			if !c.refinable {
				continue
			}
			fresh, err := a.refine(ctx, i, now.Theta)
			if err != nil {
				return nil, err
			}
			moved = moved || fresh
		}
	}
	direct := o.Laplacians.Directions > 0 && (moved || now.Stuck || now.Iteration > 0 && now.Iteration%o.Laplacians.Every == 0)
	if direct {
		a.drawn++
		a.model.direct(a.clouds, a.drawn)
	}
	paced := false
	if o.PseudoTime.on() && (moved || now.Stuck || now.Iteration%o.PseudoTime.Every == 0) {
		var err error
		if paced, err = a.advance(ctx, now.Theta); err != nil {
			return nil, err
		}
	}
	weigh := o.Weighting != nil && (moved || now.Iteration%o.WeightEvery == 0)
	if weigh {
		if err := a.reweigh(ctx, now.Iteration, now.Theta); err != nil {
			return nil, err
		}
	}
	if !moved && !weigh && !direct && !paced {
		return nil, nil
	}
	if o.OnAdapt != nil && (moved || weigh) {
		if err := usercode.Call("Options.OnAdapt", func() error {
			o.OnAdapt(Adapted{Iteration: now.Iteration, Names: namesOf(a.clouds), Weights: a.weights.clone(), Points: pointsOf(a.clouds)})
			return nil
		}); err != nil {
			return nil, err
		}
	}
	return a.model.data(a.clouds, a.weights), nil
}

// refine moves the points of a cloud. It reports whether they are others now: without a reserve RAR leaves them.
func (a *adapter) refine(ctx context.Context, i int, theta *tensors.Tensor) (bool, error) {
	c := a.clouds[i]
	moved, err := a.model.move(c.points, a.rng, func(points *sample.Points) ([]float64, error) { return a.model.residualAt(ctx, i, theta, points) })
	if err != nil || slices.Equal(moved.Coords, c.points.Coords) && slices.Equal(moved.Weights, c.points.Weights) {
		return false, err
	}
	c.points = moved
	for t := range c.terms {
		a.weights.Points[a.model.layout.clouds[i].first+t] = nil
	}
	return true, nil
}

// move asks the Refiner for new points, and checks them.
func (m *Model) move(points *sample.Points, rng *rand.Rand, residual func(*sample.Points) ([]float64, error)) (*sample.Points, error) {
	var moved *sample.Points
	by := ""
	err := usercode.Call("Options.Refiner", func() (err error) {
		by = m.options.Refiner.Name()
		moved, err = m.options.Refiner.Refine(m.problem.Domain, points, residual, rng)
		return err
	})
	if err != nil {
		return nil, usercode.First(fmt.Errorf("pinn: moving the points of %q by %s: %w", m.problem.Name, by, err))
	}
	if err := m.checkPoints(moved, by); err != nil {
		return nil, err
	}
	if moved.N != points.N || moved.Normals != nil {
		return nil, fmt.Errorf("pinn: %s gives %d points and %d numbers as normals in place of %d points, expected as many points and no normals", by, moved.N, len(moved.Normals), points.N)
	}
	return moved, nil
}

// tryRefiner moves points once to see whether that works, before hours of training: an energy must not be told where
// its residual is large.
func (m *Model) tryRefiner() error {
	if m.options.Refiner == nil && m.options.Active == 0 {
		return nil
	}
	i := slices.IndexFunc(m.clouds, func(c *cloud) bool { return c.refinable })
	if i < 0 {
		return fmt.Errorf("pinn: Options.Refiner or Active is set, but in the loss of %q there are no points of equations that could move (%s)", m.problem.Name, m.options.Form.Name())
	}
	switch m.options.Refiner.(type) {
	case nil:
		return nil
	case sample.RAR, sample.RARD:
		if m.options.Active == 0 {
			return fmt.Errorf("pinn: Options.Active is 0, but %s adds points and needs some in reserve, expected less than Interior, %d", m.options.Refiner.Name(), m.options.Interior)
		}
	}
	_, err := m.move(m.clouds[i].points, rand.New(rand.NewPCG(m.options.Seed, adaptStream)), func(points *sample.Points) ([]float64, error) {
		if m.hasEnergy() {
			return nil, fmt.Errorf("%s has no residuals: its mean must be over points that are spread evenly, expected a Refiner such as sample.Redraw", m.options.Form.Name())
		}
		ones := make([]float64, points.N)
		for n := range ones {
			ones[n] = 1
		}
		return ones, nil
	})
	return err
}

func (a *adapter) reweigh(ctx context.Context, iteration int, theta *tensors.Tensor) error {
	o := &Observation{ctx: ctx, Iteration: iteration, model: a.model, clouds: a.clouds, theta: theta, weights: a.weights, rng: a.rng}
	scheme := a.model.options.Weighting
	if err := usercode.Call("Options.Weighting", func() error { return scheme.Update(o, a.weights) }); err != nil {
		return fmt.Errorf("%w (%s, problem %q)", err, scheme.Name(), a.model.problem.Name)
	}
	return a.weights.check(scheme.Name(), a.clouds)
}

// residualAt is the size of the residuals of a cloud, with their fixed weights, at any points.
func (m *Model) residualAt(ctx context.Context, i int, theta *tensors.Tensor, points *sample.Points) ([]float64, error) {
	return m.inBlocks(ctx, fmt.Sprintf("residual sizes of cloud %d", i), theta, points.Coords, 1, func(p parameters, x *graph.Node) *graph.Node {
		u := m.fields(p, x, noInputs)
		var total *graph.Node
		for _, t := range m.clouds[i].terms {
			r := m.residualOf(t, u, x.Shape().Dimensions[0], nil)
			square := graph.MulScalar(graph.ReduceSum(graph.Square(r), 1), t.weight)
			if total == nil {
				total = square
			} else {
				total = graph.Add(total, square)
			}
		}
		return graph.Sqrt(total)
	})
}

// savedAdaptation is what an adapter remembers. Scheme names the Weighting and the Refiner.
type savedAdaptation struct {
	Scheme  string
	Random  []byte
	Weights Weights
	Points  []sample.Points
	Drawn   int
	Pseudo  pseudoState
}

func (a *adapter) scheme() string {
	weighting, refiner := "no weighting", "no refiner"
	if o := a.model.options; o.Weighting != nil {
		weighting = o.Weighting.Name()
	}
	if o := a.model.options; o.Refiner != nil {
		refiner = o.Refiner.Name()
	}
	if o := a.model.options; o.Laplacians.Directions > 0 {
		refiner += ", Laplacians " + o.Laplacians.String()
	}
	if o := a.model.options; o.PseudoTime.on() {
		refiner += ", pseudo-time of " + o.PseudoTime.String()
	}
	return weighting + ", " + refiner
}

// Save implements objective.Adapter.
func (a *adapter) Save() ([]byte, error) {
	random, err := a.source.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("pinn: storing the state of the random numbers: %w", err)
	}
	s := savedAdaptation{Scheme: a.scheme(), Random: random, Weights: *a.weights, Drawn: a.drawn, Pseudo: a.pseudo}
	for _, c := range a.clouds {
		s.Points = append(s.Points, *c.points)
	}
	data, err := sealed.Encode(s)
	if err != nil {
		return nil, fmt.Errorf("pinn: storing points and weights: %w", err)
	}
	return data, nil
}

// Load implements objective.Adapter.
func (a *adapter) Load(saved []byte) error {
	s, err := sealed.Decode[savedAdaptation](saved)
	if err != nil {
		return fmt.Errorf("pinn: reading stored points and weights: %w", err)
	}
	if s.Scheme != a.scheme() {
		return fmt.Errorf("pinn: the stored run was one with %s, expected %s as in Options", s.Scheme, a.scheme())
	}
	if len(s.Points) != len(a.clouds) {
		return fmt.Errorf("pinn: the stored run has %d sets of points, expected %d as problem %q has with these options", len(s.Points), len(a.clouds), a.model.problem.Name)
	}
	for i, c := range a.clouds {
		if s.Points[i].N != c.points.N || s.Points[i].Dim != c.points.Dim {
			return fmt.Errorf("pinn: set %d of the stored points has %d of %d coordinates, expected %d of %d", i, s.Points[i].N, s.Points[i].Dim, c.points.N, c.points.Dim)
		}
	}
	weights := s.Weights
	if weights.Memory == nil {
		weights.Memory = map[string][]float64{}
	}
	for t, p := range weights.Points { // gob does not tell nil from empty
		if len(p) == 0 {
			weights.Points[t] = nil
		}
	}
	if err := weights.check("the stored run", a.clouds); err != nil {
		return err
	}
	if n := len(s.Pseudo.Theta); n > 0 && n != a.model.NumParams() {
		return fmt.Errorf("pinn: the stored step in pseudo-time has %d parameters, expected %d", n, a.model.NumParams())
	}
	if err := a.source.UnmarshalBinary(s.Random); err != nil {
		return fmt.Errorf("pinn: reading the stored state of the random numbers: %w", err)
	}
	for i, c := range a.clouds {
		points := s.Points[i]
		c.points = &points
	}
	a.drawn = s.Drawn
	a.model.direct(a.clouds, a.drawn)
	a.pseudo = s.Pseudo
	a.pace()
	a.weights = &weights
	return nil
}
