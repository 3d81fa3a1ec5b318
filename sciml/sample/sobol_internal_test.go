package sample

import (
	"slices"
	"testing"
)

// TestFirstSobolPoints: the sequence without scrambling, as Joe and Kuo's program gives it.
func TestFirstSobolPoints(t *testing.T) {
	axes := make([]directions, 5)
	for i := range axes {
		axes[i] = sobolDirections(i)
	}
	next := sobolFrom(axes, make([]uint64, len(axes)))
	for k, want := range [][]float64{
		{0, 0, 0, 0, 0},
		{0.5, 0.5, 0.5, 0.5, 0.5},
		{0.75, 0.25, 0.25, 0.25, 0.75},
		{0.25, 0.75, 0.75, 0.75, 0.25},
		{0.375, 0.375, 0.625, 0.875, 0.375},
		{0.875, 0.875, 0.125, 0.375, 0.875},
	} {
		got := make([]float64, len(axes))
		next(got)
		if !slices.Equal(got, want) {
			t.Errorf("point %d is %v, want %v", k, got, want)
		}
	}
}

// TestDirectionNumbers: first direction numbers are odd and below 2^k, and the polynomials are primitive: x has the
// order 2^s − 1 modulo a primitive polynomial of degree s.
func TestDirectionNumbers(t *testing.T) {
	seen := map[[2]uint64]bool{}
	for i, p := range joeKuo {
		degree := len(p.m)
		for k, m := range p.m {
			if m%2 == 0 || m >= 1<<(k+1) {
				t.Errorf("axis %d: m%d is %d, expected an odd number below %d", i+2, k+1, m, 1<<(k+1))
			}
		}
		polynomial := uint64(1)<<degree | p.a<<1 | 1
		order, power := 0, uint64(1)
		for {
			power <<= 1
			if power>>degree != 0 {
				power ^= polynomial
			}
			order++
			if power == 1 || order > 1<<degree {
				break
			}
		}
		if order != 1<<degree-1 || seen[[2]uint64{uint64(degree), p.a}] {
			t.Errorf("axis %d: the polynomial %b has order %d, expected %d, or occurs twice", i+2, polynomial, order, 1<<degree-1)
		}
		seen[[2]uint64{uint64(degree), p.a}] = true
	}
}
