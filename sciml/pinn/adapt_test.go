package pinn_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
	"github.com/gosciml/gosciml/sciml/sample"
)

// TestSchedule: points and weights move when they are due, and nothing is built anew after the first time.
func TestSchedule(t *testing.T) {
	built := 0
	p := pde.Poisson2D()
	residual := p.Equations[0].Residual
	p.Equations[0].Residual = func(u *pde.Fields) *graph.Node { built++; return residual(u) }
	var told []pinn.Adapted
	var afterFirst, shapes []string
	var builtAt []int
	network := mlp(t, 2, 4, 1)
	m := newModel(t, pureGo(t), p, network, pinn.Options{
		Soft: true, BoundaryWeight: 1, Interior: 12, Boundary: 4, Refiner: sample.RAD{}, RefineEvery: 6, Weighting: pinn.SelfAdaptive{}, WeightEvery: 4,
		OnAdapt: func(a pinn.Adapted) { told, builtAt = append(told, a), append(builtAt, built) },
	})
	o := m.Objective()
	if o.Adaptation.Every() != 2 {
		t.Errorf("changes may be due every %d iterations, want 2", o.Adaptation.Every())
	}
	shapesOf := func() (s []string) {
		for _, d := range o.Data {
			s = append(s, d.Shape().String())
		}
		return s
	}
	afterFirst = shapesOf()
	if _, err := optim.Minimize(t.Context(), o, network.Init(1), optim.Adam{}, optim.Options{MaxIterations: 20}); err != nil {
		t.Fatal(err)
	}
	var iterations []int
	for k, a := range told {
		iterations = append(iterations, a.Iteration)
		if !slices.Equal(a.Names, []string{"Poisson", "Dirichlet u"}) || a.Points["Poisson"].N != 12 {
			t.Errorf("change %d is one of %q with %d points", k, a.Names, a.Points["Poisson"].N)
		}
	}
	if want := []int{0, 4, 6, 8, 12, 16, 18}; !slices.Equal(iterations, want) {
		t.Errorf("changes were made at %v, want %v", iterations, want)
	}
	if shapes = shapesOf(); !slices.Equal(shapes, afterFirst) {
		t.Errorf("the data have shapes %v, had %v", shapes, afterFirst)
	}
	// The program of the residuals is built at 0, the loop before 4, that of the residual at candidates at 6.
	if builtAt[2] != built {
		t.Errorf("equations were built %v times up to each change, and %d in all", builtAt, built)
	}
	start := m.Points()["Poisson"]
	for k, moved := range []bool{false, false, true, false, true, false, true} {
		before := start
		if k > 0 {
			before = told[k-1].Points["Poisson"]
		}
		if same := slices.Equal(told[k].Points["Poisson"].Coords, before.Coords); same == moved {
			t.Errorf("at %d the points have moved: %v, want %v", iterations[k], !same, moved)
		}
		// λ grows by 0.1 on average in each update, from one where points are new.
		mean := 0.0
		for _, v := range told[k].Weights.Points[0] {
			mean += v / 12
		}
		if want := []float64{1.1, 1.2, 1.1, 1.2, 1.1, 1.2, 1.1}[k]; math.Abs(mean-want) > 1e-12 {
			t.Errorf("at %d the mean weight is %v, want %v", iterations[k], mean, want)
		}
		for _, v := range told[k].Weights.Points[1] {
			mean += v / 4
		}
		if want := []float64{2.2, 2.4, 2.4, 2.6, 2.6, 2.8, 2.8}[k]; k < 2 && math.Abs(mean-want) > 1e-12 {
			t.Errorf("at %d the mean weights sum to %v, want %v", iterations[k], mean, want)
		}
	}
}

