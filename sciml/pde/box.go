package pde

import (
	"fmt"
	"math"
	"slices"
)

// Box is the product of intervals [Lo[i], Hi[i]]; see NewBox.
type Box struct {
	Lo, Hi []float64
	names  []string
}

// NewBox makes a box from its lower and upper corner. Its patches are named after the given coordinates, "x-" and
// "x+" for the faces at the lower and upper end of x. It returns an error when sizes differ, a side is not positive and
// finite, or a coordinate is named twice.
func NewBox(coordinates []string, lo, hi []float64) (*Box, error) {
	if len(lo) == 0 || len(lo) != len(hi) || len(lo) != len(coordinates) {
		return nil, fmt.Errorf("pde.NewBox: %d coordinates, %d lower and %d upper ends, expected as many of each, and at least one", len(coordinates), len(lo), len(hi))
	}
	for i := range lo {
		if !(hi[i] > lo[i]) || math.IsInf(hi[i]-lo[i], 0) {
			return nil, fmt.Errorf("pde.NewBox: %s goes from %v to %v, expected a finite interval of positive length", coordinates[i], lo[i], hi[i])
		}
		if slices.Contains(coordinates[:i], coordinates[i]) {
			return nil, fmt.Errorf("pde.NewBox: the coordinates %q name %q twice, expected different names", coordinates, coordinates[i])
		}
	}
	return &Box{Lo: slices.Clone(lo), Hi: slices.Clone(hi), names: slices.Clone(coordinates)}, nil
}

// NewInterval is the box [lo, hi] of one dimension. Its patches are its ends, "x-" and "x+" where x is the name.
func NewInterval(name string, lo, hi float64) (*Box, error) {
	return NewBox([]string{name}, []float64{lo}, []float64{hi})
}

// check reports a literal that lacks something.
func (b *Box) check() error {
	if _, err := NewBox(b.names, b.Lo, b.Hi); err != nil {
		return fmt.Errorf("pde: the box from %v to %v with the coordinates %q was not made by NewBox: %w", b.Lo, b.Hi, b.names, err)
	}
	return nil
}

// Dim implements Domain.
func (b *Box) Dim() int { return len(b.Lo) }

// Bounds implements Domain.
func (b *Box) Bounds() (lo, hi []float64) { return b.Lo, b.Hi }

// Contains implements Domain.
func (b *Box) Contains(point []float64) bool {
	if len(point) != len(b.Lo) {
		return false
	}
	for i, v := range point {
		if !between(v, b.Lo[i], b.Hi[i]) {
			return false
		}
	}
	return true
}

func (b *Box) measure() float64 {
	volume := 1.0
	for i := range b.Lo {
		volume *= b.Hi[i] - b.Lo[i]
	}
	return volume
}

// Boundary implements Domain: the 2d faces.
func (b *Box) Boundary() []Patch {
	var patches []Patch
	if b.check() != nil {
		return nil
	}
	for axis := range b.Lo {
		area := 1.0
		for i := range b.Lo {
			if i != axis {
				area *= b.Hi[i] - b.Lo[i]
			}
		}
		for _, side := range []struct {
			suffix string
			at     float64
			normal float64
		}{{"-", b.Lo[axis], -1}, {"+", b.Hi[axis], 1}} {
			patches = append(patches, Patch{
				Name:    b.names[axis] + side.suffix,
				Measure: area,
				At: func(unit []float64) (point, normal []float64) {
					point, normal = make([]float64, len(b.Lo)), make([]float64, len(b.Lo))
					for i := range b.Lo {
						switch {
						case i < axis:
							point[i] = b.Lo[i] + unit[i]*(b.Hi[i]-b.Lo[i])
						case i > axis:
							point[i] = b.Lo[i] + unit[i-1]*(b.Hi[i]-b.Lo[i])
						}
					}
					point[axis], normal[axis] = side.at, side.normal
					return point, normal
				},
			})
		}
	}
	return patches
}
