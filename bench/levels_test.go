package main

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLevelsPage: a table is whole for the rows that there are, medians count seeds that did not get there, and what pays is told with its factor.
func TestLevelsPage(t *testing.T) {
	var rows []row
	for seed, at := range []float64{2, 4, math.Inf(1)} {
		r := row{Problem: "waves-16", Method: "one network, auto", Seed: uint64(seed + 1), RelativeL2: 1e-4}
		if !math.IsInf(at, 1) {
			r.ErrorAt, r.Errors, r.ErrorWork = []float64{1, 10 * at}, []float64{0.5, 9e-4}, []int{10, 100}
		}
		rows = append(rows, r, row{
			Problem: "waves-16", Method: "boxes, auto", Seed: uint64(seed + 1), Parameters: 592, RelativeL2: 9e-5,
			ErrorAt: []float64{1, 4}, Errors: []float64{0.5, 9e-4}, ErrorWork: []int{10, 70},
		})
	}
	path := filepath.Join(t.TempDir(), "levels.md")
	if err := writeLevelsPage(path, rows, levelsFlags{seeds: 3, scale: 1, out: "bench-results"}); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"| Poisson, 16 waves | 40 | boxes, auto | 4.0 | 10.0 |",
		"| boxes, auto | 592 | 4.0 | 4.0 | — | 70 | 9.0e-05 |",
		"- on 1 of 6 problems: boxes, auto\n",
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page lacks %q:\n%s", want, page)
		}
	}
}

// TestLevelsRefuses arguments that make no sense, by their names.
func TestLevelsRefuses(t *testing.T) {
	for want, args := range map[string][]string{
		"levels: -seeds is 0":              {"-seeds", "0"},
		"levels: -scale is -1":             {"-scale", "-1"},
		`levels: -problem is "nothing"`:    {"-problem", "nothing", "-out", t.TempDir()},
		`levels: there is an argument "x"`: {"x"},
	} {
		if err := levels(context.Background(), args); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, expected %q", args, err, want)
		}
	}
}

// TestApproaches: each approach of each problem begins, with as many parameters as its row will say.
func TestApproaches(t *testing.T) {
	for _, c := range contestsOfLevels() {
		for _, a := range c.approaches {
			steps, err := a.steps(c.division)
			if err != nil || len(steps) == 0 {
				t.Errorf("%s, %s: %d trainings, %v", c.key, a.name, len(steps), err)
			}
		}
	}
}
