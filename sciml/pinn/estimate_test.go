package pinn_test

import (
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
	"github.com/gosciml/gosciml/sciml/sample"
)

// TestEstimates: over many draws the mean of estimated residuals is the exact one, and for directions of ±1 the variance the one
// that mixed derivatives tell, which is what the mean of the loss is larger by.
func TestEstimates(t *testing.T) {
	const d, n, r, draws = 4, 5, 2, 3000
	network := mlp(t, d, 5, 1)
	theta := network.Init(1)
	b := pureGo(t)
	for _, sparse := range []bool{false, true} {
		exact := newModel(t, b, pde.Poisson(d), network, pinn.Options{Interior: n, Boundary: 3})
		want, err := residuals(exact, theta)
		if err != nil {
			t.Fatal(err)
		}
		o := adapt(newModel(t, b, pde.Poisson(d), network, pinn.Options{
			Interior: n, Boundary: 3, Laplacians: pinn.Estimate{Directions: r, Sparse: sparse, Every: 3},
		}).Objective())
		var points any = o.Data[0]
		program := graph.MustNewExec(b, func(in []*graph.Node) *graph.Node { return o.Residual(in[0], in[1:]) })
		mean, square := make([]float64, n), make([]float64, n)
		for k := range draws {
			changed, err := o.Adapt(k, theta, false)
			if err != nil || changed != (k > 0 && k%3 == 0) {
				t.Fatalf("at iteration %d directions were drawn: %v, error %v; they are due every 3", k, changed, err)
			}
			if _, err := o.Adapt(k, theta, true); err != nil { // out of turn
				t.Fatal(err)
			}
			args := []any{theta}
			for _, data := range o.Data {
				args = append(args, data)
			}
			got := program.MustCall(args...)[0].Value().([]float64)
			for i := range n {
				mean[i] += got[i] / draws
				square[i] += (got[i] - want[i]) * (got[i] - want[i]) / draws
			}
			if !slices.Equal(got[n:], want[n:]) {
				t.Fatalf("conditions are %v with estimates, %v without", got[n:], want[n:])
			}
		}
		// The mixed derivatives of the network.
		mixed, err := graph.CallOnce(b, func(theta, x *graph.Node) *graph.Node {
			u := autodiff.Of(network.Apply(theta, x), x)
			var total *graph.Node
			for i := range d {
				for j := range i {
					if s := graph.MulScalar(graph.Square(u.Partial(j, i)), 4.0/r); total == nil {
						total = s
					} else {
						total = graph.Add(total, s)
					}
				}
			}
			return graph.Squeeze(total, 1)
		}, theta, points)
		if err != nil {
			t.Fatal(err)
		}
		for i, variance := range mixed.Value().([]float64) {
			if off := math.Abs(mean[i] - want[i]); off > 4*math.Sqrt(square[i]/draws) {
				t.Errorf("sparse %v: the mean of residual %d is off by %.2g, expected at most %.2g", sparse, i, off, 4*math.Sqrt(square[i]/draws))
			}
			if got := square[i] * n; !sparse && math.Abs(got/variance-1) > 0.2 { // √(2/3000) or a little more, four times
				t.Errorf("the variance of residual %d is %.3g, expected %.3g", i, got, variance)
			}
		}
	}
}

// TestEstimatesOfAllAxes: with as many axes as there are, nothing is estimated, also of a Laplacian over some of them.
func TestEstimatesOfAllAxes(t *testing.T) {
	for d, p := range map[int]*pde.Problem{3: pde.Poisson(3), 4: pde.Heat(3)} {
		network := mlp(t, d, 5, 1)
		theta := network.Init(2)
		var all [2][]float64
		for k, estimate := range []pinn.Estimate{{}, {Directions: d, Sparse: true}} {
			var err error
			if all[k], err = residuals(newModel(t, pureGo(t), p, network, pinn.Options{Interior: 6, Boundary: 3, Laplacians: estimate}), theta); err != nil {
				t.Fatal(err)
			}
		}
		for i, want := range all[0] {
			if math.Abs(all[1][i]-want) > 1e-11*(1+math.Abs(want)) {
				t.Errorf("%s: residual %d is %v from all axes, %v exactly", p.Name, i, all[1][i], want)
			}
		}
	}
}

// TestResumeEstimates: directions go on as they would have, along with points that move, by whole samples too.
func TestResumeEstimates(t *testing.T) {
	network := mlp(t, 3, 4, 1)
	for _, method := range []optim.Method{optim.LevenbergMarquardt{}, optim.MiniBatch{Batches: objective.Batches{Size: 4}}} {
		m := newModel(t, pureGo(t), pde.Poisson(3), network, pinn.Options{
			Interior: 20, Boundary: 6, Refiner: sample.RAD{}, RefineEvery: 8, Laplacians: pinn.Estimate{Directions: 1, Every: 6}, Seed: 5,
		})
		if every := m.Objective().Adaptation.Every(); every != 2 {
			t.Errorf("changes may be due every %d iterations, want 2", every)
		}
		options := optim.Options{MaxIterations: 30}
		whole, err := optim.Minimize(t.Context(), m.Objective(), network.Init(1), method, options)
		if err != nil {
			t.Fatal(err)
		}
		options.MaxIterations, options.CheckpointPath = 13, filepath.Join(t.TempDir(), "run")
		if _, err := optim.Minimize(t.Context(), m.Objective(), network.Init(1), method, options); err != nil {
			t.Fatal(err)
		}
		checkpoint, err := optim.LoadCheckpoint(options.CheckpointPath)
		if err != nil {
			t.Fatal(err)
		}
		options.MaxIterations = 30
		resumed, err := optim.Resume(t.Context(), m.Objective(), checkpoint, method, options)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(resumed.Theta, whole.Theta) {
			t.Errorf("%s: resumed it ends with %s, in one go with %s", method.Name(), resumed, whole)
		}
	}
}

func TestEstimateErrors(t *testing.T) {
	network := mlp(t, 2, 3, 1)
	for words, c := range map[string]struct {
		p *pde.Problem
		o pinn.Options
	}{
		"Laplacians.Directions is 3, expected at most 2": {pde.Poisson2D(), pinn.Options{Laplacians: pinn.Estimate{Directions: 3}}},
		"Laplacians.Directions is -1":                    {pde.Poisson2D(), pinn.Options{Laplacians: pinn.Estimate{Directions: -1}}},
		"Laplacians.Every is -1":                         {pde.Poisson2D(), pinn.Options{Laplacians: pinn.Estimate{Directions: 1, Every: -1}}},
		"Laplacians.Directions is 0, but":                {pde.Poisson2D(), pinn.Options{Laplacians: pinn.Estimate{Sparse: true}}},
		"Form is deep Ritz, expected the strong form":    {pde.Poisson2D(), pinn.Options{Form: pinn.DeepRitz{}, Laplacians: pinn.Estimate{Directions: 1}}},
		"no equation of problem \"Burgers":               {pde.Burgers(0.01), pinn.Options{Laplacians: pinn.Estimate{Directions: 1}}},
	} {
		if _, err := pinn.New(pureGo(t), c.p, network, c.o); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("error %v, want one that mentions %q", err, words)
		}
	}
	m := newModel(t, pureGo(t), pde.Poisson2D(), network, pinn.Options{Laplacians: pinn.Estimate{Directions: 1}})
	if !hasEvent(m, "estimated from 1 directions of ±1, drawn every 10 iterations") {
		t.Errorf("the remarks %q do not tell of estimates", m.Objective().Remarks)
	}
}
