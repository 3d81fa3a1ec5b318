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

// nextBasis is Algorithm 4 of Vyas et al.: the orthogonal factor of PQ.
func nextBasis(p, q *mat.Dense) *mat.Dense {
	var product, next mat.Dense
	product.Mul(p, q)
	var qr mat.QR
	qr.Factorize(&product)
	qr.QTo(&next)
	return &next
}

func unit(n int) *mat.Dense {
	m := mat.NewDense(n, n, nil)
	for i := range n {
		m.Set(i, i, 1)
	}
	return m
}

// plainSOAP is Algorithm 3 with settings that are all given, for blocks that have factors.
func plainSOAP(s optim.SOAP, blocks []objective.Block, dim int) plainUpdate {
	type bases struct{ left, right *mat.Dense }
	factors, coming, now := make([]*plainFactors, len(blocks)), make([]bases, len(blocks)), make([]bases, len(blocks))
	for i, b := range blocks {
		factors[i], now[i] = newPlainFactors(b), bases{unit(b.Dims[0]), unit(b.Dims[1])}
	}
	m, v := make([]float64, dim), make([]float64, dim)
	begun := 0 // the step before the first one of the moments
	return func(t int, theta, g []float64) {
		into := func(x []float64) []float64 {
			out := append([]float64(nil), x...)
			for i, f := range factors {
				f.of(out).Product(now[i].left.T(), f.of(x), now[i].right)
			}
			return out
		}
		for i := range m {
			m[i] = s.Beta1*m[i] + (1-s.Beta1)*g[i]
		}
		inBases, gInBases := into(m), into(g)
		bias1, bias2 := 1-math.Pow(s.Beta1, float64(t-begun)), 1-math.Pow(s.Beta2, float64(t-begun))
		for i := range v {
			v[i] = s.Beta2*v[i] + (1-s.Beta2)*gInBases[i]*gInBases[i]
			inBases[i] = inBases[i] / bias1 / (math.Sqrt(v[i]/bias2) + s.Epsilon)
		}
		direction := append([]float64(nil), inBases...)
		for i, f := range factors {
			f.of(direction).Product(now[i].left, f.of(inBases), now[i].right.T())
			f.add(g, s.Beta2)
			if (t-1)%s.Frequency == 0 {
				coming[i] = bases{nextBasis(f.left, now[i].left), nextBasis(f.right, now[i].right)}
			}
			if t%s.Frequency == 0 {
				now[i] = coming[i]
			}
		}
		if t == s.Frequency {
			begun, m, v = t, make([]float64, dim), make([]float64, dim)
		}
		for i := range theta {
			theta[i] -= s.Rate * (direction[i] + s.WeightDecay*theta[i])
		}
	}
}

// TestSOAP compares iterates with plain Go and the QR factorization of LAPACK.
func TestSOAP(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for name, c := range map[string]struct{ given, means optim.SOAP }{
			"every third step": {
				optim.SOAP{Rate: 0.05, Frequency: 3, MaxSize: 4},
				optim.SOAP{Rate: 0.05, Beta1: 0.95, Beta2: 0.95, Epsilon: 1e-8, Frequency: 3},
			},
			"Algorithm 3": {
				optim.SOAP{Rate: 0.05, Beta1: 0.8, Beta2: 0.9, Epsilon: 1e-4, Frequency: 1, WeightDecay: 0.1, MaxSize: 4},
				optim.SOAP{Rate: 0.05, Beta1: 0.8, Beta2: 0.9, Epsilon: 1e-4, Frequency: 1, WeightDecay: 0.1},
			},
			"defaults": {
				optim.SOAP{MaxSize: 4},
				optim.SOAP{Rate: 3e-3, Beta1: 0.95, Beta2: 0.95, Epsilon: 1e-8, Frequency: 10},
			},
		} {
			if strings.HasSuffix(t.Name(), "/xla") && name != "every third step" {
				continue // XLA takes seconds to compile each
			}
			follow(t, name, b, c.given, plainSOAP(c.means, factored4, 46), 25)
		}
	})
}
