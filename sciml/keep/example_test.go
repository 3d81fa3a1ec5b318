package keep_test

import (
	"fmt"
	"os"

	"github.com/gosciml/gosciml/sciml/keep"
)

type trained struct {
	Theta []float64
	Loss  float64
}

type settings struct {
	Steps int
	Rate  float64
}

// A value that takes long to compute is made by one cell or run, and fetched by
// others.
func Example() {
	dir, err := os.MkdirTemp("", "keep")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	os.Setenv("GOSCIML_KEEP_DIR", dir) // Only so that this example leaves nothing behind.
	defer os.Unsetenv("GOSCIML_KEEP_DIR")

	opts := settings{Steps: 1000, Rate: 1e-3}
	sol, err := keep.Value("poisson", opts, func() (trained, error) {
		return trained{Theta: []float64{1, 2, 3}, Loss: 1e-6}, nil // The training goes here.
	})
	fmt.Println(sol.Loss, err)

	// In a later cell:
	sol, err = keep.Fetch[trained]("poisson")
	fmt.Println(len(sol.Theta), err)

	// Output:
	// poisson: computing
	// 1e-06 <nil>
	// 3 <nil>
}
