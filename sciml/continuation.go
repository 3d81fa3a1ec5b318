package sciml

import (
	"fmt"
	"math"
	"slices"

	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
)

// Continuation says how the path to a problem is followed, value by value, each trained from where the one before ended (natural
// continuation with a secant predictor: Allgower and Georg 1990, "Numerical Continuation Methods", chapter 2). The zero value is usable.
//
// The first value is trained until its loss falls no more. A step to the next one begins with the parameters of the last, or where two
// are known with the line through them, whichever has the lower loss; it succeeds when its loss falls to the tolerance. After one that takes
// less than a quarter of its iterations the next is half as long again; one that fails is tried again with half the length. When the
// shortest step fails there may be a fold (a turning point), beyond which there is no such solution: the training ends with the status
// optim.PathEnded and the solution of the last value. The last value of the path is trained as one problem alone would be.
//
// Options.Iterations, LossTolerance and Until are those of each value. Without Iterations all but the last make 400 at most, or 4000 with a
// Method. With a limit of Time the first gets at most a quarter of it.
type Continuation struct {
	// Direct solves the problem itself at once, whatever path it suggests.
	Direct bool
	// Tolerance is the loss with which a step succeeds. When zero it is 1e-6 of the loss that the new value has before its training, with
	// the parameters of the last: residuals fall to a thousandth of what the step has made of them. It is at least ten times
	// the loss that the first value ended with.
	Tolerance float64
	// First and Shortest are the lengths of the first step, and of that from which steps are not halved, as parts of the way; a quarter and
	// a 512th when zero. The way is even in the value, or in its logarithm where both ends have one sign and a ratio above 2.
	First, Shortest float64
}

// Step is what became of a value of a path.
type Step struct {
	// Value is that of the parameter.
	Value float64
	// Predicted says that the training began on the line through the two values before, rather than at the last.
	Predicted bool
	// Loss, Metrics, Iterations, Seconds and Status are those of its training, Halved the number of longer steps that were tried before.
	Loss       float64
	Metrics    map[string]float64
	Iterations int
	Seconds    float64
	Status     optim.Status
	Halved     int
}

// Steps are the values that were reached on the way to the problem, in their order; nil for a solution without a path.
func (s *Solution) Steps() []Step {
	if s == nil {
		return nil
	}
	return slices.Clone(s.steps)
}

func (c Continuation) check() error {
	if !(c.Tolerance >= 0) || math.IsInf(c.Tolerance, 0) {
		return fmt.Errorf("sciml: Options.Continuation.Tolerance is %v, expected a finite number above 0 (or 0 for the default)", c.Tolerance)
	}
	for name, v := range map[string]float64{"First": c.First, "Shortest": c.Shortest} {
		if !(v >= 0 && v <= 1) {
			return fmt.Errorf("sciml: Options.Continuation.%s is %v, expected a part of the way, above 0 and at most 1 (or 0 for the default)", name, v)
		}
	}
	return nil
}

// pathOf is the path that a problem is solved along; nil for none.
func (o *Options) pathOf(problem *pde.Problem) (*pde.Path, error) {
	c, path := o.Continuation, problem.Suggested.Path
	if err := c.check(); err != nil {
		return nil, err
	}
	switch {
	case path == nil && c != Continuation{} && !c.Direct:
		return nil, fmt.Errorf("sciml: Options.Continuation is %+v, but problem %q suggests no path, expected one of pde.Along", c, problem.Name)
	case path == nil || c.Direct || o.Start != nil || o.From != nil:
		return nil, nil
	case o.Windows != Windows{} && o.Windows.Count != 1:
		return nil, fmt.Errorf("sciml: Options.Windows is %+v, and problem %q suggests a path, expected one of the two (Continuation.Direct leaves the path out)", o.Windows, problem.Name)
	case len(o.Loss.PseudoTime.Unknowns) > 0:
		return nil, fmt.Errorf("sciml: Options.Loss.PseudoTime is set, and problem %q suggests a path, whose values are judged by their loss, expected one of the two (Continuation.Direct leaves the path out)", problem.Name)
	case o.SnapshotEvery > 0:
		return nil, fmt.Errorf("sciml: Options.SnapshotEvery is %d, expected 0 with a path of problems, whose trainings have snapshots of their own (Continuation.Direct leaves the path out)", o.SnapshotEvery)
	}
	return path, nil
}

// fewIterations are those of a training that is one of several, when none are given.
func (o *Options) fewIterations() int {
	if o.Method == nil {
		return 400
	}
	return 4000
}

// following ends the training of a value on a path.
type following struct {
	tolerance float64 // 0 for none
	within    int     // iterations that there are for it
}

// lookEvery is how many iterations pass between two looks at the loss of a value.
const lookEvery = 10

// Met implements optim.Criterion.
func (f following) Met(records []optim.Record) (bool, string) {
	best := math.Inf(1)
	for _, r := range records {
		best = math.Min(best, r.Loss)
	}
	if best > f.tolerance {
		if met, why := (optim.Stalled{Window: max(25, f.within/4), Decades: 0.5}).Met(records); met {
			return true, why
		}
		if f.tolerance > 0 && len(records) > f.within {
			return true, fmt.Sprintf("the loss is %.2g after %d iterations, above the tolerance %.2g", best, f.within, f.tolerance)
		}
	}
	return false, ""
}

// Next implements optim.Criterion.
func (f following) Next(made int) int {
	return made - made%lookEvery + lookEvery
}
