// Package sample chooses collocation points in domains and on their boundaries.
package sample

import (
	"fmt"
	"math/rand/v2"

	"github.com/gosciml/gosciml/sciml/pde"
)

// Points are N points of R^Dim in row-major order, with outer unit normals where they lie on a boundary.
type Points struct {
	N, Dim  int
	Coords  []float64 // length N·Dim
	Normals []float64 // length N·Dim, or nil in the interior
}

// At is point n.
func (p *Points) At(n int) []float64 { return p.Coords[n*p.Dim : (n+1)*p.Dim] }

// Uniform draws points independently and uniformly. The same seed gives the same points.
type Uniform struct {
	Seed uint64
}

// The streams of random numbers of a seed, so that interior and boundary points are independent.
const (
	interiorStream = iota
	boundaryStream
)

// maxRejections bounds how many points in a row may miss the domain within its bounds.
const maxRejections = 1_000_000

// Interior draws n points of the domain. It fails when n is negative or the domain fills next to none of its bounds.
func (u Uniform) Interior(domain pde.Domain, n int) (*Points, error) {
	if n < 0 {
		return nil, fmt.Errorf("sample: %d interior points were asked for, expected at least 0", n)
	}
	rng := rand.New(rand.NewPCG(u.Seed, interiorStream))
	lo, hi := domain.Bounds()
	points := &Points{N: n, Dim: len(lo), Coords: make([]float64, n*len(lo))}
	for k := range n {
		point := points.At(k)
		for missed := 0; ; missed++ {
			for i := range point {
				point[i] = lo[i] + rng.Float64()*(hi[i]-lo[i])
			}
			if domain.Contains(point) {
				break
			}
			if missed == maxRejections {
				return nil, fmt.Errorf("sample: %d points in a row within the bounds %v to %v missed the domain", missed, lo, hi)
			}
		}
	}
	return points, nil
}

// Boundary draws n points on the named patches of the boundary, on all when none is named, uniform in measure: each
// patch gets its share of n up to rounding. It fails for a negative n, an unknown name and a domain without boundary.
func (u Uniform) Boundary(domain pde.Domain, n int, on ...string) (*Points, error) {
	if n < 0 {
		return nil, fmt.Errorf("sample: %d boundary points were asked for, expected at least 0", n)
	}
	patches, err := choose(domain.Boundary(), on)
	if err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(u.Seed, boundaryStream))
	total := 0.0
	for _, p := range patches {
		total += p.Measure
	}
	points := &Points{N: n, Dim: domain.Dim()}
	unit := make([]float64, domain.Dim()-1)
	passed := 0.0
	for _, p := range patches {
		passed += p.Measure
		upTo := int(float64(n)*passed/total + 0.5)
		for len(points.Coords) < upTo*points.Dim {
			for i := range unit {
				unit[i] = rng.Float64()
			}
			point, normal := p.At(unit)
			points.Coords = append(points.Coords, point...)
			points.Normals = append(points.Normals, normal...)
		}
	}
	return points, nil
}

func choose(patches []pde.Patch, names []string) ([]pde.Patch, error) {
	if len(patches) == 0 {
		return nil, fmt.Errorf("sample: the domain has no boundary to put points on")
	}
	if len(names) == 0 {
		return patches, nil
	}
	var chosen []pde.Patch
	for _, name := range names {
		found := false
		for _, p := range patches {
			if p.Name == name {
				chosen, found = append(chosen, p), true
			}
		}
		if !found {
			return nil, fmt.Errorf("sample: the boundary has no patch named %q", name)
		}
	}
	return chosen, nil
}
