package diagnose_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/sciml/diagnose"
	"github.com/gosciml/gosciml/sciml/optim"
)

// spectra are those that estimates are compared with.
func spectra() map[string][]float64 {
	const n = 240
	all := map[string][]float64{}
	add := func(name string, of func(i int) float64) {
		values := make([]float64, n)
		for i := range values {
			values[i] = 1.07 * of(i) // none where it is counted from
		}
		all[name] = values
	}
	add("uniform", func(i int) float64 { return 1 + float64(i)/n })
	add("indefinite, with outliers", func(i int) float64 {
		if i < 4 {
			return math.Pow(-10, float64(i+1))
		}
		return math.Cos(math.Pi * float64(i) / n)
	})
	add("sixteen decades", func(i int) float64 { return math.Pow(10, 3-16*float64(i)/n) })
	add("of low rank", func(i int) float64 { return max(0, 30-float64(i)) })
	add("clusters", func(i int) float64 { return []float64{-2, 1e-3, 1e-3, 5}[i%4] + 1e-6*float64(i) })
	add("squares", func(i int) float64 { return float64(i * i) })
	return all
}

// exact is the spectrum of all eigenvalues.
func exact(t *testing.T, values []float64) *diagnose.Spectrum {
	t.Helper()
	return got[*diagnose.Spectrum](t)(diagonalMatrix(t, values).Spectrum())
}

// TestExactSpectrum: with all eigenvalues nothing is estimated.
func TestExactSpectrum(t *testing.T) {
	values := []float64{-3, 0.5, 2, 2, 40}
	s := exact(t, values)
	near(t, "eigenvalues", s.Eigenvalues, []float64{40, 2, 2, 0.5, -3}, 1e-14)
	for _, c := range []struct{ lo, hi, want float64 }{
		{math.Inf(-1), math.Inf(1), 5}, {0, math.Inf(1), 4}, {1, 3, 2}, {-4, -2, 1}, {50, 60, 0},
	} {
		if e := got[diagnose.Estimate](t)(s.Count(c.lo, c.hi)); e != (diagnose.Estimate{Value: c.want}) {
			t.Errorf("%v from %g to %g, want %g", e, c.lo, c.hi, c.want)
		}
	}
	e := got[diagnose.Estimate](t)(s.Trace(func(v float64) float64 { return v * v }))
	near(t, "trace of the square", []float64{e.Value, e.Error()}, []float64{9 + 0.25 + 4 + 4 + 1600, 0}, 1e-13)
	e = got[diagnose.Estimate](t)(s.EffectiveDimension(2))
	near(t, "effective dimension", []float64{e.Value}, []float64{3./5 + 0.2 + 0.5 + 0.5 + 40./42}, 1e-13)
	d := got[diagnose.Density](t)(s.Density(-20, 60, 4001, 0.5))
	sum := 0.0
	for _, v := range d.Value {
		sum += v * 80 / 4000
	}
	near(t, "integral of the density", []float64{sum}, []float64{5}, 1e-10)
	near(t, "magnitudes", s.Magnitudes(), []float64{40, 3, 2, 2, 0.5}, 1e-14)
	if text := s.String(); !strings.HasPrefix(text, "test matrix of order 5: eigenvalues from -3 ") {
		t.Errorf("it says %q", text)
	}
	decades := got[diagnose.Decades](t)(s.Decades())
	middle := slices.Index(decades.Edges, 1e-13)
	near(t, "the last decades", decades.Edges[len(decades.Edges)-4:], []float64{0.1, 1, 10, 100}, 1e-12)
	near(t, "counts there", decades.Count[len(decades.Count)-3:], []float64{1, 2, 1}, 0)
	if middle < 1 || decades.Edges[middle-1] != -1e-13 || decades.Edges[0] != -10 || decades.Count[0] != 1 {
		t.Errorf("decades %+v, want them to have -10 to -1 first, with one eigenvalue, and zero between ±1e-13", decades)
	}
	ends := s.Extremes()
	if !ends.Indefinite() || !math.IsNaN(ends.Condition()) || !strings.HasSuffix(ends.String(), "indefinite") {
		t.Errorf("%v, want indefinite", ends)
	}
}

