package sciml_test

import (
	"context"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
	"github.com/gosciml/gosciml/sciml/sample"
)

// TestTerms: the parts sum to the loss of the result, with the points and weights that the training ended with, and without
// weights they are mean squares.
func TestTerms(t *testing.T) {
	for name, loss := range map[string]pinn.Options{
		"fixed":       {Soft: true, BoundaryWeight: 7},
		"adaptive":    {Soft: true, Weighting: pinn.GradNorm{}, WeightEvery: 7, Refiner: sample.RAD{}, RefineEvery: 10},
		"by points":   {Soft: true, Weighting: pinn.SelfAdaptive{}, WeightEvery: 10},
		"energy":      {Soft: true, Form: pinn.DeepRitz{}, BoundaryWeight: 50, Weights: map[string]float64{"energy": 2}},
		"variational": {Form: pinn.Variational{Tests: 2, Nodes: 5}, Soft: true},
	} {
		options := tiny(t, pureGo(t), optim.Adam{Rate: 1e-3})
		loss.Interior, loss.Boundary = 30, 12
		options.Loss, options.Iterations = loss, 35
		s := solve(t, pde.Poisson2D(), options)
		terms, err := s.Terms()
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		total := 0.0
		for _, term := range terms {
			total += term.Weighted
		}
		if len(terms) != 2 || math.Abs(total-s.Result.Loss) > 1e-12*math.Abs(total) {
			t.Errorf("%s: the terms %v sum to %v, the loss is %v", name, terms, total, s.Result.Loss)
		}
		if again, err := s.Terms(); err != nil || !slices.Equal(again, terms) {
			t.Errorf("%s: the second time the terms are %v, %v", name, again, err)
		}
		boundary := terms[1]
		u, err := s.Evaluate(s.Model().Points()["Dirichlet u"].Coords)
		if err != nil {
			t.Fatal(err)
		}
		mean := 0.0
		for _, v := range u {
			mean += v * v / float64(len(u))
		}
		if boundary.Name != "Dirichlet u" || math.Abs(boundary.Loss-mean) > 1e-12*mean {
			t.Errorf("%s: the condition has %v, want the mean square %v", name, boundary, mean)
		}
		if name == "fixed" && math.Abs(boundary.Weighted-7*mean) > 1e-12*mean {
			t.Errorf("the condition adds %v, want 7·%v", boundary.Weighted, mean)
		}
		if name == "energy" && math.Abs(terms[0].Weighted-2*terms[0].Loss) > 1e-12*math.Abs(terms[0].Loss) {
			t.Errorf("the energy %v has not the weight 2", terms[0])
		}
	}
}

// TestTermsOfResumed: a training that was resumed ends with the points and weights of both parts.
func TestTermsOfResumed(t *testing.T) {
	options := tiny(t, pureGo(t), optim.Adam{})
	options.Loss.Weighting, options.Loss.WeightEvery, options.Loss.Refiner, options.Loss.RefineEvery = pinn.GradNorm{}, 7, sample.RAD{}, 10
	options.Iterations, options.Checkpoint = 35, filepath.Join(t.TempDir(), "checkpoint")
	solve(t, pde.Poisson2D(), options)
	options.Iterations = 38 // before the next change
	s, err := sciml.Resume(context.Background(), options.Checkpoint, pde.Poisson2D(), options)
	if err != nil {
		t.Fatal(err)
	}
	terms, err := s.Terms()
	if err != nil {
		t.Fatal(err)
	}
	if total := terms[0].Weighted + terms[1].Weighted; math.Abs(total-s.Result.Loss) > 1e-12*total {
		t.Errorf("the terms %v sum to %v, the loss is %v", terms, total, s.Result.Loss)
	}
}

// TestStoredTerms: what was asked for before a solution was stored is known afterwards; points and weights are not.
func TestStoredTerms(t *testing.T) {
	options := tiny(t, pureGo(t), optim.Adam{})
	options.Iterations = 3
	s := solve(t, pde.Poisson2D(), options)
	again := func() *sciml.Solution {
		data, err := s.GobEncode()
		if err != nil {
			t.Fatal(err)
		}
		loaded := new(sciml.Solution)
		if err := loaded.GobDecode(data); err != nil {
			t.Fatal(err)
		}
		if loaded, err = loaded.For(pde.Poisson2D()); err != nil {
			t.Fatal(err)
		}
		return loaded
	}
	if _, err := again().Terms(); err == nil || !strings.Contains(err.Error(), "call Terms before it is saved") {
		t.Errorf("terms of a loaded solution: %v", err)
	}
	terms, err := s.Terms()
	if err != nil {
		t.Fatal(err)
	}
	if got, err := again().Terms(); err != nil || !slices.Equal(got, terms) {
		t.Errorf("the stored terms are %v, want %v; %v", got, terms, err)
	}
	if _, err := new(sciml.Solution).Terms(); err == nil {
		t.Error("no solution has terms")
	}
}
