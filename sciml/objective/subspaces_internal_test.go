package objective

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/internal/device"
)

// basis is C.
func (d Subspace) basis() *mat.Dense {
	c := mat.NewDense(d.Items, d.Size, nil)
	for i := range d.Items {
		c.Set(i, int(d.sums[i]), d.entries[i])
	}
	return c
}

// TestSubspaces: the basis is orthonormal, what the device computes is with it, and in the mean CCᵀ leaves
// no parameter out and mixes none.
func TestSubspaces(t *testing.T) {
	b, err := HostBackend()
	if err != nil {
		t.Fatal(err)
	}
	obj := &Objective{Backend: b}
	for _, s := range []Subspaces{{10, 3}, {9, 3}, {7, 1}, {8, 7}, {5, 4}} {
		rng := rand.New(rand.NewPCG(1, 2))
		mean := mat.NewDense(s.Items, s.Items, nil)
		const draws = 4000
		for range draws {
			c := s.Draw(rng).basis()
			var gram, projector mat.Dense
			gram.Mul(c.T(), c)
			if !mat.EqualApprox(&gram, diagonal(s.Size, 1), 1e-14) {
				t.Fatalf("%+v: CᵀC = %v", s, mat.Formatted(&gram))
			}
			projector.Mul(c, c.T())
			projector.Scale(1./draws, &projector)
			mean.Add(mean, &projector)
		}
		for i := range s.Items {
			for k := range s.Items {
				if v := mean.At(i, k); i == k && v < 0.99/float64(s.number()) || i != k && math.Abs(v) > 0.05 {
					t.Fatalf("%+v: the mean of CCᵀ is\n%v", s, mat.Formatted(mean))
				}
			}
		}

		drawn := s.Draw(rng)
		c := drawn.basis()
		j, z := mat.NewDense(4, s.Items, nil), mat.NewDense(s.Size, 1, nil)
		for _, m := range []*mat.Dense{j, z} {
			for i := range m.RawMatrix().Data {
				m.RawMatrix().Data[i] = rng.NormFloat64()
			}
		}
		p, err := device.NewProgram(obj.Compiler(), "sums", func(in []*graph.Node) []*graph.Node {
			return []*graph.Node{s.Narrow(in[0], in[2:]), s.Expand(in[1], in[2:])}
		})
		if err != nil {
			t.Fatal(err)
		}
		out, err := p.Call([]*tensors.Tensor{
			tensors.FromFlatDataAndDimensions(j.RawMatrix().Data, 4, s.Items), device.Vector(obj.Precision(), z.RawMatrix().Data),
		}, drawn.Inputs(obj))
		if err != nil {
			t.Fatal(err)
		}
		var narrow, step mat.Dense
		narrow.Mul(j, c)
		step.Mul(c, z)
		if got := mat.NewDense(4, s.Size, tensors.MustCopyFlatData[float64](out[0])); !mat.EqualApprox(got, &narrow, 1e-14) {
			t.Errorf("%+v: JC = %v, want %v", s, mat.Formatted(got), mat.Formatted(&narrow))
		}
		if got := mat.NewDense(s.Items, 1, tensors.MustCopyFlatData[float64](out[1])); !mat.EqualApprox(got, &step, 1e-14) {
			t.Errorf("%+v: Cz = %v, want %v", s, got, step)
		}
		if got := mat.NewDense(s.Items, 1, drawn.Step(z.RawMatrix().Data)); !mat.EqualApprox(got, &step, 1e-14) {
			t.Errorf("%+v: on the host Cz = %v, want %v", s, got, step)
		}
	}
}
