package objective

import (
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
	for k := range d.Size {
		unit := make([]float64, d.Size)
		unit[k] = 1
		c.SetCol(k, d.Step(unit))
	}
	return c
}

// TestSubspaces: the basis is orthonormal, what the device computes is with it, and in the mean CCᵀ gives each parameter of a part
// the same share and mixes none. No block is left out, and there are not more columns than asked for, but for one in each part.
func TestSubspaces(t *testing.T) {
	b, err := HostBackend()
	if err != nil {
		t.Fatal(err)
	}
	network := []Block{{Name: "weights", Dims: []int{2, 5}}, {Name: "bias", Offset: 10, Dims: []int{5}}, {Name: "kernel", Offset: 15, Dims: []int{2, 4, 3}}, {Name: "scalar", Offset: 39}}
	for _, c := range []struct {
		dim, columns, size int
		blocks             []Block
	}{{10, 3, 3, nil}, {7, 1, 1, nil}, {200, 50, 50, nil}, {40, 13, 13, network}, {40, 39, 34, network}, {40, 1, 10, network}} {
		obj := &Objective{Backend: b, Dim: c.dim, Blocks: c.blocks}
		s := NewSubspaces(obj, c.columns)
		if s.Size != c.size {
			t.Errorf("%d of %d parameters in %d blocks: %d columns, want %d", c.columns, c.dim, len(c.blocks), s.Size, c.size)
		}
		rng := rand.New(rand.NewPCG(1, 2))
		mean := mat.NewDense(s.Items, s.Items, nil)
		draws := 40000 / c.dim
		for range draws {
			c := s.Draw(rng).basis()
			var gram, projector mat.Dense
			gram.Mul(c.T(), c)
			if !mat.EqualApprox(&gram, diagonal(s.Size, 1), 1e-14) {
				t.Fatalf("%+v: CᵀC = %v", s, mat.Formatted(&gram))
			}
			projector.Mul(c, c.T())
			projector.Scale(1/float64(draws), &projector)
			mean.Add(mean, &projector)
		}
		want := mat.NewDense(s.Items, s.Items, nil)
		for _, p := range s.parts {
			for i := range p.before * p.axis * p.after {
				want.Set(p.offset+i, p.offset+i, float64(p.columns)/float64(p.axis))
			}
		}
		if !mat.EqualApprox(mean, want, 0.1) {
			t.Fatalf("%+v: the mean of CCᵀ is\n%v", s, mat.Formatted(mean))
		}

		drawn := s.Draw(rng)
		c := drawn.basis()
		j, z := mat.NewDense(4, s.Items, nil), mat.NewDense(s.Size, 1, nil)
		for _, m := range []*mat.Dense{j, z} {
			for i := range m.RawMatrix().Data {
				m.RawMatrix().Data[i] = rng.NormFloat64()
			}
		}
		p, err := device.NewProgram(obj.Compiler(), "subspace", func(in []*graph.Node) []*graph.Node {
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
