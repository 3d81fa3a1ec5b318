package optim_test

import (
	"math"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

// layers are the blocks of a network with two inputs, layers of three and four, and one output. Their order is not that of θ.
var layers = []objective.Block{
	{Name: "W2", Offset: 9, Dims: []int{3, 4}}, {Name: "b2", Offset: 21, Dims: []int{4}},
	{Name: "W1", Offset: 0, Dims: []int{2, 3}}, {Name: "b1", Offset: 6, Dims: []int{3}},
	{Name: "W3", Offset: 25, Dims: []int{4, 1}}, {Name: "b3", Offset: 29, Dims: []int{1}},
}

// layered is ½Σ λᵢ(θᵢ−cᵢ)² with those blocks.
func layered(b compute.Backend) (obj *objective.Objective, start, lambda, center []float64) {
	const n = 30
	for i := range n {
		start = append(start, math.Sin(float64(i)))
		lambda = append(lambda, 1+float64(i%7))
		center = append(center, math.Cos(float64(3*i)))
	}
	return &objective.Objective{Backend: b, Dim: n, Blocks: layers, Loss: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
		constant := func(v []float64) *graph.Node { return graph.ConvertDType(graph.Const(theta.Graph(), v), theta.DType()) }
		return times(graph.ReduceAllSum(graph.Mul(constant(lambda), graph.Square(graph.Sub(theta, constant(center))))), 0.5)
	}}, start, lambda, center
}

// plainOrthogonalized is the iteration of Newton and Schulz as Jordan wrote it, but without a guard against zero.
func plainOrthogonalized(g []float64, rows, columns int) []float64 {
	x := mat.DenseCopyOf(mat.NewDense(rows, columns, append([]float64(nil), g...)))
	if rows > columns {
		x = mat.DenseCopyOf(x.T())
	}
	x.Scale(1/mat.Norm(x, 2), x) // Frobenius
	for range 5 {
		var a, square, poly, next mat.Dense
		a.Mul(x, x.T())
		square.Mul(&a, &a)
		a.Scale(-4.7750, &a)
		square.Scale(2.0315, &square)
		poly.Add(&a, &square)
		next.Mul(&poly, x)
		x.Scale(3.4445, x)
		x.Add(x, &next)
	}
	if rows > columns {
		x = mat.DenseCopyOf(x.T())
	}
	return x.RawMatrix().Data
}

// TestMuon compares iterates with plain Go: Muon for what is chosen, Adam for the rest.
func TestMuon(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		obj, start, lambda, center := layered(b)
		adam := optim.Adam{Rate: 0.01, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8}
		for name, c := range map[string]struct {
			method optim.Method
			chosen []objective.Block
			decay  float64
		}{
			"hidden": {optim.Muon{Rate: 0.1, Adam: adam}, layers[:1], 0},
			"first and last": {optim.Muon{Rate: 0.1, Adam: adam, WeightDecay: 0.2, Matrices: []string{"W3", "W1"}},
				[]objective.Block{layers[2], layers[4]}, 0.2},
		} {
			all := trajectory(t, obj, start, c.method, 5)
			theta, g, m := append([]float64(nil), start...), make([]float64, 30), make([]float64, 30)
			update := plainAdamUpdate(adam, 30)
			for k := 1; k <= 5; k++ {
				for i := range g {
					g[i] = lambda[i] * (theta[i] - center[i])
				}
				before := append([]float64(nil), theta...)
				update(k, theta, g)
				for _, block := range c.chosen {
					rows, columns := block.Dims[0], block.Dims[1]
					end := block.Offset + rows*columns
					ahead := make([]float64, 30)
					for i := block.Offset; i < end; i++ {
						m[i] = 0.95*m[i] + 0.05*g[i]
						ahead[i] = 0.95*m[i] + 0.05*g[i]
					}
					scale := math.Sqrt(math.Max(1, float64(columns)/float64(rows)))
					for i, v := range plainOrthogonalized(ahead[block.Offset:end], rows, columns) {
						j := block.Offset + i
						theta[j] = before[j] - 0.1*(scale*v+c.decay*before[j])
					}
				}
				for i, want := range theta {
					if got := all[k][i]; math.Abs(got-want) > 1e-11 {
						t.Fatalf("%s: θ%d after %d iterations is %.16g, want %.16g", name, i, k, got, want)
					}
				}
			}
		}
	})
}

// TestMuonAllMatrices: blocks that are all orthogonalized leave nothing to Adam.
func TestMuonAllMatrices(t *testing.T) {
	obj, start, _, _ := layered(pureGo(t))
	obj.Blocks = []objective.Block{{Name: "A", Dims: []int{5, 2}}, {Name: "B", Offset: 10, Dims: []int{4, 5}}}
	r := minimize(t, obj, start, optim.Muon{Rate: 0.05, Matrices: []string{"A", "B"}, Schedule: optim.Cosine{Total: 300}}, optim.Options{MaxIterations: 300})
	if !(r.Loss < 1e-4) {
		t.Errorf("%s", r)
	}
}

func TestMuonSettings(t *testing.T) {
	obj, start, _, _ := layered(pureGo(t))
	for word, c := range map[string]struct {
		blocks []objective.Block
		chosen []string
	}{
		`"b1", expected the name of a matrix among Objective.Blocks: "W1", "W2", "W3"`: {layers, []string{"W2", "b1"}},
		"Matrices is empty":      {layers, []string{}},
		"has 2 matrices":         {[]objective.Block{{Name: "A", Dims: []int{5, 2}}, {Name: "B", Offset: 10, Dims: []int{4, 5}}}, nil},
		"10 entries in all":      {[]objective.Block{{Name: "A", Dims: []int{5, 2}}}, nil},
		`"B" at 11 with`:         {[]objective.Block{{Name: "A", Dims: []int{5, 2}}, {Name: "B", Offset: 11, Dims: []int{19}}}, nil},
		"with dimensions [0 30]": {[]objective.Block{{Name: "A", Dims: []int{0, 30}}}, nil},
	} {
		obj.Blocks = c.blocks
		mustFail(t, obj, start, optim.Muon{Matrices: c.chosen}, optim.Options{}, word)
	}
}
