package pde_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/pde"
)

// TestCoefficientMaps: every kind of coefficient comes back from its parameter, stays within its bounds, and is on the
// device what it is on the host.
func TestCoefficientMaps(t *testing.T) {
	inf := math.Inf(1)
	b := pureGo(t)
	for name, c := range map[string]pde.Coefficient{
		"plain":              {Start: -3},
		"scaled":             {Start: 7e8, Scale: 1e9},
		"log":                {Start: 1e-7, Log: true},
		"scaled log":         {Start: 3, Log: true, Scale: 1e5},
		"interval":           {Start: 0.3, Bounds: [2]float64{-1, 0.5}},
		"above":              {Start: 10, Scale: 5, Bounds: [2]float64{2, inf}},
		"below":              {Start: -10, Bounds: [2]float64{-inf, 2}},
		"log of an interval": {Start: 1e-3, Log: true, Bounds: [2]float64{1e-9, 1e4}},
		"log below":          {Start: 2, Log: true, Bounds: [2]float64{0, 10}},
		"log above":          {Start: 2, Log: true, Bounds: [2]float64{1, inf}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.Value(c.Parameter(c.Start)); math.Abs(got-c.Start) > 1e-14*math.Abs(c.Start) {
				t.Errorf("the start %v becomes %v", c.Start, got)
			}
			parameters := []float64{-40, -1.3, -0.2, 0.1, 2, 30}
			got := call(t, b, func(in []*graph.Node) *graph.Node { return c.Build(in[0]) }, parameters)
			for i, p := range parameters {
				v := c.Value(p)
				if c.Bounds != [2]float64{} && !(v >= c.Bounds[0] && v <= c.Bounds[1]) || c.Log && !(v > 0) {
					t.Errorf("the parameter %v gives %v", p, v)
				}
				if math.Abs(got[i]-v) > 1e-13*math.Abs(v) {
					t.Errorf("the parameter %v gives %v on the device and %v on the host", p, got[i], v)
				}
			}
			if plain := c.Value(2) == 2 && c.Value(-1) == -1; plain != c.IsPlain() {
				t.Errorf("IsPlain is %v", c.IsPlain())
			}
		})
	}
}

func TestCoefficientErrors(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	for words, c := range map[string]pde.Coefficient{
		"starts at NaN, expected a finite":                  {Start: nan},
		"Scale -1, expected":                                {Scale: -1},
		"Scale NaN, expected":                               {Scale: nan},
		"Scale +Inf, expected":                              {Scale: inf},
		"True value +Inf, expected":                         {True: inf},
		"Bounds [1 0], expected a lower and":                {Bounds: [2]float64{1, 0}},
		"Bounds [NaN 1], expected a lower and":              {Bounds: [2]float64{nan, 1}},
		"Bounds [-1e+308 1e+308], expected":                 {Bounds: [2]float64{-1e308, 1e308}},
		"Bounds [-1 1] and Log, expected":                   {Start: 0.5, Log: true, Bounds: [2]float64{-1, 1}},
		"starts at 0, expected a number above 0":            {Log: true},
		"starts at 2, expected a number inside":             {Start: 2, Bounds: [2]float64{0, 1}},
		"starts at 0, expected a number inside":             {Bounds: [2]float64{0, 1}},
		"True value -1, expected a number above 0":          {Start: 1, Log: true, True: -1},
		"True value 3, expected a number within its Bounds": {Start: 0.5, True: 3, Bounds: [2]float64{0, 1}},
		"they can tell from a bound":                        {Start: 1e-30, Bounds: [2]float64{0, 1}},
		"has no Name":                                       {Start: 1},
	} {
		p := pde.Poisson2D()
		if words != "has no Name" {
			c.Name = "k"
		}
		p.Coefficients = []pde.Coefficient{c}
		if err := p.Check(); err == nil || !strings.Contains(err.Error(), words) || !strings.Contains(err.Error(), "coefficient") {
			t.Errorf("%+v: error %v, want one that mentions %q", c, err, words)
		}
	}
}

// TestKnown: a true value that was left out is not zero, and zero can be said.
func TestKnown(t *testing.T) {
	for truth, want := range map[float64]bool{0: false, pde.Zero: true, -3: true, math.NaN(): false} {
		got, known := pde.Coefficient{True: truth}.Known()
		if known != want || known && math.Abs(got-truth) > pde.Zero || known && math.Abs(truth) == pde.Zero && got != 0 {
			t.Errorf("True: %v is known: %v, as %v", truth, known, got)
		}
	}
}