// TestZeroMatrix: a matrix without anything in it has a spectrum, too.
func TestZeroMatrix(t *testing.T) {
	m := got[*diagnose.Matrix](t)(diagnose.NewMatrix("zero", 9, func(dst, _ []float64) error { clear(dst); return nil }))
	for _, s := range []*diagnose.Spectrum{got[*diagnose.Spectrum](t)(m.Spectrum()), got[*diagnose.Spectrum](t)(m.Quadrature(diagnose.Quadrature{}))} {
		d := got[diagnose.Decades](t)(s.Decades())
		near(t, "edges", d.Edges, []float64{-1, 1}, 0)
		near(t, "count", d.Count, []float64{9}, 1e-12)
		if e := got[diagnose.Estimate](t)(s.EffectiveDimension(1)); e.Value != 0 || e.Error() != 0 {
			t.Errorf("effective dimension %v, want 0", e)
		}
		if outliers, _, err := s.Outliers(); err != nil || len(outliers) > 0 {
			t.Errorf("outliers %v, %v", outliers, err)
		}
		if c := s.Extremes().Condition(); !math.IsNaN(c) {
			t.Errorf("condition %v, want NaN", c)
		}
		got[diagnose.Density](t)(s.Density(0, 0, 5, 0))
	}
}

// TestQuadrature compares estimates with all eigenvalues: errors are within what is stated, but for the 5 of 100 that may be more.
func TestQuadrature(t *testing.T) {
	for name, values := range spectra() {
		t.Run(name, func(t *testing.T) {
			all := exact(t, values)
			lowest, highest := slices.Min(values), slices.Max(values)
			misses, asked, wide := 0, 0, 0
			for seed := range uint64(4) {
				s := got[*diagnose.Spectrum](t)(diagonalMatrix(t, values).Quadrature(diagnose.Quadrature{Probes: 8, Steps: 30, Seed: seed}))
				if s.Products > 9*30 || s.Order != len(values) {
					t.Errorf("%d products for order %d, want at most %d", s.Products, s.Order, 9*30)
				}
				if e := got[diagnose.Estimate](t)(s.Count(math.Inf(-1), math.Inf(1))); math.Abs(e.Value-float64(len(values))) > 1e-8 {
					t.Errorf("%v eigenvalues in all, want %d", e, len(values))
				}
				compare := func(what string, have, want diagnose.Estimate) {
					asked++
					if have.Error() > 0.25*float64(len(values)) {
						wide++
					}
					off := math.Abs(have.Value - want.Value)
					if off > have.Error()+1e-6*math.Abs(want.Value)+1e-9 {
						misses++
						t.Logf("seed %d: %s is %v, want %v", seed, what, have, want)
					}
					if off > 2*have.Error()+1e-6*math.Abs(want.Value)+1e-9 {
						t.Errorf("seed %d: %s is %v, want %v", seed, what, have, want)
					}
				}
				for i := range 9 {
					at := lowest + (highest-lowest)*(float64(i)+0.37)/9
					compare(fmt.Sprintf("count to %g", at), got[diagnose.Estimate](t)(s.Count(math.Inf(-1), at)), got[diagnose.Estimate](t)(all.Count(math.Inf(-1), at)))
					shift := highest * math.Pow(10, -float64(i))
					compare(fmt.Sprintf("effective dimension at %g", shift), got[diagnose.Estimate](t)(s.EffectiveDimension(shift)), got[diagnose.Estimate](t)(all.EffectiveDimension(shift)))
				}
				width := (highest - lowest) / 20
				have := got[diagnose.Density](t)(s.Density(lowest, highest, 12, width))
				want := got[diagnose.Density](t)(all.Density(lowest, highest, 12, width))
				for i, v := range have.Value { // in eigenvalues within the width
					compare(fmt.Sprintf("density at %g", have.Lambda[i]), diagnose.Estimate{Value: v * width, Quadrature: have.Error[i] * width}, diagnose.Estimate{Value: want.Value[i] * width})
				}
				total := 0.0
				decades := got[diagnose.Decades](t)(s.Decades())
				for i, count := range decades.Count {
					lo, hi := decades.Edges[i], decades.Edges[i+1]
					total += count
					compare(fmt.Sprintf("count from %g to %g", lo, hi), diagnose.Estimate{Value: count, Quadrature: decades.Error[i]}, got[diagnose.Estimate](t)(all.Count(math.Nextafter(lo, hi), hi)))
				}
				if math.Abs(total-float64(len(values))) > 1e-8 {
					t.Errorf("decades have %v eigenvalues in all, want %d", total, len(values))
				}
			}
			t.Logf("%d of %d off by more than stated, %d wide", misses, asked, wide)
			most := asked / 20 // Lanczos sees what is small beside other eigenvalues only in many steps
			if name == "sixteen decades" {
				most = asked / 2
			}
			if misses > asked/20 || wide > most {
				t.Errorf("%d of %d off by more than stated, and %d of errors above a quarter of the order", misses, asked, wide)
			}
		})
	}
}

