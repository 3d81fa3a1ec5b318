package sciml

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
)

// Windows cut the time of an evolution problem into windows that are trained one after the other, each from where the last one ended: for
// long times, and where information has to travel before residuals far from the start mean anything. The solution is one over the whole
// time. It is continuous at the seams by construction, and so is its rate where the equations are of second order in time: see pinn.Window.
//
// The zero value takes what the problem suggests, unless there are Options.SnapshotEvery. With a Count, windows are equally long. With a Tolerance and no Count they are chosen: one
// that does not reach it within its iterations is tried again with half the length, as long as that helps, and one that reaches it within a quarter of them is
// followed by one half as long again.
type Windows struct {
	// Count is the number of windows of equal length; 1 for all of the time at once, whatever the problem suggests.
	Count int
	// Tolerance is the defect at which a window ends, and the next begins: the relative error that the residual alone would make by the
	// end of the whole time, where errors neither grow nor decay (see pinn.Model.Defect). Where they grow it has to be smaller than
	// the error that is wanted, by that factor. When zero, a window ends as Options say; 1e-4 when Count is zero as well.
	Tolerance float64
	// Iterations is the most that a window takes of Options.Iterations. When zero it has its share of what is left where there is a Count,
	// and where windows are chosen 400, or 4000 with a Method, as a window without them does not end before it has reached its tolerance.
	Iterations int
	// First is the length of the first window, and Shortest that from which windows are not halved, where they are chosen; an eighth
	// and a 512th of the time when zero.
	First, Shortest float64
}

// Window is what became of a window of time.
type Window struct {
	// From and To are the times.
	From, To float64
	// Defect is that of its solution; see Windows.Tolerance.
	Defect float64
	// Jump is the largest difference at From between what is trained and the end of the window before, relative to the largest value
	// there: rounding, unless the function is too rough for a pinn.Seam. The solution itself does not jump. RateJump is the
	// root mean square of the jump of its derivative by time, relative to that of the derivative. Both are 0 in the first window.
	Jump, RateJump float64
	// Loss, Iterations, Seconds and Status are those of its training, Halved the number of longer ones that were tried before.
	Loss       float64
	Iterations int
	Seconds    float64
	Status     optim.Status
	Halved     int
}

// Windows are those of the solution, in their order; nil for a solution that was trained on all of the time at once.
func (s *Solution) Windows() []Window {
	if s == nil {
		return nil
	}
	return slices.Clone(s.windows)
}

// DefectMetric is the name of the metric of a window's training that Windows.Tolerance bounds.
const DefectMetric = "defect"

func (w Windows) check() error {
	for name, v := range map[string]float64{"Tolerance": w.Tolerance, "First": w.First, "Shortest": w.Shortest} {
		if !(v >= 0) || math.IsInf(v, 0) {
			return fmt.Errorf("sciml: Options.Windows.%s is %v, expected a finite number above 0 (or 0 for the default)", name, v)
		}
	}
	switch {
	case w.Iterations < 0:
		return fmt.Errorf("sciml: Options.Windows.Iterations is %d, expected at least 1 (or 0 for the default)", w.Iterations)
	case w.Count < 0:
		return fmt.Errorf("sciml: Options.Windows.Count is %d, expected at least 1 (or 0, for windows that are chosen or suggested)", w.Count)
	case w.Count > 0 && (w.First != 0 || w.Shortest != 0):
		return fmt.Errorf("sciml: Options.Windows has a Count of %d, and First %v and Shortest %v, which are for windows that are chosen, expected one of the two", w.Count, w.First, w.Shortest)
	}
	return nil
}

// windowsOf are the windows of a training; a Count of 1 means that there are none.
func (o *Options) windowsOf(problem *pde.Problem) (Windows, error) {
	w := o.Windows
	if err := w.check(); err != nil {
		return w, err
	}
	if w == (Windows{}) {
		if w.Count = max(1, problem.Suggested.Windows); o.SnapshotEvery > 0 { // which nobody asked for windows with
			w.Count = 1
		}
	}
	if w.Count == 1 {
		return w, nil
	}
	first, last, err := problem.Times()
	if err != nil {
		return w, fmt.Errorf("%w, for Options.Windows", err)
	}
	if o.SnapshotEvery > 0 {
		return w, fmt.Errorf("sciml: Options.SnapshotEvery is %d, expected 0 with Windows, which have networks of their own", o.SnapshotEvery)
	}
	if w.Count > 0 {
		return w, nil
	}
	length := last - first
	w.Iterations = cmp.Or(w.Iterations, o.fewIterations())
	w.Tolerance, w.First = cmp.Or(w.Tolerance, 1e-4), math.Min(cmp.Or(w.First, length/8), length)
	w.Shortest = math.Min(cmp.Or(w.Shortest, length/512), w.First)
	return w, nil
}

// tolerated ends a window at its tolerance.
type tolerated struct {
	tolerance float64
	every     int
}

// Met implements optim.Criterion.
func (t tolerated) Met(records []optim.Record) (bool, string) {
	for i := len(records) - 1; i >= 0; i-- {
		if defect, measured := records[i].Metrics[DefectMetric]; measured {
			if defect <= t.tolerance {
				return true, fmt.Sprintf("the defect is %.2g, not above %.2g", defect, t.tolerance)
			}
			break
		}
	}
	return false, ""
}

// Next implements optim.Criterion: once what was measured is in the records.
func (t tolerated) Next(made int) int {
	return made - (made+t.every-1)%t.every + t.every
}
