package pde_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/sciml/pde"
)

func TestDisk(t *testing.T) {
	d := disk(1, -2, 3)
	checkBounds(t, "disk", d, []float64{-2, -5}, []float64{4, 1})
	diagonal := 3 / math.Sqrt2
	checkContains(t, "disk", d,
		[][]float64{{1, -2}, {4, -2}, {1, 1}, {1 + diagonal, -2 + diagonal}},
		[][]float64{{4.0001, -2}, {3.9, 0.9}, {1, 1 + 1e-9}, {math.Inf(1), 0}})
}

func TestNewDiskErrors(t *testing.T) {
	for _, c := range []struct {
		center [2]float64
		radius float64
		word   string
	}{
		{[2]float64{math.NaN(), 0}, 1, "centre is [NaN 0]"},
		{[2]float64{0, math.Inf(1)}, 1, "centre is [0 +Inf]"},
		{[2]float64{}, 0, "radius is 0"},
		{[2]float64{}, -1, "radius is -1"},
		{[2]float64{}, math.NaN(), "radius is NaN"},
		{[2]float64{}, math.Inf(1), "radius is +Inf"},
	} {
		if _, err := pde.NewDisk(c.center, c.radius); err == nil || !strings.Contains(err.Error(), c.word) {
			t.Errorf("NewDisk(%v, %v): error %v, want one that mentions %q", c.center, c.radius, err, c.word)
		}
	}
}
