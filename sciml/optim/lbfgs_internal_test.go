package optim

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/floats"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// twoLoop is −H∇f by the two-loop recursion (Nocedal and Wright 2006, Algorithm 7.4) over the pairs, oldest first.
func twoLoop(gradient []float64, s, y [][]float64) []float64 {
	q := append([]float64(nil), gradient...)
	if len(s) == 0 {
		floats.Scale(-math.Min(1, 1/floats.Norm(q, 2)), q)
		return q
	}
	alpha := make([]float64, len(s))
	for i := len(s) - 1; i >= 0; i-- {
		alpha[i] = floats.Dot(s[i], q) / floats.Dot(s[i], y[i])
		floats.AddScaled(q, -alpha[i], y[i])
	}
	last := len(s) - 1
	floats.Scale(floats.Dot(s[last], y[last])/floats.Dot(y[last], y[last]), q)
	for i := range s {
		beta := floats.Dot(y[i], q) / floats.Dot(s[i], y[i])
		floats.AddScaled(q, alpha[i]-beta, s[i])
	}
	floats.Scale(-1, q)
	return q
}

// TestCompactFormIsTwoLoopRecursion takes the direction to points of a function that is not convex, so that some pairs
// are refused, for more iterations than the memory holds.
func TestCompactFormIsTwoLoopRecursion(t *testing.T) {
	const dim, iterations = 12, 30
	gradient := func(theta []float64) []float64 { // of f = ½Σ dᵢθᵢ², with one dᵢ below zero
		g := make([]float64, dim)
		for i, v := range theta {
			g[i] = float64(i) * v
		}
		g[0] = -40 * theta[0]
		return g
	}
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for i, memory := range []int{1, 2, 5, 40, 1, 5} {
			twoLoopForm := i >= 4
			if strings.HasSuffix(t.Name(), "/xla") && memory != 5 {
				continue // a second each to compile
			}
			direction := lbfgsDirection{memory: memory, twoLoop: twoLoopForm}
			exec, err := graph.NewExec(b, func(in []*graph.Node) []*graph.Node {
				step, next := direction.Step(&objective.Point{Theta: in[0], Gradient: in[1]}, in[2:])
				return append([]*graph.Node{step}, next...)
			})
			if err != nil {
				t.Fatal(err)
			}
			rng := rand.New(rand.NewPCG(1, uint64(memory)))
			state := device.Zeros(direction.State(dim, dtypes.Float64))
			theta, refused := make([]float64, dim), 0
			for i := range theta {
				theta[i] = rng.NormFloat64()
			}
			var s, y [][]float64
			var previous, previousGradient []float64
			for k := range iterations {
				g := gradient(theta)
				if k > 0 {
					ds, dy := make([]float64, dim), make([]float64, dim)
					floats.SubTo(ds, theta, previous)
					floats.SubTo(dy, g, previousGradient)
					if floats.Dot(ds, dy) > 0 {
						s, y = append(s, ds), append(y, dy)
					} else {
						refused++
					}
					if len(s) > memory {
						s, y = s[1:], y[1:]
					}
				}
				args := []any{theta, g}
				for _, st := range state {
					args = append(args, st)
				}
				out, err := exec.Call(args...)
				if err != nil {
					t.Fatal(err)
				}
				state = out[1:]
				got, want := tensors.MustCopyFlatData[float64](out[0]), twoLoop(g, s, y)
				if off := floats.Distance(got, want, 2) / floats.Norm(want, 2); !(off <= 1e-10) {
					t.Fatalf("memory %d, iteration %d: the step differs from the two-loop recursion by %g", memory, k, off)
				}
				previous, previousGradient = append([]float64(nil), theta...), g
				for i := range theta {
					theta[i] = rng.NormFloat64()
				}
			}
			if refused == 0 || refused > iterations/2 {
				t.Errorf("memory %d: %d pairs of %d have negative curvature, which does not test what it should", memory, refused, iterations)
			}
		}
	})
}
