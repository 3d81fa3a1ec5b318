// Package sample chooses collocation points in domains and on their boundaries, and moves them to where the residual is
// large.
package sample

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
	"github.com/gosciml/gosciml/sciml/pde"
)

// Sampler puts points into a domain and on its boundary. What is random in it comes from its seed: the same seed gives
// the same points, and interior and boundary points are independent.
type Sampler interface {
	// Name says which sampler it is, for legends.
	Name() string
	// WithSeed is the same sampler with another seed; one without a seed returns itself.
	WithSeed(seed uint64) Sampler
	// Interior puts n points into the domain, evenly in volume: by its parametrization where it is pde.Filled, or else into
	// its bounds, without those that miss the domain. It fails for nil, for a negative n, and when the domain fills next to none of its bounds.
	Interior(domain pde.Domain, n int) (*Points, error)
	// Boundary puts n points on the named patches of the boundary, on all when none is named, evenly in measure: each
	// patch gets its share of n up to rounding. It fails for nil, for a negative n, for a name that is unknown or given
	// twice, and for a domain without boundary.
	Boundary(domain pde.Domain, n int, on ...string) (*Points, error)
}

// The streams of random numbers of a seed, so that interior and boundary points are independent.
const (
	interiorStream = iota
	boundaryStream
)

// maxRejections bounds how many points in a row may miss the domain within its bounds.
const maxRejections = 1_000_000

// belowOne is the largest number of the unit interval [0, 1).
var belowOne = math.Nextafter(1, 0)

// sequence starts a sequence of points of the unit cube [0,1)^dim of which n make a complete set; the function that it
// returns puts the next one into its argument.
type sequence func(dim, n int, rng *rand.Rand) (next func(unit []float64), err error)

// interior takes a sequence of points of the bounds until n are in the domain.
func interior(domain pde.Domain, n int, start sequence, rng *rand.Rand) (*Points, error) {
	if err := checkInterior(domain, n); err != nil {
		return nil, err
	}
	lo, hi := domain.Bounds()
	next, err := start(len(lo), n, rng)
	if err != nil {
		return nil, err
	}
	place := placing(domain)
	points := &Points{N: n, Dim: len(lo), Coords: make([]float64, n*len(lo))}
	err = usercode.Call("domain", func() error {
		for k := range n {
			point := points.At(k)
			for missed := 0; ; missed++ {
				next(point)
				place(point)
				if domain.Contains(point) {
					break
				}
				if missed == maxRejections {
					return fmt.Errorf("sample: %d points in a row within the bounds %v to %v missed the domain", missed, lo, hi)
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return points, nil
}

// placing returns what maps a point of the unit cube to the domain, or else to its bounds, in place.
func placing(domain pde.Domain) func(point []float64) {
	if fill := pde.Filling(domain); fill != nil {
		return func(point []float64) { copy(point, fill(point)) }
	}
	lo, hi := domain.Bounds()
	return func(point []float64) {
		for i, u := range point {
			point[i] = lo[i] + u*(hi[i]-lo[i])
		}
	}
}

// boundary takes a sequence for each patch until it has its share of n points.
func boundary(domain pde.Domain, n int, on []string, start sequence, rng *rand.Rand) (*Points, error) {
	return shares(domain, n, on, func(p pde.Patch, count int, points *Points) error {
		unit := make([]float64, points.Dim-1)
		next, err := start(len(unit), count, rng)
		if err != nil {
			return err
		}
		for range count {
			for missed := 0; ; missed++ {
				next(unit)
				if points.add(p, unit) {
					break
				}
				if missed == maxRejections {
					return fmt.Errorf("sample: %d points in a row missed the patch %q", missed, p.Name)
				}
			}
		}
		return nil
	})
}

// shares lets put put its share of n points on each of the chosen patches.
func shares(domain pde.Domain, n int, on []string, put func(p pde.Patch, count int, points *Points) error) (*Points, error) {
	if err := checkDomain(domain); err != nil {
		return nil, err
	}
	if n < 0 || n > mostPoints {
		return nil, fmt.Errorf("sample: %d boundary points were asked for, expected at least 0 and at most %d", n, mostPoints)
	}
	var patches []pde.Patch
	if err := usercode.Call("domain", func() (err error) { patches, err = choose(domain.Boundary(), on); return err }); err != nil {
		return nil, err
	}
	total := 0.0
	for _, p := range patches {
		total += p.Measure
	}
	points := &Points{Dim: domain.Dim()}
	passed, given := 0.0, 0
	for _, p := range patches {
		passed += p.Measure
		upTo := int(float64(n)*passed/total + 0.5)
		if count := upTo - given; count > 0 {
			if err := usercode.Call(fmt.Sprintf("patch %q of the domain", p.Name), func() error { return put(p, count, points) }); err != nil {
				return nil, err
			}
		}
		given = upTo
	}
	points.N = len(points.Coords) / points.Dim
	return points, nil
}

// add appends the point of the patch at unit if the patch keeps it.
func (p *Points) add(patch pde.Patch, unit []float64) bool {
	point, normal := patch.At(unit)
	if patch.Keep != nil && !patch.Keep(point, normal) {
		return false
	}
	p.Coords = append(p.Coords, point...)
	p.Normals = append(p.Normals, normal...)
	return true
}

func choose(patches []pde.Patch, names []string) ([]pde.Patch, error) {
	if len(patches) == 0 {
		return nil, fmt.Errorf("sample: the domain has no boundary to put points on")
	}
	if len(names) == 0 {
		return patches, nil
	}
	var chosen []pde.Patch
	for i, name := range names {
		found := false
		for _, p := range patches {
			if p.Name == name {
				chosen, found = append(chosen, p), true
			}
		}
		if !found {
			return nil, fmt.Errorf("sample: the boundary has no patch named %q", name)
		}
		for _, before := range names[:i] {
			if before == name {
				return nil, fmt.Errorf("sample: the patch %q is named twice", name)
			}
		}
	}
	return chosen, nil
}

func checkDomain(domain pde.Domain) error {
	if err := pde.CheckDomain(domain); err != nil {
		return usercode.First(fmt.Errorf("sample: the domain: %w", err))
	}
	return nil
}

// mostPoints is more than any machine has memory for, with what is computed at each.
const mostPoints = 1 << 31

func checkInterior(domain pde.Domain, n int) error {
	if err := checkDomain(domain); err != nil {
		return err
	}
	if n < 0 || n > mostPoints {
		return fmt.Errorf("sample: %d interior points were asked for, expected at least 0 and at most %d", n, mostPoints)
	}
	return nil
}
