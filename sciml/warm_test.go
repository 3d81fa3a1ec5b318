package sciml_test

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// TestStart: a training begins where it is told, and that is what the seed chooses if it says the same.
func TestStart(t *testing.T) {
	options := tiny(t, pureGo(t), optim.LBFGS{})
	options.Iterations = 10
	chosen := solve(t, pde.Poisson2D(), options)
	options.Start = options.Network.Init(options.Seed)
	kept := slices.Clone(options.Start)
	identical(t, solve(t, pde.Poisson2D(), options), chosen)
	if !slices.Equal(options.Start, kept) {
		t.Error("the start was changed")
	}
	options.Start[0] += 0.1
	if other := solve(t, pde.Poisson2D(), options); other.Result.History.Records[0].Loss == chosen.Result.History.Records[0].Loss {
		t.Error("another start has the same loss")
	}
	for word, start := range map[string][]float64{
		"Options.Start has 3 entries, expected 21: the parameters of MLP 2-5-1 tanh and 0 coefficients": {1, 2, 3},
		"Options.Start has 0 entries":                    {},
		"entry 20 of Options.Start is NaN, expected a f": append(slices.Clone(kept[:20]), math.NaN()),
		"entry 0 of Options.Start is -Inf":               append([]float64{math.Inf(-1)}, kept[1:]...),
	} {
		options.Start = start
		if _, err := sciml.Solve(context.Background(), pde.Poisson2D(), options); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("start %v: error %v, want one that mentions %q", start, err, word)
		}
	}
}

// TestFrom: one method goes on where another ended, from a solution, from one that was stored, and from a checkpoint.
func TestFrom(t *testing.T) {
	dir := t.TempDir()
	options := tiny(t, pureGo(t), optim.Adam{})
	options.Iterations, options.Checkpoint = 40, filepath.Join(dir, "adam.ck")
	adam := solve(t, pde.Poisson2D(), options)
	if err := adam.Save(filepath.Join(dir, "adam")); err != nil {
		t.Fatal(err)
	}
	loaded, err := sciml.Load(filepath.Join(dir, "adam"), pde.Poisson2D())
	if err != nil {
		t.Fatal(err)
	}
	checkpoint, err := sciml.LoadCheckpoint(options.Checkpoint, pde.Poisson2D())
	if err != nil {
		t.Fatal(err)
	}
	if u, err := checkpoint.At([]float64{0.3, 0.4}); err != nil || checkpoint.Method != "Adam" || len(checkpoint.Result.History.Records) < 40 || math.IsNaN(u[0][0]) {
		t.Errorf("the checkpoint holds %s, u = %v, %v", checkpoint, u, err)
	}
	options.Method, options.Checkpoint, options.Iterations = optim.LBFGS{}, "", 30
	var first *sciml.Solution
	for name, from := range map[string]*sciml.Solution{"a solution": adam, "a stored one": loaded, "a checkpoint": checkpoint} {
		options.From, options.Network = from, nil
		next := solve(t, pde.Poisson2D(), options)
		if begin := next.Result.History.Records[0].Loss; math.Abs(begin-adam.Result.Loss) > 1e-12*begin || next.Method != "L-BFGS" {
			t.Errorf("from %s: %s begins at %v, want %v", name, next.Method, begin, adam.Result.Loss)
		}
		if next.Result.Loss > 0.5*adam.Result.Loss || next.Model().Network().String() != "MLP 2-5-1 tanh" {
			t.Errorf("from %s: %s", name, next)
		}
		if first == nil {
			first = next
		}
		identical(t, next, first)
	}
}

// decay is u′ = −ku with unknown k, two values of the solution for k = 2, and other coefficients.
func decay(name string, coefficients ...pde.Coefficient) *pde.Problem {
	interval, err := pde.NewInterval("x", 0, 1)
	if err != nil {
		panic(err)
	}
	p := &pde.Problem{
		Name: name, Coordinates: []string{"x"}, Unknowns: []string{"u"}, Domain: interval, Coefficients: coefficients,
		Equations: []pde.Equation{{Name: "decay", Residual: func(u *pde.Fields) *graph.Node {
			k := graph.BroadcastToShape(u.Coefficient("k"), u.U().Shape())
			return graph.Add(u.D("x"), graph.Mul(k, u.U()))
		}}},
		Conditions: []pde.Condition{
			pde.Dirichlet("u", pde.Constant(1), "x-"),
			pde.Measured("u", [][]float64{{0.5}, {1}}, []float64{math.Exp(-1), math.Exp(-2)}),
		},
		Suggested: pde.Setup{Hidden: []int{5}, Interior: 20, Boundary: 1},
	}
	for _, c := range coefficients {
		if c.Name != "k" { // what else there is keeps its start
			p.Conditions = append(p.Conditions, pde.Condition{Name: c.Name, On: []string{"x-"}, Residual: func(u *pde.Fields) *graph.Node {
				return graph.AddScalar(graph.BroadcastToShape(u.Coefficient(c.Name), u.U().Shape()), -c.Start)
			}})
		}
	}
	return p
}

