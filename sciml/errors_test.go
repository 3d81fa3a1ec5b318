package sciml_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/diagnose"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/plot"
)

// TestErrorsOnAGrid compares them with the values at points, and their frequencies with their mean square.
func TestErrorsOnAGrid(t *testing.T) {
	ctx := context.Background()
	one, two := untrained(t, pde.Poisson1D()), untrained(t, pde.Poisson2D())
	off, err := one.Errors(ctx, "", 9)
	if err != nil {
		t.Fatal(err)
	}
	plane, err := two.Errors(ctx, "u", 5)
	if err != nil {
		t.Fatal(err)
	}
	check := func(s *sciml.Solution, got float64, point ...float64) {
		t.Helper()
		u, err := s.At(point)
		if err != nil {
			t.Fatal(err)
		}
		if want := u[0][0] - s.Model().Problem().Exact(point)[0]; got != want {
			t.Errorf("the error at %v is %v, want %v", point, got, want)
		}
	}
	if len(off) != 9 || len(plane) != 25 {
		t.Fatalf("%d and %d errors", len(off), len(plane))
	}
	lo, hi := one.Model().Problem().Domain.Bounds()
	for i, e := range off {
		check(one, e, lo[0]+(hi[0]-lo[0])*float64(i)/8)
	}
	check(two, plane[1+5*3], 0.25, 0.75)
	check(two, plane[4+5*0], 1, 0)

	square := 0.0
	for _, e := range off[1:8] { // the ends are exact
		square += e * e / 8
	}
	bands, err := diagnose.ByFrequency([]diagnose.Side{{Nodes: 9, Basis: diagnose.Sines}}, off)
	if err != nil {
		t.Fatal(err)
	}
	for _, rms := range bands[0] {
		square -= rms * rms
	}
	if math.Abs(square) > 1e-12 {
		t.Errorf("the frequencies leave %v of the mean square", square)
	}

	unknown := pde.Poisson1D()
	unknown.Exact = nil
	for word, try := range map[string]func() ([]float64, error){
		"neither an exact solution nor": func() ([]float64, error) { return untrained(t, unknown).Errors(ctx, "", 5) },
		`no unknown "v"`:                func() ([]float64, error) { return one.Errors(ctx, "v", 5) },
		"on 1 nodes a side":             func() ([]float64, error) { return one.Errors(ctx, "", 1) },
		"the solution is nil":           func() ([]float64, error) { return (*sciml.Solution)(nil).Errors(ctx, "", 5) },
	} {
		if _, err := try(); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v, want one that mentions %q", err, word)
		}
	}
}

func TestErrorMapIsOfTwoCoordinates(t *testing.T) {
	figure, err := untrained(t, pde.Poisson2D()).ErrorMap(t.Context(), "how far off", plot.ColorRange(1e-3, 1))
	if err != nil {
		t.Fatal(err)
	}
	if svg, err := figure.SVG(); err != nil || !strings.Contains(string(svg), "how far off") {
		t.Errorf("the map has no title: %v", err)
	}
	if _, err := untrained(t, pde.Poisson1D()).ErrorMap(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "two") {
		t.Errorf("the error of a map over one coordinate is %v", err)
	}
	if _, err := (&sciml.Solution{}).ErrorMap(t.Context(), ""); err == nil {
		t.Error("a solution of nothing has a map")
	}
}
