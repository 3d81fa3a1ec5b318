package sciml

import (
	"cmp"
	"fmt"
	"math"

	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/pde"
)

// Subdomains divide a problem's domain, or the box around it, into boxes of equal size that overlap, each with a network of its own, that add up to
// one (see nn.Subdomains): a finite-basis PINN, for solutions with many or short waves, or with layers, that one network learns slowly. The zero
// value is one network.
type Subdomains struct {
	// Counts are the numbers of boxes along each coordinate, time included, in the order of the problem's: 1 for one that is not cut, such as a
	// periodic one. Nil for no subdomains.
	Counts []int
	// Overlap is the width of the zone over which a box passes to the next, relative to a box; above 0 and at most 1, and 1 when zero, where
	// derivatives of the windows are smallest.
	Overlap float64
	// Coarse adds a network for the whole domain, of the kind that is in each box: the coarse level, which carries from one end to the other what
	// would go from box to box otherwise.
	Coarse bool
}

// of puts a network into each subdomain of a problem, which check has found nothing wrong with. Unless soft, a network sees the cosine and the sine of
// a periodic coordinate.
func (s Subdomains) of(problem *pde.Problem, network nn.Network, soft bool) (nn.Network, error) {
	if s.Counts == nil {
		return network, nil
	}
	lo, hi := problem.Domain.Bounds()
	var edges [][]float64
	for i, count := range s.Counts {
		if problem.Periods != nil && problem.Periods[i] > 0 && !soft {
			edges = append(edges, []float64{-1, 1}, []float64{-1, 1})
			continue
		}
		var along []float64
		for k := range count {
			along = append(along, lo[i]+(hi[i]-lo[i])*float64(k)/float64(count))
		}
		edges = append(edges, append(along, hi[i]))
	}
	boxes, err := nn.Subdomains(network, cmp.Or(s.Overlap, 1), edges...)
	if err != nil || !s.Coarse {
		return boxes, err
	}
	return nn.Sum(network, boxes)
}

// check reports what is wrong with the subdomains of a problem.
func (s Subdomains) check(problem *pde.Problem) error {
	if o := s.Overlap; o != 0 && !(o > 0 && o <= 1) {
		return fmt.Errorf("sciml: Options.Subdomains.Overlap is %v, expected a number above 0 and at most 1 (or 0 for the default)", o)
	}
	if s.Counts == nil {
		if s.Overlap != 0 || s.Coarse {
			return fmt.Errorf("sciml: Options.Subdomains has no Counts, expected a number of boxes for each of the coordinates %q", problem.Coordinates)
		}
		return nil
	}
	if len(s.Counts) != len(problem.Coordinates) {
		return fmt.Errorf("sciml: Options.Subdomains.Counts is %v, expected a number of boxes for each of the coordinates %q", s.Counts, problem.Coordinates)
	}
	boxes := 1
	for i, count := range s.Counts {
		switch {
		case count < 1:
			return fmt.Errorf("sciml: Options.Subdomains.Counts is %v, expected at least 1 for each coordinate, but that of %q is %d", s.Counts, problem.Coordinates[i], count)
		case boxes > mostBoxes/count:
			return fmt.Errorf("sciml: Options.Subdomains.Counts is %v, expected at most %d boxes", s.Counts, mostBoxes)
		case count > 1 && problem.Periods != nil && problem.Periods[i] > 0:
			return fmt.Errorf("sciml: Options.Subdomains.Counts is %v, expected 1 for the coordinate %q, along which the solution is periodic", s.Counts, problem.Coordinates[i])
		}
		boxes *= count
	}
	return nil
}

// mostBoxes is more than can be trained.
const mostBoxes = math.MaxUint16
