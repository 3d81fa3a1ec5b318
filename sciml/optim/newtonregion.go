package optim

import (
	"cmp"
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/objective"
)

// NewtonTrustRegion is the truncated Newton method in a trust region: B is the Hessian itself, which is never stored, and
// conjugate gradients take products with it (Steihaug 1983, Toint 1981; Nocedal and Wright 2006, section 7.1). It leaves
// saddle points along directions of negative curvature. A product costs about two gradients and counts as one evaluation.
// The zero value is usable.
type NewtonTrustRegion struct {
	// Region has the radius and its control.
	Region TrustRegion
	// Forcing bounds the relative residual of the Newton system, ‖Bp + ∇f‖ ≤ min(Forcing, √‖∇f‖)·‖∇f‖, at which conjugate
	// gradients stop, between 0 and 1; 0.5 when zero. The root makes the method converge superlinearly (Nocedal and Wright
	// 2006, Algorithm 7.1); 1e-8 solves the system all but exactly.
	Forcing float64
}

// Name implements Method.
func (NewtonTrustRegion) Name() string { return "Newton–CG trust region" }

// Start implements Method. It fails when a setting is out of its range, and for an objective made of a Function.
func (m NewtonTrustRegion) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	if err := obj.NeedGraph("NewtonTrustRegion", "products with the Hessian"); err != nil {
		return nil, err
	}
	region, err := m.Region.withDefaults()
	if err != nil {
		return nil, err
	}
	m.Forcing = cmp.Or(m.Forcing, 0.5)
	if err := checkSettings("NewtonTrustRegion", forcing(m.Forcing)); err != nil {
		return nil, err
	}
	cg, err := newTruncatedCG(obj, 0, func(theta, v *graph.Node, _, data []*graph.Node) *graph.Node {
		return autodiff.HessianProduct(obj.BuildLoss(theta, data), theta, v)
	})
	if err != nil {
		return nil, err
	}
	cg.most, cg.forcing, cg.counts = region.MaxProducts, func(g float64) float64 { return math.Min(m.Forcing, math.Sqrt(g)) }, true
	cg.most = cmp.Or(cg.most, 100)
	return startTrustRegion(obj, theta, newtonModel{}, cg, region)
}

// newtonModel has nothing to learn.
type newtonModel struct{}

func (newtonModel) State(int, dtypes.DType) []shapes.Shape { return nil }

func (newtonModel) Learn(_, _ *graph.Node, _ []*graph.Node) []*graph.Node { return nil }
