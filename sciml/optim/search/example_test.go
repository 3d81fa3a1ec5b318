package search_test

import (
	"fmt"
	"math"

	"github.com/gosciml/gosciml/sciml/optim/search"
)

// A search looks for a good step length along a direction, and says whether it found one.
func Example() {
	phi := func(alpha float64) (search.Trial, error) { // φ(α) = eᵅ − 3α, with its minimum at log 3
		return search.Trial{Alpha: alpha, Loss: math.Exp(alpha) - 3*alpha, Slope: math.Exp(alpha) - 3}, nil
	}
	start, _ := phi(0)
	for _, s := range []search.Search{search.Armijo{}, search.StrongWolfe{}, search.StrongWolfe{Curvature: 1e-3}} {
		trials := 0
		taken, accepted, err := s.Find(start, 10, 1e-16, func(alpha float64) (search.Trial, error) {
			trials++
			return phi(alpha)
		})
		if err != nil {
			panic(err)
		}
		fmt.Printf("%T: α = %.3f after %d trials, accepted: %t\n", s, taken.Alpha, trials, accepted)
	}
	// Output:
	// search.Armijo: α = 1.000 after 2 trials, accepted: true
	// search.StrongWolfe: α = 0.919 after 3 trials, accepted: true
	// search.StrongWolfe: α = 1.099 after 6 trials, accepted: true
}
