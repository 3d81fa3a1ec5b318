package optim

import (
	"math"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// TestChangeOfVariables: what the method sees is f(θ₀ + Cz), with the gradient Cᵀ∇f, and the same residuals and terms.
func TestChangeOfVariables(t *testing.T) {
	b, err := objective.HostBackend()
	if err != nil {
		t.Fatal(err)
	}
	obj, theta := fit(b)
	obj.Terms = &objective.Terms{Names: []string{"loss", "first"}, Build: func(theta *graph.Node, data []*graph.Node) []*graph.Node {
		first := graph.Slice(theta, graph.AxisRange(0, 1))
		return []*graph.Node{obj.BuildLoss(theta, data), graph.Mul(graph.Reshape(first), graph.ReduceAllSum(data[0]))}
	}}
	root, err := NystromPreconditioner{Rank: 4, MaxRank: 4}.Start(obj)
	if err != nil {
		t.Fatal(err)
	}
	origin := device.Vector(dtypes.Float64, theta)
	at, err := root.At(origin, 0)
	if err != nil {
		t.Fatal(err)
	}
	c := denseOf(t, root, at.Tensors, obj)
	const factor = 0.3
	changed, err := objective.NewChange(obj, scaledRoot{root, obj}, origin, append([]*tensors.Tensor{device.Scalar(dtypes.Float64, factor)}, at.Tensors...))
	if err != nil {
		t.Fatal(err)
	}
	inner := changed.Objective

	z := make([]float64, obj.Dim)
	for i := range z {
		z[i] = math.Cos(float64(i))
	}
	var step, gradient mat.VecDense
	step.MulVec(c, mat.NewVecDense(obj.Dim, z))
	for i := range theta {
		theta[i] += factor * step.AtVec(i)
	}
	value := func(obj *objective.Objective, x []float64) (float64, []float64, map[string]float64, int) {
		e, err := objective.NewEvaluator(obj)
		if err != nil {
			t.Fatal(err)
		}
		loss, gradient, err := e.At(x)
		if err != nil {
			t.Fatal(err)
		}
		p, err := objective.NewTermEvaluator(obj)
		if err != nil {
			t.Fatal(err)
		}
		terms, err := p.At(x)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := obj.NumResiduals()
		if err != nil {
			t.Fatal(err)
		}
		return loss, gradient, terms, rows
	}
	loss, g, terms, rows := value(obj, theta)
	got, gotG, gotTerms, gotRows := value(inner, z)
	if math.Abs(got-loss) > 1e-12*loss || gotRows != rows || !inner.IsLeastSquares() {
		t.Errorf("loss %v and %d residuals, want %v and %d", got, gotRows, loss, rows)
	}
	for name, v := range terms {
		if math.Abs(gotTerms[name]-v) > 1e-12*math.Abs(v) {
			t.Errorf("the term %q is %v, want %v", name, gotTerms[name], v)
		}
	}
	gradient.MulVec(c.T(), mat.NewVecDense(obj.Dim, g))
	for i, v := range gotG {
		if want := factor * gradient.AtVec(i); math.Abs(v-want) > 1e-12*(1+math.Abs(want)) {
			t.Errorf("∂f/∂z%d = %v, want %v", i, v, want)
		}
	}
}
