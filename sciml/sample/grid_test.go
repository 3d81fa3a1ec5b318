package sample_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/sample"
)

func TestGridNumbers(t *testing.T) {
	for _, c := range []struct{ dim, n, want int }{
		{1, 7, 7}, {2, 900, 900}, {2, 1000, 992}, {2, 1, 1}, {2, 3, 2}, {3, 100, 100}, {3, 64, 64}, {10, 1000, 512}, {100, 5, 4},
	} {
		points, err := sample.Grid{}.Interior(cube(c.dim), c.n)
		if err != nil || points.N != c.want {
			t.Errorf("%d points of %d dimensions: %d, want %d (%v)", c.n, c.dim, points.N, c.want, err)
		}
	}
}

func TestGridPlaces(t *testing.T) {
	points, err := sample.Grid{}.Interior(box(t), 6)
	if err != nil {
		t.Fatal(err)
	}
	want := []float64{-1 + 2.0/3, 0.25, -1 + 2.0/3, 0.75, 1, 0.25, 1, 0.75, 1 + 4.0/3, 0.25, 1 + 4.0/3, 0.75}
	for i, v := range points.Coords {
		if len(points.Coords) != len(want) || math.Abs(v-want[i]) > 1e-14 {
			t.Fatalf("the grid of six points is %v, want %v", points.Coords, want)
		}
	}
	on, err := sample.Grid{}.Boundary(box(t), 10)
	if err != nil {
		t.Fatal(err)
	}
	if want := []float64{-1, 0.5, 3, 0.5, -0.5, 0, 0.5, 0, 1.5, 0, 2.5, 0, -0.5, 1, 0.5, 1, 1.5, 1, 2.5, 1}; !slices.Equal(on.Coords, want) {
		t.Errorf("the grid of ten points of the boundary is %v, want %v", on.Coords, want)
	}
	ends, err := sample.Grid{}.Boundary(made(pde.NewInterval("x", 0, 1)), 10)
	if err != nil || !slices.Equal(ends.Coords, []float64{0, 1}) {
		t.Errorf("the grid of the ends is %v (%v)", ends, err)
	}
}

func TestGridOfARing(t *testing.T) {
	ring := made(pde.Difference(made(pde.NewDisk([2]float64{}, 1)), made(pde.NewDisk([2]float64{}, 0.9))))
	if _, err := (sample.Grid{}).Interior(ring, 1); err == nil || !strings.Contains(err.Error(), "for n = 1 is in the domain") {
		t.Errorf("one point of a ring: %v", err)
	}
	if points, err := (sample.Grid{}).Interior(ring, 2000); err != nil || points.N < 1800 || points.N > 2000 {
		t.Errorf("2000 points of a ring: %v, %v", points.N, err)
	}
}
