package sample

import (
	"fmt"
	"math"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
	"github.com/gosciml/gosciml/sciml/pde"
)

// Grid puts points in the centres of the cells of a regular grid. All axes have the same number of cells, or the first
// few one more; the grid has at most n points in the domain and the next finer one more than n. So 900 points of a
// square are 30×30 and 1000 are 32×31, but 1000 points of the unit cube of ten dimensions are 512: Points.N says how
// many there are. On a boundary that holds for each patch and its share of n; an end of an interval is one point.
type Grid struct{}

// Name implements Sampler.
func (Grid) Name() string { return "grid" }

// WithSeed implements Sampler: nothing in a grid is random.
func (Grid) WithSeed(uint64) Sampler { return Grid{} }

// Interior implements Sampler, with at most n points. It fails too when n is positive but no point would be in the
// domain.
func (Grid) Interior(domain pde.Domain, n int) (*Points, error) {
	if err := checkInterior(domain, n); err != nil {
		return nil, err
	}
	lo, hi := domain.Bounds()
	place, points := placing(domain), &Points{Dim: len(lo)}
	err := usercode.Call("domain", func() error {
		return grid(len(lo), n, func(unit []float64) bool {
			place(unit)
			return domain.Contains(unit)
		}, func(unit []float64) {
			place(unit)
			points.Coords = append(points.Coords, unit...)
		})
	})
	if err != nil {
		return nil, fmt.Errorf("sample: %w in the domain of bounds %v to %v", err, lo, hi)
	}
	points.N = len(points.Coords) / points.Dim
	return points, nil
}

// Boundary implements Sampler, with at most n points.
func (Grid) Boundary(domain pde.Domain, n int, on ...string) (*Points, error) {
	return shares(domain, n, on, func(p pde.Patch, count int, points *Points) error {
		err := grid(points.Dim-1, count, func(unit []float64) bool {
			return p.Keep == nil || p.Keep(p.At(unit))
		}, func(unit []float64) {
			points.add(p, unit)
		})
		if err != nil {
			return fmt.Errorf("sample: %w on the patch %q", err, p.Name)
		}
		return nil
	})
}

// grid visits the points inside of the finest grid of the unit cube with at most n of them, so that the next one has
// more. Grid number k·dim+j has k cells along each axis, the first j of them one more. Both functions may change their
// argument.
func grid(dim, n int, inside func(unit []float64) bool, visit func(unit []float64)) error {
	if n == 0 {
		return nil
	}
	unit := make([]float64, dim)
	if dim == 0 {
		if inside(unit) {
			visit(unit)
		}
		return nil
	}
	// A grid with more cells than this is not tried.
	most := float64(maxRejections) + 1000*float64(n)
	tooFine := func(number int) bool {
		if cells(dim, number) <= float64(n) {
			return false
		}
		if cells(dim, number) > most {
			return true
		}
		count := 0
		walk(dim, number, unit, func() bool {
			if inside(unit) {
				count++
			}
			return count <= n
		})
		return count > n
	}
	fits, fine := dim, 2*dim
	for !tooFine(fine) {
		fits, fine = fine, 2*fine
	}
	for fine-fits > 1 {
		if middle := (fits + fine) / 2; tooFine(middle) {
			fine = middle
		} else {
			fits = middle
		}
	}
	found := false
	point := make([]float64, dim)
	walk(dim, fits, unit, func() bool {
		copy(point, unit)
		if inside(point) {
			copy(point, unit)
			visit(point)
			found = true
		}
		return true
	})
	if !found {
		return fmt.Errorf("none of the %.0f points of a grid for n = %d is", cells(dim, fits), n)
	}
	return nil
}

// cells is how many cells a grid has.
func cells(dim, number int) float64 {
	each, more := number/dim, number%dim
	return math.Pow(float64(each+1), float64(more)) * math.Pow(float64(each), float64(dim-more))
}

// walk puts the centres of the cells of a grid into unit, one after another, the last axis fastest, as long as next
// wants more. Next may change unit.
func walk(dim, number int, unit []float64, next func() bool) {
	along := make([]int, dim)
	for {
		for i, k := range along {
			count := number / dim
			if i < number%dim {
				count++
			}
			unit[i] = (float64(k) + 0.5) / float64(count)
		}
		if !next() {
			return
		}
		axis := dim - 1
		for ; axis >= 0; axis-- {
			along[axis]++
			if along[axis] < number/dim || along[axis] == number/dim && axis < number%dim {
				break
			}
			along[axis] = 0
		}
		if axis < 0 {
			return
		}
	}
}
