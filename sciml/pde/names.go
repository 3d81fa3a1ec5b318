package pde

import (
	"fmt"
	"math"
	"slices"
)

// named are domains that know names of their coordinates: one for each axis, "" where there is none.
type named interface{ coordinates() []string }

// coordinatesOf are the names that a domain has for its coordinates, nil for none.
func coordinatesOf(domain Domain) []string {
	if n, ok := domain.(named); ok {
		return n.coordinates()
	}
	return nil
}

func (b *Box) coordinates() []string { return b.names }

func (c *Cylinder) coordinates() []string {
	names := make([]string, c.Dim())
	copy(names, coordinatesOf(c.Base))
	names[len(names)-1] = c.time
	return names
}

func (c *composite) coordinates() []string { return c.names }

// common are the names of the coordinates of a construction of two domains, which must not contradict each other.
func common(construction string, a, b Domain) ([]string, error) {
	first, second := coordinatesOf(a), coordinatesOf(b)
	names := make([]string, a.Dim())
	copy(names, first)
	for i, name := range second {
		if names[i] != "" && name != "" && names[i] != name {
			return nil, fmt.Errorf("pde.%s: the domains name their coordinates %q and %q, expected the same names in the same order", construction, first, second)
		}
		if names[i] == "" {
			names[i] = name
		}
	}
	return names, nil
}

// checkOrder reports coordinates whose names are others than those of the domain, or in another order: derivatives would
// be by other coordinates than the conditions mean.
func (p *Problem) checkOrder() error {
	for i, name := range coordinatesOf(p.Domain) {
		if name != "" && name != p.Coordinates[i] {
			return fmt.Errorf("pde: problem %q names its coordinates %q, but coordinate %d of its domain is %q (%q), expected the same names in the same order",
				p.Name, p.Coordinates, i, name, coordinatesOf(p.Domain))
		}
	}
	// A domain from elsewhere tells by its faces: that of "x-" and "x+" has its normals along x.
	unit := slices.Repeat([]float64{0.5}, p.Domain.Dim()-1)
	for _, patch := range p.Domain.Boundary() {
		axis := faceOf(patch.Name, p.Coordinates)
		if axis < 0 || patch.At == nil {
			continue
		}
		_, normal := patch.At(slices.Clone(unit))
		for i, v := range normal {
			if i != axis && i < len(p.Coordinates) && math.Abs(math.Abs(v)-1) < 1e-9 {
				return fmt.Errorf("pde: problem %q names its coordinates %q, but the patch %q of its domain is a face of coordinate %d, %q: expected the order of the domain",
					p.Name, p.Coordinates, patch.Name, i, p.Coordinates[i])
			}
		}
	}
	return nil
}

// faceOf is the axis of the coordinate that a patch is named after, as NewBox names faces, or −1.
func faceOf(patch string, coordinates []string) int {
	for i, name := range coordinates {
		if patch == name+"-" || patch == name+"+" {
			return i
		}
	}
	return -1
}
