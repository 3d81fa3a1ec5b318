package sciml_test

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// TestSubdomains: boxes that overlap are one solution, which is kept and goes on bit for bit; they go with windows of time, with a network that is
// chosen, and with penalized conditions.
func TestSubdomains(t *testing.T) {
	quarters := sciml.Subdomains{Counts: []int{2, 2}, Coarse: true}
	options := tiny(t, pureGo(t), optim.LBFGS{})
	options.Subdomains, options.Iterations = quarters, 80
	interrupted(t, options, true)

	s := solve(t, pde.Poisson2D(), options)
	const name = "[MLP 2-5-1 tanh + 4 boxes [2 2] of MLP 2-5-1 tanh]"
	if got := s.Model().Network().String(); got != name || len(s.Result.Theta) != 5*21 {
		t.Errorf("it has %d parameters of %s, want %d of %s", len(s.Result.Theta), got, 5*21, name)
	}
	if first := s.Result.History.Records[0].Loss; s.Result.Loss > first/100 {
		t.Errorf("the loss fell from %g to %g", first, s.Result.Loss)
	}
	path := filepath.Join(t.TempDir(), "solution")
	if err := s.Save(path); err != nil {
		t.Fatal(err)
	}
	loaded, err := sciml.Load(path, pde.Poisson2D())
	if err != nil {
		t.Fatal(err)
	}
	want, err := s.At([]float64{0.3, 0.49}, []float64{0.9, 0.1})
	if err != nil {
		t.Fatal(err)
	}
	got, err := loaded.At([]float64{0.3, 0.49}, []float64{0.9, 0.1})
	if err != nil {
		t.Fatal(err)
	}
	for i := range want { // by another back end
		if math.Abs(got[i][0]-want[i][0]) > 1e-12 {
			t.Errorf("when it was kept it is %v, want %v", got, want)
		}
	}
	further := tiny(t, options.Backend, optim.LBFGS{})
	further.Network, further.From, further.Iterations = nil, s, 20
	if again := solve(t, pde.Poisson2D(), further); again.Result.Loss > s.Result.Loss {
		t.Errorf("from the loss %g another training comes to %g", s.Result.Loss, again.Result.Loss)
	}

	// What was trained becomes the coarse network, and subdomains add to it.
	whole := tiny(t, options.Backend, optim.LBFGS{})
	whole.Iterations = 60
	further.From = solve(t, pde.Poisson2D(), whole)
	further.Subdomains = quarters
	if s = solve(t, pde.Poisson2D(), further); s.Model().Network().String() != name || math.Abs(s.Result.History.Records[0].Loss/further.From.Result.Loss-1) > 1e-9 {
		t.Errorf("%s begins at the loss %g, want %s at %g", s.Model().Network(), s.Result.History.Records[0].Loss, name, further.From.Result.Loss)
	}

	further = sciml.Options{Backend: options.Backend, Method: levenberg, Iterations: 6, Loss: pinn.Options{Interior: 40},
		Windows: sciml.Windows{Count: 2}, Subdomains: sciml.Subdomains{Counts: []int{3, 1}, Overlap: 1}}
	p := pde.Heat1D()
	p.Suggested.Hidden = []int{4}
	if s = solve(t, p, further); !strings.HasPrefix(s.Model().Network().String(), "2 windows of time of 3 boxes [3 1] of ") {
		t.Errorf("windows are of %s", s.Model().Network())
	}
}

// TestSubdomainsOfPeriodic: a coordinate with a period comes as cosine and sine, so that there is an input more than there are coordinates.
func TestSubdomainsOfPeriodic(t *testing.T) {
	for _, soft := range []bool{false, true} {
		p := pde.KdVCosine()
		p.Suggested.Hidden = []int{3}
		s := solve(t, p, sciml.Options{Backend: pureGo(t), Method: optim.LBFGS{}, Iterations: 2, Loss: pinn.Options{Interior: 20, Soft: soft},
			Subdomains: sciml.Subdomains{Counts: []int{1, 2}}, Windows: sciml.Windows{Count: 1}})
		if got := s.Model().Network().String(); !strings.HasPrefix(got, "2 boxes [1") {
			t.Errorf("soft %v: the network is %s", soft, got)
		}
	}
}

// TestSubdomainsRefuse: what cannot be divided says so.
func TestSubdomainsRefuse(t *testing.T) {
	b := pureGo(t)
	before := solve(t, pde.Poisson2D(), func() sciml.Options { o := tiny(t, b, optim.Adam{}); o.Iterations = 1; return o }())
	for _, c := range []struct {
		problem    *pde.Problem
		subdomains sciml.Subdomains
		from       *sciml.Solution
		want       string
	}{
		{pde.Poisson2D(), sciml.Subdomains{Counts: []int{2}}, nil, `Subdomains.Counts is [2], expected a number of boxes for each of the coordinates ["x" "y"]`},
		{pde.Poisson2D(), sciml.Subdomains{Counts: []int{2, 0}}, nil, `expected at least 1 for each coordinate, but that of "y" is 0`},
		{pde.Poisson2D(), sciml.Subdomains{Counts: []int{1 << 40, 1 << 40}}, nil, "expected at most 65535 boxes"},
		{pde.Poisson2D(), sciml.Subdomains{Counts: []int{2, 1}, Overlap: 1.5}, nil, "Subdomains.Overlap is 1.5"},
		{pde.Poisson2D(), sciml.Subdomains{Overlap: 0.5}, nil, "has no Counts"},
		{pde.Poisson2D(), sciml.Subdomains{Coarse: true}, nil, "has no Counts"},
		{pde.KdVCosine(), sciml.Subdomains{Counts: []int{2, 1}}, nil, `expected 1 for the coordinate "x", along which the solution is periodic`},
		{pde.Poisson2D(), sciml.Subdomains{Counts: []int{2, 1}}, before, "Options.Network is 2 boxes [2 1] of MLP 2-5-1 tanh, but From has the network MLP 2-5-1 tanh, expected"},
	} {
		if _, err := sciml.Solve(t.Context(), c.problem, sciml.Options{Backend: b, Subdomains: c.subdomains, From: c.from}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s, %+v: %v, want %q", c.problem.Name, c.subdomains, err, c.want)
		}
	}
}

