package pinn_test

import (
	"math"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// TestSamples: the loss is the mean over all ways to take one of the samples of a group, with their scales multiplied
// by √N, and everything else as it is.
func TestSamples(t *testing.T) {
	m := newModel(t, backendtest.Best(t), handmade(), affine(t), pinn.Options{Soft: true, BoundaryWeight: 1, Interior: 5, Boundary: 4, Seed: 3})
	o := m.Objective()
	if len(o.Samples) != 3 || o.Samples[0].Rows != 5 || o.Samples[1].Rows != 4 {
		t.Fatalf("the samples are %+v, want the points of the equations and of two conditions", o.Samples)
	}
	loss := func(data []*tensors.Tensor) float64 {
		total := 0.0
		args := []any{theta}
		for _, d := range data {
			args = append(args, d)
		}
		out, err := graph.CallOnce(o.Backend, func(in []*graph.Node) *graph.Node { return o.Residual(in[0], in[1:]) }, args...)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range tensors.MustCopyFlatData[float64](out) {
			total += v * v
		}
		return total
	}
	whole := loss(o.Data)
	for _, s := range o.Samples {
		mean := 0.0
		for n := range s.Rows {
			data := slices.Clone(o.Data)
			for _, place := range s.Data {
				flat := tensors.MustCopyFlatData[float64](data[place])
				width := len(flat) / s.Rows
				row := flat[n*width : (n+1)*width]
				if slices.Contains(s.Scales, place) {
					data[place] = tensors.FromValue([]float64{row[0] * math.Sqrt(float64(s.Rows))})
				} else {
					data[place] = tensors.FromFlatDataAndDimensions(row, 1, width)
				}
			}
			mean += loss(data) / float64(s.Rows)
		}
		if math.Abs(mean-whole) > 1e-12*whole {
			t.Errorf("%s: the mean loss with one sample is %v, that with all of them %v", s.Name, mean, whole)
		}
	}
}

// TestTerms: the history of a run has the parts of the loss by name.
func TestTerms(t *testing.T) {
	o := newModel(t, backendtest.Best(t), handmade(), affine(t), pinn.Options{Soft: true, BoundaryWeight: 1, Interior: 5, Boundary: 4}).Objective()
	r, err := optim.Minimize(t.Context(), o, theta, optim.LBFGS{}, optim.Options{MaxIterations: 1})
	if err != nil {
		t.Fatal(err)
	}
	first := r.History.Records[0]
	total := 0.0
	for _, name := range []string{"value", "slope", "Dirichlet u x-", "Neumann"} {
		if !(first.Terms[name] > 0) {
			t.Errorf("the terms are %v, want one named %q", first.Terms, name)
		}
		total += first.Terms[name]
	}
	if math.Abs(total-first.Loss) > 1e-14*total {
		t.Errorf("the terms add up to %v, the loss is %v", total, first.Loss)
	}
	if last := o.Blocks[len(o.Blocks)-1]; last.Offset+last.Dims[0] != o.Dim {
		t.Errorf("the blocks %+v do not cover %d parameters", o.Blocks, o.Dim)
	}
}
