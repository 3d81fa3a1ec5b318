package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/gosciml/gosciml/sciml/plot"
)

// draw draws, from the rows of this task, the errors of all methods over time into KEY.png, and KEY-2.png and so on for more than fit, from the best
// method to the worst. All seeds of a method are in one colour; lines of their own end where the targets do.
func (t task) draw(names []string, rows []row, folder string) error {
	curves := t.curves(names, rows)
	if len(curves) == 0 {
		return nil
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	var goals []plot.Series
	for _, goal := range t.targets {
		goals = append(goals, plot.Series{Name: "target " + goal.String(), X: []float64{0, goal.seconds}, Y: []float64{goal.error, goal.error}})
	}
	order, each := bestFirst(curves), perPicture-len(goals)
	for first := 0; first < len(order); first += each {
		var shown []plot.Series
		for _, i := range order[first:min(first+each, len(order))] {
			shown = append(shown, curves[i])
		}
		figure, err := plot.Convergence(rows[0].Title, "seconds", "relative L2 error", append(shown, goals...)...)
		if err != nil {
			return err
		}
		name := t.key + ".png"
		if first > 0 {
			name = fmt.Sprintf("%s-%d.png", t.key, first/each+1)
		}
		if err := figure.Save(filepath.Join(folder, name)); err != nil {
			return err
		}
	}
	return nil
}

// curves are the errors of each method over time, its seeds one after the other with NaN between them; methods without
// any are left out.
func (t task) curves(names []string, rows []row) []plot.Series {
	var curves []plot.Series
	for _, name := range names {
		s := plot.Series{Name: name}
		for _, r := range selected(rows, t.key, name) {
			if len(r.Errors) == 0 {
				continue
			}
			if len(s.X) > 0 {
				s.X, s.Y = append(s.X, math.NaN()), append(s.Y, math.NaN()) // lifts the pen
			}
			s.X, s.Y = append(s.X, r.ErrorAt...), append(s.Y, r.Errors...)
		}
		if len(s.X) > 0 {
			curves = append(curves, s)
		}
	}
	return curves
}
