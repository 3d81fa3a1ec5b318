package optim_test

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/floats"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// TestSubsampledNewtonOnLeastSquares: f falls with each step to its minimum, with residuals and without, by Hessians of half
// of the samples and by those of fewer samples than parameters.
func TestSubsampledNewtonOnLeastSquares(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for _, noise := range []float64{0, 0.5} {
			l := newLeastSquares(noise)
			for _, c := range []struct {
				method     optim.SubsampledNewton
				iterations int
			}{
				{optim.SubsampledNewton{Fraction: 1, Forcing: 1e-10}, 2},
				{optim.SubsampledNewton{Fraction: 0.5}, 40},
				{optim.SubsampledNewton{Fraction: 0.5, Matrix: objective.GaussNewtonMatrix, Seed: 4}, 40},
				{optim.SubsampledNewton{Size: 16, Damping: 0.1, Search: search.Armijo{}}, 100},
				{optim.SubsampledNewton{}, 100},
			} {
				if strings.HasSuffix(t.Name(), "/xla") && (noise == 0 || c.method.Fraction != 0.5 || c.method.Seed == 0) {
					continue // much the same programs, which take XLA half a second each to compile
				}
				r := minimize(t, l.objective(b), make([]float64, lsDim), c.method, optim.Options{MaxIterations: c.iterations, GradientTolerance: 1e-7})
				if r.Status != optim.GradientSmall || r.Loss-l.minimum > 1e-13 || floats.Distance(r.Theta, l.solution, math.Inf(1)) > 1e-6 {
					t.Errorf("noise %v, %+v: %s, the minimum is %v", noise, c.method, r, l.minimum)
				}
				for i, rec := range r.History.Records[1:] {
					if before := r.History.Records[i]; rec.Loss > before.Loss*(1+1e-12) {
						t.Errorf("noise %v, %+v: the loss rises from %v to %v", noise, c.method, before.Loss, rec.Loss)
					}
				}
				checkHistory(t, "least squares", r)
			}
		}
	})
}

// TestSubsampledNewtonOfAll: with all samples it is NewtonCG, but for their order.
func TestSubsampledNewtonOfAll(t *testing.T) {
	obj := twoGroups(pureGo(t))
	start := []float64{1, -1, 0.5, 2}
	whole := minimize(t, obj, start, optim.NewtonCG{}, optim.Options{MaxIterations: 4})
	all := minimize(t, obj, start, optim.SubsampledNewton{Fraction: 1}, optim.Options{MaxIterations: 4})
	if floats.Distance(whole.Theta, all.Theta, math.Inf(1)) > 1e-9 || whole.Evaluations != all.Evaluations {
		t.Errorf("θ = %v after %d evaluations, want %v after %d", all.Theta, all.Evaluations, whole.Theta, whole.Evaluations)
	}
	// A direction of some products with a tenth of the samples counts as one evaluation more.
	tenth := minimize(t, obj, start, optim.SubsampledNewton{Size: 6, MaxProducts: 10, Search: search.Armijo{}}, optim.Options{MaxIterations: 1})
	if tenth.Evaluations > 3 || slices.Equal(tenth.Theta, start) {
		t.Errorf("%d evaluations for a step: %s", tenth.Evaluations, tenth)
	}
}

// TestSubsampledNewtonInSinglePrecision needs more steps than there are samples in a batch of few.
func TestSubsampledNewtonInSinglePrecision(t *testing.T) {
	l := newLeastSquares(0)
	obj := l.objective(pureGo(t))
	obj.DType = dtypes.Float32
	residual := obj.Residual
	obj.Residual = func(theta *graph.Node, data []*graph.Node) *graph.Node {
		narrow := make([]*graph.Node, len(data))
		for i, d := range data {
			narrow[i] = graph.ConvertDType(d, dtypes.Float32)
		}
		return residual(theta, narrow)
	}
	r := minimize(t, obj, make([]float64, lsDim), optim.SubsampledNewton{Fraction: 0.5}, optim.Options{MaxIterations: 60, LossTolerance: 1e-10})
	if r.Status != optim.LossReached || floats.Distance(r.Theta, l.solution, math.Inf(1)) > 1e-4 {
		t.Errorf("%s at %v, want %v", r, r.Theta, l.solution)
	}
}

