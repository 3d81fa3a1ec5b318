package nn_test

import (
	"math"
	"testing"

	"github.com/gosciml/gosciml/sciml/nn"
)

func TestInitializers(t *testing.T) {
	const in, out = 50, 80
	for initializer, c := range map[nn.Initializer]struct {
		variance float64
		uniform  bool
	}{
		nn.GlorotNormal:  {2.0 / (in + out), false},
		nn.GlorotUniform: {2.0 / (in + out), true},
		nn.HeNormal:      {2.0 / in, false},
		nn.HeUniform:     {2.0 / in, true},
		nn.LeCunNormal:   {1.0 / in, false},
		nn.LeCunUniform:  {1.0 / in, true},
	} {
		m := must(must(nn.NewMLP(nn.Tanh, in, out, 1)).WithInitializer(initializer))
		theta := m.Init(3)
		mean, square, largest := moments(theta[:in*out])
		if math.Abs(square/c.variance-1) > 0.08 || math.Abs(mean) > 4*math.Sqrt(c.variance/(in*out)) {
			t.Errorf("%s: mean %v and variance %v, want 0 and %v", initializer, mean, square, c.variance)
		}
		if limit := math.Sqrt(3 * c.variance); c.uniform != (largest <= limit) || c.uniform && largest < 0.99*limit {
			t.Errorf("%s: the largest weight is %v, and the limit of a uniform distribution %v", initializer, largest, limit)
		}
		if _, _, bias := moments(theta[in*out : in*out+out]); bias != 0 {
			t.Errorf("%s: a bias begins at %v", initializer, bias)
		}
		if m.Initializer() != initializer {
			t.Errorf("the initializer is %s, want %s", m.Initializer(), initializer)
		}
	}
}

// TestSIRENInit checks the limits of Sitzmann et al. 2020, section 3.2, and of biases in the authors' code.
func TestSIRENInit(t *testing.T) {
	const omega = 20
	m := must(nn.NewMLP(nn.SIREN(omega), 4, 100, 100, 1))
	theta := m.Init(1)
	for name, limit := range map[string]float64{
		"layer 1 weights": 1.0 / 4, "layer 2 weights": math.Sqrt(6.0/100) / omega, "layer 3 weights": math.Sqrt(6.0/100) / omega,
		"layer 1 biases": 1.0 / 2, "layer 2 biases": 1.0 / 10,
	} {
		for _, b := range m.Blocks() {
			if b.Name != name {
				continue
			}
			_, square, largest := moments(theta[b.Offset : b.Offset+b.Size()])
			if largest > limit || largest < 0.9*limit || math.Abs(square/(limit*limit/3)-1) > 0.35 {
				t.Errorf("%s: the largest is %v and the variance %v, want up to %v and %v", name, largest, square, limit, limit*limit/3)
			}
		}
	}
	if m.Initializer() != nn.SIRENUniform {
		t.Errorf("a SIREN begins with %s", m.Initializer())
	}
}

// moments returns mean, mean square and largest magnitude.
func moments(values []float64) (mean, square, largest float64) {
	for _, v := range values {
		mean += v / float64(len(values))
		square += v * v / float64(len(values))
		largest = math.Max(largest, math.Abs(v))
	}
	return mean, square, largest
}
