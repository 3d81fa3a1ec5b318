package objective

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/linalg"
)

// Linearizer gives the residuals r of an objective and their Jacobian J at any points: products with it, or J, JᵀJ and JJᵀ as
// matrices. Residuals are scaled as in the objective, f = ‖r‖², so that ∇f = 2Jᵀr and the Gauss–Newton matrix is 2JᵀJ. Each
// answer is compiled when it is first asked for, and follows changes of Objective.Data.
type Linearizer struct {
	obj    *Objective
	rows   int // M
	budget int64

	residuals, forward, adjoint      *device.Program
	jacobian, normal, kernel, traces *device.Program
}

// defaultBudget is that of a Linearizer, in bytes.
const defaultBudget = 1 << 30

// NewLinearizer makes one. The budget, in bytes, is for J, or the part of it that is there at a time, and the working memory
// that goes with it; 1 GiB when zero. A result of its own size, such as JᵀJ, comes on top; it may have 4 GiB, or the budget. It fails for an objective without
// residuals (ErrUnsuitable).
func NewLinearizer(obj *Objective, budget int64) (*Linearizer, error) {
	if err := obj.Check(); err != nil {
		return nil, err
	}
	if err := obj.NeedResidual("a Linearizer"); err != nil {
		return nil, err
	}
	if budget < 0 {
		return nil, fmt.Errorf("objective: the budget of a Linearizer is %d bytes, expected at least 1 (or 0 for the default)", budget)
	}
	budget = cmp.Or(budget, defaultBudget)
	rows, err := obj.NumResiduals()
	return &Linearizer{obj: obj, rows: rows, budget: budget}, err
}

// Rows is M, the number of residuals.
func (l *Linearizer) Rows() int { return l.rows }

// At is the linearization at a vector. It fails when theta has another length than Objective.Dim.
func (l *Linearizer) At(theta []float64) (*Linearization, error) {
	if l == nil || l.obj == nil {
		return new(Linearization), literal("Linearizer")
	}
	t, err := l.obj.upload(theta)
	return l.AtDevice(t), err
}

// AtDevice is the linearization at θ on the device, which is lent for as long as the linearization is in use.
func (l *Linearizer) AtDevice(theta *tensors.Tensor) *Linearization {
	return &Linearization{of: l, theta: theta}
}

// Linearization is r(θ + p) ≈ r + Jp at one point.
type Linearization struct {
	of    *Linearizer
	theta *tensors.Tensor
}

// literal reports one that no Linearizer gave.
func (a *Linearization) literal() bool { return a == nil || a.of == nil || a.of.obj == nil }

// made returns a program, which it makes the first time.
func (l *Linearizer) made(p **device.Program, name string, build func(in []*graph.Node) []*graph.Node) (*device.Program, error) {
	if *p != nil {
		return *p, nil
	}
	var err error
	*p, err = device.NewProgram(l.obj.Compiler(), name, build)
	return *p, err
}

// read calls a program and takes its only output to the host.
func read(p *device.Program, inputs ...[]*tensors.Tensor) ([]float64, error) {
	out, err := p.Call(inputs...)
	if err != nil {
		return nil, err
	}
	defer device.Free(out)
	return device.Numbers(out[0])
}

// Residual is r, of length M.
func (a *Linearization) Residual() ([]float64, error) {
	if a.literal() {
		return nil, literal("Linearization")
	}
	l := a.of
	p, err := l.made(&l.residuals, "residuals", func(in []*graph.Node) []*graph.Node {
		return []*graph.Node{l.obj.BuildResidual(in[0], in[1:])}
	})
	if err != nil {
		return nil, err
	}
	return read(p, []*tensors.Tensor{a.theta}, l.obj.Data)
}

