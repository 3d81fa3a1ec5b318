package optim_test

import (
	"context"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

// pulling moves the target of a linear least-squares problem a little whenever it is asked.
type pulling struct {
	every int
	asked []int
}

func (s *pulling) Every() int { return s.every }

func (s *pulling) Begin() objective.Adapter { return s }

func (s *pulling) Adapt(ctx context.Context, now objective.Iterate) ([]*tensors.Tensor, error) {
	if now.Iteration == 0 {
		return nil, nil
	}
	s.asked = append(s.asked, now.Iteration)
	return []*tensors.Tensor{tensors.FromValue([]float64{1, 2, float64(3 + len(s.asked))})}, nil
}

func (*pulling) Save() ([]byte, error) { return nil, nil }

func (*pulling) Load([]byte) error { return nil }

func pullingObjective(b compute.Backend) (*objective.Objective, *pulling) {
	obj := &objective.Objective{Backend: b, Dim: 3, Residual: func(theta *graph.Node, data []*graph.Node) *graph.Node {
		return graph.Add(graph.Sub(theta, data[0]), graph.MulScalar(graph.Square(theta), 0.1))
	}}
	obj.Data = []*tensors.Tensor{tensors.FromValue([]float64{1, 2, 3})}
	s := &pulling{every: 1000000}
	obj.Adaptation = s
	return obj, s
}

// TestAsking: a method that asks for a change of the objective gets it when it asks, also as a phase, and meets it.
func TestAsking(t *testing.T) {
	lm := optim.LevenbergMarquardt{AdaptEvery: 3}
	for name, m := range map[string]optim.Method{
		"alone": lm, "as a phase": optim.Hybrid{{Method: optim.GradientDescent{Rate: 1e-3}, Until: optim.Iterations(3)}, {Method: lm}},
	} {
		obj, s := pullingObjective(pureGo(t))
		r := minimize(t, obj, []float64{0, 0, 0}, m, optim.Options{MaxIterations: 12, GradientTolerance: 1e-300})
		want := []int{3, 6, 9}
		if name != "alone" {
			want = []int{6, 9}
		}
		if !slices.Equal(s.asked, want) {
			t.Errorf("%s: asked at %v, expected %v; %s", name, s.asked, want, r)
		}
	}
}

// TestLevenbergResume: bit for bit, also in the middle of what it asks for.
func TestLevenbergResume(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for _, m := range []optim.Method{
			optim.LevenbergMarquardt{}, optim.LevenbergMarquardt{Geodesic: true}, optim.ENGD{},
		} {
			checkResume(t, b, m, 4)
			checkResume(t, b, m, 8)
			if b.String() != pureGo(t).String() {
				break // compiles for long
			}
		}
	})
}
