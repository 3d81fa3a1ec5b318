package sciml

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pinn"
	"github.com/gosciml/gosciml/sciml/plot"
)

// Convergence draws the losses of several trainings, and next to them their relative L2 errors where they were
// measured, over the seconds that went by.
func Convergence(title string, solutions ...*Solution) (*plot.Figure, error) {
	return ConvergenceOver(optim.BySeconds, title, solutions...)
}

// ConvergenceOver is Convergence over another axis, such as optim.ByWork.
func ConvergenceOver(axis optim.Axis, title string, solutions ...*Solution) (*plot.Figure, error) {
	curves, err := curvesOf(solutions)
	if err != nil {
		return nil, err
	}
	return drawCurves(axis, title, curves)
}

// Live is a convergence figure that redraws itself in a notebook while trainings run, one curve for each. Outside of
// a notebook it does nothing.
//
//	live := sciml.NewLive("Poisson", "Adam", "L-BFGS")
//	adam, err := sciml.Solve(ctx, problem, sciml.Options{Method: optim.Adam{}, OnProgress: live.Watch("Adam")})
//	lbfgs, err := sciml.Solve(ctx, problem, sciml.Options{Method: optim.LBFGS{}, OnProgress: live.Watch("L-BFGS")})
//	err = live.Done(adam, lbfgs)
type Live struct {
	title   string
	axis    optim.Axis
	display *plot.Live
	curves  []curve
}

// curve is one training in a figure.
type curve struct {
	name    string
	history *optim.History // nil before it begins
	watched bool
}

// NewLive makes an empty live figure. Names of trainings to come are in its legend from the start, so that the axes
// stay where they are; others join it by Watch.
func NewLive(title string, names ...string) *Live {
	l := &Live{title: title, display: plot.NewLive(500 * time.Millisecond)}
	for _, name := range names {
		l.curves = append(l.curves, curve{name: name})
	}
	return l
}

// Over has the figure drawn over another axis than optim.BySeconds, and returns it.
func (l *Live) Over(axis optim.Axis) *Live {
	l.axis = axis
	return l
}

// Watch returns a function for Options.OnProgress that draws the training under the given name: the first of that name
// that is not watched yet, or a new one.
func (l *Live) Watch(name string) func(*optim.History) error {
	mine := slices.IndexFunc(l.curves, func(c curve) bool { return c.name == name && !c.watched })
	if mine < 0 {
		mine = len(l.curves)
		l.curves = append(l.curves, curve{name: name})
	}
	l.curves[mine].watched = true
	return func(h *optim.History) error {
		l.curves[mine].history = h
		if !l.display.Due() {
			return nil
		}
		figure, err := drawCurves(l.axis, l.title, l.curves)
		if err != nil {
			return nil // nothing to draw yet is no reason to stop a training
		}
		return l.display.Update(figure)
	}
}

// Done draws the last frame, which a saved notebook keeps: the given solutions, or all that was watched if none is
// given. Solutions as many as were watched, in the same order, keep the names they were watched by.
func (l *Live) Done(solutions ...*Solution) error {
	curves, err := l.finished(solutions)
	if err != nil {
		return err
	}
	figure, err := drawCurves(l.axis, l.title, curves)
	if err != nil {
		return err
	}
	return l.display.Final(figure)
}

// finished returns the curves of the last frame, named as in the frames before where that is known: other names would
// move the legend.
func (l *Live) finished(solutions []*Solution) ([]curve, error) {
	if len(solutions) == 0 {
		return l.curves, nil
	}
	curves, err := curvesOf(solutions)
	if err == nil && len(curves) == len(l.curves) {
		for i := range curves {
			curves[i].name = l.curves[i].name
		}
	}
	return curves, err
}

// curvesOf returns the curves of solutions, named after their methods.
func curvesOf(solutions []*Solution) ([]curve, error) {
	curves := make([]curve, len(solutions))
	for i, s := range solutions {
		if s == nil {
			return nil, fmt.Errorf("sciml: solution %d to be drawn is nil", i)
		}
		curves[i] = curve{name: s.Method, history: &s.Result.History}
	}
	return curves, nil
}

// drawCurves draws losses, and errors where there are any, over an axis. Each curve is in the legend of both, so that it has
// one colour and the axes stay in place while curves come to it.
func drawCurves(axis optim.Axis, title string, curves []curve) (*plot.Figure, error) {
	if err := axis.Check(); err != nil {
		return nil, err
	}
	losses, errorCurves := make([]plot.Series, len(curves)), make([]plot.Series, len(curves))
	begun, errorsKnown := false, false
	for i, c := range curves {
		losses[i].Name, errorCurves[i].Name = c.name, c.name
		if c.history == nil {
			continue
		}
		begun = true
		losses[i].X, losses[i].Y = c.history.Along(axis, lossOf)
		errorCurves[i].X, errorCurves[i].Y = c.history.Along(axis, errorOf)
		errorsKnown = errorsKnown || len(errorCurves[i].Y) > 0
	}
	if !begun {
		return nil, errors.New("sciml: there is no training to draw yet")
	}
	loss, err := plot.Convergence(title, axis.String(), "loss", losses...)
	if err != nil || !errorsKnown {
		return loss, err
	}
	errorFigure, err := plot.Convergence("Error against the solution", axis.String(), "relative L2 error", errorCurves...)
	if err != nil {
		return nil, err
	}
	return plot.Row(loss, errorFigure)
}

func lossOf(r optim.Record) (float64, bool) { return r.Loss, true }

// errorOf is the error of a record, or that of its part of a course, and whether it was measured there.
func errorOf(r optim.Record) (float64, bool) {
	e, ok := r.Metrics[pinn.RelativeL2]
	if !ok {
		e, ok = r.Metrics[OnTheWay]
	}
	return e, ok
}
