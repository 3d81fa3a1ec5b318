package diagnose_test

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/floats"

	"github.com/gosciml/gosciml/sciml/diagnose"
	"github.com/gosciml/gosciml/sciml/optim"
)

func snapshotsOf(thetas ...[]float64) (all []optim.Snapshot) {
	for i, t := range thetas {
		all = append(all, optim.Snapshot{Iteration: i, Theta: t})
	}
	return all
}

// TestPathInAPlane: a plane in a space of other dimensions explains all of a path in it, also where there are more snapshots than
// parameters and where the path is all but a line.
func TestPathInAPlane(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 0))
	for name, c := range map[string]struct {
		dim, count int
		narrow     float64
	}{"few snapshots": {50, 7, 1}, "many snapshots": {3, 40, 1}, "almost a line": {20, 9, 1e-6}} {
		vector := func() []float64 {
			v := make([]float64, c.dim)
			for i := range v {
				v[i] = rng.NormFloat64()
			}
			return v
		}
		base, a, b := vector(), vector(), vector()
		var path [][]float64
		for range c.count {
			theta := slices.Clone(base)
			floats.AddScaled(theta, rng.NormFloat64(), a)
			floats.AddScaled(theta, c.narrow*rng.NormFloat64(), b)
			path = append(path, theta)
		}
		plane, err := diagnose.PathPlane(snapshotsOf(path...))
		if err != nil {
			t.Fatal(err)
		}
		if dot := floats.Dot(plane.First, plane.Second); math.Abs(dot) > 1e-12 || math.Abs(floats.Norm(plane.First, 2)-1) > 1e-12 || math.Abs(floats.Norm(plane.Second, 2)-1) > 1e-12 {
			t.Errorf("%s: the directions are not orthonormal: %v", name, dot)
		}
		in, err := plane.Project(snapshotsOf(path...))
		if err != nil {
			t.Fatal(err)
		}
		if share := in.Shares[0] + in.Shares[1]; math.Abs(share-1) > 1e-12 || in.Shares[0] < in.Shares[1] {
			t.Errorf("%s: the plane explains %v, want 1", name, in.Shares)
		}
		for i, theta := range path {
			got := slices.Clone(plane.Origin)
			floats.AddScaled(got, in.X[i], plane.First)
			floats.AddScaled(got, in.Y[i], plane.Second)
			if d := floats.Distance(got, theta, 2); d > 1e-11*floats.Norm(theta, 2) {
				t.Errorf("%s: snapshot %d is %v away from where it is drawn", name, i, d)
			}
		}
		if in.X[0] < 0 || in.Y[0] < 0 {
			t.Errorf("%s: the first iterate is at (%v, %v)", name, in.X[0], in.Y[0])
		}
		if in.X[c.count-1] != 0 || in.Y[c.count-1] != 0 {
			t.Errorf("%s: the last iterate is at (%v, %v)", name, in.X[c.count-1], in.Y[c.count-1])
		}
	}
}

