package pde_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/pde"
)

// foreign is a domain from elsewhere, which knows no names but those of its patches.
type foreign struct{ box *pde.Box }

func (f foreign) Dim() int                      { return f.box.Dim() }
func (f foreign) Bounds() (lo, hi []float64)    { return f.box.Bounds() }
func (f foreign) Contains(point []float64) bool { return f.box.Contains(point) }
func (f foreign) Boundary() []pde.Patch         { return f.box.Boundary() }

// TestCoordinatesOfDomains: a problem's coordinates are those of its domain, whatever it is made of.
func TestCoordinatesOfDomains(t *testing.T) {
	box := func(names ...string) *pde.Box {
		hi := []float64{1, 2, 3}
		b, err := pde.NewBox(names, make([]float64, len(names)), hi[:len(names)])
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	disk := made(pde.NewDisk([2]float64{0.5, 0.5}, 0.25))
	residual := func(u *pde.Fields) *graph.Node { return u.U() }
	for name, c := range map[string]struct {
		domain pde.Domain
		names  []string
		wrong  string // order or name
	}{
		"box":                 {box("x", "t"), []string{"x", "t"}, ""},
		"box, turned":         {box("x", "t"), []string{"t", "x"}, `["t" "x"], but coordinate 0 of its domain is "x" (["x" "t"])`},
		"box, another name":   {box("x", "y"), []string{"x", "z"}, `coordinate 1 of its domain is "y"`},
		"interval":            {box("x"), []string{"s"}, `coordinate 0 of its domain is "x"`},
		"disk":                {disk, []string{"b", "a"}, ""},
		"cylinder":            {made(pde.Over(disk, "t", 0, 1)), []string{"x", "y", "t"}, ""},
		"cylinder, turned":    {made(pde.Over(disk, "t", 0, 1)), []string{"t", "x", "y"}, `coordinate 2 of its domain is "t"`},
		"base, turned":        {made(pde.Over(box("x", "y"), "t", 0, 1)), []string{"y", "x", "t"}, `coordinate 0 of its domain is "x"`},
		"plate with a hole":   {made(pde.Difference(box("x", "y"), disk)), []string{"y", "x"}, `coordinate 0 of its domain is "x"`},
		"hole first":          {made(pde.Intersection(disk, box("x", "y"))), []string{"y", "x"}, `coordinate 0 of its domain is "x"`},
		"over a construction": {made(pde.Over(made(pde.Union(disk, box("x", "y"))), "t", 0, 1)), []string{"y", "x", "t"}, `coordinate 0 of its domain is "x"`},
		"foreign":             {foreign{box("x", "y", "t")}, []string{"x", "y", "t"}, ""},
		"foreign, turned":     {foreign{box("x", "t")}, []string{"t", "x"}, `the patch "x-" of its domain is a face of coordinate 0, "t"`},
	} {
		p := &pde.Problem{Name: name, Coordinates: c.names, Unknowns: []string{"u"}, Domain: c.domain,
			Equations: []pde.Equation{{Residual: residual}}}
		err := p.Check()
		if c.wrong == "" && err != nil || c.wrong != "" && (err == nil || !strings.Contains(err.Error(), c.wrong)) {
			t.Errorf("%s with the coordinates %q: error %v, want %q", name, c.names, err, c.wrong)
		}
	}
	for _, construct := range []func(a, b pde.Domain) (pde.Domain, error){
		pde.Union, pde.Intersection, pde.Difference,
	} {
		if _, err := construct(box("x", "y"), box("y", "x")); err == nil || !strings.Contains(err.Error(), `["x" "y"] and ["y" "x"]`) {
			t.Errorf("two boxes with other names: error %v", err)
		}
	}
}

// TestSuggestedNumbers: numbers of a set-up that are none are reported by the field.
func TestSuggestedNumbers(t *testing.T) {
	for field, spoil := range map[string]func(s *pde.Setup){
		"Hidden":         func(s *pde.Setup) { s.Hidden = []int{8, 0} },
		"Interior":       func(s *pde.Setup) { s.Interior = -1 },
		"Boundary":       func(s *pde.Setup) { s.Boundary = -1 },
		"Resample":       func(s *pde.Setup) { s.Resample = -5 },
		"BoundaryWeight": func(s *pde.Setup) { s.BoundaryWeight = math.NaN() },
		"Amplify":        func(s *pde.Setup) { s.Amplify = math.Inf(1) },
		"Stretch":        func(s *pde.Setup) { s.Stretch = []float64{1, -1} },
	} {
		p := pde.Poisson2D()
		spoil(&p.Suggested)
		if err := p.Check(); err == nil || !strings.Contains(err.Error(), "Suggested."+field) {
			t.Errorf("%s: error %v", field, err)
		}
	}
}
