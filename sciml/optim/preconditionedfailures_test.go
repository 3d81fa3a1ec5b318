package optim_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

// TestPreconditionedStuck: a method that finds no way down is given a new C first.
func TestPreconditionedStuck(t *testing.T) {
	obj := energy(pureGo(t))
	obj.Loss = func(theta *graph.Node, data []*graph.Node) *graph.Node {
		return graph.ReduceAllSum(graph.Abs(graph.AddScalar(graph.Mul(data[0], theta), -0.3)))
	}
	made := 0
	r := minimize(t, obj, []float64{1.1, 0.7, 0.3}, optim.Preconditioned{By: kept{1, &made}}, optim.Options{MaxIterations: 60})
	if r.Status != optim.SearchFailed || made < 2 {
		t.Errorf("%s after %d preconditioners", r, made)
	}
	if !slices.ContainsFunc(r.History.Events, func(e optim.Event) bool { return strings.Contains(e.Text, optim.SearchFailed.String()) }) {
		t.Errorf("events: %v", r.History.Events)
	}
	if strings.Contains(r.Message, "preconditioner") {
		t.Errorf("the end is explained by %q", r.Message)
	}
}

// TestSingularCurvature: with zero eigenvalues, or without any curvature, C is finite.
func TestSingularCurvature(t *testing.T) {
	for _, by := range []optim.Preconditioner{
		optim.Diagonal{}, optim.BlockDiagonal{}, optim.Kronecker{}, optim.NystromPreconditioner{}, optim.NystromPreconditioner{Hessian: true},
		optim.BlockDiagonal{Shift: optim.Zero},
	} {
		obj, start := rotated(pureGo(t), []float64{0, 0, 1e6, 1, 0, 1e3}, true)
		obj.Blocks = []objective.Block{{Name: "W", Dims: []int{2, 3}}}
		r := minimize(t, obj, start, optim.Preconditioned{By: by}, optim.Options{MaxIterations: 60, LossTolerance: 1e-10})
		if r.Status != optim.LossReached {
			t.Errorf("%s: %s", by.Name(), r)
		}
		flat, start := rotated(pureGo(t), make([]float64, 6), true)
		flat.Blocks = obj.Blocks
		r = minimize(t, flat, start, optim.Preconditioned{By: by}, optim.Options{MaxIterations: 5})
		if r.Loss != 0 || r.Status != optim.GradientSmall && r.Status != optim.SearchFailed {
			t.Errorf("%s without curvature: %s", by.Name(), r)
		}
	}
	// A linear function has a gradient and no curvature: C = I.
	linear := energy(pureGo(t))
	linear.Data[0] = tensors.FromValue([]float64{0, 0, 0})
	for _, by := range []optim.Preconditioner{optim.Diagonal{}, optim.NystromPreconditioner{}} {
		r := minimize(t, linear, []float64{1, 2, 3}, optim.Preconditioned{Method: optim.GradientDescent{Rate: 1}, By: by}, optim.Options{MaxIterations: 4})
		if r.Loss != -15 { // the last iterate is not evaluated
			t.Errorf("%s: loss %v after 3 steps of one, want -15", by.Name(), r.Loss)
		}
	}
}

// TestPreconditionedNaN: no curvature that is NaN or infinite reaches the iterates.
func TestPreconditionedNaN(t *testing.T) {
	root := func(theta *graph.Node, _ []*graph.Node) *graph.Node { return graph.Sqrt(theta) }
	for _, by := range []optim.Preconditioner{optim.Diagonal{}, optim.BlockDiagonal{}, optim.Kronecker{}, optim.NystromPreconditioner{}} {
		obj := &objective.Objective{Backend: pureGo(t), Dim: 2, Residual: root, Blocks: []objective.Block{{Name: "W", Dims: []int{1, 2}}}}
		r := minimize(t, obj, []float64{-1, 1}, optim.Preconditioned{By: by}, optim.Options{MaxIterations: 5})
		if r.Status != optim.NonFinite || !slices.Equal(r.Theta, []float64{-1, 1}) || !math.IsInf(r.Loss, 1) {
			t.Errorf("%s: %s at %v, want the start", by.Name(), r, r.Theta)
		}
	}
	// The gradient of Σ θ^1.5 − θ is finite at zero, its Hessian is not; the minimum is at 4/9.
	obj := &objective.Objective{Backend: pureGo(t), Dim: 2, Loss: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
		return graph.ReduceAllSum(graph.Sub(graph.Mul(theta, graph.Sqrt(theta)), theta))
	}}
	r := minimize(t, obj, []float64{0.3, 1e-320}, optim.Preconditioned{By: optim.NystromPreconditioner{}}, optim.Options{MaxIterations: 30})
	if math.Abs(r.Loss+8.0/27) > 1e-9 || len(r.History.Events) == 0 || !strings.Contains(r.History.Events[0].Text, "NaN or infinite") {
		t.Errorf("%s, events %v", r, r.History.Events)
	}
}

