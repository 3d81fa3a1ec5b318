package pde_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/sciml/pde"
)

func TestLShape(t *testing.T) {
	l := pde.LShape()
	checkBounds(t, "the L", l, []float64{-1, -1}, []float64{1, 1})
	checkContains(t, "the L", l,
		[][]float64{{0, 0}, {-0.5, -0.5}, {0.5, 0.5}, {-0.5, 0.5}, {0, -0.5}, {0.5, 0}, {-1, -1}, {1, 1}, {-0.3, 0}},
		[][]float64{{0.5, -0.5}, {1e-9, -1e-9}, {1, -1}, {-1.1, 0}, {0, 1.1}, {2, 0}, {-2, 0}})
	boundary := l.Boundary()
	for _, c := range []struct {
		edge          int
		point, normal []float64
	}{{1, []float64{0, -0.75}, []float64{1, 0}}, {2, []float64{0.25, 0}, []float64{0, -1}}} {
		if point, normal := boundary[c.edge].At([]float64{0.25}); !slices.Equal(point, c.point) || !slices.Equal(normal, c.normal) {
			t.Errorf("edge %d has %v with normal %v, want %v with %v", c.edge, point, normal, c.point, c.normal)
		}
	}
	if got := patchNames(l); !slices.Equal(got, []string{"edge 0", "edge 1", "edge 2", "edge 3", "edge 4", "edge 5"}) {
		t.Errorf("the edges are %q", got)
	}
}

func TestPolygonContains(t *testing.T) {
	// A horizontal line through vertices, where parities go wrong easily.
	zigzag := made(pde.NewPolygon([2]float64{0, 0}, [2]float64{2, -1}, [2]float64{4, 0}, [2]float64{6, -1}, [2]float64{8, 0}, [2]float64{4, 3}))
	checkContains(t, "the zigzag", zigzag, [][]float64{{0, 0}, {1, 0}, {4, 0}, {5, 0}, {2, -1}, {2, -0.9}, {4, 3}},
		[][]float64{{-1, 0}, {9, 0}, {4, -0.5}, {2, -1.1}, {-1, -1}, {0, 3}})
}

func TestNewPolygonErrors(t *testing.T) {
	for word, vertices := range map[string][][2]float64{
		"2 vertices":           {{0, 0}, {1, 0}},
		"vertex 1 is [NaN 0]":  {{0, 0}, {math.NaN(), 0}, {0, 1}},
		"vertex 2 is [0 +Inf]": {{0, 0}, {1, 0}, {0, math.Inf(1)}},
		"vertices 1 and 3 are": {{0, 0}, {1, 0}, {0, 1}, {1, 0}},
		"vertices 0 and 2 are": {{0, 0}, {1, 0}, {0, 0}, {0, 1}},
		"2 vertices, expected": {{0, 0}, {1, 0}, {0, 0}}, // closed
		"the area":             {{0, 0}, {1, 1}, {3, 3}},
		"edges 0 and 3":        {{0, 0}, {3, 0}, {1, 2}, {2, 2.5}, {2, -1}, {1, -2}}, // crosses
		"edges 0 and 2 inters": {{0, 0}, {4, 0}, {4, 2}, {2, 0}, {0, 2}},             // touches with a vertex
		"edges 2 and 3 inters": {{0, 0}, {2, 0}, {2, 1}, {2, 3}, {2, 2}, {0, 2}},     // folds back
		"edges 0 and 1 inters": {{0, 0}, {2, 0}, {1, 0}, {1, 1}},
	} {
		if _, err := pde.NewPolygon(vertices...); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("NewPolygon(%v): error %v, want one that mentions %q", vertices, err, word)
		}
	}
	vertices := [][2]float64{{0, 0}, {1, 0}, {0, 1}}
	triangle, err := pde.NewPolygon(vertices...)
	if err != nil {
		t.Fatal(err)
	}
	vertices[0] = [2]float64{5, 5}
	if got := triangle.Vertices(); !slices.Equal(got, [][2]float64{{0, 0}, {1, 0}, {0, 1}}) {
		t.Errorf("the vertices are %v", got)
	}
}

// TestClosedPolygon: a ring that ends where it began is the one without its last vertex, also up to rounding.
func TestClosedPolygon(t *testing.T) {
	open := [][2]float64{{0, 0}, {4, 0}, {1, 3}}
	for _, last := range [][2]float64{{0, 0}, {3e-16, -1e-16}} {
		for _, reversed := range []bool{false, true} {
			ring := append(slices.Clone(open), last)
			if reversed {
				slices.Reverse(ring)
			}
			p, err := pde.NewPolygon(ring...)
			if err != nil {
				t.Fatal(err)
			}
			if len(p.Vertices()) != 3 || math.Abs(pde.Measure(p)-6) > 1e-14 || len(p.Boundary()) != 3 {
				t.Errorf("the ring %v has the vertices %v, area %v and patches %q", ring, p.Vertices(), pde.Measure(p), patchNames(p))
			}
		}
	}
}

func TestPolygonWithHoles(t *testing.T) {
	f := frame()
	checkBounds(t, "the frame", f, []float64{0, 0}, []float64{4, 4})
	checkContains(t, "the frame", f, [][]float64{{0, 0}, {0.2, 2}, {0.5, 2}, {1.5, 3}, {1.8, 2}, {2, 2}, {2.1, 1.5}},
		[][]float64{{1, 2}, {0.501, 1.001}, {2.1, 2}, {2.7, 1.4}, {-0.1, 2}, {4.1, 2}})
	want := []string{"edge 0", "edge 1", "edge 2", "edge 3", "hole 1 edge 0", "hole 1 edge 1", "hole 1 edge 2", "hole 1 edge 3",
		"hole 2 edge 0", "hole 2 edge 1", "hole 2 edge 2", "hole 2 edge 3"}
	if got := patchNames(f); !slices.Equal(got, want) {
		t.Errorf("the patches are %q", got)
	}

	square := func(x, y, side float64) [][2]float64 {
		return [][2]float64{{x, y}, {x + side, y}, {x + side, y + side}, {x, y + side}, {x, y}}
	}
	outer := square(0, 0, 4)
	for word, holes := range map[string][][][2]float64{
		"hole 1 is not inside":                   {square(3, 3, 2)},
		"hole 2 is not inside":                   {square(1, 1, 1), square(5, 5, 1)},
		"hole 1 is not inside of the outer ring": {square(-1, -1, 6)},
		"hole 1 is not inside of the outer":      {square(0, 1, 1)}, // touches
		"holes 1 and 2 meet":                     {square(1, 1, 1), square(1.5, 1.5, 1)},
		"holes 1 and 3 meet":                     {square(1, 1, 1), square(2.5, 2.5, 1), square(1.2, 1.2, 0.1)},
		"holes 1 and 2 meet, expected":           {square(1, 1, 0.1), square(0.5, 0.5, 1)},
		"holes 1 and 2 meet, expected holes":     {square(1, 1, 1), square(2, 1, 1)},
		"hole 1: pde.NewPolygon: 2 vertices":     {{{1, 1}, {2, 2}, {1, 1}}},
	} {
		if _, err := pde.NewPolygonWithHoles(outer, holes...); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("holes %v: error %v, want one that mentions %q", holes, err, word)
		}
	}
	if _, err := pde.NewPolygonWithHoles(outer[:2]); err == nil || !strings.Contains(err.Error(), "2 vertices") {
		t.Errorf("an outer ring of two vertices: %v", err)
	}
}