// Forward is the product with J, from vectors of length P to such of length M, in forward mode. J is not stored.
func (a *Linearization) Forward() linalg.Operator {
	if a.literal() {
		return func(_, _ []float64) error { return literal("Linearization") }
	}
	l := a.of
	return a.product(&l.forward, "product with J", l.obj.Dim, l.rows, func(theta, v *graph.Node, data []*graph.Node) *graph.Node {
		return autodiff.JVP(l.obj.BuildResidual(theta, data), []*graph.Node{theta}, []*graph.Node{v})
	})
}

// Adjoint is the product with Jᵀ, from vectors of length M to such of length P, in reverse mode. J is not stored.
func (a *Linearization) Adjoint() linalg.Operator {
	if a.literal() {
		return func(_, _ []float64) error { return literal("Linearization") }
	}
	l := a.of
	return a.product(&l.adjoint, "product with Jᵀ", l.rows, l.obj.Dim, func(theta, w *graph.Node, data []*graph.Node) *graph.Node {
		return autodiff.VJP(l.obj.BuildResidual(theta, data), w, theta)[0]
	})
}

func (a *Linearization) product(p **device.Program, name string, from, to int, build func(theta, x *graph.Node, data []*graph.Node) *graph.Node) linalg.Operator {
	l := a.of
	return func(dst, x []float64) error {
		if len(x) != from || len(dst) != to {
			return fmt.Errorf("objective: a %s has vectors of length %d and %d, expected %d and %d", name, len(x), len(dst), from, to)
		}
		if err := l.obj.Interrupted(); err != nil {
			return err
		}
		p, err := l.made(p, name, func(in []*graph.Node) []*graph.Node {
			return []*graph.Node{build(in[0], in[1], in[2:])}
		})
		if err != nil {
			return err
		}
		v := device.Vector(l.obj.Precision(), x)
		defer device.Free([]*tensors.Tensor{v})
		values, err := read(p, []*tensors.Tensor{a.theta, v}, l.obj.Data)
		copy(dst, values)
		return err
	}
}

// Jacobian is J, shape [M, P]. It fails where residuals interact and are many (ErrUnsuitable), and when J does not fit into
// the budget (ErrTooLarge).
func (a *Linearization) Jacobian() (*mat.Dense, error) {
	if a.literal() {
		return nil, literal("Linearization")
	}
	l := a.of
	parts, err := l.chunks("J", 1)
	if err != nil {
		return nil, err
	}
	if len(parts) > 1 {
		return nil, TooLarge("objective: J of %d residuals by %d parameters does not fit into the budget of %.3g GiB, expected a larger one; products, JᵀJ and JJᵀ need less", l.rows, l.obj.Dim, float64(l.budget)/(1<<30))
	}
	p, err := l.made(&l.jacobian, "Jacobian", func(in []*graph.Node) []*graph.Node {
		_, j := l.obj.BuildLinearization(in[0], in[1:])
		return []*graph.Node{j}
	})
	if err != nil {
		return nil, err
	}
	values, err := read(p, []*tensors.Tensor{a.theta}, l.obj.Data)
	if err != nil {
		return nil, err
	}
	return mat.NewDense(l.rows, l.obj.Dim, values), nil
}

