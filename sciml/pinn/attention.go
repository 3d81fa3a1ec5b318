package pinn

import (
	"cmp"
	"fmt"
	"math"
)

// SelfAdaptive gives every point a weight that grows where the residual stays (self-adaptive PINNs, McClenny and
// Braga-Neto 2023, with the mask m(λ) = λ): the weights ascend the loss that the parameters descend, λ ← λ + Rate·|r|².
// Here residuals are relative to the root mean square of their term, so that Rate is what a mean weight grows by in an
// update, whatever the scale of the problem.
type SelfAdaptive struct {
	// Rate of the ascent; 0.1 when zero.
	Rate float64
}

// Name implements Weighting.
func (SelfAdaptive) Name() string { return "self-adaptive weights" }

// Update implements Weighting.
func (s SelfAdaptive) Update(o *Observation, w *Weights) error {
	rate := s.Rate
	rate = cmp.Or(rate, 0.1)
	if !(rate > 0) || math.IsInf(rate, 0) {
		return fmt.Errorf("pinn: SelfAdaptive.Rate is %v, expected a finite number above 0 (or 0 for the default)", s.Rate)
	}
	for t := range w.Terms {
		r, err := o.Residuals(t)
		if err != nil {
			return err
		}
		square := meanSquare(r)
		if square == 0 {
			continue
		}
		lambda := pointWeights(w, t, len(r))
		for n, v := range r {
			lambda[n] += rate * v * v / square
		}
	}
	return nil
}

// ResidualAttention multiplies the residual of every point by a number that follows its share of the largest (residual-
// based attention, Anagnostopoulos, Toscano, Stergiopulos and Karniadakis 2024): λ ← Decay·λ + Rate·|r|/max|r| from
// λ = 1, with the loss mean (λr)², so that the points' weights are λ². λ stays below the larger of 1 and Rate/(1 − Decay).
type ResidualAttention struct {
	// Decay is γ, 0.999 in the authors' program, which updates at each iteration; 0.9 when zero, about that for each of
	// 100 iterations.
	Decay float64
	// Rate is η*; 0.1 when zero.
	Rate float64
}

// Name implements Weighting.
func (ResidualAttention) Name() string { return "residual-based attention" }

// Update implements Weighting.
func (a ResidualAttention) Update(o *Observation, w *Weights) error {
	decay, err := share("ResidualAttention", "Decay", a.Decay, 0.9)
	if err != nil {
		return err
	}
	rate := a.Rate
	rate = cmp.Or(rate, 0.1)
	if !(rate > 0) || math.IsInf(rate, 0) {
		return fmt.Errorf("pinn: ResidualAttention.Rate is %v, expected a finite number above 0 (or 0 for the default)", a.Rate)
	}
	for t := range w.Terms {
		r, err := o.Residuals(t)
		if err != nil {
			return err
		}
		largest := 0.0
		for _, v := range r {
			largest = math.Max(largest, v)
		}
		if largest == 0 {
			continue
		}
		lambda := pointWeights(w, t, len(r))
		for n, v := range r {
			factor := decay*math.Sqrt(lambda[n]) + rate*v/largest
			lambda[n] = factor * factor
		}
	}
	return nil
}

// Causal trains early times first (Wang, Sankaran and Perdikaris 2024): an equation's weight in a slab of time is
// exp(−ε·sum over all earlier slabs of the mean of |r|² there). The problem must have the coordinate "t". When the
// smallest weight is above Done, ε moves on to the next tolerance.
type Causal struct {
	// Slabs is the number of slabs that time is cut into; 32 when zero.
	Slabs int
	// Tolerances are the values of ε, ascending; 0.01, 0.1, 1, 10, 100 when empty.
	Tolerances []float64
	// Done is the weight of the last slab at which ε moves on; 0.99 when zero.
	Done float64
}

// Name implements Weighting.
func (Causal) Name() string { return "causal weights" }

// Update implements Weighting.
func (c Causal) Update(o *Observation, w *Weights) error {
	slabs := c.Slabs
	slabs = cmp.Or(slabs, 32)
	if slabs < 2 {
		return fmt.Errorf("pinn: Causal.Slabs is %d, expected at least 2 (or 0 for the default)", c.Slabs)
	}
	done, err := share("Causal", "Done", c.Done, 0.99)
	if err != nil {
		return err
	}
	tolerances := c.Tolerances
	if len(tolerances) == 0 {
		tolerances = []float64{0.01, 0.1, 1, 10, 100}
	}
	for k, epsilon := range tolerances {
		if !(epsilon > 0) || math.IsInf(epsilon, 0) || k > 0 && epsilon < tolerances[k-1] {
			return fmt.Errorf("pinn: Causal.Tolerances is %v, expected ascending finite numbers above 0", tolerances)
		}
	}
	if w.Memory == nil {
		w.Memory = map[string][]float64{}
	}
	if w.Memory["stage"] == nil {
		w.Memory["stage"] = []float64{0}
	}
	stage := int(w.Memory["stage"][0])
	if stage >= len(tolerances) {
		return fmt.Errorf("pinn: Causal has %d Tolerances, but the stored weights are at number %d", len(tolerances), stage)
	}
	smallest := math.Inf(1)
	for t := range w.Terms {
		if !o.IsEquation(t) {
			continue
		}
		r, err := o.Residuals(t)
		if err != nil {
			return err
		}
		times, err := o.Times(t)
		if err != nil {
			return err
		}
		smallest = math.Min(smallest, causal(pointWeights(w, t, len(r)), r, times, slabs, tolerances[stage]))
	}
	if math.IsInf(smallest, 1) {
		return fmt.Errorf("pinn: Causal weighs equations, but the loss has only the conditions %q", o.Names())
	}
	if smallest > done && stage+1 < len(tolerances) {
		w.Memory["stage"][0]++
	}
	return nil
}

// causal sets the weights of points by their slab of time, and returns the smallest; times are from 0 to 1.
func causal(lambda, r, times []float64, slabs int, epsilon float64) float64 {
	squares, counts := make([]float64, slabs), make([]float64, slabs)
	slab := func(n int) int { return min(int(times[n]*float64(slabs)), slabs-1) }
	for n, v := range r {
		squares[slab(n)] += v * v
		counts[slab(n)]++
	}
	weights, before := make([]float64, slabs), 0.0
	for k := range weights {
		weights[k] = math.Exp(-epsilon * before)
		if counts[k] > 0 {
			before += squares[k] / counts[k]
		}
	}
	for n := range lambda {
		lambda[n] = weights[slab(n)]
	}
	return weights[slabs-1]
}

// pointWeights are the weights of a term's rows, made as ones where there are none.
func pointWeights(w *Weights, t, rows int) []float64 {
	if w.Points[t] == nil {
		w.Points[t] = make([]float64, rows)
		for n := range w.Points[t] {
			w.Points[t][n] = 1
		}
	}
	return w.Points[t]
}

func meanSquare(values []float64) float64 {
	total := 0.0
	for _, v := range values {
		total += v * v
	}
	return total / float64(len(values))
}
