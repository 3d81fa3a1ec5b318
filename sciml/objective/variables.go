package objective

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
)

// Variables are a linear map C from R^m to the space of θ, kept in tensors that may change. With m = P it is a change of
// variables, such as a preconditioner; with m < P a restriction to the columns of C, such as a plane, a coarser level or the
// parameters of a subdomain.
type Variables interface {
	// Dim is m.
	Dim() int
	// Multiply builds C·z (shape [P]) for z of shape [m] and the tensors of C.
	Multiply(z *graph.Node, c []*graph.Node) *graph.Node
}

// Narrower is Variables that give J·C of a Jacobian with respect to θ, so that the objective of z has Jacobians wherever that of θ has.
type Narrower interface {
	Variables
	// Narrow builds J·C (shape [M, m]) for J of shape [M, P] and the tensors of C.
	Narrow(j *graph.Node, c []*graph.Node) *graph.Node
}

// Change is an objective in other variables: f(θ₀ + Cz) as a function of z.
type Change struct {
	// Objective is that of z. Its Data are those of the objective of θ, then θ₀ and the tensors of C. It has residuals,
	// terms, samples and a Metric where that has them, and the blocks of θ if there are as many variables. It has no Pieces and
	// no Adaptation. Where the variables are a Narrower, a Jacobian is that of θ times C.
	Objective *Objective

	of      *Objective
	toTheta *device.Program
	held    device.Owner // of θ₀ and C
}

// NewChange puts θ = origin + Cz into an objective. Of origin it takes a copy; the tensors c are the change's from now on. It
// fails for an objective made of a Function (ErrUnsuitable).
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
		ctx:  of.ctx,
	}
	if by.Dim() == of.Dim {
		inner.Blocks = of.Blocks
	}
	if of.Residual != nil || of.Pieces != nil {
		inner.Residual = composed(of.BuildResidual)
	}
	if of.Metric != nil {
		inner.Metric = all(of.Metric)
	}
	if narrower, ok := by.(Narrower); ok {
		narrowed := func(of *Objective) *through {
			return &through{of: of, build: func(z *graph.Node, data []*graph.Node) (r, j *graph.Node) {
				at := theta(z, data[own:])
				r, j = of.BuildLinearization(at, data[:own])
				return r, narrower.Narrow(j, data[own+1:])
			}}
		}
		if inner.Residual != nil {
			inner.through = narrowed(of)
		}
		if of.Metric != nil {
			inner.throughMetric = narrowed(of.ofMetric())
		}
	}
	if of.Terms != nil {
		inner.Terms = &Terms{Names: of.Terms.Names, Build: all(of.Terms.Build)}
	}
	p, err := device.NewProgram(of.Compiler(), "θ of the variables", func(in []*graph.Node) []*graph.Node {
		return []*graph.Node{theta(in[0], in[1:])}
	})
	changed := &Change{Objective: inner, of: of, toTheta: p}
	changed.held.Hold(changed.State())
	return changed, err
}

// State is θ₀ and the tensors of C. They stay the change's.
func (c *Change) State() []*tensors.Tensor {
	if c.of == nil || c.Objective == nil {
		return nil
	}
	return c.Objective.Data[len(c.of.Data):]
}

// Origin is θ₀. It stays the change's.
func (c *Change) Origin() *tensors.Tensor {
	if len(c.State()) == 0 {
		return nil
	}
	return c.State()[0]
}

// Theta is θ₀ + Cz, for z on the device. It is the caller's.
func (c *Change) Theta(z *tensors.Tensor) (*tensors.Tensor, error) {
	if c.toTheta == nil {
		return nil, literal("Change")
	}
	out, err := c.toTheta.Call([]*tensors.Tensor{z}, c.State())
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// Move replaces θ₀ and the tensors of C, which are the change's from now on, and frees the former ones.
func (c *Change) Move(origin *tensors.Tensor, root []*tensors.Tensor) {
	if c.of == nil || c.Objective == nil {
		return
	}
	c.Objective.Data = append(append(c.Objective.Data[:len(c.of.Data):len(c.of.Data)], origin), root...)
	c.held.Hold(c.State())
}

// Release frees θ₀ and C, when the change is not used any more.
func (c *Change) Release() { c.held.Hold() }

// Follow takes over the data of the objective of θ, which were replaced.
func (c *Change) Follow() {
	if c.of == nil || c.Objective == nil {
		return
	}
	copy(c.Objective.Data, c.of.Data)
}

// Restrict is an objective on the space through origin that some directions span: f(θ₀ + Σ zᵢdᵢ) as a function of z. It fails
// where a vector does not have length Objective.Dim, where there is no direction, and as NewChange does.
func Restrict(of *Objective, origin []float64, directions ...[]float64) (*Change, error) {
	if len(directions) == 0 {
		return nil, errors.New("objective: there are no directions to restrict the objective to, expected at least one")
	}
	at, err := of.upload(origin)
	if err != nil {
		return nil, fmt.Errorf("%w, in the origin", err)
	}
	defer device.Free([]*tensors.Tensor{at})
	var rows []float64
	for i, d := range directions {
		if err := of.checkLength(d); err != nil {
			return nil, fmt.Errorf("%w, in direction %d", err, i)
		}
		rows = append(rows, d...)
	}
	c := device.Filled(shapes.Make(of.Precision(), len(directions), of.Dim), rows)
	return NewChange(of, StoredColumns(len(directions)), at, []*tensors.Tensor{c})
}

// StoredColumns are variables, so many of them, with a C that is stored: its columns are the rows of one tensor of shape [m, P].
type StoredColumns int

// Dim implements Variables.
func (n StoredColumns) Dim() int { return int(n) }

// Multiply implements Variables.
func (StoredColumns) Multiply(z *graph.Node, c []*graph.Node) *graph.Node {
	return device.TransposeMultiply(c[0], z)
}

// Narrow implements Narrower.
func (StoredColumns) Narrow(j *graph.Node, c []*graph.Node) *graph.Node {
	return graph.DotGeneral(j, []int{1}, nil, c[0], []int{1}, nil)
}

// through is a Jacobian by way of that of another objective.
type through struct {
	of    *Objective
	build func(z *graph.Node, data []*graph.Node) (r, j *graph.Node)
}

// rows is the number of rows of so many columns that take as much memory as the Jacobian that it goes by.
func (t *through) rows(columns int) (int, error) {
	made, err := t.of.JacobianSize()
	return int(math.Ceil(float64(made) * (1 + float64(t.of.Dim)/float64(columns)))), err
}