// TestSubdomainsResolveWaves: of eight waves boxes with a network each make a hundredth of the error of one network with as many parameters, in as
// many iterations.
func TestSubdomainsResolveWaves(t *testing.T) {
	line, err := pde.NewInterval("x", 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	train := func(hidden int, boxes ...int) float64 {
		p := wavy(line, 8)
		p.Suggested.Hidden = []int{hidden}
		s := solve(t, p, sciml.Options{Backend: pureGo(t), Method: levenberg, Iterations: 60, Loss: pinn.Options{Interior: 400}, Subdomains: sciml.Subdomains{Counts: boxes}})
		return s.Result.Metrics[pinn.RelativeL2]
	}
	if boxes, one := train(12, 8), train(96); !(boxes > 0 && boxes < 0.02 && boxes < one/100) {
		t.Errorf("the error is %g with boxes and %g without", boxes, one)
	}
}

// TestConservativeInterface: where a coefficient jumps from 1 to 1000, the flux through the interface is that of the exact solution on both sides to about the
// error; with residuals that are equal in its place, each side solves its equation with some flux, and nothing says which.
func TestConservativeInterface(t *testing.T) {
	line, err := pde.NewInterval("x", -1, 1)
	if err != nil {
		t.Fatal(err)
	}
	middle, err := line.Section("x", 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	a := func(u *pde.Fields) *graph.Node { return twoValues(u.At("x"), 1, 1000) }
	flux := func(u *pde.Fields) *graph.Node { return graph.Mul(a(u), u.D("x")) }
	// −(au′)′ = f, divided by a, with u = sin(πx)/a + cos(πx/2): the flux at 0 is π.
	residual := func(u *pde.Fields) *graph.Node {
		x := u.At("x")
		f := graph.Add(graph.Div(graph.MulScalar(graph.Sin(graph.MulScalar(x, math.Pi)), math.Pi*math.Pi), a(u)),
			graph.MulScalar(graph.Cos(graph.MulScalar(x, math.Pi/2)), math.Pi*math.Pi/4))
		return graph.Add(u.D("x", "x"), f)
	}
	problem := &pde.Problem{
		Name: "jump", Coordinates: []string{"x"}, Unknowns: []string{"u"}, Domain: line,
		Equations: []pde.Equation{{Name: "diffusion", Residual: residual}},
		Ansatz:    pde.DistanceAndLift(pde.Bump(line), nil),
		Exact: func(p []float64) []float64 {
			return []float64{math.Sin(math.Pi*p[0])/jumping(p[0], 1, 1000) + math.Cos(math.Pi*p[0]/2)}
		},
		Suggested: pde.Setup{Hidden: []int{10}, Interior: 80},
	}
	whole, err := sciml.DefaultNetwork(problem, false)
	if err != nil {
		t.Fatal(err)
	}
	halves, err := nn.Subdomains(whole, 0, []float64{-1, 0, 1})
	if err != nil {
		t.Fatal(err)
	}
	solved := func(between pde.Condition) (relative, flow float64) {
		p := *problem
		p.Conditions = []pde.Condition{pde.Dirichlet("u", nil), pde.Continuous("u", middle), between}
		solution, err := sciml.Solve(t.Context(), &p, sciml.Options{Backend: pureGo(t), Network: halves, Method: levenberg, Iterations: 100, Seed: 1})
		if err != nil {
			t.Fatal(err)
		}
		fluxes, err := solution.Measure(flux, []float64{-1e-9}, []float64{1e-9})
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range fluxes {
			flow = max(flow, math.Abs(q/math.Pi-1))
		}
		t.Logf("%s: error %.2g, fluxes %v", between.Name, solution.RelativeError(), fluxes)
		return solution.RelativeError(), flow
	}
	relative, flow := solved(pde.EqualFlux("flux", middle, func(u *pde.Fields) *graph.Node { return graph.MulScalar(flux(u), 1e-3) }))
	if !(relative < 1e-6) || !(flow < 1000*relative) {
		t.Errorf("the error is %.2g, and that of the flux %.2g, expected at most 1000 times as much, as a is", relative, flow)
	}
	if relative, flow := solved(pde.EqualResidual("residual", middle, residual)); !(relative > 1e-3) || !(flow > 1e-2) {
		t.Errorf("with equal residuals the error is %.2g, and that of the flux %.2g, expected what no condition fixes", relative, flow)
	}
}
