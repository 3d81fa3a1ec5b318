package sample_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/sample"
)

// samplers are all of them, with the same seed.
func samplers(seed uint64) []sample.Sampler {
	return []sample.Sampler{sample.Uniform{Seed: seed}, sample.Grid{}, sample.LatinHypercube{Seed: seed}, sample.Sobol{Seed: seed}, sample.Halton{Seed: seed}}
}

// made is for constructors that must not fail here.
func made[D pde.Domain](domain D, err error) pde.Domain {
	if err != nil {
		panic(err)
	}
	return domain
}

// domains are of every kind.
func domains() map[string]pde.Domain {
	square := made(pde.NewBox([]string{"x", "y"}, []float64{-1, -1}, []float64{1, 1}))
	circle := made(pde.NewDisk([2]float64{0.2, 0.1}, 0.5))
	plate := made(pde.Difference(square, circle))
	next := made(pde.NewBox([]string{"x", "y"}, []float64{1, -1}, []float64{2, 1}))
	return map[string]pde.Domain{
		"interval":      made(pde.NewInterval("x", -2, 5)),
		"box":           made(pde.NewBox([]string{"x", "y", "z"}, []float64{-1, 0, 2}, []float64{1, 3, 7})),
		"disk":          circle,
		"ball":          made(pde.NewBall([]float64{0, 1, 2}, 2)),
		"ellipse":       made(pde.NewEllipse([2]float64{1, 2}, [2]float64{3, 1}, 1)),
		"star":          made(pde.NewStarShaped([2]float64{}, func(angle float64) float64 { return 1 + 0.5*math.Cos(3*angle) })),
		"L":             pde.LShape(),
		"plate":         plate,
		"lens":          made(pde.Intersection(circle, made(pde.NewDisk([2]float64{0.6, 0.1}, 0.5)))),
		"two squares":   made(pde.Union(square, next)),
		"plate in time": made(pde.Over(plate, "t", 0, 3)),
	}
}

// TestEverySamplerEverywhere: points are in the domain or on its boundary, as many as asked for, spread evenly.
func TestEverySamplerEverywhere(t *testing.T) {
	const n = 1000
	for name, domain := range domains() {
		lo, hi := domain.Bounds()
		for _, sampler := range samplers(7) {
			in, err := sampler.Interior(domain, n)
			if err != nil {
				t.Fatalf("%s in %s: %v", sampler.Name(), name, err)
			}
			_, isGrid := sampler.(sample.Grid)
			if in.N > n || in.N < n && !isGrid || in.N < n*4/5 || in.Dim != domain.Dim() || len(in.Coords) != in.N*in.Dim || in.Normals != nil || in.Weights != nil {
				t.Errorf("%s in %s: %d points of R^%d with %d coordinates", sampler.Name(), name, in.N, in.Dim, len(in.Coords))
			}
			for k := range in.N {
				if !domain.Contains(in.At(k)) {
					t.Fatalf("%s in %s: %v is outside", sampler.Name(), name, in.At(k))
				}
			}
			on, err := sampler.Boundary(domain, n)
			if err != nil {
				t.Fatalf("%s on %s: %v", sampler.Name(), name, err)
			}
			if on.N > n || on.N < n && !isGrid || on.N < n*4/5 && domain.Dim() > 1 || len(on.Coords) != on.N*on.Dim || len(on.Normals) != len(on.Coords) {
				t.Errorf("%s on %s: %d points with %d coordinates and %d of normals", sampler.Name(), name, on.N, len(on.Coords), len(on.Normals))
			}
			for k := range on.N {
				out, in := make([]float64, on.Dim), make([]float64, on.Dim)
				for i, v := range on.At(k) {
					step := 1e-6 * (hi[i] - lo[i]) * on.Normals[k*on.Dim+i]
					out[i], in[i] = v+step, v-step
				}
				if domain.Contains(out) || !domain.Contains(in) {
					t.Fatalf("%s on %s: %v is not on the boundary", sampler.Name(), name, on.At(k))
				}
			}
			for _, patch := range domain.Boundary() {
				part, err := sampler.Boundary(domain, 50, patch.Name)
				if err != nil || part.N > 50 || part.N < 40 && domain.Dim() > 1 || part.N < 1 {
					t.Errorf("%s on %s of %s: %v, %v", sampler.Name(), patch.Name, name, part, err)
				}
			}
		}
	}
}

