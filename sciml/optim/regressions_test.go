package optim_test

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/floats"

	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/optim/functions"
)

// regressions are NIST's; those with the names if there are any.
func regressions(t *testing.T, names ...string) []functions.Regression {
	t.Helper()
	all, err := functions.Regressions()
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(r functions.Regression) bool { return len(names) > 0 && !slices.Contains(names, r.Name) })
}

// fit is the sum of squares of a regression, of parameters in the given units; nil for those of NIST.
func fit(b compute.Backend, r functions.Regression, units []float64) *objective.Objective {
	return &objective.Objective{Backend: b, Dim: len(r.Certified), Residual: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
		if units != nil {
			theta = graph.Mul(theta, graph.Const(theta.Graph(), units))
		}
		return r.Residual(theta)
	}}
}

// offBy is the largest relative error of a parameter.
func offBy(r functions.Regression, theta []float64) float64 {
	worst := 0.0
	for i, v := range r.Certified {
		worst = math.Max(worst, math.Abs(theta[i]/v-1))
	}
	return worst
}

// TestRegressions: six digits of the certified parameters from both starts, within 200 iterations, and an end by itself.
func TestRegressions(t *testing.T) {
	b := pureGo(t)
	for _, method := range []optim.Method{optim.LevenbergMarquardt{}, optim.Auto{}} {
		for _, r := range regressions(t) {
			for i, start := range r.Starts {
				got := minimize(t, fit(b, r, nil), start, method, optim.Options{MaxIterations: 200})
				if off := offBy(r, got.Theta); !(off <= 5e-7) || math.Abs(got.Loss-r.SumOfSquares) > 1e-9*r.SumOfSquares+1e-20 {
					t.Errorf("%s of %s from start %d: parameters are off by %.2g: %s", method.Name(), r.Name, i+1, off, got)
				}
			}
		}
	}
}

// TestScalings: with each scaling and solver, and in subspaces, Hahn1 takes tens of iterations, not thousands.
func TestScalings(t *testing.T) {
	b, hahn := pureGo(t), regressions(t, "Hahn1")[0]
	for _, scaling := range []optim.Scaling{optim.MarquardtScaling, optim.MoreScaling} {
		for _, m := range []optim.LevenbergMarquardt{{}, {Geodesic: true}, {Solver: optim.DenseKernel}, {Columns: 6, Seed: 1}} {
			m.Scaling = scaling
			r := minimize(t, fit(b, hahn, nil), hahn.Starts[1], m, optim.Options{MaxIterations: 150})
			if r.Loss > hahn.SumOfSquares*(1+1e-6) {
				t.Errorf("%+v: %s", m, r)
			}
		}
	}
}

// TestScalingUnits: what scaled steps do does not depend on the units of parameters, bit for bit where units are powers of two.
func TestScalingUnits(t *testing.T) {
	b, hahn := pureGo(t), regressions(t, "Hahn1")[0]
	units, scaled := make([]float64, 7), make([]float64, 7)
	for i, v := range hahn.Starts[0] {
		units[i] = math.Ldexp(1, 9*i-30)
		scaled[i] = v / units[i]
	}
	for _, m := range []optim.LevenbergMarquardt{{}, {Scaling: optim.MarquardtScaling}, {Scaling: optim.MoreScaling, Solver: optim.DenseKernel}} {
		options := optim.Options{MaxIterations: 12}
		want, got := minimize(t, fit(b, hahn, nil), hahn.Starts[0], m, options), minimize(t, fit(b, hahn, units), scaled, m, options)
		for i, r := range want.History.Records {
			if got.History.Records[i].Loss != r.Loss {
				t.Errorf("%+v: the loss is %v after %d iterations, %v in other units", m, r.Loss, i, got.History.Records[i].Loss)
				break
			}
		}
	}
}

