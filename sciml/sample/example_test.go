package sample_test

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/sample"
)

func ExampleUniform_Boundary() {
	square, err := pde.NewBox([]string{"x", "y"}, []float64{0, 0}, []float64{1, 1})
	if err != nil {
		panic(err)
	}
	points, err := sample.Uniform{Seed: 1}.Boundary(square, 4)
	if err != nil {
		panic(err)
	}
	for n := range points.N {
		fmt.Printf("(%.1f, %.1f) with outer normal %v\n", points.At(n)[0], points.At(n)[1], points.Normals[2*n:2*n+2])
	}
	// Output:
	// (0.0, 0.3) with outer normal [-1 0]
	// (1.0, 0.9) with outer normal [1 0]
	// (0.8, 0.0) with outer normal [0 -1]
	// (0.8, 1.0) with outer normal [0 1]
}

// A plate with a hole, in time: points of the rim of the hole only.
func ExampleSobol() {
	plate, err := pde.NewBox([]string{"x", "y"}, []float64{-1, -1}, []float64{1, 1})
	if err != nil {
		panic(err)
	}
	hole, err := pde.NewDisk([2]float64{0, 0}, 0.5)
	if err != nil {
		panic(err)
	}
	body, err := pde.Difference(plate, hole)
	if err != nil {
		panic(err)
	}
	domain, err := pde.Over(body, "t", 0, 1)
	if err != nil {
		panic(err)
	}
	points, err := sample.Sobol{Seed: 1}.Boundary(domain, 256, "circle")
	if err != nil {
		panic(err)
	}
	farthest := 0.0
	for n := range points.N {
		farthest = max(farthest, math.Hypot(points.At(n)[0], points.At(n)[1]))
	}
	fmt.Printf("%d points, at most %.3f from the centre\n", points.N, farthest)
	// Output: 256 points, at most 0.500 from the centre
}

// Half of the points are in reserve at first; each refinement activates twenty where the residual is largest.
func ExampleRAR() {
	interval, err := pde.NewInterval("x", 0, 1)
	if err != nil {
		panic(err)
	}
	points, err := sample.LatinHypercube{Seed: 1}.Interior(interval, 100)
	if err != nil {
		panic(err)
	}
	if points, err = sample.Reserve(points, 50); err != nil {
		panic(err)
	}
	residual := func(p *sample.Points) ([]float64, error) {
		values := make([]float64, p.N)
		for n := range values {
			values[n] = math.Exp(-100 * math.Pow(p.At(n)[0]-0.7, 2))
		}
		return values, nil
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for range 4 {
		active, near := 0, 0
		for n, w := range points.Weights {
			if w > 0 {
				active++
				if math.Abs(points.At(n)[0]-0.7) < 0.05 {
					near++
				}
			}
		}
		fmt.Printf("%d of %d points are active, %d of them within 0.05 of the peak\n", active, points.N, near)
		if points, err = (sample.RAR{Add: 20}).Refine(interval, points, residual, rng); err != nil {
			panic(err)
		}
	}
	// Output:
	// 50 of 100 points are active, 3 of them within 0.05 of the peak
	// 70 of 100 points are active, 23 of them within 0.05 of the peak
	// 90 of 100 points are active, 43 of them within 0.05 of the peak
	// 100 of 100 points are active, 53 of them within 0.05 of the peak
}
