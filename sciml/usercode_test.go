package sciml_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
	"github.com/gosciml/gosciml/sciml/sample"
)

// trap is code of a user's that fails when it is called the n-th time.
type trap struct {
	fails func()
	after int
}

// spring fails, or counts.
func (c *trap) spring() {
	if c.after--; c.after >= 0 {
		return
	}

	c.fails()
}

// trapped are types of a user's that fail in one of their methods.
type (
	trappedDomain struct {
		*pde.Box
		contains, boundary *trap
	}
	trappedNetwork struct {
		nn.Network
		apply, init, inputs *trap
	}
	trappedSampler struct {
		sample.Uniform
		*trap
	}
	trappedRefiner   struct{ *trap }
	trappedWeighting struct{ *trap }
	trappedCriterion struct{ met, next *trap }
	trappedSchedule  struct{ scale, check, size *trap }
	trappedDirection struct{ *trap }
	trappedMethod    struct{ name, start, advance, current, best, stop *trap }
	trappedStepper   struct {
		optim.Stepper
		of trappedMethod
	}
)

func (d trappedDomain) Contains(p []float64) bool {
	d.contains.spring()
	return d.Box.Contains(p)
}

func (d trappedDomain) Boundary() []pde.Patch {
	d.boundary.spring()
	return d.Box.Boundary()
}

func (n trappedNetwork) Apply(theta, x *graph.Node) *graph.Node {
	n.apply.spring()
	return n.Network.Apply(theta, x)
}

func (n trappedNetwork) Init(seed uint64) []float64 {
	n.init.spring()
	return n.Network.Init(seed)
}

func (n trappedNetwork) Inputs() int {
	n.inputs.spring()
	return n.Network.Inputs()
}

func (s trappedSampler) Interior(d pde.Domain, n int) (*sample.Points, error) {
	s.spring()
	return s.Uniform.Interior(d, n)
}

func (trappedRefiner) Name() string { return "trapped" }

func (r trappedRefiner) Refine(_ pde.Domain, now *sample.Points, _ func(*sample.Points) ([]float64, error), _ *rand.Rand) (*sample.Points, error) {
	r.spring()
	return now, nil
}

func (trappedWeighting) Name() string { return "trapped" }

func (w trappedWeighting) Update(*pinn.Observation, *pinn.Weights) error {
	w.spring()
	return nil
}

func (c trappedCriterion) Met([]optim.Record) (bool, string) { c.met.spring(); return false, "" }

func (c trappedCriterion) Next(made int) int { c.next.spring(); return made + 1 }

func (s trappedSchedule) Size() int { s.size.spring(); return 0 }

func (s trappedSchedule) Check() error { s.check.spring(); return nil }

func (s trappedSchedule) Scale(loss *graph.Node, _ []*graph.Node) (*graph.Node, []*graph.Node) {
	s.scale.spring()
	return graph.OnesLike(loss), nil
}

func (trappedDirection) State(int, dtypes.DType) []shapes.Shape { return nil }

func (d trappedDirection) Step(p *objective.Point, _ []*graph.Node) (*graph.Node, []*graph.Node) {
	d.spring()
	return graph.Neg(p.Gradient), nil
}

func (m trappedMethod) Name() string { m.name.spring(); return "trapped" }

func (m trappedMethod) Start(obj *objective.Objective, theta *tensors.Tensor) (optim.Stepper, error) {
	m.start.spring()
	s, err := optim.Adam{}.Start(obj, theta)
	return trappedStepper{s, m}, err
}

func (s trappedStepper) Advance(ctx context.Context, n int, goal optim.Goal) (optim.Progress, error) {
	s.of.advance.spring()
	return s.Stepper.Advance(ctx, n, goal)
}

func (s trappedStepper) Current() *tensors.Tensor {
	s.of.current.spring()
	return s.Stepper.Current()
}

