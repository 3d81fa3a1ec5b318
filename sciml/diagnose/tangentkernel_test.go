package diagnose_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/diagnose"
	"github.com/gosciml/gosciml/sciml/objective"
)

// TestTangentKernel compares all rows, some and those of a term with 2JJᵀ of finite differences.
func TestTangentKernel(t *testing.T) {
	obj, theta := poisson(t)
	r := residual(t, obj)
	j := differences(r, theta)
	want := mat.NewDense(14, 14, product(2, j, j.T()))
	k := got[*diagnose.TangentKernel](t)(diagnose.NewTangentKernel(ctx, obj, theta))
	near(t, "kernel", flat(k.Matrix), flat(want), 1e-8)
	near(t, "residual", k.Residual, r(theta), 1e-14)
	mode := mat.NewDense(14, 1, k.Mode(2))
	near(t, "Θq", product(1, k.Matrix, mode), product(k.Values[2], mode, mat.NewDense(1, 1, []float64{1})), 1e-10)

	rows := []int{0, 3, 4, 11, 13}
	some := got[*diagnose.TangentKernel](t)(diagnose.NewTangentKernel(ctx, obj, theta, rows...))
	for i, row := range rows {
		for c, column := range rows {
			near(t, "some rows", []float64{some.Matrix.At(i, c)}, []float64{want.At(row, column)}, 1e-7)
		}
		near(t, "residual of some", []float64{some.Residual[i]}, []float64{k.Residual[row]}, 1e-14)
	}
	if _, err := some.Decay(0.1, 1); !errors.Is(err, objective.ErrUnsuitable) {
		t.Errorf("the decay of some residuals: error %v, want one that is ErrUnsuitable", err)
	}

	if !slices.Equal(obj.Terms.Names, []string{k.Terms[0].Name, k.Terms[1].Name}) {
		t.Fatalf("the terms are %v, want %q", k.Terms, obj.Terms.Names)
	}
	equation, conditions := k.Terms[0].Name, k.Terms[1].Name
	cross := got[*mat.Dense](t)(k.Block(equation, conditions))
	near(t, "K_ru", flat(cross), flat(want.Slice(0, 12, 12, 14)), 1e-8)
	for _, name := range obj.Terms.Names {
		own := got[*diagnose.TangentKernel](t)(k.Term(name))
		alone := got[*diagnose.TangentKernel](t)(diagnose.NewTangentKernel(ctx, got[*objective.Objective](t)(obj.Term(name)), theta))
		near(t, "kernel of "+name, flat(own.Matrix), flat(alone.Matrix), 1e-12)
		near(t, "eigenvalues of "+name, own.Values, alone.Values, 1e-12)
		near(t, "residual of "+name, own.Residual, alone.Residual, 1e-14)
		near(t, "observed of "+name, got[[]float64](t)(own.Observed(theta)), got[[]float64](t)(alone.Decay(1, 0)), 1e-8)
	}
	if _, err := k.Term("none"); err == nil || !strings.Contains(err.Error(), equation) {
		t.Errorf("error %v, want one that names the terms", err)
	}
	for _, wrong := range [][]int{{-1}, {14}, {3, 3}, {4, 2}} {
		if _, err := diagnose.NewTangentKernel(ctx, obj, theta, wrong...); err == nil || !strings.Contains(err.Error(), "ascending numbers from 0 to 13") {
			t.Errorf("rows %v: error %v, want one that says what was expected", wrong, err)
		}
	}

	// The matrix by products has the same eigenvalues, and the Gauss–Newton matrix those above zero.
	byProducts := got[*diagnose.Spectrum](t)(got[*diagnose.Matrix](t)(diagnose.Kernel(ctx, obj, theta)).Spectrum())
	near(t, "eigenvalues by products", byProducts.Eigenvalues, k.Values, 1e-12)
	normal := got[*diagnose.Spectrum](t)(got[*diagnose.Matrix](t)(diagnose.GaussNewton(ctx, obj, theta)).Spectrum())
	near(t, "eigenvalues of 2JᵀJ", normal.Eigenvalues[:14], k.Values, 1e-12)
	near(t, "spectrum of the kernel", got[*diagnose.Spectrum](t)(k.Spectrum()).Eigenvalues, k.Values, 0)
}

// TestDecayOfLinearModel: gradient descent on a linear model does what its kernel predicts, to rounding.
func TestDecayOfLinearModel(t *testing.T) {
	obj, theta := linear(t, 9, 5)
	k := got[*diagnose.TangentKernel](t)(diagnose.NewTangentKernel(ctx, obj, theta))
	const steps = 40
	for _, alpha := range []float64{1 / k.Values[0], 1.9 / k.Values[0], 2.05 / k.Values[0]} {
		last := descend(t, obj, theta, alpha, steps)
		near(t, "modes", got[[]float64](t)(k.Observed(last)), got[[]float64](t)(k.Decay(alpha, steps)), 1e-12)
		near(t, "residual", got[[]float64](t)(k.Predict(alpha, steps)), residual(t, obj)(last), 1e-12)
	}
}

