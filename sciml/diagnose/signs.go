package diagnose

import (
	"maps"
	"math"
	"slices"

	"github.com/gosciml/gosciml/sciml/optim"
)

func (l *look) good() *Finding {
	if l.Result.Status == optim.Failed {
		return nil
	}
	if known(l.Error) {
		if l.Error > l.Target {
			return nil
		}
		return &Finding{Kind: Good, Words: saying("the error is %v of the solution, not above the target of %v", l.Error, l.Target),
			Figures: []Figure{{"error", l.Error}, {"target", l.Target}}}
	}
	if left := l.held(); left <= l.Target {
		return &Finding{Kind: Good,
			Words:   saying("the residual at held-out points fell from %v to %v, to %v of it; no solution is known to compare with", l.HeldOutFirst, l.HeldOut, left),
			Figures: []Figure{{"held-out residual", l.HeldOut}, {"first held-out residual", l.HeldOutFirst}, {"target", l.Target}}}
	}
	return nil
}

const slower = "a smaller rate or a method with a line search; float64; a scale of coordinates and unknowns near one"

func (l *look) diverged() *Finding {
	c := l.course
	switch {
	case l.Result.Status == optim.NonFinite || len(c.records) == 0 && len(l.Result.History.Records) > 0:
		words := "the loss became NaN or infinite"
		if l.Result.Message != "" {
			words += " (" + l.Result.Message + ")"
		}
		return &Finding{Kind: Diverged, Words: words, Advice: slower}
	case c.first > 0 && c.last > grown*c.first:
		return &Finding{Kind: Diverged, Words: saying("the loss is %v, and was %v in the beginning", c.last, c.first), Advice: slower,
			Figures: []Figure{{"loss", c.last}, {"first loss", c.first}}}
	}
	return nil
}

func (l *look) noGradient() *Finding {
	if l.Result.Status != optim.Stationary {
		return nil
	}
	return &Finding{Kind: NoGradient, Words: saying("the gradient is exactly zero at a loss of %v", l.Result.Loss),
		Advice: "another seed, a smooth activation, a start other than zeros"}
}

// ignored looks at the history for the course of each term, and at the terms without weights, where they are known, for whether
// it matters.
func (l *look) ignored() *Finding {
	first, last := l.firstTerms(), l.lastTerms()
	total := 0.0
	for _, v := range first {
		total += v
	}
	bare := map[string]float64{}
	for _, t := range l.Terms {
		bare[t.Name] = t.Loss
	}
	kept, rest := 0.0, 0.0 // the largest part, and the largest mean square, that is left of the terms that have weight
	for name, v := range first {
		if v > ignoredShare*total {
			kept, rest = math.Max(kept, last[name]/v), math.Max(rest, bare[name])
		}
	}
	if len(last) < 2 || kept > othersKept {
		return nil
	}
	var f *Finding
	for _, name := range slices.Sorted(maps.Keys(first)) {
		begun, now := first[name], last[name]
		if !(begun > 0) || begun > ignoredShare*total || now < ignoredKept*begun || len(l.Terms) > 0 && bare[name] < rest {
			continue
		}
		words := saying("%q had a share of %v of the loss in the beginning and is at %v of its first value", name, begun/total, now/begun)
		figures := []Figure{{"share of the first loss of " + name, begun / total}, {"part left of " + name, now / begun}}
		if v, known := bare[name]; known {
			words += saying(", with a root mean square residual of %v", math.Sqrt(v))
			figures = append(figures, Figure{"root mean square of " + name, math.Sqrt(v)})
		}
		if f == nil {
			f = &Finding{Kind: Ignored, Advice: saying("a larger weight of %q, by up to %v, weights that adapt (pinn.GradientAnnealing, pinn.NTKWeights), or a condition that holds exactly",
				name, math.Pow(10, math.Round(math.Log10(total/begun))))}
		} else {
			words = f.Words + "; " + words
		}
		f.Words, f.Figures = words, append(f.Figures, figures...)
	}
	if f != nil {
		f.Words += saying("; the terms that had more fell to %v of theirs or below", kept)
		f.Figures = append(f.Figures, Figure{"part left of the others", kept})
	}
	return f
}

