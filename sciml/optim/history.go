package optim

import "math"

// Record is one iterate of a run.
type Record struct {
	// Iteration counts from 0, the starting point.
	Iteration int
	// Loss is f(θ), GradientNorm ‖∇f(θ)‖₂ and Step the length ‖θₖ − θₖ₋₁‖₂ of the step that led here.
	Loss, GradientNorm, Step float64
	// Batch is the number of samples that Loss and GradientNorm are estimated from, by a stochastic method; 0 when they
	// are of all samples.
	Batch int
	// Evaluations of loss and gradient so far, searches included.
	Evaluations int
	// Seconds since the run began, compilation included.
	Seconds float64
	// Phase is the name of the method that was at work.
	Phase string
	// Metrics holds what Options.Monitor measured here, Terms the parts of the loss by the names of Objective.Terms; nil
	// where they were not asked.
	Metrics, Terms map[string]float64
}

// History is the course of a run.
type History struct {
	Records []Record
	// Events are remarks on the way, such as a hybrid's reason for switching.
	Events []Event
}

// Event is a remark made at an iteration.
type Event struct {
	Iteration int
	Seconds   float64
	Text      string
}

// Last is the newest record; one with an infinite loss when there is none.
func (h *History) Last() Record {
	if h == nil || len(h.Records) == 0 {
		return Record{Loss: math.Inf(1)}
	}
	return h.Records[len(h.Records)-1]
}

// Losses returns iteration numbers and losses, ready to be plotted.
func (h *History) Losses() (iterations, losses []float64) {
	return h.Along(ByIteration, func(r Record) (float64, bool) { return r.Loss, true })
}

// FullLosses returns iteration numbers and losses without those of batches, which are noisy.
func (h *History) FullLosses() (iterations, losses []float64) {
	return h.Along(ByIteration, func(r Record) (float64, bool) { return r.Loss, r.Batch == 0 })
}

// Metric returns iteration numbers and values of a metric where it was measured.
func (h *History) Metric(name string) (iterations, values []float64) {
	return h.Along(ByIteration, func(r Record) (float64, bool) {
		v, ok := r.Metrics[name]
		return v, ok
	})
}

// Term returns iteration numbers and values of a part of the loss where it was measured.
func (h *History) Term(name string) (iterations, values []float64) {
	return h.Along(ByIteration, func(r Record) (float64, bool) {
		v, ok := r.Terms[name]
		return v, ok
	})
}
