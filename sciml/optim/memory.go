package optim

import (
	"math"

	"github.com/gomlx/compute/shapes"

	"github.com/gosciml/gosciml/sciml/objective"
)

// defaultVectors is the number of vectors of the length of θ that a method may keep in any case, when it is not told otherwise.
const defaultVectors = 256

// needMemory reports that what a method keeps and works with, so many numbers, would be larger than maxMemory bytes. When that is
// zero it is 4 GiB, or 256 vectors of the length of θ where they are more (objective.ErrTooLarge).
func needMemory(obj *objective.Objective, method, what string, numbers float64, maxMemory int64) error {
	if err := checkSettings(method, memory(maxMemory)); err != nil {
		return err
	}
	size, most := float64(obj.Precision().Size()), float64(maxMemory)
	if maxMemory == 0 {
		most = math.Max(defaultMemory, defaultVectors*size*float64(obj.Dim))
	}
	if need := size * numbers; need > most {
		return objective.TooLarge("optim: %s needs %.3g GiB for %s of %d parameters, expected at most MaxMemory = %.3g GiB",
			method, need/(1<<30), what, obj.Dim, most/(1<<30))
	}
	return nil
}

// pairNumbers are those of so many correction pairs, and of the matrices of their products, before and after an update.
func pairNumbers(obj *objective.Objective, pairs int) float64 {
	m := float64(pairs)
	return 4*m*float64(obj.Dim) + 3*m*m
}

// numbersOf are those of a state, before and after a step.
func numbersOf(state []shapes.Shape) float64 {
	total := 0.0
	for _, s := range state {
		size := 2.0
		for _, d := range s.Dimensions {
			size *= float64(d)
		}
		total += size
	}
	return total
}
