package optim_test

import (
	"context"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

var stochasticMethods = map[string]optim.Method{
	"mini-batch Adam":    optim.MiniBatch{Method: optim.Adam{Rate: 0.02}, Batches: objective.Batches{Size: 8, Seed: 3}, Measure: 6},
	"accumulated":        optim.MiniBatch{Method: optim.Momentum{Rate: 0.01}, Batches: objective.Batches{Size: 4, Seed: 3}, Accumulate: 3, Measure: 6},
	"SGD":                optim.SGD{Rate: 0.02, Momentum: 0.5, Schedule: optim.InverseTime{Every: 50}, Batches: objective.Batches{Size: 5, WithReplacement: true}, Measure: 6},
	"SVRG":               optim.SVRG{Rate: 0.02, Batches: objective.Batches{Size: 8}, Every: 6},
	"SARAH":              optim.SARAH{Rate: 0.02, Batches: objective.Batches{Size: 8}, Every: 6},
	"SAGA":               optim.SAGA{Rate: 0.02, Blocks: 4, Measure: 6},
	"norm test":          optim.NormTest{Method: optim.GradientDescent{Rate: 0.02}, Batches: objective.Batches{Size: 5}, Measure: 6},
	"multi-batch L-BFGS": optim.MultiBatchLBFGS{Batches: objective.Batches{Size: 16}, Measure: 6},
}

// onXLA are those that are run on XLA as well, which takes a second or two for each to compile.
var onXLA = []string{"accumulated", "SAGA"}

func eachStochastic(t *testing.T, test func(t *testing.T, b compute.Backend, name string, m optim.Method)) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for name, m := range stochasticMethods {
			if !strings.HasSuffix(t.Name(), "/xla") || slices.Contains(onXLA, name) {
				test(t, b, name, m)
			}
		}
	})
}

// TestStochasticRecords: records with Batch 0 have the loss of all samples, and the result is the best of them or the last
// iterate; batches have the size that was asked for.
func TestStochasticRecords(t *testing.T) {
	l := newLeastSquares(0.5)
	eachStochastic(t, func(t *testing.T, b compute.Backend, name string, m optim.Method) {
		losses := map[int]float64{} // of all samples
		r := minimize(t, l.objective(b), make([]float64, lsDim), m, optim.Options{
			MaxIterations: 26, MonitorEvery: 1,
			Monitor: func(_ context.Context, theta *tensors.Tensor) (map[string]float64, error) {
				return map[string]float64{"all": l.loss(tensors.MustCopyFlatData[float64](theta))}, nil
			},
		})
		at, values := r.History.Metric("all")
		lowest := math.Inf(1)
		for k, i := range at {
			losses[int(i)] = values[k]
		}
		noisy := 0
		for i, rec := range r.History.Records {
			if full := i%6 == 0; full != (rec.Batch == 0) {
				t.Errorf("%s: record %d has Batch %d", name, i, rec.Batch)
			}
			off := math.Abs(rec.Loss - losses[i])
			if rec.Batch == 0 {
				lowest = min(lowest, rec.Loss)
				if off > 1e-12 {
					t.Errorf("%s: measured loss %v at iteration %d, want %v", name, rec.Loss, i, losses[i])
				}
			} else if off > 1e-3 {
				noisy++
			}
			if i > 0 && !(rec.Step > 0) {
				t.Errorf("%s: step %v to iterate %d", name, rec.Step, i)
			}
		}
		if noisy < 10 {
			t.Errorf("%s: %d of %d records have the loss of a batch", name, noisy, len(r.History.Records))
		}
		if full, _ := r.History.FullLosses(); !slices.Equal(full, []float64{0, 6, 12, 18, 24}) {
			t.Errorf("%s: measured at %v", name, full)
		}
		if want := min(lowest, r.Loss); r.Loss != want || math.Abs(l.loss(r.Theta)-r.Loss) > 1e-12 {
			t.Errorf("%s: the result has loss %v, but %v at its θ; the lowest measured is %v", name, r.Loss, l.loss(r.Theta), lowest)
		}
		if r.Loss > 0.7*losses[0] {
			t.Errorf("%s: loss %v after %v", name, r.Loss, losses[0])
		}
	})
}

