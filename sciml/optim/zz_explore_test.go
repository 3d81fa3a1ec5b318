package optim_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"gonum.org/v1/gonum/optimize/functions"

	"github.com/gosciml/gosciml/sciml/optim"
)

func TestExplore(t *testing.T) {
	ros := functions.ExtendedRosenbrock{}
	for _, n := range []int{2, 10, 100} {
		start := make([]float64, n)
		for i := range start {
			start[i] = -1.2
			if i%2 == 1 {
				start[i] = 1
			}
		}
		obj, err := optim.FromFunction(n, func(x, g []float64) float64 { ros.Grad(g, x); return ros.Func(x) })
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []optim.Method{optim.GradientDescent{Rate: 1e-3}, optim.Adam{}, optim.BFGS{}, optim.SSBFGS{}, optim.SSBroyden{}, optim.LBFGS{}, optim.LBFGS{TwoLoop: true}, optim.SR1{}, optim.LSR1{}, optim.Dogleg{}, optim.NonlinearCG{}, optim.BarzilaiBorwein{Search: optim.NonMonotone{}}, optim.LBFGS{Search: optim.Grid{}}} {
			begin := time.Now()
			r, err := optim.Minimize(context.Background(), obj, start, m, optim.Options{MaxIterations: 500, GradientTolerance: 1e-6})
			if err != nil {
				t.Fatal(err)
			}
			d := time.Since(begin)
			fmt.Printf("%-20s n=%3d %4d it %4d ev %8.1f ms, %.0f µs/ev: %s\n", m.Name(), n, r.Iterations, r.Evaluations, d.Seconds()*1e3, d.Seconds()*1e6/float64(r.Evaluations), r)
		}
	}
}
