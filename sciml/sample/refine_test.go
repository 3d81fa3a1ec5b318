package sample_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/sample"
)

// residual makes a residual out of a function of a point.
func residual(f func(point []float64) float64) func(*sample.Points) ([]float64, error) {
	return func(points *sample.Points) ([]float64, error) {
		values := make([]float64, points.N)
		for k := range values {
			values[k] = f(points.At(k))
		}
		return values, nil
	}
}

func first(point []float64) float64 { return point[0] }

func random(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 77)) }

func drawn(t *testing.T, domain pde.Domain, n int) *sample.Points {
	t.Helper()
	points, err := sample.Uniform{Seed: 1}.Interior(domain, n)
	if err != nil {
		t.Fatal(err)
	}
	return points
}

// TestRADDensity compares the points for the residual x on [0, 1] to the density x^k/mean + c, scaled.
func TestRADDensity(t *testing.T) {
	const n, bins = 4000, 10
	for _, c := range []struct {
		method     sample.RAD
		cumulative func(x float64) float64
	}{
		{sample.RAD{K: 1, Candidates: 100 * n}, func(x float64) float64 { return x * x }},
		{sample.RAD{Candidates: 100 * n}, func(x float64) float64 { return (x*x + x) / 2 }}, // k = 1, c = 1
		{sample.RAD{K: 2, Candidates: 100 * n}, func(x float64) float64 { return x * x * x }},
		{sample.RAD{C: 1, Candidates: 100 * n}, func(x float64) float64 { return x }},
	} {
		points, err := c.method.Refine(cube(1), drawn(t, cube(1), n), residual(first), random(1))
		if err != nil || points.N != n || len(points.Coords) != n || points.Weights != nil {
			t.Fatalf("%+v: %v, %v", c.method, points, err)
		}
		counts, seen := make([]int, bins), map[float64]bool{}
		for _, x := range points.Coords {
			counts[int(x*bins)]++
			seen[x] = true
		}
		chi2 := 0.0
		for i, count := range counts {
			expected := n * (c.cumulative(float64(i+1)/bins) - c.cumulative(float64(i)/bins))
			chi2 += math.Pow(float64(count)-expected, 2) / expected
		}
		if chi2 > 27.9 { // the quantile 0.999 of nine degrees of freedom
			t.Errorf("%+v: chi-square %v for the counts %v", c.method, chi2, counts)
		}
		if len(seen) != n {
			t.Errorf("%+v: %d of %d points are different", c.method, len(seen), n)
		}
	}
}

// TestRADExtremes: a residual that vanishes, or is huge, or has one value, still gives points.
func TestRADExtremes(t *testing.T) {
	for name, f := range map[string]func([]float64) float64{
		"zero":     func([]float64) float64 { return 0 },
		"huge":     func(p []float64) float64 { return 1e300 * p[0] },
		"mostly 0": func(p []float64) float64 { return max(0, p[0]-0.999) },
	} {
		points, err := sample.RAD{K: 3}.Refine(cube(1), drawn(t, cube(1), 200), residual(f), random(2))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		mean := 0.0
		for _, x := range points.Coords {
			mean += x / 200
		}
		want := map[string]float64{"zero": 0.5, "huge": 0.8, "mostly 0": 0.5}[name]
		if math.Abs(mean-want) > 0.1 {
			t.Errorf("%s: the points have mean %v, want about %v", name, mean, want)
		}
	}
}

// active are the numbers of the points with weight, whose weights it checks to be the same and to average to 1.
func active(t *testing.T, points *sample.Points) []int {
	t.Helper()
	var numbers []int
	for k, w := range points.Weights {
		if w != 0 {
			numbers = append(numbers, k)
		}
	}
	for _, k := range numbers {
		if want := float64(points.N) / float64(len(numbers)); points.Weights[k] != want {
			t.Errorf("%d of %d points are active, with weight %v, want %v", len(numbers), points.N, points.Weights[k], want)
		}
	}
	return numbers
}

