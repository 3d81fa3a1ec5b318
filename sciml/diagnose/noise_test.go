package diagnose_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/diagnose"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/objective"
)

// mean is the mean of (θ − aₙ)² over numbers a, or 0, 1, …, 59. The gradient of a batch is 2(θ − ā), and the variance of those 60 is
// (60² − 1)/12.
func mean(b compute.Backend, a ...float64) *objective.Objective {
	if a == nil {
		for n := range 60 {
			a = append(a, float64(n))
		}
	}
	return &objective.Objective{
		Backend: b, Dim: 1, Data: []*tensors.Tensor{tensors.FromValue(a)}, Samples: []objective.Samples{{Name: "numbers", Rows: len(a), Data: []int{0}}},
		Loss: func(theta *graph.Node, data []*graph.Node) *graph.Node {
			return graph.ReduceAllMean(graph.Square(graph.Sub(graph.BroadcastToDims(theta, data[0].Shape().Size()), data[0])))
		},
	}
}

func TestNoiseBySize(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		const one, gradient = 4 * 3599. / 12, 2 * 29.5 // at θ = 0
		for _, replace := range []bool{false, true} {
			got, err := diagnose.NoiseBySize(context.Background(), mean(b), []float64{0}, []int{30, 1, 5, 5}, objective.Batches{Seed: 1, WithReplacement: replace}, 600)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != 3 {
				t.Fatalf("%d sizes, want 3", len(got))
			}
			for i, size := range []float64{1, 5, 30} {
				want := one / size / gradient / gradient
				if !replace {
					want *= (60 - size) / 59
				}
				if n := got[i]; n.Size != int(size) || math.Abs(n.Relative-want) > 0.15*want || math.Abs(n.Law-want) > 0.1*want {
					t.Errorf("with replacement %v: %+v, want about %v", replace, n, want)
				}
			}
			if replace {
				continue
			}
			exact, err := diagnose.NoiseBySize(context.Background(), mean(b), []float64{0}, []int{1}, objective.Batches{}, 0)
			if err != nil || math.Abs(exact[0].Relative-one/gradient/gradient) > 1e-12 || exact[0].Law != exact[0].Relative {
				t.Errorf("all batches of one sample: %+v and error %v, want %v", exact, err, one/gradient/gradient)
			}
		}
	})
}

func TestNoiseBySizeErrors(t *testing.T) {
	b := hostBackend(t)
	noise := func(o *objective.Objective, theta float64, sizes ...int) error {
		_, err := diagnose.NoiseBySize(context.Background(), o, []float64{theta}, sizes, objective.Batches{}, 0)
		return err
	}
	for word, err := range map[string]error{
		"no sizes":                                    noise(mean(b), 0),
		"a size of batches is 0":                      noise(mean(b), 0, 5, 0),
		"Batches.Size is 60":                          noise(mean(b), 0, 60),
		"θ has NaN at index 0":                        noise(mean(b), math.NaN(), 1),
		"the gradient is exactly zero":                noise(mean(b, -1, 1), 0, 1),
		"θ has 1 entries, expected Objective.Dim = 3": noise(valley(b), 0, 1),
	} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v, want one that mentions %q", err, word)
		}
	}
	_, err := diagnose.NoiseBySize(context.Background(), valley(b), []float64{1, 2, 3}, []int{1}, objective.Batches{}, 0)
	if !errors.Is(err, objective.ErrUnsuitable) {
		t.Errorf("without samples: error %v", err)
	}
}
