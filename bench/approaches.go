package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
)

// division is a problem with the boxes that it is divided into.
type division struct {
	key     string
	problem func() *pde.Problem
	whole   []int // hidden widths of one network for the whole domain
	counts  []int // boxes along each coordinate
	hidden  []int // hidden widths in each of them, and of the coarse network
	points  int
	seconds float64
}

// divisions of the command levels. One network and the networks of all boxes have about as many parameters where that is not said otherwise.
var divisions = []division{
	{"waves-1", func() *pde.Problem { return waves(1) }, []int{16, 16}, []int{4}, []int{12}, 200, 5},
	{"waves-4", func() *pde.Problem { return waves(4) }, []int{16, 16}, []int{4}, []int{12}, 400, 10},
	{"waves-16", func() *pde.Problem { return waves(16) }, []int{32, 32}, []int{16}, []int{12}, 1600, 30},
	{"helmholtz-1-4", func() *pde.Problem { return pde.Helmholtz(1, 4, 1) }, []int{24, 24}, []int{2, 4}, []int{8, 8}, 1200, 12},
	{"helmholtz-6-6", func() *pde.Problem { return pde.Helmholtz(6, 6, 1) }, []int{36, 36}, []int{4, 4}, []int{8, 8}, 3000, 15},
	{"burgers", func() *pde.Problem { return pde.Burgers(0.01 / math.Pi) }, []int{20, 20, 20}, []int{4, 1}, []int{12, 12}, 1000, 12},
}

// waves is −u″ = (2πk)² sin 2πkx on the unit interval, u = 0 at its ends, divided by (2πk)²: k waves.
func waves(k float64) *pde.Problem {
	line, err := pde.NewInterval("x", 0, 1)
	if err != nil {
		panic(err)
	}
	return &pde.Problem{
		Name: fmt.Sprintf("Poisson, %g waves", k), Key: fmt.Sprintf("waves-%g", k), Coordinates: []string{"x"}, Unknowns: []string{"u"}, Domain: line,
		Equations: []pde.Equation{{Name: "Poisson", Residual: func(u *pde.Fields) *graph.Node {
			wave := graph.Sin(graph.MulScalar(u.At("x"), 2*math.Pi*k))
			return graph.Add(graph.MulScalar(u.D("x", "x"), math.Pow(2*math.Pi*k, -2)), wave)
		}}},
		Conditions: []pde.Condition{pde.Dirichlet("u", pde.Constant(0), "x-", "x+")},
		Ansatz:     pde.DistanceAndLift(pde.Bump(line, 0), nil),
		Exact:      func(x []float64) []float64 { return []float64{math.Sin(2 * math.Pi * k * x[0])} },
	}
}

// approach is a way to solve a division.
type approach struct {
	name string
	says string
	// steps are the options of trainings that follow each other, each from the solution of the one before; options of the problem besides are those of
	// the division.
	steps func(d division) ([]step, error)
}

// step is a training.
type step struct {
	problem *pde.Problem
	options sciml.Options
}

// single is one training, with these hidden widths where the options have no network.
func single(d division, hidden []int, o sciml.Options) []step {
	p := d.problem()
	p.Suggested = pde.Setup{Hidden: hidden, Interior: d.points, Boundary: max(1, d.points/8)}
	return []step{{p, o}}
}

// one is a method on one network for the whole domain.
func one(make func(network nn.Network) optim.Method) func(d division) ([]step, error) {
	return func(d division) ([]step, error) {
		steps := single(d, d.whole, sciml.Options{})
		network, err := sciml.DefaultNetwork(steps[0].problem, false)
		if err != nil {
			return nil, err
		}
		steps[0].options.Method = make(network)
		return steps, nil
	}
}

// boxes is a method on the networks of boxes that overlap, with a coarse one for the whole domain or without.
func boxes(coarse bool, make func(groups []int) optim.Method) func(d division) ([]step, error) {
	return func(d division) ([]step, error) {
		steps := single(d, d.hidden, sciml.Options{Subdomains: sciml.Subdomains{Counts: d.counts, Coarse: coarse}})
		network, err := sciml.DefaultNetwork(steps[0].problem, false)
		if err != nil {
			return nil, err
		}
		number := 1
		for _, n := range d.counts {
			number *= n
		}
		if coarse {
			number++
		}
		steps[0].options.Method = make(slices.Repeat([]int{network.NumParams()}, number))
		return steps, nil
	}
}

