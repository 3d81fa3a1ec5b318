package autodiff_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/nn"
)

// kroneckerAt computes the factors at θ and x, with JᵀJ and with what else is built there.
func kroneckerAt(t *testing.T, b compute.Backend, theta, x *tensors.Tensor, r func(theta, x *graph.Node) *graph.Node, more func(theta, x *graph.Node) []*graph.Node) (blocks []autodiff.Kronecker, factors []*mat.Dense, gram *mat.Dense, others [][]float64) {
	t.Helper()
	var shapes [][]int
	out, err := graph.CallOnceN(b, func(theta, x *graph.Node) []*graph.Node {
		residual := r(theta, x)
		j := graph.Reshape(autodiff.Jacobian(residual, theta), residual.Shape().Size(), theta.Shape().Size())
		nodes := []*graph.Node{graph.DotGeneral(j, []int{0}, nil, j, []int{0}, nil)}
		blocks, shapes = autodiff.KroneckerFactors(residual, theta), nil
		for _, k := range blocks {
			nodes = append(nodes, k.Inputs, k.Outputs)
			shapes = append(shapes, k.Inputs.Shape().Dimensions, k.Outputs.Shape().Dimensions)
		}
		if more != nil {
			nodes = append(nodes, more(theta, x)...)
		}
		return nodes
	}, theta, x)
	if err != nil {
		t.Fatal(err)
	}
	flat := numbers(t, out)
	p := theta.Shape().Size()
	for i, shape := range shapes {
		factors = append(factors, mat.NewDense(shape[0], shape[1], flat[1+i]))
	}
	return blocks, factors, mat.NewDense(p, p, flat[0]), flat[1+len(factors):]
}

// blockOf is the block of a matrix for some of its rows and columns.
func blockOf(m *mat.Dense, entries []int) []float64 {
	var block []float64
	for _, i := range entries {
		for _, j := range entries {
			block = append(block, m.At(i, j))
		}
	}
	return block
}

func kron(a, g *mat.Dense) []float64 {
	var k mat.Dense
	k.Kronecker(a, g)
	return k.RawMatrix().Data
}

// same repeats one point.
func same(n int, point ...float64) *tensors.Tensor {
	return tensors.FromFlatDataAndDimensions(slices.Repeat(point, n), n, len(point))
}

// TestKroneckerExact: A ⊗ G is the block of JᵀJ for one stream where h or δ is the same at all points, whatever the order
// of the weight's axes; and always for what is no matrix.
func TestKroneckerExact(t *testing.T) {
	m, err := nn.NewMLP(nn.Tanh, 2, 4, 3)
	if err != nil {
		t.Fatal(err)
	}
	scalars := residuals(t)["scalar parameters, and some unused"]
	part := func(theta *graph.Node, from int, dims ...int) *graph.Node {
		n := 1
		for _, d := range dims {
			n *= d
		}
		return graph.Reshape(graph.Slice(theta, graph.AxisRange(from, from+n)), dims...)
	}
	random := func() *tensors.Tensor { return randomTensor(dtypes.Float64, 1, 5, 2) }
	for name, c := range map[string]struct {
		params int
		x      func() *tensors.Tensor
		r      func(theta, x *graph.Node) *graph.Node
		sizes  []int // of the blocks that are compared
	}{
		"linear": {9, random, func(theta, x *graph.Node) *graph.Node { return graph.MatMul(x, part(theta, 1, 2, 4)) }, []int{8}},
		"linear with biases": {9, random, func(theta, x *graph.Node) *graph.Node {
			y := graph.MatMul(x, part(theta, 0, 2, 3))
			return graph.Add(y, graph.BroadcastToShape(part(theta, 6, 1, 3), y.Shape()))
		}, []int{9}},
		"transposed":          {7, random, func(theta, x *graph.Node) *graph.Node { return graph.Einsum("nk,mk->nm", x, part(theta, 0, 3, 2)) }, []int{6}},
		"one point, repeated": {m.NumParams(), func() *tensors.Tensor { return same(3, 0.3, -0.7) }, func(theta, x *graph.Node) *graph.Node { return m.Apply(theta, x) }, []int{12, 15}},
		"scalars":             {scalars.params, func() *tensors.Tensor { return randomTensor(dtypes.Float64, 1, 4, scalars.dims) }, scalars.r, []int{1, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			backendtest.Each(t, func(t *testing.T, b compute.Backend) {
				blocks, factors, gram, _ := kroneckerAt(t, b, randomTensor(dtypes.Float64, 0.5, c.params), c.x(), c.r, nil)
				var sizes []int
				for i, k := range blocks {
					if k.Streams == 1 && (name != "scalars" || len(k.Entries) == 1) {
						sizes = append(sizes, len(k.Entries))
						near(t, name, kron(factors[2*i], factors[2*i+1]), blockOf(gram, k.Entries), 1e-12)
					}
				}
				if slices.Sort(sizes); !slices.Equal(sizes, c.sizes) {
					t.Errorf("blocks of %v entries have one stream, want %v", sizes, c.sizes)
				}
			})
		})
	}
}

