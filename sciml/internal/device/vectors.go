package device

import "github.com/gomlx/gomlx/core/graph"

// Norm is ‖x‖₂, a scalar.
func Norm(x *graph.Node) *graph.Node { return graph.Sqrt(Dot(x, x)) }

// Dot is aᵀb, a scalar.
func Dot(a, b *graph.Node) *graph.Node { return graph.ReduceAllSum(graph.Mul(a, b)) }

// Multiply is A·v for A of shape [m, n].
func Multiply(a, v *graph.Node) *graph.Node { return graph.Einsum("ij,j->i", a, v) }

// TransposeMultiply is Aᵀ·v for A of shape [m, n].
func TransposeMultiply(a, v *graph.Node) *graph.Node { return graph.Einsum("ij,i->j", a, v) }