// TestExtremes: Lanczos finds both ends, and says what is known of the condition.
func TestExtremes(t *testing.T) {
	values := make([]float64, 60)
	for i := range values {
		values[i] = math.Pow(10, -float64(i)/59*3)
	}
	m := diagonalMatrix(t, values)
	e := got[diagnose.Extremes](t)(m.Extremes(60, 1))
	near(t, "ends", []float64{e.Smallest.Value, e.Largest.Value, e.Condition() / 1e3}, []float64{1e-3, 1, 1}, 1e-9)
	if e.Products != 60 || m.Products != 60 {
		t.Errorf("%d and %d products, want 60", e.Products, m.Products)
	}
	early := got[diagnose.Extremes](t)(m.Extremes(8, 1))
	for _, v := range []diagnose.Ritz{early.Smallest, early.Largest} {
		nearest := math.Inf(1)
		for _, w := range values {
			nearest = min(nearest, math.Abs(w-v.Value))
		}
		if !(nearest <= v.Bound) {
			t.Errorf("%v is %g from the nearest eigenvalue", v, nearest)
		}
	}
	if !(early.Condition() < 1e3) || !strings.Contains(early.String(), "at least") {
		t.Errorf("after 8 steps: %v, want a lower bound of the condition", early)
	}
	values[59] = 1e-18
	if e := got[diagnose.Extremes](t)(diagonalMatrix(t, values).Extremes(60, 1)); !(e.Condition() > 1e14) || !strings.Contains(e.String(), "below rounding") {
		t.Errorf("%v, want a smallest eigenvalue below rounding", e)
	}
	values[59] = -0.1
	if e := got[diagnose.Extremes](t)(diagonalMatrix(t, values).Extremes(60, 1)); !e.Indefinite() {
		t.Errorf("%v, want indefinite", e)
	}
}

// TestOutliers: those that were put there, whether all eigenvalues are known or not.
func TestOutliers(t *testing.T) {
	values := make([]float64, 200)
	for i := range values {
		values[i] = math.Sin(float64(i))
	}
	values[3], values[50], values[120] = 500, -80, 40
	m := diagonalMatrix(t, values)
	for name, s := range map[string]*diagnose.Spectrum{"exact": exact(t, values), "estimated": got[*diagnose.Spectrum](t)(m.Quadrature(diagnose.Quadrature{Steps: 25}))} {
		outliers, edge, err := s.Outliers()
		noError(t, err)
		if len(outliers) != 3 || !(edge > 0.9 && edge <= 1) {
			t.Fatalf("%s: outliers %v with the bulk up to %g, want three and a bulk up to 1", name, outliers, edge)
		}
		for i, want := range []float64{500, -80, 40} {
			if v := outliers[i]; !(math.Abs(v.Value-want) <= v.Bound) {
				t.Errorf("%s: outlier %v, want %g", name, v, want)
			}
		}
	}
}