func (s trappedStepper) Best() (*tensors.Tensor, float64) {
	s.of.best.spring()
	return s.Stepper.Best()
}

func (s trappedStepper) Stop() {
	s.of.stop.spring()
	s.Stepper.(optim.Stopper).Stop()
}

// TestPanicsOfUsers: whatever of the user's panics, with whatever, Solve returns an error that begins with its name and the line in
// the user's code, and says what it was. Nothing of GoMLX's own is before it.
func TestPanicsOfUsers(t *testing.T) {
	mine := errors.New("an error of mine")
	var none []int
	var nothing *pde.Problem
	kinds := []struct {
		fails func()
		says  string
	}{
		{func() { panic(mine) }, "an error of mine"},
		{func() { panic("a text of mine") }, "a text of mine"},
		{func() { none[3]++ }, "index out of range [3]"},
		{func() { nothing.Name = "x" }, "nil pointer dereference"},
		{func() { exceptions.Panicf("an exception") }, "an exception"},
	}
	harmless := func() *trap { return &trap{after: 1 << 30} }
	residual := func(c *trap) func(u *pde.Fields) *graph.Node {
		return func(u *pde.Fields) *graph.Node { c.spring(); return u.D("x", "x") }
	}
	function := func(c *trap) pde.Function {
		return func(x *graph.Node) *graph.Node { c.spring(); return x }
	}
	method := func(set func(m *trappedMethod)) optim.Method {
		m := trappedMethod{harmless(), harmless(), harmless(), harmless(), harmless(), harmless()}
		set(&m)
		return m
	}
	schedule := func(set func(s *trappedSchedule)) optim.Method {
		s := trappedSchedule{harmless(), harmless(), harmless()}
		set(&s)
		return optim.Adam{Schedule: s}
	}
	type set = func(c *trap, p *pde.Problem, o *sciml.Options)
	cases := map[string]struct {
		what string
		set  set
	}{
		"equation": {`equation "heat"`, func(c *trap, p *pde.Problem, _ *sciml.Options) {
			p.Equations[0] = pde.Equation{Name: "heat", Residual: residual(c)}
		}},
		"equation without a name": {"equation 0", func(c *trap, p *pde.Problem, _ *sciml.Options) {
			p.Equations[0] = pde.Equation{Residual: residual(c)}
		}},
		"condition": {`condition "end"`, func(c *trap, p *pde.Problem, _ *sciml.Options) {
			p.Conditions[0] = pde.Condition{Name: "end", Residual: residual(c)}
		}},
		"function of a condition": {`condition "Dirichlet u"`, func(c *trap, p *pde.Problem, _ *sciml.Options) {
			p.Conditions[0] = pde.Dirichlet("u", function(c))
		}},
		"values": {`Values of the condition "Dirichlet u"`, func(c *trap, p *pde.Problem, _ *sciml.Options) {
			p.Conditions[0] = pde.DirichletValues("u", func([]float64) float64 { c.spring(); return 0 })
		}},
		"values at points": {`Values of the condition "at"`, func(c *trap, p *pde.Problem, _ *sciml.Options) {
			p.Conditions[0] = pde.Condition{Name: "at", Points: [][]float64{{0.5}}, Residual: residual(harmless()),
				Values: func(int, []float64) []float64 { c.spring(); return []float64{0} }}
		}},
		"partner": {`Partner of the condition "pair"`, func(c *trap, p *pde.Problem, _ *sciml.Options) {
			p.Conditions[0] = pde.Condition{Name: "pair", Residual: residual(harmless()), Partner: func(x []float64) []float64 { c.spring(); return x }}
		}},
		"ansatz": {`Ansatz of "tiny"`, func(c *trap, p *pde.Problem, _ *sciml.Options) {
			p.Ansatz = func(x *graph.Node, network pde.Function) *graph.Node { c.spring(); return network(x) }
		}},
		"distance": {`Ansatz of "tiny"`, func(c *trap, p *pde.Problem, _ *sciml.Options) { p.Ansatz = pde.DistanceAndLift(function(c), nil) }},
		"exact": {`Exact of problem "tiny"`, func(c *trap, p *pde.Problem, _ *sciml.Options) {
			p.Exact = func([]float64) []float64 { c.spring(); return []float64{1} }
		}},
		"exact, later": {`exact solution or reference of "tiny"`, func(c *trap, p *pde.Problem, _ *sciml.Options) {
			c.after = 9
			p.Exact = func([]float64) []float64 { c.spring(); return []float64{1} }
		}},
		"reference": {`Reference of problem "tiny"`, func(c *trap, p *pde.Problem, _ *sciml.Options) {
			p.Reference = func(context.Context) (pde.Field, error) { c.spring(); return nil, nil }
		}},
		"energy": {"Energy", func(c *trap, p *pde.Problem, o *sciml.Options) { p.Energy, o.Loss.Form = residual(c), pinn.DeepRitz{} }},
		"weak form": {`weak form "weak"`, func(c *trap, p *pde.Problem, o *sciml.Options) {
			p.Weak = []pde.WeakForm{{Name: "weak", Terms: func(u *pde.Fields) (flux, source *graph.Node) { c.spring(); return u.D("x"), nil }}}
			o.Loss.Form = pinn.Variational{Tests: 2}
		}},
		"domain, inside": {"domain", func(c *trap, p *pde.Problem, _ *sciml.Options) {
			p.Domain = trappedDomain{p.Domain.(*pde.Box), c, harmless()}
		}},
		"domain, boundary": {`Domain of problem "tiny"`, func(c *trap, p *pde.Problem, _ *sciml.Options) {
			p.Domain = trappedDomain{p.Domain.(*pde.Box), harmless(), c}
		}},
		"network": {"network", func(c *trap, _ *pde.Problem, o *sciml.Options) {
			o.Network = trappedNetwork{o.Network, c, harmless(), harmless()}
		}},
		"network, start": {"Init of the network sciml_test.trappedNetwork", func(c *trap, _ *pde.Problem, o *sciml.Options) {
			o.Network = trappedNetwork{o.Network, harmless(), c, harmless()}
		}},
		"network, inputs": {"network sciml_test.trappedNetwork", func(c *trap, _ *pde.Problem, o *sciml.Options) {
			o.Network = trappedNetwork{o.Network, harmless(), harmless(), c}
		}},
		"sampler": {"Options.Sampler", func(c *trap, _ *pde.Problem, o *sciml.Options) { o.Loss.Sampler = trappedSampler{trap: c} }},
		"refiner": {"Options.Refiner", func(c *trap, _ *pde.Problem, o *sciml.Options) { o.Loss.Refiner = trappedRefiner{c} }},
		"refiner, later": {"Options.Refiner", func(c *trap, _ *pde.Problem, o *sciml.Options) {
			c.after = 1
			o.Loss.Refiner, o.Loss.RefineEvery = trappedRefiner{c}, 1
		}},
		"weighting": {"Options.Weighting", func(c *trap, _ *pde.Problem, o *sciml.Options) { o.Loss.Weighting = trappedWeighting{c} }},
		"adapted": {"Options.OnAdapt", func(c *trap, _ *pde.Problem, o *sciml.Options) {
			o.Loss.Weighting, o.Loss.OnAdapt = trappedWeighting{harmless()}, func(pinn.Adapted) { c.spring() }
		}},
		"progress": {"Options.OnProgress", func(c *trap, _ *pde.Problem, o *sciml.Options) {
			o.OnProgress = func(*optim.History) error { c.spring(); return nil }
		}},
		"criterion": {"Until of phase 0 of the Hybrid", func(c *trap, _ *pde.Problem, o *sciml.Options) {
			o.Method = optim.Hybrid{{Method: optim.Adam{}, Until: trappedCriterion{c, harmless()}}, {Method: optim.Adam{}}}
		}},
		"criterion, next": {"Until of phase 0 of the Hybrid", func(c *trap, _ *pde.Problem, o *sciml.Options) {
			o.Method = optim.Hybrid{{Method: optim.Adam{}, Until: trappedCriterion{harmless(), c}}, {Method: optim.Adam{}}}
		}},
		"schedule": {"Adam.Schedule", func(c *trap, _ *pde.Problem, o *sciml.Options) {
			o.Method = schedule(func(s *trappedSchedule) { s.scale = c })
		}},
		"schedule, check": {"Adam.Schedule", func(c *trap, _ *pde.Problem, o *sciml.Options) {
			o.Method = schedule(func(s *trappedSchedule) { s.check = c })
		}},
		"schedule, size": {"Adam.Schedule", func(c *trap, _ *pde.Problem, o *sciml.Options) {
			o.Method = schedule(func(s *trappedSchedule) { s.size = c })
		}},
		"direction": {`method "own"`, func(c *trap, _ *pde.Problem, o *sciml.Options) {
			o.Method = optim.FixedStep("own", trappedDirection{c})
		}},
		"method, name": {"Name of the method sciml_test.trappedMethod", func(c *trap, _ *pde.Problem, o *sciml.Options) {
			o.Method = method(func(m *trappedMethod) { m.name = c })
		}},
		"method, start": {"Start of the method sciml_test.trappedMethod", func(c *trap, _ *pde.Problem, o *sciml.Options) {
			o.Method = method(func(m *trappedMethod) { m.start = c })
		}},
		"method, advance": {`method "trapped"`, func(c *trap, _ *pde.Problem, o *sciml.Options) {
			o.Method = method(func(m *trappedMethod) { m.advance = c })
		}},
		"method, current": {`method "trapped"`, func(c *trap, _ *pde.Problem, o *sciml.Options) {
			o.Method = method(func(m *trappedMethod) { m.current = c })
		}},
		"method, best": {`method "trapped"`, func(c *trap, _ *pde.Problem, o *sciml.Options) {
			o.Method = method(func(m *trappedMethod) { m.best = c })
		}},
		"method, stop": {`method "trapped"`, func(c *trap, _ *pde.Problem, o *sciml.Options) {
			o.Method = method(func(m *trappedMethod) { m.stop = c })
		}},
	}
	b := pureGo(t)
	for name, test := range cases {
		for _, kind := range kinds {
			box, err := pde.NewInterval("x", 0, 1)
			if err != nil {
				t.Fatal(err)
			}
			problem := &pde.Problem{
				Name: "tiny", Coordinates: []string{"x"}, Unknowns: []string{"u"}, Domain: box,
				Equations: []pde.Equation{{Name: "flat", Residual: residual(harmless())}}, Conditions: []pde.Condition{pde.Dirichlet("u", nil)},
			}
			network, err := nn.NewMLP(nn.Tanh, 1, 3, 1)
			if err != nil {
				t.Fatal(err)
			}
			options := sciml.Options{Backend: b, Network: network, Method: optim.Adam{}, Iterations: 3, Loss: pinn.Options{Interior: 4, Boundary: 2}}
			c := &trap{fails: kind.fails}
			test.set(c, problem, &options)
			solution, err := sciml.Solve(context.Background(), problem, options)
			if err == nil || !strings.HasPrefix(err.Error(), test.what+" (") || !strings.Contains(err.Error(), "usercode_test.go:") || !strings.Contains(err.Error(), kind.says) {
				t.Errorf("%s: error %v, want one that begins with %s and its line and says %q", name, err, test.what, kind.says)
				continue
			}
			if strings.Contains(err.Error(), "Exec") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s: error %v, want none of GoMLX's words", name, err)
			}
			if kind.says == mine.Error() && !errors.Is(err, mine) {
				t.Errorf("%s: errors.Is does not find what was thrown in %v", name, err)
			}
			if solution != nil && (solution.Result.Status != optim.Failed && name != "method, stop" || len(solution.Result.Theta) != network.NumParams()) {
				t.Errorf("%s: %v, want a result that failed, with θ", name, solution)
			}
		}
	}
}

