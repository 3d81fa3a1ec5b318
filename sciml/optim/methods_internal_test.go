package optim

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/optimize"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// everyMethod is each method of the package, in all the ways in which its stepper is made, for curve. They are new ones each
// time: one of gonum's serves one run at a time.
func everyMethod() map[string]Method {
	few := objective.Batches{Size: 8, Seed: 3}
	svrg := SVRG{Rate: 1e-3, Batches: few, Every: 3}
	return map[string]Method{
		"gradient descent": GradientDescent{Rate: 1e-3}, "exact": ExactGradientDescent{},
		"Barzilai–Borwein": BarzilaiBorwein{}, "Barzilai–Borwein, searched": BarzilaiBorwein{Search: search.NonMonotone{}},
		"momentum": Momentum{Rate: 1e-3}, "Nesterov": Nesterov{Rate: 1e-3, Restart: FunctionRestart},
		"nonlinear CG": NonlinearCG{Formula: CGDescent}, "Adagrad": Adagrad{Rate: 1e-2}, "RMSProp": RMSProp{Rate: 1e-3}, "Lion": Lion{Rate: 1e-4},
		"Adam": Adam{Rate: 5e-3, AMSGrad: true}, "Adam, scheduled": Adam{Rate: 5e-3, Schedule: WarmUp{Steps: 3, Then: Plateau{Patience: 2}}},
		"Muon": Muon{}, "Shampoo": Shampoo{Frequency: 2}, "SOAP": SOAP{Rate: 1e-2, Frequency: 2},

		"SGD": SGD{Rate: 1e-3, Batches: few, Measure: 3}, "SVRG": svrg, "SARAH": SARAH{Rate: 1e-3, Batches: few, Every: 3},
		"SAGA": SAGA{Rate: 1e-3, Blocks: 4, Measure: 3}, "mini-batches": MiniBatch{Method: Adam{}, Batches: few, Accumulate: 2, Measure: 3},
		"norm test": NormTest{Batches: few, Measure: 3}, "multi-batch": MultiBatchLBFGS{Batches: few, Measure: 3},

		"L-BFGS": LBFGS{Memory: 2}, "L-BFGS, grid": LBFGS{Memory: 2, Search: search.Grid{}}, "L-BFGS, Hager–Zhang": LBFGS{Memory: 2, Search: search.HagerZhang{}},
		"BFGS": BFGS{}, "SSBFGS": SSBFGS{}, "SSBroyden": SSBroyden{}, "SR1": SR1{}, "L-SR1": LSR1{Memory: 2}, "dogleg": Dogleg{},
		"cubic": CubicRegularization{}, "Newton region": NewtonTrustRegion{}, "Newton–CG": NewtonCG{}, "NNCG": NNCG{Rank: 4, Every: 3},
		"subsampled": SubsampledNewton{Size: 8, Matrix: objective.GaussNewtonMatrix},

		"LM": LevenbergMarquardt{Geodesic: true}, "LM, kernel": LevenbergMarquardt{Solver: DenseKernel}, "LM, free": LevenbergMarquardt{Solver: MatrixFree},
		"LM, Schwarz":   LevenbergMarquardt{Groups: []int{9, 12, 4}},
		"LM, subspaces": LevenbergMarquardt{Columns: 5, AdaptEvery: 3}, "sketched": SketchedGaussNewton{Columns: 6, Rows: 8, Probes: 4, AdaptEvery: 3},
		"LM, metric": LevenbergMarquardt{Metric: true}, "LM, metric, subspaces": LevenbergMarquardt{Metric: true, Geodesic: true, Columns: 9}, "ENGD, metric": ENGD{Metric: true, Regularization: 1e-6},
		"ENGD": ENGD{}, "ENGD, pseudo-inverse": ENGD{PseudoInverse: true, Cutoff: 1e-4}, "KFAC": KFAC{}, "KFAC*": KFAC{Quadratic: true},
		"SPRING": SPRING{}, "SPRING, steps": SPRING{Rate: 0.1}, "SPRING, batches": SPRING{Batches: few, Measure: 3},
		"gonum": Gonum{&optimize.LBFGS{}},

		"Nyström": Preconditioned{Method: LBFGS{Memory: 2}, By: NystromPreconditioner{Rank: 3, MaxRank: 6}, Every: 3},
		"blocks":  Preconditioned{Method: Adam{}, By: BlockDiagonal{}, Every: 3}, "Kronecker": Preconditioned{Method: SR1{}, By: Kronecker{}, Every: 3},
		"diagonal": Preconditioned{Method: svrg, By: Diagonal{}, Every: 4}, "gonum, preconditioned": Preconditioned{Method: Gonum{&optimize.BFGS{}}, By: Diagonal{}, Every: 3},
		"twice preconditioned": Preconditioned{Method: Preconditioned{By: BlockDiagonal{}, Every: 3}, By: Diagonal{}, Every: 5},

		"Schwarz":        SubspaceCorrection{Method: LBFGS{Memory: 2}, Iterations: 3, Subspaces: Parts([]int{9, 12, 4}, LevenbergMarquardt{}, 2)},
		"Schwarz, added": SubspaceCorrection{Method: Adam{Rate: 5e-3}, Iterations: 2, Subspaces: Parts([]int{9, 9, 7}, SSBroyden{}, 3), Additive: true},
		"V-cycle": SubspaceCorrection{Method: SSBroyden{}, Iterations: 2, Subspaces: []Subspace{
			{By: Part{0, 21}, Share: 0.5, Method: SubspaceCorrection{Iterations: 2, Subspaces: []Subspace{{Share: 0.5, Method: svrg}}}},
		}},
		"coarse": SubspaceCorrection{Method: svrg, Iterations: 2, Subspaces: []Subspace{{By: Aggregation{}, Method: ENGD{}, Iterations: 1}}},

		"auto": Auto{WarmUp: 4}, "turns": &turns{methods: []Method{SSBroyden{}, LevenbergMarquardt{}, Adam{}}, length: 2},
		"hybrid": Hybrid{
			{Adam{Rate: 5e-3}, Iterations(3)}, {Preconditioned{By: Diagonal{}, Every: 2}, Iterations(4)},
			{Hybrid{{svrg, Iterations(3)}, {LevenbergMarquardt{}, Iterations(2)}}, Iterations(5)}, {Auto{WarmUp: 3}, nil},
		},
	}
}

