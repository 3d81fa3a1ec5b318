package nn_test

import (
	"fmt"

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