// TestTrace: a smooth function is within its errors, chance and steps apart, and a wrong one is refused.
func TestTrace(t *testing.T) {
	values := make([]float64, 300)
	for i := range values {
		values[i] = 0.01 + float64(i)/100
	}
	m := diagonalMatrix(t, values)
	want := 0.0
	for _, v := range values {
		want += math.Log(v)
	}
	misses := 0
	for seed := range uint64(20) {
		s := got[*diagnose.Spectrum](t)(m.Quadrature(diagnose.Quadrature{Probes: 5, Steps: 10, Seed: seed}))
		e := got[diagnose.Estimate](t)(s.Trace(math.Log))
		if math.Abs(e.Value-want) > e.Error() {
			misses++
		}
		if !(e.StandardError > 0) || !(e.StandardError < 20) || !(e.Quadrature > 0) || !(e.Quadrature < 10) {
			t.Errorf("log det is %v, with errors %g of chance and %g of steps", e, e.StandardError, e.Quadrature)
		}
	}
	if misses > 3 {
		t.Errorf("%d of 20 are off by more than stated", misses)
	}
	s := exact(t, []float64{0, 1})
	if _, err := s.Trace(func(v float64) float64 { return math.Log(v - 5) }); err == nil || !strings.Contains(err.Error(), "is NaN at λ = ") {
		t.Errorf("error %v, want one that says where the function is NaN", err)
	}
	for name, err := range map[string]error{
		"lo ≤ hi": second(s.Count(2, 1)), "μ": second(s.EffectiveDimension(0)), "points": second(s.Density(0, 0, 1, 0)), "width": second(s.Density(0, 0, 9, -1)),
		"Steps": second(m.Quadrature(diagnose.Quadrature{Steps: 1})), "Probes": second(m.Quadrature(diagnose.Quadrature{Probes: -1})), "steps": second(m.Extremes(0, 1)),
		"order": second(diagnose.NewMatrix("x", 0, m.Multiply)), "nil": second(diagnose.NewMatrix("x", 2, nil)), "function": second(s.Trace(nil)),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// TestSemidefinite: what rounding makes negative of 2JᵀJ is no eigenvalue below zero, and estimates of it are sharp, as its spectrum falls.
func TestSemidefinite(t *testing.T) {
	obj, theta := poisson(t)
	m := got[*diagnose.Matrix](t)(diagnose.GaussNewton(ctx, obj, theta))
	p := got[*diagnose.Matrix](t)(m.Preconditioned(optim.NystromPreconditioner{Rank: 8, MaxRank: 8}))
	for _, m := range []*diagnose.Matrix{m, p} {
		all := got[*diagnose.Spectrum](t)(m.Spectrum())
		few := got[*diagnose.Spectrum](t)(m.Quadrature(diagnose.Quadrature{Probes: 3, Steps: 10}))
		for _, s := range []*diagnose.Spectrum{all, few} {
			ends := s.Extremes()
			if ends.Indefinite() || !(ends.Condition() > 1e10) || !strings.Contains(ends.String(), "below rounding") {
				t.Errorf("%v, want a smallest eigenvalue below rounding", s)
			}
			if d := got[diagnose.Decades](t)(s.Decades()); d.Edges[0] != -d.Edges[1] {
				t.Errorf("%s: the first decade is from %g to %g, want zero in its middle", s.Name, d.Edges[0], d.Edges[1])
			}
		}
		shift := 1e-3 * all.Eigenvalues[0]
		have, want := got[diagnose.Estimate](t)(few.EffectiveDimension(shift)), got[diagnose.Estimate](t)(all.EffectiveDimension(shift))
		if !(math.Abs(have.Value-want.Value) <= have.Error()+1e-9) || !(have.Error() < 0.5) {
			t.Errorf("%s: effective dimension %v, want %v", m.Name(), have, want)
		}
	}
}