func TestSubsampledNewtonResume(t *testing.T) {
	b, l := pureGo(t), newLeastSquares(0.5)
	method := optim.SubsampledNewton{Size: 12, Seed: 3}
	whole := minimize(t, l.objective(b), make([]float64, lsDim), method, optim.Options{MaxIterations: 12})
	for _, stop := range []int{1, 5} {
		resumed(t, b, method, stop, 12)
	}
	method.Seed = 4
	if other := minimize(t, l.objective(b), make([]float64, lsDim), method, optim.Options{MaxIterations: 12}); slices.Equal(other.Theta, whole.Theta) {
		t.Error("another seed makes no difference")
	}
}

// TestSubsampledNewtonAdaptation: the samples of changed data are used.
func TestSubsampledNewtonAdaptation(t *testing.T) {
	l := newLeastSquares(0)
	obj := l.objective(pureGo(t))
	s := &doublingTarget{}
	obj.Adaptation = s
	r := minimize(t, obj, make([]float64, lsDim), optim.SubsampledNewton{Fraction: 0.5}, optim.Options{MaxIterations: 60, GradientTolerance: 1e-9})
	want := slices.Clone(l.solution)
	floats.Scale(math.Pow(2, float64(s.count)), want)
	if s.count != 2 || floats.Distance(r.Theta, want, math.Inf(1)) > 1e-7 {
		t.Errorf("after %d changes: %s at %v, want %v", s.count, r, r.Theta, want)
	}
}

// doublingTarget doubles the right side of the least squares twice.
type doublingTarget struct{ count int }

func (d *doublingTarget) Begin() objective.Adapter { return d }

func (*doublingTarget) Every() int { return 3 }

func (d *doublingTarget) Adapt(ctx context.Context, now objective.Iterate) ([]*tensors.Tensor, error) {
	if now.Iteration == 0 || d.count == 2 {
		return nil, nil
	}
	d.count++
	target := tensors.MustCopyFlatData[float64](now.Data[1])
	floats.Scale(2, target)
	now.Data[1] = tensors.FromValue(target)
	return now.Data, nil
}

func (*doublingTarget) Save() ([]byte, error) { return nil, nil }
func (*doublingTarget) Load([]byte) error     { return nil }

func TestSubsampledNewtonSettings(t *testing.T) {
	b := pureGo(t)
	obj := newLeastSquares(0).objective(b)
	without := problems["Wood"].objective(b)
	energyOnly := twoGroups(b)
	for _, c := range []struct {
		obj    *objective.Objective
		method optim.SubsampledNewton
		word   string
	}{
		{obj, optim.SubsampledNewton{Fraction: 1.5}, "SubsampledNewton.Fraction is 1.5"},
		{obj, optim.SubsampledNewton{Fraction: -1}, "SubsampledNewton.Fraction is -1"},
		{obj, optim.SubsampledNewton{Size: -1}, "SubsampledNewton.Size is -1"},
		{obj, optim.SubsampledNewton{Size: 3, Fraction: 0.5}, "expected one of them"},
		{obj, optim.SubsampledNewton{Damping: -1}, "SubsampledNewton.Damping is -1"},
		{obj, optim.SubsampledNewton{Forcing: 2}, "SubsampledNewton.Forcing is 2"},
		{obj, optim.SubsampledNewton{MaxProducts: -2}, "SubsampledNewton.MaxProducts is -2"},
		{obj, optim.SubsampledNewton{Matrix: -1}, "SubsampledNewton.Matrix is -1"},
		{without, optim.SubsampledNewton{}, "Objective.Samples is nil"},
		{energyOnly, optim.SubsampledNewton{Matrix: objective.GaussNewtonMatrix}, "needs the residuals"},
		{problems["Wood"].ofHost(t), optim.SubsampledNewton{}, "products with the Hessian"},
	} {
		mustFail(t, c.obj, make([]float64, c.obj.Dim), c.method, optim.Options{}, c.word)
	}
}
