package pde_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/sciml/pde"
)

// TestCoincidingBoundaries: what two bodies share is on the boundary once, or not at all when it lies between them.
func TestCoincidingBoundaries(t *testing.T) {
	sides := made(pde.Union(box2(0, 0, 1, 1), box2(1, 0, 2, 1)))
	for _, p := range sides.Boundary() {
		everyUnit(1, 1000, func(unit []float64) {
			if point, normal := p.At(unit); p.Keep == nil || p.Keep(point, normal) {
				if point[0] > 1e-6 && point[0] < 2-1e-6 && point[1] > 1e-6 && point[1] < 1-1e-6 {
					t.Errorf("%s of two squares side by side has the inner point %v", p.Name, point)
				}
			}
		})
	}
	checkContains(t, "two squares", sides, [][]float64{{1, 0.5}, {0, 0}, {2, 1}, {1.5, 0.1}}, [][]float64{{1, 1.1}, {-0.1, 0.5}, {2.1, 0.5}})
	if got := patchNames(sides); !slices.Equal(got, []string{"x-", "y-", "y+", "x+", "y- 2", "y+ 2"}) {
		t.Errorf("patches of two squares side by side: %q", got)
	}

	// The second square sticks out by half its side: half of each of the facing sides is left.
	shifted := made(pde.Union(box2(0, 0, 1, 1), box2(1, 0.5, 2, 1.5)))
	for name, want := range map[string]float64{"x+": 0.5, "x- 2": 0, "x-": 1, "x+ 2": 1} {
		got := 0.0
		for _, p := range shifted.Boundary() {
			if p.Name == name {
				got = p.Measure
			}
		}
		if want > 0 && math.Abs(got-want) > 1e-7 {
			t.Errorf("%s of shifted squares has measure %v, want %v", name, got, want)
		}
	}
}

func TestDifferenceIsClosed(t *testing.T) {
	l := made(pde.Difference(box2(-1, -1, 1, 1), box2(0, -1, 1, 0)))
	checkContains(t, "the L", l,
		[][]float64{{0, 0}, {0, -0.5}, {0.5, 0}, {0, -1}, {1, 0}, {-1, -1}, {0.5, 0.5}},
		[][]float64{{0.5, -0.5}, {0.5, -1}, {1, -0.5}, {1, -1}, {1e-6, -1e-6}})
	if got := patchNames(l); !slices.Equal(got, []string{"x-", "x+", "y-", "y+", "x- 2", "y+ 2"}) {
		t.Errorf("patches of the L: %q", got)
	}
	// What is taken out again is out, also on a line between the two bodies that were joined.
	hole := made(pde.Difference(box2(-1, -1, 3, 2), made(pde.Union(box2(0, 0, 1, 1), box2(1, 0, 2, 1)))))
	checkContains(t, "the frame", hole, [][]float64{{0, 0.5}, {-0.5, 0.5}, {1, 0}, {2, 1}}, [][]float64{{1, 0.5}, {0.5, 0.5}, {1.5, 0.5}})
}

func TestNamesOfHoles(t *testing.T) {
	plate := made(pde.Difference(box2(-1, -1, 1, 1), disk(0, 0, 0.3)))
	plate = made(pde.Difference(plate, disk(0.6, 0.6, 0.2)))
	plate = made(pde.Difference(plate, disk(-1, 0, 0.1)))
	if got := patchNames(plate); !slices.Equal(got, []string{"x-", "x+", "y-", "y+", "circle", "circle 2", "circle 3"}) {
		t.Errorf("the patches are %q", got)
	}
	want := map[string]float64{"x-": 1.8, "x+": 2, "circle": 0.6 * math.Pi, "circle 2": 0.4 * math.Pi, "circle 3": 0.1 * math.Pi}
	for _, p := range plate.Boundary() {
		if w, ok := want[p.Name]; ok && math.Abs(p.Measure-w) > 1e-6 {
			t.Errorf("%s has length %v, want %v", p.Name, p.Measure, w)
		}
	}
}

func TestConstructionErrors(t *testing.T) {
	square, interval := box2(0, 0, 1, 1), made(pde.NewInterval("x", 0, 1))
	for name, construct := range map[string]func(a, b pde.Domain) (pde.Domain, error){"Union": pde.Union, "Intersection": pde.Intersection, "Difference": pde.Difference} {
		for _, c := range []struct {
			a, b pde.Domain
			word string
		}{
			{nil, square, "nil"}, {square, nil, "nil"}, {square, interval, "2 and 1 dimensions"},
		} {
			if _, err := construct(c.a, c.b); err == nil || !strings.Contains(err.Error(), "pde."+name) || !strings.Contains(err.Error(), c.word) {
				t.Errorf("%s(%v, %v): error %v, want one that mentions %q", name, c.a, c.b, err, c.word)
			}
		}
	}
	for word, construct := range map[string]func() (pde.Domain, error){
		"along axis 0": func() (pde.Domain, error) { return pde.Intersection(square, box2(1, 0, 2, 1)) },
		"Intersection: nothing is left": func() (pde.Domain, error) {
			return pde.Intersection(disk(0, 0, 1), disk(1.9, 1.9, 1))
		},
		"Difference: nothing is left": func() (pde.Domain, error) { return pde.Difference(square, disk(0, 0, 2)) },
	} {
		if _, err := construct(); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v, want one that mentions %q", err, word)
		}
	}
}