// TestToldIsACopy: what OnAdapt does with the weights is not seen by the run.
func TestToldIsACopy(t *testing.T) {
	network := mlp(t, 2, 2, 1)
	var told pinn.Adapted
	m := newModel(t, pureGo(t), pde.Poisson2D(), network, pinn.Options{
		Soft: true, BoundaryWeight: 1, Interior: 5, Boundary: 4, Weighting: pinn.SelfAdaptive{}, OnAdapt: func(a pinn.Adapted) {
			told = a
			told.Weights.Terms[0], told.Weights.Points[0][0], told.Weights.Memory["x"] = math.NaN(), math.NaN(), nil
		},
	})
	o := adapt(m.Objective())
	for iteration := range 2 {
		if _, err := o.Adapt(100*iteration, network.Init(1), false); err != nil {
			t.Fatal(err)
		}
	}
	if _, known := told.Weights.Memory["x"]; !known {
		t.Error("OnAdapt was not called")
	}
}

// TestReserve: RAR with half of the points in reserve brings them in, where the residual is largest.
func TestReserve(t *testing.T) {
	p := handmade() // the residual |u − x²| of u = 0 is largest at x = 1
	p.Equations = p.Equations[:1]
	p.Conditions = nil
	var told []pinn.Adapted
	m := newModel(t, pureGo(t), p, affine(t), pinn.Options{
		Soft: true, BoundaryWeight: 1, Interior: 8, Active: 4, Refiner: sample.RAR{Add: 3, Candidates: 200}, RefineEvery: 10, OnAdapt: func(a pinn.Adapted) { told = append(told, a) },
	})
	o := adapt(m.Objective())
	zero := []float64{0, 0, 0}
	loss := func() float64 {
		r, err := evaluate(o.Objective, []float64{0, 0, 0})
		if err != nil {
			t.Fatal(err)
		}
		return sumOfSquares(r)
	}
	mean := func(points *sample.Points, n int) float64 {
		total := 0.0
		for k := range n {
			total += math.Pow(points.At(k)[0], 4) / float64(n)
		}
		return total
	}
	near(t, "the loss of the active points", []float64{loss()}, []float64{mean(m.Points()["value"], 4)}, 1e-14)
	for k, active := range []int{7, 8} {
		if changed, err := o.Adapt(10*(k+1), zero, false); !changed || err != nil {
			t.Fatalf("points were added: %v, error %v", changed, err)
		}
		points := told[k].Points["value"]
		near(t, "the loss of the active points", []float64{loss()}, []float64{mean(points, active)}, 1e-14)
		for n := 4; n < active; n++ {
			if points.At(n)[0] < 0.9 {
				t.Errorf("a point was added at %v, expected one near x = 1", points.At(n))
			}
		}
	}
	for _, stuck := range []bool{false, true} {
		if changed, err := o.Adapt(30, zero, stuck); changed || err != nil || len(told) != 2 {
			t.Errorf("with nothing left in reserve the points change: %v (%d times), error %v", changed, len(told), err)
		}
	}
}

// TestRefinersSeeWeights: of two equations, that of larger weight decides where points go: |u − x²| to x = 1, |∂u/∂x − y|
// to y = 1. What is left out of the loss does not.
func TestRefinersSeeWeights(t *testing.T) {
	for axis, weights := range []map[string]float64{{"slope": 1e-6}, {"value": 1e-6}, {"slope": 0}, {"value": 0}} {
		var told pinn.Adapted
		m := newModel(t, pureGo(t), handmade(), affine(t), pinn.Options{
			Soft: true, BoundaryWeight: 1, Interior: 5, Boundary: 4, Active: 4, Refiner: sample.RAR{Candidates: 1000}, Weights: weights, OnAdapt: func(a pinn.Adapted) { told = a },
		})
		if _, err := adapt(m.Objective()).Adapt(500, []float64{0, 0, 0}, false); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"value", "slope"} {
			if points := told.Points[name]; points != nil && points.At(4)[axis%2] < 0.995 {
				t.Errorf("with the weights %v a point is added at %v", weights, points.At(4))
			}
		}
	}
}