func TestReserve(t *testing.T) {
	start := drawn(t, cube(2), 10)
	points, err := sample.Reserve(start, 4)
	if err != nil {
		t.Fatal(err)
	}
	if got := active(t, points); !slices.Equal(got, []int{0, 1, 2, 3}) {
		t.Errorf("active are %v", got)
	}
	for k := range 10 {
		if !slices.Equal(points.At(k), start.At(k%4)) {
			t.Errorf("point %d is %v, want a copy of %d, %v", k, points.At(k), k%4, start.At(k%4))
		}
	}
	on, err := sample.Uniform{Seed: 1}.Boundary(cube(2), 8)
	if err != nil {
		t.Fatal(err)
	}
	if on, err = sample.Reserve(on, 3); err != nil || !slices.Equal(on.Normals[2*7:], on.Normals[2:4]) {
		t.Errorf("normals of copies: %v, %v", on, err)
	}
	for _, n := range []int{0, -1, 11} {
		if _, err := sample.Reserve(start, n); err == nil || !strings.Contains(err.Error(), "expected from 1 to 10") {
			t.Errorf("%d active points: %v", n, err)
		}
	}
	if _, err := sample.Reserve(nil, 1); err == nil || !strings.Contains(err.Error(), "nil") {
		t.Errorf("nil: %v", err)
	}
}

// TestRAR: it adds the candidates of largest residual, leaves the others as they are and stops when all are active.
func TestRAR(t *testing.T) {
	points, err := sample.Reserve(drawn(t, cube(2), 50), 20)
	if err != nil {
		t.Fatal(err)
	}
	var offered []float64 // the residuals of the candidates
	watched := func(candidates *sample.Points) ([]float64, error) {
		values, err := residual(first)(candidates)
		offered = slices.Clone(values)
		return values, err
	}
	rng := random(3)
	for step, want := range []int{32, 44, 50, 50} {
		before, start := points, len(active(t, points))
		if points, err = (sample.RAR{Add: 12, Candidates: 300}).Refine(cube(2), before, watched, rng); err != nil {
			t.Fatal(err)
		}
		if points.N != 50 || len(active(t, points)) != want {
			t.Fatalf("step %d: %d points, %d active, want 50 and %d", step, points.N, len(active(t, points)), want)
		}
		for k := range start {
			if !slices.Equal(before.At(k), points.At(k)) {
				t.Errorf("step %d: the active point %d moved from %v to %v", step, k, before.At(k), points.At(k))
			}
		}
		slices.Sort(offered)
		slices.Reverse(offered)
		for i, k := 0, start; k < want; i, k = i+1, k+1 {
			if points.At(k)[0] != offered[i] {
				t.Errorf("step %d: point %d was added with residual %v, want %v", step, k, points.At(k)[0], offered[i])
			}
		}
	}
	if offered = nil; len(points.Weights) != 50 {
		t.Error("the weights are lost")
	}
	if _, err := (sample.RAR{}).Refine(cube(2), drawn(t, cube(2), 50), watched, rng); err != nil || offered != nil {
		t.Errorf("without a reserve: error %v, residuals of %d candidates", err, len(offered))
	}
}

// TestRARD: points are added by the density, x² here.
func TestRARD(t *testing.T) {
	const n, added = 2000, 1500
	points, err := sample.Reserve(drawn(t, cube(1), n), n-added)
	if err != nil {
		t.Fatal(err)
	}
	points, err = sample.RARD{Add: added, Candidates: 100 * n}.Refine(cube(1), points, residual(first), random(4))
	if err != nil || len(active(t, points)) != n {
		t.Fatalf("%d active points, %v", len(active(t, points)), err)
	}
	mean, square := 0.0, 0.0
	for _, x := range points.Coords[n-added:] {
		mean += x / added
		square += x * x / added
	}
	if math.Abs(mean-0.75) > 0.02 || math.Abs(square-0.6) > 0.025 { // four standard deviations
		t.Errorf("the moments of what is added are %v and %v, want 3/4 and 3/5", mean, square)
	}
	one, err := sample.RARD{}.Refine(cube(1), reserved(t, 250, 100), residual(first), random(5))
	if err != nil || len(active(t, one)) != 103 {
		t.Errorf("a hundredth of 250 points: %d active of 100, %v", len(active(t, one)), err)
	}
}

