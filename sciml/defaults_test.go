package sciml_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// TestDefaults solves with every default but the number of iterations.
func TestDefaults(t *testing.T) {
	s := solve(t, pde.Poisson2D(), sciml.Options{Backend: pureGo(t), Iterations: 5})
	if s.Method != "auto" || s.Result.Iterations != 5 || s.Result.Status != optim.IterationLimit || math.IsNaN(s.RelativeError()) {
		t.Errorf("%s after %d iterations", s, s.Result.Iterations)
	}
}

// TestEveryKind takes a few steps on a problem of each kind, and draws all of its unknowns.
func TestEveryKind(t *testing.T) {
	for kind, key := range map[string]string{
		"one coordinate": "poisson1d", "fourth order": "beam", "two coordinates": "helmholtz", "many coordinates": "poisson10d",
		"time": "heat1d", "time and many coordinates": "heat4d", "periodic": "convection", "third order, periodic": "kdv-cosine",
		"several unknowns": "kovasznay", "unknown coefficients": "inverse-burgers", "an unknown function": "inverse-diffusion",
	} {
		p, err := pde.Named(key)
		if err != nil {
			t.Error(kind, err)
			continue
		}
		p.Suggested.Hidden = []int{4}
		p.Reference = nil // may take its time
		s := solve(t, p, sciml.Options{Backend: pureGo(t), Iterations: 3, Loss: pinn.Options{Interior: 20, Boundary: 10}})
		if loss := s.Result.Loss; math.IsInf(loss, 0) || math.IsNaN(loss) || s.Result.Iterations != 3 {
			t.Errorf("%s: %s", kind, s)
		}
		if (p.Exact == nil) != math.IsNaN(s.RelativeError()) || math.IsNaN(s.RelativeError()) == strings.Contains(s.String(), "relative L2 error") {
			t.Errorf("%s: the error is %v; %s", kind, s.RelativeError(), s)
		}
		for _, unknown := range p.Unknowns {
			if svg(t, s, unknown) == "" {
				t.Errorf("%s: an empty picture", kind)
			}
		}
		lo, hi := p.Domain.Bounds()
		middle := make([]float64, len(lo))
		for i := range lo {
			middle[i] = (lo[i] + hi[i]) / 2
		}
		if u, err := s.At(middle); err != nil || len(u[0]) != len(p.Unknowns) || math.IsNaN(u[0][0]) {
			t.Errorf("%s: u in the middle is %v, %v", kind, u, err)
		}
	}
}

// TestPeriodicNetwork: with the default network u and its derivatives are the same on both sides.
func TestPeriodicNetwork(t *testing.T) {
	p := wave(t)
	p.Suggested.Hidden = []int{4}
	s := solve(t, p, sciml.Options{Backend: pureGo(t), Iterations: 2, Loss: pinn.Options{Interior: 10, Boundary: 4}})
	for _, by := range [][]string{nil, {"x"}, {"t", "x"}} {
		d, err := s.Derivative(by, []float64{0, 0.3}, []float64{2, 0.3})
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(d[0][0]-d[1][0]) > 1e-13 || d[0][0] == 0 {
			t.Errorf("the derivative by %q is %v on the left and %v on the right", by, d[0], d[1])
		}
	}
}

// TestDefaultNetworkOfRank: a problem may ask for a separable network, after the same maps as others.
func TestDefaultNetworkOfRank(t *testing.T) {
	for rank, want := range map[int]string{
		0: "scale [0 0]…[1 1] → MLP 2-5-6-1 sin", 3: "scale [0 0]…[1 1] → separable of rank 3 2-5-6-1 sin",
	} {
		p := pde.Poisson2D()
		p.Suggested = pde.Setup{Rank: rank, Hidden: []int{5, 6}, Activation: "sin", Stretch: []float64{1, 1}}
		network, err := sciml.DefaultNetwork(p, false)
		if err != nil || network.String() != want {
			t.Errorf("rank %d: the network is %s, error %v, expected %s", rank, network, err, want)
		}
	}
}

func TestDefaultNetworkOfNothing(t *testing.T) {
	if n, err := sciml.DefaultNetwork(nil, false); n != nil || err == nil || !strings.Contains(err.Error(), "problem is nil") {
		t.Errorf("%v, error %v", n, err)
	}
}
