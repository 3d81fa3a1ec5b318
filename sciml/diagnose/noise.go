package diagnose

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gosciml/gosciml/sciml/objective"
)

// NoiseAt is the noise of the gradients of batches of one size.
type NoiseAt struct {
	// Size is the number of samples in a batch: the one that was asked for, or more where each group of samples needs one.
	Size int
	// Relative is the mean of ‖∇f_B − ∇f‖² over batches B, by ‖∇f‖²: signal and noise balance where it is 1.
	Relative float64
	// Law is what the smallest size lets one expect of this one, if the samples of a batch are independent: as 1/Size, and for draws
	// without replacement as (N − Size)/(N − 1)/Size, which vanishes for all N samples.
	Law float64
}

// fewest batches are what a variance is estimated from.
const fewest = 32

// NoiseBySize measures the noise of batch gradients at θ for several sizes of batches, each from count of them, or from those of
// as many passes over the samples as give 32 or more when it is zero; see objective.Noise. How they are drawn is in batches, but for their Size. The result is
// ordered by size. It fails where the objective has no samples (ErrUnsuitable), where θ does not fit, where the gradient is zero, for a
// size that has all samples, and when ctx is done.
func NoiseBySize(ctx context.Context, obj *objective.Objective, theta []float64, sizes []int, batches objective.Batches, count int) ([]NoiseAt, error) {
	own, err := objectiveFor(ctx, obj, theta)
	if err != nil {
		return nil, err
	}
	if len(sizes) == 0 {
		return nil, errors.New("diagnose: there are no sizes of batches, expected at least one")
	}
	sizes = slices.Compact(slices.Sorted(slices.Values(sizes)))
	if sizes[0] < 1 {
		return nil, fmt.Errorf("diagnose: a size of batches is %d, expected at least 1", sizes[0])
	}
	rows := own.NumSamples()
	perSample := 0.0
	var all []NoiseAt
	for _, size := range sizes {
		if err := own.Interrupted(); err != nil {
			return nil, err
		}
		batches.Size = size
		many := count
		if pass := max(1, rows/size); many == 0 {
			many = pass * ((fewest + pass - 1) / pass)
		}
		noise, err := objective.Noise(own, theta, batches, many)
		if err != nil {
			return nil, err
		}
		if noise.Gradient == 0 {
			return nil, errors.New("diagnose: the gradient is exactly zero at θ, so that no noise is relative to it, expected another θ")
		}
		made := 0
		for _, n := range own.ShareBatch(size) {
			made += n
		}
		if len(all) == 0 {
			perSample = noise.Scale
		} else if all[len(all)-1].Size == made {
			continue
		}
		all = append(all, NoiseAt{made, noise.Relative, perSample * objective.VarianceOfMean(made, rows, batches.WithReplacement)})
	}
	return all, nil
}
