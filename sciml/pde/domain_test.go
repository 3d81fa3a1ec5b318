package pde_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/pde"
)

// body is a domain with its known volume and, if it is not 0, the known measure of its boundary.
type body struct {
	domain           pde.Domain
	volume, boundary float64
	tolerance        float64 // relative, of volumes and surfaces that are not known exactly
}

// made is for constructors that must not fail here.
func made[D pde.Domain](domain D, err error) pde.Domain {
	if err != nil {
		panic(err)
	}
	return domain
}

func box2(x0, y0, x1, y1 float64) pde.Domain {
	return made(pde.NewBox([]string{"x", "y"}, []float64{x0, y0}, []float64{x1, y1}))
}

func disk(x, y, radius float64) pde.Domain { return made(pde.NewDisk([2]float64{x, y}, radius)) }

// bodies are domains of every kind, with what is known of them.
func bodies() map[string]body {
	plate := made(pde.Difference(box2(-1, -1, 1, 1), disk(0.2, 0.1, 0.5)))
	return map[string]body{
		"interval":        {made(pde.NewInterval("x", -2, 5)), 7, 2, 1e-12},
		"box":             {made(pde.NewBox([]string{"x", "y", "t"}, []float64{-1, 0, 2}, []float64{1, 3, 7})), 30, 62, 1e-12},
		"thin box":        {box2(0, 0, 1e-6, 1e6), 1, 2e6 + 2e-6, 1e-12},
		"disk":            {disk(1, -2, 3), 9 * math.Pi, 6 * math.Pi, 1e-12},
		"triangle":        {made(pde.NewPolygon([2]float64{0, 0}, [2]float64{3, 0}, [2]float64{0, 4})), 6, 12, 1e-12},
		"clockwise":       {made(pde.NewPolygon([2]float64{0, 0}, [2]float64{0, 4}, [2]float64{3, 0})), 6, 12, 1e-12},
		"far away":        {made(pde.NewPolygon([2]float64{1e6, 1e6}, [2]float64{1e6 + 3, 1e6}, [2]float64{1e6, 1e6 + 4})), 6, 12, 1e-5},
		"ball 1D":         {made(pde.NewBall([]float64{-3}, 2)), 4, 2, 1e-12},
		"ball 2D":         {made(pde.NewBall([]float64{1, -2}, 3)), 9 * math.Pi, 6 * math.Pi, 1e-12},
		"ball 3D":         {made(pde.NewBall([]float64{1, -2, 0.5}, 3)), 36 * math.Pi, 36 * math.Pi, 1e-12},
		"ball 4D":         {made(pde.NewBall([]float64{1, -2, 0.5, 0}, 2)), 8 * math.Pi * math.Pi, 16 * math.Pi * math.Pi, 1e-12},
		"ball 5D":         {made(pde.NewBall([]float64{0, 0, 0, 0, 1}, 1)), 8 * math.Pi * math.Pi / 15, 8 * math.Pi * math.Pi / 3, 1e-12},
		"ball in time":    {made(pde.Over(made(pde.NewBall([]float64{0, 1, 0}, 1)), "t", -1, 2)), 4 * math.Pi, 12*math.Pi + 8*math.Pi/3, 1e-12},
		"ellipse":         {made(pde.NewEllipse([2]float64{-1, 2}, [2]float64{2, 1}, 0.4)), 2 * math.Pi, 9.688448220547675, 1e-12},
		"flat ellipse":    {made(pde.NewEllipse([2]float64{}, [2]float64{1, 10}, 0)), 10 * math.Pi, 40.63974180100895, 1e-12},
		"ellipse in time": {made(pde.Over(made(pde.NewEllipse([2]float64{}, [2]float64{2, 1}, 1)), "t", 0, 1)), 2 * math.Pi, 9.688448220547675 + 4*math.Pi, 1e-12},
		"circle as star":  {made(pde.NewStarShaped([2]float64{2, 5}, circleFrom(0.7))), math.Pi, 2 * math.Pi, 1e-12},
		"flower":          {made(pde.NewStarShaped([2]float64{}, func(phi float64) float64 { return 1 + 0.3*math.Cos(5*phi) })), 1.045 * math.Pi, 0, 1e-12},
		"frame":           {frame(), 16 - 2 - 1, 16 + 6 + 4, 1e-12},
		"hollow ball": {made(pde.Difference(made(pde.NewBall([]float64{0, 0, 0}, 2)), made(pde.NewBall([]float64{0.5, 0, 0}, 1)))),
			28 * math.Pi / 3, 20 * math.Pi, 2e-3},
		"flower with a hole": {made(pde.Difference(made(pde.NewStarShaped([2]float64{}, circleFrom(0.3))), made(pde.NewEllipse([2]float64{}, [2]float64{0.4, 0.2}, 1)))),
			0.92 * math.Pi, 2*math.Pi + 1.9376896441095350, 1e-3},
		"star":            {star(), 15 * math.Sin(math.Pi/5), 0, 1e-12},
		"L":               {pde.LShape(), 3, 8, 1e-12},
		"two disks":       {made(pde.Union(disk(0, 0, 1), disk(1, 0, 1))), 4*math.Pi/3 + math.Sqrt(3)/2, 8 * math.Pi / 3, 1e-3},
		"lens":            {made(pde.Intersection(disk(0, 0, 1), disk(1, 0, 1))), 2*math.Pi/3 - math.Sqrt(3)/2, 4 * math.Pi / 3, 1e-3},
		"plate":           {plate, 4 - math.Pi/4, 8 + math.Pi, 1e-3},
		"bitten":          {made(pde.Difference(box2(0, 0, 2, 2), disk(2, 2, 1))), 4 - math.Pi/4, 6 + math.Pi/2, 1e-3},
		"two squares":     {made(pde.Union(box2(0, 0, 1, 1), box2(1, 0, 2, 1))), 2, 6, 1e-9},
		"stacked":         {made(pde.Union(box2(0, 0, 1, 1), box2(0, 0, 1, 2))), 2, 6, 1e-9},
		"same":            {made(pde.Union(disk(0, 0, 1), disk(0, 0, 1))), math.Pi, 2 * math.Pi, 1e-3},
		"L by difference": {made(pde.Difference(box2(-1, -1, 1, 1), box2(0, -1, 1, 0))), 3, 8, 1e-3},
		"overlap":         {made(pde.Intersection(box2(0, 0, 2, 1), box2(0, 0, 1, 2))), 1, 4, 1e-9},
		"two holes":       {made(pde.Difference(plate, disk(-0.7, -0.7, 0.2))), 4 - math.Pi/4 - 0.04*math.Pi, 8 + 1.4*math.Pi, 1e-3},
		"two intervals":   {made(pde.Union(made(pde.NewInterval("x", 0, 1)), made(pde.NewInterval("x", 1, 3)))), 3, 2, 1e-9},
		"gap":             {made(pde.Difference(made(pde.NewInterval("x", 0, 3)), made(pde.NewInterval("x", 1, 2)))), 2, 4, 1e-9},
		"disk in time":    {made(pde.Over(disk(0, 0, 2), "t", 1, 4)), 12 * math.Pi, 20 * math.Pi, 1e-3},
		"plate in time":   {made(pde.Over(plate, "t", 0, 2)), 8 - math.Pi/2, 24 + 1.5*math.Pi, 2e-3},
		"interval in time": {made(pde.Over(made(pde.NewInterval("x", -1, 1)), "t", 0, 3)), 6, 10,
			1e-12},
		"cut cylinder": {made(pde.Difference(made(pde.Over(disk(0, 0, 1), "z", 0, 2)),
			made(pde.NewBox([]string{"x", "y", "z"}, []float64{0, -3, 1}, []float64{3, 3, 5})))), 1.5 * math.Pi, 5*math.Pi + 2, 5e-3},
	}
}

