package pinn

import (
	"cmp"
	"fmt"
	"math"
)

// GradientAnnealing is the learning-rate annealing of Wang, Teng and Perdikaris (2021, Algorithm 1): the weight w of each
// condition follows max|∇L_equations| / mean|∇(w·L_condition)|, where those of equations stay one. Of several equations the
// largest maximum counts. The weight within the mean is in the authors' program: a weight without bound would follow where a
// condition is met and its gradient vanishes.
type GradientAnnealing struct {
	// Keep is the share of the old weight that each update keeps; 0.35 when zero: the authors' program keeps 0.9 every 10
	// iterations.
	Keep float64
}

// Name implements Weighting.
func (GradientAnnealing) Name() string { return "learning-rate annealing" }

// Update implements Weighting.
func (g GradientAnnealing) Update(o *Observation, w *Weights) error {
	keep, err := share("GradientAnnealing", "Keep", g.Keep, 0.35)
	if err != nil {
		return err
	}
	gradients, err := o.Gradients()
	if err != nil {
		return err
	}
	largest, equations := 0.0, 0
	for t, stats := range gradients {
		if o.IsEquation(t) {
			largest = math.Max(largest, stats.Largest)
			equations++
		}
	}
	if equations == 0 || equations == len(gradients) {
		return fmt.Errorf("pinn: GradientAnnealing weighs conditions against equations, but the loss has only %q, expected some of each", o.Names())
	}
	target := append([]float64(nil), w.Terms...) // for what has no gradient
	for t, stats := range gradients {
		if !o.IsEquation(t) && largest > 0 && w.Terms[t]*stats.Mean > 0 {
			target[t] = largest / (w.Terms[t] * stats.Mean)
		}
	}
	w.blend(target, keep)
	return nil
}

// GradNorm gives all terms gradients of balanced length (Chen, Badrinarayanan, Lee and Rabinovich 2018): w_t·‖∇L_t‖ is
// made proportional to (L_t/L_t(0) / mean of that)^Alpha, so that terms that train slowly pull harder. The paper moves
// weights towards that by gradient descent; here they are set by it, and blended with the old ones. With Alpha zero it
// is, up to a common factor, the balance of Wang, Sankaran, Wang and Perdikaris (2023). The mean weight is one, and so
// is that of a term without gradient.
type GradNorm struct {
	// Alpha is the strength with which slow terms are favoured.
	Alpha float64
	// Keep is the share of the old weight that each update keeps; 0.9 when zero.
	Keep float64
}

// Name implements Weighting.
func (GradNorm) Name() string { return "GradNorm" }

// Update implements Weighting.
func (g GradNorm) Update(o *Observation, w *Weights) error {
	keep, err := share("GradNorm", "Keep", g.Keep, 0.9)
	if err != nil {
		return err
	}
	gradients, err := o.Gradients()
	if err != nil {
		return err
	}
	if len(gradients) < 2 {
		return errOneTerm
	}
	if !(g.Alpha >= 0) || math.IsInf(g.Alpha, 0) {
		return fmt.Errorf("pinn: GradNorm.Alpha is %v, expected a finite number, at least 0", g.Alpha)
	}
	pull := make([]float64, len(gradients))
	for t := range pull {
		pull[t] = 1
	}
	if g.Alpha != 0 {
		if pull, err = slowness(o, w); err != nil {
			return err
		}
	}
	target, total, count := make([]float64, len(gradients)), 0.0, 0.0
	for t, stats := range gradients {
		if stats.Norm > 0 {
			target[t] = math.Min(math.Pow(pull[t], g.Alpha)/stats.Norm, 1e100)
			total += target[t]
			count++
		}
	}
	for t, stats := range gradients {
		if stats.Norm > 0 && total > 0 {
			target[t] *= count / total
		} else {
			target[t] = 1
		}
	}
	w.blendFromFirst(target, keep)
	return nil
}

// slowness is L_t/L_t(0) relative to its mean.
func slowness(o *Observation, w *Weights) ([]float64, error) {
	losses, err := o.Losses()
	if err != nil {
		return nil, err
	}
	if w.Memory["initial"] == nil {
		w.Memory["initial"] = losses
	}
	ratios, mean := make([]float64, len(losses)), 0.0
	for t, l := range losses {
		ratios[t] = ratio(l, w.Memory["initial"][t])
		mean += ratios[t] / float64(len(losses))
	}
	for t := range ratios {
		if mean > 0 {
			ratios[t] /= mean
		} else {
			ratios[t] = 1
		}
	}
	return ratios, nil
}