// TestStochasticResume: resumed runs are the same as uninterrupted ones, bit for bit, and so are repeated ones.
func TestStochasticResume(t *testing.T) {
	l := newLeastSquares(0.5)
	eachStochastic(t, func(t *testing.T, b compute.Backend, name string, m optim.Method) {
		stops := []int{5, 18}
		if strings.HasSuffix(t.Name(), "/xla") { // each run takes time to compile
			if stops = stops[:1]; name != "SAGA" {
				return
			}
		}
		options := optim.Options{MaxIterations: 40}
		whole := minimize(t, l.objective(b), make([]float64, lsDim), m, options)
		for _, stop := range stops {
			options.CheckpointPath = filepath.Join(t.TempDir(), "run")
			first := options
			first.MaxIterations = stop
			minimize(t, l.objective(b), make([]float64, lsDim), m, first)
			c, err := optim.LoadCheckpoint(options.CheckpointPath)
			if err != nil {
				t.Fatal(err)
			}
			resumed, err := optim.Resume(context.Background(), l.objective(b), c, m, options)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(resumed.Theta, whole.Theta) || resumed.Loss != whole.Loss || resumed.Evaluations != whole.Evaluations {
				t.Errorf("%s, resumed at %d: %s, want %s", name, stop, resumed, whole)
			}
			if !reflect.DeepEqual(withoutTime(resumed.History), withoutTime(whole.History)) {
				t.Errorf("%s, resumed at %d: the history differs", name, stop)
			}
		}
	})
}

// TestStochasticSeeds: the seed chooses the batches.
func TestStochasticSeeds(t *testing.T) {
	l := newLeastSquares(0.5)
	run := func(seed uint64, replace bool) []float64 {
		m := optim.SGD{Batches: objective.Batches{Size: 8, Seed: seed, WithReplacement: replace}}
		return minimize(t, l.objective(pureGo(t)), make([]float64, lsDim), m, optim.Options{MaxIterations: 20}).Theta
	}
	first := run(1, false)
	if !slices.Equal(first, run(1, false)) {
		t.Error("two runs with one seed differ")
	}
	if slices.Equal(first, run(2, false)) || slices.Equal(first, run(1, true)) {
		t.Error("runs with different batches are the same")
	}
}

// TestStochasticGroups: methods work on several groups, of which one is a mean and one a sum.
func TestStochasticGroups(t *testing.T) {
	b := pureGo(t)
	exact := []float64{4, 0, 0, 0} // u = 4 sin ½x
	for name, m := range map[string]optim.Method{
		"mini-batch Adam":    optim.MiniBatch{Method: optim.Adam{Rate: 0.05}, Batches: objective.Batches{Size: 10}},
		"SVRG":               optim.SVRG{Rate: 2e-3, Batches: objective.Batches{Size: 10}},
		"SAGA":               optim.SAGA{Rate: 2e-3, Blocks: 6},
		"multi-batch L-BFGS": optim.MultiBatchLBFGS{Batches: objective.Batches{Size: 20}},
	} {
		r := minimize(t, twoGroups(b), []float64{1, 1, 1, 1}, m, optim.Options{MaxIterations: 4000, LossTolerance: 1e-3})
		if r.Status != optim.LossReached || floats.Distance(r.Theta, exact, 2) > 0.1 {
			t.Errorf("%s: %s, θ = %v", name, r, r.Theta)
		}
	}
}

