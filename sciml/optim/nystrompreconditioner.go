package optim

import (
	"cmp"
	"fmt"
	"math"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/linalg"
	"github.com/gosciml/gosciml/sciml/objective"
)

// NystromPreconditioner preconditions with a randomized approximation UΛUᵀ of low rank r of the curvature (Frangella,
// Tropp and Udell 2023, "Randomized Nyström preconditioning", equation 5.3; for networks that solve differential
// equations Rathore, Lei, Frangella, Lu and Udell 2024, "Challenges in training PINNs: a loss landscape perspective"):
//
//	C = I + U(diag(((λᵣ+μ)/(λᵢ+μ))^(1/2)) − I)Uᵀ.
//
// CCᵀ is (λᵣ+μ) times the inverse of the curvature plus μ along the r largest eigenvectors, which are found about, and
// leaves the rest as it is: in z the largest curvature is about λᵣ+μ. The rank begins with Rank and doubles until λᵣ is
// 10μ or less. The curvature is 2JᵀJ of objectives with residuals; for others, or when Hessian is set, it is |∇²f|, whose
// eigenvalues are the absolute values of those of the Hessian (as in the saddle-free method of Dauphin et al. 2014). That
// is found from (∇²f)², so that it takes two products for each of the rank, and eigenvalues below 1e-8 of the largest are lost.
// The zero value is usable: fields that are zero take the defaults.
type NystromPreconditioner struct {
	// Rank is the first r, MaxRank the last; 10 and 100 when zero, and never above the number of parameters P. C takes
	// P·MaxRank numbers on the device.
	Rank, MaxRank int
	// Shift is μ in units of the largest eigenvalue; 1e-6 when zero. It is never below the rounding of θ's type.
	Shift float64
	// Hessian takes products with the Hessian where there are residuals, too.
	Hessian bool
	// Seed chooses the random vectors.
	Seed uint64
	// MaxMemory is the most that the approximation may need, in bytes; 4 GiB when zero, or 256 vectors of the length of θ where they are more.
	MaxMemory int64
}

// Name implements Preconditioner.
func (NystromPreconditioner) Name() string { return "Nyström" }

// Start implements Preconditioner.
func (p NystromPreconditioner) Start(obj *objective.Objective) (Root, error) {
	p.Shift = cmp.Or(p.Shift, defaultShift)
	p.Rank = cmp.Or(p.Rank, 10)
	p.MaxRank = cmp.Or(p.MaxRank, max(100, p.Rank))
	if err := checkSettings("NystromPreconditioner", positive("Shift", p.Shift), counted("Rank", p.Rank),
		setting{"MaxRank", p.MaxRank, p.MaxRank >= p.Rank, "at least Rank"}); err != nil {
		return nil, err
	}
	p.MaxRank = min(p.MaxRank, obj.Dim)
	p.Rank = min(p.Rank, p.MaxRank)
	if err := needMemory(obj, "NystromPreconditioner", fmt.Sprintf("an approximation of rank %d", p.MaxRank), 4*float64(p.MaxRank)*float64(obj.Dim), p.MaxMemory); err != nil {
		return nil, err
	}
	p.Hessian = p.Hessian || !obj.IsLeastSquares()
	matrix := objective.GaussNewtonMatrix
	if p.Hessian {
		matrix = objective.HessianMatrix
	}
	products, err := objective.NewCurvature(obj, matrix)
	return &nystromRoot{NystromPreconditioner: p, obj: obj, products: products}, err
}

// nystromRoot keeps C as U, with columns of zeros where the rank is less than MaxRank, and what is between U and Uᵀ.
type nystromRoot struct {
	NystromPreconditioner
	obj      *objective.Objective
	products *objective.Curvature
}

// Shapes implements Root.
func (r *nystromRoot) Shapes() []shapes.Shape {
	dtype := r.obj.Precision()
	return []shapes.Shape{shapes.Make(dtype, r.obj.Dim, r.MaxRank), shapes.Make(dtype, r.MaxRank)}
}

// Identity implements Root.
func (r *nystromRoot) Identity() []*tensors.Tensor { return device.Zeros(r.Shapes()) }

// Multiply implements Root.
func (r *nystromRoot) Multiply(z *graph.Node, c []*graph.Node) *graph.Node {
	along := graph.Mul(c[1], device.TransposeMultiply(c[0], z))
	return graph.Add(z, device.Multiply(c[0], along))
}

// At implements Root.
func (r *nystromRoot) At(theta *tensors.Tensor, number int) (RootAt, error) {
	curvature, broken := r.products.AtDevice(theta, r.obj.Data), false
	vectors, values, shift, err := r.approximation(func(dst, x []float64) error {
		err := curvature.Multiply(dst, x)
		if err == nil && !device.AllFinite(dst) {
			broken = true
			clear(dst) // so that no algorithm stumbles; the result is not used
		}
		return err
	}, r.Seed+uint64(number))
	at := RootAt{Evaluations: curvature.Products, Norm: 1}
	switch {
	case curvature.Err != nil || broken:
		return at, curvature.Err
	case err != nil:
		return at, err
	}
	if values[0] == 0 { // no curvature at all
		at.Tensors, at.Condition = r.Identity(), 1
		return at, nil
	}
	at.Rank = len(values)
	least := values[at.Rank-1] + shift
	at.Condition = (values[0] + shift) / least
	wide, between := make([]float64, r.obj.Dim*r.MaxRank), make([]float64, r.MaxRank)
	for i := range r.obj.Dim {
		copy(wide[i*r.MaxRank:], vectors.RawRowView(i))
	}
	for i, v := range values {
		between[i] = math.Sqrt(least/(v+shift)) - 1
	}
	for i, values := range [][]float64{wide, between} {
		at.Tensors = append(at.Tensors, device.Filled(r.Shapes()[i], values))
	}
	return at, nil
}

// approximation is U, shape [P, r], with the eigenvalues of the curvature, largest first, and μ.
func (r *nystromRoot) approximation(product linalg.Operator, seed uint64) (u *mat.Dense, values []float64, shift float64, err error) {
	own := func(value float64) float64 { return value } // the eigenvalue of the curvature for one of the operator
	if r.Hessian {
		hessian := product
		product = func(dst, x []float64) error {
			once := make([]float64, len(x))
			if err := hessian(once, x); err != nil {
				return err
			}
			return hessian(dst, once)
		}
		own = math.Sqrt
	}
	p, err := linalg.NewNystrom(product, r.obj.Dim, r.Rank, seed)
	if err != nil { // rounding has made it indefinite
		p, err = indefiniteNystrom(product, r.obj.Dim, r.Rank, r.Rank, 0, seed)
	}
	if err != nil {
		return nil, nil, 0, err
	}
	shift = shiftFor(r.Shift, own(p.Values[0]), r.obj.Precision())
	if last := own(p.Values[r.Rank-1]); r.Rank < r.MaxRank && last > 10*shift {
		enough := shift // where the rank is enough, in tenths of the operator's eigenvalue
		if r.Hessian {
			enough = 10 * shift * shift
		}
		first := min(2*r.Rank, r.MaxRank)
		if p, err = linalg.AdaptNystrom(product, r.obj.Dim, first, r.MaxRank, enough, seed); err != nil {
			p, err = indefiniteNystrom(product, r.obj.Dim, first, r.MaxRank, enough, seed)
		}
		if err != nil {
			return nil, nil, 0, err
		}
	}
	values = make([]float64, len(p.Values))
	for i, v := range p.Values {
		values[i] = own(v)
	}
	return p.Vectors, values, shift, nil
}
