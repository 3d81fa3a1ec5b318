package sample

import (
	"fmt"
	"math/bits"
	"math/rand/v2"

	"github.com/gosciml/gosciml/sciml/pde"
)

// Sobol takes the first points of Sobol's sequence (1967) with the direction numbers of Joe and Kuo (2008), scrambled by
// a random lower triangular matrix and a digital shift for each axis (Matoušek 1998). Powers of two are good numbers of
// points: 2^m points of the plane have one in each of the 2^m boxes of equal shape, for every shape with sides of
// 2^−i. It reaches to 37 dimensions.
type Sobol struct {
	Seed uint64
}

// Name implements Sampler.
func (Sobol) Name() string { return "Sobol'" }

// WithSeed implements Sampler.
func (Sobol) WithSeed(seed uint64) Sampler { return Sobol{Seed: seed} }

// Interior implements Sampler.
func (s Sobol) Interior(domain pde.Domain, n int) (*Points, error) {
	return interior(domain, n, sobol, rand.New(rand.NewPCG(s.Seed, interiorStream)))
}

// Boundary implements Sampler.
func (s Sobol) Boundary(domain pde.Domain, n int, on ...string) (*Points, error) {
	return boundary(domain, n, on, sobol, rand.New(rand.NewPCG(s.Seed, boundaryStream)))
}

// sobolBits is the number of binary digits of a coordinate, all that a float64 in [0, 1) has.
const sobolBits = 53

// directions are the direction numbers of one axis: v[k] is added, digit by digit, when digit k of the index is 1. The
// highest digit of a coordinate is bit 52.
type directions [sobolBits]uint64

func sobol(dim, _ int, rng *rand.Rand) (func(unit []float64), error) {
	if dim > len(joeKuo)+1 {
		return nil, fmt.Errorf("sample: Sobol' points of %d dimensions were asked for, expected at most %d", dim, len(joeKuo)+1)
	}
	axes, shift := make([]directions, dim), make([]uint64, dim)
	for i := range axes {
		axes[i] = sobolDirections(i).scramble(rng)
		shift[i] = rng.Uint64() >> (64 - sobolBits)
	}
	return sobolFrom(axes, shift), nil
}

// sobolFrom gives the points of the sequence in Gray-code order (Antonov and Saleev 1979), from the shift on.
func sobolFrom(axes []directions, shift []uint64) func(unit []float64) {
	index := uint64(0)
	return func(unit []float64) {
		index++
		changed := bits.TrailingZeros64(index)
		for i := range unit {
			unit[i] = float64(shift[i]) / (1 << sobolBits)
			shift[i] ^= axes[i][changed]
		}
	}
}

// sobolDirections are the direction numbers of an axis by the recurrence of its primitive polynomial (Joe and Kuo 2008,
// equation 2).
func sobolDirections(axis int) directions {
	var v directions
	if axis == 0 {
		for k := range v {
			v[k] = 1 << (sobolBits - 1 - k)
		}
		return v
	}
	p := joeKuo[axis-1]
	degree := len(p.m)
	for k := range v {
		if k < degree {
			v[k] = p.m[k] << (sobolBits - 1 - k)
			continue
		}
		v[k] = v[k-degree] ^ v[k-degree]>>degree
		for i := 1; i < degree; i++ {
			v[k] ^= p.a >> (degree - 1 - i) & 1 * v[k-i]
		}
	}
	return v
}

// scramble multiplies the digits by a random lower triangular matrix with ones on its diagonal: each digit gets a random
// sum of higher ones added.
func (v directions) scramble(rng *rand.Rand) directions {
	var scrambled directions
	for digit := range sobolBits {
		bit := uint64(1) << (sobolBits - 1 - digit)
		higher := uint64(1)<<sobolBits - bit<<1
		row := rng.Uint64()&higher | bit
		for k := range v {
			scrambled[k] |= uint64(bits.OnesCount64(row&v[k])&1) * bit
		}
	}
	return scrambled
}
