package search

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// NonMonotone backtracks as Armijo does, but asks for a sufficient decrease below a level C that earlier losses set,
//
//	φ(α) ≤ C + c₁αφ′(0),
//
// so that the loss may rise for a while: along a narrow curved valley full steps are worth more than a decrease of each.
// C is the largest of the last Memory losses (Grippo, Lampariello and Lucidi 1986), or with Average the weighted mean
//
//	C ← (ηQC + f)/(ηQ + 1),   Q ← ηQ + 1
//
// of all losses (Zhang and Hager 2004, equation 1.6). The result of a run is its lowest loss, as ever.
// The zero value is usable.
type NonMonotone struct {
	// Memory is the number of losses, that of the current iterate included; 10 when zero. Armijo is the search with 1.
	Memory int
	// Average is η, between 0 and 1; the largest loss counts, rather than the mean, when zero.
	Average float64
	// Decrease is c₁, between 0 and 1/2; 1e-4 when zero.
	Decrease float64
	// MaxTrials bounds the evaluations of one search; 20 when zero.
	MaxTrials int
}

// Check reports a field that is out of its range.
func (n NonMonotone) Check() error {
	switch {
	case n.Memory < 0:
		return fmt.Errorf("search: NonMonotone.Memory is %d, expected at least 1 (or 0 for the default)", n.Memory)
	case !(n.Average >= 0 && n.Average <= 1):
		return fmt.Errorf("search: NonMonotone.Average is %v, expected a number from 0 to 1", n.Average)
	case n.Average > 0 && n.Memory > 0:
		return fmt.Errorf("search: NonMonotone has a Memory of %d and the Average %v, expected one of them", n.Memory, n.Average)
	}
	if err := n.armijo().Check(); err != nil {
		return fmt.Errorf("search: NonMonotone.Decrease or MaxTrials: %w", err)
	}
	return nil
}

func (n NonMonotone) armijo() Armijo { return Armijo{Decrease: n.Decrease, MaxTrials: n.MaxTrials} }

// Find implements Search, outside of a run: as Armijo.
func (n NonMonotone) Find(start Trial, first, resolution float64, try func(float64) (Trial, error)) (Trial, bool, error) {
	if err := n.Check(); err != nil {
		return Trial{}, false, err
	}
	return n.armijo().Find(start, first, resolution, try)
}

// Begin returns the search for one run.
func (n NonMonotone) Begin() MemorySearch {
	n.Memory = cmp.Or(n.Memory, 10)
	return &nonMonotone{NonMonotone: n}
}

// nonMonotone is a NonMonotone in a run. It remembers the last losses, or C and Q.
type nonMonotone struct {
	NonMonotone
	memory []float64
}

// Find implements Search.
func (n *nonMonotone) Find(start Trial, first, resolution float64, try func(float64) (Trial, error)) (Trial, bool, error) {
	return n.armijo().find(start, n.level(start.Loss), first, resolution, try)
}

// level is C, which rounding must not bring below the current loss.
func (n *nonMonotone) level(loss float64) float64 {
	if len(n.memory) == 0 {
		return loss
	}
	if n.Average > 0 {
		return math.Max(loss, n.memory[0])
	}
	return math.Max(loss, slices.Max(n.memory))
}

// Reached implements MemorySearch.
func (n *nonMonotone) Reached(loss float64) {
	switch {
	case n.Average == 0:
		n.memory = append(n.memory, loss)
		n.memory = n.memory[max(0, len(n.memory)-n.NonMonotone.Memory):]
	case len(n.memory) == 0:
		n.memory = []float64{loss, 1}
	default:
		weight := n.Average * n.memory[1]
		n.memory = []float64{(weight*n.memory[0] + loss) / (weight + 1), weight + 1}
	}
}

// Memory implements MemorySearch.
func (n *nonMonotone) Memory() []float64 { return slices.Clone(n.memory) }

// SetMemory implements MemorySearch.
func (n *nonMonotone) SetMemory(memory []float64) { n.memory = slices.Clone(memory) }
