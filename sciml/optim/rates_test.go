package optim_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/floats"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// quadratic is f = ½Σ λᵢθᵢ² with the minimum 0, from θᵢ = 1.
func quadratic(b compute.Backend, eigenvalues []float64) (*objective.Objective, []float64) {
	start := make([]float64, len(eigenvalues))
	for i := range start {
		start[i] = 1
	}
	return &objective.Objective{Backend: b, Dim: len(start), Loss: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
		lambda := graph.ConvertDType(graph.Const(theta.Graph(), eigenvalues), theta.DType())
		return graph.MulScalar(graph.ReduceAllSum(graph.Mul(lambda, graph.Square(theta))), 0.5)
	}}, start
}

// spectrum has n eigenvalues from 1 to κ, in equal ratios.
func spectrum(n int, kappa float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = math.Pow(kappa, float64(i)/float64(n-1))
	}
	return out
}

// poisson is the energy ½∫u′² − ∫u of −u″ = 1, u(0) = u(1) = 0, for linear finite elements with n unknowns; from u = 0.
// Its minimizer is u = x(1−x)/2 at the nodes, its minimum −½hΣu, and the eigenvalues of its Hessian are
// (2 − 2cos(πkh))/h.
func poisson(b compute.Backend, n int) (obj *objective.Objective, solution []float64, minimum, smallest, largest float64) {
	h := 1 / float64(n+1)
	for i := range n {
		x := float64(i+1) * h
		solution = append(solution, x*(1-x)/2)
		minimum -= h * solution[i] / 2
	}
	obj = &objective.Objective{Backend: b, Dim: n, Loss: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
		end := graph.Zeros(theta.Graph(), entry(theta, 0).Shape())
		whole := join(end, theta, end)
		rise := graph.Sub(graph.Slice(whole, graph.AxisRange(1, n+2)), graph.Slice(whole, graph.AxisRange(0, n+1)))
		return graph.Sub(times(graph.ReduceAllSum(graph.Square(rise)), 0.5/h), times(graph.ReduceAllSum(theta), h))
	}}
	eigenvalue := func(k int) float64 { return (2 - 2*math.Cos(math.Pi*float64(k)*h)) / h }
	return obj, solution, minimum, eigenvalue(1), eigenvalue(n)
}

// rate is the factor by which the distance to the minimizer, as √(f−f*), fell an iteration from record i to record j.
func rate(r *optim.Result, minimum float64, i, j int) float64 {
	first, last := r.History.Records[i].Loss-minimum, r.History.Records[j].Loss-minimum
	return math.Pow(last/first, 0.5/float64(j-i))
}

