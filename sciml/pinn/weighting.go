package pinn

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
)

// Weighting moves the weights of a loss during training. A new scheme needs one method; see the schemes of this package.
type Weighting interface {
	Name() string
	// Update changes the weights in w after looking at the model's terms. It is called before the first iteration, then
	// every Options.WeightEvery iterations, and whenever a Refiner has moved points.
	Update(o *Observation, w *Weights) error
}

// Weights are what a Weighting moves. They multiply the fixed weights of Options, and all start as ones.
type Weights struct {
	// Terms has one weight for each term, in the order of Observation.Names.
	Terms []float64
	// Points has one weight for each row of a term's residual, or nil for ones. Those of terms whose points a Refiner
	// moves are nil again after each move.
	Points [][]float64
	// Memory is what the scheme remembers between updates, by a name of its choice; checkpoints keep it.
	Memory map[string][]float64
}

func newWeights(clouds []*cloud) *Weights {
	w := &Weights{Memory: map[string][]float64{}}
	for _, c := range clouds {
		for range c.terms {
			w.Terms = append(w.Terms, 1)
			w.Points = append(w.Points, nil)
		}
	}
	return w
}

// clone is a copy that shares nothing.
func (w *Weights) clone() Weights {
	c := Weights{Terms: slices.Clone(w.Terms), Memory: maps.Clone(w.Memory)}
	for _, p := range w.Points {
		c.Points = append(c.Points, slices.Clone(p))
	}
	for name, m := range c.Memory {
		c.Memory[name] = slices.Clone(m)
	}
	return c
}

// check reports weights that are no weights of the given terms, so that they never reach a loss.
func (w *Weights) check(scheme string, clouds []*cloud) error {
	terms := termsOf(clouds)
	if len(w.Terms) != len(terms) || len(w.Points) != len(terms) {
		return fmt.Errorf("pinn: %s leaves %d weights of terms and %d of points, expected %d of each", scheme, len(w.Terms), len(w.Points), len(terms))
	}
	bad := func(v float64) bool { return !(v >= 0) || math.IsInf(v, 0) }
	left := false
	for t, term := range terms {
		if bad(w.Terms[t]) {
			return fmt.Errorf("pinn: %s gives the term %q the weight %v, expected a finite number, at least 0", scheme, term.name, w.Terms[t])
		}
		if w.Points[t] != nil && len(w.Points[t]) != term.rows {
			return fmt.Errorf("pinn: %s gives the term %q %d weights, expected one for each of its %d rows (or nil)", scheme, term.name, len(w.Points[t]), term.rows)
		}
		for n, v := range w.Points[t] {
			if bad(v) {
				return fmt.Errorf("pinn: %s gives row %d of the term %q the weight %v, expected a finite number, at least 0", scheme, n, term.name, v)
			}
		}
		left = left || w.Terms[t] > 0 && (w.Points[t] == nil || slices.ContainsFunc(w.Points[t], func(v float64) bool { return v > 0 }))
	}
	if !left { // a loss of nothing is zero, and would look like a solution
		return fmt.Errorf("pinn: %s gives all terms the weight 0, expected a number above 0 for one of them", scheme)
	}
	return nil
}

// blend moves weights towards a target: w ← keep·w + (1−keep)·target.
func (w *Weights) blend(target []float64, keep float64) {
	for t := range w.Terms {
		w.Terms[t] = keep*w.Terms[t] + (1-keep)*target[t]
	}
}

// blendFromFirst is blend, but the first time sets the weights: ones mean nothing yet.
func (w *Weights) blendFromFirst(target []float64, keep float64) {
	if len(w.Memory["started"]) == 0 {
		keep, w.Memory["started"] = 0, []float64{1}
	}
	w.blend(target, keep)
}

// share checks a number that is a share, and takes a default for zero.
func share(scheme, field string, v, fallback float64) (float64, error) {
	if v == 0 {
		return fallback, nil
	}
	if !(v > 0 && v < 1) {
		return 0, fmt.Errorf("pinn: %s.%s is %v, expected a number between 0 and 1 (0 for the default)", scheme, field, v)
	}
	return v, nil
}

// errOneTerm is for schemes that compare terms.
var errOneTerm = errors.New("pinn: the scheme compares terms of the loss, of which there is one, expected at least two; conditions that hold exactly are no terms")
