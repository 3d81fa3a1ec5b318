package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Initializer names a distribution of initial weights, for a matrix with fanIn rows and fanOut columns. Biases start at
// zero, except with SIRENUniform.
type Initializer string

// The initializers.
const (
	// GlorotNormal has variance 2/(fanIn+fanOut), and GlorotUniform as well (Glorot and Bengio 2010, equation 16).
	GlorotNormal  Initializer = "glorot normal"
	GlorotUniform Initializer = "glorot uniform"
	// HeNormal and HeUniform have variance 2/fanIn (He et al. 2015, equation 10).
	HeNormal  Initializer = "he normal"
	HeUniform Initializer = "he uniform"
	// LeCunNormal and LeCunUniform have variance 1/fanIn (LeCun et al. 1998, equation 16).
	LeCunNormal  Initializer = "lecun normal"
	LeCunUniform Initializer = "lecun uniform"
	// SIRENUniform is for the activation SIREN(ω₀): weights between ±1/fanIn in the first layer and ±√(6/fanIn)/ω₀
	// in the others (Sitzmann et al. 2020, section 3.2), biases between ±1/√fanIn as in the authors' code.
	SIRENUniform Initializer = "siren uniform"
)

// variances of the distributions that have no more to them, and whether they are uniform.
var variances = map[Initializer]struct {
	of      func(fanIn, fanOut float64) float64
	uniform bool
}{
	GlorotNormal:  {func(in, out float64) float64 { return 2 / (in + out) }, false},
	GlorotUniform: {func(in, out float64) float64 { return 2 / (in + out) }, true},
	HeNormal:      {func(in, _ float64) float64 { return 2 / in }, false},
	HeUniform:     {func(in, _ float64) float64 { return 2 / in }, true},
	LeCunNormal:   {func(in, _ float64) float64 { return 1 / in }, false},
	LeCunUniform:  {func(in, _ float64) float64 { return 1 / in }, true},
}

// check returns an error if the initializer is unknown.
func (i Initializer) check() error {
	if _, known := variances[i]; known || i == SIRENUniform {
		return nil
	}
	return fmt.Errorf("nn: initializer %q is unknown, expected one of %q, %q, %q, %q, %q, %q, %q", i,
		GlorotNormal, GlorotUniform, HeNormal, HeUniform, LeCunNormal, LeCunUniform, SIRENUniform)
}

// weights fills w, a matrix of fanIn rows and fanOut columns. First says that it is applied to the inputs, frequency is
// the activation's ω₀.
func (i Initializer) weights(w []float64, fanIn, fanOut int, first bool, frequency float64, rng *rand.Rand) {
	if i == SIRENUniform {
		limit := math.Sqrt(6/float64(fanIn)) / frequency
		if first {
			limit = 1 / float64(fanIn)
		}
		uniform(w, limit, rng)
		return
	}
	v := variances[i]
	std := math.Sqrt(v.of(float64(fanIn), float64(fanOut)))
	if v.uniform {
		uniform(w, math.Sqrt(3)*std, rng)
		return
	}
	for k := range w {
		w[k] = std * rng.NormFloat64()
	}
}

// biases fills b, which belong to a matrix of fanIn rows.
func (i Initializer) biases(b []float64, fanIn int, rng *rand.Rand) {
	if i == SIRENUniform {
		uniform(b, 1/math.Sqrt(float64(fanIn)), rng)
	}
}

func uniform(w []float64, limit float64, rng *rand.Rand) {
	for k := range w {
		w[k] = limit * (2*rng.Float64() - 1)
	}
}
