package diagnose

import (
	"context"
	"fmt"
	"math"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
	"github.com/gosciml/gosciml/sciml/objective"
)

// Explain says what limits a training, finished or running, and what to try next: from its history and other evidence, and by
// experiments on its objective where that is given and nothing else explains it. It fails for evidence that makes no sense, and when
// ctx is done; what cannot be looked at for other reasons is in Explanation.Unseen.
//
// A training that has reached its target is good, whatever else is found. Otherwise the first of these that is seen is the
// primary finding, as each hides those after it: diverged, no gradient, an ignored term, a wrong solution, overfitted points,
// rounding, noise, a plateau of the method, not finished, a network that cannot hold the solution.
func Explain(ctx context.Context, e Evidence) (*Explanation, error) {
	if err := usercode.CheckContext("diagnose", ctx); err != nil {
		return nil, err
	}
	if err := e.check(); err != nil {
		return nil, err
	}
	l := &look{Evidence: e, ctx: ctx, course: courseOf(&e.Result.History)}
	if l.Target == 0 {
		l.Target = UsualTarget
	}
	for _, see := range []func() *Finding{l.good, l.diverged, l.noGradient, l.ignored, l.wrongSolution, l.overfitted, l.rounding, l.noise} {
		if f := see(); f != nil {
			l.found = append(l.found, *f)
		}
	}
	l.found = append(l.found, l.progress()...)
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("diagnose: explaining a training: %w", err)
	}
	l.gaps()
	return &Explanation{Findings: l.found, Unseen: l.unseen}, nil
}

// look is an explanation in the making.
type look struct {
	Evidence
	ctx    context.Context
	course course
	found  []Finding
	unseen []string
}

// explained reports whether there is a primary finding already.
func (l *look) explained() bool { return len(l.found) > 0 }

// experiment is the objective for an experiment, with the context; nil for none.
func (l *look) experiment() *objective.Objective {
	if l.Objective == nil {
		return nil
	}
	return l.Objective.ForRun(l.ctx)
}

// missed notes what an experiment could not tell.
func (l *look) missed(what string, err error) {
	l.unseen = append(l.unseen, fmt.Sprintf("%s: %v", what, err))
}

// gaps notes which evidence there was none of.
func (l *look) gaps() {
	for _, gap := range []struct {
		is   bool
		what string
	}{
		{len(l.Result.History.Records) == 0, "the course of the loss, as the history is empty"},
		{len(l.course.records) > 0 && !l.course.enough, "how the loss falls, as its history is short, or not of losses above zero"},
		{l.Objective == nil, "what other steps from here would gain, as there is no objective to try them on"},
		{!known(l.HeldOut), "the residual at held-out points"},
		{known(l.HeldOut) && !known(l.Trained), "the residual at the points of the training, to compare with that at others"},
	} {
		if gap.is {
			l.unseen = append(l.unseen, gap.what)
		}
	}
}

// held is the part of the first held-out residual that is left, or NaN.
func (l *look) held() float64 {
	if !known(l.HeldOut) || !known(l.HeldOutFirst) {
		return math.NaN()
	}
	return l.HeldOut / l.HeldOutFirst
}
