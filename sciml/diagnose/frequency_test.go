package diagnose_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/sciml/diagnose"
)

// sampled are the values of u on n by m nodes of the unit square, or on n of the unit interval when m is 1.
func sampled(n, m int, u func(x, y float64) float64) (values []float64) {
	for j := range m {
		for i := range n {
			values = append(values, u(float64(i)/float64(n-1), float64(j)/math.Max(1, float64(m-1))))
		}
	}
	return values
}

// TestFrequencies: what single waves are made of.
func TestFrequencies(t *testing.T) {
	side := func(n int, b diagnose.Basis) diagnose.Side { return diagnose.Side{Nodes: n, Basis: b} }
	for name, c := range map[string]struct {
		sides []diagnose.Side
		u     func(x, y float64) float64
		want  map[int]float64 // squares
	}{
		"a sine": {[]diagnose.Side{side(17, diagnose.Sines)}, func(x, _ float64) float64 { return 3 * math.Sin(5*math.Pi*x) }, map[int]float64{5: 4.5}},
		"two sines": {[]diagnose.Side{side(33, diagnose.Sines)}, func(x, _ float64) float64 { return math.Sin(math.Pi*x) + 0.1*math.Sin(20*math.Pi*x) },
			map[int]float64{1: 0.5, 20: 0.005}},
		"a constant and a cosine": {[]diagnose.Side{side(9, diagnose.Cosines)}, func(x, _ float64) float64 { return 2 + math.Cos(3*math.Pi*x) }, map[int]float64{0: 4, 3: 0.5}},
		"the highest cosine":      {[]diagnose.Side{side(9, diagnose.Cosines)}, func(x, _ float64) float64 { return math.Cos(8 * math.Pi * x) }, map[int]float64{8: 1}},
		"a wave with a phase": {[]diagnose.Side{side(20, diagnose.Waves)}, func(x, _ float64) float64 { return 1 + 2*math.Cos(2*math.Pi*4*x+1) },
			map[int]float64{0: 1, 4: 2}},
		"the highest wave": {[]diagnose.Side{side(9, diagnose.Waves)}, func(x, _ float64) float64 { return math.Cos(2 * math.Pi * 4 * x) }, map[int]float64{4: 1}},
		"sines in a plane": {[]diagnose.Side{side(17, diagnose.Sines), side(13, diagnose.Sines)}, func(x, y float64) float64 { return math.Sin(3*math.Pi*x) * math.Sin(4*math.Pi*y) },
			map[int]float64{5: 0.25}},
		"a wave along x that decays in y": {[]diagnose.Side{side(9, diagnose.Waves), side(11, diagnose.Cosines)}, func(x, y float64) float64 {
			return math.Sin(2*math.Pi*2*x) * (3 + math.Cos(math.Pi*y))
		}, map[int]float64{2: 4.75}}, // (2, 0) and (2, 1) are one band
	} {
		m := 1
		if len(c.sides) > 1 {
			m = c.sides[1].Nodes
		}
		got, err := diagnose.ByFrequency(c.sides, sampled(c.sides[0].Nodes, m, c.u))
		if err != nil {
			t.Fatal(err)
		}
		for k, rms := range got[0] {
			if math.Abs(rms*rms-c.want[k]) > 1e-12 {
				t.Errorf("%s: the mean square of wave number %d is %v, want %v", name, k, rms*rms, c.want[k])
			}
		}
	}
}

// TestFrequenciesOfAnything: the squares add up to the mean square by the trapezoidal rule, in every basis.
func TestFrequenciesOfAnything(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 0))
	for _, bases := range [][]diagnose.Basis{{diagnose.Sines}, {diagnose.Cosines}, {diagnose.Waves}, {diagnose.Sines, diagnose.Waves}, {diagnose.Cosines, diagnose.Sines}, {diagnose.Waves, diagnose.Waves}} {
		for _, n := range []int{3, 4, 8, 15} {
			sides, m := []diagnose.Side{{n, bases[0]}}, 1
			if len(bases) == 2 {
				m = n + 3
				sides = append(sides, diagnose.Side{Nodes: m, Basis: bases[1]})
			}
			u, want := make([]float64, n*m), 0.0
			for p := range u {
				u[p] = rng.NormFloat64()
				weight := 1.0
				for s, at := range []int{p % n, p / n}[:len(bases)] {
					last := sides[s].Nodes - 1
					switch bases[s] {
					case diagnose.Sines:
						if at == 0 || at == last {
							weight = 0
						}
					case diagnose.Cosines:
						if at == 0 || at == last {
							weight /= 2
						}
					case diagnose.Waves:
						if at == last {
							weight = 0
						}
					}
					weight /= float64(last)
				}
				want += weight * u[p] * u[p]
			}
			zero := make([]float64, n*m)
			all, err := diagnose.ByFrequency(sides, zero, u)
			if err != nil {
				t.Fatal(err)
			}
			got := 0.0
			for k, rms := range all[1] {
				got += rms * rms
				if all[0][k] != 0 {
					t.Errorf("%v: zero has %v at wave number %d", bases, all[0][k], k)
				}
			}
			if math.Abs(got-want) > 1e-12*want {
				t.Errorf("%v, %d nodes: the squares add up to %v, the mean square is %v", bases, n, got, want)
			}
		}
	}
}

func TestFrequencyErrors(t *testing.T) {
	for word, c := range map[string]struct {
		sides []diagnose.Side
		u     []float64
	}{
		"0 sides, expected 1 or 2":          {nil, nil},
		"sines has 2 nodes, expected 3":     {[]diagnose.Side{{Nodes: 2}}, make([]float64, 2)},
		"in side 1":                         {[]diagnose.Side{{Nodes: 4}, {Nodes: -1, Basis: diagnose.Waves}}, nil},
		"Side.Basis is 9":                   {[]diagnose.Side{{Nodes: 4, Basis: 9}}, make([]float64, 4)},
		"function 0 has 5 values, expected": {[]diagnose.Side{{Nodes: 4}}, make([]float64, 5)},
		"function 0 has NaN at index 2":     {[]diagnose.Side{{Nodes: 4}}, []float64{0, 0, math.NaN(), 0}},
	} {
		if _, err := diagnose.ByFrequency(c.sides, c.u); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v, want one that mentions %q", err, word)
		}
	}
}
