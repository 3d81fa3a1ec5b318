package pde

import (
	"fmt"
	"math"
)

// Disk is the set of points of the plane within Radius of Center; see NewDisk.
type Disk struct {
	Center [2]float64
	Radius float64
}

// NewDisk makes a disk. Its only patch is "circle". It returns an error unless the centre is finite and the radius
// positive and finite.
func NewDisk(center [2]float64, radius float64) (*Disk, error) {
	if !finite(center[:]...) {
		return nil, fmt.Errorf("pde.NewDisk: the centre is %v, expected finite coordinates", center)
	}
	if !(radius > 0) || math.IsInf(radius, 0) {
		return nil, fmt.Errorf("pde.NewDisk: the radius is %v, expected a positive finite number", radius)
	}
	return &Disk{Center: center, Radius: radius}, nil
}

// check reports a literal that makes no disk.
func (d *Disk) check() error {
	_, err := NewDisk(d.Center, d.Radius)
	return err
}

// Dim implements Domain.
func (d *Disk) Dim() int { return 2 }

// Bounds implements Domain.
func (d *Disk) Bounds() (lo, hi []float64) {
	x, y := d.Center[0], d.Center[1]
	return []float64{x - d.Radius, y - d.Radius}, []float64{x + d.Radius, y + d.Radius}
}

// Contains implements Domain.
func (d *Disk) Contains(point []float64) bool {
	if len(point) != 2 {
		return false
	}
	return math.Hypot(point[0]-d.Center[0], point[1]-d.Center[1]) <= d.Radius+slackOf(d.Bounds())
}

func (d *Disk) measure() float64 { return math.Pi * d.Radius * d.Radius }

// Boundary implements Domain: the circle, counterclockwise from its point of largest x.
func (d *Disk) Boundary() []Patch {
	return []Patch{{
		Name:    "circle",
		Measure: 2 * math.Pi * d.Radius,
		At: func(unit []float64) (point, normal []float64) {
			sin, cos := math.Sincos(2 * math.Pi * unit[0])
			return []float64{d.Center[0] + d.Radius*cos, d.Center[1] + d.Radius*sin}, []float64{cos, sin}
		},
	}}
}

// Bump is 1 − |x − c|²/R²: a distance for DistanceAndLift that vanishes on the circle and is one in the centre. Shape
// [N, 1]. Further coordinates of x, such as time, do not count.
func (d *Disk) Bump() Function {
	return bump(d.Center[:], []float64{1 / d.Radius, 0}, []float64{0, 1 / d.Radius})
}
