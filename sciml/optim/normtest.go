package optim

import (
	"cmp"
	"errors"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// NormTest is a MiniBatch whose batches grow when the noise of their gradients is too large for the gradient that is
// left, by the norm test of Byrd, Chin, Nocedal and Wu (2012, equations 3.4 to 3.6):
//
//	E‖∇f_B(θ) − ∇f(θ)‖² ≤ Theta²·‖∇f(θ)‖²
//
// is checked whenever all samples are measured. The left side follows from the deviations of Probes small batches, of the
// size at the start, from the measured gradient. Sizes are the first one times powers of Growth, up to all samples, so
// that few are compiled; each growth is an Event of the history. The zero value is usable: fields that are zero take the
// defaults. See MiniBatch for what is recorded.
type NormTest struct {
	// Method is one that takes steps as they come, such as GradientDescent or Adam; Adam{} when nil.
	Method Method
	// Batches say how samples are drawn; their Size is that at the start.
	Batches objective.Batches
	// Theta is how large the noise may be, relative to the gradient; 0.5 when zero.
	Theta float64
	// Growth is the factor between two sizes, at least 2; 2 when zero.
	Growth int
	// Probes is the number of batches from which the noise is estimated, at least 2; 8 when zero.
	Probes int
	// Measure is the number of iterations between measurements of all samples; 100 when zero.
	Measure int
}

// Name implements Method.
func (m NormTest) Name() string { return "norm-test " + orAdam(m.Method).Name() }

// Start implements Method.
func (m NormTest) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	m.Theta = cmp.Or(m.Theta, 0.5)
	m.Growth = cmp.Or(m.Growth, 2)
	m.Probes = cmp.Or(m.Probes, 8)
	if err := checkSettings("NormTest", positive("Theta", m.Theta), several("Growth", m.Growth), several("Probes", m.Probes), upTo("Probes", m.Probes, 1<<12)); err != nil {
		return nil, err
	}
	p, err := MiniBatch{Batches: m.Batches, Measure: m.Measure}.plan(obj, theta, "NormTest", orAdam(m.Method))
	if err != nil {
		return nil, err
	}
	d, err := objective.NewDeviation(obj)
	if err != nil {
		return nil, err
	}
	p.measured = func(theta, gradient *tensors.Tensor, slope float64) (string, int, error) {
		return m.test(obj, p.batches, d, theta, gradient, slope)
	}
	return startStochastic(obj, theta, p)
}

// test enlarges the batches if they are too noisy.
func (m NormTest) test(obj *objective.Objective, s *objective.Sampler, d objective.Deviation, theta, gradient *tensors.Tensor, slope float64) (string, int, error) {
	rows, before := obj.NumSamples(), s.Size()
	if before >= rows {
		return "", 0, nil
	}
	first := obj.ShareBatch(m.Batches.NumSamples())
	now := s.Sizes
	s.Resize(first)
	probed, places := s.Size(), s.Places()
	variance, err := d.Mean(s, m.Probes, theta, gradient)
	if err != nil { // who goes on from here draws the same batches
		err = errors.Join(err, s.Restore(places, first))
	}
	s.Resize(now)
	if err != nil {
		return "", 0, err
	}
	perSample := variance / objective.VarianceOfMean(probed, rows, m.Batches.WithReplacement)
	noise := func(size int) float64 {
		return math.Sqrt(perSample * objective.VarianceOfMean(size, rows, m.Batches.WithReplacement))
	}
	if noise(before) <= m.Theta*slope || !device.Finite(variance) {
		return "", m.Probes * probed, nil
	}
	size := m.Batches.NumSamples()
	for ; size < rows; size *= m.Growth {
		s.Resize(obj.ShareBatch(size))
		if s.Size() > before && noise(s.Size()) <= m.Theta*slope {
			break
		}
	}
	if size >= rows {
		s.Resize(obj.ShareBatch(rows))
	}
	reason := fmt.Sprintf("batches grow from %d to %d samples: the noise %.2g of their gradient is above %.2g times the norm %.2g of that of all samples",
		before, s.Size(), noise(before), m.Theta, slope)
	return reason, m.Probes * probed, nil
}
