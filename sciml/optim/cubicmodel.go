package optim

import (
	"fmt"
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// lanczos minimizes the cubic model ∇fᵀp + ½pᵀ∇²f·p + (σ/3)‖p‖³ over the Krylov space of the gradient and the Hessian
// (Cartis, Gould and Toint 2011, section 6.2), which grows until the gradient of the model is small. In the basis of
// Lanczos vectors the Hessian is tridiagonal, and the model small enough for the host. The space of an iterate is kept
// for another σ.
type lanczos struct {
	obj           *objective.Objective
	grow, combine *device.Program
	most          int
	forcing       func(gradientNorm float64) float64

	at                  *evaluated      // whose space it is
	basis               *tensors.Tensor // Lanczos vectors as rows, zeros below
	diagonal, secondary []float64       // of the Hessian in the basis; the last secondary one leads out of the space
}

func newLanczos(obj *objective.Objective, most int, forcing func(float64) float64) (*lanczos, error) {
	l := &lanczos{obj: obj, most: most, forcing: forcing}
	var err error
	if l.grow, err = device.NewProgram(obj.Compiler(), "Lanczos vector", func(in []*graph.Node) []*graph.Node {
		theta, basis, index, gradient, data := in[0], in[1], in[2], in[3], in[4:]
		first := graph.Div(gradient, device.Norm(gradient))
		rows := graph.Iota(theta.Graph(), shapes.Make(dtypes.Int32, basis.Shape().Dimensions...), 0)
		begins := graph.Equal(index, graph.ZerosLike(index))
		start := graph.LogicalAnd(begins, graph.Equal(rows, index))
		basis = graph.Where(start, graph.BroadcastToDims(graph.ExpandAxes(first, 0), basis.Shape().Dimensions...), basis)

		v := graph.ReduceSum(graph.Where(graph.Equal(rows, index), basis, graph.ZerosLike(basis)), 0)
		product := autodiff.HessianProduct(obj.BuildLoss(theta, data), theta, v)
		diagonal := device.Dot(v, product)
		whole := device.Norm(product)
		// Orthogonal to all vectors, and twice: rounding would bring back those found before.
		for range 2 {
			product = graph.Sub(product, device.TransposeMultiply(basis, device.Multiply(basis, product)))
		}
		// What rounding leaves of a space that the Hessian does not lead out of is no new direction.
		length := device.Norm(product)
		leads := graph.GreaterThan(length, graph.MulScalar(whole, 16*device.Epsilon(whole.DType())))
		product = graph.Where(leads, graph.Div(product, length), graph.ZerosLike(product))
		length = graph.Where(leads, length, graph.ZerosLike(length))
		next := graph.BroadcastToDims(graph.ExpandAxes(product, 0), basis.Shape().Dimensions...)
		isNext := graph.Equal(rows, graph.AddScalar(index, 1))
		return []*graph.Node{graph.Where(isNext, next, basis), diagonal, length}
	}); err != nil {
		return nil, err
	}
	l.combine, err = device.NewProgram(obj.Compiler(), "Lanczos step", func(in []*graph.Node) []*graph.Node {
		return []*graph.Node{device.TransposeMultiply(in[0], in[1])}
	})
	return l, err
}

func (l *lanczos) solve(at *evaluated, sigma float64, _, data []*tensors.Tensor) (regionStep, error) {
	dtype := l.obj.Precision()
	if l.at != at {
		l.at, l.diagonal, l.secondary = at, nil, nil
		l.keep(tensors.FromShape(shapes.Make(dtype, l.most, l.obj.Dim)))
	}
	step := regionStep{}
	for {
		if len(l.diagonal) > 0 {
			u, predicted, err := cubicMinimum(at.gradientNorm, l.diagonal, l.secondary, sigma)
			if err != nil {
				return step, err
			}
			last := len(u) - 1
			left := l.secondary[last] * math.Abs(u[last]) // the norm of the model's gradient
			small := left <= l.forcing(at.gradientNorm)*at.gradientNorm
			if small || len(u) == l.most || !(l.secondary[last] > 0) || !device.Finite(predicted) {
				step.length, step.predicted = floats.Norm(u, 2), predicted
				coordinates := device.Vector(dtype, append(u, make([]float64, l.most-len(u))...))
				out, err := l.combine.Call([]*tensors.Tensor{l.basis, coordinates})
				device.Free([]*tensors.Tensor{coordinates})
				if err != nil {
					return step, err
				}
				step.p = out[0]
				return step, nil
			}
		}
		if err := l.extend(data); err != nil {
			return step, err
		}
		step.products++
	}
}

// extend takes one product with the Hessian.
func (l *lanczos) extend(data []*tensors.Tensor) error {
	if err := l.obj.Interrupted(); err != nil {
		return err
	}
	index := tensors.FromScalar(int32(len(l.diagonal)))
	out, err := l.grow.Call([]*tensors.Tensor{l.at.theta, l.basis, index, l.at.gradient}, data)
	if err != nil {
		return err
	}
	device.Free([]*tensors.Tensor{l.basis})
	l.keep(out[0])
	l.diagonal, l.secondary = append(l.diagonal, device.Number(out[1])), append(l.secondary, device.Number(out[2]))
	return nil
}

func (l *lanczos) keep(basis *tensors.Tensor) {
	l.basis, l.at.made = basis, []*tensors.Tensor{basis}
}

// cubicMinimum minimizes γu₁ + ½uᵀTu + (σ/3)‖u‖³ for a tridiagonal T, and returns how far that is below zero. The
// minimizer is u = −γ(T + λI)⁻¹e₁ with λ = σ‖u‖, where T + λI is positive semidefinite (Cartis, Gould and Toint 2011,
// Theorem 3.1). λ is found by bisection, as its distance from where T + λI becomes singular.
func cubicMinimum(gamma float64, diagonal, secondary []float64, sigma float64) (u []float64, below float64, err error) {
	n := len(diagonal)
	t := mat.NewSymDense(n, nil)
	for i, d := range diagonal {
		if !device.Finite(d) || !device.Finite(secondary[i]) {
			return make([]float64, n), math.NaN(), nil
		}
		t.SetSym(i, i, d)
		if i > 0 {
			t.SetSym(i-1, i, secondary[i-1])
		}
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(t, true) {
		return nil, 0, fmt.Errorf("optim: the eigenvalues of a tridiagonal matrix of order %d were not found", n)
	}
	values := eigen.Values(nil)
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	least := math.Max(0, -values[0]) // λ is not below

	// Coordinates of u along the eigenvectors.
	coordinates := func(shift float64) []float64 {
		c := make([]float64, n)
		for i, v := range values {
			c[i] = -gamma * vectors.At(0, i) / (v + least + shift)
		}
		return c
	}
	short := func(shift float64) bool { return floats.Norm(coordinates(shift), 2)*sigma < least+shift }
	high := 1.0
	for !short(high) && high < math.MaxFloat64/4 {
		high *= 4
	}
	low := high
	for short(low) && low > math.SmallestNonzeroFloat64*4 {
		low /= 4
	}
	for range 100 {
		middle := low + (high-low)/2
		if middle <= low || middle >= high {
			break
		}
		if short(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	c := coordinates(high)
	length := floats.Norm(c, 2)
	below = -sigma / 3 * length * length * length
	for i, v := range values {
		below -= c[i] * (gamma*vectors.At(0, i) + 0.5*v*c[i])
	}
	u = make([]float64, n)
	for i := range u {
		u[i] = floats.Dot(vectors.RawRowView(i), c)
	}
	return u, below, nil
}
