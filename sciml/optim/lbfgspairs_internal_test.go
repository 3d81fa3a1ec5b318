package optim

import (
	"context"
	"math"
	"testing"

	"github.com/gomlx/compute"
	"gonum.org/v1/gonum/floats"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// TestSeparatePairs: with a tensor for each vector L-BFGS makes the steps that it makes with matrices, also where pairs are
// refused, damped, or forgotten, and when the objective changes.
func TestSeparatePairs(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for name, l := range map[string]LBFGS{
			"plain": {Memory: 3}, "one pair": {Memory: 1}, "damped": {Memory: 3, Damped: true, Search: search.Armijo{}},
			"forgetful": {Memory: 4, RestartEvery: 3}, "wary": {Memory: 3, RestartCosine: 0.5},
		} {
			if b.String() != goBackend(t).String() && name != "forgetful" {
				continue // a second to compile
			}
			obj := valley(t)
			obj.Backend = b
			direction, by, err := l.Direct(obj)
			if err != nil {
				t.Fatal(err)
			}
			start := device.Vector(obj.Precision(), valleyStart)
			whole, err := startLineSearch(obj, start, direction, by)
			if err != nil {
				t.Fatal(err)
			}
			director, err := newPairsDirector(obj, direction.(lbfgsDirection))
			if err != nil {
				t.Fatal(err)
			}
			pairs, err := startDirected(obj, start, director, by)
			if err != nil {
				t.Fatal(err)
			}
			for k := range 25 {
				if k == 8 {
					whole.Refresh()
					pairs.Refresh()
				}
				if k == 12 { // saved, and taken back by another one
					saved, err := pairs.Save()
					if err != nil {
						t.Fatal(err)
					}
					if pairs, err = startDirected(obj, start, director, by); err != nil {
						t.Fatal(err)
					}
					if err := pairs.Restore(saved); err != nil {
						t.Fatal(err)
					}
				}
				for _, s := range []Stepper{whole, pairs} {
					if _, err := s.Advance(context.Background(), 1, Goal{Loss: math.Inf(-1)}); err != nil {
						t.Fatal(err)
					}
				}
				want, err := device.Numbers(whole.Current())
				if err != nil {
					t.Fatal(err)
				}
				got, err := device.Numbers(pairs.Current())
				if err != nil {
					t.Fatal(err)
				}
				if off := floats.Distance(got, want, 2); off > 1e-7*floats.Norm(want, 2) {
					t.Fatalf("%s: after %d iterations the iterates differ by %.2g", name, k+1, off)
				}
			}
		}
	})
}

// TestLargePairsAreSeparate: Start chooses by size.
func TestLargePairsAreSeparate(t *testing.T) {
	obj, err := objective.FromFunction(1<<20, func(_, _ []float64) float64 { return 0 })
	if err != nil {
		t.Fatal(err)
	}
	start := device.Vector(obj.Precision(), make([]float64, obj.Dim))
	for _, c := range []struct {
		method   LBFGS
		separate bool
	}{{LBFGS{Memory: 1}, true}, {LBFGS{Memory: 1, TwoLoop: true}, false}} {
		s, err := c.method.Start(obj, start)
		if err != nil {
			t.Fatal(err)
		}
		if _, is := s.(*lineSearch).director.(*pairsDirector); is != c.separate {
			t.Errorf("%+v has separate pairs: %v", c.method, is)
		}
	}
}
