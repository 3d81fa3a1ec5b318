package autodiff_test

import (
	"context"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"math"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

// functionsOfNodes are the exported functions of a package of GoMLX that take nodes and return something, by their source.
func functionsOfNodes(t *testing.T, path string) []string {
	t.Helper()
	dir, err := exec.Command("go", "list", "-f", "{{.Dir}}", "github.com/gomlx/gomlx/"+path).Output()
	if err != nil {
		t.Fatal(err)
	}
	sources, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, source := range sources {
		if strings.HasSuffix(source, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), source, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if ok && f.Recv == nil && f.Name.IsExported() && f.Type.Results != nil && mentionsNode(f.Type.Params) {
				names = append(names, f.Name.Name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func mentionsNode(of ast.Node) (found bool) {
	ast.Inspect(of, func(n ast.Node) bool {
		name, ok := n.(*ast.Ident)
		found = found || ok && name.Name == "Node"
		return !found
	})
	return found
}

// TestEveryOperationIsListed: another version of GoMLX, with other operations, fails here.
func TestEveryOperationIsListed(t *testing.T) {
	for path, list := range map[string]map[string]any{"core/graph": graphOperations, "ml/layers/activation": activationOperations, "ml/nn": layerOperations} {
		names := functionsOfNodes(t, path)
		for _, name := range names {
			if list[name] == nil {
				t.Errorf("%s.%s has no entry here: does a residual that holds it train by default?", path, name)
			}
		}
		for name := range list {
			if !slices.Contains(names, name) {
				t.Errorf("%s.%s is listed, but is not there", path, name)
			}
		}
	}
}

const operationParams = 9

// operationInput is what operations are taken of, from points of shape [N, 2]: values between 0.3 and 1.1.
func operationInput(theta, x *graph.Node) *graph.Node {
	weight := graph.Reshape(graph.Slice(theta, graph.AxisRange(0, 6)), 2, 3)
	h := graph.MatMul(x, weight)
	h = graph.Add(h, graph.BroadcastToShape(graph.ExpandAxes(graph.Slice(theta, graph.AxisRange(6, 9)), 0), h.Shape()))
	return graph.AddScalar(graph.MulScalar(graph.Sin(h), 0.4), 0.7)
}

func operationRows(y *graph.Node) *graph.Node {
	if y.Rank() > 0 && y.Shape().Dimensions[0] == 4 {
		return graph.Reshape(y, 4, -1)
	}
	return graph.Reshape(y, -1)
}

// TestOperations takes every operation through Jacobian, JVP, VJP, a product with the Hessian and derivatives by the points of orders
// one and two, compared with each other and with difference quotients, and has Auto train with it.
func TestOperations(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		combined := []func(h *graph.Node) *graph.Node{}
		for _, list := range []map[string]any{graphOperations, activationOperations, layerOperations} {
			for name, entry := range list {
				o, ok := entry.(operation)
				if !ok {
					continue
				}
				if isXLA(t) { // where each graph takes long to compile, some and those that the other back end lacks, together
					if (lacks(t, o) || slices.Contains(onBoth, name)) && !o.reverseOnly {
						combined = append(combined, o.build)
					}
					continue
				}
				t.Run(name, func(t *testing.T) {
					if lacks(t, o) {
						t.Skip("this back end lacks it: see XLA")
					}
					if !o.reverseOnly {
						checkOperation(t, b, o.build)
					}
					trainOperation(t, b, o.build)
				})
			}
		}
		if isXLA(t) {
			all := func(h *graph.Node) *graph.Node {
				var parts []*graph.Node
				for _, build := range combined {
					parts = append(parts, graph.Reshape(build(h), -1))
				}
				return graph.Concatenate(parts, 0)
			}
			checkOperation(t, b, all)
			trainOperation(t, b, all)
		}
	})
}

// onBoth are operations that are tried on both back ends.
var onBoth = []string{"Abs", "Atan2", "CumSum", "Expm1", "Floor", "Gather", "Mod", "ReduceAllMean", "ReduceMultiply", "Round", "Rsqrt", "Softmax"}

// lacks reports whether the pure-Go back end cannot build it.
func lacks(t *testing.T, o operation) bool {
	t.Helper()
	_, err := graph.CallOnce(pureGo(t), func(theta, x *graph.Node) *graph.Node {
		return graph.ReduceAllSum(o.build(operationInput(theta, x)))
	}, randomTensor(dtypes.Float64, 0.6, operationParams), randomTensor(dtypes.Float64, 1, 4, 2))
	if err != nil && !compute.IsNotImplemented(err) {
		t.Fatal(err)
	}
	return err != nil
}

func checkOperation(t *testing.T, b compute.Backend, build func(h *graph.Node) *graph.Node) {
	t.Helper()
	var rows int
	program, err := graph.NewExec(b, func(theta, x, v, direction *graph.Node) []*graph.Node {
		y := build(operationInput(theta, x))
		r := operationRows(y)
		rows = r.Shape().Size()
		j := graph.Reshape(autodiff.Jacobian(r, theta), rows, operationParams)
		w := graph.Cos(graph.IotaFull(x.Graph(), r.Shape()))
		f := graph.ReduceAllSum(graph.Mul(w, graph.Square(r)))
		first := autodiff.JVP(r, []*graph.Node{x}, []*graph.Node{direction})
		return []*graph.Node{
			graph.Reshape(r, rows), graph.Reshape(autodiff.JVP(r, []*graph.Node{theta}, []*graph.Node{v}), rows),
			graph.Dot(j, v).Product(), autodiff.VJP(r, w, theta)[0], graph.Dot(graph.Reshape(w, rows), j).Product(),
			autodiff.Gradient(f, theta), autodiff.HessianProduct(f, theta, v),
			graph.Reshape(first, rows), graph.Reshape(autodiff.JVP(first, []*graph.Node{x}, []*graph.Node{direction}), rows),
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	theta, x := randomTensor(dtypes.Float64, 0.6, operationParams), randomTensor(dtypes.Float64, 1, 4, 2)
	v, direction := randomTensor(dtypes.Float64, 1, operationParams), randomTensor(dtypes.Float64, 1, 4, 2)
	at := func(theta, x *tensors.Tensor) [][]float64 {
		out, err := program.Call(theta, x, v, direction)
		if err != nil {
			t.Fatal(err)
		}
		return numbers(t, out)
	}
	const step = 1e-5
	moved := func(x, by *tensors.Tensor, s float64) *tensors.Tensor {
		values := tensors.MustCopyFlatData[float64](x)
		for i, d := range tensors.MustCopyFlatData[float64](by) {
			values[i] += s * d
		}
		return tensors.FromFlatDataAndDimensions(values, x.Shape().Dimensions...)
	}
	quotient := func(after, before []float64) []float64 {
		out := make([]float64, len(after))
		for i := range out {
			out[i] = (after[i] - before[i]) / (2 * step)
		}
		return out
	}
	here := at(theta, x)
	near(t, "J·v", here[2], here[1], 1e-11)
	near(t, "Jᵀ·w", here[4], here[3], 1e-11)
	after, before := at(moved(theta, v, step), x), at(moved(theta, v, -step), x)
	near(t, "J·v and differences", here[1], quotient(after[0], before[0]), 1e-7)
	near(t, "H·v and differences", here[6], quotient(after[5], before[5]), 1e-6)
	after, before = at(theta, moved(x, direction, step)), at(theta, moved(x, direction, -step))
	near(t, "first derivative along a direction", here[7], quotient(after[0], before[0]), 1e-7)
	near(t, "second derivative along a direction", here[8], quotient(after[7], before[7]), 1e-7)
}

func trainOperation(t *testing.T, b compute.Backend, build func(h *graph.Node) *graph.Node) {
	t.Helper()
	o := &objective.Objective{Backend: b, Dim: operationParams, Data: []*tensors.Tensor{randomTensor(dtypes.Float64, 1, 4, 2)},
		Pieces: func(theta *graph.Node, data []*graph.Node) []*graph.Node {
			return []*graph.Node{graph.AddScalar(operationRows(build(operationInput(theta, data[0]))), -0.3)}
		}}
	start := tensors.MustCopyFlatData[float64](randomTensor(dtypes.Float64, 0.6, operationParams))
	result, err := optim.Minimize(context.Background(), o, start, optim.Auto{}, optim.Options{MaxIterations: 3})
	if err != nil {
		t.Fatal(err)
	}
	first := result.History.Records[0].Loss
	if math.IsNaN(result.Loss) || result.Loss > first {
		t.Errorf("from a loss of %g to %g", first, result.Loss)
	}
}

// TestRefusedOperations: what has a derivative in no mode is refused by name, whoever asks.
func TestRefusedOperations(t *testing.T) {
	for name, build := range map[string]func(h *graph.Node) *graph.Node{
		"Sort": func(h *graph.Node) *graph.Node { return graph.Sort(h, 0, true) },
	} {
		_, err := graph.CallOnce(pureGo(t), func(theta, x *graph.Node) *graph.Node {
			return autodiff.Gradient(graph.ReduceAllSum(graph.Square(build(operationInput(theta, x)))), theta)
		}, randomTensor(dtypes.Float64, 0.6, operationParams), randomTensor(dtypes.Float64, 1, 4, 2))
		if !errors.Is(err, autodiff.ErrNoDerivative) || !strings.Contains(err.Error(), "the operation "+name+" ") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}
