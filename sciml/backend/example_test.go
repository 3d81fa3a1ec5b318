package backend_test

import (
	"fmt"
	"log"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/backend"
)

func ExampleOpen() {
	b, err := backend.Open()
	if err != nil {
		log.Fatal(err)
	}
	y, err := graph.CallOnce(b, func(x *graph.Node) *graph.Node { return graph.Mul(x, x) }, []float64{1, 2, 3})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(y.Value())
	// Output: [1 4 9]
}