// TestHighBall: in many dimensions a share of the bounds is in a ball that nobody would find by trying. The mean of |x|² is
// d/(d + 2) for the unit ball.
func TestHighBall(t *testing.T) {
	const d, n = 30, 2000
	ball, err := pde.NewBall(make([]float64, d), 1)
	if err != nil {
		t.Fatal(err)
	}
	cylinder, err := pde.Over(ball, "t", 0, 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, sampler := range []sample.Sampler{sample.Uniform{Seed: 3}, sample.Halton{Seed: 3}, sample.LatinHypercube{Seed: 3}} {
		in, err := sampler.Interior(cylinder, n)
		if err != nil {
			t.Fatal(err)
		}
		start, err := sampler.Boundary(cylinder, n, "t-")
		if err != nil {
			t.Fatal(err)
		}
		for name, points := range map[string]*sample.Points{"in a cylinder": in, "at its start": start} {
			squares, first := 0.0, 0.0
			for k := range points.N {
				p := points.At(k)
				if !cylinder.Contains(p) {
					t.Fatalf("%s %s: %v is outside", sampler.Name(), name, p)
				}
				for _, v := range p[:d] {
					squares += v * v / n
				}
				first += p[0] * p[0] / n
			}
			if math.Abs(squares-d/(d+2.)) > 0.01 || math.Abs(first-1/(d+2.)) > 0.006 {
				t.Errorf("%s %s: the mean of |x|² is %v and of x₁² %v, want %v and %v", sampler.Name(), name, squares, first, d/(d+2.), 1/(d+2.))
			}
		}
	}
}

// TestEvenness: moments of the plate with a hole, which has no simple parametrization.
func TestEvenness(t *testing.T) {
	plate := domains()["plate"]
	hole, volume := math.Pi/4, 4-math.Pi/4
	meanX, squareY := -0.2*hole/volume, (4.0/3-hole*(0.01+0.25/4))/volume
	for _, sampler := range samplers(3) {
		points, err := sampler.Interior(plate, 4096)
		if err != nil {
			t.Fatal(err)
		}
		x, y2 := 0.0, 0.0
		for k := range points.N {
			p := points.At(k)
			x += p[0] / float64(points.N)
			y2 += p[1] * p[1] / float64(points.N)
		}
		tolerance := 0.004
		if _, random := sampler.(sample.Uniform); random {
			tolerance = 0.04 // four standard deviations
		}
		if math.Abs(x-meanX) > tolerance || math.Abs(y2-squareY) > tolerance {
			t.Errorf("%s: moments %v and %v, want %v and %v", sampler.Name(), x, y2, meanX, squareY)
		}
		on, err := sampler.Boundary(plate, 2000)
		if err != nil {
			t.Fatal(err)
		}
		rim := 0
		for k := range on.N {
			if p := on.At(k); math.Hypot(p[0]-0.2, p[1]-0.1) < 0.5+1e-9 {
				rim++
			}
		}
		if want := math.Pi / (8 + math.Pi) * 2000; math.Abs(float64(rim)-want) > 1 {
			t.Errorf("%s: %d points on the rim of the hole, want %v", sampler.Name(), rim, want)
		}
	}
}

// TestSeeds: the same seed gives the same points, other seeds give points that know nothing of each other.
func TestSeeds(t *testing.T) {
	square := domains()["plate"]
	for i, sampler := range samplers(5) {
		if sampler.WithSeed(5) != sampler || sampler.WithSeed(6) != samplers(6)[i] {
			t.Errorf("%s: WithSeed gives %v and %v", sampler.Name(), sampler.WithSeed(5), sampler.WithSeed(6))
		}
		draw := func(s sample.Sampler) (interior, boundary []float64) {
			in, err := s.Interior(square, 512)
			if err != nil {
				t.Fatal(err)
			}
			on, err := s.Boundary(square, 512)
			if err != nil {
				t.Fatal(err)
			}
			return in.Coords, on.Coords
		}
		in, on := draw(sampler)
		inAgain, onAgain := draw(sampler)
		inOther, onOther := draw(sampler.WithSeed(6))
		if !slices.Equal(in, inAgain) || !slices.Equal(on, onAgain) {
			t.Errorf("%s: the same seed gives other points", sampler.Name())
		}
		if _, isGrid := sampler.(sample.Grid); isGrid {
			continue
		}
		if slices.Equal(in, inOther) || slices.Equal(on, onOther) {
			t.Errorf("%s: another seed gives the same points", sampler.Name())
		}
		// Points of equal number correlate for each pair of seeds where the sequence is regular, but not in the mean of many
		// pairs, whose standard deviation is 0.06 at most.
		interval := made(pde.NewInterval("x", -1, 1))
		const pairs, n = 200, 64
		total := 0.0
		for seed := range uint64(pairs) {
			a, errA := sampler.WithSeed(2*seed).Interior(interval, n)
			b, errB := sampler.WithSeed(2*seed+1).Interior(interval, n)
			if errA != nil || errB != nil {
				t.Fatal(errA, errB)
			}
			for k := range n {
				if a.At(k)[0] == b.At(k)[0] {
					t.Errorf("%s: two seeds share the point %v", sampler.Name(), a.At(k))
				}
				total += 3 * a.At(k)[0] * b.At(k)[0] / n / pairs
			}
		}
		if math.Abs(total) > 0.2 {
			t.Errorf("%s: points of two seeds correlate by %v", sampler.Name(), total)
		}
	}
}

func TestSamplerErrors(t *testing.T) {
	square := box(t)
	for _, s := range samplers(1) {
		_, negative := s.Interior(square, -1)
		_, negativeOn := s.Boundary(square, -2)
		_, unknown := s.Boundary(square, 3, "x-", "top")
		_, twice := s.Boundary(square, 3, "x-", "y-", "x-")
		_, without := s.Boundary(round{1}, 3)
		_, empty := s.Interior(round{-1}, 3)
		_, none := s.Interior(nil, 3)
		_, noneOn := s.Boundary(nil, 3)
		for _, c := range []struct {
			err  error
			word string
		}{
			{negative, "-1 interior"}, {negativeOn, "-2 boundary"}, {unknown, `"top"`}, {twice, `"x-" is named twice`},
			{without, "no boundary"}, {empty, "domain"}, {none, "nil"}, {noneOn, "nil"},
		} {
			if c.err == nil || !strings.Contains(c.err.Error(), c.word) || !strings.HasPrefix(c.err.Error(), "sample: ") {
				t.Errorf("%s: error %v, want one that mentions %q", s.Name(), c.err, c.word)
			}
		}
		for _, domain := range domains() {
			in, err := s.Interior(domain, 0)
			on, errOn := s.Boundary(domain, 0)
			if err != nil || errOn != nil || in.N != 0 || on.N != 0 {
				t.Errorf("%s: no points: %v, %v and %v, %v", s.Name(), in, err, on, errOn)
			}
		}
	}
}

// cube is the unit cube of any dimension.
func cube(dim int) *pde.Box {
	names, lo, hi := make([]string, dim), make([]float64, dim), make([]float64, dim)
	for i := range dim {
		names[i], hi[i] = string(rune('a'+i%26))+strings.Repeat("'", i/26), 1
	}
	b, err := pde.NewBox(names, lo, hi)
	if err != nil {
		panic(err)
	}
	return b
}

func TestDimensionLimits(t *testing.T) {
	for _, c := range []struct {
		sampler sample.Sampler
		most    int
		word    string
	}{{sample.Sobol{}, 37, "Sobol' points of 38 dimensions"}, {sample.Halton{}, 100, "Halton points of 101 dimensions"}} {
		if points, err := c.sampler.Interior(cube(c.most), 10); err != nil || points.N != 10 {
			t.Errorf("%s in %d dimensions: %v", c.sampler.Name(), c.most, err)
		}
		if _, err := c.sampler.Interior(cube(c.most+1), 10); err == nil || !strings.Contains(err.Error(), c.word) {
			t.Errorf("%s in %d dimensions: error %v, want one that mentions %q", c.sampler.Name(), c.most+1, err, c.word)
		}
		if _, err := c.sampler.Boundary(cube(c.most+2), 200); err == nil || !strings.Contains(err.Error(), c.word) {
			t.Errorf("%s on a boundary of %d dimensions: error %v, want one that mentions %q", c.sampler.Name(), c.most+1, err, c.word)
		}
	}
	for _, s := range []sample.Sampler{sample.Uniform{}, sample.LatinHypercube{}, sample.Grid{}} {
		if points, err := s.Interior(cube(150), 10); err != nil || points.Dim != 150 || points.N > 10 || points.N < 8 {
			t.Errorf("%s in 150 dimensions: %v", s.Name(), err)
		}
	}
}

// discrepancy is the L2 star discrepancy (Warnock 1972).
func discrepancy(points *sample.Points) float64 {
	n, d := float64(points.N), points.Dim
	single, pairs := 0.0, 0.0
	for k := range points.N {
		p, product := points.At(k), 1.0
		for _, x := range p {
			product *= 1 - x*x
		}
		single += product
		for l := range points.N {
			product := 1.0
			for i, y := range points.At(l) {
				product *= 1 - max(p[i], y)
			}
			pairs += product
		}
	}
	return math.Sqrt(math.Pow(3, -float64(d)) - math.Pow(2, 1-float64(d))/n*single + pairs/(n*n))
}

func TestDiscrepancy(t *testing.T) {
	for dim, least := range map[int]float64{2: 8, 5: 2.5} {
		of := func(s sample.Sampler) float64 {
			sum := 0.0
			for seed := range uint64(4) {
				points, err := s.WithSeed(seed).Interior(cube(dim), 1024)
				if err != nil {
					t.Fatal(err)
				}
				sum += math.Pow(discrepancy(points), 2) / 4
			}
			return math.Sqrt(sum)
		}
		// The expected square for independent points, (2^−d − 3^−d)/n, checks the formula.
		uniform, expected := of(sample.Uniform{}), math.Sqrt((math.Pow(2, -float64(dim))-math.Pow(3, -float64(dim)))/1024)
		if uniform < expected/3 || uniform > expected*3 {
			t.Errorf("in %d dimensions the discrepancy of uniform points is %v, expected about %v", dim, uniform, expected)
		}
		sobol, halton, latin := of(sample.Sobol{}), of(sample.Halton{}), of(sample.LatinHypercube{})
		t.Logf("dimension %d: uniform %.2e (expected %.2e), Latin hypercube %.2e, Halton %.2e, Sobol' %.2e", dim, uniform, expected, latin, halton, sobol)
		if sobol*least > expected || halton*least > expected || latin > expected {
			t.Errorf("in %d dimensions the discrepancies are %v of Sobol', %v of Halton, %v of Latin hypercube points against %v of uniform ones", dim, sobol, halton, latin, expected)
		}
	}
}