func reserved(t *testing.T, n, active int) *sample.Points {
	t.Helper()
	points, err := sample.Reserve(drawn(t, cube(1), n), active)
	if err != nil {
		t.Fatal(err)
	}
	return points
}

// TestR3: points above the mean stay, the others are drawn anew.
func TestR3(t *testing.T) {
	start := drawn(t, cube(2), 400)
	mean := 0.0
	for k := range start.N {
		mean += start.At(k)[0] / 400
	}
	points, err := sample.R3{}.Refine(cube(2), start, residual(first), random(6))
	if err != nil || points.N != 400 || points.Weights != nil {
		t.Fatal(points, err)
	}
	fresh := 0.0
	released := 0
	for k := range start.N {
		stays := slices.Equal(points.At(k), start.At(k))
		if above := start.At(k)[0] > mean; stays != above {
			t.Errorf("point %d with residual %v stays: %v, the mean is %v", k, start.At(k)[0], stays, mean)
		}
		if !stays {
			fresh += points.At(k)[0]
			released++
		}
	}
	if fresh /= float64(released); math.Abs(fresh-0.5) > 0.09 { // four standard deviations
		t.Errorf("%d fresh points have mean %v, want 1/2", released, fresh)
	}
	// Where the residual stays, points gather at it.
	for range 30 {
		if points, err = (sample.R3{}).Refine(cube(2), points, residual(first), random(7)); err != nil {
			t.Fatal(err)
		}
	}
	mean = 0
	for k := range points.N {
		mean += points.At(k)[0] / 400
	}
	if mean < 0.8 {
		t.Errorf("after thirty steps the mean residual is %v", mean)
	}
}

func TestRedraw(t *testing.T) {
	current := drawn(t, pde.LShape(), 64)
	rng := random(8)
	method := sample.Redraw{Sampler: sample.Sobol{}}
	one, err := method.Refine(pde.LShape(), current, nil, rng)
	if err != nil {
		t.Fatal(err)
	}
	two, err := method.Refine(pde.LShape(), one, nil, rng)
	if err != nil {
		t.Fatal(err)
	}
	want, err := sample.Sobol{Seed: random(8).Uint64()}.Interior(pde.LShape(), 64)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(one, want) || reflect.DeepEqual(one, two) {
		t.Errorf("the points are %v, then %v, want %v, then others", one, two, want)
	}
	if _, err := (sample.Redraw{Sampler: sample.Grid{}}).Refine(cube(2), drawn(t, cube(2), 1000), nil, rng); err == nil || !strings.Contains(err.Error(), "992 points in place of 1000") {
		t.Errorf("a grid of 1000 points: %v", err)
	}
	if name := (sample.Redraw{}).Name(); name != "redraw, uniform" {
		t.Errorf("the name is %q", name)
	}
}

// refiners are all of them.
var refiners = []sample.Refiner{sample.RAD{}, sample.RARD{}, sample.RAR{}, sample.R3{}, sample.Redraw{}}

// TestRefinersResume: all state is in the points and the random numbers, current points are left as they are, and new
// ones are in the domain.
func TestRefinersResume(t *testing.T) {
	plate := domains()["plate in time"]
	start, err := sample.Reserve(drawn(t, plate, 300), 150)
	if err != nil {
		t.Fatal(err)
	}
	before := reflect.ValueOf(*start).Interface().(sample.Points)
	before.Coords, before.Weights = slices.Clone(start.Coords), slices.Clone(start.Weights)
	for _, method := range refiners {
		run := func() *sample.Points {
			points, rng := start, random(9)
			for range 3 {
				if points, err = method.Refine(plate, points, residual(func(p []float64) float64 { return math.Exp(-p[2]) }), rng); err != nil {
					t.Fatalf("%s: %v", method.Name(), err)
				}
			}
			return points
		}
		points, again := run(), run()
		if !reflect.DeepEqual(points, again) {
			t.Errorf("%s: the same random numbers give other points", method.Name())
		}
		if reflect.DeepEqual(points, start) || !reflect.DeepEqual(*start, before) {
			t.Errorf("%s: the points are the current ones, or those were changed", method.Name())
		}
		for k := range points.N {
			if !plate.Contains(points.At(k)) {
				t.Errorf("%s: %v is outside", method.Name(), points.At(k))
			}
		}
	}
}

