package optim_test

import (
	"math"
	"slices"
	"testing"

	"github.com/gomlx/compute/dtypes"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/optim"
)

func TestSketchedResiduals(t *testing.T) { checkResiduals(t, optim.SketchedGaussNewton{}) }

// TestSketchedSteps compares iterates without sketches with those of plain Go, which solves for each radius by bisection
// with a QR factorization at each λ.
func TestSketchedSteps(t *testing.T) {
	for _, shape := range [][2]int{{12, 5}, {5, 12}} {
		s := newSines(shape[0], shape[1])
		floats.Scale(3, s.start)
		m := optim.SketchedGaussNewton{Radius: 1, Probes: 6, Target: 0.99, LateTarget: 0.99}
		const steps = 6
		theta, radius, none := slices.Clone(s.start), m.Radius, make([]float64, shape[1])
		var want [][]float64
		inside, refused := 0, 0 // steps free of the radius, and radii that missed the target
		for range steps {
			r, j := s.at(theta)
			f := floats.Dot(r, r)
			var p []float64
			chosen := 0.0
			for i := range m.Probes {
				delta := radius * math.Pow(3, 2*float64(i)/float64(m.Probes-1)-1)
				q := plainDamped(j, r, 1e-14, none)
				if floats.Norm(q, 2) > delta {
					low, high := math.Log(1e-14), math.Log(1e6)
					for range 80 {
						middle := (low + high) / 2
						if q = plainDamped(j, r, math.Exp(middle), none); floats.Norm(q, 2) > delta {
							low = middle
						} else {
							high = middle
						}
					}
				} else {
					inside++
				}
				after, _ := s.at(floats.AddTo(make([]float64, len(q)), theta, q))
				linear := mat.NewVecDense(len(r), nil)
				linear.MulVec(j, mat.NewVecDense(len(q), q))
				linear.AddVec(linear, mat.NewVecDense(len(r), r))
				if missed := f-floats.Dot(after, after) < m.Target*(f-mat.Dot(linear, linear)); missed && i > 0 {
					refused++
					break
				}
				p, chosen = q, delta
			}
			floats.Add(theta, p)
			radius = math.Min(chosen, math.Max(radius, 3*floats.Norm(p, 2)))
			want = append(want, slices.Clone(theta))
		}
		if inside == 0 || refused == 0 {
			t.Errorf("%v: %d steps inside, %d radii above the target: not a test of both", shape, inside, refused)
		}
		got := trajectory(t, s.objective(pureGo(t), dtypes.Float64), s.start, m, steps)[1:]
		for k := range want {
			if off := floats.Distance(got[k], want[k], 2); !(off < 1e-7) {
				t.Errorf("%v: iterate %d is off by %g", shape, k+1, off)
			}
		}
	}
}

// lowRank are sines whose Jacobian has a rank that is far below the number of samples and of parameters.
func lowRank(rows, dim, rank int) sines {
	s, left, right := newSines(rows, dim), newSines(rows, rank), newSines(rank, dim)
	s.a.Mul(left.a, right.a)
	for i := range s.b {
		s.b[i] = math.Sin(floats.Dot(s.a.RawRowView(i), s.goal))
	}
	return s
}

// TestSketchedBothSides: sketches of both sides do where the rank is low, as it is of networks, in about as many steps as
// without; they do with fewer columns than the rank, in more.
func TestSketchedBothSides(t *testing.T) {
	b := pureGo(t)
	for name, c := range map[string]struct {
		s    sines
		m    optim.SketchedGaussNewton
		most int
	}{
		"low rank":             {lowRank(300, 60, 5), optim.SketchedGaussNewton{Columns: 20}, 12},
		"low rank, one hash":   {lowRank(300, 60, 5), optim.SketchedGaussNewton{Columns: 20, Rows: 40, Hashes: 1}, 12},
		"more parameters":      {newSines(20, 90), optim.SketchedGaussNewton{Columns: 30}, 12},
		"full rank":            {newSines(120, 24), optim.SketchedGaussNewton{Columns: 8}, 300},
		"rows alone":           {newSines(200, 10), optim.SketchedGaussNewton{Rows: 40}, 60},
		"one column at a time": {newSines(20, 4), optim.SketchedGaussNewton{Columns: 1}, 300},
	} {
		obj := c.s.objective(b, dtypes.Float64)
		r := minimize(t, obj, c.s.start, c.m, optim.Options{MaxIterations: c.most, LossTolerance: 1e-16})
		t.Logf("%s: %s", name, r)
		if r.Status != optim.LossReached {
			t.Errorf("%s: %s", name, r)
		}
		checkHistory(t, name, r)
	}
}

func TestSketchedMinimum(t *testing.T) {
	for _, m := range []optim.SketchedGaussNewton{{}, {Columns: 4}, {Columns: 5, Rows: 20}} {
		checkMinimum(t, m)
	}
}

// checkMinimum: residuals that do not vanish, where the minimum is known.
func checkMinimum(t *testing.T, m optim.Method) {
	t.Helper()
	l := newLeastSquares(0.5)
	r := minimize(t, l.objective(pureGo(t)), make([]float64, lsDim), m, optim.Options{MaxIterations: 400, GradientTolerance: 1e-7})
	if math.Abs(r.Loss-l.minimum) > 1e-13 {
		t.Errorf("%+v: %s, the minimum is %v", m, r, l.minimum)
	}
}

func TestSketchedSeed(t *testing.T) {
	checkSeed(t, func(seed uint64) optim.Method { return optim.SketchedGaussNewton{Columns: 8, Seed: seed} })
}

// checkSeed: the same seed makes the same run, another one another.
func checkSeed(t *testing.T, method func(seed uint64) optim.Method) {
	t.Helper()
	s := newSines(60, 20)
	run := func(seed uint64) []float64 {
		return minimize(t, s.objective(pureGo(t), dtypes.Float64), s.start, method(seed), optim.Options{MaxIterations: 4}).Theta
	}
	if one := run(1); !slices.Equal(one, run(1)) || slices.Equal(one, run(2)) {
		t.Error("the seed does not decide on the run")
	}
}

func TestSketchedResume(t *testing.T) {
	b := pureGo(t)
	checkResume(t, b, optim.SketchedGaussNewton{Columns: 4}, 6)
	resumed(t, b, optim.SketchedGaussNewton{Columns: 2, Rows: 4}, 36, 44) // after λ has filled its window
}

func TestSketchedSettings(t *testing.T) {
	s := newSines(40, 8)
	obj := s.objective(pureGo(t), dtypes.Float64)
	for word, m := range map[string]optim.SketchedGaussNewton{
		"SketchedGaussNewton.Columns is -1":    {Columns: -1},
		"SketchedGaussNewton.Rows is -1":       {Rows: -1},
		"SketchedGaussNewton.Hashes is -1":     {Hashes: -1},
		"SketchedGaussNewton.Probes is 1,":     {Probes: 1},
		"SketchedGaussNewton.Radius is -1":     {Radius: -1},
		"Radius is 1, expected at most":        {MaxRadius: 0.5},
		"SketchedGaussNewton.Target is 0.6":    {Target: 0.6},
		"SketchedGaussNewton.LateTarget is 1,": {LateTarget: 1},
		"SketchedGaussNewton.MaxMemory is -1":  {MaxMemory: -1},
		"Jacobian of 40 residuals by 8":        {MaxMemory: 1000},
	} {
		mustFail(t, obj, s.start, m, optim.Options{}, word)
	}
	checkNeedsJacobian(t, optim.SketchedGaussNewton{})
}
