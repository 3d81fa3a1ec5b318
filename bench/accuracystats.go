package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/gonum/stat"
)

// spread is the median of some values and their range.
type spread struct{ median, low, high float64 }

// spreadOf takes NaN for +∞. The median is one of the values: of an even number the lower middle one, so that it is
// finite if at least half of them are. The range is that of the finite ones, NaN if there is none.
func spreadOf(values []float64) spread {
	sorted, finite := make([]float64, len(values)), 0
	for i, v := range values {
		if sorted[i] = v; math.IsNaN(v) {
			sorted[i] = math.Inf(1)
		}
		if !math.IsInf(sorted[i], 0) {
			finite++
		}
	}
	if len(sorted) == 0 {
		return spread{math.NaN(), math.NaN(), math.NaN()}
	}
	slices.Sort(sorted)
	s := spread{median: stat.Quantile(0.5, stat.Empirical, sorted, nil), low: math.NaN(), high: math.NaN()}
	if finite > 0 {
		s.low, s.high = sorted[0], sorted[finite-1]
	}
	return s
}

// text is the median with the range in parentheses, if that says more.
func (s spread) text(format func(float64) string) string {
	switch {
	case math.IsNaN(s.low) || s.low == s.high && s.median == s.low:
		return format(s.median)
	case s.low == s.high:
		return fmt.Sprintf("%s (%s)", format(s.median), format(s.low))
	}
	return fmt.Sprintf("%s (%s–%s)", format(s.median), format(s.low), format(s.high))
}

// seconds is a time in few digits, or a dash where there is none.
func seconds(v float64) string {
	switch {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return "—"
	case v < 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// errorText is an error in few digits, or a dash where there is none.
func errorText(v float64) string {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return "—"
	}
	return fmt.Sprintf("%.1e", v)
}

// outcome is what several seeds of a method did on a target.
type outcome struct {
	seeds, reached int
	time           spread // to the target, in time
	error          spread // at the end
}

// outcomeOf sums rows up.
func outcomeOf(rows []row, t target) outcome {
	o := outcome{seeds: len(rows)}
	var times, ends []float64
	for _, r := range rows {
		v := r.verdict(t)
		if v.Reached {
			o.reached++
			times = append(times, float64(v.SecondsToTarget))
		} else {
			times = append(times, math.Inf(1))
		}
		ends = append(ends, float64(r.RelativeL2))
	}
	o.time, o.error = spreadOf(times), spreadOf(ends)
	return o
}

// stopReasons counts why trainings ended, the most frequent reason first.
func stopReasons(rows []row) string {
	count := map[string]int{}
	var reasons []string
	for _, r := range rows {
		reason := r.stoppedBy()
		if count[reason]++; count[reason] == 1 {
			reasons = append(reasons, reason)
		}
	}
	slices.SortStableFunc(reasons, func(a, b string) int { return cmp.Compare(count[b], count[a]) })
	for i, reason := range reasons {
		if len(rows) > 1 {
			reasons[i] = fmt.Sprintf("%s (%d)", reason, count[reason])
		}
	}
	return strings.Join(reasons, ", ")
}

// selected are the rows of a problem and a method.
func selected(rows []row, problem, method string) []row {
	var found []row
	for _, r := range rows {
		if r.Problem == problem && r.Method == method {
			found = append(found, r)
		}
	}
	return found
}

// comparison of a run with Adam's from the same seed.
type comparison struct {
	problem          string
	seed             uint64
	mine, adams, far float64 // far: the seconds at which they are compared; +Inf for the ends of both
}

// worse reports whether the run ends with a larger error than Adam.
func (c comparison) worse() bool { return orInf(c.mine) > orInf(c.adams) }

// againstAdam compares each run of the default method with Adam's of the same problem and seed. A run that reached its
// hardest target ended there by its own choice and is compared with what Adam had by then; any other had the whole
// budget, as Adam had.
func againstAdam(rows []row) []comparison {
	var all []comparison
	for _, mine := range rows {
		if mine.Method != auto {
			continue
		}
		for _, adams := range selected(rows, mine.Problem, "adam") {
			if adams.Seed != mine.Seed {
				continue
			}
			far := math.Inf(1)
			if mine.stoppedAtTarget() {
				far = mine.Seconds
			}
			all = append(all, comparison{mine.Problem, mine.Seed, float64(mine.RelativeL2), adams.errorAfter(far), far})
		}
	}
	return all
}

// errorAfter is the last error that was measured until then: that of the end if the training had ended, +Inf if none
// was measured yet.
func (r row) errorAfter(seconds float64) float64 {
	if seconds >= r.Seconds {
		return orInf(float64(r.RelativeL2))
	}
	last := math.Inf(1)
	for i, at := range r.ErrorAt {
		if at <= seconds {
			last = r.Errors[i]
		}
	}
	return last
}

func orInf(v float64) float64 {
	if math.IsNaN(v) {
		return math.Inf(1)
	}
	return v
}
