package objective_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/objective"
)

// TestDiagnose: of whatever an objective is made, what is not finite is named, by its row, its entry or its term; and nothing is
// said where all is finite.
func TestDiagnose(t *testing.T) {
	data := []float64{1, 0, 4}
	samples := []objective.Samples{{Name: "points", Rows: 3, Data: []int{0}}}
	whole := func(f func(theta, x *graph.Node) *graph.Node) objective.GraphFn {
		return func(theta *graph.Node, data []*graph.Node) *graph.Node { return f(theta, data[0]) }
	}
	root := func(theta, x *graph.Node) *graph.Node { // √θx where that is above 0
		v := graph.Mul(theta, x)
		return graph.Where(graph.GreaterThan(v, graph.ZerosLike(v)), graph.Sqrt(v), graph.ZerosLike(v))
	}
	logarithm := func(theta, x *graph.Node) *graph.Node { return graph.Add(theta, graph.Log(x)) }
	plain := func(theta, x *graph.Node) *graph.Node { return graph.Sub(theta, x) }
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for name, test := range map[string]struct {
			obj   objective.Objective
			theta []float64
			want  []string // nothing when empty
		}{
			"finite":          {objective.Objective{Residual: whole(plain)}, []float64{1, 2, 3}, nil},
			"theta":           {objective.Objective{Residual: whole(plain)}, []float64{1, math.Inf(-1), 3}, []string{"entry 1 of θ is -Inf"}},
			"residual":        {objective.Objective{Residual: whole(logarithm)}, []float64{1, 2, 3}, []string{"the residual is -Inf at row 1"}},
			"large":           {objective.Objective{Residual: whole(plain)}, []float64{1, 2, 1e200}, []string{"the loss is +Inf, of residuals up to 1e+200: the residual at row 2"}},
			"squares":         {objective.Objective{Residual: whole(plain)}, []float64{1, 2, 1e154}, []string{"the gradient has entries up to 2e+154, whose squares are too large, of residuals up to 1e+154: the residual at row 2"}},
			"gradient":        {objective.Objective{Residual: whole(root)}, []float64{1, 2, 3}, []string{"the gradient of the residual is not finite", "graph.Where"}},
			"with samples":    {objective.Objective{Residual: whole(root), Samples: samples}, []float64{1, 2, 3}, []string{"the gradient of the residual is not finite at row 1", "graph.Where"}},
			"gradient, where": {objective.Objective{Residual: whole(root)}, []float64{1, 2, 3}, []string{"of the residual"}},
			"loss":            {objective.Objective{Loss: whole(func(theta, x *graph.Node) *graph.Node { return graph.ReduceAllSum(logarithm(theta, x)) })}, []float64{1, 2, 3}, []string{"the loss is -Inf"}},
			"pieces": {objective.Objective{Pieces: func(theta *graph.Node, data []*graph.Node) []*graph.Node {
				return []*graph.Node{plain(theta, data[0]), logarithm(theta, data[0])}
			}}, []float64{1, 2, 3}, []string{"the residual is -Inf at row 4"}},
			"terms": {objective.Objective{Residual: whole(logarithm), Terms: &objective.Terms{Names: []string{"one", "two"}, Build: func(theta *graph.Node, data []*graph.Node) []*graph.Node {
				return []*graph.Node{graph.ReduceAllSum(plain(theta, data[0])), graph.ReduceAllSum(logarithm(theta, data[0]))}
			}}}, []float64{1, 2, 3}, []string{"the residual is -Inf at row 1"}},
			"terms of a loss": {objective.Objective{Loss: whole(func(theta, x *graph.Node) *graph.Node { return graph.ReduceAllSum(logarithm(theta, x)) }),
				Terms: &objective.Terms{Names: []string{"one", "two"}, Build: func(theta *graph.Node, data []*graph.Node) []*graph.Node {
					return []*graph.Node{graph.ReduceAllSum(plain(theta, data[0])), graph.ReduceAllSum(logarithm(theta, data[0]))}
				}}}, []float64{1, 2, 3}, []string{`the term "two" is -Inf`}},
			"function": {objective.Objective{Function: func(_, _ []float64) float64 { return math.NaN() }}, []float64{1, 2, 3}, []string{"Objective.Function gives the loss NaN"}},
			"function's gradient": {objective.Objective{Function: func(_, gradient []float64) float64 { gradient[2] = math.Inf(1); return 0 }},
				[]float64{1, 2, 3}, []string{"Objective.Function gives the gradient +Inf in entry 2"}},
		} {
			obj := test.obj
			obj.Backend, obj.Dim = b, 3
			if obj.Function == nil {
				obj.Data = []*tensors.Tensor{tensors.FromValue(data)}
			}
			got, err := obj.Diagnose(test.theta)
			if err != nil || len(test.want) == 0 && got != "" {
				t.Errorf("%s: %q, error %v", name, got, err)
			}
			for _, word := range test.want {
				if !strings.Contains(got, word) {
					t.Errorf("%s: %q, want one that says %q", name, got, word)
				}
			}
		}
	})
	if _, err := (&objective.Objective{}).Diagnose(nil); err == nil {
		t.Error("no error for an objective without anything")
	}
}
