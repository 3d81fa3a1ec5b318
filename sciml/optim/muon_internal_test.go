package optim

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
)

// TestOrthogonalized: singular vectors stay and singular values come close to one, those of wide, tall and badly
// conditioned matrices.
func TestOrthogonalized(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		rng := rand.New(rand.NewPCG(3, 4))
		for _, dims := range [][2]int{{8, 8}, {4, 12}, {12, 4}, {1, 5}} {
			small := min(dims[0], dims[1])
			var u, v mat.QR
			u.Factorize(random(rng, dims[0], dims[0]))
			v.Factorize(random(rng, dims[1], dims[1]))
			var left, right mat.Dense
			u.QTo(&left)
			v.QTo(&right)
			middle := mat.NewDense(dims[0], dims[1], nil)
			for i := range small {
				middle.Set(i, i, 3e-5*math.Pow(0.02, float64(i)/math.Max(1, float64(small-1)))) // over a range of 50
			}
			var a mat.Dense
			a.Product(&left, middle, right.T())
			exec := graph.MustNewExec(b, func(x *graph.Node) *graph.Node { return orthogonalized(x, 5) })
			out := exec.MustCall(tensors.FromFlatDataAndDimensions(a.RawMatrix().Data, dims[0], dims[1]))[0]
			x := mat.NewDense(dims[0], dims[1], tensors.MustCopyFlatData[float64](out))
			var diagonal mat.Dense // UᵀXV
			diagonal.Product(left.T(), x, &right)
			for i := range dims[0] {
				for j := range dims[1] {
					got := diagonal.At(i, j)
					if i != j && math.Abs(got) > 1e-9 {
						t.Errorf("%v: entry (%d, %d) of UᵀXV is %v, want 0", dims, i, j, got)
					}
					if i == j && !(got > 0.67 && got < 1.21) {
						t.Errorf("%v: singular value %d is %v, want about 1", dims, i, got)
					}
				}
			}
		}
		exec := graph.MustNewExec(b, func(x *graph.Node) *graph.Node { return orthogonalized(x, 5) })
		for _, v := range tensors.MustCopyFlatData[float32](exec.MustCall([][]float32{{0, 0, 0}, {0, 0, 0}})[0]) {
			if v != 0 {
				t.Errorf("an entry for the zero matrix is %v", v)
			}
		}
	})
}

func random(rng *rand.Rand, rows, columns int) *mat.Dense {
	m := mat.NewDense(rows, columns, nil)
	for i := range rows {
		for j := range columns {
			m.Set(i, j, rng.NormFloat64())
		}
	}
	return m
}
