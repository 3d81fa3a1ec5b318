package optim_test

import (
	"slices"
	"testing"

	"github.com/gomlx/compute/dtypes"

	"github.com/gosciml/gosciml/sciml/optim"
)

// TestLevenbergSubspaces: steps in subspaces of the dimension that the Jacobian's rank has, or more, do about as well as
// others; with fewer columns than that they do in more of them. Both for fewer and for more columns than residuals.
func TestLevenbergSubspaces(t *testing.T) {
	b := pureGo(t)
	for name, c := range map[string]struct {
		s    sines
		m    optim.LevenbergMarquardt
		most int
	}{
		"low rank":              {lowRank(300, 60, 5), optim.LevenbergMarquardt{Columns: 20}, 15},
		"low rank, geodesic":    {lowRank(300, 60, 5), optim.LevenbergMarquardt{Columns: 20, Geodesic: true}, 15},
		"more parameters":       {newSines(20, 90), optim.LevenbergMarquardt{Columns: 30, Geodesic: true}, 15},
		"fewer columns":         {newSines(40, 90), optim.LevenbergMarquardt{Columns: 30, Geodesic: true}, 150},
		"full rank":             {newSines(120, 24), optim.LevenbergMarquardt{Columns: 8}, 300},
		"all columns":           {newSines(40, 12), optim.LevenbergMarquardt{Columns: 12}, 15},
		"few columns at a time": {newSines(20, 6), optim.LevenbergMarquardt{Columns: 2}, 100}, // some of these spaces hold no step
		"one column at a time":  {newSines(20, 4), optim.LevenbergMarquardt{Columns: 1}, 300},
	} {
		r := minimize(t, c.s.objective(b, dtypes.Float64), c.s.start, c.m, optim.Options{MaxIterations: c.most, LossTolerance: 1e-16})
		t.Logf("%s: %s", name, r)
		if r.Status != optim.LossReached {
			t.Errorf("%s: %s", name, r)
		}
		checkHistory(t, name, r)
	}
}

// TestLevenbergAllColumns: as many columns as parameters are no subspace.
func TestLevenbergAllColumns(t *testing.T) {
	s := newSines(40, 12)
	run := func(columns int) []float64 {
		return minimize(t, s.objective(pureGo(t), dtypes.Float64), s.start, optim.LevenbergMarquardt{Columns: columns}, optim.Options{MaxIterations: 4}).Theta
	}
	if plain := run(0); !slices.Equal(plain, run(12)) || !slices.Equal(plain, run(100)) || slices.Equal(plain, run(11)) {
		t.Error("columns that are all parameters change the steps, or fewer do not")
	}
}

func TestLevenbergSubspaceMinimum(t *testing.T) {
	checkMinimum(t, optim.LevenbergMarquardt{Columns: 4})
}

func TestLevenbergSubspaceSeed(t *testing.T) {
	checkSeed(t, func(seed uint64) optim.Method { return optim.LevenbergMarquardt{Columns: 8, Seed: seed} })
}

func TestLevenbergSubspaceResume(t *testing.T) {
	checkResume(t, pureGo(t), optim.LevenbergMarquardt{Columns: 4, Geodesic: true}, 6)
}

func TestLevenbergSubspaceSettings(t *testing.T) {
	s := newSines(40, 8)
	obj := s.objective(pureGo(t), dtypes.Float64)
	for word, m := range map[string]optim.LevenbergMarquardt{
		"LevenbergMarquardt.Columns is -1":                            {Columns: -1},
		"LevenbergMarquardt.Columns is 3 with the Solver matrix-free": {Columns: 3, Solver: optim.MatrixFree},
	} {
		mustFail(t, obj, s.start, m, optim.Options{}, word)
	}
}
