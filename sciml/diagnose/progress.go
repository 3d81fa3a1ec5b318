package diagnose

import (
	"fmt"
	"math"

	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

func (l *look) rounding() *Finding {
	obj := l.experiment()
	if obj == nil || l.Result.Status == optim.NonFinite || obj.Function != nil {
		return nil
	}
	change, err := rounded(obj, l.Result.Theta)
	if err != nil {
		l.missed("what rounding does to the loss", err)
		return nil
	}
	searching := l.Result.Status == optim.SearchFailed
	if math.IsNaN(change) || change < searchFloor || change < floor && !searching {
		return nil
	}
	kind, advice := "float64", "no other method gains much; a loss of another scale, or an equation of lower order"
	if l.single() {
		kind, advice = "float32", "float64 (pinn.Options.DType), at least to finish with"
	}
	words := fmt.Sprintf("one rounding of the parameters in %s changes the loss of %.2g by %.1g of it", kind, l.Result.Loss, change)
	if searching {
		words += ", so that no search can see the decrease of a step"
	}
	return &Finding{Kind: Rounding, Words: words, Advice: advice, Figures: []Figure{{"loss", l.Result.Loss}, {"relative change by rounding", change}}}
}

func (l *look) noise() *Finding {
	c := l.course
	if c.batch == 0 || !c.enough || c.fall > stalledFall || stopped(l.Result.Status) {
		return nil
	}
	f := &Finding{Kind: Noise, Advice: "a rate that decays (optim.Cosine), batches that grow (optim.NormTest), variance reduction (optim.SVRG), or all points and a method that uses curvature",
		Words: fmt.Sprintf("the loss of all samples fell by %.2g decades in the last quarter of the iterations and scatters by %.2g, with batches of %d samples", c.fall, c.scatter, c.batch),
		Figures: []Figure{{"decades of the last quarter", c.fall}, {"scatter in decades", c.scatter}, {"samples of a batch", float64(c.batch)}}}
	obj := l.experiment()
	if obj == nil {
		return f
	}
	n, err := objective.Noise(obj, l.Result.Theta, objective.Batches{Size: c.batch, Seed: 1}, 32)
	if err != nil {
		l.missed("the noise of batches", err)
		return f
	}
	if n.Relative < noisy {
		return nil
	}
	f.Words += fmt.Sprintf("; the noise of a batch's gradient is %.2g times the gradient", math.Sqrt(n.Relative))
	f.Figures = append(f.Figures, Figure{"noise of the gradient", math.Sqrt(n.Relative)})
	return f
}

// progress tells whether the training would go on, by itself or by another method. It is asked last: experiments are made only
// where nothing else explains the training.
func (l *look) progress() []Finding {
	if l.Result.Status == optim.Failed {
		return l.unfinished(fmt.Sprintf("the training ended by an error: %s", l.Result.Message))
	}
	c := l.course
	falling := c.enough && c.fall >= stalledFall && !stopped(l.Result.Status)
	if l.explained() {
		if falling && l.found[0].Kind == Good {
			return l.unfinished(l.pace())
		}
		return nil
	}
	if !c.enough && !stopped(l.Result.Status) {
		if c.iterations < fewestRecords && len(c.records) > 0 {
			return l.unfinished(fmt.Sprintf("%d iterations are few", c.iterations))
		}
		return []Finding{{Kind: Unclear, Words: "the history is too short, or the loss not above zero, to tell how it goes"}}
	}
	var found []Finding
	gained := false
	t, tried := l.trial()
	if tried {
		gained = t.gain > math.Max(trialGain, 4*c.fall) || !c.enough && t.gain > trialGain
	}
	switch {
	case tried && gained, !tried && !falling:
		found = append(found, l.plateau(t, tried))
	case tried && !falling:
		found = append(found, l.smallNetwork(t))
	}
	if falling {
		found = append(found, l.unfinished(l.pace())...)
	}
	return found
}

func (l *look) trial() (trial, bool) {
	obj := l.experiment()
	if obj == nil {
		return trial{}, false
	}
	t, err := l.try(l.ctx)
	if err != nil {
		l.missed("what other steps from here would gain", err)
		return trial{}, false
	}
	if t.spread, err = spread(obj, l.Result.Theta); err != nil {
		l.missed("the spread of curvatures", err)
	}
	return t, true
}

func (l *look) pace() string {
	c := l.course
	more := 0.25 * float64(c.iterations) / c.fall
	return fmt.Sprintf("the loss fell by %.2g decades in the last quarter of %d iterations; at that pace the next decade takes %.2g more", c.fall, c.iterations, more)
}

func (l *look) unfinished(words string) []Finding {
	return []Finding{{Kind: Unfinished, Words: words, Advice: "more iterations or time (a checkpoint goes on where it stopped)",
		Figures: []Figure{{"decades of the last quarter", l.course.fall}, {"iterations", float64(l.course.iterations)}}}}
}

func (l *look) plateau(t trial, tried bool) Finding {
	c := l.course
	f := Finding{Kind: Plateau, Advice: "a method that uses curvature: optim.Auto, optim.LevenbergMarquardt, optim.SSBroyden, or optim.LBFGS after this one",
		Words:   fmt.Sprintf("%s brought the loss from %.2g to %.2g and by %.2g decades in the last quarter of the iterations", c.phase, c.first, c.last, c.fall),
		Figures: []Figure{{"first loss", c.first}, {"loss", c.last}, {"decades of the last quarter", c.fall}}}
	if !tried {
		return f
	}
	f.Words += fmt.Sprintf("; %d steps of %s from there bring it from %.2g to %.2g", t.iterations, t.method, t.from, t.to)
	f.Figures = append(f.Figures, Figure{"decades of the trial", t.gain})
	if t.spread > 0 {
		f.Words += fmt.Sprintf("; curvatures differ by a factor of %.1g at least", t.spread)
		f.Figures = append(f.Figures, Figure{"spread of curvatures", t.spread})
	}
	return f
}

func (l *look) smallNetwork(t trial) Finding {
	f := Finding{Kind: SmallNetwork, Advice: "a wider or deeper network, Fourier features or another activation; another seed, as this may be a minimum of its own",
		Words: fmt.Sprintf("the loss came to rest at %.2g, and %d steps of %s from there bring no more than %.2g decades", l.course.last, t.iterations, t.method, t.gain),
		Figures: []Figure{{"loss", l.course.last}, {"decades of the trial", t.gain}}}
	if known(l.Trained) && known(l.HeldOut) {
		f.Words += fmt.Sprintf("; residuals at held-out points, %.2g, are like those at trained ones, %.2g: more points would not help", l.HeldOut, l.Trained)
		f.Figures = append(f.Figures, Figure{"held-out residual", l.HeldOut}, Figure{"trained residual", l.Trained})
	}
	return f
}
