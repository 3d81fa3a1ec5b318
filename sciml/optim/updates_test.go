package optim_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

// plainUpdate is a method in plain Go: it changes θ in iteration t = 1, 2, …, given the gradient there.
type plainUpdate func(t int, theta, g []float64)

// plainAdamUpdate is Algorithm 1 of Kingma and Ba, with every setting of Adam.
func plainAdamUpdate(a optim.Adam, dim int) plainUpdate {
	m, v, largest := make([]float64, dim), make([]float64, dim), make([]float64, dim)
	return func(t int, theta, g []float64) {
		for i := range theta {
			m[i] = a.Beta1*m[i] + (1-a.Beta1)*g[i]
			v[i] = a.Beta2*v[i] + (1-a.Beta2)*g[i]*g[i]
			second := v[i]
			if a.AMSGrad {
				largest[i] = math.Max(largest[i], v[i])
				second = largest[i]
			}
			mHat, vHat := m[i]/(1-math.Pow(a.Beta1, float64(t))), second/(1-math.Pow(a.Beta2, float64(t)))
			theta[i] -= a.Rate * (mHat/(math.Sqrt(vHat)+a.Epsilon) + a.WeightDecay*theta[i])
		}
	}
}

// updates are methods with what they have to do on a problem of four parameters.
var updates = map[string]struct {
	method optim.Method
	plain  func() plainUpdate
}{
	"gradient descent, decaying": {optim.GradientDescent{Rate: 1e-4, Schedule: optim.StepDecay{Every: 2}}, func() plainUpdate {
		return func(t int, theta, g []float64) {
			for i := range theta {
				theta[i] -= 1e-4 * math.Pow(0.5, float64((t-1)/2)) * g[i]
			}
		}
	}},
	"momentum": {optim.Momentum{Rate: 1e-4, Beta: 0.7}, func() plainUpdate {
		step := make([]float64, 4)
		return func(_ int, theta, g []float64) {
			for i := range theta {
				step[i] = 0.7*step[i] - 1e-4*g[i]
				theta[i] += step[i]
			}
		}
	}},
	"Nesterov": {optim.Nesterov{Rate: 1e-4}, func() plainUpdate {
		x := []float64{-3, -1, -3, -1}
		time := 1.0
		return func(_ int, y, g []float64) {
			after := (1 + math.Sqrt(1+4*time*time)) / 2
			for i := range y {
				next := y[i] - 1e-4*g[i]
				y[i] = next + (time-1)/after*(next-x[i])
				x[i] = next
			}
			time = after
		}
	}},
	"Adagrad": {optim.Adagrad{Rate: 0.1, Epsilon: 1e-3}, func() plainUpdate {
		sum := make([]float64, 4)
		return func(_ int, theta, g []float64) {
			for i := range theta {
				sum[i] += g[i] * g[i]
				theta[i] -= 0.1 * g[i] / (math.Sqrt(sum[i]) + 1e-3)
			}
		}
	}},
	"RMSProp": {optim.RMSProp{Rate: 0.01, Beta: 0.8, Epsilon: 1e-3}, func() plainUpdate {
		v := make([]float64, 4)
		return func(_ int, theta, g []float64) {
			for i := range theta {
				v[i] = 0.8*v[i] + 0.2*g[i]*g[i]
				theta[i] -= 0.01 * g[i] / (math.Sqrt(v[i]) + 1e-3)
			}
		}
	}},
	"Adam without momentum": {optim.Adam{Rate: 0.1, Beta1: optim.Zero, Epsilon: optim.Zero}, func() plainUpdate {
		return plainAdamUpdate(optim.Adam{Rate: 0.1, Beta2: 0.999}, 4)
	}},
	"Adam without memory": {optim.Adam{Rate: 0.1, Beta1: optim.Zero, Beta2: optim.Zero, Epsilon: optim.Zero}, func() plainUpdate {
		return plainAdamUpdate(optim.Adam{Rate: 0.1}, 4)
	}},
	"AdamW": {optim.Adam{Rate: 0.1, WeightDecay: 0.3}, func() plainUpdate {
		return plainAdamUpdate(optim.Adam{Rate: 0.1, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, WeightDecay: 0.3}, 4)
	}},
	"AMSGrad": {optim.Adam{Rate: 1, Beta1: 0.5, Beta2: 0.6, AMSGrad: true}, func() plainUpdate {
		return plainAdamUpdate(optim.Adam{Rate: 1, Beta1: 0.5, Beta2: 0.6, Epsilon: 1e-8, AMSGrad: true}, 4)
	}},
	"Lion": {optim.Lion{Rate: 0.5, Beta1: 0.8, Beta2: 0.6, WeightDecay: 0.1}, func() plainUpdate {
		m := make([]float64, 4)
		return func(_ int, theta, g []float64) {
			for i := range theta {
				c := 0.8*m[i] + 0.2*g[i]
				m[i] = 0.6*m[i] + 0.4*g[i]
				theta[i] -= 0.5 * (c/math.Abs(c) + 0.1*theta[i])
			}
		}
	}},
	"Barzilai–Borwein, bounded": {optim.BarzilaiBorwein{Rate: 1e-4, Size: optim.AlternatingBB, Longest: 0.5}, func() plainUpdate {
		var before, gBefore []float64
		rate := 1e-4
		return func(t int, theta, g []float64) {
			if before != nil {
				ss, sy, yy := 0.0, 0.0, 0.0
				for i := range theta {
					s, y := theta[i]-before[i], g[i]-gBefore[i]
					ss, sy, yy = ss+s*s, sy+s*y, yy+y*y
				}
				if rate = ss / sy; t%2 == 1 {
					rate = sy / yy
				}
			}
			before, gBefore = append([]float64(nil), theta...), append([]float64(nil), g...)
			length := 0.0
			for i := range g {
				length += rate * rate * g[i] * g[i]
			}
			shrink := math.Min(1, 0.5/math.Sqrt(length))
			for i := range theta {
				theta[i] -= shrink * rate * g[i]
			}
		}
	}},
}