func (l *look) firstTerms() map[string]float64 {
	if records := l.Result.History.Records; len(records) > 0 {
		return records[0].Terms
	}
	return nil
}

func (l *look) lastTerms() map[string]float64 {
	records := l.Result.History.Records
	for i := len(records) - 1; i > 0; i-- {
		if records[i].Terms != nil {
			return records[i].Terms
		}
	}
	return nil
}

func (l *look) wrongSolution() *Finding {
	if known(l.Error) && l.Error < wrongError || l.course.fall > fastFall {
		return nil
	}
	if f := Propagation(l.Slabs); f != nil {
		if known(l.Error) {
			f.Words += saying("; the error is %v", l.Error)
			f.Figures = append(f.Figures, Figure{"error", l.Error})
		}
		return f
	}
	if left := l.held(); known(l.Error) && left < satisfied && l.course.fall < stalledFall {
		return &Finding{Kind: WrongSolution,
			Words:   saying("the residual at held-out points is %v of the first one, and the error %v: the equation is satisfied by another solution", left, l.Error),
			Advice:  "conditions that hold exactly, or more weight of them; another seed; a start from an easier parameter (Options.From)",
			Figures: []Figure{{"part of the first held-out residual", left}, {"error", l.Error}}}
	}
	return nil
}

// Propagation is a finding of the kind WrongSolution where an evolution does not carry on what is true in the beginning: most of
// the residual lies in the first part of the time, and is not small there. Nil where that is not so, or there are too few slabs to tell.
func Propagation(slabs []Slab) *Finding {
	early, share, defect := beginning(slabs)
	if !(share > earlyShare && defect > earlyDefect) {
		return nil
	}
	rest := late(slabs)
	return &Finding{
		Kind: WrongSolution,
		Words: saying("%d %% of the squared residual lies before t = %v, where it is %v of what the equation balances, and %v later: "+
			"what is true in the beginning is not carried on, and the later times satisfy the equation with something else", int(math.Round(100*share)), early.To, defect, rest),
		Advice: "causal weights (pinn.Causal); windows of time, one after the other (Options.Windows of sciml); more weight of the initial condition, or one that holds exactly; " +
			"a method that uses curvature from the first step (optim.Auto)",
		Figures: []Figure{{"early share of the residual", share}, {"early defect", defect}, {"late residual", rest}},
	}
}

// beginning is the first part of the time as one slab, the share of the squared residual in it, and how large that is beside what
// the equations balance there.
func beginning(slabs []Slab) (early Slab, share, defect float64) {
	if len(slabs) < 4 {
		return Slab{}, 0, 0
	}
	end := slabs[0].From + earlyTime*(slabs[len(slabs)-1].To-slabs[0].From)
	var all, residual, rate float64
	for _, s := range slabs {
		width := s.To - s.From
		all += s.Residual * s.Residual * width
		if s.From < end {
			early.To = s.To
			residual += s.Residual * s.Residual * width
			rate += s.Rate * s.Rate * width
		}
	}
	return early, residual / all, math.Sqrt(residual / rate)
}

// late is the root mean square residual over the last half of the time.
func late(slabs []Slab) float64 {
	sum, half := 0.0, slabs[len(slabs)/2:]
	for _, s := range half {
		sum += s.Residual * s.Residual / float64(len(half))
	}
	return math.Sqrt(sum)
}

func (l *look) overfitted() *Finding {
	if !known(l.Trained) || !known(l.HeldOut) || l.HeldOut < overfitted*l.Trained {
		return nil
	}
	return &Finding{Kind: Overfitted,
		Words:   saying("the residual is %v at points that were not trained on, %v times the %v at those that were", l.HeldOut, l.HeldOut/l.Trained, l.Trained),
		Advice:  "points that move (Refiner: sample.RAD{} or sample.Redraw{}), more points, or fewer parameters",
		Figures: []Figure{{"held-out residual", l.HeldOut}, {"trained residual", l.Trained}}}
}