// NormalMatrix is JᵀJ, shape [P, P], added up from chunks of the samples where J does not fit into the budget. It fails as
// Jacobian does, where the objective has no Samples to take chunks of.
func (a *Linearization) NormalMatrix() (*mat.SymDense, error) {
	if a.literal() {
		return nil, literal("Linearization")
	}
	l := a.of
	if err := l.checkResult("JᵀJ", l.obj.Dim); err != nil {
		return nil, err
	}
	parts, err := l.chunks("JᵀJ", 1)
	if err != nil {
		return nil, err
	}
	p, err := l.made(&l.normal, "JᵀJ", func(in []*graph.Node) []*graph.Node {
		_, j := l.obj.BuildLinearization(in[0], in[1:])
		return []*graph.Node{Gram(j)}
	})
	if err != nil {
		return nil, err
	}
	var sum []float64
	err = l.each(parts, func(_ int, data []*tensors.Tensor) error {
		values, err := read(p, []*tensors.Tensor{a.theta}, data)
		if sum == nil {
			sum = values
			return err
		}
		for i, v := range values {
			sum[i] += v
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return mat.NewSymDense(l.obj.Dim, sum), nil
}

// Kernel is JJᵀ, shape [M, M], in the order of the residuals: the empirical tangent kernel, up to factors, of the loss. Blocks of
// it are made from two chunks of the samples at a time where J does not fit into half of the budget. It fails as NormalMatrix
// does.
func (a *Linearization) Kernel() (*mat.SymDense, error) {
	if a.literal() {
		return nil, literal("Linearization")
	}
	l := a.of
	if err := l.checkResult("JJᵀ", l.rows); err != nil {
		return nil, err
	}
	parts, err := l.chunks("JJᵀ", 2)
	if err != nil {
		return nil, err
	}
	n := len(l.obj.Data)
	p, err := l.made(&l.kernel, "JJᵀ", func(in []*graph.Node) []*graph.Node {
		_, one := l.obj.BuildLinearization(in[0], in[1:1+n])
		if len(in) == 1+n {
			return []*graph.Node{GramOf(one, true)}
		}
		_, other := l.obj.BuildLinearization(in[0], in[1+n:])
		return []*graph.Node{graph.DotGeneral(one, []int{1}, nil, other, []int{1}, nil)}
	})
	if err != nil {
		return nil, err
	}
	k := mat.NewSymDense(l.rows, nil)
	err = l.each(parts, func(i int, one []*tensors.Tensor) error {
		return l.each(parts[i:], func(m int, other []*tensors.Tensor) error {
			rows, columns := parts[i].rows, parts[i+m].rows
			inputs := [][]*tensors.Tensor{{a.theta}, one}
			if m > 0 {
				inputs = append(inputs, other)
			}
			values, err := read(p, inputs...)
			if err != nil {
				return err
			}
			for r, row := range rows {
				for c, column := range columns {
					k.SetSym(row, column, values[r*len(columns)+c])
				}
			}
			return nil
		})
	})
	return k, err
}

// mostOfResult bounds a square matrix on the host, in bytes, where the budget does not allow more.
const mostOfResult = 4 << 30

// checkResult reports a result of that order that is too large for the host.
func (l *Linearizer) checkResult(what string, order int) error {
	most := max(mostOfResult, l.budget)
	if size := 8 * float64(order) * float64(order); size > float64(most) {
		return TooLarge("objective: %s of order %d needs %.3g GiB on the host, expected at most %.3g GiB, or the budget where it is more; products need less", what, order, size/(1<<30), float64(most)/(1<<30))
	}
	return nil
}

// KernelTrace is tr JJᵀ = ‖J‖², the sum of the squares of all entries, from chunks as in NormalMatrix. Nothing of that size comes
// to the host.
func (a *Linearization) KernelTrace() (float64, error) {
	if a.literal() {
		return 0, literal("Linearization")
	}
	l := a.of
	parts, err := l.chunks("tr JJᵀ", 1)
	if err != nil {
		return 0, err
	}
	p, err := l.made(&l.traces, "tr JJᵀ", func(in []*graph.Node) []*graph.Node {
		_, j := l.obj.BuildLinearization(in[0], in[1:])
		return []*graph.Node{graph.Reshape(graph.ReduceAllSum(graph.Square(j)), 1)}
	})
	if err != nil {
		return 0, err
	}
	total := 0.0
	err = l.each(parts, func(_ int, data []*tensors.Tensor) error {
		values, err := read(p, []*tensors.Tensor{a.theta}, data)
		if err == nil {
			total += values[0]
		}
		return err
	})
	return total, err
}

// errChunks is why a residual cannot be had in chunks.
var errChunks = errors.New("its residuals in chunks of the samples are not those of all samples")
