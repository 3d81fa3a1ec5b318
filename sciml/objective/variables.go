package objective

import (
	"slices"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
)

// Variables are a linear map C from R^m to the space of θ, kept in tensors that may change. With m = P it is a change of
// Variables, such as a preconditioner; with m < P a restriction to the columns of C, such as a plane, a coarser level or the
// parameters of a subdomain.
type Variables interface {
	// Dim is m.
	Dim() int
	// Shapes are those of the tensors that C is kept in.
	Shapes() []shapes.Shape
	// Multiply builds C·z (shape [P]) for z of shape [m] and those tensors.
	Multiply(z *graph.Node, c []*graph.Node) *graph.Node
}

// Change is an objective in other variables: f(θ₀ + Cz) as a function of z.
type Change struct {
	// Objective is that of z. Its Data are those of the objective of θ, then θ₀ and the tensors of C. It has residuals,
	// terms and samples where that has them, and the blocks of θ if there are as many variables. It has no Pieces and no
	// Adaptation.
	Objective *Objective

	of      *Objective
	toTheta *device.Program
	held    device.Owner // of θ₀ and C
}

// NewChange puts θ = origin + Cz into an objective, which must be one of graphs. Origin and c are the change's from now on.
func NewChange(of *Objective, by Variables, origin *tensors.Tensor, c []*tensors.Tensor) (*Change, error) {
	if err := of.NeedGraph("a change of variables", "a graph to put it into"); err != nil {
		return nil, err
	}
	mine, err := device.Copy(origin)
	if err != nil {
		return nil, err
	}
	theta := func(z *graph.Node, all []*graph.Node) *graph.Node { return graph.Add(all[0], by.Multiply(z, all[1:])) }
	own := len(of.Data)
	composed := func(f GraphFn) GraphFn {
		if f == nil {
			return nil
		}
		return func(z *graph.Node, data []*graph.Node) *graph.Node {
			return f(theta(z, data[own:]), data[:own])
		}
	}
	all := func(f func(theta *graph.Node, data []*graph.Node) []*graph.Node) func(z *graph.Node, data []*graph.Node) []*graph.Node {
		return func(z *graph.Node, data []*graph.Node) []*graph.Node { return f(theta(z, data[own:]), data[:own]) }
	}
	inner := &Objective{
		Backend: of.Backend, Dim: by.Dim(), DType: of.DType, Loss: composed(of.Loss), Samples: of.Samples,
		Data: append(append(slices.Clone(of.Data), mine), c...),
	}
	if by.Dim() == of.Dim {
		inner.Blocks = of.Blocks
	}
	if of.Residual != nil || of.Pieces != nil {
		inner.Residual = composed(of.BuildResidual)
	}
	if of.Terms != nil {
		inner.Terms = &Terms{Names: of.Terms.Names, Build: all(of.Terms.Build)}
	}
	p, err := device.NewProgram(of.Backend, "θ of the variables", func(in []*graph.Node) []*graph.Node {
		return []*graph.Node{theta(in[0], in[1:])}
	})
	changed := &Change{Objective: inner, of: of, toTheta: p}
	changed.held.Hold(changed.State())
	return changed, err
}

// State is θ₀ and the tensors of C.
func (c *Change) State() []*tensors.Tensor { return c.Objective.Data[len(c.of.Data):] }

// Origin is θ₀. It stays the change's.
func (c *Change) Origin() *tensors.Tensor { return c.State()[0] }

// Theta is θ₀ + Cz, for z on the device. It is the caller's.
func (c *Change) Theta(z *tensors.Tensor) (*tensors.Tensor, error) {
	out, err := c.toTheta.Call([]*tensors.Tensor{z}, c.State())
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// Move replaces θ₀ and the tensors of C, which are the change's from now on, and frees the former ones.
func (c *Change) Move(origin *tensors.Tensor, root []*tensors.Tensor) {
	c.Objective.Data = append(append(c.Objective.Data[:len(c.of.Data):len(c.of.Data)], origin), root...)
	c.held.Hold(c.State())
}

// Follow takes over the data of the objective of θ, which were replaced.
func (c *Change) Follow() { copy(c.Objective.Data, c.of.Data) }
