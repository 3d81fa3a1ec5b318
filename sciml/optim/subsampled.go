package optim

import (
	"cmp"
	"fmt"
	"math"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// SubsampledNewton is NewtonCG with the Hessian of a few samples (Byrd, Chin, Neveitt and Nocedal 2011, "On the use of
// stochastic Hessian information in optimization methods for machine learning", Algorithm 3.1, S-Newton; Roosta-Khorasani
// and Mahoney 2019, "Sub-sampled Newton methods"): products are with
//
//	∇²f_S(θ) + Damping·I,
//
// where S is drawn anew for each direction, without replacement, and f_S is the unbiased estimate of the loss from the
// samples in S. The gradient and the line search take all samples, so that f falls with every step; convergence is linear,
// the faster the larger S is. A product counts as the part of an evaluation that S is of all samples, rounded up for each
// direction. It needs Objective.Samples. The zero value is usable.
type SubsampledNewton struct {
	// Fraction is the part of the samples that S has, above 0 and at most 1; 0.1 when it and Size are zero.
	Fraction float64
	// Size is the number of samples in S, of all Objective.Samples together, each of which gives about the same share and
	// at least one; it goes instead of Fraction.
	Size int
	// Seed chooses the samples.
	Seed uint64
	// Damping is added to the diagonal, at least 0; none when zero. It helps where S has fewer residuals than there are
	// parameters, so that the matrix is singular although that of all samples is not.
	Damping float64
	// Matrix is the Hessian when zero, or the Gauss–Newton matrix.
	Matrix objective.CurvatureMatrix
	// Forcing bounds the relative residual of the system as in NewtonCG, between 0 and 1; 0.5 when zero.
	Forcing float64
	// MaxProducts bounds the products for one direction; 100 when zero.
	MaxProducts int
	// Search finds the step length, first trying 1; StrongWolfe{} when nil.
	Search search.Search
}

// Name implements Method.
func (SubsampledNewton) Name() string { return "subsampled Newton" }

// Start implements Method. It fails when a setting is out of its range, for an objective without Samples or made of a
// Function, and with the Gauss–Newton matrix for one without residuals.
func (m SubsampledNewton) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	if m.Fraction != 0 && m.Size != 0 {
		return nil, fmt.Errorf("optim: SubsampledNewton.Fraction is %v and Size %d, expected one of them", m.Fraction, m.Size)
	}
	m.Fraction, m.Forcing = cmp.Or(m.Fraction, 0.1), cmp.Or(m.Forcing, 0.5)
	m.MaxProducts = cmp.Or(m.MaxProducts, 100)
	m.Search = cmp.Or[search.Search](m.Search, search.StrongWolfe{})
	if err := m.Matrix.Check(obj, "SubsampledNewton"); err != nil {
		return nil, err
	}
	if err := obj.NeedSamples("SubsampledNewton"); err != nil {
		return nil, err
	}
	if err := checkSettings("SubsampledNewton",
		setting{"Fraction", m.Fraction, m.Fraction > 0 && m.Fraction <= 1, "a number above 0 and at most 1"},
		optional("Size", m.Size, "Fraction"), notNegative("Damping", m.Damping), forcing(m.Forcing), counted("MaxProducts", m.MaxProducts)); err != nil {
		return nil, err
	}
	m.Size = cmp.Or(m.Size, max(1, int(math.Round(m.Fraction*float64(obj.NumSamples())))))
	s, err := newSampledSystem(obj, m.Matrix, objective.Batches{Size: m.Size, Seed: m.Seed})
	if err != nil {
		return nil, err
	}
	d := &newtonDirector{obj: obj, system: s, damping: m.Damping, forcing: m.Forcing, most: m.MaxProducts}
	return startDirected(obj, theta, d, m.Search)
}

// sampledSystem has the matrix of a batch.
type sampledSystem struct {
	obj     *objective.Objective
	hessian *objective.Curvature
	sampler *objective.Sampler
	gather  *device.Program // the tensors of Data that belong to samples, for a batch
	places  []int           // of these
}

func newSampledSystem(obj *objective.Objective, matrix objective.CurvatureMatrix, batches objective.Batches) (*sampledSystem, error) {
	s := &sampledSystem{obj: obj}
	var err error
	if s.sampler, err = batches.Sampler(obj, "SubsampledNewton"); err != nil {
		return nil, err
	}
	for _, group := range obj.Samples {
		s.places = append(s.places, group.Data...)
	}
	if s.hessian, err = objective.NewCurvature(obj, matrix); err != nil {
		return nil, err
	}
	s.gather, err = device.NewProgram(obj.Compiler(), "samples for the Hessian", func(in []*graph.Node) []*graph.Node {
		groups := len(obj.Samples)
		all := objective.NewBatch(obj, in[1:1+groups], in[0], in[1+groups:]).Data()
		var mine []*graph.Node
		for _, place := range s.places {
			mine = append(mine, all[place])
		}
		return mine
	})
	return s, err
}

func (*sampledSystem) state() []shapes.Shape { return nil }

// prepare draws the samples that belong to the number of the step: the first ones of a pass in an order of its own.
func (s *sampledSystem) prepare(at *evaluated, steps int, _ []*tensors.Tensor) (prepared, error) {
	s.sampler.ToPass(steps)
	rows := s.sampler.Next(1, 1)
	defer device.Free(rows)
	mine, err := s.gather.Call([]*tensors.Tensor{tensors.FromScalar(int32(0))}, rows, s.obj.Data)
	if err != nil {
		return prepared{}, err
	}
	data := append([]*tensors.Tensor{}, s.obj.Data...)
	for i, place := range s.places {
		data[place] = mine[i]
	}
	share := float64(s.sampler.Size()) / float64(s.obj.NumSamples())
	return prepared{matrix: s.hessian.AtDevice(at.theta, data), share: share, release: mine}, nil
}
