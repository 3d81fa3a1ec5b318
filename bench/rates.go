package main

import (
	"context"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/plot"
)

// rates compares the rates of convergence of deterministic methods with theory, on a quadratic of prescribed condition
// and on the energy of linear finite elements for −u″ = 1.
func rates(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("rates", flag.ContinueOnError)
	kappa := flags.Float64("condition", 1000, "condition of the quadratic")
	n := flags.Int("n", 50, "number of unknowns")
	out := flags.String("out", "bench-results", "directory for the pictures, in OUT/rates")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("rates: there is an argument %q, expected flags only", flags.Arg(0))
	case !(*kappa > 1) || math.IsInf(*kappa, 0):
		return fmt.Errorf("rates: -condition is %v, expected a finite number above 1", *kappa)
	case *n < 2:
		return fmt.Errorf("rates: -n is %d, expected at least 2", *n)
	}
	folder := filepath.Join(*out, "rates")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for _, q := range []quadratic{prescribed(*n, *kappa), finiteElements(*n)} {
		figure, err := q.compare(ctx)
		if err != nil {
			return err
		}
		if err := figure.Save(filepath.Join(folder, q.name+".png")); err != nil {
			return err
		}
	}
	return nil
}

// quadratic is ½θᵀAθ − bᵀθ with the extreme eigenvalues of A and its minimum.
type quadratic struct {
	name              string
	f                 objective.Function
	start             []float64
	minimum           float64
	smallest, largest float64
}

// prescribed has eigenvalues from 1 to κ in equal ratios, and the minimum 0.
func prescribed(n int, kappa float64) quadratic {
	start := make([]float64, n)
	for i := range start {
		start[i] = 1
	}
	return quadratic{"quadratic", func(theta, gradient []float64) float64 {
		f := 0.0
		for i, v := range theta {
			lambda := math.Pow(kappa, float64(i)/float64(n-1))
			gradient[i] = lambda * v
			f += lambda * v * v / 2
		}
		return f
	}, start, 0, 1, kappa}
}

// finiteElements is ½∫u′² − ∫u with u(0) = u(1) = 0 for n nodes at the distance h, whose minimizer is x(1−x)/2 at them.
func finiteElements(n int) quadratic {
	h := 1 / float64(n+1)
	minimum := 0.0
	for i := range n {
		x := float64(i+1) * h
		minimum -= h * x * (1 - x) / 4
	}
	eigenvalue := func(k int) float64 { return (2 - 2*math.Cos(math.Pi*float64(k)*h)) / h }
	return quadratic{"finite-elements", func(theta, gradient []float64) float64 {
		f, before := 0.0, 0.0
		for i := range n + 1 {
			here := 0.0
			if i < n {
				here = theta[i]
				gradient[i] -= h
				f -= h * here
			}
			rise := here - before
			f += rise * rise / (2 * h)
			if i < n {
				gradient[i] += rise / h
			}
			if i > 0 {
				gradient[i-1] -= rise / h
			}
			before = here
		}
		return f
	}, make([]float64, n), minimum, eigenvalue(1), eigenvalue(n)}
}

// compare runs the methods, prints measured and theoretical rates, and draws √(f − f*).
func (q quadratic) compare(ctx context.Context) (*plot.Figure, error) {
	kappa := q.largest / q.smallest
	root := math.Sqrt(kappa)
	linear, accelerated := (kappa-1)/(kappa+1), (root-1)/(root+1)
	fmt.Printf("%s: κ = %.4g; (κ−1)/(κ+1) = %.5f, (√κ−1)/(√κ+1) = %.5f\n", q.name, kappa, linear, accelerated)
	fmt.Printf("  %-26s %10s %12s %12s\n", "method", "iterations", "rate", "theory")
	var curves []plot.Series
	for _, c := range []struct {
		name   string
		method optim.Method
		theory float64 // 0 where no rate is known
	}{
		{"gradient descent", optim.GradientDescent{Rate: 2 / (q.largest + q.smallest)}, linear},
		{"Barzilai–Borwein", optim.BarzilaiBorwein{}, 0},
		{"Nesterov with κ", optim.Nesterov{Rate: 1 / q.largest, Condition: kappa}, 1 - 1/root},
		{"heavy ball", optim.Momentum{Rate: 4 / math.Pow(math.Sqrt(q.largest)+math.Sqrt(q.smallest), 2), Beta: accelerated * accelerated}, accelerated},
		{"conjugate gradients", optim.NonlinearCG{}, accelerated},
		{"L-BFGS", optim.LBFGS{}, 0},
		{"BFGS", optim.BFGS{}, 0}, // superlinear in the end
	} {
		objective, err := objective.FromFunction(len(q.start), q.f)
		if err != nil {
			return nil, err
		}
		r, err := optim.Minimize(ctx, objective, q.start, c.method, optim.Options{MaxIterations: 1000, GradientTolerance: 1e-10})
		if err != nil {
			return nil, err
		}
		s := plot.Series{Name: c.name}
		for _, rec := range r.History.Records {
			if off := rec.Loss - q.minimum; off > 1e-15*math.Max(1, math.Abs(q.minimum)) {
				s.X, s.Y = append(s.X, float64(rec.Iteration)), append(s.Y, math.Sqrt(off))
			}
		}
		curves = append(curves, s)
		last := len(s.Y) - 1
		measured := math.Pow(s.Y[last]/s.Y[last/2], 1/(s.X[last]-s.X[last/2]))
		theory := "–"
		if c.theory > 0 {
			theory = fmt.Sprintf("%.5f", c.theory)
		}
		fmt.Printf("  %-26s %10d %12.5f %12s\n", c.name, r.Iterations, measured, theory)
	}
	return plot.Convergence(fmt.Sprintf("%s, κ = %.4g", q.name, kappa), "iteration", "√(f − f*)", curves...)
}