func TestStochasticSettings(t *testing.T) {
	b := pureGo(t)
	l := newLeastSquares(0)
	start := make([]float64, lsDim)
	for _, c := range []struct {
		method optim.Method
		word   string
	}{
		{optim.MiniBatch{Batches: objective.Batches{Size: -1}}, "MiniBatch.Batches.Size is -1"},
		{optim.MiniBatch{Accumulate: -1}, "MiniBatch.Accumulate is -1"},
		{optim.MiniBatch{Measure: -1}, "MiniBatch.Measure is -1"},
		{optim.MiniBatch{Method: optim.LBFGS{}}, `MiniBatch.Method is "L-BFGS"`},
		{optim.MiniBatch{Method: optim.SVRG{}}, `MiniBatch.Method is "SVRG"`},
		{optim.MiniBatch{Method: optim.Adam{Rate: -1}}, "Adam.Rate is -1"},
		{optim.SGD{Rate: -1}, "SGD.Rate is -1"},
		{optim.SGD{Momentum: 1}, "SGD.Momentum is 1"},
		{optim.SGD{Schedule: optim.InverseTime{Every: -1}}, "InverseTime.Every is -1"},
		{optim.SVRG{Rate: math.NaN()}, "SVRG.Rate is NaN"},
		{optim.SVRG{Every: -1}, "SVRG.Every is -1"},
		{optim.SARAH{Every: -1}, "SARAH.Every is -1"},
		{optim.SAGA{Rate: -1}, "SAGA.Rate is -1"},
		{optim.SAGA{Blocks: 7}, "SAGA.Blocks is 7"},
		{optim.SAGA{Measure: -1}, "SAGA.Measure is -1"},
		{optim.NormTest{Theta: -1}, "NormTest.Theta is -1"},
		{optim.NormTest{Growth: 1}, "NormTest.Growth is 1"},
		{optim.NormTest{Method: optim.LBFGS{}}, `NormTest.Method is "L-BFGS"`},
		{optim.MultiBatchLBFGS{Memory: -1}, "MultiBatchLBFGS.Memory is -1"},
		{optim.MultiBatchLBFGS{Overlap: 1}, "MultiBatchLBFGS.Overlap is 1"},
	} {
		mustFail(t, l.objective(b), start, c.method, optim.Options{}, c.word)
	}
	for _, m := range stochasticMethods {
		obj := l.objective(b)
		obj.Samples = nil
		mustFail(t, obj, start, m, optim.Options{}, "Objective.Samples is nil")
		zero := reflect.Zero(reflect.TypeOf(m)).Interface().(optim.Method) // all settings have defaults
		minimize(t, l.objective(b), start, zero, optim.Options{MaxIterations: 1})
	}
	for word, samples := range map[string][]objective.Samples{
		`"a" has 0 rows`:                {{Name: "a"}},
		`"a" names tensor 3`:            {{Name: "a", Rows: lsRows, Data: []int{0, 3}}},
		`"a": tensor 1 of Data has`:     {{Name: "a", Rows: 5, Data: []int{1}}},
		`Objective.Samples "a" and "b"`: {{Name: "a", Rows: lsRows, Data: []int{1}}, {Name: "b", Rows: lsRows, Data: []int{1}}},
		"in Scales, but not in Data":    {{Name: "a", Rows: lsRows, Data: []int{0, 1}, Scales: []int{2}}},
	} {
		obj := l.objective(b)
		obj.Samples = samples
		mustFail(t, obj, start, optim.SGD{}, optim.Options{}, word)
	}
}

// TestStochasticAdaptation: after a change of the data the result is one of the new objective.
func TestStochasticAdaptation(t *testing.T) {
	l := newLeastSquares(0.5)
	for name, m := range stochasticMethods {
		obj := l.objective(pureGo(t))
		s := &doubling{}
		obj.Adaptation = s
		r := minimize(t, obj, make([]float64, lsDim), m, optim.Options{MaxIterations: 20})
		twice := l
		twice.b = mat.NewVecDense(lsRows, s.rhs)
		if want := twice.loss(r.Theta); math.Abs(r.Loss-want) > 1e-12*want {
			t.Errorf("%s: loss %v, of the last objective it is %v", name, r.Loss, want)
		}
		if len(r.History.Records) != 20 || r.History.Records[8].Batch != 0 || r.History.Records[7].Batch == 0 {
			t.Errorf("%s: %d records; want a measurement at the change of data", name, len(r.History.Records))
		}
	}
}

// doubling replaces the right side by twice as much at iteration 8.
type doubling struct{ rhs []float64 }

func (d *doubling) Begin() objective.Adapter { return d }

func (d *doubling) Every() int { return 8 }
func (d *doubling) Adapt(ctx context.Context, now objective.Iterate) ([]*tensors.Tensor, error) {
	if now.Iteration != 8 {
		return nil, nil
	}
	d.rhs = tensors.MustCopyFlatData[float64](now.Data[1])
	floats.Scale(2, d.rhs)
	now.Data[1] = tensors.FromValue(d.rhs)
	return now.Data, nil
}
func (d *doubling) Save() ([]byte, error) { return nil, nil }
func (d *doubling) Load([]byte) error     { return nil }