// ratio is how far a loss has come. One that was zero counts as unchanged, and none as having grown without bound.
func ratio(now, before float64) float64 {
	if before == 0 {
		return 1
	}
	return math.Min(now/before, 1e100)
}

// NTKWeights balances the rates at which terms are learned (Wang, Yu and Perdikaris 2022): w_t is the sum of
// tr(K_ss)/N_s over all terms s, relative to that of the term, with K_tt = J_tJ_tᵀ of its residuals. (The paper has tr K
// in place of tr(K)/N, and the same number of points for each term.) Residuals must be point-wise, so that
// autodiff.Jacobian applies to them.
type NTKWeights struct {
	// Keep is the share of the old weight that each update keeps; 0.9 when zero.
	Keep float64
}

// Name implements Weighting.
func (NTKWeights) Name() string { return "NTK weights" }

// Update implements Weighting.
func (k NTKWeights) Update(o *Observation, w *Weights) error {
	keep, err := share("NTKWeights", "Keep", k.Keep, 0.9)
	if err != nil {
		return err
	}
	traces, err := o.KernelTraces()
	if err != nil {
		return err
	}
	if len(traces) < 2 {
		return errOneTerm
	}
	total := 0.0
	for _, v := range traces {
		total += v
	}
	target := append([]float64(nil), w.Terms...) // for what does not depend on θ
	for t, v := range traces {
		if v > 0 {
			target[t] = total / v
		}
	}
	w.blendFromFirst(target, keep)
	return nil
}

// ReLoBRaLo is relative loss balancing with random lookback (Bischof and Kraus 2025): with m terms and
// b_t(s) = m·softmax_t(L_t/(Temperature·L_t(s))), w ← Keep·(ρw + (1−ρ)·b(start)) + (1−Keep)·b(last update), where ρ is 1
// with probability Lookback and else 0. Terms that have come less far get larger weights.
type ReLoBRaLo struct {
	// Temperature of the softmax; 0.1 when zero. A high one makes the weights equal.
	Temperature float64
	// Keep is the share of the old weight that each update keeps, α in the paper, which updates at each iteration; 0.9
	// when zero, about 0.999 for each of 100 iterations.
	Keep float64
	// Lookback is the expected share of updates that keep the last weights rather than those against the start, E[ρ] in
	// the paper; 0.99 when zero.
	Lookback float64
}

// Name implements Weighting.
func (ReLoBRaLo) Name() string { return "ReLoBRaLo" }

// Update implements Weighting.
func (r ReLoBRaLo) Update(o *Observation, w *Weights) error {
	keep, err := share("ReLoBRaLo", "Keep", r.Keep, 0.9)
	if err != nil {
		return err
	}
	lookback, err := share("ReLoBRaLo", "Lookback", r.Lookback, 0.99)
	if err != nil {
		return err
	}
	temperature := r.Temperature
	temperature = cmp.Or(temperature, 0.1)
	if !(temperature > 0) || math.IsInf(temperature, 0) {
		return fmt.Errorf("pinn: ReLoBRaLo.Temperature is %v, expected a finite number above 0 (or 0 for the default)", r.Temperature)
	}
	losses, err := o.Losses()
	if err != nil {
		return err
	}
	if len(losses) < 2 {
		return errOneTerm
	}
	if w.Memory["initial"] == nil {
		w.Memory["initial"], w.Memory["last"] = losses, losses
		return nil
	}
	sinceLast := softmaxOfRatios(losses, w.Memory["last"], temperature)
	sinceStart := softmaxOfRatios(losses, w.Memory["initial"], temperature)
	recall := 0.0
	if o.Random() < lookback {
		recall = 1
	}
	for t := range w.Terms {
		w.Terms[t] = keep*(recall*w.Terms[t]+(1-recall)*sinceStart[t]) + (1-keep)*sinceLast[t]
	}
	w.Memory["last"] = losses
	return nil
}

// softmaxOfRatios is m·softmax(L_t/(T·L_t′)) of m terms.
func softmaxOfRatios(now, before []float64, temperature float64) []float64 {
	ratios, top := make([]float64, len(now)), math.Inf(-1)
	for t := range now {
		ratios[t] = ratio(now[t], before[t]) / temperature
		top = math.Max(top, ratios[t])
	}
	total := 0.0
	for t := range ratios {
		ratios[t] = math.Exp(ratios[t] - top)
		total += ratios[t]
	}
	for t := range ratios {
		ratios[t] *= float64(len(ratios)) / total
	}
	return ratios
}