// TestStuck: the affine network's best loss is above zero, and near it a search finds no decrease any more.
func TestStuck(t *testing.T) {
	var told []pinn.Adapted
	m := newModel(t, pureGo(t), handmade(), affine(t), pinn.Options{
		Soft: true, BoundaryWeight: 1, Interior: 20, Boundary: 8, Refiner: sample.Redraw{}, RefineEvery: 100000, OnAdapt: func(a pinn.Adapted) { told = append(told, a) },
	})
	result, err := optim.Minimize(t.Context(), m.Objective(), theta, optim.LBFGS{}, optim.Options{MaxIterations: 60})
	if err != nil {
		t.Fatal(err)
	}
	if len(told) < 2 || told[0].Iteration >= 60 || slices.Equal(told[0].Points["value"].Coords, m.Points()["value"].Coords) {
		t.Errorf("points were moved %d times, expected some: %s", len(told), result)
	}
	if len(result.History.Events) < 2 || !strings.Contains(result.History.Events[0].Text, "adapted out of turn") {
		t.Errorf("the events are %v", result.History.Events)
	}
	// Without a refiner it is the end.
	m = newModel(t, pureGo(t), handmade(), affine(t), pinn.Options{Soft: true, BoundaryWeight: 1, Interior: 20, Boundary: 8, Weighting: pinn.SelfAdaptive{}, WeightEvery: 100000})
	if result, err = optim.Minimize(t.Context(), m.Objective(), theta, optim.LBFGS{}, optim.Options{MaxIterations: 60}); err != nil || result.Status != optim.SearchFailed {
		t.Errorf("without a refiner: %s, error %v", result, err)
	}
}

// TestResume stops runs half-way and goes on: the same θ, losses and metrics, bit for bit.
func TestResume(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		methods := []optim.Method{optim.Adam{Rate: 0.01}, optim.LBFGS{}}
		if b.Name() == pureGo(t).Name() {
			methods = append(methods, optim.Hybrid{{Method: optim.Adam{Rate: 0.01}, Until: optim.Iterations(21)}, {Method: optim.LBFGS{}}})
		}
		network := mlp(t, 2, 4, 1)
		for _, method := range methods {
			var told []int
			m := newModel(t, b, pde.Poisson2D(), network, pinn.Options{
				Soft: true, BoundaryWeight: 1, Interior: 30, Boundary: 8, Active: 20, Refiner: sample.RAD{}, RefineEvery: 9,
				Weighting: pinn.ReLoBRaLo{Lookback: 0.5}, WeightEvery: 6, OnAdapt: func(a pinn.Adapted) { told = append(told, a.Iteration) },
			})
			options := optim.Options{MaxIterations: 36, Monitor: m.Monitor, MonitorEvery: 5}
			whole, err := optim.Minimize(t.Context(), m.Objective(), network.Init(1), method, options)
			if err != nil {
				t.Fatal(err)
			}
			inOneGo := told
			told = nil
			options.CheckpointPath = filepath.Join(t.TempDir(), "run")
			options.OnProgress = func(h *optim.History) error {
				if len(h.Records) >= 14 {
					return optim.ErrStop
				}
				return nil
			}
			half, err := optim.Minimize(t.Context(), m.Objective(), network.Init(1), method, options)
			if err != nil || half.Status != optim.CallbackStopped || half.Iterations >= 36 {
				t.Fatalf("%s was not stopped: %s, error %v", method.Name(), half, err)
			}
			options.OnProgress = nil
			checkpoint, err := optim.LoadCheckpoint(options.CheckpointPath)
			if err != nil {
				t.Fatal(err)
			}
			resumed, err := optim.Resume(t.Context(), m.Objective(), checkpoint, method, options)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(resumed.Theta, whole.Theta) || resumed.Loss != whole.Loss || !reflect.DeepEqual(resumed.Metrics, whole.Metrics) {
				t.Errorf("%s: resumed at %d it ends with %s, in one go with %s", method.Name(), half.Iterations, resumed, whole)
			}
			if !slices.Equal(told, inOneGo) {
				t.Errorf("%s: changes are made at %v, in one go at %v", method.Name(), told, inOneGo)
			}
			if len(resumed.History.Records) != len(whole.History.Records) {
				t.Fatalf("%s: %d records, in one go %d", method.Name(), len(resumed.History.Records), len(whole.History.Records))
			}
			for k, got := range resumed.History.Records {
				want := whole.History.Records[k]
				got.Seconds, want.Seconds = 0, 0
				if !reflect.DeepEqual(got, want) {
					t.Fatalf("%s: record %d is %+v, in one go %+v", method.Name(), k, got, want)
				}
			}
		}
	})
}