// TestStochasticStops: tolerances, NaN, and a hybrid.
func TestStochasticStops(t *testing.T) {
	b := pureGo(t)
	l := newLeastSquares(0)
	start := make([]float64, lsDim)
	sgd := optim.SGD{Rate: 0.05, Batches: objective.Batches{Size: 8}, Measure: 20}
	r := minimize(t, l.objective(b), start, sgd, optim.Options{LossTolerance: 1e-6})
	if r.Status != optim.LossReached || r.Loss > 1e-6 || r.History.Last().Batch != 0 || r.Iterations%20 != 0 {
		t.Errorf("%s, last record of %d samples", r, r.History.Last().Batch)
	}
	r = minimize(t, l.objective(b), start, optim.SGD{Rate: 10, Batches: objective.Batches{Size: 8}}, optim.Options{})
	if r.Status != optim.NonFinite || !slices.Equal(r.Theta, start) || math.Abs(r.Loss-l.loss(start)) > 1e-12 {
		t.Errorf("with a rate that is too large: %s", r)
	}
	r = minimize(t, l.objective(b), start, optim.Hybrid{{Method: sgd, Until: optim.Iterations(50)}, {Method: optim.LBFGS{}}}, optim.Options{GradientTolerance: 1e-10})
	if r.Status != optim.GradientSmall || floats.Distance(r.Theta, l.solution, 2) > 1e-8 {
		t.Errorf("a hybrid: %s", r)
	}
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	r, err := optim.Minimize(canceled, l.objective(b), start, sgd, optim.Options{})
	if err != nil || r.Status != optim.Canceled || !slices.Equal(r.Theta, start) || len(r.History.Records) != 0 {
		t.Errorf("canceled before the start: %v, error %v", r, err)
	}
}

func TestStochasticFloat32(t *testing.T) {
	l := newLeastSquares(0.5)
	narrow := func(values []float64) []float32 {
		out := make([]float32, len(values))
		for i, v := range values {
			out[i] = float32(v)
		}
		return out
	}
	obj := l.objective(pureGo(t))
	for i, d := range obj.Data {
		obj.Data[i] = tensors.FromFlatDataAndDimensions(narrow(tensors.MustCopyFlatData[float64](d)), d.Shape().Dimensions...)
	}
	obj.DType = dtypes.Float32
	for name, m := range stochasticMethods {
		r := minimize(t, obj, make([]float64, lsDim), m, optim.Options{MaxIterations: 200})
		if r.Loss > 2*l.minimum {
			t.Errorf("%s: %s, the minimum is %v", name, r, l.minimum)
		}
	}
}

// TestAccumulation: small batches make the steps of large ones with the same samples.
func TestAccumulation(t *testing.T) {
	run := func(size, accumulate, iterations int) ([]float64, []optim.Record) {
		m := optim.MiniBatch{Method: optim.Adam{Rate: 0.1}, Batches: objective.Batches{Size: size}, Accumulate: accumulate, Measure: 5}
		r, err := optim.Minimize(t.Context(), newLeastSquares(0.5).objective(pureGo(t)), make([]float64, lsDim), m, optim.Options{MaxIterations: iterations})
		if err != nil {
			t.Fatal(err)
		}
		return r.Theta, r.History.Records
	}
	large, records := run(8, 1, 12)
	small, same := run(4, 2, 12)
	for i := range large {
		if math.Abs(large[i]-small[i]) > 1e-13 {
			t.Errorf("θ = %v by batches of 8, %v by two of 4", large, small)
			break
		}
	}
	for k := range records {
		if math.Abs(records[k].Loss-same[k].Loss) > 1e-12 || records[k].Batch != same[k].Batch || records[k].Evaluations != same[k].Evaluations {
			t.Errorf("record %d: %+v by batches of 8, %+v by two of 4", k, records[k], same[k])
		}
	}
	// 8 of 64 samples a step, and all of them every 5 iterations: 1.5 and 3, rounded down.
	if got := records[len(records)-1].Evaluations; got != 4 {
		t.Errorf("%d evaluations, want 4", got)
	}
}
