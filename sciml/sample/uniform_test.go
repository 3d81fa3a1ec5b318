package sample_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/sample"
)

// round is a domain that does not fill its bounds, and without a boundary to sample.
type round struct{ radius float64 }

func (round) Dim() int { return 2 }

func (round) Bounds() (lo, hi []float64) { return []float64{-1, -1}, []float64{1, 1} }

func (d round) Contains(p []float64) bool { return math.Hypot(p[0], p[1]) <= d.radius }

func (round) Boundary() []pde.Patch { return nil }

func box(t *testing.T) *pde.Box {
	t.Helper()
	b, err := pde.NewBox([]string{"x", "y"}, []float64{-1, 0}, []float64{3, 1})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestInterior(t *testing.T) {
	const n = 20000
	b := box(t)
	points, err := sample.Uniform{Seed: 5}.Interior(b, n)
	if err != nil {
		t.Fatal(err)
	}
	if points.N != n || points.Dim != 2 || len(points.Coords) != 2*n || points.Normals != nil {
		t.Fatalf("got %d points of R^%d with %d coordinates", points.N, points.Dim, len(points.Coords))
	}
	var mean, square [2]float64
	for k := range n {
		p := points.At(k)
		if !b.Contains(p) {
			t.Fatalf("point %d, %v, is outside", k, p)
		}
		for i := range p {
			unit := (p[i] - b.Lo[i]) / (b.Hi[i] - b.Lo[i])
			mean[i] += unit / n
			square[i] += unit * unit / n
		}
	}
	for i := range mean { // four standard deviations of the two means are 0.008
		if math.Abs(mean[i]-0.5) > 0.01 || math.Abs(square[i]-1.0/3) > 0.01 {
			t.Errorf("coordinate %d has moments %v and %v, want 1/2 and 1/3", i, mean[i], square[i])
		}
	}
}

func TestDeterminism(t *testing.T) {
	b := box(t)
	draw := func(seed uint64) (interior, boundary []float64) {
		in, err := sample.Uniform{Seed: seed}.Interior(b, 10)
		if err != nil {
			t.Fatal(err)
		}
		on, err := sample.Uniform{Seed: seed}.Boundary(b, 10)
		if err != nil {
			t.Fatal(err)
		}
		return in.Coords, on.Coords
	}
	in1, on1 := draw(1)
	again1, onAgain1 := draw(1)
	in2, on2 := draw(2)
	if !slices.Equal(in1, again1) || !slices.Equal(on1, onAgain1) {
		t.Error("the same seed gives other points")
	}
	if slices.Equal(in1, in2) || slices.Equal(on1, on2) {
		t.Error("another seed gives the same points")
	}
	if on1[1] == (in1[0]+1)/4 {
		t.Error("the boundary uses the random numbers of the interior")
	}
}

func TestRejection(t *testing.T) {
	points, err := sample.Uniform{}.Interior(round{1}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for k := range points.N {
		if p := points.At(k); math.Hypot(p[0], p[1]) > 1 {
			t.Fatalf("%v is outside of the disk", p)
		}
	}
	if _, err := (sample.Uniform{}).Interior(round{-1}, 1); err == nil || !strings.Contains(err.Error(), "missed the domain") {
		t.Errorf("an empty domain: %v", err)
	}
}

// TestBoundaryShares: the box is 4 wide and 1 high, so that its faces get 10%, 10%, 40% and 40%.
func TestBoundaryShares(t *testing.T) {
	b := box(t)
	for _, n := range []int{0, 1, 7, 100, 1001} {
		points, err := sample.Uniform{Seed: 1}.Boundary(b, n)
		if err != nil {
			t.Fatal(err)
		}
		if points.N != n || len(points.Coords) != 2*n || len(points.Normals) != 2*n {
			t.Fatalf("asked for %d points, got %d with %d coordinates and %d of normals", n, points.N, len(points.Coords), len(points.Normals))
		}
		count := map[[2]float64]int{}
		for k := range n {
			p, normal := points.At(k), [2]float64(points.Normals[2*k:2*k+2])
			count[normal]++
			if !b.Contains(p) || b.Contains([]float64{p[0] + normal[0]*1e-9, p[1] + normal[1]*1e-9}) {
				t.Errorf("%v with normal %v is not on the boundary", p, normal)
			}
		}
		for normal, share := range map[[2]float64]float64{{-1, 0}: 0.1, {1, 0}: 0.1, {0, -1}: 0.4, {0, 1}: 0.4} {
			if want := share * float64(n); math.Abs(float64(count[normal])-want) > 1 {
				t.Errorf("%d of %d points on the face with normal %v, want %v up to rounding", count[normal], n, normal, want)
			}
		}
	}
}

func TestBoundaryOnPatches(t *testing.T) {
	points, err := sample.Uniform{}.Boundary(box(t), 50, "y+", "x-")
	if err != nil {
		t.Fatal(err)
	}
	left := 0
	for k := range points.N {
		switch p := points.At(k); {
		case p[0] == -1:
			left++
		case p[1] != 1:
			t.Errorf("%v is on neither of the patches asked for", p)
		}
	}
	if left != 10 {
		t.Errorf("%d points of 50 on the face of length 1 next to one of length 4, want 10", left)
	}
}

func TestEndsOfAnInterval(t *testing.T) {
	b, err := pde.NewBox([]string{"x"}, []float64{2}, []float64{3})
	if err != nil {
		t.Fatal(err)
	}
	points, err := sample.Uniform{}.Boundary(b, 4)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(points.Coords, []float64{2, 2, 3, 3}) || !slices.Equal(points.Normals, []float64{-1, -1, 1, 1}) {
		t.Errorf("the ends are %v with normals %v", points.Coords, points.Normals)
	}
}

func TestErrors(t *testing.T) {
	b := box(t)
	_, interior := sample.Uniform{}.Interior(b, -1)
	_, boundary := sample.Uniform{}.Boundary(b, -2)
	_, unknown := sample.Uniform{}.Boundary(b, 3, "x-", "top")
	_, without := sample.Uniform{}.Boundary(round{1}, 3)
	for word, err := range map[string]error{"-1 interior": interior, "-2 boundary": boundary, `"top"`: unknown, "no boundary": without} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v, want one that mentions %q", err, word)
		}
	}
}

// TestUniformStays: the points of a seed are those of earlier versions, which documents quote results of.
func TestUniformStays(t *testing.T) {
	in, err := sample.Uniform{Seed: 5}.Interior(box(t), 3)
	if err != nil {
		t.Fatal(err)
	}
	on, err := sample.Uniform{Seed: 5}.Boundary(box(t), 5)
	if err != nil {
		t.Fatal(err)
	}
	wantIn := []float64{-0.5034305714714002, 0.45218730167252774, 1.6377384275340212, 0.5867609130246441, 1.4607161541866849, 0.4148621992948879}
	wantOn := []float64{-1, 0.17668983502273716, 0.010875797877411664, 0, 0.5593710305839337, 0, 1.1346883964152146, 1, 0.9914591003535986, 1}
	if !slices.Equal(in.Coords, wantIn) || !slices.Equal(on.Coords, wantOn) {
		t.Errorf("interior %v, want %v; boundary %v, want %v", in.Coords, wantIn, on.Coords, wantOn)
	}
}