// TestRates: asymptotic rates of the fixed-step methods are those of theory, told apart by 1 − rate.
func TestRates(t *testing.T) {
	b := pureGo(t)
	check := func(problem string, obj *objective.Objective, start []float64, minimum, mu, l float64, k int) {
		kappa := l / mu
		root := math.Sqrt(kappa)
		beta := (root - 1) / (root + 1)
		for _, c := range []struct {
			name   string
			method optim.Method
			want   float64
			double bool // whether the iteration matrix has a double eigenvalue: then errors go as k·rateᵏ
			off    float64
		}{
			{"gradient descent", optim.GradientDescent{Rate: 2 / (l + mu)}, (kappa - 1) / (kappa + 1), false, 0.01},
			{"heavy ball", optim.Momentum{Rate: 4 / math.Pow(math.Sqrt(l)+math.Sqrt(mu), 2), Beta: beta * beta}, beta, true, 0.04},
			{"Nesterov", optim.Nesterov{Rate: 1 / l, Condition: kappa}, 1 - 1/root, true, 0.04},
		} {
			r := minimize(t, obj, start, c.method, optim.Options{MaxIterations: 2*k + 1})
			got, want := rate(r, minimum, k, 2*k), c.want
			if c.double {
				want *= math.Pow(2, 1/float64(k))
			}
			t.Logf("%s, κ = %.4g: %s: rate %.6f, theory %.6f at this k, %.6f in the end", problem, kappa, c.name, got, want, c.want)
			if math.Abs((1-got)/(1-want)-1) > c.off {
				t.Errorf("%s, κ = %.4g: %s converges by %.6f an iteration, want %.6f", problem, kappa, c.name, got, want)
			}
		}
		// Restarts find out κ: about as fast as with it, where without them the momentum is too much.
		within := func(m optim.Nesterov) int {
			m.Rate = 1 / l
			r := minimize(t, obj, start, m, optim.Options{MaxIterations: 5000, LossTolerance: minimum + 1e-10*(firstLoss(t, obj, start)-minimum)})
			return r.Iterations
		}
		known, function, gradient, none := within(optim.Nesterov{Condition: kappa}), within(optim.Nesterov{Restart: optim.FunctionRestart}),
			within(optim.Nesterov{Restart: optim.GradientRestart}), within(optim.Nesterov{})
		t.Logf("%s, κ = %.4g: Nesterov's method takes %d iterations with κ, %d and %d with restarts, %d without", problem, kappa, known, function, gradient, none)
		if max(function, gradient) > 2*known || float64(none) < 1.2*float64(max(function, gradient)) {
			t.Errorf("%s, κ = %.4g: Nesterov's method takes %d iterations with κ, %d and %d with restarts, %d without", problem, kappa, known, function, gradient, none)
		}
	}
	for _, kappa := range []float64{1e2, 1e4} {
		obj, start := quadratic(b, spectrum(5, kappa))
		check("diagonal", obj, start, 0, 1, kappa, int(6*math.Sqrt(kappa)))
	}
	obj, solution, minimum, mu, l := poisson(b, 50)
	check("Poisson", obj, make([]float64, len(solution)), minimum, mu, l, 130) // later, rounding ends it
}

func firstLoss(t *testing.T, obj *objective.Objective, start []float64) float64 {
	t.Helper()
	e, err := objective.NewEvaluator(obj)
	if err != nil {
		t.Fatal(err)
	}
	loss, _, err := e.At(start)
	if err != nil {
		t.Fatal(err)
	}
	return loss
}

// TestExactDescent: from the worst start, whose gradient has equal parts along the extreme eigenvectors, the error falls
// by (κ−1)/(κ+1) in every single iteration; from another it falls by that at least.
func TestExactDescent(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for _, kappa := range []float64{1e2, 1e4} {
			obj, start := quadratic(b, spectrum(5, kappa))
			worst := []float64{1, 0, 0, 0, 1 / kappa}
			want := (kappa - 1) / (kappa + 1)
			r := minimize(t, obj, worst, optim.ExactGradientDescent{}, optim.Options{MaxIterations: 41})
			for k := range 40 {
				if got := rate(r, 0, k, k+1); math.Abs(got-want) > 1e-9 {
					t.Errorf("κ = %v: iteration %d takes %.12f of the error, want %.12f", kappa, k, got, want)
				}
			}
			r = minimize(t, obj, start, optim.ExactGradientDescent{}, optim.Options{MaxIterations: 41})
			for k := range 40 {
				if got := rate(r, 0, k, k+1); got > want {
					t.Errorf("κ = %v: iteration %d takes %.12f of the error, want %.12f at most", kappa, k, got, want)
				}
			}
		}
	})
	// At the minimizer, and where there is no curvature, it stays.
	b := pureGo(t)
	obj, _ := quadratic(b, []float64{1, 2})
	if r := minimize(t, obj, []float64{3, 0}, optim.ExactGradientDescent{}, optim.Options{}); r.Loss != 0 || r.Status != optim.GradientSmall || r.Iterations != 2 {
		t.Errorf("along an eigenvector: %s", r)
	}
	obj.Loss = func(theta *graph.Node, _ []*graph.Node) *graph.Node { return graph.ReduceAllSum(theta) }
	if r := minimize(t, obj, []float64{3, 0}, optim.ExactGradientDescent{}, optim.Options{MaxIterations: 5}); r.Loss != 3 || r.Status != optim.IterationLimit {
		t.Errorf("a linear function: %s", r)
	}
}

