package plot

import (
	"math"
	"strings"
	"testing"
)

// along is a series that has the values of f at the given x.
func along(f func(x float64) float64, x ...float64) Series {
	s := Series{X: x}
	for _, v := range x {
		s.Y = append(s.Y, f(v))
	}
	return s
}

// TestBandsInterpolateRuns: runs of one law, seen at different times, have that law as their median, and no width.
func TestBandsInterpolateRuns(t *testing.T) {
	decay := func(x float64) float64 { return 3 * math.Exp(-2*x) }
	f := figure(Bands("", "", "", Band{Name: "a", Runs: []Series{
		along(decay, 0, 0.5, 1, 4), along(decay, 0.1, 0.7, 3), along(decay, 0, 0.2, 0.3, 2.5),
	}}))
	p := f.rows[0][0].(*curves)
	middle := p.data[0].segs[0]
	if middle[0].x != 0.1 || middle[len(middle)-1].x != 2.5 {
		t.Errorf("the median goes from %g to %g, want from where the last run begins to where the first one ends, 0.1 to 2.5", middle[0].x, middle[len(middle)-1].x)
	}
	if len(middle) != 7 {
		t.Errorf("%d points of the median, want one for each x of any run: 7", len(middle))
	}
	for _, q := range append(middle, p.shades[0].outline...) {
		if want := decay(q.x); math.Abs(q.y-want) > 1e-12*want {
			t.Errorf("at %g the band has %g, want %g", q.x, q.y, want)
		}
	}
	var thin int
	for _, seg := range p.data[1].segs {
		thin++
		for _, q := range seg[1 : len(seg)-1] {
			if 0.1 < q.x && q.x < 2.5 {
				t.Errorf("a point at %g of a single run is drawn although the band covers it", q.x)
			}
		}
	}
	if thin != 4 {
		t.Errorf("%d thin lines, want the begin of two runs and the end of two", thin)
	}
}

func TestBandsMedianAndWidth(t *testing.T) {
	constant := func(v float64) Series { return along(func(float64) float64 { return v }, 0, 1) }
	runs := func(n int) (out []Series) {
		for i := range n {
			out = append(out, constant(math.Pow10(i)))
		}
		return out
	}
	for _, c := range []struct {
		runs              int
		median, low, high float64
		words             string
	}{
		{3, 10, 1, 100, "range of 3 runs"},
		{4, math.Pow(10, 1.5), 1, 1000, "range of 4 runs"}, // In the middle of the two middle ones, on the axis.
		{11, 1e5, math.Pow(10, 2.5), math.Pow(10, 7.5), "quartiles of 11 runs"},
	} {
		f := figure(Bands("t", "", "", Band{Name: "a", Runs: runs(c.runs)}))
		p := f.rows[0][0].(*curves)
		lo, hi := math.Inf(1), 0.
		for _, q := range p.shades[0].outline {
			lo, hi = min(lo, q.y), max(hi, q.y)
		}
		near := func(a, b float64) bool { return math.Abs(a-b) < 1e-12*b }
		if got := p.data[0].segs[0][0].y; !near(got, c.median) || !near(lo, c.low) || !near(hi, c.high) {
			t.Errorf("%d runs: median %g between %g and %g, want %g between %g and %g", c.runs, got, lo, hi, c.median, c.low, c.high)
		}
		if want := "t, a (shaded: " + c.words + ")"; f.name() != want {
			t.Errorf("the name is %q, want %q", f.name(), want)
		}
	}
	p := figure(LinearBands("", "", "", Band{Runs: []Series{constant(-2), constant(6)}})).rows[0][0].(*curves)
	if got := p.data[0].segs[0][0].y; got != 2 {
		t.Errorf("the linear median of −2 and 6 is %g", got)
	}
}

func TestBandsOfAnyRuns(t *testing.T) {
	nan := math.NaN()
	cases := map[string][]Band{
		"one run":             {{Name: "a", Runs: []Series{{Y: []float64{1, 2}}}}},
		"one point each":      {{Runs: []Series{{Y: []float64{1}}, {Y: []float64{2}}}}},
		"apart in x":          {{Runs: []Series{{X: []float64{0, 1}, Y: []float64{1, 2}}, {X: []float64{2, 3}, Y: []float64{1, 2}}}}},
		"diverged":            {{Runs: []Series{{Y: []float64{1, nan, nan}}, {Y: []float64{2, 1, 0.1}}, {Y: []float64{nan, nan}}}}},
		"a band of nothing":   {{Name: "a", Runs: []Series{{}}}, {Name: "b", Runs: []Series{{Y: []float64{1, 2}}}}},
		"two points at one x": {{Runs: []Series{{X: []float64{0, 1, 1, 2}, Y: []float64{1, 2, 3, 4}}, {Y: []float64{2, 1, 0.1}}}}},
		"wide":                {{Runs: []Series{{Y: []float64{5e-324, 1}}, {Y: []float64{1, math.MaxFloat64}}}}},
	}
	for name, bands := range cases {
		f, err := Bands(name, "x", "y", bands...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		svg, err := f.SVG()
		if err != nil {
			t.Fatal(err)
		}
		wellFormed(t, svg)
	}
	for want, bands := range map[string][]Band{
		`band 2 ("b") has no runs`:                        {{Runs: []Series{{Y: []float64{1}}}}, {Name: "b"}},
		`band 1 ("a"): series 1 ("") has 1 X and 2 Y`:     {{Name: "a", Runs: []Series{{X: []float64{1}, Y: []float64{1, 2}}}}},
		`X of run 2 go back from 2 to 1`:                  {{Runs: []Series{{Y: []float64{1}}, {X: []float64{1, 2, 1}, Y: []float64{1, 2, 3}}}}},
		`of 2 points in 1 bands none has a y that is pos`: {{Runs: []Series{{Y: []float64{-1, 0}}}}},
		`of 0 points in 0 bands`:                          nil,
	} {
		if _, err := Bands("", "", "", bands...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that contains %q", err, want)
		}
	}
}
