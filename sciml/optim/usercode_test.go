package optim_test

import (
	"context"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

// failing is an Adaptation that fails.
type failing struct{ begin, adapt bool }

func (f failing) Every() int { return 1 }

func (f failing) Begin() objective.Adapter {
	if f.begin {
		panic("in begin")
	}
	return f
}

func (f failing) Adapt(context.Context, objective.Iterate) ([]*tensors.Tensor, error) {
	if f.adapt {
		panic("in adapt")
	}
	return nil, nil
}

func (failing) Save() ([]byte, error) { return nil, nil }

func (failing) Load([]byte) error { return nil }

// TestPanicsOfObjectives: what an objective or the options are made of may fail too, whichever method asks.
func TestPanicsOfObjectives(t *testing.T) {
	fine := func(theta *graph.Node, _ []*graph.Node) *graph.Node { return theta }
	bad := func(*graph.Node, []*graph.Node) *graph.Node { panic("no graph") }
	none := func(*graph.Node, []*graph.Node) *graph.Node { return nil }
	list := func(f objective.GraphFn) func(theta *graph.Node, data []*graph.Node) []*graph.Node {
		return func(theta *graph.Node, data []*graph.Node) []*graph.Node { return []*graph.Node{f(theta, data)} }
	}
	terms := func(f objective.GraphFn) *objective.Terms {
		return &objective.Terms{Names: []string{"all"}, Build: list(f)}
	}
	for _, test := range []struct {
		what    string
		obj     objective.Objective
		options optim.Options
		methods []optim.Method
	}{
		{"Objective.Residual (", objective.Objective{Residual: bad}, optim.Options{}, []optim.Method{optim.Auto{}, optim.Adam{}, optim.LBFGS{}, optim.SketchedGaussNewton{}}},
		{"Objective.Residual (", objective.Objective{Residual: none}, optim.Options{}, []optim.Method{optim.Auto{}, optim.Adam{}}},
		{"Objective.Pieces (", objective.Objective{Pieces: list(bad)}, optim.Options{}, []optim.Method{optim.Auto{}, optim.LevenbergMarquardt{}, optim.KFAC{}}},
		{"Objective.Pieces (", objective.Objective{Pieces: list(none)}, optim.Options{}, []optim.Method{optim.Auto{}, optim.LevenbergMarquardt{}, optim.KFAC{}}},
		{"Objective.Loss (", objective.Objective{Loss: bad}, optim.Options{}, []optim.Method{optim.Auto{}, optim.NewtonCG{}}},
		{"Objective.Loss (", objective.Objective{Loss: none}, optim.Options{}, []optim.Method{optim.Auto{}, optim.NewtonCG{}}},
		{"Objective.Terms.Build (", objective.Objective{Residual: fine, Terms: terms(bad)}, optim.Options{}, []optim.Method{optim.Adam{}}},
		{"Objective.Terms.Build (", objective.Objective{Residual: fine, Terms: terms(none)}, optim.Options{}, []optim.Method{optim.Adam{}}},
		{"Objective.Adaptation (", objective.Objective{Residual: fine, Adaptation: failing{begin: true}}, optim.Options{}, []optim.Method{optim.Adam{}}},
		{"Objective.Adaptation (", objective.Objective{Residual: fine, Adaptation: failing{adapt: true}}, optim.Options{}, []optim.Method{optim.Adam{}}},
		{"Options.Remark (", objective.Objective{Residual: fine}, optim.Options{Monitor: func(context.Context, *tensors.Tensor) (map[string]float64, error) {
			return map[string]float64{"a": 1}, nil
		},
			Remark: func(context.Context, *tensors.Tensor, *optim.History) (string, error) { panic("no remark") }}, []optim.Method{optim.Adam{}}},
		{"Options.Monitor (", objective.Objective{Residual: fine}, optim.Options{Monitor: func(context.Context, *tensors.Tensor) (map[string]float64, error) { panic("no metrics") }}, []optim.Method{optim.Adam{}}},
		{"Options.CheckpointExtra (", objective.Objective{Residual: fine}, optim.Options{CheckpointPath: t.TempDir() + "/c", CheckpointExtra: func() ([]byte, error) { panic("no extra") }}, []optim.Method{optim.Adam{}}},
	} {
		for _, method := range test.methods {
			obj := test.obj
			obj.Backend, obj.Dim = pureGo(t), 2
			test.options.MaxIterations = 3
			_, err := optim.Minimize(context.Background(), &obj, []float64{1, 2}, method, test.options)
			if err == nil || !strings.HasPrefix(err.Error(), test.what) || !strings.Contains(err.Error(), "usercode_test.go:") || strings.Contains(err.Error(), "Exec") {
				t.Errorf("%s: error %v, want one that begins with %s and a line of this file", method.Name(), err, test.what)
			}
		}
	}
}