// linearCG is the method of conjugate gradients for ½Σ λᵢθᵢ² (Nocedal and Wright 2006, Algorithm 5.2); it returns losses.
func linearCG(eigenvalues, start []float64, iterations int) []float64 {
	loss := func(theta []float64) float64 { return floats.Dot(eigenvalues, mulTo(theta, theta)) / 2 }
	theta := append([]float64(nil), start...)
	r := mulTo(eigenvalues, theta)
	p := append([]float64(nil), r...)
	losses := []float64{loss(theta)}
	for range iterations {
		rr, hp := floats.Dot(r, r), mulTo(eigenvalues, p)
		alpha := rr / floats.Dot(p, hp)
		floats.AddScaled(theta, -alpha, p)
		floats.AddScaled(r, -alpha, hp)
		floats.Scale(floats.Dot(r, r)/rr, p)
		floats.Add(p, r)
		losses = append(losses, loss(theta))
	}
	return losses
}

func mulTo(a, b []float64) []float64 { return floats.MulTo(make([]float64, len(a)), a, b) }

var cgFormulas = map[string]optim.CGFormula{
	"FR": optim.FletcherReeves, "PR+": optim.PolakRibierePlus, "DY": optim.DaiYuan, "HZ": optim.CGDescent,
}

// TestConjugateGradients: with an exact search, all formulas do what linear conjugate gradients do, terminate within n
// iterations and meet the bound of Chebyshev's polynomials until then.
func TestConjugateGradients(t *testing.T) {
	b := pureGo(t)
	exact := search.StrongWolfe{Curvature: 1e-10}
	check := func(problem string, obj *objective.Objective, start []float64, minimum, kappa float64, most int) {
		begin := firstLoss(t, obj, start)
		for name, formula := range cgFormulas {
			options := optim.Options{MaxIterations: 200, LossTolerance: minimum + 1e-12*(begin-minimum)}
			r := minimize(t, obj, start, optim.NonlinearCG{Formula: formula, Search: exact}, options)
			usual := minimize(t, obj, start, optim.NonlinearCG{Formula: formula}, options)
			t.Logf("%s, κ = %.4g, %s: %d iterations, %d evaluations; with the usual search %d and %d", problem, kappa, name, r.Iterations, r.Evaluations, usual.Iterations, usual.Evaluations)
			if r.Status != optim.LossReached || r.Iterations > most {
				t.Errorf("%s, κ = %.4g, %s: %s, want at most %d iterations", problem, kappa, name, r, most)
			}
			if usual.Status != optim.LossReached || usual.Iterations > 2*most {
				t.Errorf("%s, κ = %.4g, %s with the usual search: %s", problem, kappa, name, usual)
			}
			root := math.Sqrt(kappa)
			for k, rec := range r.History.Records {
				bound := 2 * math.Pow((root-1)/(root+1), float64(k))
				if got := math.Sqrt(math.Max(0, (rec.Loss-minimum)/(begin-minimum))); got > bound+1e-7 {
					t.Errorf("%s, κ = %.4g, %s: the error is %.3g of the first one after %d iterations, Chebyshev's bound is %.3g", problem, kappa, name, got, k, bound)
				}
			}
		}
	}
	for _, kappa := range []float64{1e2, 1e4} {
		n := map[float64]int{1e2: 6, 1e4: 4}[kappa] // with more, rounding costs an iteration
		obj, start := quadratic(b, spectrum(n, kappa))
		check("diagonal", obj, start, 0, kappa, n)
		losses := linearCG(spectrum(n, kappa), start, n-1)
		for name, formula := range cgFormulas {
			r := minimize(t, obj, start, optim.NonlinearCG{Formula: formula, Search: exact}, optim.Options{MaxIterations: n - 1})
			for k, want := range losses {
				if got := r.History.Records[k].Loss; math.Abs(got-want) > 1e-6*want {
					t.Errorf("κ = %v, %s: loss %.10g after %d iterations, linear conjugate gradients have %.10g", kappa, name, got, k, want)
				}
			}
		}
	}
	const n = 50
	obj, solution, minimum, mu, l := poisson(b, n)
	check("Poisson", obj, make([]float64, n), minimum, l/mu, n/2) // symmetric: half of the eigenvectors take part
	r := minimize(t, obj, make([]float64, n), optim.NonlinearCG{}, optim.Options{GradientTolerance: 1e-10})
	for i, want := range solution {
		if math.Abs(r.Theta[i]-want) > 1e-8 {
			t.Fatalf("u%d is %.12f, want %.12f (%s)", i, r.Theta[i], want, r)
		}
	}
}

