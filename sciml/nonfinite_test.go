package sciml_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
	"github.com/gosciml/gosciml/sciml/sample"
)

// TestNonFinite: a run that ends because something is NaN or infinite names the term and a point, and the trap that it is caught in;
// with every kind of method.
func TestNonFinite(t *testing.T) {
	root := func(u *pde.Fields) *graph.Node { // √u where u > 0, which is so nowhere at x = 0
		v := graph.Mul(u.U(), u.At("x"))
		return graph.Where(graph.GreaterThan(v, graph.ZerosLike(v)), graph.Sqrt(v), graph.ZerosLike(v))
	}
	// There is a point at x = 0, the middle of the interval.
	tests := map[string]struct {
		set   func(p *pde.Problem, o *sciml.Options)
		words []string
		not   string
	}{
		"residual": {func(p *pde.Problem, _ *sciml.Options) {
			p.Equations[0].Residual = func(u *pde.Fields) *graph.Node { return graph.Log(u.At("x")) }
		}, []string{`the term "heat" is `, ` at x = -`, " of 9 points in all"}, "Where"},
		"one point": {func(p *pde.Problem, _ *sciml.Options) {
			p.Equations[0].Residual = func(u *pde.Fields) *graph.Node { return graph.Add(u.U(), graph.Log(graph.Abs(u.At("x")))) }
		}, []string{`the term "heat" is -Inf at x = 0`}, "points in all"},
		"condition": {func(p *pde.Problem, _ *sciml.Options) {
			p.Conditions[0].Residual = func(u *pde.Fields) *graph.Node { return graph.Sqrt(graph.Neg(graph.OnePlus(u.At("x")))) }
		}, []string{`the term "Dirichlet u" is NaN at x = 1`}, "points in all"},
		"too large": {func(p *pde.Problem, o *sciml.Options) {
			o.Loss.Weights = map[string]float64{"heat": 1} // one that is not chosen would be made to fit
			p.Equations[0].Residual = func(u *pde.Fields) *graph.Node { return graph.MulScalar(graph.OnePlus(u.At("x")), 1e200) }
		}, []string{"the loss is +Inf", `the term "heat" at x = 0.88`}, "Where"},
		"Where": {func(p *pde.Problem, _ *sciml.Options) { p.Equations[0].Residual = root },
			[]string{`the gradient of the term "heat" is not finite at x = 0, where its value is`, "graph.Where", "Where(c, Sqrt(Where(c, x, one)), zero)"}, "points in all"},
		"no Where": {func(p *pde.Problem, _ *sciml.Options) {
			p.Equations[0].Residual = func(u *pde.Fields) *graph.Node { return graph.Sqrt(graph.Square(graph.Mul(u.U(), u.At("x")))) }
		}, []string{`the gradient of the term "heat" is not finite at x = 0, where its value is`}, "Where"},
		"energy": {func(p *pde.Problem, o *sciml.Options) {
			p.Energy = func(u *pde.Fields) *graph.Node { return graph.Div(graph.OnesLike(u.U()), u.At("x")) }
			o.Loss.Form = pinn.DeepRitz{}
		}, []string{`the term "energy" is +Inf at x = 0`}, "points in all"},
		"softplus": {func(p *pde.Problem, o *sciml.Options) {
			p.Equations[0].Residual = func(u *pde.Fields) *graph.Node { return graph.Log(graph.Abs(u.At("x"))) }
			network, err := nn.NewMLP(nn.Softplus, 1, 4, 4, 1)
			if err != nil {
				t.Fatal(err)
			}
			o.Network = network
		}, []string{`the term "heat" is -Inf at x = 0`}, "Where"},
	}
	methods := map[string]optim.Method{
		"auto": nil, "Adam": optim.Adam{}, "L-BFGS": optim.LBFGS{}, "LM": optim.LevenbergMarquardt{}, "SGD": optim.SGD{},
		"trust region": optim.NewtonTrustRegion{}, "hybrid": optim.Hybrid{{Method: optim.Adam{}, Until: optim.Iterations(5)}, {Method: optim.BFGS{}}},
	}
	for name, test := range tests {
		for by, method := range methods {
			if name == "energy" && by == "LM" || by != "auto" && by != "Adam" && name != "Where" && name != "one point" && name != "energy" {
				continue
			}
			t.Run(name+" by "+by, func(t *testing.T) {
				box, err := pde.NewInterval("x", -1, 1)
				if err != nil {
					t.Fatal(err)
				}
				problem := &pde.Problem{
					Name: "undefined", Coordinates: []string{"x"}, Unknowns: []string{"u"}, Domain: box,
					Equations:  []pde.Equation{{Name: "heat", Residual: func(u *pde.Fields) *graph.Node { return u.D("x", "x") }}},
					Conditions: []pde.Condition{pde.Dirichlet("u", nil)},
				}
				options := sciml.Options{Backend: pureGo(t), Method: method, Iterations: 20, Loss: pinn.Options{Interior: 9, Boundary: 2, Sampler: sample.Grid{}}}
				options.Network, err = nn.NewMLP(nn.Tanh, 1, 4, 1)
				if err != nil {
					t.Fatal(err)
				}
				test.set(problem, &options)
				s, err := sciml.Solve(context.Background(), problem, options)
				if err != nil {
					t.Fatal(err)
				}
				if s.Result.Status != optim.NonFinite || len(s.Result.Theta) == 0 || math.IsNaN(s.Result.Theta[0]) {
					t.Errorf("%v, want one that ends as NonFinite, with the start", s)
				}
				for _, word := range test.words {
					if !strings.Contains(s.Result.Message, word) {
						t.Errorf("message %q, want one that says %q", s.Result.Message, word)
					}
				}
				if strings.Contains(s.Result.Message, test.not) {
					t.Errorf("message %q, want nothing of %q", s.Result.Message, test.not)
				}
			})
		}
	}
}