// TestShares: three orthogonal differences of lengths 3, 2 and 1 have squares 9, 4 and 1.
func TestShares(t *testing.T) {
	path := snapshotsOf([]float64{5, 5, 5, 8}, []float64{7, 5, 5, 5}, []float64{5, 5, 6, 5}, []float64{5, 5, 5, 5})
	plane, err := diagnose.PathPlane(path)
	if err != nil {
		t.Fatal(err)
	}
	in, err := plane.Project(path)
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(in.Shares[0]-9./14) > 1e-12 || math.Abs(in.Shares[1]-4./14) > 1e-12 {
		t.Errorf("shares %v, want 9/14 and 4/14", in.Shares)
	}
	x, y := diagnose.Around(4, in)
	if len(x) != 4 || len(y) != 4 || math.Abs(x[3]-x[0]-4) > 1e-12 || math.Abs(y[3]-y[0]-2*4./3) > 1e-12 {
		t.Errorf("nodes %v and %v, want a third more than the extent of 3 and 2", x, y)
	}
	// In a plane of directions that are neither of length 1 nor orthogonal a point is where it is.
	oblique := &diagnose.Plane{Origin: []float64{1, 1, 1}, First: []float64{2, 0, 0}, Second: []float64{1, 1, 0}}
	at, err := oblique.Project(snapshotsOf([]float64{6, 0, 4}))
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(at.X[0]-3) > 1e-12 || math.Abs(at.Y[0]+1) > 1e-12 || math.Abs(at.Shares[0]-25./35) > 1e-12 || math.Abs(at.Shares[1]-1./35) > 1e-12 {
		t.Errorf("the point is at (%v, %v) with shares %v, want (3, −1), 25/35 and 1/35", at.X, at.Y, at.Shares)
	}
	if still, err := oblique.Project(snapshotsOf(oblique.Origin)); err != nil || !math.IsNaN(still.Shares[0]) {
		t.Errorf("a path that stays has the shares %v, error %v", still, err)
	}
}

// TestPathOfARun draws the path of a run on its own landscape: the surface has the losses of the history where the path goes.
func TestPathOfARun(t *testing.T) {
	obj := valley(hostBackend(t))
	start := []float64{0, 0, 0} // and θ₂ stays there: the path lies in a plane
	r, err := optim.Minimize(context.Background(), obj, start, optim.Momentum{Rate: 0.01}, optim.Options{MaxIterations: 30, SnapshotEvery: 10})
	if err != nil {
		t.Fatal(err)
	}
	plane, err := diagnose.PathPlane(r.Snapshots)
	if err != nil {
		t.Fatal(err)
	}
	path, err := plane.Project(r.Snapshots)
	if err != nil {
		t.Fatal(err)
	}
	if share := path.Shares[0] + path.Shares[1]; math.Abs(share-1) > 1e-12 {
		t.Errorf("the plane explains %v of the path", share)
	}
	for i, s := range r.Snapshots[:3] {
		at, err := plane.Surface(context.Background(), obj, []float64{path.X[i], path.X[i] + 1}, []float64{path.Y[i], path.Y[i] + 1})
		if err != nil {
			t.Fatal(err)
		}
		if want := r.History.Records[s.Iteration].Loss; math.Abs(at.U[0]-want) > 1e-10*want {
			t.Errorf("the loss at snapshot %d is %v in the plane, %v in the history", i, at.U[0], want)
		}
	}
}

func TestPathErrors(t *testing.T) {
	plane := func(thetas ...[]float64) error { _, err := diagnose.PathPlane(snapshotsOf(thetas...)); return err }
	project := func(p *diagnose.Plane, thetas ...[]float64) error {
		_, err := p.Project(snapshotsOf(thetas...))
		return err
	}
	a, b, c := []float64{1, 0}, []float64{0, 1}, []float64{0, 0}
	for word, err := range map[string]error{
		"2 snapshots, expected 3":         plane(a, b),
		"Theta of snapshot 1 has 1":       plane(a, b[:1], c),
		"Theta of snapshot 0 has NaN":     plane([]float64{math.NaN(), 0}, b, c),
		"on a line":                       plane(a, []float64{2, 0}, c),
		"First and Second are parallel":   project(&diagnose.Plane{Origin: c, First: a, Second: []float64{-3, 0}}, b),
		"Theta of snapshot 0 has 3":       project(&diagnose.Plane{Origin: c, First: a, Second: b}, []float64{1, 2, 3}),
		"Theta of snapshot 2 is empty":    plane(a, b, nil),
		"the plane is nil, expected one ": project(nil, a),
	} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v, want one that mentions %q", err, word)
		}
	}
	if x, y := diagnose.Around(3); !slices.Equal(x, y) || len(x) != 3 || x[0] >= 0 {
		t.Errorf("around nothing: %v and %v", x, y)
	}
}
