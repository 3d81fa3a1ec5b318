package objective

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/device"
)

// Coarse is an objective on a share of its samples that has the gradient of all of them at one point θ₀,
//
//	h(θ) = f_H(θ) + (∇f(θ₀) − ∇f_H(θ₀))ᵀ(θ − θ₀),
//
// as the coarse level of a multilevel method (Nash 2000, "A multigrid approach to discretized optimization problems"; Gratton, Sartenaer and
// Toint 2008, "Recursive trust-region methods for multiscale nonlinear optimization", equation 2.4): what goes down in h goes down in f at first.
type Coarse struct {
	// Objective is h. It has samples, the share of them, and no residuals, since h is no sum of squares. Its Data are those of the objective
	// with fewer rows, then θ₀ and the difference of the gradients.
	Objective *Objective
	// Share is the share of the samples that it has, which may be more than what was asked for by rounding.
	Share float64

	of           *Objective
	rows         []*tensors.Tensor // of each group
	places       []int             // in Data, of what belongs to samples
	gather, tilt *device.Program
	held, drawn  device.Owner // of the samples, and of θ₀ with the difference
}

// NewCoarse makes one, of samples that lie evenly among those of each group. It has the gradient of f_H before At was called. It fails for an
// objective without Samples (ErrUnsuitable), and for a share that is not above 0 and below 1.
func NewCoarse(of *Objective, share float64) (*Coarse, error) {
	if err := of.Check(); err != nil {
		return nil, err
	}
	if err := of.NeedSamples("a Coarse objective"); err != nil {
		return nil, err
	}
	if !(share > 0 && share < 1) {
		return nil, fmt.Errorf("objective: the share of a Coarse objective is %v, expected a number above 0 and below 1", share)
	}
	c := &Coarse{of: of}
	sizes := of.ShareBatch(max(1, int(share*float64(of.NumSamples()))))
	total := 0
	inner := &Objective{Backend: of.Backend, Dim: of.Dim, DType: of.DType, Blocks: of.Blocks, Samples: slices.Clone(of.Samples), ctx: of.ctx}
	for g, group := range of.Samples {
		rows := make([]int32, sizes[g])
		for k := range rows {
			rows[k] = int32((2*k + 1) * group.Rows / (2 * sizes[g]))
		}
		c.rows = append(c.rows, tensors.FromFlatDataAndDimensions(rows, 1, sizes[g]))
		c.places = append(c.places, group.Data...)
		inner.Samples[g].Rows = sizes[g]
		total += sizes[g]
	}
	c.Share = float64(total) / float64(of.NumSamples())
	own := len(of.Data)
	inner.Loss = func(theta *graph.Node, data []*graph.Node) *graph.Node {
		origin, difference := data[own], data[own+1]
		return graph.Add(of.BuildLoss(theta, data[:own]), device.Dot(difference, graph.Sub(theta, origin)))
	}
	var err error
	if c.gather, err = device.NewProgram(of.Compiler(), "a share of the samples", func(in []*graph.Node) []*graph.Node {
		groups := len(of.Samples)
		all := NewBatch(of, in[:groups], graph.ScalarZero(in[0].Graph(), in[0].DType()), in[groups:]).Data()
		mine := make([]*graph.Node, len(c.places))
		for i, place := range c.places {
			mine[i] = all[place]
		}
		return mine
	}); err != nil {
		return nil, err
	}
	if c.tilt, err = device.NewProgram(of.Compiler(), "difference of gradients", func(in []*graph.Node) []*graph.Node {
		theta := in[0]
		difference := graph.Sub(of.BuildLoss(theta, in[1:1+own]), of.BuildLoss(theta, in[1+own:]))
		return []*graph.Node{autodiff.Gradient(difference, theta)}
	}); err != nil {
		return nil, err
	}
	c.Objective = inner
	none := device.Zeros([]shapes.Shape{shapes.Make(of.Precision(), of.Dim), shapes.Make(of.Precision(), of.Dim)})
	inner.Data = append(slices.Clone(of.Data), none...)
	c.drawn.Hold(none)
	if err := c.Follow(); err != nil {
		c.Release()
		return nil, err
	}
	return c, nil
}

// literal reports one that NewCoarse did not make.
func (c *Coarse) literal() bool { return c == nil || c.of == nil || c.Objective == nil }

// At makes θ₀ the point theta, on the device, of which it takes a copy.
func (c *Coarse) At(theta *tensors.Tensor) error {
	if c.literal() {
		return literal("Coarse")
	}
	own := len(c.of.Data)
	difference, err := c.tilt.Call([]*tensors.Tensor{theta}, c.of.Data, c.Objective.Data[:own])
	if err != nil {
		return err
	}
	origin, err := device.Copy(theta)
	if err != nil {
		device.Free(difference)
		return err
	}
	tilted := append([]*tensors.Tensor{origin}, difference...)
	copy(c.Objective.Data[own:], tilted)
	c.drawn.Hold(tilted)
	return nil
}

// Follow takes over the data of the objective, which were replaced. The difference of gradients is that of before, until At.
func (c *Coarse) Follow() error {
	if c.literal() {
		return literal("Coarse")
	}
	mine, err := c.gather.Call(c.rows, c.of.Data)
	if err != nil {
		return err
	}
	copy(c.Objective.Data, c.of.Data)
	for i, place := range c.places {
		c.Objective.Data[place] = mine[i]
	}
	c.held.Hold(mine)
	return nil
}

// Release frees what it holds, when it is not used any more.
func (c *Coarse) Release() {
	if c == nil {
		return
	}
	c.held.Hold()
	c.drawn.Hold()
	device.Free(c.rows)
}
