package pde_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/sciml/pde"
)

func TestNewInterval(t *testing.T) {
	interval := made(pde.NewInterval("s", -2, 5))
	checkContains(t, "interval", interval, [][]float64{{-2}, {0}, {5}}, [][]float64{{-2.001}, {5.001}})
	if got := patchNames(interval); !slices.Equal(got, []string{"s-", "s+"}) {
		t.Errorf("the ends are %q", got)
	}
	for _, p := range interval.Boundary() {
		if p.Measure != 1 {
			t.Errorf("the end %q has measure %v, want 1 for a point", p.Name, p.Measure)
		}
	}
	for word, ends := range map[string][2]float64{"from 1 to 1": {1, 1}, "from 2 to 1": {2, 1}, "NaN": {0, math.NaN()}, "-Inf": {math.Inf(-1), 0}} {
		if _, err := pde.NewInterval("s", ends[0], ends[1]); err == nil || !strings.Contains(err.Error(), word) || !strings.Contains(err.Error(), "s goes") {
			t.Errorf("ends %v: error %v, want one that mentions %q", ends, err, word)
		}
	}
}

func TestNewBoxKeepsItsOwn(t *testing.T) {
	names, lo, hi := []string{"x", "y"}, []float64{0, 0}, []float64{1, 1}
	box := made(pde.NewBox(names, lo, hi))
	names[0], lo[0], hi[1] = "z", -7, 9
	checkBounds(t, "box", box, []float64{0, 0}, []float64{1, 1})
	if got := patchNames(box); !slices.Equal(got, []string{"x-", "x+", "y-", "y+"}) {
		t.Errorf("the faces are %q", got)
	}
	if _, err := pde.NewBox([]string{"x", "x"}, []float64{0, 0}, []float64{1, 1}); err == nil || !strings.Contains(err.Error(), `"x" twice`) {
		t.Errorf("two axes of one name: %v", err)
	}
}
