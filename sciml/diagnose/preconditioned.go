package diagnose

import (
	"errors"
	"fmt"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/internal/usercode"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

// Preconditioned is the same matrix of the loss in the variables z of θ + Cz, which optim.Preconditioned works with: CᵀAC, or, of a
// tangent kernel, 2JCCᵀJᵀ, with the C that the preconditioner makes at θ. A preconditioner may make C up to a factor, so that of
// its eigenvalues the quotients count. What making C costs is not among the products. It fails where the preconditioner does not
// suit the objective (ErrUnsuitable), for a matrix that is of no objective (ErrUnsuitable), and where the curvature is not finite.
func (m *Matrix) Preconditioned(by optim.Preconditioner) (*Matrix, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	if usercode.Nil(by) {
		return nil, errors.New("diagnose: the preconditioner is nil, expected one such as optim.NystromPreconditioner{}")
	}
	if m.kind == none {
		return nil, objective.Unsuitable("diagnose: the %s is of no objective, which a preconditioner needs; expected a matrix of Hessian, GaussNewton or Kernel", m.name)
	}
	var name string
	var root optim.Root
	var made optim.RootAt
	err := usercode.Call("the preconditioner", func() (err error) {
		name = by.Name()
		if root, err = by.Start(m.obj); err != nil || usercode.Nil(root) {
			return err
		}
		made, err = root.At(m.theta, 0)
		return err
	})
	switch {
	case err != nil:
		return nil, err
	case usercode.Nil(root):
		return nil, fmt.Errorf("diagnose: the preconditioner %q started with a nil Root, expected one", name)
	case made.Tensors == nil:
		return nil, fmt.Errorf("diagnose: the curvature is NaN or infinite at θ, so that there is no C of the preconditioner %q", name)
	}
	change, err := objective.NewChange(m.obj, variables{root, m.obj.Dim}, m.theta, made.Tensors)
	if err != nil {
		return nil, err
	}
	p, err := newMatrix(m.ctx, m.kind, change.Objective, device.Vector(m.obj.Precision(), make([]float64, m.obj.Dim)))
	if err != nil {
		return nil, err
	}
	p.name, p.Budget = fmt.Sprintf("%s, preconditioned (%s)", m.name, name), m.Budget
	return p, nil
}

// variables are those of a preconditioner's C.
type variables struct {
	optim.Root
	dim int
}

// Dim implements objective.Variables.
func (v variables) Dim() int { return v.dim }

var _ objective.Variables = variables{}
