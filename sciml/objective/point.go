package objective

import (
	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/autodiff"
)

// Point is what an optim.Direction sees, within a graph: θ, and what the objective offers there. Loss and Gradient may come from
// another program, so that they are not to be differentiated; see HessianProduct.
type Point struct {
	Theta, Loss, Gradient *graph.Node
	obj                   *Objective
	data                  []*graph.Node
	known                 bool // whether they do
}

// BuildPoint builds the point θ of the objective, with its loss and gradient.
func (o *Objective) BuildPoint(theta *graph.Node, data []*graph.Node) *Point {
	f := o.BuildLoss(theta, data)
	return &Point{Theta: theta, Loss: f, Gradient: autodiff.Gradient(f, theta), obj: o, data: data}
}

// PointOf is a point with a loss and gradient that are known.
func (o *Objective) PointOf(theta, loss, gradient *graph.Node, data []*graph.Node) *Point {
	return &Point{Theta: theta, Loss: loss, Gradient: gradient, obj: o, data: data, known: true}
}

// HessianProduct builds ∇²f·v (shape [P]) there, of an objective in graphs.
func (p *Point) HessianProduct(v *graph.Node) *graph.Node {
	gradient := p.Gradient
	if p.known {
		gradient = p.obj.BuildPoint(p.Theta, p.data).Gradient
	}
	return autodiff.JVP(gradient, []*graph.Node{p.Theta}, []*graph.Node{v})
}

// Linearize builds the residuals there (shape [M]) and their Jacobian ([M, P]), of an objective that has them.
func (p *Point) Linearize() (r, j *graph.Node) { return p.obj.BuildLinearization(p.Theta, p.data) }
