package pinn

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/gomlx/compute/dtypes"
)

// judge draws the conclusions of a trial.
func (m *Model) judge(t *trial) error {
	if err := m.judgeConditions(t); err != nil {
		return err
	}
	for _, p := range t.equations() {
		if _, evolves := m.options.PseudoTime.Unknowns[p.name]; evolves && p.components > 1 {
			return fmt.Errorf("pinn: the residual %q has %d components, expected one where Options.PseudoTime names an unknown for it: several are equations of their own", p.name, p.components)
		}
	}
	for _, c := range m.problem.Coefficients {
		if size := math.Abs(c.Start); c.IsPlain() && size > 0 && (size > extreme || size < 1/extreme) {
			m.remark("the coefficient %q starts at %g, and steps that suit the parameters of a network do not suit it: with Scale %.0e, or Log, in its pde.Coefficient they do", c.Name, c.Start, size)
		}
		if !t.used[c.Name] {
			return fmt.Errorf("pinn: the coefficient %q of problem %q occurs in none of its equations and conditions, expected one that a residual asks for by Fields.Coefficient", c.Name, m.problem.Name)
		}
	}
	if estimate := m.options.Laplacians; estimate.Directions > 0 {
		if !t.laplacian {
			return fmt.Errorf("pinn: Options.Laplacians is set, but no equation of problem %q asks for one by Fields.Laplacian, expected one that does: other derivatives are exact", m.problem.Name)
		}
		m.remark("Laplacians are estimated %s: the loss is larger than that with exact ones by the variance of the estimates", estimate)
	}
	m.judgeUnknowns(t)
	m.balance(t)
	return nil
}

// judgeUnknowns notes what a loss would leave open, or ask for too often, without a word.
func (m *Model) judgeUnknowns(t *trial) {
	if _, strong := m.options.Form.(StrongForm); strong && len(t.absent) > 0 {
		m.remark("the unknowns %q change the residual of no equation: is one left out, or taken for another?", t.absent)
	}
	total, unknowns := 0, len(m.problem.Unknowns)
	for _, p := range t.equations() {
		total += p.components
	}
	for _, p := range t.equations() {
		if unknowns > 1 && p.components == unknowns && total > unknowns {
			m.remark("the residual %q has %d components, one for each unknown, and the equations have %d for %d unknowns: Fields.Of picks one unknown, where one was meant", p.name, p.components, total, unknowns)
		}
	}
}

// exactness is the size of a residual, relative to that of any other function, from which a condition does not hold exactly:
// far above rounding, also of high derivatives of networks with high frequencies.
func exactness(dtype dtypes.DType) float64 {
	if dtype == dtypes.Float32 {
		return 1e-2
	}
	return 1e-7
}

// judgeConditions finds the conditions that are left to be penalized, and reports equations that do not hold as they are said to.
func (m *Model) judgeConditions(t *trial) error {
	for _, p := range t.equations() {
		if p.claimed && p.off > exactness(t.dtype) {
			return fmt.Errorf("pinn: problem %q says that the equation %q holds exactly, but %s not satisfy it: its residual is %.2g of what it is for any function, expected 0 up to rounding",
				m.problem.Name, p.name, m.means(), p.off)
		}
	}
	var left []string
	for _, p := range t.conditions() {
		if p.claimed && !p.dropped && p.off > exactness(t.dtype) {
			if m.problem.Exactly != nil {
				return fmt.Errorf("pinn: problem %q says that the condition %q holds exactly, but %s not satisfy it: its residual is %.2g of what it is for any function, expected 0 up to rounding",
					m.problem.Name, p.name, m.means(), p.off)
			}
			p.claimed = false
			m.remark("%s not satisfy the condition %q, whose residual is %.2g of what it is for any function: it is penalized (Problem.Exactly names the conditions that hold exactly)",
				m.means(), p.name, p.off)
		}
		if !p.claimed {
			m.soft = append(m.soft, *p.condition)
			left = append(left, fmt.Sprintf("%q", p.name))
		}
	}
	if m.options.Hard && len(left) > 0 {
		return fmt.Errorf("pinn: Options.Hard is set, but nothing satisfies %s of problem %q exactly, expected an Ansatz or Periods that do", strings.Join(left, ", "), m.problem.Name)
	}
	return nil
}

// means are what conditions are to hold exactly by.
func (m *Model) means() string {
	switch {
	case m.problem.Ansatz != nil && periodic(m.problem):
		return "the Ansatz and Periods do"
	case m.problem.Ansatz != nil:
		return "the Ansatz does"
	}
	return "the Periods do"
}

// remark notes something for the history of a run.
func (m *Model) remark(format string, args ...any) {
	m.remarks = append(m.remarks, fmt.Sprintf(format, args...))
}

// A network of size 1 changes residuals by amounts between about 0.01 and 100, and the unknowns of most problems are about 1.
// Beyond these bounds of sizes, a training sees nothing of a term, or does not reach an unknown.
const (
	far          = 30   // of an unknown whose size conditions tell: 300, as temperatures are, costs digits; and of a term beside extreme ones
	extreme      = 1e3  // of what a network changes in a residual, and of an unknown whose size other unknowns tell
	extremeForce = 1e5  // of a residual without the network: a source of high frequency is large, too
	extremeGuess = 1e4  // of an unknown whose size is told by the source of an equation alone
	tiny         = 1e-6 // of an unknown: small ones are reached well
)

