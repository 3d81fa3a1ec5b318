package sciml_test

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/sciml"
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