// circleFrom is the radius of the unit circle as seen from a point beside its centre.
func circleFrom(off float64) func(angle float64) float64 {
	return func(angle float64) float64 {
		sin, cos := math.Sincos(angle)
		return math.Sqrt(1-off*off*sin*sin) - off*cos
	}
}

// frame is a square with two holes, closed rings of either orientation: a rectangle 1×2 and a square on its tip.
func frame() pde.Domain {
	return made(pde.NewPolygonWithHoles(
		[][2]float64{{0, 0}, {4, 0}, {4, 4}, {0, 4}, {0, 0}},
		[][2]float64{{0.5, 1}, {0.5, 3}, {1.5, 3}, {1.5, 1}, {0.5, 1}},
		[][2]float64{{2, 2}, {2.7071067811865475, 1.2928932188134525}, {3.414213562373095, 2}, {2.7071067811865475, 2.7071067811865475}}))
}

// star is a five-pointed star with its tips at distance 3 and its notches at distance 1.
func star() pde.Domain {
	var vertices [][2]float64
	for k := range 10 {
		radius := []float64{3, 1}[k%2]
		sin, cos := math.Sincos(float64(k) * math.Pi / 5)
		vertices = append(vertices, [2]float64{radius * cos, radius * sin})
	}
	return made(pde.NewPolygon(vertices...))
}