// TestResumeErrors: the state of another set-up is refused.
func TestResumeErrors(t *testing.T) {
	network := mlp(t, 2, 2, 1)
	options := pinn.Options{Soft: true, BoundaryWeight: 1, Interior: 5, Boundary: 4, Weighting: pinn.SelfAdaptive{}}
	adaptation := func(p *pde.Problem, options pinn.Options) objective.Adapter {
		return adapt(newModel(t, pureGo(t), p, network, options).Objective()).adapter
	}
	from := adapt(newModel(t, pureGo(t), pde.Poisson2D(), network, options).Objective())
	if _, err := from.Adapt(0, network.Init(1), false); err != nil {
		t.Fatal(err)
	}
	saved, err := from.adapter.Save()
	if err != nil {
		t.Fatal(err)
	}
	if err := adaptation(pde.Poisson2D(), options).Load(saved); err != nil {
		t.Errorf("the same set-up: %v", err)
	}
	more, other := options, options
	more.Interior, other.Weighting = 6, pinn.ResidualAttention{}
	for word, load := range map[string]func() error{
		"set 0 of the stored points has 5 of 2 coordinates, expected 6 of 2":                   func() error { return adaptation(pde.Poisson2D(), more).Load(saved) },
		"one with self-adaptive weights, no refiner, expected residual-based attention, no re": func() error { return adaptation(pde.Poisson2D(), other).Load(saved) },
		"has 2 sets of points, expected 3":                                                     func() error { return adaptation(handmade(), options).Load(saved) },
		"reading stored points and weights":                                                    func() error { return adaptation(handmade(), options).Load(saved[:9]) },
	} {
		if err := load(); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v, want one that mentions %q", err, word)
		}
	}
}

// moving is a user's Refiner or Sampler that gives any points.
type moving func(current *sample.Points) (*sample.Points, error)

func (moving) Name() string { return "own points" }
func (m moving) Refine(_ pde.Domain, current *sample.Points, _ func(*sample.Points) ([]float64, error), _ *rand.Rand) (*sample.Points, error) {
	return m(current)
}
func (m moving) WithSeed(uint64) sample.Sampler { return m }
func (m moving) Interior(domain pde.Domain, n int) (*sample.Points, error) {
	points, err := sample.Grid{}.Interior(domain, n)
	if err != nil {
		return nil, err
	}
	return m(points)
}
func (m moving) Boundary(domain pde.Domain, n int, on ...string) (*sample.Points, error) {
	return sample.Grid{}.Boundary(domain, n, on...)
}

