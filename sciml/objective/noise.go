package objective

import (
	"errors"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
)

// GradientNoise says how far the gradients of batches are from that of all samples.
type GradientNoise struct {
	// Gradient is ‖∇f(θ)‖, of all samples.
	Gradient float64
	// Variance is the mean of ‖∇f_B(θ) − ∇f(θ)‖² over batches B, the trace of the covariance of a batch's gradient, and
	// Relative is Variance/‖∇f(θ)‖²: noise and signal balance where it is 1.
	Variance, Relative float64
	// PerSample is the variance that a batch of one sample has, and Scale is PerSample/‖∇f(θ)‖², the gradient noise scale
	// of McCandlish, Kaplan, Amodei et al. (2018, equation 2.9): the size of a batch, drawn with replacement, whose
	// Relative would be 1. Larger batches help little. For several groups of samples both are what batches of about the
	// same shares suggest.
	PerSample, Scale float64
}

// Noise measures the noise of batch gradients at theta from a number of batches; when that is zero, from those of one
// pass over the samples. It is exact for batches of one sample from one group, and all of them. It fails when theta or
// the settings do not fit, and when a batch has all samples.
func Noise(obj *Objective, theta []float64, batches Batches, count int) (GradientNoise, error) {
	var n GradientNoise
	if err := obj.Check(); err != nil {
		return n, err
	}
	if err := obj.CheckStart(theta); err != nil {
		return n, err
	}
	s, err := batches.Sampler(obj, "Noise")
	if err != nil {
		return n, err
	}
	rows, size := obj.NumSamples(), s.Size()
	switch {
	case count < 0:
		return n, fmt.Errorf("objective: the count of batches is %d, expected at least 1 (or 0 for one pass)", count)
	case size >= rows && !batches.WithReplacement:
		return n, fmt.Errorf("objective: Batches.Size is %d, expected less than all %d samples", batches.NumSamples(), rows)
	case count == 0:
		count = max(1, rows/size)
	}
	d, err := NewDeviation(obj)
	if err != nil {
		return n, err
	}
	e, err := NewEvaluator(obj)
	if err != nil {
		return n, err
	}
	_, gradient, err := e.At(theta)
	if err != nil {
		return n, err
	}
	for _, v := range gradient {
		n.Gradient = math.Hypot(n.Gradient, v)
	}
	here := []*tensors.Tensor{device.Vector(obj.Precision(), theta), device.Vector(obj.Precision(), gradient)}
	defer device.Free(here)
	if n.Variance, err = d.Mean(s, count, here[0], here[1]); err != nil {
		return n, err
	}
	if !device.Finite(n.Gradient) || !device.Finite(n.Variance) {
		return n, errors.New("objective: a gradient is NaN or infinite at theta")
	}
	square := n.Gradient * n.Gradient
	n.PerSample = n.Variance / VarianceOfMean(size, rows, batches.WithReplacement)
	n.Relative, n.Scale = n.Variance/square, n.PerSample/square
	return n, nil
}

// VarianceOfMean is the variance of a mean of size samples of rows, as part of that of one sample. Without replacement it
// vanishes for all of them (Byrd, Chin, Nocedal and Wu 2012, equation 3.4).
func VarianceOfMean(size, rows int, replace bool) float64 {
	if replace || rows == 1 {
		return 1 / float64(size)
	}
	return float64(rows-size) / float64(rows-1) / float64(size)
}

// Deviation computes ‖∇f_B(θ) − g‖² of batches B, for a g such as the gradient of all samples.
type Deviation struct {
	obj     *Objective
	program *device.Program
}

// NewDeviation makes one, which the first call compiles.
func NewDeviation(obj *Objective) (Deviation, error) {
	if obj == nil {
		return Deviation{}, errNil
	}
	p, err := device.NewProgram(obj.Compiler(), "deviation of a batch gradient", func(in []*graph.Node) []*graph.Node {
		theta, gradient, first, indices, data := in[0], in[1], in[2], in[3:len(in)-len(obj.Data)], in[len(in)-len(obj.Data):]
		off := graph.Sub(NewBatch(obj, indices, first, data).At(theta).Gradient, gradient)
		return []*graph.Node{device.Dot(off, off)}
	})
	return Deviation{obj, p}, err
}

// Mean averages over the next batches of a sampler.
func (d Deviation) Mean(s *Sampler, count int, theta, gradient *tensors.Tensor) (float64, error) {
	if d.obj == nil || s == nil {
		return 0, literal("Deviation or Sampler")
	}
	total := 0.0
	for range count {
		rows := s.Next(1, 1)
		out, err := d.program.Call([]*tensors.Tensor{theta, gradient, tensors.FromScalar(int32(0))}, rows, d.obj.Data)
		device.Free(rows)
		if err != nil {
			return 0, err
		}
		total += device.Number(out[0])
		device.Free(out)
	}
	return total / float64(count), nil
}