func TestRefinerErrors(t *testing.T) {
	square := cube(2)
	start, err := sample.Reserve(drawn(t, square, 20), 10)
	if err != nil {
		t.Fatal(err)
	}
	on, err := sample.Uniform{}.Boundary(square, 20)
	if err != nil {
		t.Fatal(err)
	}
	for _, method := range refiners {
		for _, c := range []struct {
			domain  pde.Domain
			current *sample.Points
			rng     *rand.Rand
			word    string
		}{
			{nil, start, random(1), "domain is nil"}, {square, nil, random(1), "points are nil"}, {square, on, random(1), "normals"},
			{cube(3), start, random(1), "2 dimensions, expected 3"}, {square, start, nil, "random numbers are nil"},
		} {
			if _, err := method.Refine(c.domain, c.current, residual(first), c.rng); err == nil || !strings.Contains(err.Error(), c.word) || !strings.Contains(err.Error(), method.Name()) {
				t.Errorf("%s: error %v, want one that mentions %q", method.Name(), err, c.word)
			}
		}
		if _, ok := method.(sample.Redraw); ok {
			continue
		}
		bad := errors.New("no device")
		for word, f := range map[string]func(*sample.Points) ([]float64, error){
			"residual is nil":     nil,
			"no device":           func(*sample.Points) ([]float64, error) { return nil, bad },
			"1 residuals of":      func(*sample.Points) ([]float64, error) { return []float64{1}, nil },
			"is NaN":              spoiled(math.NaN()),
			"is +Inf":             spoiled(math.Inf(1)),
			"is -2":               spoiled(-2),
			"residual of point 3": spoiled(math.NaN()),
		} {
			if _, err := method.Refine(square, start, f, random(1)); err == nil || !strings.Contains(err.Error(), word) || word == "no device" && !errors.Is(err, bad) {
				t.Errorf("%s: error %v, want one that mentions %q", method.Name(), err, word)
			}
		}
	}
	uneven, short := *start, *start
	uneven.Weights = append([]float64{1, 2}, make([]float64, 18)...)
	short.Weights = []float64{1, 0}
	for _, c := range []struct {
		method  sample.Refiner
		current *sample.Points
		word    string
	}{
		{sample.RAD{Candidates: 19}, start, "Candidates is 19, expected at least 20"},
		{sample.RAD{K: -1}, start, "K is -1"},
		{sample.RARD{C: math.NaN()}, start, "C is NaN"},
		{sample.RAR{Add: -1}, start, "Add is -1"},
		{sample.RAR{Add: 5, Candidates: 4}, start, "Candidates is 4, expected at least 5"},
		{sample.RAR{}, &uneven, "point 0 has weight 1 and another one 2"},
		{sample.RAR{}, &short, "2 weights of 20 points"},
	} {
		if _, err := c.method.Refine(square, c.current, residual(first), random(1)); err == nil || !strings.Contains(err.Error(), c.word) {
			t.Errorf("%+v: error %v, want one that mentions %q", c.method, err, c.word)
		}
	}
}

// spoiled is a residual of ones with another value at point 3.
func spoiled(value float64) func(*sample.Points) ([]float64, error) {
	return func(points *sample.Points) ([]float64, error) {
		values := slices.Repeat([]float64{1}, points.N)
		values[3] = value
		return values, nil
	}
}