// TestPreconditionedSingle: single precision.
func TestPreconditionedSingle(t *testing.T) {
	for _, by := range []optim.Preconditioner{optim.Diagonal{Samples: 1}, optim.NystromPreconditioner{}} {
		obj, start := quadratic(pureGo(t), spectrum(12, 1e4))
		obj.DType = dtypes.Float32
		r := minimize(t, obj, start, optim.Preconditioned{By: by}, optim.Options{MaxIterations: 30, LossTolerance: 1e-6})
		if r.Status != optim.LossReached || r.Iterations > 10 {
			t.Errorf("%s: %s", by.Name(), r)
		}
	}
}

func TestPreconditionedErrors(t *testing.T) {
	obj, _ := blocked(pureGo(t))
	withoutBlocks := *obj
	withoutBlocks.Blocks = nil
	gap := *obj
	gap.Blocks = []objective.Block{{Name: "W", Offset: 1, Dims: []int{3, 3}}}
	short := *obj
	short.Blocks = obj.Blocks[:1]
	plain, err := objective.FromFunction(10, func(theta, gradient []float64) float64 { return 0 })
	if err != nil {
		t.Fatal(err)
	}
	by := func(p optim.Preconditioner) optim.Method { return optim.Preconditioned{By: p} }
	for word, c := range map[string]struct {
		obj    *objective.Objective
		method optim.Method
	}{
		"Preconditioned.By is nil":                     {obj, optim.Preconditioned{}},
		"Preconditioned.Every is -1":                   {obj, optim.Preconditioned{By: optim.Diagonal{}, Every: -1}},
		"Preconditioned.Method is \"Adam → L-BFGS":     {obj, optim.Preconditioned{By: optim.Diagonal{}, Method: optim.Hybrid{{Method: optim.Adam{}}, {Method: optim.LBFGS{}}}}},
		"Preconditioned.Method is KFAC, which does":    {obj, optim.Preconditioned{By: optim.Diagonal{}, Method: optim.KFAC{}}},
		"Adam.Rate is -1":                              {obj, optim.Preconditioned{By: optim.Diagonal{}, Method: optim.Adam{Rate: -1}}},
		"Preconditioned needs a graph":                 {plain, by(optim.Diagonal{})},
		"Diagonal.Shift is -1":                         {obj, by(optim.Diagonal{Shift: -1})},
		"Diagonal.Samples is -1":                       {obj, by(optim.Diagonal{Samples: -1})},
		"BlockDiagonal.Shift is NaN":                   {obj, by(optim.BlockDiagonal{Shift: math.NaN()})},
		"BlockDiagonal.MaxBlock is -1":                 {obj, by(optim.BlockDiagonal{MaxBlock: -1})},
		"BlockDiagonal.Groups has 0 at 1 after 2":      {obj, by(optim.BlockDiagonal{Groups: []int{2, 0, 1}})},
		"BlockDiagonal.Groups has 9223372036854775807": {obj, by(optim.BlockDiagonal{Groups: []int{2, math.MaxInt}})},
		"BlockDiagonal.Groups are of 2 parameters":     {obj, by(optim.BlockDiagonal{Groups: []int{2}})},
		"BlockDiagonal needs Objective.Blocks":         {&withoutBlocks, by(optim.BlockDiagonal{})},
		"the block \"W\" at 1":                         {&gap, by(optim.BlockDiagonal{})},
		"Objective.Blocks has 6 entries":               {&short, by(optim.Kronecker{})},
		"Kronecker.Shift is +Inf":                      {obj, by(optim.Kronecker{Shift: math.Inf(1)})},
		"Kronecker.MaxFactor is -1":                    {obj, by(optim.Kronecker{MaxFactor: -1})},
		"Kronecker needs Objective.Blocks":             {&withoutBlocks, by(optim.Kronecker{})},
		"NystromPreconditioner.Rank is -1":             {obj, by(optim.NystromPreconditioner{Rank: -1})},
		"NystromPreconditioner.MaxRank is 3":           {obj, by(optim.NystromPreconditioner{Rank: 4, MaxRank: 3})},
		"NystromPreconditioner.Shift is -1":            {obj, by(optim.NystromPreconditioner{Shift: -1})},
		"MiniBatch.Method is \"L-BFGS, precondition":   {newLeastSquares(0.5).objective(pureGo(t)), optim.MiniBatch{Method: by(optim.Diagonal{})}},
	} {
		mustFail(t, c.obj, make([]float64, c.obj.Dim), c.method, optim.Options{}, word)
	}
	noResidual := energy(pureGo(t))
	noResidual.Blocks = []objective.Block{{Name: "W", Dims: []int{3}}}
	mustFail(t, noResidual, []float64{1, 1, 1}, by(optim.BlockDiagonal{}), optim.Options{}, "BlockDiagonal needs the residuals")
	mustFail(t, noResidual, []float64{1, 1, 1}, by(optim.Kronecker{}), optim.Options{}, "Kronecker needs the residuals")
}
