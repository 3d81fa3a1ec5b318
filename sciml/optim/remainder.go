package optim

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/floats"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/linalg"
	"github.com/gosciml/gosciml/sciml/objective"
)

// remainder is what a search that has failed leaves of the loss, in words: whether that is the end at this precision, or the
// parameters hide a way on. It takes the whole Hessian, and says nothing of more than a few parameters, or where it cannot be had.
func (r *run) remainder(theta []float64, loss float64) string {
	if r.obj.Function != nil || r.obj.Dim > fewParameters || r.ctx.Err() != nil || !device.Finite(loss) || loss == 0 {
		return ""
	}
	evaluator, err := objective.NewEvaluator(r.obj)
	if err != nil {
		return ""
	}
	_, gradient, err := evaluator.At(theta)
	if err != nil {
		return ""
	}
	curvature, err := objective.NewCurvature(r.obj, objective.HessianMatrix)
	if err != nil {
		return ""
	}
	at, err := curvature.At(theta)
	if err != nil {
		return ""
	}
	n := r.obj.Dim
	hessian, unit := make([]float64, n*n), make([]float64, n)
	for i := range n {
		clear(unit)
		unit[i] = 1
		if at.Multiply(hessian[i*n:(i+1)*n], unit) != nil {
			return ""
		}
	}
	return remainderOf(theta, gradient, hessian, loss, device.Epsilon(r.obj.Precision()))
}

// remainderOf is that for a gradient and a Hessian, which it overwrites. Both are scaled by the square roots of the curvatures, on
// which units have no bearing: then the decrease to the minimum of the quadratic is half the sum of c²/λ over the eigenvectors.
func remainderOf(theta, gradient, hessian []float64, loss, epsilon float64) string {
	n := len(theta)
	scales := make([]float64, n)
	flat := 0
	for i := range n {
		bent := math.Abs(hessian[i*n+i])
		scales[i] = 1
		if bent > 0 {
			scales[i] = math.Sqrt(bent)
		}
		if theta[i] != 0 && bent*theta[i]*theta[i] <= 1e-9*math.Abs(loss) {
			flat = i + 1
		}
	}
	along := make([]float64, n)
	for i := range n {
		along[i] = gradient[i] / scales[i]
		for k := range n {
			hessian[i*n+k] /= scales[i] * scales[k]
		}
	}
	eigen, err := linalg.NewEigen(n, hessian)
	if err != nil {
		return ""
	}
	noise := float64(n) * epsilon * eigen.Values[0]
	share, column, way := 0.0, make([]float64, n), make([]float64, n)
	for i, value := range eigen.Values {
		for k := range column {
			column[k] = eigen.Vectors.At(k, i)
		}
		if c := floats.Dot(column, along); value > noise {
			share += c * c / (2 * value * math.Abs(loss))
			floats.AddScaled(way, c/value, column)
		}
	}
	off := 0.0 // of the parameters from the minimum of the quadratic
	for i, w := range way {
		if w != 0 {
			off = math.Max(off, math.Abs(w/scales[i]/theta[i]))
		}
	}
	switch {
	case eigen.Values[n-1] < -1e-6*eigen.Values[0]:
		return "the Hessian has a negative eigenvalue there: it is no minimum"
	case flat > 0:
		return fmt.Sprintf("the loss hardly depends on parameter %d there, which may be a plateau", flat-1)
	case share <= 1e3*epsilon:
		return fmt.Sprintf("by the curvature there a share of %.1g of the loss is left, which is the limit of this precision", share)
	}
	if off <= math.Sqrt(epsilon) { // a loss near zero is known less well than its own precision
		return fmt.Sprintf("by the curvature there parameters are off by a share of %.1g at most, which is the limit of this precision", off)
	}
	return fmt.Sprintf("by the curvature there the loss could still fall by a share of %.2g: the problem is ill-conditioned, with a condition number of %.1g in "+
		"the best units and parameters whose curvatures differ by a factor of %.1g, or rounding errors within the loss are larger than its own",
		share, eigen.Values[0]/math.Max(math.Abs(eigen.Values[n-1]), noise), math.Pow(floats.Max(scales)/floats.Min(scales), 2))
}