// TestOwnPoints: unusable points of a user's Refiner or Sampler are refused before anything is trained.
func TestOwnPoints(t *testing.T) {
	change := func(do func(p *sample.Points)) moving {
		return func(current *sample.Points) (*sample.Points, error) {
			p := *current
			p.Coords = slices.Clone(p.Coords)
			do(&p)
			return &p, nil
		}
	}
	for word, points := range map[string]moving{
		"own points gives no points of":    func(*sample.Points) (*sample.Points, error) { return nil, nil },
		"no luck":                          func(*sample.Points) (*sample.Points, error) { return nil, errors.New("no luck") },
		"own points puts point 1 at [7 ":   change(func(p *sample.Points) { p.Coords[2] = 7 }),
		"own points puts point 1 at [NaN ": change(func(p *sample.Points) { p.Coords[2] = math.NaN() }),
		"8 numbers for 3 points":           change(func(p *sample.Points) { p.N = 3 }),
		"4 points of 3 coordinates":        change(func(p *sample.Points) { p.Dim = 3 }),
		"2 weights, expected 8 and 4":      change(func(p *sample.Points) { p.Weights = []float64{1, 1} }),
		"gives point 3 the weight -1":      change(func(p *sample.Points) { p.Weights = []float64{1, 1, 1, -1} }),
		"gives all 4 points the weight 0":  change(func(p *sample.Points) { p.Weights = make([]float64, 4) }),
		"normals":                          change(func(p *sample.Points) { p.Normals = make([]float64, 8) }),
	} {
		for _, options := range []pinn.Options{{Refiner: points}, {Sampler: points}} {
			options.Interior, options.Boundary = 4, 4
			if _, err := pinn.New(pureGo(t), pde.Poisson2D(), affine(t), options); err == nil || !strings.Contains(err.Error(), word) {
				t.Errorf("error %v, want one that mentions %q", err, word)
			}
		}
	}
	fewer := change(func(p *sample.Points) { p.N, p.Coords = 3, p.Coords[:6] })
	if _, err := pinn.New(pureGo(t), pde.Poisson2D(), affine(t), pinn.Options{Soft: true, BoundaryWeight: 1, Interior: 4, Boundary: 4, Refiner: fewer}); err == nil || !strings.Contains(err.Error(), "own points gives 3 points") {
		t.Errorf("fewer points: error %v", err)
	}
	// One that only fails later.
	calls := 0
	late := moving(func(current *sample.Points) (*sample.Points, error) {
		if calls++; calls > 1 {
			return nil, nil
		}
		return current, nil
	})
	m := newModel(t, pureGo(t), pde.Poisson2D(), affine(t), pinn.Options{Soft: true, BoundaryWeight: 1, Interior: 4, Boundary: 4, Refiner: late, RefineEvery: 5})
	result, err := optim.Minimize(t.Context(), m.Objective(), theta, optim.Adam{}, optim.Options{MaxIterations: 20})
	if err == nil || !strings.Contains(err.Error(), "at iteration 5") || result.Iterations != 5 || len(result.Theta) != 3 {
		t.Errorf("a refiner that fails at iteration 5: %s, error %v", result, err)
	}
}

// TestAdaptFloat32: what is observed in single precision comes to the host in double, and differs in rounding only.
func TestAdaptFloat32(t *testing.T) {
	network := mlp(t, 2, 3, 1)
	weights := map[dtypes.DType][]float64{}
	for _, dtype := range []dtypes.DType{dtypes.Float64, dtypes.Float32} {
		for _, scheme := range []pinn.Weighting{pinn.GradientAnnealing{}, pinn.NTKWeights{}, pinn.GradNorm{Alpha: 1}} {
			m := newModel(t, pureGo(t), pde.Poisson2D(), network, pinn.Options{
				Soft: true, BoundaryWeight: 1, Interior: 20, Boundary: 8, DType: dtype, Refiner: sample.RAD{}, RefineEvery: 10, Weighting: scheme, WeightEvery: 20,
				OnAdapt: func(a pinn.Adapted) { weights[dtype] = append(weights[dtype], a.Weights.Terms[1]) },
			})
			if _, err := optim.Minimize(t.Context(), m.Objective(), network.Init(1), optim.Adam{}, optim.Options{MaxIterations: 15}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(weights[dtypes.Float32]) != 6 || slices.Equal(weights[dtypes.Float32], weights[dtypes.Float64]) {
		t.Errorf("float32 gives the weights %v, float64 %v", weights[dtypes.Float32], weights[dtypes.Float64])
	}
	near(t, "weights in float32", weights[dtypes.Float32], weights[dtypes.Float64], 1e-3)
}