// TestFromAnotherProblem: coefficients go by their names, in whatever form a problem has them.
func TestFromAnotherProblem(t *testing.T) {
	first := decay("first", pde.Coefficient{Name: "other", Start: 7}, pde.Coefficient{Name: "k", Start: 1})
	s := solve(t, first, sciml.Options{Backend: pureGo(t), Method: optim.LevenbergMarquardt{}, Iterations: 30})
	k, err := s.Coefficients()
	if err != nil || math.Abs(k["k"]-1) < 0.5 {
		t.Fatalf("the first problem has %v, %v", k, err)
	}
	second := decay("second", pde.Coefficient{Name: "k", Start: 1, Log: true}, pde.Coefficient{Name: "new", Start: 3})
	options := sciml.Options{Backend: pureGo(t), From: s, Method: optim.GradientDescent{Rate: 1e-12}, Iterations: 1}
	next := solve(t, second, options)
	got, err := next.Coefficients()
	if err != nil || math.Abs(got["k"]-k["k"]) > 1e-6 || got["new"] != 3 {
		t.Errorf("the second problem begins with %v, the first ended with %v; %v", got, k, err)
	}
	second.Coefficients[0] = pde.Coefficient{Name: "k", Start: 1, Bounds: [2]float64{0, 1.5}}
	if _, err := sciml.Solve(context.Background(), second, options); err == nil || !strings.Contains(err.Error(), `the coefficient "k" of Options.From is`) {
		t.Errorf("a coefficient out of bounds: %v", err)
	}
}

// TestFromErrors: what does not fit is refused before anything is computed.
func TestFromErrors(t *testing.T) {
	options := tiny(t, pureGo(t), optim.Adam{})
	options.Iterations, options.Checkpoint = 3, filepath.Join(t.TempDir(), "checkpoint")
	s := solve(t, pde.Poisson2D(), options)
	narrow, err := nn.NewMLP(nn.Tanh, 2, 4, 1)
	if err != nil {
		t.Fatal(err)
	}
	var data []byte
	if data, err = s.GobEncode(); err != nil {
		t.Fatal(err)
	}
	detached := new(sciml.Solution)
	if err := detached.GobDecode(data); err != nil {
		t.Fatal(err)
	}
	for word, change := range map[string]func(o *sciml.Options){
		"Options.Network is MLP 2-4-1 tanh, but From has the network MLP 2-5-1 tanh": func(o *sciml.Options) { o.Network = narrow },
		"Options.Start and From are both set":                                        func(o *sciml.Options) { o.Start = s.Result.Theta },
		"solution.For(problem), in Options.From":                                     func(o *sciml.Options) { o.From = detached },
		"was not made by Solve, in Options.From":                                     func(o *sciml.Options) { o.From = new(sciml.Solution) },
	} {
		o := options
		o.From = s
		change(&o)
		if _, err := sciml.Solve(context.Background(), pde.Poisson2D(), o); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v, want one that mentions %q", err, word)
		}
	}
	if _, err := sciml.Solve(context.Background(), pde.Poisson1D(), sciml.Options{Backend: pureGo(t), From: s}); err == nil || !strings.Contains(err.Error(), "the network MLP 2-5-1 tanh maps 2 inputs") {
		t.Errorf("a network of another number of coordinates: %v", err)
	}
	o := options
	o.From = s
	if _, err := sciml.Resume(context.Background(), options.Checkpoint, pde.Poisson2D(), o); err == nil || !strings.Contains(err.Error(), "Options.Start or From is set, but a resumed training") {
		t.Errorf("Resume with a start: %v", err)
	}
	o = options
	o.Method = optim.LBFGS{}
	if _, err := sciml.Resume(context.Background(), options.Checkpoint, pde.Poisson2D(), o); err == nil || !strings.Contains(err.Error(), "to go on with another, give what LoadCheckpoint reads to Solve in Options.From") {
		t.Errorf("Resume with another method: %v", err)
	}
	if _, err := sciml.LoadCheckpoint(options.Checkpoint, pde.Poisson1D()); err == nil || !strings.Contains(err.Error(), `is one of "Poisson 2D"`) {
		t.Errorf("a checkpoint of another problem: %v", err)
	}
	if _, err := sciml.LoadCheckpoint(filepath.Join(t.TempDir(), "none"), pde.Poisson2D()); err == nil {
		t.Error("a checkpoint that is not there was loaded")
	}
}

