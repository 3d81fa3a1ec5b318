package optim_test

import (
	"context"
	"errors"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/optimize"

	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

// TestMemoryOfSettings: no setting makes a method take all of the memory. Each of these would need terabytes.
func TestMemoryOfSettings(t *testing.T) {
	const huge = 1 << 20
	b := pureGo(t)
	few := newSines(64, 4).objective(b, dtypes.Float64)
	many := &objective.Objective{Backend: b, Dim: huge, Blocks: []objective.Block{{Name: "w", Dims: []int{1 << 10, 1 << 10}}},
		Residual: func(theta *graph.Node, data []*graph.Node) *graph.Node {
			return graph.Add(theta, graph.ReduceAllSum(data[0]))
		},
		Data:    []*tensors.Tensor{tensors.FromFlatDataAndDimensions(make([]float64, huge), huge)},
		Samples: []objective.Samples{{Name: "samples", Rows: huge, Data: []int{0}}}}
	wide := *many
	wide.Blocks = []objective.Block{{Name: "w", Dims: []int{huge, 1}}}
	for name, c := range map[string]struct {
		obj    *objective.Objective
		method optim.Method
	}{
		"LBFGS, few parameters": {few, optim.LBFGS{Memory: 100_000}},
		"LBFGS":                 {many, optim.LBFGS{Memory: 100_000}},
		"LBFGS, two loops":      {many, optim.LBFGS{Memory: 100_000, TwoLoop: true}},
		"LSR1":                  {few, optim.LSR1{Memory: 100_000}},
		"MultiBatchLBFGS":       {many, optim.MultiBatchLBFGS{Memory: 100_000}},
		"NNCG":                  {many, optim.NNCG{MaxRank: huge}},
		"CubicRegularization":   {many, optim.CubicRegularization{MaxProducts: huge}},
		"SAGA":                  {many, optim.SAGA{Blocks: huge}},
		"Shampoo":               {&wide, optim.Shampoo{MaxSize: huge}},
		"SOAP":                  {&wide, optim.SOAP{MaxSize: huge}},
		"Nyström":               {many, optim.Preconditioned{Method: optim.LBFGS{}, By: optim.NystromPreconditioner{MaxRank: huge}}},
		"block diagonal":        {many, optim.Preconditioned{Method: optim.LBFGS{}, By: optim.BlockDiagonal{MaxBlock: huge}}},
		"Kronecker":             {&wide, optim.Preconditioned{Method: optim.LBFGS{}, By: optim.Kronecker{MaxFactor: huge}}},
		"BFGS":                  {many, optim.BFGS{}},
		"SSBroyden":             {many, optim.SSBroyden{}},
		"SR1":                   {many, optim.SR1{}},
		"Dogleg":                {many, optim.Dogleg{}},
		"SPRING":                {many, optim.SPRING{}},
		"sketched":              {many, optim.SketchedGaussNewton{}},
		"ENGD":                  {many, optim.ENGD{Solver: optim.DenseNormal}},
		"Levenberg–Marquardt":   {many, optim.LevenbergMarquardt{Solver: optim.DenseKernel}},
		"gonum BFGS":            {many, optim.Gonum{Method: &optimize.BFGS{}}},
		"gonum CMA-ES":          {many, optim.Gonum{Method: &optimize.CmaEsChol{}}},
		"gonum L-BFGS":          {many, optim.Gonum{Method: &optimize.LBFGS{Store: huge}}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := optim.Minimize(context.Background(), c.obj, make([]float64, c.obj.Dim), c.method, optim.Options{MaxIterations: 1})
			if !errors.Is(err, objective.ErrTooLarge) {
				t.Errorf("error %v, expected that it is too large", err)
			}
		})
	}
	if _, err := optim.Minimize(context.Background(), few, make([]float64, few.Dim), optim.LBFGS{Memory: 500, MaxMemory: 1 << 20}, optim.Options{MaxIterations: 1}); !errors.Is(err, objective.ErrTooLarge) {
		t.Errorf("error %v with MaxMemory of 1 MiB", err)
	}
	if _, err := optim.Minimize(context.Background(), few, make([]float64, few.Dim), optim.LBFGS{Memory: 500}, optim.Options{MaxIterations: 1}); err != nil {
		t.Error(err)
	}
}