// TestEveryMethodIsThere: a method that is not in the table is not tested.
func TestEveryMethodIsThere(t *testing.T) {
	there := map[string]bool{"madeOf": true} // a Directed of the caller's
	for _, m := range everyMethod() {
		there[reflect.TypeOf(m).Name()] = true
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			if m, ok := d.(*ast.FuncDecl); ok && m.Recv != nil && m.Name.Name == "Start" && len(m.Type.Params.List) == 2 {
				if of := fmt.Sprint(m.Recv.List[0].Type); !there[of] {
					t.Errorf("%s is a method that is not in everyMethod", of)
				}
			}
		}
	}
}

// curve fits a network of 2, 3, 3 and 1 neurons at 32 points, in pieces and with samples. With a wall its loss is NaN not far
// from the start.
func curve(b compute.Backend, dtype dtypes.DType, wall bool) (*objective.Objective, []float64) {
	const rows = 32
	x, scale := make([]float64, 2*rows), make([]float64, rows)
	for i := range x {
		x[i] = math.Sin(float64(5 * i))
	}
	for i := range scale {
		scale[i] = 1 / math.Sqrt(rows)
	}
	obj := &objective.Objective{
		Backend: b, DType: dtype, Data: []*tensors.Tensor{device.Filled(shapes.Make(dtype, rows, 2), x), device.Vector(dtype, scale)},
		Samples: []objective.Samples{{Name: "x", Rows: rows, Data: []int{0, 1}, Scales: []int{1}}},
	}
	size := func(dims []int) int { return shapes.Make(dtype, dims...).Size() }
	for _, dims := range [][]int{{2, 3}, {3}, {3, 3}, {3}, {3, 1}, {1}} {
		obj.Blocks = append(obj.Blocks, objective.Block{Name: fmt.Sprint(obj.Dim), Offset: obj.Dim, Dims: dims})
		obj.Dim += size(dims)
	}
	obj.Pieces = func(theta *graph.Node, data []*graph.Node) []*graph.Node {
		y := networkOf(obj.Blocks, theta, data[0])
		target := graph.ReduceSum(graph.Cos(graph.MulScalar(data[0], 40)), 1)
		r := graph.Mul(data[1], graph.Sub(y, target))
		if wall {
			r = graph.Add(r, graph.MulScalar(graph.Sqrt(graph.AddScalar(graph.Neg(graph.Square(r)), 0.45)), 1e-3))
		}
		return []*graph.Node{r}
	}
	obj.Metric = func(theta *graph.Node, data []*graph.Node) []*graph.Node {
		return []*graph.Node{graph.Mul(data[1], networkOf(obj.Blocks, theta, data[0]))}
	}
	start := make([]float64, obj.Dim)
	for i := range start {
		start[i] = math.Cos(float64(7 * i))
	}
	return obj, start
}

// networkOf is the network of curve: its outputs, of shape [N], for inputs of shape [N, 2].
func networkOf(blocks []objective.Block, theta, y *graph.Node) *graph.Node {
	part := func(b objective.Block) *graph.Node {
		end := b.Offset + shapes.Make(theta.DType(), b.Dims...).Size()
		return graph.Reshape(graph.Slice(theta, graph.AxisRange(b.Offset, end)), b.Dims...)
	}
	for k := 0; k < len(blocks); k += 2 {
		if k > 0 {
			y = graph.Tanh(y)
		}
		y = graph.MatMul(y, part(blocks[k]))
		y = graph.Add(y, graph.BroadcastToShape(graph.ExpandAxes(part(blocks[k+1]), 0), y.Shape()))
	}
	return graph.Reshape(y, y.Shape().Dimensions[0])
}
