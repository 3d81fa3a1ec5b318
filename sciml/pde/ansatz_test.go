package pde_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/pde"
)

// network is some smooth function of the points with as many components as there are unknowns, periodic where it has to.
func network(p *pde.Problem, x *graph.Node) *graph.Node {
	lo, hi := p.Domain.Bounds()
	var inputs *graph.Node
	for i := range p.Coordinates {
		c := pde.Column(x, i)
		if p.Periods != nil && p.Periods[i] > 0 {
			c = graph.MulScalar(c, 2*math.Pi/p.Periods[i])
			c = graph.Add(graph.Cos(c), graph.MulScalar(graph.Sin(c), 0.5))
		} else {
			c = graph.MulScalar(graph.AddScalar(c, -lo[i]), 1/(hi[i]-lo[i]))
		}
		c = graph.MulScalar(c, 1/(1+0.3*float64(i)))
		if inputs == nil {
			inputs = c
		} else {
			inputs = graph.Add(inputs, c)
		}
	}
	var outputs []*graph.Node
	for m := range p.Unknowns {
		outputs = append(outputs, graph.Exp(graph.MulScalar(inputs, 1/(1+float64(m)))))
	}
	return graph.Concatenate(outputs, 1)
}

// TestAnsatz: whatever the network, Ansatz and Periods satisfy the conditions that they are said to, and leave the
// network its say everywhere else.
func TestAnsatz(t *testing.T) {
	b := pureGo(t)
	for _, p := range pde.Catalogue() {
		if p.Ansatz == nil && p.Periods == nil {
			continue
		}
		t.Run(p.Key, func(t *testing.T) {
			ansatz := p.Ansatz
			if ansatz == nil {
				ansatz = func(x *graph.Node, network pde.Function) *graph.Node { return network(x) }
			}
			u := func(x *graph.Node) *graph.Node {
				return ansatz(x, func(x *graph.Node) *graph.Node { return network(p, x) })
			}
			rng := rand.New(rand.NewPCG(3, 3))
			soft := map[string]bool{}
			for _, c := range p.Soft() {
				soft[c.Name] = true
			}
			for _, c := range p.Conditions {
				if soft[c.Name] {
					continue
				}
				on := where(p, c, rng, 40, 0)
				args := []any{on.points}
				if on.normals != nil {
					args = append(args, on.normals)
				}
				if c.Partner != nil {
					var partners [][]float64
					for _, point := range on.points {
						partners = append(partners, c.Partner(point))
					}
					args = append(args, partners)
				}
				if c.Values != nil {
					var values [][]float64
					for n, point := range on.points {
						values = append(values, c.Values(n, point))
					}
					args = append(args, values)
				}
				r := call(t, b, func(in []*graph.Node) *graph.Node {
					inputs := pde.Inputs{X: in[0], U: u(in[0])}
					in = in[1:]
					if on.normals != nil {
						inputs.Normal, in = in[0], in[1:]
					}
					if c.Partner != nil {
						inputs.Partner = pde.NewFields(p, pde.Inputs{X: in[0], U: u(in[0])})
						in = in[1:]
					}
					if c.Values != nil {
						inputs.Values = in[0]
					}
					return c.Residual(pde.NewFields(p, inputs))
				}, args...)
				if got := largest(r); !(got <= 1e-12) {
					t.Errorf("the condition %q is off by up to %g", c.Name, got)
				}
			}
			change := call(t, b, func(in []*graph.Node) *graph.Node {
				doubled := ansatz(in[0], func(x *graph.Node) *graph.Node { return graph.MulScalar(network(p, x), 2) })
				return graph.Sub(doubled, u(in[0]))
			}, inside(p, rng, 40, 0))
			for _, v := range change {
				if !(math.Abs(v) > 1e-6) {
					t.Errorf("where the network doubles inside, the ansatz changes by %g", v)
				}
			}
			for _, e := range p.Equations {
				r := call(t, b, func(in []*graph.Node) *graph.Node {
					return e.Residual(pde.NewFields(p, pde.Inputs{X: in[0], U: u(in[0])}))
				}, inside(p, rng, 10, 0))
				if got := largest(r); !(got > 0) || math.IsInf(got, 0) {
					t.Errorf("the residual of %q at the ansatz is up to %g, expected finite numbers", e.Name, got)
				}
			}
		})
	}
}

// TestPeriods: Periods and the periodic conditions of a problem are about the same coordinates and lengths.
func TestPeriods(t *testing.T) {
	for _, p := range pde.Catalogue() {
		lo, hi := p.Domain.Bounds()
		periodic := map[string]bool{}
		for _, c := range p.Conditions {
			if name, found := strings.CutPrefix(c.Name, "periodic "); found {
				periodic[name] = true
				from := append([]float64(nil), lo...)
				to := c.Partner(from)
				for i, coordinate := range p.Coordinates {
					want := lo[i]
					if coordinate == name {
						want = hi[i]
					}
					if to[i] != want || from[i] != lo[i] {
						t.Errorf("%s: the partner of %v by %s is %v", p.Key, lo, name, to)
					}
				}
			}
		}
		for i, period := range p.Periods {
			name := p.Coordinates[i]
			if period == 0 {
				continue
			}
			if period != hi[i]-lo[i] || !periodic[name] {
				t.Errorf("%s: %s has the period %v, but goes from %v to %v, with periodic conditions for %v", p.Key, name, period, lo[i], hi[i], periodic)
			}
			if p.Exactly != nil && !slices.Contains(p.Exactly, "periodic "+name) {
				t.Errorf("%s: Periods satisfy the condition \"periodic %s\", but Exactly %q does not name it", p.Key, name, p.Exactly)
			}
		}
	}
}
