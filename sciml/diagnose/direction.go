package diagnose

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gosciml/gosciml/sciml/objective"
)

// RandomDirection is a normal random vector whose filters have the norms of those of θ, so that slices of networks of other scales can
// be compared (Li, Xu, Taylor, Studer and Goldstein 2018, section 4). A filter is what leads into one output of a layer: of a
// block of two or more dimensions the entries with one index of the last one, as layers have their weights here and in GoMLX. A
// block of one dimension, such as biases, is a filter as a whole. It fails where obj has no Blocks (ErrUnsuitable), and
// where θ does not fit it or is zero.
func RandomDirection(obj *objective.Objective, theta []float64, seed uint64) ([]float64, error) {
	return randomDirection(obj, theta, rand.New(rand.NewPCG(seed, 0)))
}

// RandomPlane is the plane through θ of two directions as RandomDirection gives, the first of that seed. Where there are many
// parameters they are nearly orthogonal. It fails as RandomDirection does.
func RandomPlane(obj *objective.Objective, theta []float64, seed uint64) (*Plane, error) {
	rng := rand.New(rand.NewPCG(seed, 0))
	first, err := randomDirection(obj, theta, rng)
	if err != nil {
		return nil, err
	}
	second, err := randomDirection(obj, theta, rng)
	if err != nil {
		return nil, err
	}
	return &Plane{slices.Clone(theta), first, second}, nil
}

func randomDirection(obj *objective.Objective, theta []float64, rng *rand.Rand) ([]float64, error) {
	if err := obj.Check(); err != nil {
		return nil, err
	}
	if err := checkDirection("θ", theta, obj.Dim); err != nil {
		return nil, err
	}
	blocks, sizes, err := obj.ConsecutiveBlocks("RandomDirection")
	if err != nil {
		return nil, err
	}
	d := make([]float64, obj.Dim)
	for i := range d {
		d[i] = rng.NormFloat64()
	}
	for b, block := range blocks {
		filters := 1
		if rank := len(block.Dims); rank > 1 {
			filters = block.Dims[rank-1]
		}
		for f := range filters {
			var norm, length float64 // of θ and d
			for i := block.Offset + f; i < block.Offset+sizes[b]; i += filters {
				norm, length = math.Hypot(norm, theta[i]), math.Hypot(length, d[i])
			}
			for i := block.Offset + f; i < block.Offset+sizes[b]; i += filters {
				d[i] *= norm / length
			}
		}
	}
	return d, nil
}