// everyUnit visits the midpoints of a regular grid of the unit cube.
func everyUnit(dim, count int, visit func(unit []float64)) {
	if dim == 0 {
		visit(nil)
		return
	}
	for i := range count {
		everyUnit(dim-1, count, func(unit []float64) {
			visit(append([]float64{(float64(i) + 0.5) / float64(count)}, unit...))
		})
	}
}

// shifted is a point moved along the normal by a part of the bounds, on whichever scale each axis has.
func shifted(point, normal, lo, hi []float64, by float64) []float64 {
	moved := make([]float64, len(point))
	for i := range point {
		moved[i] = point[i] + by*normal[i]*(hi[i]-lo[i])
	}
	return moved
}

// TestBoundaries takes many points of each patch: they are on the boundary, normals point outward and are of unit
// length, measures are right, and the divergence theorem holds, ∮ x·n = d·volume.
func TestBoundaries(t *testing.T) {
	for name, b := range bodies() {
		d := b.domain.Dim()
		if got := pde.Measure(b.domain); math.Abs(got-b.volume) > b.tolerance*b.volume {
			t.Errorf("%s: volume %v, want %v", name, got, b.volume)
		}
		lo, hi := b.domain.Bounds()
		count := map[int]int{1: 1, 2: 5000, 3: 100, 4: 20, 5: 8}[d]
		total, flux := 0.0, 0.0
		seen := map[string]bool{}
		for _, p := range b.domain.Boundary() {
			if seen[p.Name] {
				t.Errorf("%s: two patches are named %q", name, p.Name)
			}
			seen[p.Name] = true
			kept, mean := 0, 0.0
			everyUnit(d-1, count, func(unit []float64) {
				point, normal := p.At(unit)
				if p.Keep != nil && !p.Keep(point, normal) {
					return
				}
				length, product := 0.0, 0.0
				for i, n := range normal {
					length += n * n
					product += (point[i] - lo[i]) * n // moving the origin changes nothing, and keeps digits far from it
				}
				mean += product
				kept++
				if math.Abs(length-1) > 1e-12 {
					t.Fatalf("%s, %s: the normal %v at %v is of length %v", name, p.Name, normal, point, math.Sqrt(length))
				}
				if !b.domain.Contains(point) {
					t.Fatalf("%s, %s: the point %v is not in the domain", name, p.Name, point)
				}
				if out := shifted(point, normal, lo, hi, 1e-6); b.domain.Contains(out) {
					t.Fatalf("%s, %s: at %v the normal %v points inside", name, p.Name, point, normal)
				}
				if in := shifted(point, normal, lo, hi, -1e-6); !b.domain.Contains(in) {
					t.Fatalf("%s, %s: at %v the domain is not behind the normal %v", name, p.Name, point, normal)
				}
			})
			if kept == 0 {
				t.Fatalf("%s: no point of the patch %q is kept, of measure %v", name, p.Name, p.Measure)
			}
			total += p.Measure
			flux += p.Measure * mean / float64(kept)
		}
		tolerance := 1e-7 // of curves and points
		if d == 3 {
			tolerance = max(tolerance, b.tolerance)
		}
		if b.boundary != 0 && math.Abs(total-b.boundary) > tolerance*b.boundary {
			t.Errorf("%s: the boundary has measure %v, want %v", name, total, b.boundary)
		}
		if want := float64(d) * b.volume; math.Abs(flux-want) > max(b.tolerance, 1e-3)*want {
			t.Errorf("%s: the flux of x through the boundary is %v, want %v", name, flux, want)
		}
	}
}