// descend takes steps of gradient descent.
func descend(t *testing.T, obj *objective.Objective, theta []float64, alpha float64, steps int) []float64 {
	t.Helper()
	evaluator := got[*objective.Evaluator](t)(objective.NewEvaluator(obj))
	theta = slices.Clone(theta)
	for range steps {
		_, gradient, err := evaluator.At(theta)
		noError(t, err)
		for i, g := range gradient {
			theta[i] -= alpha * g
		}
	}
	return theta
}

// TestDecayOfNetwork: with small steps, a few of them, the kernel of the start predicts what becomes of a network's residual, and the less
// of a way it goes the better.
func TestDecayOfNetwork(t *testing.T) {
	obj, theta := poisson(t)
	k := got[*diagnose.TangentKernel](t)(diagnose.NewTangentKernel(ctx, obj, theta))
	r := residual(t, obj)
	off := func(alpha float64, steps int) (wrong, moved float64) {
		predicted := got[[]float64](t)(k.Predict(alpha, steps))
		for i, v := range r(descend(t, obj, theta, alpha, steps)) {
			wrong = math.Hypot(wrong, v-predicted[i])
			moved = math.Hypot(moved, v-k.Residual[i])
		}
		return wrong, moved
	}
	wrong, moved := off(0.02/k.Values[0], 50)
	if !(wrong < 0.1*moved) {
		t.Errorf("the residual moves by %g, and is predicted to %g: want a tenth", moved, wrong)
	}
	less, _ := off(0.002/k.Values[0], 50)
	if !(less < wrong/20) {
		t.Errorf("with a tenth of the step the prediction is off by %g instead of %g: want a hundredth, as it is of first order", less, wrong)
	}
}

// TestKernelChange: a kernel is itself; one of a larger loss is a multiple; another one is another.
func TestKernelChange(t *testing.T) {
	obj, theta := poisson(t)
	k := got[*diagnose.TangentKernel](t)(diagnose.NewTangentKernel(ctx, obj, theta))
	moved := slices.Clone(theta)
	for i, v := range normal(len(theta), 9) {
		moved[i] += 0.1 * v
	}
	other := got[*diagnose.TangentKernel](t)(diagnose.NewTangentKernel(ctx, obj, moved))
	var difference mat.Dense
	difference.Sub(other.Matrix, k.Matrix)
	change := got[diagnose.KernelChange](t)(k.Change(other))
	near(t, "relative change", []float64{change.Relative}, []float64{mat.Norm(&difference, 2) / mat.Norm(k.Matrix, 2)}, 1e-12)
	var inner mat.Dense
	inner.MulElem(k.Matrix, other.Matrix)
	near(t, "cosine", []float64{change.Cosine}, []float64{mat.Sum(&inner) / mat.Norm(k.Matrix, 2) / mat.Norm(other.Matrix, 2)}, 1e-12)
	if same := got[diagnose.KernelChange](t)(k.Change(k)); same.Relative != 0 || math.Abs(same.Cosine-1) > 1e-14 {
		t.Errorf("a kernel differs from itself: %+v", same)
	}
	term := got[*diagnose.TangentKernel](t)(k.Term(k.Terms[0].Name))
	if _, err := k.Change(term); err == nil || !strings.Contains(err.Error(), "expected the same 14") {
		t.Errorf("error %v, want one that tells the rows", err)
	}
}

// TestKernelOfInteractingResiduals: where J cannot be had as a matrix, products make the kernel row by row.
func TestKernelOfInteractingResiduals(t *testing.T) {
	const rows, columns = 300, 70
	obj, _ := linear(t, rows, columns)
	apply := obj.Residual
	obj.Residual = func(theta *graph.Node, data []*graph.Node) *graph.Node { // the same, but that such maxima have reverse mode alone
		r := apply(theta, data)
		places := graph.Iota(theta.Graph(), shapes.Make(dtypes.Int32, rows, 1), 0)
		return graph.ScatterMax(graph.MulScalar(graph.OnesLike(r), -1e3), places, r, true, true)
	}
	theta := normal(columns, 5)
	linearizer := got[*objective.Linearizer](t)(objective.NewLinearizer(obj, 0))
	at := got[*objective.Linearization](t)(linearizer.At(theta))
	if _, err := at.Kernel(); !errors.Is(err, objective.ErrUnsuitable) {
		t.Fatalf("error %v, want one that is ErrUnsuitable: this objective is for what to do then", err)
	}
	j := differences(residual(t, obj), theta)
	want := product(2, j, j.T())
	near(t, "tangent kernel", flat(got[*diagnose.TangentKernel](t)(diagnose.NewTangentKernel(ctx, obj, theta)).Matrix), want, 1e-7)
	for _, of := range []func(context.Context, *objective.Objective, []float64) (*diagnose.Matrix, error){diagnose.Kernel, diagnose.GaussNewton} {
		if _, err := of(ctx, obj, theta); !errors.Is(err, objective.ErrUnsuitable) {
			t.Errorf("error %v, want one that is ErrUnsuitable: products need forward mode", err)
		}
	}
}
