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
		"vertices 0 and 3 are": {{0, 0}, {1, 0}, {0, 1}, {0, 0}},
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
