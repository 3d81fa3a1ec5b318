package sciml_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// pureGo is the back end that compiles in no time. With operations side by side it may wait for ever, when there are as
// many large products of matrices as workers.
func pureGo(t testing.TB) compute.Backend {
	t.Helper()
	b, err := backend.OpenConfig("go")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// small are options for a training of a tenth of a second.
func small(t testing.TB, b compute.Backend) sciml.Options {
	t.Helper()
	network, err := nn.NewMLP(nn.Tanh, 2, 8, 1)
	if err != nil {
		t.Fatal(err)
	}
	return sciml.Options{Backend: b, Network: network, Method: optim.LBFGS{}, Iterations: 60, Loss: pinn.Options{Interior: 64, Boundary: 32}}
}

func solve(t *testing.T, problem *pde.Problem, options sciml.Options) *sciml.Solution {
	t.Helper()
	s, err := sciml.Solve(context.Background(), problem, options)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSolve(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for name, soft := range map[string]bool{"hard": false, "soft": true} {
			options := small(t, b)
			options.Loss.Soft = soft
			options.Iterations = 150
			s := solve(t, pde.Poisson2D(), options)
			if !(s.RelativeError() < 0.15) || s.Method != "L-BFGS" || !strings.Contains(s.String(), "L-BFGS: relative L2 error") {
				t.Errorf("%s: %s", name, s)
			}
			u, err := s.At([]float64{0.5, 0.5}, []float64{0.25, 0.5}, []float64{0, 1})
			if err != nil {
				t.Fatal(err)
			}
			for n, want := range []float64{1, math.Sqrt2 / 2, 0} {
				if len(u[n]) != 1 || math.Abs(u[n][0]-want) > 0.2 {
					t.Errorf("%s: u at point %d is %v, want about %v", name, n, u[n], want)
				}
			}
			if edge := u[2][0]; (edge == 0) != !soft {
				t.Errorf("%s: u in a corner is %v", name, edge)
			}
		}
	})
}

func TestSeeds(t *testing.T) {
	b := pureGo(t)
	theta := func(seed uint64) []float64 {
		options := small(t, b)
		options.Seed, options.Iterations = seed, 10
		return solve(t, pde.Poisson2D(), options).Result.Theta
	}
	if !slices.Equal(theta(1), theta(1)) {
		t.Error("the same seed gives another solution")
	}
	if slices.Equal(theta(1), theta(2)) {
		t.Error("another seed gives the same solution")
	}
}

func TestFloat32(t *testing.T) {
	options := small(t, pureGo(t))
	options.Loss.DType = dtypes.Float32
	if s := solve(t, pde.Poisson2D(), options); !(s.RelativeError() < 0.2) {
		t.Errorf("%s", s)
	}
}

func TestCancelReturnsASolution(t *testing.T) {
	b := pureGo(t)
	ctx, cancel := context.WithCancel(context.Background())
	options := small(t, b)
	options.Iterations = 1_000_000
	options.OnProgress = func(h *optim.History) error {
		if len(h.Records) > 10 {
			cancel()
		}
		return nil
	}
	s, err := sciml.Solve(ctx, pde.Poisson2D(), options)
	if err != nil || s.Result.Status != optim.Canceled || math.IsNaN(s.RelativeError()) {
		t.Fatalf("%v, error %v", s, err)
	}
	if _, err := s.At([]float64{0.5, 0.5}); err != nil {
		t.Error(err)
	}
	s, err = sciml.Solve(ctx, pde.Poisson2D(), options) // canceled before it begins
	if err != nil || s.Result.Status != optim.Canceled {
		t.Fatalf("%v, error %v", s, err)
	}
	if _, err := s.At([]float64{0.5, 0.5}); err != nil {
		t.Error(err)
	}
}

// TestCancelWhileTheReferenceIsComputed ends before there is anything to return.
func TestCancelWhileTheReferenceIsComputed(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	p := pde.Poisson2D()
	p.Exact = nil
	p.Reference = func(ctx context.Context) (pde.Field, error) {
		cancel()
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if s, err := sciml.Solve(ctx, p, small(t, pureGo(t))); s != nil || !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "reference solution") {
		t.Errorf("%v, error %v", s, err)
	}
}

func TestErrors(t *testing.T) {
	b := pureGo(t)
	for word, change := range map[string]func(p *pde.Problem, o *sciml.Options) *pde.Problem{
		"problem is nil":   func(*pde.Problem, *sciml.Options) *pde.Problem { return nil },
		"no Domain":        func(p *pde.Problem, _ *sciml.Options) *pde.Problem { p.Domain = nil; return p },
		"Interior is -1":   func(p *pde.Problem, o *sciml.Options) *pde.Problem { o.Loss.Interior = -1; return p },
		"Iterations is -1": func(p *pde.Problem, o *sciml.Options) *pde.Problem { o.Iterations = -1; return p },
		"Memory is -1":     func(p *pde.Problem, o *sciml.Options) *pde.Problem { o.Method = optim.LBFGS{Memory: -1}; return p },
		"Sort": func(p *pde.Problem, o *sciml.Options) *pde.Problem {
			p.Ansatz = func(x *graph.Node, network pde.Function) *graph.Node { return graph.Sort(network(x), 1, true) }
			return p
		},
	} {
		options := small(t, b)
		problem := change(pde.Poisson2D(), &options)
		if _, err := sciml.Solve(context.Background(), problem, options); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v, want one that mentions %q", err, word)
		}
	}
	stop := errors.New("stop here")
	options := small(t, b)
	options.OnProgress = func(*optim.History) error { return stop }
	if s, err := sciml.Solve(context.Background(), pde.Poisson2D(), options); !errors.Is(err, stop) || s == nil || s.Result.Status != optim.Failed {
		t.Errorf("a callback's error: %v, %v", s, err)
	}
}
