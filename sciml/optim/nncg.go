package optim

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/linalg"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// NNCG is NysNewton-CG, made for physics-informed networks, whose losses are ill-conditioned (Rathore, Lei, Frangella, Lu
// and Udell 2024, "Challenges in training PINNs: a loss landscape perspective", Algorithms 4 to 7): the direction solves
//
//	(∇²f(θ) + Damping·I)p = −∇f(θ)
//
// by conjugate gradients, preconditioned by a randomized Nyström approximation of the Hessian (Frangella, Tropp and Udell
// 2023), which is made anew every few iterations; an Armijo search follows. As in NewtonCG, a product with the Hessian
// counts as one evaluation, and conjugate gradients stop where the curvature is not positive. Other than in the paper they
// start from zero, not from the last direction, so that what they have then is a direction of descent; and the rank of the
// approximation adapts: it doubles from Rank until the smallest eigenvalue found is at most ten times the damping, or
// MaxRank is reached. The zero value is usable.
type NNCG struct {
	// Damping is μ, above 0, the setting that is worth tuning: the authors try 1e-5 to 1e-1; 1e-4 when zero, as in their
	// code. Progress along directions of curvature below μ is linear, so that little damping pays near a loss of zero.
	Damping float64
	// Rank is the first rank of the approximation and MaxRank its largest one, at least 1 and at most P; 10 and 60 when
	// zero. An approximation costs as many products, and as many vectors of length P on the host.
	Rank, MaxRank int
	// Every is the number of iterations that an approximation serves; 20 when zero.
	Every int
	// Seed chooses the test vectors of the approximations.
	Seed uint64
	// Matrix is the Hessian when zero, or the Gauss–Newton matrix.
	Matrix objective.CurvatureMatrix
	// Forcing bounds the relative residual of the system as in NewtonCG, between 0 and 1; 0.5 when zero.
	Forcing float64
	// MaxProducts bounds the products for one direction, without those for the preconditioner; 1000 when zero.
	MaxProducts int
	// Search finds the step length, first trying 1; Armijo{Decrease: 0.1} when nil.
	Search search.Search
	// MaxMemory is the most that the approximation may need, in bytes; 4 GiB when zero, or 256 vectors of the length of θ where they are more.
	MaxMemory int64
}

// Name implements Method.
func (NNCG) Name() string { return "NysNewton–CG" }

// Start implements Method. It fails when a setting is out of its range, for an objective made of a Function, and with the
// Gauss–Newton matrix for one without residuals.
func (m NNCG) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	if err := m.Matrix.Check(obj, "NNCG"); err != nil {
		return nil, err
	}
	m.Damping, m.Forcing = cmp.Or(m.Damping, 1e-4), cmp.Or(m.Forcing, 0.5)
	for _, f := range []struct {
		field *int
		value int
	}{{&m.Every, 20}, {&m.MaxProducts, 1000}, {&m.MaxRank, max(60, m.Rank)}, {&m.Rank, min(10, max(1, m.MaxRank))}} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	if m.Search == nil {
		m.Search = search.Armijo{Decrease: 0.1}
	}
	if err := checkSettings("NNCG", positive("Damping", m.Damping), forcing(m.Forcing), counted("Rank", m.Rank),
		setting{"MaxRank", m.MaxRank, m.MaxRank >= m.Rank, fmt.Sprintf("at least Rank = %d", m.Rank)},
		counted("Every", m.Every), counted("MaxProducts", m.MaxProducts)); err != nil {
		return nil, err
	}
	h, err := objective.NewCurvature(obj, m.Matrix)
	if err != nil {
		return nil, err
	}
	m.Rank, m.MaxRank = min(m.Rank, obj.Dim), min(m.MaxRank, obj.Dim)
	if err := needMemory(obj, "NNCG", fmt.Sprintf("an approximation of rank %d", m.MaxRank), 4*float64(m.MaxRank)*float64(obj.Dim), m.MaxMemory); err != nil {
		return nil, err
	}
	d := &newtonDirector{obj: obj, system: &nystromSystem{NNCG: m, obj: obj, hessian: h}, damping: m.Damping, forcing: m.Forcing, most: m.MaxProducts}
	return startDirected(obj, theta, d, m.Search)
}

// nystromSystem preconditions the matrix of all samples. It remembers where and when the approximation was made, and not
// the approximation, which is made from that again when a run is resumed.
type nystromSystem struct {
	NNCG
	obj     *objective.Objective
	hessian *objective.Curvature

	made    int       // 1 + the number of steps before the approximation here; 0 for none
	theta   []float64 // where it was made
	inverse linalg.Operator
}

func (s *nystromSystem) state() []shapes.Shape {
	return []shapes.Shape{shapes.Make(dtypes.Int32), shapes.Make(s.obj.Precision(), s.obj.Dim)}
}

func (s *nystromSystem) prepare(at *evaluated, steps int, state []*tensors.Tensor) (prepared, error) {
	made, from := int(tensors.ToScalar[int32](state[0])), state[1]
	renew := made == 0 || steps-(made-1) >= s.Every
	if renew {
		made, from = steps+1, at.theta
	}
	theta, err := device.Numbers(from)
	if err != nil {
		return prepared{}, err
	}
	p := prepared{matrix: s.hessian.AtDevice(at.theta, s.obj.Data), share: 1}
	if renew || s.made != made || !slices.Equal(s.theta, theta) {
		sketched := s.hessian.AtDevice(from, s.obj.Data)
		if s.inverse, err = s.approximate(sketched, made); err != nil {
			return prepared{}, err
		}
		s.made, s.theta = made, theta
		if renew { // the products of a resumed run were counted before
			p.products = sketched.Products
		}
	}
	p.preconditioner = s.inverse
	p.next = []*tensors.Tensor{tensors.FromScalar(int32(made)), device.Vector(s.obj.Precision(), theta)}
	return p, nil
}

// approximate makes a preconditioner, or none where the matrix does not allow one.
func (s *nystromSystem) approximate(matrix *objective.CurvatureAt, made int) (linalg.Operator, error) {
	seed := s.Seed + uint64(made)*0x9e3779b97f4a7c15
	n, err := indefiniteNystrom(matrix.Multiply, s.obj.Dim, s.Rank, s.MaxRank, s.Damping, seed)
	if matrix.Err != nil {
		return nil, matrix.Err
	}
	if err != nil {
		return nil, nil
	}
	return n.Inverse(s.Damping), nil
}
