package objective

import (
	"math"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
)

// twoSums is Σ λₙ²(θ−xₙ)²·θ over 12 samples and the mean of exp(θ·yₙ) over 4, and both again with other columns.
func twoSums(t *testing.T) *Objective {
	x, scales, y := make([][]float64, 12), make([]float64, 12), make([]float64, 4)
	for i := range x {
		x[i], scales[i] = []float64{math.Sin(float64(i)), math.Cos(float64(3 * i))}, 0.1*float64(i+1)
	}
	for i := range y {
		y[i] = 0.3 * float64(i)
	}
	return &Objective{
		Backend: hostForTest(t), Dim: 2,
		Data: []*tensors.Tensor{tensors.FromValue(x), tensors.FromValue(y), tensors.FromValue(scales), tensors.FromValue([]float64{2})},
		Loss: func(theta *graph.Node, data []*graph.Node) *graph.Node {
			r := graph.Mul(graph.ExpandAxes(data[2], -1), graph.Sub(graph.ExpandAxes(theta, 0), data[0]))
			cube := graph.Mul(graph.Square(r), graph.ExpandAxes(theta, 0))
			e := graph.Exp(graph.Mul(data[1], graph.ReduceAllSum(theta)))
			return graph.Add(graph.ReduceAllSum(cube), graph.Mul(graph.ReduceAllMean(e), graph.Reshape(data[3])))
		},
		Samples: []Samples{{Name: "a", Rows: 12, Data: []int{0, 2}, Scales: []int{2}}, {Name: "b", Rows: 4, Data: []int{1}}},
	}
}

// losses returns loss and gradient of the next batches.
func batchLosses(t *testing.T, obj *Objective, s *Sampler, theta []float64, count int) (losses []float64, gradients [][]float64) {
	t.Helper()
	p, err := device.NewProgram(obj.Compiler(), "batch", func(in []*graph.Node) []*graph.Node {
		at := NewBatch(obj, in[2:len(in)-len(obj.Data)], in[1], in[len(in)-len(obj.Data):]).At(in[0])
		return []*graph.Node{at.Loss, at.Gradient}
	})
	if err != nil {
		t.Fatal(err)
	}
	indices := s.Next(count, count+1)
	for k := range count {
		out, err := p.Call([]*tensors.Tensor{device.Vector(obj.Precision(), theta), tensors.FromScalar(int32(k))}, indices, obj.Data)
		if err != nil {
			t.Fatal(err)
		}
		g, err := device.Numbers(out[1])
		if err != nil {
			t.Fatal(err)
		}
		losses, gradients = append(losses, device.Number(out[0])), append(gradients, g)
	}
	return losses, gradients
}

// TestBatchesAreUnbiased: the mean over the batches of a pass is the whole, in loss and gradient.
func TestBatchesAreUnbiased(t *testing.T) {
	obj := twoSums(t)
	theta := []float64{0.7, -0.4}
	e, err := NewEvaluator(obj)
	if err != nil {
		t.Fatal(err)
	}
	f, g, err := e.At(theta)
	if err != nil {
		t.Fatal(err)
	}
	check := func(what string, s *Sampler, count int) {
		t.Helper()
		losses, gradients := batchLosses(t, obj, s, theta, count)
		mean, slope := 0.0, make([]float64, 2)
		for k := range losses {
			mean += losses[k] / float64(count)
			for i := range slope {
				slope[i] += gradients[k][i] / float64(count)
			}
			if math.Abs(losses[k]-f) < 1e-3 {
				t.Errorf("%s: batch %d has the loss of all samples", what, k)
			}
		}
		if math.Abs(mean-f) > 1e-13 || math.Abs(slope[0]-g[0]) > 1e-13 || math.Abs(slope[1]-g[1]) > 1e-13 {
			t.Errorf("%s: mean loss %.16g and gradient %.16g, want %.16g and %.16g", what, mean, slope, f, g)
		}
	}
	for _, size := range []int{4, 8} {
		s, err := Batches{Size: size, Seed: 5}.Sampler(obj, "test")
		if err != nil {
			t.Fatal(err)
		}
		if want := []int{size * 3 / 4, size / 4}; !slices.Equal(s.Sizes, want) {
			t.Errorf("a batch of %d takes %v from the groups, want %v", size, s.Sizes, want)
		}
		check("first pass", s, 16/size)
		check("second pass", s, 16/size)
	}
	check("blocks", NewBlockSampler(obj, 2, 1, false), 2)
}

// TestStreams: a pass has each row once, and no batch is cut by the end of one; orders differ; a place is all there is.
func TestStreams(t *testing.T) {
	s := stream{rows: 10, seed: 1}
	take := func(from, n int) (out []int32) {
		for i := range n {
			out = append(out, s.entry(from+i))
		}
		return out
	}
	first, second := take(0, 10), take(10, 10)
	for _, pass := range [][]int32{first, second} {
		sorted := slices.Sorted(slices.Values(pass))
		for i, v := range sorted {
			if int(v) != i {
				t.Fatalf("a pass is %v", pass)
			}
		}
	}
	if slices.Equal(first, second) {
		t.Error("two passes in the same order")
	}
	if got, want := take(7, 6), append(slices.Clone(first[7:]), second[:3]...); !slices.Equal(got, want) {
		t.Errorf("from 7: %v, want %v", got, want)
	}
	// Of 10 rows a batch of 4 leaves over two.
	cut := Sampler{streams: []stream{{rows: 10, seed: 1}}}
	cut.Resize([]int{4})
	flat := tensors.MustCopyFlatData[int32](cut.Next(3, 3)[0])
	if want := append(slices.Clone(first[:8]), second[:4]...); !slices.Equal(flat, want) {
		t.Errorf("batches of 4 are %v, want %v", flat, want)
	}
	other := stream{rows: 10, seed: 1, number: 1}
	if o := other.shuffled(); slices.Equal(o, first) {
		t.Error("two groups in the same order")
	}
	drawn := stream{rows: 1000, seed: 1, replace: true}
	missing := map[int32]bool{}
	for i := range int32(1000) {
		missing[i] = true
	}
	for i := range 1000 {
		delete(missing, drawn.entry(i))
	}
	if math.Abs(float64(len(missing))-1000/math.E) > 60 {
		t.Errorf("with replacement %d of 1000 rows are missing, want about 368", len(missing))
	}
}

// TestOverlap: a batch begins with what the one before ended with.
func TestOverlap(t *testing.T) {
	obj := twoSums(t)
	s, err := Batches{Size: 8}.Sampler(obj, "test")
	if err != nil {
		t.Fatal(err)
	}
	shared := s.Overlap(0.3)
	if !slices.Equal(s.Sizes, []int{6, 2}) || !slices.Equal(shared, []int{2, 1}) {
		t.Fatalf("sizes %v, shared %v", s.Sizes, shared)
	}
	for g, all := range s.Next(9, 9) {
		flat := tensors.MustCopyFlatData[int32](all)
		n := s.Sizes[g]
		for k := 1; k < 9; k++ {
			before, after := flat[(k-1)*n:k*n], flat[k*n:(k+1)*n]
			if !slices.Equal(before[n-shared[g]:], after[:shared[g]]) {
				t.Errorf("group %d: batch %v follows %v", g, after, before)
			}
		}
	}
}

func hostForTest(t *testing.T) compute.Backend {
	t.Helper()
	b, err := HostBackend()
	if err != nil {
		t.Fatal(err)
	}
	return b
}
