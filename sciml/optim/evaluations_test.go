package optim_test

import (
	"maps"
	"math"
	"testing"

	"gonum.org/v1/gonum/optimize"

	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// TestEvaluationsAreCounted: a result has as many as there were calls of the function, those of searches that fail and of phases
// that fail at once among them.
func TestEvaluationsAreCounted(t *testing.T) {
	failing := optim.Hybrid{
		{Method: optim.LBFGS{}}, {Method: optim.SR1{}}, {Method: optim.Hybrid{{Method: optim.BFGS{}}, {Method: optim.Dogleg{}}}}, {Method: optim.NonlinearCG{}},
		{Method: optim.Gonum{Method: &optimize.BFGS{}}}, {Method: optim.LBFGS{Search: search.HagerZhang{}}}, {Method: optim.SSBroyden{}},
	}
	methods := maps.Clone(hostMethods)
	maps.Copy(methods, map[string]optim.Method{
		"failing": failing, "auto": optim.Auto{WarmUp: 5}, "L-SR1": optim.LSR1{}, "gonum": optim.Gonum{Method: &optimize.LBFGS{}},
		"armijo": optim.LBFGS{Search: search.Armijo{}},
	})
	smooth := func(theta, gradient []float64) (f float64) {
		for i, v := range theta {
			c := math.Pow(10, float64(i)/2)
			f += c * (1 - math.Cos(v))
			gradient[i] = c * math.Sin(v)
		}
		return f
	}
	// Each is told the number of the call, from one.
	functions := map[string]func(call int, theta, gradient []float64) float64{
		"smooth": func(_ int, theta, gradient []float64) float64 { return smooth(theta, gradient) },
		"with a kink": func(_ int, theta, gradient []float64) (f float64) {
			for i, v := range theta {
				f += math.Abs(v - 0.3)
				gradient[i] = math.Copysign(1, v-0.3)
			}
			return f
		},
		"with a wrong gradient": func(_ int, theta, gradient []float64) (f float64) {
			for i, v := range theta {
				f += v * v
				gradient[i] = -2 * v
			}
			return f
		},
		"not finite at times": func(call int, theta, gradient []float64) float64 {
			f := smooth(theta, gradient)
			switch call % 9 {
			case 2:
				return math.NaN()
			case 5:
				gradient[1] = math.Inf(1)
			case 8:
				return math.Inf(-1)
			}
			return f
		},
	}
	for what, f := range functions {
		for name, method := range methods {
			calls := 0
			obj, err := objective.FromFunction(6, func(theta, gradient []float64) float64 {
				calls++
				return f(calls, theta, gradient)
			})
			if err != nil {
				t.Fatal(err)
			}
			r := minimize(t, obj, []float64{0.5, -0.4, 0.3, 0.6, -0.5, 0.2}, method, optim.Options{MaxIterations: 40})
			if r.Evaluations != calls {
				t.Errorf("%s, %s: %d evaluations after %d calls, %s", name, what, r.Evaluations, calls, r)
			}
			if last := r.History.Last().Evaluations; last > r.Evaluations || r.Status == optim.SearchFailed && r.Iterations == 0 && last == r.Evaluations {
				t.Errorf("%s, %s: %d evaluations up to the last record, %d in all, %s", name, what, last, r.Evaluations, r)
			}
			if name == "failing" && what == "with a wrong gradient" && (r.Status != optim.SearchFailed || len(r.History.Events) != len(failing)) {
				t.Errorf("%s, with events %v, want one for each phase that fails", r, r.History.Events)
			}
		}
	}
}
