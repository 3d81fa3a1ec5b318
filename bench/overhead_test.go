package main

import (
	"testing"
	"time"

	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// BenchmarkOverhead prints what a method adds to an evaluation of loss and gradient, as a share of it, for P = 10,121
// parameters and 2,048 points: the aim is below 0.2. A line search makes more evaluations than iterations, so the time of
// a run is compared with that of as many evaluations.
//
//	go test -run - -bench Overhead ./bench
func BenchmarkOverhead(b *testing.B) {
	engine, err := backend.Open()
	if err != nil {
		b.Fatal(err)
	}
	network, err := nn.NewMLP(nn.Tanh, 2, 70, 70, 70, 1)
	if err != nil {
		b.Fatal(err)
	}
	model, err := pinn.New(engine, pde.Poisson2D(), network, pinn.Options{Interior: 2048})
	if err != nil {
		b.Fatal(err)
	}
	theta := network.Init(1)
	for _, m := range []optim.Method{optim.LBFGS{Memory: 20}, optim.Adam{}} {
		b.Run(m.Name(), func(b *testing.B) {
			obj := model.Objective()
			obj.Terms = nil
			evaluator, err := objective.NewEvaluator(obj)
			if err != nil {
				b.Fatal(err)
			}
			if _, _, err := evaluator.At(theta); err != nil { // compiles
				b.Fatal(err)
			}
			for b.Loop() {
				const iterations = 200
				r, err := optim.Minimize(b.Context(), obj, theta, m, optim.Options{MaxIterations: iterations, MonitorEvery: 1 << 30})
				if err != nil {
					b.Fatal(err)
				}
				records := r.History.Records
				first, last := records[iterations/4], r.History.Last() // without compilation
				evaluations := last.Evaluations - first.Evaluations
				seconds := last.Seconds - first.Seconds
				alone := timeOf(b, func() {
					for range evaluations {
						if _, _, err := evaluator.At(theta); err != nil {
							b.Fatal(err)
						}
					}
				})
				b.ReportMetric(seconds/alone-1, "overhead")
				b.ReportMetric(1e3*alone/float64(evaluations), "ms/evaluation")
			}
		})
	}
}

func timeOf(b *testing.B, f func()) float64 {
	b.Helper()
	start := time.Now()
	f()
	return time.Since(start).Seconds()
}
