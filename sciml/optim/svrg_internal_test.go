package optim

import (
	"math"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/objective"
)

// TestVarianceReducedSteps follows SVRG, SARAH and SAGA in plain Go on the mean of ½cₙ(θ−xₙ)².
func TestVarianceReducedSteps(t *testing.T) {
	c, x := []float64{1, 3, 0.5, 2, 4, 1.5}, []float64{0, 1, -2, 3, 0.5, 2}
	const rate, every, steps = 0.1, 3, 8
	obj := &objective.Objective{
		Backend: goBackend(t), Dim: 1, Data: []*tensors.Tensor{tensors.FromValue(c), tensors.FromValue(x)},
		Loss: func(theta *graph.Node, data []*graph.Node) *graph.Node {
			r := graph.Sub(theta, data[1])
			return graph.MulScalar(graph.ReduceAllMean(graph.Mul(data[0], graph.Square(r))), 0.5)
		},
		Samples: []objective.Samples{{Rows: 6, Data: []int{0, 1}}},
	}
	gradient := func(rows []int32, theta float64) float64 {
		total := 0.0
		for _, n := range rows {
			total += c[n] * (theta - x[n]) / float64(len(rows))
		}
		return total
	}
	all := []int32{0, 1, 2, 3, 4, 5}
	batches := objective.Batches{Size: 2, Seed: 4}
	saga := SAGA{Rate: rate, Blocks: 3, Seed: 4, WithReplacement: true}
	drawn := func(s *objective.Sampler) (rows [][]int32, blocks []int32) {
		tensorsOf := s.Next(steps, steps)
		flat := tensors.MustCopyFlatData[int32](tensorsOf[0])
		for k := range steps {
			rows = append(rows, flat[2*k:2*k+2])
		}
		if len(tensorsOf) > 1 {
			blocks = tensors.MustCopyFlatData[int32](tensorsOf[1])
		}
		return rows, blocks
	}
	s, err := batches.Sampler(obj, "test")
	if err != nil {
		t.Fatal(err)
	}
	rows, _ := drawn(s)
	blockRows, blocks := drawn(objective.NewBlockSampler(obj, saga.Blocks, saga.Seed, saga.WithReplacement))

	var snapshot, full, before, estimate float64 // of SVRG and SARAH
	var table [3]float64                         // of SAGA
	for name, method := range map[string]struct {
		Method
		estimate func(k int, theta float64) float64
	}{
		"SVRG": {SVRG{Rate: rate, Every: every, Batches: batches}, func(k int, theta float64) float64 {
			if k%every == 0 {
				snapshot, full = theta, gradient(all, theta)
			}
			return gradient(rows[k], theta) - gradient(rows[k], snapshot) + full
		}},
		"SARAH": {SARAH{Rate: rate, Every: every, Batches: batches}, func(k int, theta float64) float64 {
			if k%every == 0 {
				estimate = gradient(all, theta)
			} else {
				estimate += gradient(rows[k], theta) - gradient(rows[k], before)
			}
			before = theta
			return estimate
		}},
		"SAGA": {saga, func(k int, theta float64) float64 {
			mean := (table[0] + table[1] + table[2]) / 3
			fresh, old := gradient(blockRows[k], theta), table[blocks[k]]
			table[blocks[k]] = fresh
			return fresh - old + mean
		}},
	} {
		theta := 5.0
		stepper, err := method.Start(obj, tensors.FromValue([]float64{theta}))
		if err != nil {
			t.Fatal(err)
		}
		for k := range steps {
			p, err := stepper.Advance(t.Context(), 1, Goal{Loss: math.Inf(-1)})
			if err != nil {
				t.Fatal(err)
			}
			want := method.estimate(k, theta)
			theta -= rate * want
			got := tensors.MustCopyFlatData[float64](stepper.Current())[0]
			if math.Abs(got-theta) > 1e-14 || math.Abs(p.Records[0].GradientNorm-math.Abs(want)) > 1e-14 && p.Records[0].Batch > 0 {
				t.Errorf("%s: θ after %d steps is %.16g, want %.16g (%+v)", name, k+1, got, theta, p.Records)
			}
		}
	}
}
