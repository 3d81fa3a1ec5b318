package diagnose

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/dsp/fourier"
)

// Basis is the family of functions that a function is made of along one side of a grid, from x = 0 to x = L.
type Basis int

const (
	// Sines are sin(πkx/L), for functions that are zero at both ends: the values there are not looked at.
	Sines Basis = iota
	// Cosines are cos(πkx/L), for any function. What is smooth but has a slope at the ends has a part in all of them, which falls
	// as 1/k².
	Cosines
	// Waves are cos(2πkx/L) and sin(2πkx/L), for periodic functions: the last value, which is the first one again, is not looked
	// at.
	Waves
)

// String is the name of the basis.
func (b Basis) String() string {
	switch b {
	case Sines:
		return "sines"
	case Cosines:
		return "cosines"
	case Waves:
		return "waves"
	}
	return fmt.Sprintf("Basis(%d)", int(b))
}

// Side is one side of a uniform grid: its number of nodes, both ends among them, and what functions along it are made of.
type Side struct {
	Nodes int
	Basis Basis
}

// ByFrequency takes functions apart by frequency, such as the error of a network at several moments of its training, from their
// values on a uniform grid with one or two sides; those along the first side follow each other, as in plot.Grid. Entry k of a
// result is the root mean square of the part of the function with wave number k: along one side that of the Basis, in a
// plane the nearest integer to √(k₁² + k₂²). The sum of the squares of all entries is the mean square of the function, by the
// trapezoidal rule, so that the error is seen as the sum of what is wrong at each frequency.
//
// It fails where a side has too few nodes, a function another number of values than there are nodes, or one that is not finite.
func ByFrequency(sides []Side, functions ...[]float64) ([][]float64, error) {
	if len(sides) != 1 && len(sides) != 2 {
		return nil, fmt.Errorf("diagnose: the grid has %d sides, expected 1 or 2", len(sides))
	}
	total := 1
	var all []*transform
	for i, s := range sides {
		t, err := s.transform()
		if err != nil {
			return nil, fmt.Errorf("%w, in side %d", err, i)
		}
		all = append(all, t)
		total *= s.Nodes
	}
	out := make([][]float64, len(functions))
	for f, values := range functions {
		if len(values) != total {
			return nil, fmt.Errorf("diagnose: function %d has %d values, expected %d, one for each node", f, len(values), total)
		}
		if err := checkVector(fmt.Sprintf("function %d", f), values, total); err != nil {
			return nil, err
		}
		if len(all) == 1 {
			out[f] = bands(all[0], nil, all[0].apply(values))
		} else {
			out[f] = bands(all[0], all[1], inPlane(all[0], all[1], values))
		}
	}
	return out, nil
}

// transform gives coefficients along one side, scaled so that the sum of their squares is the mean square of the function.
type transform struct {
	nodes   int
	numbers []int // the wave number of each coefficient
	apply   func(values []float64) []float64
}

func (s Side) transform() (*transform, error) {
	t := &transform{nodes: s.Nodes}
	intervals := s.Nodes - 1
	least := 3
	if s.Basis == Cosines {
		least = 2
	}
	if s.Nodes < least {
		return nil, fmt.Errorf("diagnose: a side with %s has %d nodes, expected %d or more", s.Basis, s.Nodes, least)
	}
	half := math.Sqrt2 / 2 // the root mean square of a sine or cosine
	switch n := float64(intervals); s.Basis {
	case Sines:
		for k := 1; k < intervals; k++ {
			t.numbers = append(t.numbers, k)
		}
		dst := fourier.NewDST(intervals - 1)
		t.apply = func(values []float64) []float64 {
			c := dst.Transform(nil, values[1:intervals])
			for i := range c {
				c[i] *= half / n
			}
			return c
		}
	case Cosines:
		for k := range s.Nodes {
			t.numbers = append(t.numbers, k)
		}
		dct := fourier.NewDCT(s.Nodes)
		t.apply = func(values []float64) []float64 {
			c := dct.Transform(nil, values)
			for k := range c {
				c[k] *= half / n
			}
			c[0] *= half // these two are ±1 at all nodes, and enter twice
			c[intervals] *= half
			return c
		}
	case Waves:
		fft := fourier.NewFFT(intervals)
		for k := range intervals/2 + 1 {
			t.numbers = append(t.numbers, k)
			if k > 0 && 2*k < intervals {
				t.numbers = append(t.numbers, k)
			}
		}
		t.apply = func(values []float64) []float64 {
			c := make([]float64, 0, intervals)
			for k, z := range fft.Coefficients(nil, values[:intervals]) {
				if k > 0 && 2*k < intervals {
					c = append(c, math.Sqrt2*real(z)/n, math.Sqrt2*imag(z)/n)
				} else {
					c = append(c, real(z)/n)
				}
			}
			return c
		}
	default:
		return nil, fmt.Errorf("diagnose: Side.Basis is %d, expected Sines, Cosines or Waves", int(s.Basis))
	}
	return t, nil
}

// inPlane transforms along both sides; those of the first follow each other.
func inPlane(first, second *transform, values []float64) []float64 {
	width := len(first.numbers)
	rows := make([]float64, 0, width*second.nodes)
	for j := range second.nodes {
		rows = append(rows, first.apply(values[j*first.nodes:(j+1)*first.nodes])...)
	}
	out := make([]float64, width*len(second.numbers))
	column := make([]float64, second.nodes)
	for i := range width {
		for j := range column {
			column[j] = rows[j*width+i]
		}
		for j, c := range second.apply(column) {
			out[j*width+i] = c
		}
	}
	return out
}

// bands are the roots of the sums of the squares of coefficients by wave number.
func bands(first, second *transform, coefficients []float64) []float64 {
	across := []int{0}
	if second != nil {
		across = second.numbers
	}
	var rms []float64
	width := len(first.numbers)
	for i, c := range coefficients {
		k := int(math.Round(math.Hypot(float64(first.numbers[i%width]), float64(across[i/width]))))
		for len(rms) <= k {
			rms = append(rms, 0)
		}
		rms[k] = math.Hypot(rms[k], c)
	}
	return rms
}