// stretches are the least and the greatest factor by which a map of the unit cube changes measures.
func stretches(m, count int, at func(unit []float64) []float64) (smallest, largest float64) {
	const h = 1e-5
	smallest, largest = math.Inf(1), 0.0
	everyUnit(m, count, func(unit []float64) {
		stretch := 1.0
		if m > 0 {
			gram, columns := mat.NewDense(m, m, nil), make([][]float64, m)
			for axis := range columns {
				to := append([]float64(nil), unit...)
				to[axis] = unit[axis] + h
				up := append([]float64(nil), at(to)...)
				to[axis] = unit[axis] - h
				down := at(to)
				for i := range up {
					columns[axis] = append(columns[axis], (up[i]-down[i])/(2*h))
				}
				for other := range axis + 1 {
					product := floats.Dot(columns[axis], columns[other])
					gram.Set(axis, other, product)
					gram.Set(other, axis, product)
				}
			}
			stretch = math.Sqrt(mat.Det(gram))
		}
		smallest, largest = min(smallest, stretch), max(largest, stretch)
	})
	return smallest, largest
}

// TestUniformInVolume: where a domain has a parametrization, that stretches everywhere alike, by the volume, and stays inside.
func TestUniformInVolume(t *testing.T) {
	filled := 0
	for name, b := range bodies() {
		fill := pde.Filling(b.domain)
		if fill == nil {
			continue
		}
		filled++
		d := b.domain.Dim()
		smallest, largest := stretches(d, map[int]int{1: 50, 2: 10, 3: 8, 4: 5, 5: 4}[d], fill)
		if math.Abs(smallest-b.volume) > 1e-4*b.volume || math.Abs(largest-b.volume) > 1e-4*b.volume {
			t.Errorf("%s: the parametrization stretches by %v to %v, the volume is %v", name, smallest, largest, b.volume)
		}
		for _, u := range []float64{0, 1e-17, 0.3, math.Nextafter(1, 0), 1} {
			if point := fill(slices.Repeat([]float64{u}, d)); !b.domain.Contains(point) {
				t.Errorf("%s: %v is filled to %v, outside", name, u, point)
			}
		}
	}
	if filled < 9 {
		t.Errorf("%d of the domains have a parametrization", filled)
	}
}

// TestUniformInMeasure: the parametrizations stretch everywhere alike, by the measure where all of a patch is kept.
func TestUniformInMeasure(t *testing.T) {
	for name, b := range bodies() {
		m := b.domain.Dim() - 1
		for _, p := range b.domain.Boundary() {
			smallest, largest := stretches(m, map[int]int{0: 1, 1: 50, 2: 10, 3: 6, 4: 4}[m], func(unit []float64) []float64 {
				point, _ := p.At(unit)
				return point
			})
			if largest-smallest > 1e-4*largest {
				t.Errorf("%s, %s: the parametrization stretches by %v to %v", name, p.Name, smallest, largest)
			}
			if p.Keep == nil && math.Abs(largest-p.Measure) > 1e-4*p.Measure {
				t.Errorf("%s, %s: the parametrization stretches by %v, the measure is %v", name, p.Name, largest, p.Measure)
			}
			if p.Measure > largest*(1+1e-4) {
				t.Errorf("%s, %s: the part has measure %v, the whole %v", name, p.Name, p.Measure, largest)
			}
		}
	}
}

// TestContainsOtherDimensions: a point with too few or too many coordinates, or none that is a number, is in no domain.
func TestContainsOtherDimensions(t *testing.T) {
	for name, b := range bodies() {
		unknown := make([]float64, b.domain.Dim())
		unknown[0] = math.NaN()
		for _, point := range [][]float64{nil, make([]float64, b.domain.Dim()+1), unknown} {
			if b.domain.Contains(point) {
				t.Errorf("%s contains %v", name, point)
			}
		}
	}
	if pde.Measure(nil) != 0 {
		t.Error("nil has a measure")
	}
}

// checkContains compares Contains to what is known.
func checkContains(t *testing.T, name string, domain pde.Domain, inside, outside [][]float64) {
	t.Helper()
	for _, point := range inside {
		if !domain.Contains(point) {
			t.Errorf("%s does not contain %v", name, point)
		}
	}
	for _, point := range outside {
		if domain.Contains(point) {
			t.Errorf("%s contains %v", name, point)
		}
	}
}