// TestNonFiniteWeights: a Weighting that cannot look at what is not finite says at which point, and so does the run.
func TestNonFiniteWeights(t *testing.T) {
	for name, w := range map[string]pinn.Weighting{"residuals": pinn.SelfAdaptive{}, "gradients": pinn.GradNorm{}} {
		problem := pde.Poisson1D()
		problem.Equations[0] = pde.Equation{Name: "log", Residual: func(u *pde.Fields) *graph.Node {
			return graph.Add(u.U(), graph.Log(graph.Abs(graph.AddScalar(u.At("x"), -0.5))))
		}}
		s, err := sciml.Solve(context.Background(), problem, sciml.Options{
			Backend: pureGo(t), Iterations: 20, Loss: pinn.Options{Interior: 9, Boundary: 2, Sampler: sample.Grid{}, Weighting: w, Soft: true},
		})
		if err != nil {
			t.Fatal(err)
		}
		const want = `the term "log" is -Inf at x = 0.5`
		if s.Result.Status != optim.NonFinite || !strings.Contains(s.Result.Message, want) {
			t.Errorf("%s: %v, want %s", name, s, want)
		}
		if events := s.Result.History.Events; len(events) == 0 || !strings.Contains(events[0].Text, want) {
			t.Errorf("%s: events %v, want the first to say %s", name, events, want)
		}
	}
}

// TestNonFiniteOnXLA: as above, once on each back end.
func TestNonFiniteOnXLA(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		problem := pde.Poisson1D()
		problem.Equations[0] = pde.Equation{Name: "root", Residual: func(u *pde.Fields) *graph.Node {
			v := graph.Mul(u.U(), graph.AddScalar(u.At("x"), -0.5))
			return graph.Where(graph.GreaterThan(v, graph.ZerosLike(v)), graph.Sqrt(v), graph.ZerosLike(v))
		}}
		s, err := sciml.Solve(context.Background(), problem, sciml.Options{Backend: b, Iterations: 20, Loss: pinn.Options{Interior: 9, Boundary: 2, Sampler: sample.Grid{}}})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(s.Result.Message, `the gradient of the term "root" is not finite at x = 0.5`) || !strings.Contains(s.Result.Message, "graph.Where") {
			t.Errorf("%v, want the term, the point and the trap", s)
		}
	})
}
