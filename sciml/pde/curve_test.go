package pde_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/pde"
)

func TestBall(t *testing.T) {
	b := made(pde.NewBall([]float64{1, -2, 0}, 3))
	checkBounds(t, "ball", b, []float64{-2, -5, -3}, []float64{4, 1, 3})
	diagonal := math.Sqrt(3)
	checkContains(t, "ball", b,
		[][]float64{{1, -2, 0}, {4, -2, 0}, {1, 1, 0}, {1 + diagonal, -2 - diagonal, diagonal}, {1, -2, 3.000000000000001}},
		[][]float64{{4.0001, -2, 0}, {3, 0, 2}, {1, 1 + 1e-9, 0}, {math.Inf(1), 0, 0}})
	// In a hundred dimensions nothing is found by rejection: a share of 1e-70 of the bounds is in the ball.
	center := make([]float64, 100)
	high := made(pde.NewBall(center, 2))
	unit := make([]float64, 100)
	for i := range unit {
		unit[i] = math.Mod(float64(i+1)*0.618, 1)
	}
	if point := pde.Filling(high)(unit); !high.Contains(point) {
		t.Errorf("the ball is filled with %v, outside", point)
	}
	for _, c := range []struct {
		center []float64
		radius float64
		word   string
	}{
		{nil, 1, "the centre is []"},
		{[]float64{0, math.NaN()}, 1, "the centre is [0 NaN]"},
		{[]float64{0}, 0, "the radius is 0"},
		{[]float64{0}, math.Inf(1), "the radius is +Inf"},
		{[]float64{0}, math.NaN(), "the radius is NaN"},
		{center, 1e-300, "the volume of a ball of radius 1e-300 in 100 dimensions is 0"},
		{center, 1e300, "is +Inf"},
	} {
		if _, err := pde.NewBall(c.center, c.radius); err == nil || !strings.Contains(err.Error(), c.word) {
			t.Errorf("NewBall(%v, %v): error %v, want one that mentions %q", c.center, c.radius, err, c.word)
		}
	}
}

func TestEllipse(t *testing.T) {
	e := made(pde.NewEllipse([2]float64{1, 2}, [2]float64{3, 1}, math.Pi/2)) // the long axis is upright
	lo, hi := e.Bounds()
	for i, want := range []float64{0, -1, 2, 5} {
		if got := append(append([]float64(nil), lo...), hi...)[i]; math.Abs(got-want) > 1e-15 {
			t.Errorf("the bounds are %v to %v", lo, hi)
		}
	}
	checkContains(t, "ellipse", e, [][]float64{{1, 2}, {1, 5}, {2, 2}, {0, 2}, {1, -1}, {1.5, 4}},
		[][]float64{{4, 2}, {1, 5.0001}, {2 + 1e-9, 2}, {1.9, 4}, {math.Inf(1), 0}})
	needle := made(pde.NewEllipse([2]float64{}, [2]float64{1e-4, 10}, 1))
	length := 0.0
	for _, p := range needle.Boundary() {
		length += p.Measure
		everyUnit(1, 200, func(unit []float64) {
			point, normal := p.At(unit)
			if !needle.Contains(point) || needle.Contains(shifted(point, normal, []float64{0, 0}, []float64{1, 1}, 1e-9)) {
				t.Errorf("%v is not on the boundary of a needle", point)
			}
		})
	}
	if math.Abs(length-40) > 1e-6 {
		t.Errorf("a needle of length 20 has the circumference %v", length)
	}
	for _, c := range []struct {
		center, axes [2]float64
		angle        float64
		word         string
	}{
		{[2]float64{math.NaN(), 0}, [2]float64{1, 1}, 0, "the centre is [NaN 0]"},
		{[2]float64{}, [2]float64{1, 1}, math.Inf(1), "the angle +Inf"},
		{[2]float64{}, [2]float64{1, 0}, 0, "the semi-axes are [1 0]"},
		{[2]float64{}, [2]float64{-1, 1}, 0, "the semi-axes are [-1 1]"},
		{[2]float64{}, [2]float64{1, math.NaN()}, 0, "the semi-axes are [1 NaN]"},
		{[2]float64{}, [2]float64{math.Inf(1), 1}, 0, "the semi-axes are [+Inf 1]"},
	} {
		if _, err := pde.NewEllipse(c.center, c.axes, c.angle); err == nil || !strings.Contains(err.Error(), c.word) {
			t.Errorf("NewEllipse(%v, %v, %v): error %v, want one that mentions %q", c.center, c.axes, c.angle, err, c.word)
		}
	}
}