// forwardLaplacian is Δu + sin u of a network with layers of 2, 4, 3 and 1, stream by stream. For each layer it gives h and
// z = hW + b in the streams of the values, of ∂₀ and ∂₁, and of Δ, those that are there.
func forwardLaplacian(theta, x *graph.Node) (r *graph.Node, h, z [][]*graph.Node) {
	widths, offset := []int{2, 4, 3, 1}, 0
	n := x.Shape().Dimensions[0]
	unit := func(i int) *graph.Node {
		row := []float64{0, 0}
		row[i] = 1
		return constant(x.Graph(), slices.Repeat([][]float64{row}, n))
	}
	in := []*graph.Node{x, unit(0), unit(1)}
	for l, k := range widths[:3] {
		m := widths[l+1]
		w := graph.Reshape(graph.Slice(theta, graph.AxisRange(offset, offset+k*m)), k, m)
		bias := graph.Reshape(graph.Slice(theta, graph.AxisRange(offset+k*m, offset+k*m+m)), 1, m)
		offset += k*m + m
		if l == 2 {
			in = []*graph.Node{in[0], in[3]} // ∂₀u and ∂₁u are not needed
		}
		var out []*graph.Node
		for s, h := range in {
			y := graph.MatMul(h, w)
			if s == 0 {
				y = graph.Add(y, graph.BroadcastToShape(bias, y.Shape()))
			}
			out = append(out, y)
		}
		h, z = append(h, in), append(z, out)
		if l == 2 {
			return graph.Add(out[1], graph.Sin(out[0])), h, z
		}
		y := graph.Tanh(out[0])
		slope := graph.OneMinus(graph.Square(y))
		squares := graph.Add(graph.Square(out[1]), graph.Square(out[2]))
		top := graph.MulScalar(graph.Mul(graph.Mul(y, slope), squares), -2)
		if len(out) > 3 {
			top = graph.Add(top, graph.Mul(slope, out[3]))
		}
		in = []*graph.Node{y, graph.Mul(slope, out[1]), graph.Mul(slope, out[2]), top}
	}
	return nil, nil, nil
}

// TestKroneckerExpand compares factors with sums over points and streams, of a network whose streams the test builds.
func TestKroneckerExpand(t *testing.T) {
	m, err := nn.NewMLP(nn.Tanh, 2, 4, 3, 1)
	if err != nil {
		t.Fatal(err)
	}
	const n = 5
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		theta, x := randomTensor(dtypes.Float64, 0.7, m.NumParams()), randomTensor(dtypes.Float64, 1, n, 2)
		blocks, factors, _, plain := kroneckerAt(t, b, theta, x, func(theta, x *graph.Node) *graph.Node {
			u := autodiff.Of(m.Apply(theta, x), x)
			return graph.Add(u.Laplacian(), graph.Sin(u.U()))
		}, func(theta, x *graph.Node) []*graph.Node {
			r, h, z := forwardLaplacian(theta, x)
			var all []*graph.Node
			for l := range h {
				all = append(append(all, h[l]...), graph.Gradient(graph.ReduceAllSum(r), z[l]...)...)
			}
			return all
		})
		if len(blocks) != 3 {
			t.Fatalf("%d blocks, want one for each of 3 layers", len(blocks))
		}
		offset := 0
		for l, s := range []int{3, 4, 2} {
			k := []int{2, 4, 3}[l]
			width := []int{4, 3, 1}[l]
			i := slices.IndexFunc(blocks, func(b autodiff.Kronecker) bool { return b.Entries[0] == offset })
			if i < 0 {
				t.Fatalf("no block starts at entry %d", offset)
			}
			want := make([]int, (k+1)*width)
			for e := range want {
				want[e] = offset + e
			}
			if !slices.Equal(blocks[i].Entries, want) || !blocks[i].Bias || blocks[i].Streams != s {
				t.Errorf("layer %d has entries %v, biases %v, %d streams, want %v, true, %d", l, blocks[i].Entries, blocks[i].Bias, blocks[i].Streams, want, s)
			}
			offset += (k + 1) * width
			a, g := mat.NewDense(k+1, k+1, nil), mat.NewDense(width, width, nil)
			for j := range s {
				one := 0.0
				if j == 0 {
					one = 1
				}
				for point := range n {
					h := mat.NewVecDense(k+1, append(slices.Clone(plain[j][point*k:(point+1)*k]), one))
					delta := mat.NewVecDense(width, plain[s+j][point*width:(point+1)*width])
					a.RankOne(a, 1/float64(n*s), h, h)
					g.RankOne(g, 1, delta, delta)
				}
			}
			plain = plain[2*s:]
			near(t, "A", factors[2*i].RawMatrix().Data, a.RawMatrix().Data, 1e-12)
			near(t, "G", factors[2*i+1].RawMatrix().Data, g.RawMatrix().Data, 1e-12)
		}
	})
}