// trajectory is every iterate of a run.
func trajectory(t *testing.T, obj *objective.Objective, start []float64, method optim.Method, steps int) [][]float64 {
	t.Helper()
	var all [][]float64
	minimize(t, obj, start, method, optim.Options{MaxIterations: steps, MonitorEvery: 1, Monitor: func(_ context.Context, theta *tensors.Tensor) (map[string]float64, error) {
		all = append(all, tensors.MustCopyFlatData[float64](theta))
		return nil, nil
	}})
	return all
}

// TestUpdates compares the first iterates with those of plain Go.
func TestUpdates(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for name, u := range updates {
			if strings.HasSuffix(t.Name(), "/xla") && name != "AMSGrad" && name != "Nesterov" && name != "Barzilai–Borwein, bounded" {
				continue // XLA takes most of a second to compile each
			}
			p := problems["Wood"]
			all := trajectory(t, p.objective(b), p.start, u.method, 6)
			theta, g, update := append([]float64(nil), p.start...), make([]float64, 4), u.plain()
			moved := 0.0
			for k := 1; k <= 6; k++ {
				p.reference.Grad(g, theta)
				update(k, theta, g)
				for i, want := range theta {
					if got := all[k][i]; !(math.Abs(got-want) <= 1e-11*(1+math.Abs(want))) {
						t.Errorf("%s: θ%d after %d iterations is %.16g, want %.16g", name, i, k, got, want)
					}
					moved = math.Max(moved, math.Abs(theta[i]-p.start[i]))
				}
			}
			if moved < 0.01 {
				t.Errorf("%s: moved by %v only", name, moved)
			}
		}
	})
}

