package optim_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

// inverseFourthRoot of the average of a factor, by its eigenvalues.
func inverseFourthRoot(average *mat.Dense, bias, damping float64) *mat.Dense {
	n, _ := average.Dims()
	a := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			a.SetSym(i, j, average.At(i, j)/bias)
		}
	}
	var e mat.EigenSym
	e.Factorize(a, true)
	values := e.Values(nil)
	for i := range values {
		values[i] = math.Pow(values[i]+math.Max(damping, float64(n)*0x1p-52)*mat.Trace(a), -0.25)
	}
	var v, root mat.Dense
	e.VectorsTo(&v)
	root.Product(&v, mat.NewDiagDense(n, values), v.T())
	return &root
}

// plainShampoo is the update with settings that are all given, for blocks that have factors.
func plainShampoo(s optim.Shampoo, blocks []objective.Block, dim int) plainUpdate {
	type roots struct{ left, right *mat.Dense }
	factors, coming, known := make([]*plainFactors, len(blocks)), make([]roots, len(blocks)), make([]roots, len(blocks))
	for i, b := range blocks {
		factors[i] = newPlainFactors(b)
	}
	adam := plainAdamUpdate(optim.Adam{Rate: 1, Beta1: s.Beta1, Beta2: s.Beta2, Epsilon: s.Epsilon}, dim)
	average := make([]float64, dim)
	return func(t int, theta, g []float64) {
		direction := make([]float64, dim) // Adam's step from 0
		adam(t, direction, g)
		bias1, bias2 := 1-math.Pow(s.Beta1, float64(t)), 1-math.Pow(s.Beta2, float64(t))
		for i := range average {
			average[i] = s.Beta1*average[i] + (1-s.Beta1)*g[i]
			direction[i] = -direction[i]
		}
		for i, f := range factors {
			f.add(g, s.Beta2)
			if known[i].left != nil {
				var step mat.Dense
				step.Product(known[i].left, f.of(average), known[i].right)
				step.Scale(1/bias1, &step)
				if s.Grafting == optim.AdamGrafting {
					step.Scale(mat.Norm(f.of(direction), 2)/mat.Norm(&step, 2), &step)
				}
				f.of(direction).Copy(&step)
			}
			if (t-1)%s.Frequency == 0 {
				coming[i] = roots{inverseFourthRoot(f.left, bias2, s.Damping), inverseFourthRoot(f.right, bias2, s.Damping)}
			}
			if t%s.Frequency == 0 {
				known[i] = coming[i]
			}
		}
		for i := range theta {
			theta[i] -= s.Rate * (direction[i] + s.WeightDecay*theta[i])
		}
	}
}

// TestShampoo compares iterates with plain Go, which takes roots by eigenvalues.
func TestShampoo(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for name, c := range map[string]struct{ given, means optim.Shampoo }{
			"every third step": {
				optim.Shampoo{Rate: 0.05, Damping: 1e-6, Frequency: 3, MaxSize: 4},
				optim.Shampoo{Rate: 0.05, Beta1: 0.9, Beta2: 0.95, Epsilon: 1e-8, Damping: 1e-6, Frequency: 3},
			},
			"without delay": {
				optim.Shampoo{Rate: 0.05, Beta1: 0.8, Beta2: 0.9, Damping: 1e-4, Frequency: 1, WeightDecay: 0.1, MaxSize: 4, Grafting: optim.NoGrafting},
				optim.Shampoo{Rate: 0.05, Beta1: 0.8, Beta2: 0.9, Damping: 1e-4, Frequency: 1, WeightDecay: 0.1, Epsilon: 1e-8, Grafting: optim.NoGrafting},
			},
			"defaults": {
				optim.Shampoo{MaxSize: 4},
				optim.Shampoo{Rate: 1e-3, Beta1: 0.9, Beta2: 0.95, Epsilon: 1e-8, Damping: 1e-8, Frequency: 10},
			},
		} {
			if strings.HasSuffix(t.Name(), "/xla") && name != "every third step" {
				continue // XLA takes seconds to compile each
			}
			follow(t, name, b, c.given, plainShampoo(c.means, factored4, 46), 25)
		}
	})
}
