package sample_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distmv"
	"gonum.org/v1/gonum/stat/samplemv"

	"github.com/gosciml/gosciml/sciml/sample"
)

// TestNet: 2^m scrambled Sobol' points of the plane have one in each elementary interval of area 2^−m.
func TestNet(t *testing.T) {
	const m = 8
	for seed := range uint64(3) {
		points, err := sample.Sobol{Seed: seed}.Interior(cube(2), 1<<m)
		if err != nil {
			t.Fatal(err)
		}
		for wide := range m + 1 {
			hit := map[[2]int]bool{}
			for k := range points.N {
				p := points.At(k)
				hit[[2]int{int(p[0] * float64(int(1)<<wide)), int(p[1] * float64(int(1)<<(m-wide)))}] = true
			}
			if len(hit) != 1<<m {
				t.Errorf("seed %d: %d of %d boxes of %d by %d are hit", seed, len(hit), 1<<m, 1<<wide, 1<<(m-wide))
			}
		}
	}
}

// TestStrata: each axis of a Latin hypercube, and of Sobol' points, has one point in each interval of length 1/n.
func TestStrata(t *testing.T) {
	for _, c := range []struct {
		sampler sample.Sampler
		dim, n  int
	}{{sample.LatinHypercube{Seed: 2}, 3, 17}, {sample.LatinHypercube{Seed: 3}, 60, 100}, {sample.Sobol{Seed: 2}, 37, 128}} {
		points, err := c.sampler.Interior(cube(c.dim), c.n)
		if err != nil {
			t.Fatal(err)
		}
		for axis := range c.dim {
			var strata []int
			for k := range points.N {
				strata = append(strata, int(points.At(k)[axis]*float64(c.n)))
			}
			slices.Sort(strata)
			for i, s := range strata {
				if i != s {
					t.Fatalf("%s: the intervals along axis %d have %v", c.sampler.Name(), axis, strata)
				}
			}
		}
	}
}

// TestHaltonOfGonum: the points are those of gonum with the same random numbers.
func TestHaltonOfGonum(t *testing.T) {
	const n, dim = 200, 12
	want := mat.NewDense(n, dim, nil)
	samplemv.Halton{Kind: samplemv.Owen, Q: distmv.NewUnitUniform(dim, nil), Src: rand.NewPCG(9, 0)}.Sample(want)
	got, err := sample.Halton{Seed: 9}.Interior(cube(dim), n)
	if err != nil {
		t.Fatal(err)
	}
	if !mat.EqualApprox(want, mat.NewDense(n, dim, got.Coords), 1e-14) {
		t.Errorf("the points are not those of gonum: the first is %v, want %v", got.At(0), want.RawRowView(0))
	}
}
