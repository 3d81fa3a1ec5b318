package autodiff

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"
)

// DefaultAllowance is how many operations the derivatives of one function may take. With reverse mode through them, that takes
// minutes to compile.
const DefaultAllowance = 20_000

// Allow has derivatives take up to so many operations in the graph, in place of DefaultAllowance. Their number, and the time to
// compile them, grows with the layers of a network, about with the square of the order of a derivative along one axis, and faster
// along several; what is asked for beyond it is refused.
func (d *Derivatives) Allow(operations int) {
	if operations < 1 {
		exceptions.Panicf("autodiff.Allow: operations is %d, expected at least 1", operations)
	}
	d.engine.allowance.most = operations
}

// stream is the stream of u for a form, one row for each point.
func (d *Derivatives) stream(f form) stream {
	a := &d.engine.allowance
	a.before, a.of, a.asked = a.spent, d.u, f
	if f.order() > mostPartitioned && d.engine.estimate(d.u, f) > 2*float64(a.most) { // beyond doubt, and building so many takes a while
		d.engine.refuse()
	}
	return d.engine.top(d.u, f)
}

// allowance bounds the operations of an engine.
type allowance struct {
	most, spent int // most is 0 for no bound
	before      int // spent before the derivative that was asked for last
	of          *graph.Node
	asked       form
}

// spend counts one operation, and refuses one too many.
func (e *engine) spend() {
	if e.allowance.spent++; e.allowance.most > 0 && e.allowance.spent > e.allowance.most {
		e.refuse()
	}
}

// refuse panics with the cost of what was asked for.
func (e *engine) refuse() {
	a := e.allowance
	n := math.Max(float64(a.spent), float64(a.before)+e.estimate(a.of, a.asked))
	exceptions.Panicf("autodiff: a derivative of order %d takes about %s operations, which with their gradient take about %s to compile; "+
		"expected at most %d operations (Derivatives.Allow permits more)", a.asked.order(), rounded(n), compiling(n), a.most)
}

// order is the highest one in the form.
func (f form) order() (order int) {
	for _, t := range f.terms {
		order = max(order, len(t.mono))
	}
	return order
}

// compiling is about the time that XLA takes for so many operations and reverse mode through them, as measured on one core: 0.6 s
// for 700, 6.6 s for 3,500.
func compiling(operations float64) string {
	seconds := 6.6 * math.Pow(operations/3500, 1.6)
	switch {
	case seconds < 120:
		return rounded(seconds) + " seconds"
	case seconds < 120*60:
		return rounded(seconds/60) + " minutes"
	}
	return rounded(seconds/3600) + " hours"
}

// rounded is a number of two digits, and zeros.
func rounded(v float64) string {
	if v >= 1e15 {
		return fmt.Sprintf("%.1g", v)
	}
	unit := math.Pow(10, math.Max(0, math.Floor(math.Log10(v))-1))
	return fmt.Sprintf("%.0f", math.Round(v/unit)*unit)
}

// estimate is about the number of operations that the streams of n for a form take.
func (e *engine) estimate(n *graph.Node, f form) float64 {
	var curved, others float64 // nodes
	seen := map[graph.NodeId]bool{}
	var walk func(n *graph.Node)
	walk = func(n *graph.Node) {
		if seen[n.Id()] || !e.depends(n) {
			return
		}
		seen[n.Id()] = true
		both := 0
		for _, input := range n.Inputs() {
			if e.depends(input) {
				both++
			}
			walk(input)
		}
		switch rules[n.Type()].(type) {
		case elementwise, power, rewritten:
			curved += 2 // f′ is a product or two, and there is the one with it
		case bilinear, quotient:
			if both > 1 {
				curved++
			} else {
				others++
			}
		default:
			others++
		}
	}
	walk(n)
	total := 0.0
	for _, t := range f.terms {
		// A mono that repeats its directions nᵢ times has Π(nᵢ + 1) parts, and these have Π(nᵢ + 1)(nᵢ + 2)/2 in turn.
		parts, divisions := 1.0, 1.0
		for i := 0; i < len(t.mono); {
			k := i
			for k < len(t.mono) && t.mono[k] == t.mono[i] {
				k++
			}
			n := float64(k - i)
			parts, divisions, i = parts*(n+1), divisions*(n+1)*(n+2)/2, k
		}
		total += others*parts + curved*2*divisions // a product, and a sum or a factor
	}
	return total
}