// TestPanicsAfterTraining: what a solution calls of the user's later is called likewise.
func TestPanicsAfterTraining(t *testing.T) {
	box, err := pde.NewBox([]string{"x", "y"}, []float64{0, 0}, []float64{1, 1})
	if err != nil {
		t.Fatal(err)
	}
	inside, exact := &trap{after: 1 << 30}, &trap{after: 1 << 30}
	for _, c := range []*trap{inside, exact} {
		c.fails = func() { panic("too late") }
	}
	problem := &pde.Problem{
		Name: "tiny", Coordinates: []string{"x", "y"}, Unknowns: []string{"u"}, Domain: trappedDomain{box, inside, &trap{after: 1 << 30}},
		Equations:  []pde.Equation{{Name: "flat", Residual: func(u *pde.Fields) *graph.Node { return u.Laplacian() }}},
		Conditions: []pde.Condition{pde.Dirichlet("u", nil)},
		Exact:      func([]float64) []float64 { exact.spring(); return []float64{1} },
	}
	s, err := sciml.Solve(context.Background(), problem, sciml.Options{Backend: pureGo(t), Method: optim.Adam{}, Iterations: 1, Loss: pinn.Options{Interior: 4, Boundary: 4}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, middle := context.Background(), []float64{0.5, 0.5}
	exact.after = 0
	for name, c := range map[string]struct {
		what string
		call func() error
	}{
		"exact": {`exact solution or reference of "tiny"`, func() error { _, err := s.Maps(ctx); return err }},
		"expression": {"the function of Measure", func() error {
			_, err := s.Measure(func(*pde.Fields) *graph.Node { panic("too late") }, middle)
			return err
		}},
		"coordinate": {`pinn: "z" is not a coordinate`, func() error { _, err := s.Derivative([]string{"z"}, middle); return err }},
	} {
		if err := c.call(); err == nil || !strings.HasPrefix(err.Error(), c.what) || strings.Contains(err.Error(), "Exec") {
			t.Errorf("%s: error %v, want one that begins with %s", name, err, c.what)
		}
	}
	inside.after = 0
	for name, call := range map[string]func() error{
		"At": func() error { _, err := s.At(middle); return err }, "Evaluate": func() error { _, err := s.Evaluate(middle); return err },
		"Grid": func() error { _, err := s.Grid("", 5); return err }, "Maps": func() error { _, err := s.Maps(ctx); return err },
		"MapsAt": func() error { _, err := s.MapsAt(ctx, map[string]float64{"y": 0.5}); return err },
	} {
		if err := call(); err == nil || !strings.HasPrefix(err.Error(), "domain (") || !strings.Contains(err.Error(), "usercode_test.go:") || !strings.HasSuffix(err.Error(), "too late") {
			t.Errorf("%s: error %v, want one of the domain and its line", name, err)
		}
	}
}

// TestPlaces: the place of an error is in the user's code, also where a function of this library was inlined there and bears its name.
func TestPlaces(t *testing.T) {
	problem := pde.Poisson1D()
	problem.Ansatz, problem.Exactly = nil, nil
	for i, c := range problem.Conditions {
		problem.Conditions[i] = c.Robust(objective.Huber(0))
	}
	_, err := sciml.Solve(context.Background(), problem, sciml.Options{Backend: pureGo(t), Iterations: 1})
	if err == nil || strings.Contains(err.Error(), ".go:") || !strings.Contains(err.Error(), "objective.Huber: the scale is 0") {
		t.Errorf("error %v, want one that names Huber, and no place in this library", err)
	}
}
