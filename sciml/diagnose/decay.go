package diagnose

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/objective"
)

// Modes are the parts cᵢ = qᵢᵀr of a residual along the eigenvectors, of the largest eigenvalue first. It fails where r has another
// length than Residual.
func (k *TangentKernel) Modes(r []float64) ([]float64, error) {
	if err := k.check(); err != nil {
		return nil, err
	}
	if len(r) != len(k.Residual) {
		return nil, fmt.Errorf("diagnose: a residual for Modes has %d entries, expected %d, as the kernel has rows", len(r), len(k.Residual))
	}
	var c mat.VecDense
	c.MulVec(k.Vectors.T(), mat.NewVecDense(len(r), r))
	return c.RawVector().Data, nil
}

// Decay predicts |cᵢ| after so many steps of gradient descent with the step size α: |qᵢᵀr|·|1 − αλᵢ|^steps, for a kernel that does not
// change on the way. Above α = 2/λ₁ the first modes grow. It fails unless α is above zero and finite and steps at least 0, and for a
// kernel of some residuals of several (ErrUnsuitable), as the others move these, too.
func (k *TangentKernel) Decay(alpha float64, steps int) ([]float64, error) {
	c, err := k.later(alpha, steps)
	absolute(c)
	return c, err
}

// Predict is the residual after so many steps of gradient descent, as Decay predicts it: Σ cᵢ(1 − αλᵢ)^steps·qᵢ. It fails as Decay does.
func (k *TangentKernel) Predict(alpha float64, steps int) ([]float64, error) {
	c, err := k.later(alpha, steps)
	if err != nil {
		return nil, err
	}
	var r mat.VecDense
	r.MulVec(k.Vectors, mat.NewVecDense(len(c), c))
	return r.RawVector().Data, nil
}

// later are the cᵢ after so many steps.
func (k *TangentKernel) later(alpha float64, steps int) ([]float64, error) {
	if err := k.check(); err != nil {
		return nil, err
	}
	switch {
	case !(alpha > 0) || math.IsInf(alpha, 1):
		return nil, fmt.Errorf("diagnose: the step size α of a decay is %v, expected a finite number above 0", alpha)
	case steps < 0:
		return nil, fmt.Errorf("diagnose: a decay is over %d steps, expected at least 0", steps)
	case len(k.Rows) < k.all:
		return nil, objective.Unsuitable("diagnose: the kernel is of %d of %d residuals, of which the others move these, too: expected one of all for a decay, or one of Objective.Term", len(k.Rows), k.all)
	}
	c, err := k.Modes(k.Residual)
	for i, v := range k.Values {
		c[i] *= math.Pow(1-alpha*v, float64(steps))
	}
	return c, err
}

// Observed are |cᵢ| of the residual at another θ, such as a later one of a training, along the eigenvectors of this kernel. It fails where
// theta has another length than Objective.Dim or numbers that are not finite.
func (k *TangentKernel) Observed(theta []float64) ([]float64, error) {
	if err := k.check(); err != nil {
		return nil, err
	}
	r, err := k.residuals(theta)
	if err != nil {
		return nil, err
	}
	c, err := k.Modes(r)
	absolute(c)
	return c, err
}

func absolute(values []float64) {
	for i, v := range values {
		values[i] = math.Abs(v)
	}
}

// KernelChange says how far a kernel is from another: of a wide network it hardly moves in training, and what it predicts holds.
type KernelChange struct {
	// Relative is ‖Θ′ − Θ‖/‖Θ‖ in Frobenius norms: of direction and of size.
	Relative float64
	// Cosine is ⟨Θ, Θ′⟩/(‖Θ‖‖Θ′‖): 1 where Θ′ is a multiple of Θ (kernel alignment; Cristianini et al. 2001).
	Cosine float64
}

// Change compares with the kernel of the same rows at another θ. It fails where the other has other rows, and where either is zero.
func (k *TangentKernel) Change(other *TangentKernel) (KernelChange, error) {
	if err := errors.Join(k.check(), other.check()); err != nil {
		return KernelChange{}, err
	}
	a, b := k.Matrix.RawSymmetric(), other.Matrix.RawSymmetric()
	if !slices.Equal(k.Rows, other.Rows) {
		return KernelChange{}, fmt.Errorf("diagnose: the kernel to compare with is of %d other residuals, expected the same %d", len(other.Rows), len(k.Rows))
	}
	first, second := mat.Norm(k.Matrix, 2), mat.Norm(other.Matrix, 2)
	if first == 0 || second == 0 {
		return KernelChange{}, errors.New("diagnose: a kernel to compare is zero, expected others")
	}
	inner, squares := 0.0, 0.0
	for i := range a.N {
		for j := i; j < a.N; j++ {
			times := 2.0 // of the other triangle, too
			if i == j {
				times = 1
			}
			v, w := a.Data[i*a.Stride+j]/first, b.Data[i*b.Stride+j]/first
			inner += times * v * w
			squares += times * (w - v) * (w - v)
		}
	}
	return KernelChange{Relative: math.Sqrt(squares), Cosine: inner * first / second}, nil
}
