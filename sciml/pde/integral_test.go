package pde_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/pde"
)

// TestQuadrature: the rules integrate smooth functions over domains and boundaries, whose integrals are known.
func TestQuadrature(t *testing.T) {
	must := func(d pde.Domain, err error) pde.Domain {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	one := func(x []float64) float64 { return 1 }
	square := func(x []float64) float64 {
		total := 0.0
		for _, v := range x {
			total += v * v
		}
		return total
	}
	disk := must(pde.NewDisk([2]float64{0, 0}, 1.5))
	ring := must(pde.Difference(disk, must(pde.NewDisk([2]float64{0, 0}, 0.5))))
	plate := must(pde.Difference(must(pde.NewBox([]string{"x", "y"}, []float64{-1, -1}, []float64{1, 1})), must(pde.NewDisk([2]float64{0.1, 0}, 0.5))))
	for name, c := range map[string]struct {
		domain         pde.Domain
		inside         func(x []float64) float64
		want, boundary float64 // of inside, and the length of the boundary
		tolerance      float64
	}{
		"interval": {must(pde.NewInterval("x", -1, 2)), func(x []float64) float64 { return math.Exp(x[0]) }, math.Exp(2) - math.Exp(-1), 2, 1e-13},
		"box": {must(pde.NewBox([]string{"x", "y"}, []float64{0, 1}, []float64{2, 4})),
			func(x []float64) float64 { return math.Cos(x[0]) * x[1] }, math.Sin(2) * 7.5, 10, 1e-13},
		"box in six dimensions": {must(pde.NewBox([]string{"a", "b", "c", "d", "e", "f"}, make([]float64, 6), []float64{1, 1, 1, 1, 1, 1})), square, 2, 12, 1e-12},
		"disk":                  {disk, square, math.Pi * math.Pow(1.5, 4) / 2, 3 * math.Pi, 1e-9},
		"ring":                  {ring, square, math.Pi * (math.Pow(1.5, 4) - math.Pow(0.5, 4)) / 2, 4 * math.Pi, 1e-7},
		"plate with a hole":     {plate, one, 4 - math.Pi/4, 8 + math.Pi, 1e-7},
		"L-shape":               {pde.LShape(), square, 3 * 2.0 / 3, 8, 1e-9},
		"triangle":              {must(pde.NewPolygon([2]float64{0, 0}, [2]float64{2, 1}, [2]float64{-1, 3})), one, 3.5, math.Sqrt(5) + math.Sqrt(13) + math.Sqrt(10), 6e-6},
		"ball":                  {must(pde.NewBall([]float64{1, 0, 0}, 0.5)), one, 4 * math.Pi / 3 / 8, math.Pi, 1e-6},
		"ellipse":               {must(pde.NewEllipse([2]float64{0, 0}, [2]float64{2, 1}, 0.4)), one, 2 * math.Pi, 9.688448220547675, 1e-7},
		"disk over time":        {must(pde.Over(disk, "t", 0, 2)), func(x []float64) float64 { return x[2] * x[2] }, 2.25 * math.Pi * 8 / 3, 6*math.Pi + 2*2.25*math.Pi, 2e-6},
	} {
		integral := func(c pde.Condition, f func(x []float64) float64) float64 {
			total := 0.0
			for n, p := range c.Points {
				total += c.Sums.Weights[n] * f(p)
			}
			return total
		}
		inside := pde.Integral("inside", c.domain, nil, 0)
		if got := integral(inside, c.inside); math.Abs(got-c.want) > c.tolerance*c.want {
			t.Errorf("%s: %.12g from %d points, want %.12g", name, got, len(inside.Points), c.want)
		}
		if len(inside.Points) > 7000 {
			t.Errorf("%s: %d points", name, len(inside.Points))
		}
		around := pde.BoundaryIntegral("around", c.domain, nil, 0)
		if got := integral(around, one); math.Abs(got-c.boundary) > 1e-7*c.boundary {
			t.Errorf("%s: the length of the boundary is %.12g from %d points, want %.12g", name, got, len(around.Points), c.boundary)
		}
		// Gauß: the flux of x through the boundary is d times the volume.
		flux := 0.0
		for n, p := range around.Points {
			for i, v := range around.Normals[n] {
				flux += around.Sums.Weights[n] * v * p[i]
			}
		}
		if volume := integral(inside, one) * float64(c.domain.Dim()); math.Abs(flux-volume) > 1e-4*volume {
			t.Errorf("%s: a flux of %.12g, want %.12g", name, flux, volume)
		}
	}
}

// TestGaussLegendre: every rule integrates polynomials up to its degree.
func TestGaussLegendre(t *testing.T) {
	if nodes, weights := pde.GaussLegendre(-1, 0, 1); len(nodes) != 0 || len(weights) != 0 {
		t.Errorf("a rule of −1 points has the nodes %v and the weights %v", nodes, weights)
	}
	for n := 1; n <= 130; n++ {
		nodes, weights := pde.GaussLegendre(n, -1, 3)
		for _, degree := range []int{0, 1, n, 2*n - 1} {
			got, want := 0.0, 0.0 // of ((x − 1)/2)^degree
			if degree%2 == 0 {
				want = 4 / float64(degree+1)
			}
			for i, x := range nodes {
				got += weights[i] * math.Pow((x-1)/2, float64(degree))
			}
			if math.Abs(got-want) > 1e-12 {
				t.Errorf("%d points: degree %d gives %.16g, want %.16g", n, degree, got, want)
			}
		}
	}
}

// TestSums: rows are divided by their weights, and what does not fit is refused.
func TestSums(t *testing.T) {
	box, err := pde.NewInterval("x", 0, 2)
	if err != nil {
		t.Fatal(err)
	}
	u := func(u *pde.Fields) *graph.Node { return u.U() }
	c := pde.MeasuredMeans("u", [][][]float64{{{0}, {1}}, {{0.5}}, {{1}, {1.5}, {2}}}, []float64{1, 2, 3})
	weights, values := c.Sums.Rows()
	if len(c.Points) != 9 || len(weights) != 9 || weights[0] != 0.5 || weights[2] != 0 || weights[3] != 1 || values[2] != 3 {
		t.Errorf("%d points, weights %v, values %v", len(c.Points), weights, values)
	}
	problem := func(c pde.Condition) *pde.Problem {
		return &pde.Problem{Name: "sums", Coordinates: []string{"x"}, Unknowns: []string{"u"}, Domain: box, Conditions: []pde.Condition{c},
			Equations: []pde.Equation{{Name: "e", Residual: u}}}
	}
	mass := pde.Integral("mass", box, u, 3)
	if weights, values := mass.Sums.Rows(); math.Abs(values[0]-1.5) > 1e-14 || math.Abs(weights[0]-mass.Sums.Weights[0]/2) > 1e-14 {
		t.Errorf("value %v", values)
	}
	for _, fine := range []pde.Condition{c, mass, pde.BoundaryIntegral("flux", box, u, 1, "x+")} {
		if err := problem(fine).Check(); err != nil {
			t.Error(err)
		}
	}
	changed := func(change func(c *pde.Condition)) pde.Condition {
		c := mass
		sums := *c.Sums
		c.Sums = &sums
		change(&c)
		return c
	}
	for word, wrong := range map[string]pde.Condition{
		"the domain is nil":                 pde.Integral("mass", nil, u, 1),
		"cannot be: pde: the domain is nil": pde.BoundaryIntegral("mass", (*pde.Box)(nil), u, 1),
		"an integral that cannot be":        pde.Integral("mass", &pde.Disk{}, u, 1),
		`the patch "y+"`:                    pde.BoundaryIntegral("mass", box, u, 1, "y+"),
		"has no Residual":                   pde.Integral("mass", box, nil, 1),
		"has the value NaN in group 0, expected a finite number": pde.Integral("mass", box, u, math.NaN()),
		"2 groups of points and 1 values":                        pde.MeasuredMeans("u", [][][]float64{{{0}}, {{1}}}, []float64{1}),
		"0 groups of points":                                     pde.MeasuredMeans("u", nil, nil),
		"no points in group 1":                                   pde.MeasuredMeans("u", [][][]float64{{{0}}, {}}, []float64{1, 2}),
		"has the point 1 at [3]":                                 pde.MeasuredMeans("u", [][][]float64{{{0}, {3}}}, []float64{1}),
		"in groups of Size 0":                                    changed(func(c *pde.Condition) { c.Sums.Size = 0 }),
		"with 1 Weights":                                         changed(func(c *pde.Condition) { c.Sums.Weights = []float64{1} }),
		"to 0 Values":                                            changed(func(c *pde.Condition) { c.Sums.Values = nil }),
		"only weights of zero":                                   changed(func(c *pde.Condition) { c.Sums.Weights = make([]float64, len(c.Points)) }),
		"Sums and a Partner":                                     changed(func(c *pde.Condition) { c.Partner = func(p []float64) []float64 { return p } }),
		"has 1 Normals":                                          changed(func(c *pde.Condition) { c.Normals = [][]float64{{1}} }),
	} {
		if err := problem(wrong).Check(); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v, want one that mentions %q", err, word)
		}
	}
}