// TestScalingResumes: the largest norms so far go on after a resume.
func TestScalingResumes(t *testing.T) {
	b, r := pureGo(t), regressions(t, "MGH17")[0]
	path := filepath.Join(t.TempDir(), "run")
	whole := minimize(t, fit(b, r, nil), r.Starts[0], optim.LevenbergMarquardt{}, optim.Options{MaxIterations: 60})
	minimize(t, fit(b, r, nil), r.Starts[0], optim.LevenbergMarquardt{}, optim.Options{MaxIterations: 30, CheckpointPath: path})
	c, err := optim.LoadCheckpoint(path)
	if err != nil {
		t.Fatal(err)
	}
	resumed, err := optim.Resume(t.Context(), fit(b, r, nil), c, optim.LevenbergMarquardt{}, optim.Options{MaxIterations: 60})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(resumed.Theta, whole.Theta) {
		t.Errorf("θ is %v after a resume, %v without", resumed.Theta, whole.Theta)
	}
}

// TestScalingErrors: what there is no scaling for.
func TestScalingErrors(t *testing.T) {
	obj, start := fit(pureGo(t), regressions(t, "BoxBOD")[0], nil), []float64{1, 1}
	mustFail(t, obj, start, optim.LevenbergMarquardt{Scaling: 7}, optim.Options{}, "LevenbergMarquardt.Scaling is 7, expected UsualScaling,")
	mustFail(t, obj, start, optim.LevenbergMarquardt{Scaling: optim.MoreScaling, Solver: optim.MatrixFree}, optim.Options{}, "the Solver is matrix-free")
	r := minimize(t, obj, start, optim.LevenbergMarquardt{Solver: optim.MatrixFree}, optim.Options{MaxIterations: 1})
	if r.Iterations != 1 {
		t.Errorf("the usual scaling without a matrix: %s", r)
	}
}

// deterministic are the methods whose end says something of where they are.
var deterministic = []optim.Method{
	optim.LevenbergMarquardt{}, optim.Auto{}, optim.NewtonTrustRegion{}, optim.CubicRegularization{}, optim.NewtonCG{}, optim.BFGS{}, optim.LBFGS{},
	optim.SSBFGS{}, optim.SSBroyden{}, optim.SR1{}, optim.LSR1{}, optim.Dogleg{}, optim.NonlinearCG{},
}

// steepest is the largest cosine of the angle between the residuals and a column of the Jacobian, which does not depend on units: it is
// zero at a minimum.
func steepest(t *testing.T, obj *objective.Objective, theta []float64) float64 {
	t.Helper()
	l, err := objective.NewLinearizer(obj, 0)
	if err != nil {
		t.Fatal(err)
	}
	at, err := l.At(theta)
	if err != nil {
		t.Fatal(err)
	}
	r, err := at.Residual()
	if err != nil {
		t.Fatal(err)
	}
	column, unit, largest := make([]float64, len(r)), make([]float64, len(theta)), 0.0
	for i := range theta {
		clear(unit)
		unit[i] = 1
		if err := at.Forward()(column, unit); err != nil {
			t.Fatal(err)
		}
		if size := floats.Norm(column, 2) * floats.Norm(r, 2); size > 0 {
			largest = math.Max(largest, math.Abs(floats.Dot(column, r))/size)
		}
	}
	return largest
}

