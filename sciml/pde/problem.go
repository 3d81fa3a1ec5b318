// Package pde states boundary-value problems for physics-informed training, with reference solutions to compare to.
//
// A problem is a domain, equations and conditions whose residuals vanish at the solution, and, where one is known,
// the exact solution. Residuals are graph-building functions of the derivatives of u, so that
//
//	Equation{Residual: func(u *autodiff.Derivatives) *graph.Node {
//		return graph.Add(u.Laplacian(), f(u.X()))
//	}}
//
// is −Δu = f. Every residual has one value a point: shape [N] or [N, 1].
package pde

import (
	"errors"
	"fmt"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/autodiff"
)

// Problem is a differential equation on a domain with its conditions.
type Problem struct {
	// Name identifies the problem, with its parameters.
	Name string
	// Coordinates and Unknowns name the entries of x and of u, for example {"x", "y"} and {"u"}.
	Coordinates, Unknowns []string
	// Domain is where the equations hold; its boundary is where the conditions hold.
	Domain Domain
	// Equations hold in the interior, Conditions on the boundary.
	Equations  []Equation
	Conditions []Condition
	// Ansatz builds from the points (shape [N, d]) and a network's output (shape [N, m]) a function that satisfies all
	// conditions exactly, such as distance·network + lift. Nil when there is none: conditions are then penalized.
	Ansatz func(x, network *graph.Node) *graph.Node
	// Exact is the exact or a reference solution at one point, one value for each unknown; nil when there is none.
	Exact func(point []float64) []float64
	// Source says where the problem is taken from.
	Source string
}

// Equation is a residual that vanishes in the interior.
type Equation struct {
	Name     string
	Residual func(u *autodiff.Derivatives) *graph.Node
}

// Condition is a residual that vanishes on a part of the boundary.
type Condition struct {
	Name string
	// On names the patches of the boundary on which it holds; empty for the whole boundary.
	On []string
	// Residual is given the outer unit normals too, shape [N, d].
	Residual func(u *autodiff.Derivatives, normal *graph.Node) *graph.Node
}

// Dirichlet is the condition u = g for the first unknown; g builds its values from the points, nil means zero.
func Dirichlet(g func(x *graph.Node) *graph.Node, on ...string) Condition {
	return Condition{Name: "Dirichlet", On: on, Residual: func(u *autodiff.Derivatives, _ *graph.Node) *graph.Node {
		value := graph.Slice(u.U(), graph.AxisRange(), graph.AxisElem(0))
		if g == nil {
			return value
		}
		return graph.Sub(value, graph.ReshapeLike(g(u.X()), value))
	}}
}

// Check reports the first thing missing or inconsistent in the problem.
func (p *Problem) Check() error {
	switch {
	case p == nil:
		return errors.New("pde: the problem is nil")
	case p.Domain == nil:
		return fmt.Errorf("pde: problem %q has no Domain", p.Name)
	case len(p.Coordinates) != p.Domain.Dim():
		return fmt.Errorf("pde: problem %q names %d coordinates %q, expected %d as its domain has", p.Name, len(p.Coordinates), p.Coordinates, p.Domain.Dim())
	case len(p.Unknowns) == 0:
		return fmt.Errorf("pde: problem %q names no unknowns, expected at least one", p.Name)
	case len(p.Equations) == 0:
		return fmt.Errorf("pde: problem %q has no equations, expected at least one", p.Name)
	}
	for i, e := range p.Equations {
		if e.Residual == nil {
			return fmt.Errorf("pde: equation %d (%q) of problem %q has no Residual", i, e.Name, p.Name)
		}
	}
	known := map[string]bool{}
	for _, patch := range p.Domain.Boundary() {
		known[patch.Name] = true
	}
	for i, c := range p.Conditions {
		if c.Residual == nil {
			return fmt.Errorf("pde: condition %d (%q) of problem %q has no Residual", i, c.Name, p.Name)
		}
		for _, name := range c.On {
			if !known[name] {
				return fmt.Errorf("pde: condition %d (%q) of problem %q is on the patch %q, which the boundary of its domain does not have", i, c.Name, p.Name, name)
			}
		}
	}
	if p.Exact != nil {
		lo, hi := p.Domain.Bounds()
		middle := make([]float64, len(lo))
		for i := range lo {
			middle[i] = (lo[i] + hi[i]) / 2
		}
		if got := len(p.Exact(middle)); got != len(p.Unknowns) {
			return fmt.Errorf("pde: Exact of problem %q gives %d values, expected %d, one for each unknown", p.Name, got, len(p.Unknowns))
		}
	}
	return nil
}
