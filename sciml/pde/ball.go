package pde

import (
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
)

// Ball is the set of points of R^d within Radius of Center; see NewBall.
type Ball struct {
	Center []float64
	Radius float64
}

// NewBall makes a ball in as many dimensions as its centre has coordinates. Its only patch is "sphere"; in one dimension
// "sphere-" and "sphere+" are its ends. It returns an error for a centre without coordinates or one that is not finite, unless
// the radius is positive and finite, and where the volume is not a positive finite number in float64.
func NewBall(center []float64, radius float64) (*Ball, error) {
	if len(center) == 0 || !finite(center...) {
		return nil, fmt.Errorf("pde.NewBall: the centre is %v, expected at least one coordinate, all finite", center)
	}
	if !(radius > 0) || math.IsInf(radius, 0) {
		return nil, fmt.Errorf("pde.NewBall: the radius is %v, expected a positive finite number", radius)
	}
	b := &Ball{Center: slices.Clone(center), Radius: radius}
	if v := b.measure(); !(v > 0) || !finite(v, b.area()) {
		return nil, fmt.Errorf("pde.NewBall: the volume of a ball of radius %v in %d dimensions is %v, expected a positive finite number", radius, len(center), v)
	}
	return b, nil
}

// Dim implements Domain.
func (b *Ball) Dim() int { return len(b.Center) }

// check reports a literal that makes no ball.
func (b *Ball) check() error {
	_, err := NewBall(b.Center, b.Radius)
	return err
}

// Bounds implements Domain.
func (b *Ball) Bounds() (lo, hi []float64) {
	for _, c := range b.Center {
		lo, hi = append(lo, c-b.Radius), append(hi, c+b.Radius)
	}
	return lo, hi
}

// Contains implements Domain.
func (b *Ball) Contains(point []float64) bool {
	if len(point) != len(b.Center) {
		return false
	}
	squares := 0.0
	for i, c := range b.Center {
		v := (point[i] - c) / b.Radius
		squares += v * v
	}
	return math.Sqrt(squares) <= 1+slackOf(b.Bounds())/b.Radius
}

// measure is π^(d/2)/Γ(d/2+1)·R^d.
func (b *Ball) measure() float64 {
	half := float64(len(b.Center)) / 2
	gamma, _ := math.Lgamma(half + 1)
	return math.Exp(half*math.Log(math.Pi*b.Radius*b.Radius) - gamma)
}

func (b *Ball) area() float64 { return float64(len(b.Center)) / b.Radius * b.measure() }

// Boundary implements Domain.
func (b *Ball) Boundary() []Patch {
	if len(b.Center) == 1 {
		end := func(name string, sign float64) Patch {
			return Patch{Name: name, Measure: 1, At: func([]float64) (point, normal []float64) {
				return []float64{b.Center[0] + sign*b.Radius}, []float64{sign}
			}}
		}
		return []Patch{end("sphere-", -1), end("sphere+", 1)}
	}
	return []Patch{{Name: "sphere", Measure: b.area(), At: func(unit []float64) (point, normal []float64) {
		normal = sphere(unit)
		return b.along(normal, b.Radius), normal
	}}}
}

// along is the point at a distance from the centre.
func (b *Ball) along(direction []float64, distance float64) []float64 {
	point := slices.Clone(b.Center)
	for i, v := range direction {
		point[i] += distance * v
	}
	return point
}

// Fill implements Filled.
func (b *Ball) Fill(unit []float64) []float64 {
	if len(unit) == 0 || len(unit) != len(b.Center) {
		return nil
	}
	d := len(b.Center)
	if d == 1 {
		return b.along([]float64{2*unit[0] - 1}, b.Radius)
	}
	return b.along(sphere(unit[:d-1]), b.Radius*math.Pow(unit[d-1], 1/float64(d)))
}

// Bump is 1 − |x − c|²/R²: a distance for DistanceAndLift that vanishes on the sphere and is one in the centre. Shape
// [N, 1]. Further coordinates of x, such as time, do not count.
func (b *Ball) Bump() Function {
	axes := make([][]float64, len(b.Center))
	for i := range axes {
		axes[i] = make([]float64, len(axes))
		axes[i][i] = 1 / b.Radius
	}
	return bump(b.Center, axes...)
}

// bump is 1 − Σ (aᵢ·(x − c))².
func bump(center []float64, axes ...[]float64) Function {
	return func(x *graph.Node) *graph.Node {
		left := graph.OnesLike(Column(x, 0))
		for _, axis := range axes {
			var along *graph.Node
			for i, a := range axis {
				if a == 0 {
					continue
				}
				term := graph.MulScalar(graph.AddScalar(Column(x, i), -center[i]), a)
				if along == nil {
					along = term
				} else {
					along = graph.Add(along, term)
				}
			}
			left = graph.Sub(left, graph.Square(along))
		}
		return left
	}
}

// sphere maps a point of [0,1]^(d−1) to the unit sphere of R^d, d ≥ 2; equal volumes go to equal measures. Squares of
// coordinates of a uniform point of the sphere are Dirichlet distributed with parameters ½, so those of pairs of coordinates
// with 1, of which breaking a stick has a closed form; within a pair the angle is uniform. A single coordinate is left where
// d is odd, the last piece of the stick with either sign (in three dimensions that is Archimedes' map of the cylinder).
func sphere(unit []float64) []float64 {
	d := len(unit) + 1
	point, left := make([]float64, d), 1.0 // of the stick
	for i := 0; i+1 < d; i += 2 {
		sin, cos := math.Sincos(2 * math.Pi * unit[0])
		unit = unit[1:]
		piece := left
		switch after := d - i - 2; { // coordinates
		case after == 1:
			z := 1 - 2*unit[0]
			point[d-1] = z * math.Sqrt(left)
			piece *= (1 - z) * (1 + z)
		case after > 1:
			broken := math.Log(unit[0]) * 2 / float64(after)
			piece *= -math.Expm1(broken)
			left *= math.Exp(broken)
			unit = unit[1:]
		}
		point[i], point[i+1] = math.Sqrt(piece)*cos, math.Sqrt(piece)*sin
	}
	return point
}