// TestFixedStepSettings: settings that make no sense are named.
func TestFixedStepSettings(t *testing.T) {
	p := problems["Wood"]
	obj := p.objective(pureGo(t))
	nan := math.NaN()
	for word, method := range map[string]optim.Method{
		"GradientDescent.Rate is -1":          optim.GradientDescent{Rate: -1},
		"Momentum.Rate is NaN":                optim.Momentum{Rate: nan},
		"Momentum.Beta is 1":                  optim.Momentum{Beta: 1},
		"Nesterov.Rate is +Inf":               optim.Nesterov{Rate: math.Inf(1)},
		"Nesterov.Condition is 0.5":           optim.Nesterov{Condition: 0.5},
		"Nesterov.Restart is 3":               optim.Nesterov{Restart: 3},
		"Adagrad.Rate is -1":                  optim.Adagrad{Rate: -1},
		"Adagrad.Epsilon is NaN":              optim.Adagrad{Epsilon: nan},
		"RMSProp.Rate is -2":                  optim.RMSProp{Rate: -2},
		"RMSProp.Beta is -0.5":                optim.RMSProp{Beta: -0.5},
		"RMSProp.Epsilon is -1":               optim.RMSProp{Epsilon: -1},
		"Adam.WeightDecay is -1":              optim.Adam{WeightDecay: -1},
		"Lion.Rate is -1":                     optim.Lion{Rate: -1},
		"Lion.Beta1 is 1.5":                   optim.Lion{Beta1: 1.5},
		"Lion.Beta2 is NaN":                   optim.Lion{Beta2: nan},
		"Lion.WeightDecay is +Inf":            optim.Lion{WeightDecay: math.Inf(1)},
		"BarzilaiBorwein.Rate is -1":          optim.BarzilaiBorwein{Rate: -1},
		"BarzilaiBorwein.Longest is NaN":      optim.BarzilaiBorwein{Longest: nan},
		"BarzilaiBorwein.Size is 3":           optim.BarzilaiBorwein{Size: 3},
		"NonlinearCG.Formula is 4":            optim.NonlinearCG{Formula: 4},
		"NonlinearCG.Restart is -1":           optim.NonlinearCG{Restart: -1},
		"Muon.Iterations is -1":               optim.Muon{Iterations: -1},
		"Muon.Rate is -1":                     optim.Muon{Rate: -1},
		"Muon.Adam.Beta1 is 2":                optim.Muon{Adam: optim.Adam{Beta1: 2}},
		"Muon.Adam.Schedule is":               optim.Muon{Adam: optim.Adam{Schedule: optim.Constant{}}},
		"Muon needs Objective.Blocks":         optim.Muon{},
		"StepDecay.Every is -1":               optim.Adam{Schedule: optim.StepDecay{Every: -1}},
		"StepDecay.Factor is -1":              optim.Lion{Schedule: optim.StepDecay{Factor: -1}},
		"at least 1, in Adagrad.Schedule":     optim.Adagrad{Schedule: optim.Exponential{Every: -1}},
		"Exponential.Factor is -1":            optim.RMSProp{Schedule: optim.Exponential{Factor: -1}},
		"Cosine.Total is 0":                   optim.Momentum{Schedule: optim.Cosine{}},
		"Cosine.Floor is 1":                   optim.Nesterov{Schedule: optim.Cosine{Total: 1, Floor: 1}},
		"WarmUp.Steps is 0":                   optim.GradientDescent{Schedule: optim.WarmUp{}},
		"Plateau.Patience is -1":              optim.GradientDescent{Schedule: optim.WarmUp{Steps: 1, Then: optim.Plateau{Patience: -1}}},
		"Plateau.Factor is 1":                 optim.GradientDescent{Schedule: optim.Plateau{Factor: 1}},
		"Plateau.Min is -1":                   optim.GradientDescent{Schedule: optim.Plateau{Min: -1}},
		"Plateau.Threshold is 2":              optim.GradientDescent{Schedule: optim.Plateau{Threshold: 2}},
		"Plateau.Factor is -1, expected a fi": optim.GradientDescent{Schedule: optim.Plateau{Factor: -1}},
	} {
		mustFail(t, obj, p.start, method, optim.Options{}, word)
	}
	names := map[string]bool{}
	for _, m := range []optim.Method{
		optim.GradientDescent{}, optim.Momentum{}, optim.Nesterov{}, optim.Adagrad{}, optim.RMSProp{}, optim.Adam{}, optim.Lion{},
		optim.Muon{}, optim.BarzilaiBorwein{}, optim.ExactGradientDescent{}, optim.NonlinearCG{},
	} {
		names[m.Name()] = true
	}
	if len(names) != 11 || names[""] {
		t.Errorf("names of methods: %s", fmt.Sprint(names))
	}
}