// TestKroneckerBundle: coordinates that are carried as one bundle are as many streams.
func TestKroneckerBundle(t *testing.T) {
	res := residuals(t)["Laplacian by a bundle"]
	m, err := nn.NewMLP(nn.Tanh, 5, 6, 4, 1)
	if err != nil {
		t.Fatal(err)
	}
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		theta, x := randomTensor(dtypes.Float64, 0.5, res.params), randomTensor(dtypes.Float64, 1, 3, 5)
		blocks, factors, _, _ := kroneckerAt(t, b, theta, x, res.r, nil)
		bundled, same, _, _ := kroneckerAt(t, b, theta, x, func(theta, x *graph.Node) *graph.Node {
			return autodiff.BundledOperator(autodiff.Of(m.Apply(theta, x), x))
		}, nil)
		for i, k := range blocks {
			j := slices.IndexFunc(bundled, func(b autodiff.Kronecker) bool { return slices.Equal(b.Entries, k.Entries) })
			if j < 0 || bundled[j].Streams != k.Streams {
				t.Fatalf("block %d of %d streams has no equal among the blocks with a bundle", i, k.Streams)
			}
			for f := range 2 {
				near(t, "factors", same[2*j+f].RawMatrix().Data, factors[2*i+f].RawMatrix().Data, 1e-12)
			}
		}
	})
}

// TestKroneckerCovers: for residuals of every structure the blocks have the entries with an influence, each once.
func TestKroneckerCovers(t *testing.T) {
	for name, res := range residuals(t) {
		if strings.HasPrefix(name, "batched products") {
			continue // refused
		}
		t.Run(name, func(t *testing.T) {
			theta, x := randomTensor(dtypes.Float64, 0.5, res.params), randomTensor(dtypes.Float64, 1, 4, res.dims)
			blocks, _, gram, _ := kroneckerAt(t, backendtest.Best(t), theta, x, res.r, nil)
			var got, want []int
			for _, k := range blocks {
				for _, e := range k.Entries {
					if gram.At(e, e) != 0 {
						got = append(got, e)
					}
				}
			}
			for e := range res.params {
				if gram.At(e, e) != 0 {
					want = append(want, e)
				}
			}
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("the blocks have the entries %v, those with an influence are %v", got, want)
			}
		})
	}
}

func TestKroneckerRefuses(t *testing.T) {
	twice := func(theta, x *graph.Node) *graph.Node {
		w := graph.Reshape(theta, 2, 2)
		return graph.Einsum("nk,mk->nm", graph.Tanh(graph.MatMul(x, w)), w)
	}
	for words, c := range map[string]struct {
		points int
		r      func(theta, x *graph.Node) *graph.Node
	}{
		"at least two points":  {1, func(theta, x *graph.Node) *graph.Node { return graph.MatMul(x, graph.Reshape(theta, 2, 2)) }},
		"two different ways":   {3, twice},
		"expected [points] or": {3, func(theta, x *graph.Node) *graph.Node { return graph.ExpandAxes(twice(theta, x), 2) }},
		"a batched product": {3, func(theta, x *graph.Node) *graph.Node {
			return graph.ReduceSum(graph.Einsum("nik,ikm->inm", graph.Stack([]*graph.Node{x}, 2), graph.Reshape(theta, 2, 1, 2)), 0)
		}},
		"points interact": {3, func(theta, x *graph.Node) *graph.Node { return graph.Reverse(twice(theta, x), 0) }},
	} {
		_, err := graph.CallOnceN(backendtest.Best(t), func(theta, x *graph.Node) []*graph.Node {
			k := autodiff.KroneckerFactors(c.r(theta, x), theta)
			return []*graph.Node{k[0].Inputs}
		}, randomTensor(dtypes.Float64, 1, 4), randomTensor(dtypes.Float64, 1, c.points, 2))
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("error %v, want one that mentions %q", err, words)
		}
	}
}
