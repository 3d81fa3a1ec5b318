package optim

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// TestStepsInParts: one call for each part of a step makes the steps of one call for all of it, also to where the loss is NaN,
// when a goal is met, and when the stepper is begun anew; where a call fails, the iterates from before are still there.
func TestStepsInParts(t *testing.T) {
	broken := errors.New("broken")
	for name, m := range everyMethod() {
		for seed := range uint64(4) {
			b := backendtest.Watch(goBackend(t))
			dtype := []dtypes.DType{dtypes.Float64, dtypes.Float32}[seed%2]
			obj, start := curve(b, dtype, seed > 1)
			s, err := startAt(m, obj, start)
			if err != nil {
				t.Fatal(err)
			}
			whole, ok := s.(*fixedStep)
			if !ok {
				stop(s)
				break
			}
			if s, err = startAt(m, obj, start); err != nil {
				t.Fatal(err)
			}
			parts := s.(*fixedStep)
			if err := parts.callForEachPart(); err != nil {
				t.Fatal(err)
			}
			rng := rand.New(rand.NewPCG(seed, 7))
			for k := range 12 {
				op, n, goal := rng.IntN(6), 1+rng.IntN(4), endless
				if rng.IntN(3) == 0 {
					goal.Loss = 1.5
				}
				var got [2]string
				for i, s := range []*fixedStep{whole, parts} {
					var p Progress
					best, _ := s.Best()
					switch op {
					case 0:
						s.Refresh()
					case 1:
						err = s.Restart(best)
					default:
						p, err = s.Advance(context.Background(), n, goal)
					}
					if err != nil {
						t.Fatal(err)
					}
					got[i] = fmt.Sprintf("%+v %s", p, iteratesOf(t, s))
				}
				if got[0] != got[1] {
					t.Errorf("%s, seed %d, move %d:\n%s\n%s", name, seed, k, got[0], got[1])
				}
			}
			for failing := range 3 {
				before, calls := iteratesOf(t, parts), 0
				b.Fail = func(string) error {
					if calls++; calls == failing+1 {
						return broken
					}
					return nil
				}
				if _, err := parts.Advance(context.Background(), 1, endless); !errors.Is(err, broken) {
					t.Errorf("%s: part %d fails with %v", name, failing, err)
				}
				if after := iteratesOf(t, parts); after != before {
					t.Errorf("%s: when part %d has failed:\n%s, before\n%s", name, failing, after, before)
				}
				b.Fail = nil
				if err := parts.Restart(whole.Current()); err != nil {
					t.Fatal(err)
				}
			}
			whole.Stop()
			parts.Stop()
			device.Free(obj.Data)
			if n := large(b, obj); n > 0 {
				t.Errorf("%s: %d tensors are left", name, n)
			}
		}
	}
}

// iteratesOf is the current iterate and the best one, in words.
func iteratesOf(t *testing.T, s Stepper) string {
	t.Helper()
	current, err := device.Numbers(s.Current())
	if err != nil {
		t.Fatal(err)
	}
	theta, loss := s.Best()
	best, err := device.Numbers(theta)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(current, best, loss)
}

// TestLargeVectors: from 8 MB on methods hold what they need and no more, of which one is the data.
func TestLargeVectors(t *testing.T) {
	const dim = 1 << 20
	weights := make([]float64, dim)
	for i := range weights {
		weights[i] = 1 + float64(i%7)
	}
	for name, c := range map[string]struct {
		method Method
		most   int
	}{
		// θ and the best one; m and v.
		"Adam": {Adam{Rate: 0.01}, 5},
		// θ, the one before and the best one, and their gradients; two pairs of s and y, and zeros for those that are not there.
		"L-BFGS": {LBFGS{Memory: 2}, 9},
		"hybrid": {Hybrid{{Adam{Rate: 0.01}, Iterations(2)}, {LBFGS{Memory: 1}, Iterations(2)}, {Momentum{Rate: 1e-9}, nil}}, 7},
	} {
		b := backendtest.Watch(backendtest.Best(t))
		obj := &objective.Objective{Backend: b, Dim: dim, Data: []*tensors.Tensor{device.Vector(dtypes.Float64, weights)}}
		obj.Loss = func(theta *graph.Node, data []*graph.Node) *graph.Node {
			return graph.ReduceAllSum(graph.Mul(data[0], graph.Square(graph.Square(graph.AddScalar(theta, -1)))))
		}
		s, err := startAt(c.method, obj, make([]float64, dim))
		if err != nil {
			t.Fatal(err)
		}
		var counts []int
		lowest := math.Inf(1)
		for k := range 8 {
			p, err := s.Advance(context.Background(), 1, endless)
			if err != nil || p.Status != Running {
				t.Fatalf("%s: %+v, error %v", name, p, err)
			}
			for _, rec := range p.Records {
				lowest = math.Min(lowest, rec.Loss)
			}
			if _, loss := s.Best(); loss != lowest {
				t.Errorf("%s: the lowest loss is %v, that of the best iterate %v", name, lowest, loss)
			}
			if k == 4 {
				s.Refresh()
				lowest = math.Inf(1)
			}
			counts = append(counts, large(b, obj))
		}
		if most := slices.Max(counts); most > c.most {
			t.Errorf("%s: %v large tensors after each iteration, want at most %d", name, counts, c.most)
		}
		stop(s)
		if n := large(b, obj); n != 1 {
			t.Errorf("%s: %d large tensors are left, want the data alone", name, n)
		}
		device.Free(obj.Data)
	}
}