func TestStarShaped(t *testing.T) {
	// A square is star-shaped as well; its corners are at nodes of the quadrature.
	square := func(phi float64) float64 {
		if phi < 0 || phi >= 2*math.Pi {
			t.Fatalf("the radius at the angle %v is asked for", phi)
		}
		sin, cos := math.Sincos(phi)
		return 1 / max(math.Abs(sin), math.Abs(cos))
	}
	s := made(pde.NewStarShaped([2]float64{3, 0}, square))
	lo, hi := s.Bounds()
	if area := pde.Measure(s); math.Abs(area-4) > 1e-10 || math.Abs(lo[0]-2)+math.Abs(hi[0]-4)+math.Abs(lo[1]+1)+math.Abs(hi[1]-1) > 1e-12 {
		t.Errorf("the square has area %v and bounds %v to %v", area, lo, hi)
	}
	checkContains(t, "square", s, [][]float64{{3, 0}, {4, 0}, {3.9, 0.9}, {2, -0.5}, {4, -1e-17}}, [][]float64{{4.001, 0}, {3.9, 1.1}, {1, 0}, {math.Inf(1), 0}})
	if length := s.Boundary()[0].Measure; math.Abs(length-8) > 0.01 { // rounded corners
		t.Errorf("the square has circumference %v", length)
	}
	for word, radius := range map[string]func(phi float64) float64{
		"the radius is nil":                    nil,
		"the radius at the angle 0 is 0":       func(phi float64) float64 { return phi },
		"the radius at the angle 0 is NaN":     func(phi float64) float64 { return math.NaN() },
		"expected a positive finite number":    func(phi float64) float64 { return math.Cos(phi) },
		"the radius is 1 at the angle 0 and 7": func(phi float64) float64 { return 1 + phi },
	} {
		if _, err := pde.NewStarShaped([2]float64{}, radius); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v, want one that mentions %q", err, word)
		}
	}
	if _, err := pde.NewStarShaped([2]float64{0, math.Inf(1)}, square); err == nil || !strings.Contains(err.Error(), "the centre is [0 +Inf]") {
		t.Errorf("a centre at infinity: %v", err)
	}
}

// TestBumpsOfBodies: they vanish on the boundary and are one in the middle, also with time as a further coordinate.
func TestBumpsOfBodies(t *testing.T) {
	ball, err := pde.NewBall([]float64{1, -2}, 3)
	if err != nil {
		t.Fatal(err)
	}
	ellipse, err := pde.NewEllipse([2]float64{1, -2}, [2]float64{3, 0.5}, 0.7)
	if err != nil {
		t.Fatal(err)
	}
	disk := &pde.Disk{Center: [2]float64{1, -2}, Radius: 3}
	for name, c := range map[string]struct {
		domain pde.Domain
		bump   pde.Function
	}{"ball": {ball, ball.Bump()}, "ellipse": {ellipse, ellipse.Bump()}, "disk": {disk, disk.Bump()}} {
		points := [][]float64{{1, -2, 7}}
		everyUnit(1, 20, func(unit []float64) {
			point, _ := c.domain.Boundary()[0].At(unit)
			points = append(points, append(point, 5))
			points = append(points, []float64{(point[0] + 1) / 2, (point[1] - 2) / 2, 0}) // halfway
		})
		got := call(t, pureGo(t), func(in []*graph.Node) *graph.Node { return c.bump(in[0]) }, points)
		for n, v := range got {
			want := 0.75
			switch {
			case n == 0:
				want = 1
			case n%2 == 1:
				want = 0
			}
			if math.Abs(v-want) > 1e-13 || len(got) != len(points) {
				t.Fatalf("%s: the bump is %v at %v, want %v", name, v, points[n], want)
			}
		}
	}
}