// checkBounds compares bounds to what is known.
func checkBounds(t *testing.T, name string, domain pde.Domain, wantLo, wantHi []float64) {
	t.Helper()
	lo, hi := domain.Bounds()
	for i := range wantLo {
		if len(lo) != len(wantLo) || lo[i] != wantLo[i] || hi[i] != wantHi[i] {
			t.Errorf("%s has bounds %v to %v, want %v to %v", name, lo, hi, wantLo, wantHi)
			return
		}
	}
}

// patchNames are the names of the patches in order.
func patchNames(domain pde.Domain) []string {
	var names []string
	for _, p := range domain.Boundary() {
		names = append(names, p.Name)
	}
	return names
}

// TestContainsUpToRounding: every domain has the points of its boundary with each coordinate rounded the one or the other way, near the
// origin and far from it, and no point that is further outside.
func TestContainsUpToRounding(t *testing.T) {
	made := func(d pde.Domain, err error) pde.Domain {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	for _, at := range []struct{ x, size float64 }{{0, 1}, {0, 1e-6}, {3e5, 1}, {-2, 1e4}} {
		lo, hi := []float64{at.x, at.x - at.size}, []float64{at.x + at.size/3, at.x + at.size/7}
		box := made(pde.NewBox([]string{"x", "y"}, lo, hi))
		disk := made(pde.NewDisk([2]float64{at.x, at.x}, at.size/3))
		polygon := made(pde.NewPolygon([2]float64{lo[0], lo[1]}, [2]float64{hi[0], lo[1]}, [2]float64{lo[0], hi[1]}))
		bodies := map[string]pde.Domain{
			"box": box, "disk": disk, "polygon": polygon,
			"interval": made(pde.NewInterval("x", lo[0], hi[0])), "cylinder": made(pde.Over(disk, "t", at.x, at.x+0.3)),
			"ball":    made(pde.NewBall([]float64{at.x, at.x, 0}, at.size/3)),
			"ellipse": made(pde.NewEllipse([2]float64{at.x, at.x}, [2]float64{at.size / 3, at.size / 5}, 0.3)),
			"star": made(pde.NewStarShaped([2]float64{at.x, at.x}, func(angle float64) float64 {
				return at.size * (1 + 0.3*math.Cos(3*angle)) / 4
			})),
			"union": made(pde.Union(box, disk)), "intersection": made(pde.Intersection(box, disk)), "difference": made(pde.Difference(box, disk)),
		}
		for name, d := range bodies {
			for _, patch := range d.Boundary() {
				for k := range 5 {
					unit := make([]float64, d.Dim()-1)
					for i := range unit {
						unit[i] = (float64(k) + 0.5) / 5
					}
					p, n := patch.At(unit)
					if patch.Keep != nil && !patch.Keep(p, n) {
						continue
					}
					for i := range p {
						for _, to := range []float64{math.Inf(-1), math.Inf(1)} {
							q := slices.Clone(p)
							q[i] = math.Nextafter(q[i], to)
							if !d.Contains(q) {
								t.Errorf("%s of size %g at %g: %v, next to the point %v of %q, is not in it", name, at.size, at.x, q, p, patch.Name)
							}
						}
					}
					beyond := slices.Clone(p)
					for i := range beyond {
						beyond[i] += 1e-5 * at.size * n[i]
					}
					if d.Contains(beyond) {
						t.Errorf("%s of size %g at %g: %v, beyond %q, is in it", name, at.size, at.x, beyond, patch.Name)
					}
				}
			}
		}
	}
}

// TestNoInterior: a domain that rounding leaves nothing of is refused, whatever made it.
func TestNoInterior(t *testing.T) {
	far := made(pde.NewBall([]float64{1e9, 1e9}, 1e-9))
	_, err := pde.Over(far, "t", 0, 1)
	for _, err := range []error{pde.CheckDomain(far), err} {
		if err == nil || !strings.Contains(err.Error(), "along axis 0 are 1e+09 to 1e+09") {
			t.Errorf("error %v, want one that tells the bounds", err)
		}
	}
}