// sizesOf are about the sizes of the unknowns, as powers of ten, in those of the network's outputs; nil when all are within
// reach. Conditions and lifts tell, then sources of equations, then other unknowns by the equations that couple them.
func (m *Model) sizesOf(t *trial) []float64 {
	unknowns := len(m.problem.Unknowns)
	size, known, guess := make([]float64, unknowns), make([]bool, unknowns), make([]float64, unknowns)
	tell := func(k int, q float64) {
		if !known[k] && !math.IsInf(q, 0) && q > guess[k] {
			guess[k] = q
		}
	}
	settle := func(most, least float64) {
		for k, q := range guess {
			if known[k] || q == 0 {
				continue
			}
			if known[k] = true; q > most || q < least {
				size[k] = math.Pow(10, math.Round(math.Log10(q)))
			}
		}
	}
	for k, lift := range t.lift {
		tell(k, lift/t.unknowns[k])
	}
	for _, p := range t.conditions() {
		if k := largestAt(p.by); !p.claimed && !p.dropped {
			tell(k, p.bare/p.by[k])
		}
	}
	settle(far, tiny)
	open := slices.DeleteFunc(slices.Clone(t.equations()), func(p *probe) bool { return p.claimed })
	for _, p := range open {
		k := largestAt(p.by)
		tell(k, p.bare/p.by[k])
	}
	settle(extremeGuess, tiny)
	for range unknowns {
		// What balances an unknown differs among the equations, by their derivatives; the geometric mean is about its size.
		logs, count := make([]float64, unknowns), make([]float64, unknowns)
		for _, p := range open {
			by := 0.0
			for k, there := range known {
				if there {
					by = math.Max(by, p.by[k]*cmp.Or(size[k], 1))
				}
			}
			for k := range known {
				if q := by / p.by[k]; !known[k] && q > 0 && !math.IsInf(q, 0) {
					logs[k] += math.Log(q)
					count[k]++
				}
			}
		}
		for k := range logs {
			if count[k] > 0 {
				tell(k, math.Exp(logs[k]/count[k]))
			}
		}
		settle(extreme, 1/extreme)
	}
	if largest(size) == 0 {
		return nil
	}
	for k := range size {
		size[k] = cmp.Or(size[k], 1)
	}
	return size
}

// Sizes are about the sizes of the unknowns, as powers of ten of those of the network's outputs, where a training would not reach
// them otherwise; nil where it will. See nn.Amplified.
func (m *Model) Sizes() []float64 {
	if m == nil {
		return nil
	}
	return slices.Clone(m.sizes)
}

// largestAt is the place of the largest number.
func largestAt(values []float64) int {
	at := 0
	for i, v := range values {
		if v > values[at] {
			at = i
		}
	}
	return at
}

// smallest is the smallest of some sizes, 0 of none.
func smallest(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	return slices.Min(values)
}

// balance scales terms of extreme sizes: with the units of a problem an equation may weigh 1e-12 and its conditions 100, and a
// loss is then that of the conditions alone.
func (m *Model) balance(t *trial) {
	if m.problem.Suggested.Amplify == 0 {
		m.sizes = m.sizesOf(t)
	}
	if m.sizes != nil {
		m.remark("the unknowns %q are about %.0e times the outputs of the network, which a training may not reach: nn.Amplified(network, sizes...) multiplies them", m.problem.Unknowns, m.sizes)
	}
	if _, strong := m.options.Form.(StrongForm); !strong || m.options.Weighting != nil {
		return
	}
	if w := m.options.Window; w != nil && w.Balance != nil {
		maps.Copy(m.factors, w.Balance)
		return
	}
	bounds := func(p *probe) (s float64, open, beyond bool) {
		s = p.response
		if s < extreme { // else what the network can change counts, not how far it has to go
			s = math.Max(s, p.bare)
		}
		open = !p.claimed && !p.dropped && p.response > 0 && !math.IsInf(s, 0)
		return s, open, open && (s <= 1/extreme || p.response >= extreme || p.bare >= extremeForce)
	}
	some := slices.ContainsFunc(t.probes, func(p *probe) bool { _, _, beyond := bounds(p); return beyond })
	for _, p := range t.probes {
		if !p.claimed && !p.dropped && p.response == 0 && (p.bare > 0 || p.constant) {
			m.remark("the residual %q is about %.0e for any network that was tried, and without one: it may not depend on the unknowns there, and no training changes it then", p.name, p.bare)
			continue
		}
		if small, large := smallest(p.parts), largest(p.parts); !p.claimed && small > 0 && large/small > extreme*extreme && !math.IsInf(large, 0) {
			m.remark("the components of the residual %q are about %.0e for a network of size 1: the smallest will be ignored beside the largest; as equations of their own they have weights of their own", p.name, p.parts)
		}
		s, open, beyond := bounds(p)
		if !open || !beyond && !(some && (s > far || s < 1/far)) {
			continue
		}
		usual := 1.0
		if p.condition != nil {
			usual = m.options.BoundaryWeight
		}
		factor := math.Pow(10, math.Max(-290, math.Min(290, math.Round(-2*math.Log10(s))))) // neither 0 nor infinite
		what := fmt.Sprintf("the residual %q is about %.0e for a network of size 1, so that a training would ignore its term, or others beside it", p.name, s)
		if chosen, there := m.options.Weights[p.name]; there {
			m.remark("%s: Loss.Weights{%q: %.0e} in place of %g would balance it", what, p.name, usual*factor, chosen)
			continue
		}
		m.factors[p.name] = factor
		m.remark("%s: its weight is %.0e in place of %g (Loss.Weights{%q: …} sets another)", what, usual*factor, usual, p.name)
	}
}
