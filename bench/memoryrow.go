package main

import (
	"fmt"
	"io"
	"math"
	"strings"
)

// memoryRow is what one run needed, a line of JSON. Memory is resident memory in bytes, and, but for Before, what comes on
// top of Before or, of Compiling, of what was there. "In θ" means in units of θ, 8·P bytes.
type memoryRow struct {
	Method     string `json:"method"`
	Parameters int    `json:"parameters"`
	Network    string `json:"network"`
	Points     int    `json:"points"`
	Backend    string `json:"backend"`
	// Iterations were made of those that were wanted, in Seconds, compilation included.
	Iterations int     `json:"iterations"`
	Wanted     int     `json:"iterations_wanted"`
	Seconds    float64 `json:"seconds"`
	// Theta is the size of θ, Before the memory when the run began, after one evaluation of loss and gradient.
	Theta  int64 `json:"theta_bytes"`
	Before int64 `json:"before_bytes"`
	// Compiling is the most that the first iterations took with a small network, before that: nearly all of it is for
	// compiling, and does not depend on P. Some of it stays, and is in Before.
	Compiling int64 `json:"compiling_bytes"`
	// First is the most in the first iterations, which compile; Later the most after them, up to the end of the run; Peak
	// the most of both.
	First int64 `json:"first_iterations_bytes"`
	Later int64 `json:"later_bytes"`
	Peak  int64 `json:"peak_bytes"`
	// Quarters are the most in each quarter of the run, the first without the first iterations; 0 where there are no others.
	Quarters   [4]int64 `json:"quarter_bytes"`
	MeasuredBy string   `json:"measured_by"`
	// Stopped says why the run ended before its time; empty if it did not.
	Stopped string `json:"stopped,omitempty"`

	// What judge makes of them. GrowthInTheta is that from the second quarter to the last, null of a run that was stopped.
	FirstInTheta  number `json:"first_iterations_theta"`
	LaterInTheta  number `json:"later_theta"`
	PeakInTheta   number `json:"peak_theta"`
	GrowthInTheta number `json:"growth_theta"`
	// Targets are the most that is allowed, in θ; null for none.
	PeakTarget   number `json:"peak_target"`
	GrowthTarget number `json:"growth_target"`
	// PeakMet is true where there is no target.
	PeakMet   bool `json:"peak_met"`
	GrowthMet bool `json:"growth_met"`
}

// firstIterations is the stage of a run before it is in one of its quarters, 1 to 4, and afterwards the one after them.
const (
	firstIterations = 0
	afterwards      = 5
)

// peaked takes the highest memory of a stage so far.
func (r *memoryRow) peaked(stage int, memory int64) {
	above := memory - r.Before
	if stage == firstIterations {
		r.First = max(r.First, above)
	} else {
		r.Later = max(r.Later, above)
	}
	if stage > firstIterations && stage < afterwards {
		r.Quarters[stage-1] = max(r.Quarters[stage-1], above)
	}
	r.Peak = max(r.First, r.Later)
}

// judge compares with the targets; a peak of 0 is none. A run that was stopped meets none.
func (r *memoryRow) judge(peak float64) {
	complete := r.Stopped == ""
	inTheta := func(memory int64) number { return number(float64(memory) / float64(r.Theta)) }
	r.FirstInTheta, r.LaterInTheta, r.PeakInTheta = inTheta(r.First), inTheta(r.Later), inTheta(r.Peak)
	r.GrowthInTheta = number(math.NaN())
	if complete {
		r.GrowthInTheta = inTheta(r.Quarters[3] - r.Quarters[1])
	}
	r.PeakTarget, r.GrowthTarget = number(math.NaN()), memoryGrowth
	r.PeakMet, r.GrowthMet = complete, complete && r.GrowthInTheta <= r.GrowthTarget
	if peak > 0 {
		r.PeakTarget = number(peak)
		r.PeakMet = complete && r.PeakInTheta <= r.PeakTarget
	}
}

const memoryFormat = "%-10s %9v %10v %8s %8s %10s %7s %7s %8s %8s %8s  %s\n"

// printMemoryHead prints what the columns are, and their names.
func printMemoryHead(w io.Writer) error {
	_, err := fmt.Fprintf(w, `Resident memory. "before" is that of the process when a run begins, after an evaluation of loss and gradient and after the
first iterations with a small network, which took "compiling" on top of what was there. The other figures are on top of
"before", in units of θ, 8·P bytes: "first" is the most in the first iterations, which compile as well, "later" the most
after them, up to the end of the run, and "growth" the most in the last quarter of the iterations minus that in the second.

`+memoryFormat, "method", "P", "iterations", "seconds", "before", "compiling", "first", "later", "at most", "growth", "at most", "")
	return err
}

// print prints a line of the table.
func (r memoryRow) print(w io.Writer) error {
	inTheta := func(n number, digits int) string {
		if math.IsNaN(float64(n)) {
			return "–"
		}
		return fmt.Sprintf("%.*f", digits, float64(n))
	}
	megabytes := func(memory int64) string { return fmt.Sprintf("%.0f MB", float64(memory)/1e6) }
	remark := "met"
	switch {
	case r.Stopped != "":
		remark = "missed; stopped: " + r.Stopped
	case !r.PeakMet || !r.GrowthMet:
		remark = "missed"
	}
	_, err := fmt.Fprintf(w, memoryFormat, r.Method, r.Parameters, r.Iterations, fmt.Sprintf("%.1f", r.Seconds),
		megabytes(r.Before), megabytes(r.Compiling), inTheta(r.FirstInTheta, 1), inTheta(r.LaterInTheta, 1), inTheta(r.PeakTarget, 0),
		inTheta(r.GrowthInTheta, 2), inTheta(r.GrowthTarget, 1), remark)
	return err
}

// memoryVerdict says which targets are met and which are not, and how many runs miss one.
func memoryVerdict(rows []memoryRow) (text string, missed int) {
	var met, not []string
	for _, r := range rows {
		name := fmt.Sprintf("%s at P = %d", r.Method, r.Parameters)
		if r.Stopped != "" {
			not = append(not, name+" (stopped)")
			missed++
			continue
		}
		if !r.PeakMet || !r.GrowthMet {
			missed++
		}
		if !math.IsNaN(float64(r.PeakTarget)) {
			put(r.PeakMet, "peak of "+name, &met, &not)
		}
		put(r.GrowthMet, "growth of "+name, &met, &not)
	}
	if len(not) == 0 {
		return "All targets are met.", 0
	}
	text = "Missed: " + strings.Join(not, ", ") + "."
	if len(met) > 0 {
		text = "Met: " + strings.Join(met, ", ") + ". " + text
	}
	return text, missed
}

// put appends a name to one of two lists.
func put(first bool, name string, one, other *[]string) {
	if first {
		*one = append(*one, name)
	} else {
		*other = append(*other, name)
	}
}