// opaque is a network that cannot be stored.
type opaque struct{ nn.Network }

// TestCheckpointWithoutNetwork: a checkpoint of a network that cannot be stored says what can be done with it, and that works.
func TestCheckpointWithoutNetwork(t *testing.T) {
	options := tiny(t, pureGo(t), optim.Adam{})
	options.Network = opaque{options.Network}
	options.Iterations, options.Checkpoint = 3, filepath.Join(t.TempDir(), "checkpoint")
	s := solve(t, pde.Poisson2D(), options)
	if _, err := sciml.LoadCheckpoint(options.Checkpoint, pde.Poisson2D()); err == nil || !strings.Contains(err.Error(), "for Options.Start with Options.Network") {
		t.Errorf("LoadCheckpoint: %v", err)
	}
	if _, err := sciml.Resume(context.Background(), options.Checkpoint, pde.Poisson2D(), sciml.Options{}); err == nil || !strings.Contains(err.Error(), "expected it in Options.Network") {
		t.Errorf("Resume: %v", err)
	}
	checkpoint, err := optim.LoadCheckpoint(options.Checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	options.Method, options.Checkpoint, options.Start = optim.LBFGS{}, "", checkpoint.Result.Theta
	if next := solve(t, pde.Poisson2D(), options); math.Abs(next.Result.History.Records[0].Loss-s.Result.Loss) > 1e-12*s.Result.Loss {
		t.Errorf("%s begins at %v, want %v", next, next.Result.History.Records[0].Loss, s.Result.Loss)
	}
}

// TestUntil: a training ends at a plateau, and says so.
func TestUntil(t *testing.T) {
	options := tiny(t, pureGo(t), optim.LBFGS{})
	options.Iterations, options.Until = 5000, optim.Stalled{Window: 50, Decades: 0.05}
	s := solve(t, pde.Poisson2D(), options)
	if s.Result.Status != optim.CriterionMet || s.Result.Iterations >= 5000 || !strings.Contains(s.Result.Message, "decades in 50 iterations") {
		t.Errorf("got %s", s)
	}
}

// TestMonitorEvery: errors and terms are measured as often as that says.
func TestMonitorEvery(t *testing.T) {
	for every, want := range map[int][]float64{0: {0, 50, 100}, 30: {0, 30, 60, 90, 120}} {
		options := tiny(t, pureGo(t), optim.Adam{})
		options.Iterations, options.MonitorEvery = 121, every
		s := solve(t, pde.Poisson2D(), options)
		if got, _ := s.Result.History.Metric(pinn.RelativeL2); !slices.Equal(got, want) {
			t.Errorf("MonitorEvery %d: measured at %v, want %v", every, got, want)
		}
		if got, _ := s.Result.History.Term("Poisson"); !slices.Equal(got, want) {
			t.Errorf("MonitorEvery %d: terms at %v, want %v", every, got, want)
		}
	}
	options := tiny(t, pureGo(t), optim.Adam{})
	options.MonitorEvery = -1
	if _, err := sciml.Solve(context.Background(), pde.Poisson2D(), options); err == nil || !strings.Contains(err.Error(), "Options.MonitorEvery is -1") {
		t.Errorf("MonitorEvery -1: %v", err)
	}
}

// TestProgress: in a log the last line is there, however short the training, and tells how it ended. The callback is called too.
func TestProgress(t *testing.T) {
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	stderr := os.Stderr
	os.Stderr = log
	defer func() { os.Stderr = stderr }()
	options := tiny(t, pureGo(t), optim.Adam{})
	calls := 0
	options.Iterations, options.Progress = 20, true
	options.OnProgress = func(*optim.History) error { calls++; return nil }
	solve(t, pde.Poisson2D(), options)
	options.Iterations, options.OnProgress = 0, nil
	options.Time, options.LossTolerance = time.Hour, 1e6
	solve(t, pde.Poisson2D(), options)
	os.Stderr = stderr
	text, err := os.ReadFile(log.Name())
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "Adam 20/20  loss ") || !strings.Contains(lines[0], ", error ") || !strings.Contains(lines[0], ": iteration limit reached") || calls < 2 {
		t.Errorf("after %d calls the log is %q", calls, text)
	}
	if len(lines) > 1 && (!strings.HasPrefix(lines[1], "Adam ") || strings.HasPrefix(lines[1], "Adam 0/") || !strings.Contains(lines[1], ": loss tolerance reached")) {
		t.Errorf("with a limit of time the log is %q", lines[1])
	}
}
