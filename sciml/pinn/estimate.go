package pinn

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/autodiff"
)

// Estimate has the Laplacians of the equations (pde.Fields.Laplacian) estimated from random directions, others at each point: the cost
// is that of a Laplacian in Directions dimensions, and a program compiles in the time that it takes for one. For a network such
// as an MLP that pays where there are many more coordinates than directions; that of nn.Separable has cheap exact ones.
//
// Directions stay the same between two draws. Within, the loss is a fixed one, so that methods which search, or judge a step by what
// it gains, are not misled by noise; what they compare across a draw is as with points that have moved. Estimates are unbiased,
// but their squares are not: the mean of the loss is that with exact Laplacians plus the mean variance of the estimates. With
// directions of ±1 that is 2Σ_{i≠j}(∂²ᵢⱼu)²/R, which vanishes where mixed derivatives do; with Sparse it vanishes where all ∂²ᵢu are
// alike at a point, or R = d. Elsewhere it draws u towards that, the less the more directions there are.
type Estimate struct {
	// Directions is R, the number of directions at a point, at most that of coordinates; 0 for exact Laplacians.
	Directions int
	// Sparse draws coordinate axes without replacement (STDE, Shi et al. 2024) instead of vectors of ±1 (Hutchinson 1989). A Laplacian
	// over some of the axes then has to do with those that are among them.
	Sparse bool
	// Every is the number of iterations between two draws; 10 when zero. A method that is stuck gets new directions out of turn.
	Every int
}

// String says in words what is estimated.
func (e Estimate) String() string {
	switch {
	case e.Directions == 0:
		return "exact"
	case e.Sparse:
		return fmt.Sprintf("from %d axes, drawn every %d iterations", e.Directions, e.Every)
	}
	return fmt.Sprintf("from %d directions of ±1, drawn every %d iterations", e.Directions, e.Every)
}

func (e *Estimate) setDefaults(coordinates int) error {
	switch {
	case e.Directions < 0 || e.Directions > coordinates:
		return fmt.Errorf("pinn: Options.Laplacians.Directions is %d, expected at most %d, as many as there are coordinates (or 0 for exact Laplacians)", e.Directions, coordinates)
	case e.Every < 0:
		return fmt.Errorf("pinn: Options.Laplacians.Every is %d, expected at least 1 (or 0 for the default)", e.Every)
	case e.Directions == 0 && *e != Estimate{}:
		return errors.New("pinn: Options.Laplacians.Directions is 0, but other fields of it are set, expected at least 1")
	}
	if e.Directions > 0 && e.Every == 0 {
		e.Every = 10
	}
	return nil
}

// directionStream is that of the seed's random numbers for directions.
const directionStream = 0x646972656374

// direct draws the directions of the clouds of equations, by how often they were drawn before: nothing else has to be stored.
func (m *Model) direct(clouds []*cloud, number int) {
	r, d := m.options.Laplacians.Directions, len(m.problem.Coordinates)
	if r == 0 {
		return
	}
	rng := rand.New(rand.NewPCG(m.options.Seed^directionStream, uint64(number)))
	for _, c := range clouds {
		if !c.refinable { // those of conditions, whose Laplacians are exact
			continue
		}
		if !m.options.Laplacians.Sparse {
			c.directions = autodiff.Rademacher(rng, r*c.points.N, d)
			continue
		}
		c.directions = make([]float64, 0, c.points.N*r*d)
		for range c.points.N {
			c.directions = append(c.directions, autodiff.SparseAxes(rng, r, d)...)
		}
	}
}

// directionsOf gives fields at the points x directions that are laid out as [N, R·d]; nil for none.
func directionsOf(laid, x *graph.Node) func() *graph.Node {
	if laid == nil {
		return nil
	}
	var turned *graph.Node
	return func() *graph.Node {
		if turned == nil {
			n, d := x.Shape().Dimensions[0], x.Shape().Dimensions[1]
			turned = graph.TransposeAllAxes(graph.Reshape(laid, n, laid.Shape().Dimensions[1]/d, d), 1, 0, 2)
		}
		return turned
	}
}
