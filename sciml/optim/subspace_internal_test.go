package optim

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"
)

// basis is C.
func (d subspace) basis() *mat.Dense {
	c := mat.NewDense(d.items, d.size, nil)
	for i := range d.items {
		c.Set(i, d.sum(i), d.entries[i])
	}
	return c
}

// TestSubspaces: the basis is orthonormal, what the device computes is with it, and in the mean CCᵀ leaves
// no parameter out and mixes none.
func TestSubspaces(t *testing.T) {
	obj := &Objective{Backend: goBackend(t)}
	for _, s := range []subspaces{{10, 3}, {9, 3}, {7, 1}, {8, 7}, {5, 4}} {
		rng := rand.New(rand.NewPCG(1, 2))
		mean := mat.NewDense(s.items, s.items, nil)
		const draws = 4000
		for range draws {
			c := s.draw(rng).basis()
			var gram, projector mat.Dense
			gram.Mul(c.T(), c)
			if !mat.EqualApprox(&gram, diagonal(s.size, 1), 1e-14) {
				t.Fatalf("%+v: CᵀC = %v", s, mat.Formatted(&gram))
			}
			projector.Mul(c, c.T())
			projector.Scale(1./draws, &projector)
			mean.Add(mean, &projector)
		}
		for i := range s.items {
			for k := range s.items {
				if v := mean.At(i, k); i == k && v < 0.99/float64(s.blocks()) || i != k && math.Abs(v) > 0.05 {
					t.Fatalf("%+v: the mean of CCᵀ is\n%v", s, mat.Formatted(mean))
				}
			}
		}

		drawn := s.draw(rng)
		c := drawn.basis()
		j, z := mat.NewDense(4, s.items, nil), mat.NewDense(s.size, 1, nil)
		for _, m := range []*mat.Dense{j, z} {
			for i := range m.RawMatrix().Data {
				m.RawMatrix().Data[i] = rng.NormFloat64()
			}
		}
		p, err := newProgram(obj, "subspace", func(in []*graph.Node) []*graph.Node {
			return []*graph.Node{s.narrow(in[0], in[2:]), s.expand(in[1], in[2:])}
		})
		if err != nil {
			t.Fatal(err)
		}
		out, err := p.call([]*tensors.Tensor{
			tensors.FromFlatDataAndDimensions(j.RawMatrix().Data, 4, s.items), vector(obj.dtype(), z.RawMatrix().Data),
		}, drawn.inputs(obj))
		if err != nil {
			t.Fatal(err)
		}
		var narrow, step mat.Dense
		narrow.Mul(j, c)
		step.Mul(c, z)
		if got := mat.NewDense(4, s.size, tensors.MustCopyFlatData[float64](out[0])); !mat.EqualApprox(got, &narrow, 1e-14) {
			t.Errorf("%+v: JC = %v, want %v", s, mat.Formatted(got), mat.Formatted(&narrow))
		}
		if got := mat.NewDense(s.items, 1, tensors.MustCopyFlatData[float64](out[1])); !mat.EqualApprox(got, &step, 1e-14) {
			t.Errorf("%+v: Cz = %v, want %v", s, got, step)
		}
		if got := mat.NewDense(s.items, 1, drawn.step(z.RawMatrix().Data)); !mat.EqualApprox(got, &step, 1e-14) {
			t.Errorf("%+v: on the host Cz = %v, want %v", s, got, step)
		}
	}
}

// TestGained: within one set of points, from one to another, and where nothing can be said.
func TestGained(t *testing.T) {
	falling := func(n int, perIteration float64, rises map[int]float64) *course {
		c, log := &course{}, 0.0
		for i := range n {
			if rise, fresh := rises[i]; fresh {
				c.Fresh = append(c.Fresh, i)
				log += rise
			}
			c.Records = append(c.Records, Record{Iteration: i, Loss: math.Pow(10, log)})
			log -= perIteration
		}
		return c
	}
	for name, c := range map[string]struct {
		course *course
		last   int
		want   float64
	}{
		"one set":                {falling(40, 0.1, nil), 40, 0.1},
		"the last":               {falling(100, 0.1, nil), 20, 0.1},
		"each rise eats it":      {falling(60, 0.1, map[int]float64{20: 1.5, 40: 2}), 60, 0},
		"half of it":             {falling(60, 0.1, map[int]float64{20: 5, 40: 1}), 60, 0.05}, // the first rise does not count
		"two sets":               {falling(40, 0.1, map[int]float64{20: 1}), 40, 0.05},
		"rise before the window": {falling(60, 0.1, map[int]float64{20: 3}), 30, 0.1},
		"one record":             {falling(1, 0.1, nil), 10, 0}, "none": {&course{}, 10, 0},
		"negative": {&course{Records: []Record{{Loss: -1}, {Loss: -2}}}, 10, 0},
	} {
		if got := gained(c.course, c.last); !(math.Abs(got-c.want) < 1e-12) {
			t.Errorf("%s: %g, want %g", name, got, c.want)
		}
	}
}
