package optim

import "fmt"

// Status says whether, and why, a run stopped.
type Status int

// The reasons for which a run stops.
const (
	// Running means that it has not stopped.
	Running Status = iota
	// LossReached means that the loss fell to Options.LossTolerance.
	LossReached
	// GradientSmall means that the norm of the gradient fell to Options.GradientTolerance.
	GradientSmall
	// IterationLimit means that Options.MaxIterations were made.
	IterationLimit
	// TimeLimit means that Options.MaxTime went by, or the deadline of the context.
	TimeLimit
	// Canceled means that the context was canceled.
	Canceled
	// CallbackStopped means that Options.OnProgress asked to stop.
	CallbackStopped
	// CriterionMet means that Options.Until was met.
	CriterionMet
	// SearchFailed means that no step that was tried lowered the loss: the usual end of a deterministic method at the accuracy
	// that its floating-point type allows. The message says what was tried.
	SearchFailed
	// Stationary means that the gradient is exactly zero where that is no success: at the start, where the loss may not even
	// depend on θ, or on a plateau above the lowest loss.
	Stationary
	// NonFinite means that the loss, its gradient or a step became NaN or infinite and the method has no way back.
	NonFinite
	// PathEnded means that a path of problems could not be followed to its end: see pde.Along. No single run ends so.
	PathEnded
	// Failed means that the run ended with an error, which Minimize returned as well.
	Failed
)

var statusWords = map[Status]string{
	Running:         "running",
	LossReached:     "loss tolerance reached",
	GradientSmall:   "gradient tolerance reached",
	IterationLimit:  "iteration limit reached",
	TimeLimit:       "time limit reached",
	Canceled:        "canceled",
	CallbackStopped: "stopped by the callback",
	CriterionMet:    "stopping criterion met",
	SearchFailed:    "no further decrease along the search direction",
	Stationary:      "the gradient is exactly zero",
	NonFinite:       "loss became NaN or infinite",
	PathEnded:       "the path could not be followed to its end",
	Failed:          "ended by an error",
}

// String says it in words.
func (s Status) String() string {
	if words, ok := statusWords[s]; ok {
		return words
	}
	return fmt.Sprintf("Status(%d)", int(s))
}

// Converged reports whether a tolerance was met, at an iterate with a finite loss and, as far as rounding tells, the lowest.
func (s Status) Converged() bool { return s == LossReached || s == GradientSmall }
