package optim_test

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

// rotated is f = ½(θ−1)ᵀQΛQᵀ(θ−1) with random eigenvectors Q, from θ = 0: as residuals √(Λ/2)Qᵀ(θ−t), t the data and 1,
// or as that energy. The minimum is zero.
func rotated(b compute.Backend, eigenvalues []float64, residuals bool) (obj *objective.Objective, start []float64) {
	n := len(eigenvalues)
	rng := rand.New(rand.NewPCG(3, 1))
	entries := make([]float64, n*n)
	for i := range entries {
		entries[i] = rng.NormFloat64()
	}
	var qr mat.QR
	qr.Factorize(mat.NewDense(n, n, entries))
	var q mat.Dense
	qr.QTo(&q)
	rows := make([]float64, n*n)
	target := make([]float64, n)
	for i, lambda := range eigenvalues {
		target[i] = 1
		for j := range n {
			rows[i*n+j] = math.Sqrt(lambda/2) * q.At(j, i)
		}
	}
	j := tensors.FromFlatDataAndDimensions(rows, n, n)
	obj = &objective.Objective{
		Backend: b, Dim: n, Data: []*tensors.Tensor{tensors.FromValue(target), j},
		Blocks: []objective.Block{{Name: "all", Dims: []int{n}}},
	}
	residual := func(theta *graph.Node, data []*graph.Node) *graph.Node {
		return graph.Einsum("ij,j->i", data[1], graph.Sub(theta, data[0]))
	}
	if residuals {
		obj.Residual = residual
	} else {
		obj.Loss = func(theta *graph.Node, data []*graph.Node) *graph.Node {
			return graph.ReduceAllSum(graph.Square(residual(theta, data)))
		}
	}
	return obj, make([]float64, n)
}

// kept is C = factor·I, whatever the curvature is; it counts how often it is made.
type kept struct {
	factor float64
	made   *int
}

func (kept) Name() string { return "kept" }

func (k kept) Start(obj *objective.Objective) (optim.Root, error) { return keptRoot{k, obj}, nil }

type keptRoot struct {
	kept
	obj *objective.Objective
}

func (keptRoot) Shapes() []shapes.Shape { return []shapes.Shape{shapes.Make(dtypes.Float64)} }

func (keptRoot) Identity() []*tensors.Tensor { return []*tensors.Tensor{tensors.FromScalar(1.0)} }

func (keptRoot) Multiply(z *graph.Node, c []*graph.Node) *graph.Node { return graph.Mul(z, c[0]) }

func (k keptRoot) At(_ *tensors.Tensor, number int) (optim.RootAt, error) {
	if k.made != nil {
		if number != *k.made {
			return optim.RootAt{}, fmt.Errorf("C number %d was asked for after %d", number, *k.made)
		}
		*k.made++
	}
	return optim.RootAt{Tensors: []*tensors.Tensor{tensors.FromScalar(k.factor)}, Rank: k.obj.Dim, Condition: 1, Norm: k.factor}, nil
}
