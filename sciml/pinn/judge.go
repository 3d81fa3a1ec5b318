package pinn

import (
	"fmt"
	"math"
	"strings"

	"github.com/gomlx/compute/dtypes"
)

// judge draws the conclusions of a trial.
func (m *Model) judge(t *trial) error {
	if err := m.judgeConditions(t); err != nil {
		return err
	}
	for _, c := range m.problem.Coefficients {
		if !t.used[c.Name] {
			return fmt.Errorf("pinn: the coefficient %q of problem %q occurs in none of its equations and conditions, expected one that a residual asks for by Fields.Coefficient", c.Name, m.problem.Name)
		}
	}
	m.balance(t)
	return nil
}

// exactness is the size of a residual, relative to that of any other function, from which a condition does not hold exactly:
// far above rounding, also of high derivatives of networks with high frequencies.
func exactness(dtype dtypes.DType) float64 {
	if dtype == dtypes.Float32 {
		return 1e-2
	}
	return 1e-7
}

// judgeConditions finds the conditions that are left to be penalized.
func (m *Model) judgeConditions(t *trial) error {
	var left []string
	for _, p := range t.conditions() {
		if p.claimed && !p.dropped && p.off > exactness(t.dtype) {
			if m.problem.Exactly != nil {
				return fmt.Errorf("pinn: problem %q says that the condition %q holds exactly, but %s not satisfy it: its residual is %.2g of what it is for any function, expected 0 up to rounding",
					m.problem.Name, p.name, m.means(), p.off)
			}
			p.claimed = false
			m.remark("%s of the problem not satisfy the condition %q, whose residual is %.2g of what it is for any function: it is penalized (Problem.Exactly names the conditions that hold exactly)",
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
	case m.problem.Ansatz != nil && m.problem.Periods != nil:
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

// extreme is how far from 1 the size of a residual may be, for a network of size 1, before its term is scaled.
const extreme = 1e3

// balance scales terms that a random network changes by extreme amounts: with the units of a problem an equation may weigh
// 1e-12 and its conditions 100, and a loss is then that of the conditions alone.
func (m *Model) balance(t *trial) {
	if _, strong := m.options.Form.(StrongForm); !strong || m.options.Weighting != nil {
		return
	}
	for _, p := range t.probes {
		s := p.response
		if p.claimed || p.dropped || !(s > 0) || math.IsInf(s, 0) || s > 1/extreme && s < extreme {
			continue
		}
		if _, chosen := m.options.Weights[p.name]; chosen {
			continue
		}
		decades := math.Round(-2 * math.Log10(s))
		m.factors[p.name] = math.Pow(10, decades)
		m.remark("a network of size 1 changes the residual %q by about %.1g: the weight of the term is multiplied by 1e%+.0f (Loss.Weights[%q] sets another)", p.name, s, decades, p.name)
	}
}
