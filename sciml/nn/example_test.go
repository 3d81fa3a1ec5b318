package nn_test

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/ml/layers"
	"github.com/gomlx/gomlx/ml/model"

	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/nn"
)

func ExampleNewMLP() {
	network, err := nn.NewMLP(nn.Tanh, 2, 32, 32, 1)
	if err != nil {
		panic(err)
	}
	fmt.Println(network, "has", network.NumParams(), "parameters")
	for _, block := range network.Blocks() {
		fmt.Println(block.Name, block.Dims, "from", block.Offset)
	}
	// Output:
	// MLP 2-32-32-1 tanh has 1185 parameters
	// layer 1 weights [2 32] from 0
	// layer 1 biases [32] from 64
	// layer 2 weights [32 32] from 96
	// layer 2 biases [32] from 1120
	// layer 3 weights [32 1] from 1152
	// layer 3 biases [1] from 1184
}

// A function of a hundred coordinates, by 16 products and a sum of functions of one coordinate each.
func ExampleNewSeparable() {
	network, err := nn.NewSeparable(nn.Tanh, 16, 100, 8, 1)
	if err != nil {
		panic(err)
	}
	fmt.Println(network, "has", network.NumParams(), "parameters")
	for _, block := range network.Blocks() {
		fmt.Println(block.Name, block.Dims)
	}
	// Output:
	// separable of rank 16 100-8-1 tanh has 16916 parameters
	// layer 1 weights [100 1 8]
	// layer 1 biases [100 8]
	// layer 2 weights [100 8 17]
	// layer 2 biases [100 17]
	// products [16 1]
}

// Scaling, then Fourier features, before a network with trainable slopes; and its way to a file.
func ExampleMapped() {
	scale, err := nn.Scale([]float64{0, 0}, []float64{1, 4})
	if err != nil {
		panic(err)
	}
	waves, err := nn.Fourier(2, 32, 1, 0)
	if err != nil {
		panic(err)
	}
	mlp, err := nn.NewMLP(nn.Adaptive(nn.Tanh, 10), waves.Outputs(), 32, 1)
	if err != nil {
		panic(err)
	}
	network, err := nn.Mapped(mlp, scale, waves)
	if err != nil {
		panic(err)
	}
	stored, err := nn.Marshal(network)
	if err != nil {
		panic(err)
	}
	again, err := nn.Unmarshal(stored)
	if err != nil {
		panic(err)
	}
	fmt.Println(again)
	// Output:
	// scale [0 0]…[1 4] → Fourier 2-64 σ=1 → MLP 64-32-1 adaptive(10) tanh
}

// A model function of GoMLX's own layers is a network as well.
func ExampleFromModel() {
	b, err := backend.Open()
	if err != nil {
		panic(err)
	}
	store := model.NewStore()
	network, err := nn.FromModel(b, store, dtypes.Float64, 2, func(scope *model.Scope, x *graph.Node) *graph.Node {
		return layers.DenseWithBias(scope.In("out"), graph.Tanh(layers.DenseWithBias(scope.In("in"), x, 8)), 1)
	})
	if err != nil {
		panic(err)
	}
	theta := network.Init(1)                     // train it by any optimizer of this library …
	if err := network.Write(theta); err != nil { // … and the store is that of a GoMLX model
		panic(err)
	}
	fmt.Println(network)
	for _, block := range network.Blocks() {
		fmt.Println(block.Name, block.Dims)
	}
	// Output:
	// GoMLX model 2→1 of 33 parameters
	// in/dense/biases [8]
	// in/dense/weights [2 8]
	// out/dense/biases [1]
	// out/dense/weights [8 1]
}

// Four experts, by a gate that begins near the quarters of a square; and the parts of θ, as methods of domain decomposition ask for them.
func ExampleGated() {
	expert, err := nn.NewMLP(nn.Tanh, 2, 8, 1)
	if err != nil {
		panic(err)
	}
	quarters, err := nn.BoxGate(0.5, []float64{0, 0.5, 1}, []float64{0, 0.5, 1})
	if err != nil {
		panic(err)
	}
	bends, err := nn.NewMLP(nn.Tanh, 2, 6, 4)
	if err != nil {
		panic(err)
	}
	gate, err := nn.Sum(quarters, bends)
	if err != nil {
		panic(err)
	}
	network, err := nn.Gated(expert, 4, gate)
	if err != nil {
		panic(err)
	}
	fmt.Println(network)
	fmt.Println(nn.Parts(network))
	// Output:
	// 4 experts MLP 2-8-1 tanh, gated by [gate for boxes [2 2] + MLP 2-6-4 tanh]
	// [33 33 33 33 58]
}
