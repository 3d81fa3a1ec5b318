package optim

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/internal/usercode"
	"github.com/gosciml/gosciml/sciml/objective"
)

// Preconditioned runs a method in the variables z of θ = θ₀ + Cz, in which the Hessian is Cᵀ∇²f·C: with CCᵀ near its
// inverse the condition is near one, and first-order methods become fast. What the method sees is the objective
// f(θ₀ + Cz), whose gradient Cᵀ∇f comes from reverse mode; the method itself is not changed. On a quadratic, conjugate
// gradients in z are the preconditioned ones (Nocedal and Wright 2006, section 5.1), and gradient descent in z is
// θ ← θ − αCCᵀ∇f.
//
// After every so many iterations, after the objective's Data was replaced, and where the method finds no way down, C is
// made again at the iterate, which becomes θ₀, and z = 0. Then the method begins anew, because what it has learned (pairs,
// moments, momentum, a trust region) was of the old variables; only schedules of the rate and the order of batches go on.
// Nothing is compiled for that in methods with fixed steps, line searches, trust regions or batches. Where the curvature
// is NaN or infinite, C stays as it is.
//
// Settings of the method are those for z: a Rate is a step in z, a WeightDecay draws θ to θ₀, a trust region is an
// ellipsoid. Records and tolerances have the norms of gradient and step in z, too: with CCᵀ = (∇²f)⁻¹, ½‖Cᵀ∇f‖² is about
// how far f is above its minimum. Hybrid and Auto cannot be preconditioned, but the phases of a Hybrid can.
//
// Methods that need the rows of a Jacobian work with up to 256 residuals, as the structure that Objective.Pieces has is
// lost in z; such methods hardly gain from a change of variables.
type Preconditioned struct {
	// Method is any that works on an objective in graphs; LBFGS{} when nil.
	Method Method
	// By is the preconditioner. Required.
	By Preconditioner
	// Every is the number of iterations between two of them; 100 when zero. Each begins with the method knowing nothing.
	Every int
	// Unit divides C by its largest singular value, so that no step is longer in θ than in z. It is for methods such as Adam
	// whose steps are as long as their Rate, whatever the gradient is; others have good steps near one without it.
	Unit bool
}

// Name implements Method.
func (m Preconditioned) Name() string {
	by := "?"
	if !usercode.Nil(m.By) {
		by = m.By.Name()
	}
	return fmt.Sprintf("%s, preconditioned (%s)", m.method().Name(), by)
}

func (m Preconditioned) method() Method { return cmp.Or[Method](m.Method, LBFGS{}) }

// Start implements Method. It fails when a setting of its own, of the method or of the preconditioner is out of its range,
// and when the objective is a plain function or lacks what the preconditioner needs.
func (m Preconditioned) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	if usercode.Nil(m.By) {
		return nil, errors.New("optim: Preconditioned.By is nil, expected a preconditioner such as NystromPreconditioner{}")
	}
	if err := checkSettings("Preconditioned", optional("Every", m.Every, "the default")); err != nil {
		return nil, err
	}
	m.Every = cmp.Or(m.Every, 100)
	if err := obj.NeedGraph("Preconditioned", "a graph to put the change of variables into"); err != nil {
		return nil, err
	}
	var root Root
	err := usercode.Call("Preconditioned.By", func() (err error) { root, err = m.By.Start(obj); return err })
	if err != nil {
		return nil, err
	}
	s := &preconditionedStepper{obj: obj, method: m.method(), by: m.By.Name(), root: root, every: m.Every, unit: m.Unit, due: true}
	if s.relay, err = startRelay(theta); err != nil {
		return nil, err
	}
	one := device.Scalar(obj.Precision(), 1)
	if s.change, err = objective.NewChange(obj, scaledRoot{root, obj}, theta, append([]*tensors.Tensor{one}, root.Identity()...)); err != nil {
		return nil, err
	}
	origin := s.origin()
	defer device.Free([]*tensors.Tensor{origin})
	if s.active, err = s.method.Start(s.change.Objective, origin); errors.Is(err, objective.ErrUnsuitable) { // whatever the objective of θ has
		return nil, fmt.Errorf("optim: Preconditioned.Method is %s, which does not suit the objective in other variables: %w", s.method.Name(), err)
	} else if err != nil {
		return nil, err
	}
	if _, ok := s.active.(*phasedStepper); ok { // each C would begin anew with the first phase
		stop(s.active)
		return nil, fmt.Errorf("optim: Preconditioned.Method is %q, expected one method; the phases of a Hybrid can be Preconditioned", s.method.Name())
	}
	return s, nil
}

// scaledRoot is a factor times the C of a root, before the tensors of which it stands.
type scaledRoot struct {
	Root
	obj *objective.Objective
}

// Dim implements objective.Variables.
func (r scaledRoot) Dim() int { return r.obj.Dim }

// Multiply implements objective.Variables.
func (r scaledRoot) Multiply(z *graph.Node, c []*graph.Node) *graph.Node {
	return r.Root.Multiply(graph.Mul(z, c[0]), c[1:])
}