func quasiNewton() optim.LBFGS { return optim.LBFGS{Memory: 50} }

func chooses[T any](T) optim.Method { return nil } // Solve chooses

// approaches in the order of the page.
var approaches = []approach{
	{"one network, auto", "the default of `sciml.Solve`", one(chooses[nn.Network])},
	{"one network, L-BFGS", "", one(func(nn.Network) optim.Method { return quasiNewton() })},
	{"coarse to fine", "a quarter of the points and half of the width first, by a tenth of the time, then the whole network from there (`Options.From`)", coarseToFine},
	{"V-cycle in points", "L-BFGS, corrected after every ten iterations by ten on a quarter of the points (`SubspaceCorrection`, MG/OPT)", one(func(nn.Network) optim.Method {
		return optim.SubspaceCorrection{Method: quasiNewton(), Subspaces: []optim.Subspace{{Share: 0.25, Method: quasiNewton()}}}
	})},
	{"multilevel LM", "three steps of Levenberg–Marquardt with half of the units, then three with all (`Aggregation`)", one(func(nn.Network) optim.Method {
		lm := optim.LevenbergMarquardt{}
		return optim.SubspaceCorrection{Method: lm, Iterations: 3, Subspaces: []optim.Subspace{{By: optim.Aggregation{}, Method: lm, Iterations: 3}}}
	})},
	{"Schwarz by layers", "L-BFGS, corrected after every ten iterations by ten in each layer, one after the other", one(func(n nn.Network) optim.Method {
		return optim.SubspaceCorrection{Method: quasiNewton(), Subspaces: optim.Parts(nn.Layers(n), quasiNewton(), 10)}
	})},
	{"boxes that meet, auto", "values and normal derivatives continuous (a conservative PINN)", meeting},
	{"boxes, auto", "a finite-basis PINN (`Options.Subdomains`)", boxes(false, chooses[[]int])},
	{"boxes and coarse, auto", "with a network for the whole domain", boxes(true, chooses[[]int])},
	{"boxes, LM", "Levenberg–Marquardt with a first damping of 1e-8", boxes(false, func([]int) optim.Method { return optim.LevenbergMarquardt{Damping: 1e-8} })},
	{"boxes, L-BFGS", "", boxes(false, func([]int) optim.Method { return quasiNewton() })},
	{"boxes, additive Schwarz", "L-BFGS preconditioned by `BlockDiagonal` with the boxes as groups", boxes(false, additiveSchwarz)},
	{"boxes and coarse, additive Schwarz", "with the coarse network as one more group", boxes(true, additiveSchwarz)},
	{"boxes, nonlinear Schwarz", "L-BFGS, corrected after every twenty iterations by three of Levenberg–Marquardt in each box, one after the other", boxes(false, func(groups []int) optim.Method {
		return optim.SubspaceCorrection{Method: quasiNewton(), Iterations: 20, Subspaces: optim.Parts(groups, optim.LevenbergMarquardt{Damping: 1e-6}, 3)}
	})},
	{"boxes, Schwarz Gauss–Newton", "Levenberg–Marquardt by LSMR, preconditioned with the boxes as `Groups`", boxes(false, schwarzGaussNewton)},
	{"boxes and coarse, Schwarz Gauss–Newton", "with the coarse network as one more group", boxes(true, schwarzGaussNewton)},
}

func additiveSchwarz(groups []int) optim.Method {
	return optim.Preconditioned{Method: quasiNewton(), By: optim.BlockDiagonal{Groups: groups}}
}

func schwarzGaussNewton(groups []int) optim.Method {
	return optim.LevenbergMarquardt{Groups: groups}
}

