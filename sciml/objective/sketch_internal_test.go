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

// matrix is the embedding in full.
func (s *Embedding) matrix() *mat.Dense {
	m := mat.NewDense(s.size, s.items, nil)
	for place, item := range s.order {
		row := place / s.slots % s.size
		m.Set(row, int(item), m.At(row, int(item))+s.signs[place])
	}
	return m
}

// TestEmbedding: the device computes what the matrix says, and SᵀS is the identity in the mean.
func TestEmbedding(t *testing.T) {
	b, err := HostBackend()
	if err != nil {
		t.Fatal(err)
	}
	obj := &Objective{Backend: b}
	rng := rand.New(rand.NewPCG(4, 4))
	for _, c := range []struct {
		items, size, copies int
	}{{10, 3, 1}, {10, 3, 4}, {9, 8, 1}, {7, 1, 2}, {8, 4, 2}} {
		draw := func() *Embedding { return NewEmbedding(rng, c.items, c.size, c.copies) }
		s := draw()
		x := mat.NewDense(c.items, 2, nil)
		for i := range c.items {
			x.SetRow(i, []float64{rng.NormFloat64(), rng.NormFloat64()})
		}
		p, err := device.NewProgram(obj.Compiler(), "embedding", func(in []*graph.Node) []*graph.Node { return []*graph.Node{s.Build(in[0], in[1:])} })
		if err != nil {
			t.Fatal(err)
		}
		out, err := p.Call([]*tensors.Tensor{tensors.FromFlatDataAndDimensions(x.RawMatrix().Data, c.items, 2)}, s.Inputs(obj))
		if err != nil {
			t.Fatal(err)
		}
		var want, gram mat.Dense
		want.Mul(s.matrix(), x)
		if got := mat.NewDense(c.size, 2, tensors.MustCopyFlatData[float64](out[0])); !mat.EqualApprox(got, &want, 1e-14) {
			t.Errorf("%+v: the device has %v, want %v", c, got, want)
		}
		mean := mat.NewDense(c.items, c.items, nil)
		const draws = 4000
		for range draws {
			each := draw().matrix()
			gram.Reset()
			gram.Mul(each.T(), each)
			gram.Scale(1./draws, &gram)
			mean.Add(mean, &gram)
		}
		if !mat.EqualApprox(mean, diagonal(c.items, 1), 5/math.Sqrt(draws)) {
			t.Errorf("%+v: the mean of SᵀS is %v", c, mat.Formatted(mean))
		}
	}
	if NewEmbedding(rng, 5, 5, 4) != nil {
		t.Error("an embedding of as many sums as items is not the identity")
	}
}

func diagonal(n int, value float64) mat.Matrix {
	values := make([]float64, n)
	for i := range values {
		values[i] = value
	}
	return mat.NewDiagDense(n, values)
}
