package diagnose

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/optim"
)

// Path is where the iterates of a run lie in a Plane: Origin + X[i]·First + Y[i]·Second is the point of it that is nearest to
// snapshot i.
type Path struct {
	X, Y []float64
	// Shares are those of the sum of the squares of the distances of all iterates from the origin: what the first direction
	// explains, and what the second adds. Their sum says how much of the path is seen in the plane. NaN where all iterates are
	// the origin.
	Shares [2]float64
}

// PathPlane is the plane in which most of a run's path lies: through the last snapshot, along the two principal directions of the
// differences of the others from that one (Li, Xu, Taylor, Studer and Goldstein 2018, section 7), which are of length 1. The
// differences are not centered, so that no other plane through the last iterate explains more of the path. The first snapshot is on
// the positive side of both. Those of several runs can be put one after the other. It fails where there are fewer than three
// snapshots, or they lie on a line exactly, and where they are not all finite and of one length.
func PathPlane(snapshots []optim.Snapshot) (*Plane, error) {
	if len(snapshots) < 3 {
		return nil, fmt.Errorf("diagnose: there are %d snapshots, expected 3 or more, which Options.SnapshotEvery of a run gives", len(snapshots))
	}
	if err := checkSnapshots(snapshots, len(snapshots[0].Theta)); err != nil {
		return nil, err
	}
	last := len(snapshots) - 1
	origin := snapshots[last].Theta
	differences := mat.NewDense(last, len(origin), nil)
	for i := range last {
		floats.SubTo(differences.RawRowView(i), snapshots[i].Theta, origin)
	}
	p := &Plane{Origin: append([]float64(nil), origin...)}
	var err error
	if p.First, err = principal(differences); err != nil {
		return nil, err
	}
	deflate(differences, p.First)
	if p.Second, err = principal(differences); err != nil {
		return nil, err
	}
	floats.AddScaled(p.Second, -floats.Dot(p.First, p.Second), p.First)
	floats.Scale(1/floats.Norm(p.Second, 2), p.Second)
	start := floats.SubTo(make([]float64, len(origin)), snapshots[0].Theta, origin)
	for _, d := range [][]float64{p.First, p.Second} {
		if floats.Dot(d, start) < 0 {
			floats.Scale(-1, d)
		}
	}
	return p, nil
}

// principal is the direction that explains most of the rows of m: the first right singular vector.
func principal(m *mat.Dense) ([]float64, error) {
	rows, columns := m.Dims()
	gram := mat.NewSymDense(min(rows, columns), nil)
	if rows < columns {
		gram.SymOuterK(1, m)
	} else {
		gram.SymOuterK(1, m.T())
	}
	if gram.Trace() == 0 {
		return nil, errors.New("diagnose: all snapshots lie on a line exactly, expected a path that spans a plane")
	}
	var e mat.EigenSym
	if !e.Factorize(gram, true) {
		return nil, errors.New("diagnose: the principal directions of the snapshots could not be computed")
	}
	var vectors mat.Dense
	e.VectorsTo(&vectors)
	largest := vectors.ColView(gram.SymmetricDim() - 1)
	d := mat.NewVecDense(columns, nil)
	if rows < columns {
		d.MulVec(m.T(), largest)
	} else {
		d.CloneFromVec(largest)
	}
	d.ScaleVec(1/mat.Norm(d, 2), d)
	return d.RawVector().Data, nil
}

// deflate takes the parts along a unit vector from the rows of m.
func deflate(m *mat.Dense, unit []float64) {
	rows, _ := m.Dims()
	for i := range rows {
		row := m.RawRowView(i)
		floats.AddScaled(row, -floats.Dot(row, unit), unit)
	}
}

// Project is where iterates lie in the plane, also those of another run on the same objective. It fails where they are not finite
// or of another length, and where the directions of the plane are parallel.
func (p *Plane) Project(snapshots []optim.Snapshot) (*Path, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	if err := checkSnapshots(snapshots, len(p.Origin)); err != nil {
		return nil, err
	}
	// Orthonormal directions of the same plane: First = length·one and Second = shear·one + height·other.
	length := floats.Norm(p.First, 2)
	one := floats.ScaleTo(make([]float64, len(p.First)), 1/length, p.First)
	shear := floats.Dot(one, p.Second)
	other := append([]float64(nil), p.Second...)
	floats.AddScaled(other, -shear, one)
	height := floats.Norm(other, 2)
	if height <= 1e-12*floats.Norm(p.Second, 2) {
		return nil, errors.New("diagnose: Plane.First and Second are parallel, expected two directions that span a plane")
	}
	floats.Scale(1/height, other)
	path, total := &Path{}, 0.0
	away := make([]float64, len(p.Origin))
	for _, s := range snapshots {
		floats.SubTo(away, s.Theta, p.Origin)
		along, across := floats.Dot(one, away), floats.Dot(other, away)
		y := across / height
		path.X, path.Y = append(path.X, (along-shear*y)/length), append(path.Y, y)
		path.Shares[0] += along * along
		path.Shares[1] += across * across
		total += floats.Dot(away, away)
	}
	path.Shares[0] /= total
	path.Shares[1] /= total
	return path, nil
}

// Around are n nodes along each direction of a plane, for Plane.Surface, which cover paths in it with a margin of a sixth of their
// extent.
func Around(n int, paths ...*Path) (x, y []float64) {
	lo, hi := [2]float64{}, [2]float64{} // with the origin
	for _, p := range paths {
		if p == nil {
			continue
		}
		for k, along := range [][]float64{p.X, p.Y} {
			for _, v := range along {
				lo[k], hi[k] = math.Min(lo[k], v), math.Max(hi[k], v)
			}
		}
	}
	widest := math.Max(hi[0]-lo[0], hi[1]-lo[1])
	if widest == 0 {
		widest = 1
	}
	nodes := func(k int) []float64 {
		margin := (hi[k] - lo[k]) / 6
		if margin < widest/100 { // next to a line there is something to be seen, too
			margin = widest / 6
		}
		return Nodes(lo[k]-margin, hi[k]+margin, n)
	}
	return nodes(0), nodes(1)
}

func checkSnapshots(snapshots []optim.Snapshot, length int) error {
	for i, s := range snapshots {
		if err := checkVector(fmt.Sprintf("Theta of snapshot %d", i), s.Theta, length); err != nil {
			return err
		}
	}
	return nil
}