// TestConjugateGradientsOnProblems: every formula minimizes what is not quadratic as well.
func TestConjugateGradientsOnProblems(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for name, p := range problems {
			if strings.HasSuffix(t.Name(), "/xla") && name != "Wood" || name == "Brown badly scaled" {
				continue // XLA takes a second each to compile; the other one is for methods that scale
			}
			for formula, f := range cgFormulas {
				r := minimize(t, p.objective(b), p.start, optim.NonlinearCG{Formula: f}, optim.Options{MaxIterations: 200, GradientTolerance: 1e-7})
				for i, want := range p.solution {
					if math.Abs(r.Theta[i]-want) > 1e-6*math.Max(1, math.Abs(want)) {
						t.Errorf("%s, %s: θ%d = %v, want %v (%s)", name, formula, i, r.Theta[i], want, r)
					}
				}
				checkHistory(t, name, r)
				t.Logf("%s, %s: %d iterations, %d evaluations", name, formula, r.Iterations, r.Evaluations)
				if strings.HasSuffix(t.Name(), "/xla") {
					break
				}
			}
		}
	})
	// Periodic restarts: with one after every iteration it is steepest descent.
	obj, start := quadratic(pureGo(t), []float64{1, 10})
	options := optim.Options{MaxIterations: 8}
	cg := minimize(t, obj, start, optim.NonlinearCG{Restart: 1, Search: search.StrongWolfe{Curvature: 1e-10}}, options)
	descent := minimize(t, obj, start, optim.ExactGradientDescent{}, options)
	for k, rec := range descent.History.Records {
		if got := cg.History.Records[k].Loss; math.Abs(got-rec.Loss) > 1e-6*rec.Loss {
			t.Errorf("with restarts always the loss is %v after %d iterations, that of steepest descent %v", got, k, rec.Loss)
		}
	}
}

// TestBarzilaiBorwein: much faster than the best fixed step, whose number of iterations theory gives.
func TestBarzilaiBorwein(t *testing.T) {
	b := pureGo(t)
	obj, start := quadratic(b, spectrum(20, 1e4))
	energy, solution, minimum, mu, l := poisson(b, 60)
	for _, c := range []struct {
		problem        string
		obj            *objective.Objective
		start          []float64
		minimum, kappa float64
		faster         float64 // at least so many times
	}{{"diagonal", obj, start, 0, 1e4, 50}, {"Poisson", energy, make([]float64, len(solution)), minimum, l / mu, 10}} {
		const decrease = 1e-10
		fixed := math.Log(decrease) / 2 / math.Log((c.kappa-1)/(c.kappa+1))
		for name, method := range map[string]optim.Method{
			"long": optim.BarzilaiBorwein{Rate: 1e-5}, "short": optim.BarzilaiBorwein{Size: optim.ShortBB}, "alternating": optim.BarzilaiBorwein{Size: optim.AlternatingBB},
			"non-monotone search": optim.BarzilaiBorwein{Search: search.NonMonotone{}},
		} {
			r := minimize(t, c.obj, c.start, method, optim.Options{
				MaxIterations: int(fixed), LossTolerance: c.minimum + decrease*(firstLoss(t, c.obj, c.start)-c.minimum),
			})
			t.Logf("%s, κ = %.4g, %s: %d iterations, %d evaluations; gradient descent %.0f", c.problem, c.kappa, name, r.Iterations, r.Evaluations, fixed)
			if r.Status != optim.LossReached || float64(r.Iterations)*c.faster > fixed {
				t.Errorf("%s, κ = %.4g, %s: %s, gradient descent takes %.0f iterations", c.problem, c.kappa, name, r, fixed)
			}
		}
	}
}
