package diagnose

import (
	"math"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

func (l *look) rounding() *Finding {
	obj, searching := l.experiment(), l.Result.Status == optim.SearchFailed
	resting := l.course.enough && l.course.fall < stalledFall && !l.explained()
	if obj == nil || obj.Function != nil || !searching && !resting {
		return nil
	}
	change, err := rounded(obj, l.Result.Theta)
	if err != nil {
		l.missed("what rounding does to the loss", err)
		return nil
	}
	if math.IsNaN(change) || change < searchFloor || change < floor && !searching {
		return nil
	}
	kind, advice := "float64", "no other method gains much; a loss of another scale, or an equation of lower order"
	if l.single() {
		kind, advice = "float32", inDouble
	}
	words := saying("one rounding of the parameters in %s changes the loss of %v by %v of it", kind, l.Result.Loss, change)
	if searching {
		words += ", so that no search can see the decrease of a step"
	}
	return &Finding{Kind: Rounding, Words: words, Advice: advice, Figures: []Figure{{"loss", l.Result.Loss}, {"relative change by rounding", change}}}
}

func (l *look) noise() *Finding {
	c := l.course
	if c.batch == 0 || !c.enough || c.fall > scattered*c.scatter || stopped(l.Result.Status) {
		return nil
	}
	f := &Finding{Kind: Noise,
		Advice: "a rate that decays (optim.Cosine), batches that grow (optim.NormTest), variance reduction (optim.SVRG), or all points and a method that uses curvature",
		Words: saying("the loss of all samples fell by %v decades in the last quarter of the iterations and scatters by %v, with batches of %d samples",
			c.fall, c.scatter, c.batch),
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
	f.Words += saying("; the noise of a batch's gradient is %v times the gradient", math.Sqrt(n.Relative))
	f.Figures = append(f.Figures, Figure{"noise of the gradient", math.Sqrt(n.Relative)})
	return f
}

// progress tells whether the training would go on, by itself or by another method. It is asked last: experiments are made only
// where nothing else explains the training.
func (l *look) progress() []Finding {
	if l.Result.Status == optim.Failed {
		return l.unfinished(saying("the training ended by an error: %s", l.Result.Message))
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
		switch {
		case c.iterations == 0:
			return l.unfinished("no iteration was made")
		case c.best <= 0:
			return []Finding{{Kind: Unclear, Words: saying("the loss is %v and was %v in the beginning, and how far an energy can fall is not known", c.last, c.first),
				Advice: "a look at the residual at held-out points, if the problem has Equations"}}
		}
		return l.unfinished(saying("%d iterations are few", c.iterations))
	}
	t := l.trial(l.experiment(), "what other steps from here would gain")
	var found []Finding
	switch {
	case l.gained(t) && t.method != c.phase && c.fall < fastFall, t == nil && !falling:
		found = append(found, l.plateau(t))
	case l.gained(t):
		words := saying("%d steps of %s from there bring the loss from %v to %v", t.iterations, t.method, t.from, t.to)
		if falling {
			words = l.pace() + "; " + words
		}
		found := l.unfinished(words)
		if t.method != c.phase {
			found[0].Advice += "; or sooner " + curvature
		}
		return found
	case t != nil:
		if l.single() {
			d := l.trial(double(l.experiment()), "what the same steps would gain in float64")
			if d != nil && d.gain-math.Max(t.gain, 0) > doubleGain {
				found = append(found, lost(t, d))
				break
			}
		}
		if !falling {
			found = append(found, l.smallNetwork(t))
			if f := l.elsewhere(t); f != nil {
				found[0] = *f
			}
		}
	}
	if falling {
		found = append(found, l.unfinished(l.pace())...)
	}
	return found
}

// trial goes on from the result by steps of another method; nil where that could not be.
func (l *look) trial(obj *objective.Objective, what string) *trial {
	if obj == nil {
		return nil
	}
	t, err := l.try(l.ctx, obj, l.Result.Theta, trialSteps)
	if err != nil {
		l.missed(what, err)
		return nil
	}
	return &t
}

// elsewhere is the finding that steps from another start come to a lower loss than those from the result: the training is at a
// minimum of its own, and the network holds more.
func (l *look) elsewhere(here *trial) *Finding {
	if l.Start == nil {
		return nil
	}
	var theta []float64
	err := usercode.Call("Evidence.Start", func() error { theta = l.Start(otherSeed); return nil })
	var t trial
	if err == nil {
		t, err = l.try(l.ctx, l.experiment(), theta, startSteps)
	}
	if err != nil {
		l.missed("where another start leads", err)
		return nil
	}
	if t.to > here.to*math.Pow(10, -trialGain) {
		return nil
	}
	return &Finding{Kind: WrongSolution, Advice: "another seed; a method that uses curvature from the first step (optim.Auto); in time, causal weights (pinn.Causal) or windows",
		Words: saying("%d steps of %s from the result bring the loss from %v to %v, and %d from another start to %v: the training is at a minimum of its own",
			here.iterations, here.method, here.from, here.to, t.iterations, t.to),
		Figures: []Figure{{"loss", here.from}, {"loss after the trial", here.to}, {"loss from another start", t.to}}}
}

// gained reports whether a trial has found a way on that the method would not go in as many iterations as it made.
func (l *look) gained(t *trial) bool {
	return t != nil && t.gain > math.Max(trialGain, 4*l.course.fall)
}

// lost is the finding that steps gain in float64 what they do not in float32.
func lost(single, double *trial) Finding {
	return Finding{Kind: Rounding, Advice: inDouble,
		Words: saying("%d steps of %s from the result bring the loss from %v to %v in float32, and to %v in float64",
			double.iterations, double.method, single.from, single.to, double.to),
		Figures: []Figure{{"loss", single.from}, {"loss after the trial in float32", single.to}, {"loss after the trial in float64", double.to}}}
}

const inDouble = "float64 (pinn.Options.DType), at least to finish with"

func (l *look) pace() string {
	c := l.course
	more := 0.25 * float64(c.iterations) / c.fall
	return saying("the loss fell by %v decades in the last quarter of %d iterations; at that pace the next decade takes %v more", c.fall, c.iterations, more)
}

func (l *look) unfinished(words string) []Finding {
	return []Finding{{Kind: Unfinished, Words: words, Advice: "more iterations or time (a checkpoint goes on where it stopped)",
		Figures: []Figure{{"decades of the last quarter", l.course.fall}, {"iterations", float64(l.course.iterations)}}}}
}

const curvature = "a method that uses curvature: optim.Auto, optim.LevenbergMarquardt, optim.SSBroyden, or optim.LBFGS after this one"

func (l *look) plateau(t *trial) Finding {
	c := l.course
	f := Finding{Kind: Plateau, Advice: curvature,
		Words:   saying("%s brought the loss from %v to %v and by %v decades in the last quarter of the iterations", c.phase, c.first, c.last, c.fall),
		Figures: []Figure{{"first loss", c.first}, {"loss", c.last}, {"decades of the last quarter", c.fall}}}
	if t == nil {
		return f
	}
	f.Words += saying("; %d steps of %s from there bring it from %v to %v", t.iterations, t.method, t.from, t.to)
	f.Figures = append(f.Figures, Figure{"decades of the trial", t.gain})
	ratio, err := spread(l.experiment(), l.Result.Theta)
	if err != nil {
		l.missed("the spread of curvatures", err)
		return f
	}
	f.Words += saying("; curvatures differ by a factor of %v at least", ratio)
	f.Figures = append(f.Figures, Figure{"spread of curvatures", ratio})
	return f
}

func (l *look) smallNetwork(t *trial) Finding {
	factor := math.Pow(10, math.Max(0, t.gain))
	f := Finding{Kind: SmallNetwork,
		Advice: "a wider or deeper network, Fourier features or another activation; another seed, as this may be a minimum of its own",
		Words: saying("the loss came to rest at %v, and %d steps of %s from there lower it by no more than a factor of %v",
			l.course.last, t.iterations, t.method, factor),
		Figures: []Figure{{"loss", l.course.last}, {"factor of the trial", factor}}}
	if known(l.Trained) && known(l.HeldOut) {
		f.Words += saying("; residuals at held-out points, %v, are like those at trained ones, %v: more points would not help", l.HeldOut, l.Trained)
		f.Figures = append(f.Figures, Figure{"held-out residual", l.HeldOut}, Figure{"trained residual", l.Trained})
	}
	return f
}