// TestEndsAreTrue: a run says that it is at the limit of the precision only where it is, and what keeps it from there otherwise.
func TestEndsAreTrue(t *testing.T) {
	b := pureGo(t)
	claims, others := 0, 0
	for _, r := range regressions(t, "Misra1a", "BoxBOD", "Thurber", "Hahn1", "Bennett5") {
		for i, start := range r.Starts {
			for _, m := range deterministic {
				obj := fit(b, r, nil)
				got := minimize(t, obj, start, m, optim.Options{MaxIterations: 200})
				claim := strings.Contains(got.Message, "limit of this precision")
				switch excess := got.Loss/r.SumOfSquares - 1; {
				case claim:
					claims++
					if angle := steepest(t, obj, got.Theta); excess > 1e-6 && angle > 1e-7 {
						t.Errorf("%s of %s from start %d claims to be at the limit, %.2g above the minimum, with a cosine of %.2g: %s", m.Name(), r.Name, i+1, excess, angle, got)
					}
				case got.Status == optim.SearchFailed:
					others++
					if !strings.Contains(got.Message, "there") || math.Abs(excess) < 1e-12 {
						t.Errorf("%s of %s from start %d does not say what keeps it %.2g above the minimum: %s", m.Name(), r.Name, i+1, excess, got)
					}
				}
			}
		}
	}
	if claims < 30 || others < 8 {
		t.Errorf("%d runs claim to be at the limit and %d not, expected more of both", claims, others)
	}
}

// TestSearchesStop: at a minimum, where rounding hides all differences, a search does not go on by the noise of slopes.
func TestSearchesStop(t *testing.T) {
	b := pureGo(t)
	for _, r := range regressions(t, "BoxBOD", "Chwirut1", "Chwirut2", "Rat42", "ENSO") {
		for _, m := range deterministic {
			got := minimize(t, fit(b, r, nil), r.Starts[1], m, optim.Options{MaxIterations: 600})
			if atMinimum := got.Loss < r.SumOfSquares*(1+1e-10); atMinimum && (got.Status == optim.IterationLimit || got.Evaluations > 5000) {
				t.Errorf("%s goes on at the minimum of %s: %s, %d evaluations", m.Name(), r.Name, got, got.Evaluations)
			}
		}
	}
}

// TestScalesBeginAnew: the norms of columns where a fit begins are not what holds it back for ever. Hill's curve and Arrhenius'
// law, with parameters that differ by many powers of ten from where they start.
func TestScalesBeginAnew(t *testing.T) {
	b := pureGo(t)
	hill := func(p []*graph.Node, x *graph.Node) *graph.Node {
		raised := graph.Pow(x, graph.BroadcastToShape(p[2], x.Shape()))
		return graph.Div(graph.Mul(p[0], raised), graph.Add(p[1], raised))
	}
	arrhenius := func(p []*graph.Node, x *graph.Node) *graph.Node {
		return graph.Mul(p[0], graph.Exp(graph.Neg(graph.Div(p[1], x))))
	}
	for name, c := range map[string]struct {
		law      func(p []*graph.Node, x *graph.Node) *graph.Node
		truth    []float64
		from, to float64
	}{"Hill": {hill, []float64{1e-9, 1e3, 3}, 0.1, 100}, "Arrhenius": {arrhenius, []float64{1e10, 8000}, 300, 600}} {
		parts := func(theta *graph.Node) (p []*graph.Node) {
			for i := range c.truth {
				p = append(p, graph.Reshape(graph.Slice(theta, graph.AxisElem(i))))
			}
			return p
		}
		x := make([]float64, 40)
		for i := range x {
			x[i] = c.from + (c.to-c.from)*float64(i)/float64(len(x)-1)
		}
		obj := &objective.Objective{Backend: b, Dim: len(c.truth), Residual: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
			g := theta.Graph()
			at := graph.Const(g, x)
			return graph.Sub(c.law(parts(theta), at), c.law(parts(graph.Const(g, c.truth)), at))
		}}
		start := slices.Repeat([]float64{1}, len(c.truth))
		for _, method := range []optim.Method{optim.LevenbergMarquardt{}, optim.Auto{}} {
			r := minimize(t, obj, start, method, optim.Options{MaxIterations: 250})
			for i, v := range c.truth {
				if !(math.Abs(r.Theta[i]/v-1) < 1e-4) {
					t.Errorf("%s of %s: θ = %v, expected %v: %s", method.Name(), name, r.Theta, c.truth, r)
					break
				}
			}
		}
	}
}
