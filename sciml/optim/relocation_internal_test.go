package optim

import (
	"context"
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// valley is Σ 10ⁱ(1 − cos(θᵢ − θᵢ₊₁/2)) with residuals √2·10^(i/2)·sin((θᵢ − θᵢ₊₁/2)/2).
func valley(t *testing.T) *objective.Objective {
	t.Helper()
	const dim = 6
	return &objective.Objective{Backend: goBackend(t), Dim: dim, Residual: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
		second := graph.Concatenate([]*graph.Node{graph.Slice(theta, graph.AxisRange(1, dim)), graph.ZerosLike(graph.Slice(theta, graph.AxisRange(0, 1)))}, 0)
		difference := graph.MulScalar(graph.Sub(theta, graph.MulScalar(second, 0.5)), 0.5)
		scales := make([]float64, dim)
		for i := range scales {
			scales[i] = math.Sqrt(2 * math.Pow(10, float64(i)))
		}
		return graph.Mul(graph.Const(theta.Graph(), scales), graph.Sin(difference))
	}}
}

// turns is an itinerary of methods that take turns, so many iterations each.
type turns struct {
	methods []Method
	length  int
	At      int
}

func (p *turns) Name() string { return "turns" }

func (p *turns) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	return startPhases(obj, theta, &turns{methods: p.methods, length: p.length}, "")
}
func (p *turns) method() Method                                 { return p.methods[p.At] }
func (p *turns) seat() int                                      { return p.At }
func (p *turns) resident(seat int) Method                       { return p.methods[seat] }
func (p *turns) final() bool                                    { return false }
func (p *turns) next(int) int                                   { return p.length }
func (p *turns) leave(*course, *tensors.Tensor) (string, error) { return "its turn is over", nil }
func (p *turns) unsuited() bool                                 { return false }
func (p *turns) advance(*course, Status)                        { p.At = (p.At + 1) % len(p.methods) }
func (p *turns) ahead() []Method                                { return nil }
func (p *turns) save() ([]byte, error)                          { return encode(p.At) }
func (p *turns) restore(data []byte) (err error) {
	p.At, err = decode[int](data)
	return err
}

var valleyStart = []float64{0.5, -0.4, 0.3, 0.6, -0.5, 0.2}

// TestRelocate: a quasi-Newton method that another one has moved goes on with the curvature that it knows, and Levenberg–
// Marquardt with its damping, so that they get there earlier than from nothing.
func TestRelocate(t *testing.T) {
	for _, m := range []Method{SSBroyden{}, LBFGS{}, LevenbergMarquardt{Fall: 2, Scaling: UnitScaling}} {
		obj := valley(t)
		count := func(again func(s Stepper, theta *tensors.Tensor) (bool, error)) int {
			s, err := m.Start(obj, device.Vector(obj.Precision(), valleyStart))
			if err != nil {
				t.Fatal(err)
			}
			for range 15 {
				if _, err := s.Advance(context.Background(), 1, Goal{Loss: math.Inf(-1)}); err != nil {
					t.Fatal(err)
				}
			}
			moved := slices.Clone(valleyStart)
			for i := range moved {
				moved[i] *= 0.5
			}
			if can, err := again(s, device.Vector(obj.Precision(), moved)); err != nil || !can {
				t.Fatalf("%s goes on from elsewhere: %v, %v", m.Name(), can, err)
			}
			made := 0
			for made < 300 {
				p, err := s.Advance(context.Background(), 1, Goal{Loss: math.Inf(-1), Gradient: 1e-6})
				if err != nil {
					t.Fatal(err)
				}
				if made += p.Iterations; p.Status != Running {
					return made
				}
			}
			t.Fatalf("%s has not come to its end", m.Name())
			return 0
		}
		anew := count(func(s Stepper, theta *tensors.Tensor) (bool, error) {
			r, ok := s.(Restarter)
			if !ok {
				return false, nil
			}
			return true, r.Restart(theta)
		})
		if kept := count(relocate); kept >= anew {
			t.Errorf("%s: %d iterations with what it knew, %d without", m.Name(), kept, anew)
		}
	}
}

// TestRestingResumes: what resting methods know is part of a checkpoint.
func TestRestingResumes(t *testing.T) {
	method := &turns{methods: []Method{SSBroyden{}, LevenbergMarquardt{}}, length: 2}
	run := func(options Options) *Result {
		r, err := Minimize(context.Background(), valley(t), valleyStart, method, options)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	whole := run(Options{MaxIterations: 9})
	for stop := 2; stop < 8; stop++ {
		options := Options{MaxIterations: stop, CheckpointPath: t.TempDir() + "/run"}
		run(options)
		c, err := LoadCheckpoint(options.CheckpointPath)
		if err != nil {
			t.Fatal(err)
		}
		options.MaxIterations = 9
		resumed, err := Resume(context.Background(), valley(t), c, method, options)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(resumed.Theta, whole.Theta) {
			t.Errorf("resumed at %d: %v, want %v", stop, resumed.Theta, whole.Theta)
		}
	}
}
