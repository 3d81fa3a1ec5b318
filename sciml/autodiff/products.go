package autodiff

import (
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/support/exceptions"
)

// JVP returns J·v, the derivative of y along tangents of the inputs (forward mode): it has the shape of y and costs
// about as much as y itself. Each tangent has the shape of its input. y may be any graph, one with derivatives from
// Derivatives or from reverse mode included.
func JVP(y *graph.Node, inputs, tangents []*graph.Node) *graph.Node {
	if len(inputs) != len(tangents) || len(inputs) == 0 {
		exceptions.Panicf("autodiff.JVP: %d inputs and %d tangents were given, expected as many of each, and at least one", len(inputs), len(tangents))
	}
	for i, x := range inputs {
		if !x.Shape().Equal(tangents[i].Shape()) {
			exceptions.Panicf("autodiff.JVP: tangent %d has shape %s, expected that of its input, %s", i, tangents[i].Shape(), x.Shape())
		}
	}
	if t := tangent(y, inputs, tangents); t != nil {
		return t
	}
	return graph.ZerosLike(y)
}

// VJP returns Jᵀ·w for each input (reverse mode): w has the shape of y, each result that of its input.
func VJP(y, w *graph.Node, inputs ...*graph.Node) []*graph.Node {
	if !y.Shape().Equal(w.Shape()) {
		exceptions.Panicf("autodiff.VJP: w has shape %s, expected that of y, %s", w.Shape(), y.Shape())
	}
	// The gradient of wᵀy for constant w. StopGradient also where w is computed from the inputs.
	f := graph.ReduceAllSum(graph.Mul(y, graph.StopGradient(w)))
	if len(inputs) == 1 && inputs[0].Rank() == 1 {
		return []*graph.Node{Gradient(f, inputs[0])}
	}
	return reverse(f, inputs...)
}

// HessianProduct returns ∇²f·v of a scalar f (forward over reverse mode), with the shape of theta, as v has.
func HessianProduct(f, theta, v *graph.Node) *graph.Node {
	if !f.IsScalar() {
		exceptions.Panicf("autodiff.HessianProduct: f has shape %s, expected a scalar", f.Shape())
	}
	return JVP(Gradient(f, theta), []*graph.Node{theta}, []*graph.Node{v})
}

// GaussNewtonProduct returns JᵀJ·v for the Jacobian J of a residual r of any shape with respect to theta. It costs
// about as much as two gradients of ‖r‖², and stores no Jacobian.
func GaussNewtonProduct(r, theta, v *graph.Node) *graph.Node {
	jv := JVP(r, []*graph.Node{theta}, []*graph.Node{v})
	return VJP(r, jv, theta)[0]
}
