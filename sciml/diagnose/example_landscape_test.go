package diagnose_test

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/diagnose"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/plot"
)

// canyon is f(θ) = (θ₀ + θ₁ − 2)² + 100(θ₀ − θ₁)², an equation and a condition with a weight of 100.
func canyon() *objective.Objective {
	b, err := objective.HostBackend()
	if err != nil {
		panic(err)
	}
	residuals := func(theta *graph.Node, _ []*graph.Node) []*graph.Node {
		first, second := graph.Slice(theta, graph.AxisElem(0)), graph.Slice(theta, graph.AxisElem(1))
		return []*graph.Node{graph.AddScalar(graph.Add(first, second), -2), graph.MulScalar(graph.Sub(first, second), 10)}
	}
	return &objective.Objective{
		Backend: b, Dim: 2,
		Residual: func(theta *graph.Node, data []*graph.Node) *graph.Node {
			return graph.Concatenate(residuals(theta, data), 0)
		},
		Terms: &objective.Terms{Names: []string{"equation", "condition"}, Residuals: residuals, Build: func(theta *graph.Node, data []*graph.Node) []*graph.Node {
			all := residuals(theta, data)
			for i, r := range all {
				all[i] = graph.ReduceAllSum(graph.Square(r))
			}
			return all
		}},
	}
}

// The path of a run, in the plane where most of it lies, and the loss there.
func ExamplePathPlane() {
	ctx := context.Background()
	run, err := optim.Minimize(ctx, canyon(), []float64{0, 1}, optim.Momentum{Rate: 1e-3}, optim.Options{MaxIterations: 200, SnapshotEvery: 10})
	if err != nil {
		panic(err)
	}
	plane, err := diagnose.PathPlane(run.Snapshots)
	if err != nil {
		panic(err)
	}
	path, err := plane.Project(run.Snapshots)
	if err != nil {
		panic(err)
	}
	fmt.Printf("the plane explains %.0f %% of the path\n", 100*(path.Shares[0]+path.Shares[1]))
	x, y := diagnose.Around(21, path)
	surface, err := plane.Surface(ctx, canyon(), x, y)
	if err != nil {
		panic(err)
	}
	grid := plot.Grid(*surface) // to be drawn
	fmt.Printf("%d losses, the largest %.0f\n", len(grid.U), slices.Max(grid.U))
	// Output:
	// the plane explains 100 % of the path
	// 441 losses, the largest 143
}

// Terms that pull in different directions.
func ExampleConflicts() {
	c, err := diagnose.Conflicts(context.Background(), canyon(), []float64{0, 1})
	if err != nil {
		panic(err)
	}
	fmt.Println(c)
	// Output:
	// gradient of      loss      norm   cosines
	// equation     1.00e+00  2.83e+00    1.00   0.00
	// condition    1.00e+02  2.83e+02    0.00   1.00
	// the loss     1.01e+02  2.83e+02
}

// A network has learned the slow wave, and half of the fast one.
func ExampleByFrequency() {
	var before, after []float64
	for i := range 65 {
		x := float64(i) / 64
		before = append(before, math.Sin(math.Pi*x)+math.Sin(9*math.Pi*x))
		after = append(after, 0.5*math.Sin(9*math.Pi*x))
	}
	bands, err := diagnose.ByFrequency([]diagnose.Side{{Nodes: 65, Basis: diagnose.Sines}}, before, after)
	if err != nil {
		panic(err)
	}
	for _, k := range []int{1, 9} {
		fmt.Printf("wave number %d: %.3f, then %.3f\n", k, bands[0][k], bands[1][k])
	}
	// Output:
	// wave number 1: 0.707, then 0.000
	// wave number 9: 0.707, then 0.354
}

// A step of gradient descent that is too long.
func ExampleProbeStep() {
	ctx, theta := context.Background(), []float64{0, 1}
	evaluator, err := objective.NewEvaluator(canyon())
	if err != nil {
		panic(err)
	}
	_, step, err := evaluator.At(theta)
	if err != nil {
		panic(err)
	}
	for i := range step {
		step[i] *= -0.004
	}
	s, err := diagnose.ProbeStep(ctx, canyon(), theta, step)
	if err != nil {
		panic(err)
	}
	fmt.Printf("the slope promises %.1f, the Hessian %.1f; the loss falls by %.1f\n", s.Linear.Predicted, s.Hessian.Predicted, s.Actual)
	fmt.Printf("gain ratios %.2f and %.2f; the curvature is %.0f, and the minimum at %.2f of the step\n", s.Linear.Gain, s.Hessian.Gain, s.Hessian.Curvature, s.Best)
	// Output:
	// the slope promises 320.0, the Hessian 64.0; the loss falls by 64.0
	// gain ratios 0.20 and 1.00; the curvature is 400, and the minimum at 0.62 of the step
}