// coarseToFine trains half of the width on a quarter of the points first.
func coarseToFine(d division) ([]step, error) {
	half := make([]int, len(d.whole))
	for i, w := range d.whole {
		half[i] = w / 2
	}
	fine := single(d, d.whole, sciml.Options{})
	var err error
	fine[0].options.Network, err = sciml.DefaultNetwork(fine[0].problem, false)
	if err != nil {
		return nil, err
	}
	few := d
	few.points = d.points / 4
	coarse := single(few, half, sciml.Options{Time: time.Duration(d.seconds / 10 * float64(time.Second))})
	return append(coarse, fine...), nil
}

// meeting has boxes that end at their edges, with conditions between them.
func meeting(d division) ([]step, error) {
	steps := single(d, d.hidden, sciml.Options{})
	p := steps[0].problem
	network, err := sciml.DefaultNetwork(p, false)
	if err != nil {
		return nil, err
	}
	lo, hi := p.Domain.Bounds()
	edges := make([][]float64, len(lo))
	for i, count := range d.counts {
		for k := range count + 1 {
			edges[i] = append(edges[i], lo[i]+(hi[i]-lo[i])*float64(k)/float64(count))
		}
		for _, at := range edges[i][1:count] {
			box, ok := p.Domain.(*pde.Box)
			if !ok {
				return nil, fmt.Errorf("levels: the domain of %s is a %T, expected a box", p.Key, p.Domain)
			}
			line, err := box.Section(p.Coordinates[i], at, max(1, d.points/40))
			if err != nil {
				return nil, err
			}
			name, along := fmt.Sprintf("%s = %.3g", p.Coordinates[i], at), p.Coordinates[i]
			values, slopes := pde.Continuous("u", line), pde.Interface("slopes at "+name, line, func(before, after *pde.Fields) *graph.Node {
				return graph.MulScalar(graph.Sub(after.D(along), before.D(along)), (hi[i]-lo[i])/float64(2*d.counts[i]))
			})
			values.Name = "values at " + name
			p.Conditions = append(p.Conditions, values, slopes)
		}
	}
	steps[0].options.Network, err = nn.Subdomains(network, 0, edges...)
	return steps, err
}

// run trains, and gives the row with the course of the error.
func (a approach) run(ctx context.Context, d division, seed uint64, until float64) (row, error) {
	steps, err := a.steps(d)
	if err != nil {
		return row{}, err
	}
	var r row
	var from *sciml.Solution
	begin := time.Now()
	for i, s := range steps {
		before, spent := 0, time.Since(begin)
		if i > 0 {
			before = r.Evaluations
		}
		o := s.options
		o.Seed, o.From, o.MonitorEvery = seed, from, 5
		if o.Time == 0 {
			o.Time = time.Duration(d.seconds*float64(time.Second)) - spent
		}
		last := i == len(steps)-1
		progress := optim.NewProgressLine(os.Stderr, fmt.Sprintf("%s, %s, seed %d", d.key, a.name, seed))
		o.OnProgress = func(h *optim.History) error {
			if e := lastError(h); last && e <= until {
				return optim.ErrStop
			}
			return progress.Watch(h)
		}
		if from, err = sciml.Solve(ctx, s.problem, o); err != nil {
			progress.Clear()
			return row{}, fmt.Errorf("%s, %s: %w", d.key, a.name, err)
		}
		progress.Clear()
		h := &from.Result.History
		for _, e := range errorsOf(h) {
			r.ErrorAt, r.Errors = append(r.ErrorAt, spent.Seconds()+e.seconds), append(r.Errors, e.error)
			r.ErrorWork = append(r.ErrorWork, before+e.work)
		}
		if n := len(h.Records); n > 0 {
			r.Evaluations = before + h.Records[n-1].Evaluations
		}
		r.Iterations += from.Result.Iterations
	}
	r.Problem, r.Method, r.Seed, r.Budget, r.Until, r.Title = d.key, a.name, seed, d.seconds, until, steps[0].problem.Name
	r.Seconds, r.RelativeL2, r.Status = time.Since(begin).Seconds(), number(from.RelativeError()), from.Result.Status.String()
	r.Loss, r.Parameters, r.Network = number(from.Result.Loss), from.Model().NumParams(), strings.TrimSpace(from.Model().Network().String())
	return r, nil
}
