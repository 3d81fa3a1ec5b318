package pde_test

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pde/reference"
)

// pureGo is the back end for many small graphs: it has next to nothing to compile.
func pureGo(t *testing.T) compute.Backend {
	t.Helper()
	b, err := backend.OpenConfig("go")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func call(t *testing.T, b compute.Backend, build func(in []*graph.Node) *graph.Node, args ...any) []float64 {
	t.Helper()
	out, err := graph.CallOnce(b, build, args...)
	if err != nil {
		t.Fatal(err)
	}
	return tensors.MustCopyFlatData[float64](out)
}

// tensorOf has rows of the given shape.
func tensorOf(values []float64, row ...int) *tensors.Tensor {
	size := 1
	for _, n := range row {
		size *= n
	}
	return tensors.FromFlatDataAndDimensions(values, append([]int{len(values) / size}, row...)...)
}

func largest(values []float64) float64 {
	m := 0.0
	for _, v := range values {
		if math.IsNaN(v) {
			return v
		}
		m = math.Max(m, math.Abs(v))
	}
	return m
}

// accuracy is what the test of a problem needs beyond the defaults.
type accuracy struct {
	// tolerance is for residuals at the solution, relative to their terms; 1e-8 if 0.
	tolerance float64
	// ends is that for conditions that compare both ends, where differences are one-sided; the same if 0.
	ends float64
	// order is the highest derivative that occurs; 2 if 0.
	order int
	// step is that of finite differences, relative to the sides of the domain; 0.005 if 0.
	step float64
	// after is the time, relative to all of it, before which the solution is not smooth.
	after float64
	// slow says that the reference takes more than a second or two.
	slow bool
}

var accuracies = map[string]accuracy{
	"beam":                      {order: 4, step: 0.05},
	"burgers":                   {step: 0.0003},
	"inverse-burgers":           {step: 0.0003},
	"burgers-nu0.01":            {step: 0.0008},
	"allen-cahn":                {step: 0.0003, after: 0.2, slow: true},
	"wave-beta5":                {step: 0.003},
	"kdv-soliton":               {order: 3, step: 0.002},
	"kdv-two-solitons":          {order: 3, step: 0.002},
	"kdv-cosine":                {order: 3, step: 0.0007, tolerance: 1e-6, slow: true},
	"kuramoto-sivashinsky":      {order: 4, step: 0.001, tolerance: 1e-3, slow: true},
	"kuramoto-sivashinsky-t0.5": {order: 4, step: 0.0007, tolerance: 1e-3, slow: true},
	"kuramoto-sivashinsky-t1":   {order: 4, step: 0.0007, tolerance: 1e-3, ends: 2e-2, slow: true},
	"schrodinger":               {step: 0.002, tolerance: 2e-2, after: 0.4, slow: true},
	"gray-scott":                {step: 0.001, tolerance: 1e-3, slow: true},
	"plate":                     {order: 4, step: 0.02, tolerance: 1e-3},
	"cavity-re100":              {step: 0.002, tolerance: 1e-4, slow: true},
	"cavity-re1000":             {step: 0.002, tolerance: 1e-4, slow: true},
	"cavity-re3200":             {step: 0.002, tolerance: 1e-4, slow: true},
	"cavity-smooth-re100":       {step: 0.002, tolerance: 1e-4, slow: true},
	"cavity-smooth-re1000":      {step: 0.002, tolerance: 1e-4, slow: true},
	"cavity-smooth-re3200":      {step: 0.002, tolerance: 1e-4, slow: true},
}

// TestSolutions puts the solution of every problem into its equations and conditions: the residuals vanish, and do not
// for something else.
func TestSolutions(t *testing.T) {
	t.Setenv("GOSCIML_HOME", t.TempDir())
	b := pureGo(t)
	for _, p := range pde.Catalogue() {
		t.Run(p.Key, func(t *testing.T) {
			a := accuracies[p.Key]
			if a.slow && os.Getenv("GOSCIML_SLOW") == "" {
				t.Skip("the reference takes long to compute: set GOSCIML_SLOW=1 to test it")
			}
			solution, err := p.Solution(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if solution == nil {
				t.Fatal("there is no solution to compare to")
			}
			check(t, b, p, solution, a)
		})
	}
}

// TestCoarseSolutions does so for problems whose references take long, with solutions of a lower resolution or up to an
// earlier time.
func TestCoarseSolutions(t *testing.T) {
	t.Setenv("GOSCIML_HOME", t.TempDir())
	b := pureGo(t)
	for _, c := range []struct {
		problem  *pde.Problem
		equation *reference.Periodic // nil for the problem's own reference
		accuracy accuracy
	}{
		{pde.AllenCahn(), &reference.Periodic{
			Lo: -1, Hi: 1, T: 1, Modes: 1024, Frames: 200, Steps: 800, Graded: true,
			Initial:  func(x float64) float64 { return x * x * math.Cos(math.Pi*x) },
			Symbol:   func(k float64) complex128 { return complex(-1e-4*k*k, 0) },
			Reaction: func(u float64) float64 { return 5*u - 5*u*u*u },
		}, accuracy{step: 0.0005, after: 0.3, tolerance: 1e-5}},
		{pde.KdVCosine(), &reference.Periodic{
			Lo: -1, Hi: 1, T: 1, Modes: 512, Frames: 500, Steps: 4000,
			Initial: func(x float64) float64 { return math.Cos(math.Pi * x) },
			Symbol:  func(k float64) complex128 { return complex(0, 0.000484*k*k*k) },
			Flux:    func(u float64) float64 { return u * u / 2 },
		}, accuracy{order: 3, step: 0.001, tolerance: 1e-5}},
		{pde.KuramotoSivashinsky(0.05), nil, accuracy{order: 4, step: 0.0015, tolerance: 1e-5}},
		{pde.GrayScott(0.02), nil, accuracy{step: 0.004, tolerance: 1e-2}},
	} {
		t.Run(c.problem.Key, func(t *testing.T) {
			var solution pde.Field
			var err error
			if c.equation == nil {
				solution, err = c.problem.Solution(context.Background())
			} else {
				var table *reference.Table
				if table, err = c.equation.Solve(context.Background()); err == nil {
					solution = table.At
				}
			}
			if err != nil {
				t.Fatal(err)
			}
			check(t, b, c.problem, solution, c.accuracy)
		})
	}
}

// check tests all residuals at a solution.
func check(t *testing.T, b compute.Backend, p *pde.Problem, solution pde.Field, a accuracy) {
	if a.tolerance == 0 {
		a.tolerance = 1e-8
	}
	if a.order == 0 {
		a.order = 2
	}
	if a.step == 0 {
		a.step = 0.005
	}
	coefficients := make([]float64, len(p.Coefficients))
	for i, c := range p.Coefficients {
		coefficients[i] = c.True
	}
	rng := rand.New(rand.NewPCG(1, 1))
	count := 40
	if len(p.Coordinates) > 20 {
		count = 5
	}
	bumped := disturbed(p, solution)
	for _, e := range p.Equations {
		on := place{points: inside(p, rng, count, a.after)}
		term := pde.Condition{Name: e.Name, Residual: e.Residual}
		assess(t, b, p, term, on, solution, bumped, coefficients, a)
		for i := range coefficients {
			wrong := append([]float64(nil), coefficients...)
			wrong[i] += 0.01
			right, off := largest(residual(t, b, p, term, on, solution, coefficients, a)), largest(residual(t, b, p, term, on, solution, wrong, a))
			if !(off > 100*right) {
				t.Errorf("%s: coefficient %q is wrong by 0.01, but the residual is %.2g and not much above %.2g", e.Name, p.Coefficients[i].Name, off, right)
			}
		}
	}
	for _, c := range p.Conditions {
		a := a
		if c.Partner != nil {
			a.tolerance = cmp.Or(a.ends, a.tolerance)
		}
		assess(t, b, p, c, where(p, c, rng, count, a.after), solution, bumped, coefficients, a)
	}
}

// assess compares the residual at the solution to the size of its terms: a hundred times the change that a disturbance
// of one percent makes.
func assess(t *testing.T, b compute.Backend, p *pde.Problem, c pde.Condition, on place, solution, bumped pde.Field, coefficients []float64, a accuracy) {
	t.Helper()
	right := largest(residual(t, b, p, c, on, solution, coefficients, a))
	size := 100 * largest(residual(t, b, p, c, on, bumped, coefficients, a))
	if testing.Verbose() {
		t.Logf("%-22s residual %.1e of %.1e: %.1e", c.Name, right, size, right/size)
	}
	if !(right <= a.tolerance*size) {
		t.Errorf("%s: the residual at the solution is %.2g, expected below %.2g of its terms' size %.2g", c.Name, right, a.tolerance, size)
	}
}

// disturbed is a field to which one percent of something smooth was added.
func disturbed(p *pde.Problem, field pde.Field) pde.Field {
	lo, hi := p.Domain.Bounds()
	scale := make([]float64, len(p.Unknowns))
	for _, point := range inside(p, rand.New(rand.NewPCG(2, 2)), 20, 0) {
		for m, v := range field(point) {
			scale[m] = math.Max(scale[m], math.Abs(v))
		}
	}
	return func(point []float64) []float64 {
		values := append([]float64(nil), field(point)...)
		for m := range values {
			for i, x := range point {
				z := (x - lo[i]) / (hi[i] - lo[i])
				values[m] += 0.01 * scale[m] * math.Exp(z*(1+0.3*float64(m)+0.1*float64(i%7))) / float64(len(point))
			}
		}
		return values
	}
}

// place are points, with the index that data belong to, and outer normals on a boundary.
type place struct {
	points, normals [][]float64
}

// inside are points of the domain, not too early.
func inside(p *pde.Problem, rng *rand.Rand, count int, after float64) [][]float64 {
	lo, hi := p.Domain.Bounds()
	points := make([][]float64, count)
	for n := range points {
		points[n] = make([]float64, len(lo))
		for i := range lo {
			from := lo[i]
			if p.Coordinates[i] == "t" {
				from += after * (hi[i] - lo[i])
			}
			points[n][i] = from + rng.Float64()*(hi[i]-from)
		}
	}
	return points
}

// where are points for a condition: its own, or some on each of its patches.
func where(p *pde.Problem, c pde.Condition, rng *rand.Rand, count int, after float64) place {
	if len(c.Points) > 0 {
		return place{points: c.Points}
	}
	on := map[string]bool{}
	for _, name := range c.On {
		on[name] = true
	}
	var at place
	for _, patch := range p.Domain.Boundary() {
		if len(on) > 0 && !on[patch.Name] || len(at.points) > 5*count { // a few of 200 faces do
			continue
		}
		for range max(1, count/4) {
			unit := make([]float64, len(p.Coordinates)-1)
			for i := range unit {
				unit[i] = rng.Float64()
			}
			if last := len(unit) - 1; last >= 0 && p.Coordinates[last+1] == "t" && patch.Name != "t-" && patch.Name != "t+" {
				unit[last] = after + (1-after)*unit[last]
			}
			point, normal := patch.At(unit)
			at.points, at.normals = append(at.points, point), append(at.normals, normal)
		}
	}
	return at
}

// residual evaluates a condition, or an equation, for a field and coefficients.
func residual(t *testing.T, b compute.Backend, p *pde.Problem, c pde.Condition, on place, field pde.Field, coefficients []float64, a accuracy) []float64 {
	t.Helper()
	lo, hi := p.Domain.Bounds()
	steps := make([]float64, len(lo))
	for i := range steps {
		steps[i] = a.step * (hi[i] - lo[i])
	}
	args := about(field, on.points, lo, hi, steps, a.order).inputs()
	if c.Partner != nil {
		var partners [][]float64
		for _, point := range on.points {
			partners = append(partners, c.Partner(point))
		}
		args = append(args, about(field, partners, lo, hi, steps, a.order).inputs()...)
	}
	if on.normals != nil {
		args = append(args, on.normals)
	}
	if c.Values != nil {
		var values [][]float64
		for n, point := range on.points {
			values = append(values, c.Values(n, point))
		}
		args = append(args, values)
	}
	if len(coefficients) > 0 {
		args = append(args, coefficients)
	}
	return call(t, b, func(in []*graph.Node) *graph.Node {
		var inputs pde.Inputs
		inputs.X, inputs.U, in = polynomial(in, a.order)
		if c.Partner != nil {
			var partner pde.Inputs
			partner.X, partner.U, in = polynomial(in, a.order)
			inputs.Partner = pde.NewFields(p, partner)
		}
		if on.normals != nil {
			inputs.Normal, in = in[0], in[1:]
		}
		if c.Values != nil {
			inputs.Values, in = in[0], in[1:]
		}
		if len(coefficients) > 0 {
			inputs.Coefficients = in[0]
		}
		r := c.Residual(pde.NewFields(p, inputs))
		if r.Rank() < 1 || r.Rank() > 2 || r.Shape().Dimensions[0] != len(on.points) {
			panic(fmt.Errorf("the residual of %q has shape %s, expected [%d] or [%d, components]", c.Name, r.Shape(), len(on.points), len(on.points)))
		}
		return r
	}, args...)
}
