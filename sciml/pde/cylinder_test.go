package pde_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/sciml/pde"
)

func TestOver(t *testing.T) {
	c := made(pde.Over(disk(0, 0, 2), "t", 1, 4))
	checkBounds(t, "the cylinder", c, []float64{-2, -2, 1}, []float64{2, 2, 4})
	checkContains(t, "the cylinder", c, [][]float64{{0, 0, 1}, {2, 0, 4}, {1, 1, 2}}, [][]float64{{0, 0, 0.9}, {0, 0, 4.1}, {2, 2, 2}})
	if got := patchNames(c); !slices.Equal(got, []string{"circle", "t-", "t+"}) {
		t.Errorf("the patches are %q", got)
	}
	want := map[string]float64{"circle": 12 * math.Pi, "t-": 4 * math.Pi, "t+": 4 * math.Pi}
	for _, p := range c.Boundary() {
		if math.Abs(p.Measure-want[p.Name]) > 1e-12 {
			t.Errorf("%s has measure %v, want %v", p.Name, p.Measure, want[p.Name])
		}
		point, normal := p.At([]float64{0.25, 0.5})
		wantPoint, wantNormal := []float64{0, 2, 2.5}, []float64{0, 1, 0}
		switch p.Name {
		case "t-":
			wantPoint, wantNormal = []float64{-1, 0, 1}, []float64{0, 0, -1}
		case "t+":
			wantPoint, wantNormal = []float64{-1, 0, 4}, []float64{0, 0, 1}
		}
		for i := range point {
			if math.Abs(point[i]-wantPoint[i]) > 1e-12 || math.Abs(normal[i]-wantNormal[i]) > 1e-12 {
				t.Errorf("%s has the point %v with normal %v, want %v and %v", p.Name, point, normal, wantPoint, wantNormal)
			}
		}
	}
}

// TestOverBox: a box in time is a box.
func TestOverBox(t *testing.T) {
	got := made(pde.Over(box2(0, 1, 2, 4), "t", 0, 5)).Boundary()
	want := made(pde.NewBox([]string{"x", "y", "t"}, []float64{0, 1, 0}, []float64{2, 4, 5})).Boundary()
	for i, p := range want {
		q := got[i]
		a, n := p.At([]float64{0.3, 0.8})
		b, m := q.At([]float64{0.3, 0.8})
		if p.Name != q.Name || math.Abs(p.Measure-q.Measure) > 1e-12 || q.Keep != nil || !slices.Equal(a, b) || !slices.Equal(n, m) {
			t.Errorf("patch %q of measure %v with %v, %v, want %q, %v, %v, %v", q.Name, q.Measure, b, m, p.Name, p.Measure, a, n)
		}
	}
}

func TestOverErrors(t *testing.T) {
	interval := made(pde.NewInterval("x", 0, 1))
	for _, c := range []struct {
		base   pde.Domain
		time   string
		t0, t1 float64
		word   string
	}{
		{nil, "t", 0, 1, "base is nil"},
		{interval, "t", 1, 1, "t goes from 1 to 1"},
		{interval, "t", 2, 1, "t goes from 2 to 1"},
		{interval, "t", math.NaN(), 1, "NaN"},
		{interval, "t", 0, math.Inf(1), "+Inf"},
		{interval, "x", 0, 1, `patch "x-"`},
		{interval, "", 0, 1, "name of time is empty"},
	} {
		if _, err := pde.Over(c.base, c.time, c.t0, c.t1); err == nil || !strings.Contains(err.Error(), c.word) {
			t.Errorf("Over(%v, %q, %v, %v): error %v, want one that mentions %q", c.base, c.time, c.t0, c.t1, err, c.word)
		}
	}
}
