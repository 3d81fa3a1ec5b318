package diagnose

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/linalg"
	"github.com/gosciml/gosciml/sciml/objective"
)

// fullMatrix makes JᵀJ or JJᵀ in one go, which is faster than by products.
type fullMatrix func() (*mat.SymDense, error)

// defaultBudget is Matrix.Budget, in bytes.
const defaultBudget = 1 << 30

// Dense is A in full: by a product for each row, or, of 2JᵀJ and 2JJᵀ, from J where that can be had. It fails where A needs more
// than Budget (ErrTooLarge), and as Multiply does.
func (m *Matrix) Dense() (*mat.SymDense, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	budget := cmp.Or(m.Budget, defaultBudget)
	if need := 8 * float64(m.order) * float64(m.order); need > float64(budget) {
		return nil, objective.TooLarge("diagnose: the %s of order %d needs %.3g GiB in full, expected at most Matrix.Budget = %.3g GiB; Quadrature and Extremes need products alone",
			m.name, m.order, need/(1<<30), float64(budget)/(1<<30))
	}
	if m.full != nil {
		half, err := m.full()
		if err == nil {
			half.ScaleSym(2, half)
			return half, allFinite("the "+m.name, half.RawSymmetric().Data)
		}
		if !errors.Is(err, objective.ErrUnsuitable) && !errors.Is(err, objective.ErrTooLarge) {
			return nil, err
		}
	}
	return m.byProducts()
}

// byProducts takes a product with each unit vector. What rounding makes of the two halves is averaged.
func (m *Matrix) byProducts() (*mat.SymDense, error) {
	dense := mat.NewSymDense(m.order, nil)
	unit, row := make([]float64, m.order), make([]float64, m.order)
	for i := range m.order {
		unit[i] = 1
		if err := m.Multiply(row, unit); err != nil {
			return nil, err
		}
		unit[i] = 0
		for j, v := range row {
			switch {
			case j < i:
				dense.SetSym(j, i, dense.At(j, i)+v/2)
			case j == i:
				dense.SetSym(i, i, v)
			default:
				dense.SetSym(i, j, v/2)
			}
		}
	}
	return dense, nil
}

// Eigen is the eigendecomposition of A, from A in full, in some 9n³ operations. It fails as Dense does.
func (m *Matrix) Eigen() (*linalg.Eigen, error) {
	dense, err := m.Dense()
	if err != nil {
		return nil, err
	}
	return eigenOf(m.ctx, m.name, dense)
}

// Spectrum is that of all eigenvalues, from A in full, in some 4n³/3 operations. It fails as Dense does.
func (m *Matrix) Spectrum() (*Spectrum, error) {
	dense, err := m.Dense()
	if err != nil {
		return nil, err
	}
	values, err := device.Beside(orBackground(m.ctx), 0, "the eigenvalues of the "+m.name, func() ([]float64, error) {
		var e mat.EigenSym
		if !e.Factorize(dense, false) {
			return nil, fmt.Errorf("diagnose: the eigenvalues of the %s, of order %d, were not found", m.name, m.order)
		}
		return e.Values(nil), nil
	})
	if err != nil {
		return nil, err
	}
	s := exactSpectrum(m.name, values, m.semidefinite, m.epsilon)
	s.Products = m.Products
	return s, nil
}

// eigenOf decomposes a matrix, which is not waited for once the context is done.
func eigenOf(ctx context.Context, name string, dense *mat.SymDense) (*linalg.Eigen, error) {
	return device.Beside(orBackground(ctx), 0, "the eigenvectors of the "+name, func() (*linalg.Eigen, error) {
		return linalg.NewEigen(dense.SymmetricDim(), dense.RawSymmetric().Data)
	})
}

func orBackground(ctx context.Context) context.Context {
	if ctx == nil {
		return context.Background()
	}
	return ctx
}
