package optim

import (
	"cmp"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/floats"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// KFAC is the Gauss–Newton method with Kronecker-factored approximate curvature, for residuals of differential equations
// (Dangel, Müller and Zeinhofer 2024, arXiv 2405.15603), whose losses are sums of squares f = Σ rᵢ². JᵀJ is replaced by
// its diagonal blocks, one for each layer, and each block by a sum of two Kronecker products: A₁ ⊗ G₁ for the pieces of
// the residual with derivatives, and A₂ ⊗ G₂ for those with values alone, such as boundary conditions; see
// autodiff.KroneckerFactors. The direction is
//
//	p = −(A₁ ⊗ G₁ + A₂ ⊗ G₂ + λI)⁻¹ ½∇f + μp₋,
//
// where p₋ is the direction before; μp₋ is left out where p would not point downwards. Where a layer meets both, λI is put
// into the factors of the second product, (A₂ + π√λ·I) ⊗ (G₂ + √λ/π·I) with π² the mean eigenvalue of A₂ over that of G₂
// (Martens and Grosse 2015, "Optimizing neural networks with Kronecker-factored approximate curvature", section 6.3); the
// paper does so in both. Several pieces of one kind share a product, which has the partial traces of their sum.
//
// An iteration takes about a gradient for each column of a piece, and of the order of n³ operations on the host for layers
// of n units. The objective has to have Pieces, with one of more than one point at least; weights may be of any
// network that autodiff.KroneckerFactors knows. Weights without a matrix, such as coefficients, have their exact block.
// The zero value is usable: fields that are zero take the defaults.
type KFAC struct {
	// Damping is λ, in units of the largest diagonal entry of the approximated JᵀJ, about; 1e-6 when zero.
	Damping float64
	// Decay is the decay rate of the moving averages of A and G, at least 0 and below 1; their start has no weight. None
	// when zero, which is right for points that stay: the paper draws new ones.
	Decay float64
	// Momentum is μ, at least 0 and below 1; 0.6 when zero, Zero for none.
	Momentum float64
	// Quadratic is the paper's variant KFAC*: it chooses the lengths of −(…)⁻¹½∇f and of the step before by minimizing
	// ‖Jp + r‖² + λ‖p‖² over both, at the cost of two products with J, and Momentum is not used.
	Quadratic bool
	// Search finds the step length; Grid when nil, or Armijo with Quadratic, where the first trial is the whole step.
	Search search.Search
	// MaxMemory is the most that the factors may need, in bytes; 4 GiB when zero, or 256 vectors of the length of θ where they are more.
	MaxMemory int64
}

// Name implements Method.
func (k KFAC) Name() string {
	if k.Quadratic {
		return "KFAC*"
	}
	return "KFAC"
}

// Start implements Method. It fails for an objective without Pieces or with an unknown use of weights, and when a setting is
// out of its range.
func (k KFAC) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	if k.Search == nil {
		k.Search = search.Grid{}
		if k.Quadratic {
			k.Search = search.Armijo{}
		}
	}
	k.Damping, k.Momentum = cmp.Or(k.Damping, 1e-6), cmp.Or(k.Momentum, 0.6)
	if err := checkSettings("KFAC", positive("Damping", k.Damping), fraction("Decay", k.Decay), fraction("Momentum", k.Momentum)); err != nil {
		return nil, err
	}
	if err := obj.NeedResidual("KFAC"); err != nil {
		return nil, err
	}
	if obj.Pieces == nil {
		return nil, objective.Unsuitable("optim: KFAC needs Objective.Pieces, the residuals point by point, but it is nil")
	}
	d := &kfacDirector{KFAC: k, obj: obj}
	var err error
	if d.layout, err = newKFACLayout(obj); err != nil {
		return nil, err
	}
	if err := needMemory(obj, "KFAC", "the factors of the layers", 4*float64(d.layout.size), k.MaxMemory); err != nil {
		return nil, err
	}
	if d.factors, err = device.NewProgram(obj.Compiler(), "Kronecker factors", func(in []*graph.Node) []*graph.Node {
		flat, _ := kfacFactors(obj, in[0], in[1:])
		return []*graph.Node{flat}
	}); err != nil {
		return nil, err
	}
	if d.products, err = device.NewProgram(obj.Compiler(), "products with J", func(in []*graph.Node) []*graph.Node {
		theta := []*graph.Node{in[0]}
		r := obj.BuildResidual(in[0], in[3:])
		a, b := autodiff.JVP(r, theta, in[1:2]), autodiff.JVP(r, theta, in[2:3])
		return []*graph.Node{device.Dot(a, a), device.Dot(a, b), device.Dot(b, b)}
	}); err != nil {
		return nil, err
	}
	return startDirected(obj, theta, d, k.Search)
}

// kfacDirector solves with the factors on the host. Its state: the averages of the factors, their weight, and the
// direction before, or θ before for Quadratic.
type kfacDirector struct {
	KFAC
	obj               *objective.Objective
	layout            *kfacLayout
	factors, products *device.Program
}

func (d *kfacDirector) blank() []*tensors.Tensor {
	dtype := d.obj.Precision()
	return device.Zeros([]shapes.Shape{shapes.Make(dtype, d.layout.size), shapes.Make(dtype), shapes.Make(dtype, d.obj.Dim)})
}

func (d *kfacDirector) rebase(state []*tensors.Tensor) []*tensors.Tensor { return state }

func (d *kfacDirector) direct(at *evaluated, state []*tensors.Tensor) (directed, error) {
	dtype := d.obj.Precision()
	gradient, err := device.Numbers(at.gradient)
	if err != nil {
		return directed{}, err
	}
	averages, weight, err := d.average(at, state)
	if err != nil {
		return directed{}, err
	}
	step := make([]float64, d.obj.Dim)
	damping, err := d.layout.solve(step, gradient, averages, d.Damping)
	if err != nil { // of the numbers, as nothing here is on the device
		return directed{why: err.Error(), products: d.layout.passes}, nil
	}
	floats.Scale(-0.5, step)
	before, err := device.Numbers(state[2])
	if err != nil {
		return directed{}, err
	}
	out := directed{products: d.layout.passes}
	remembered := step // with the momentum that comes to it
	begun := device.Number(state[1]) > 0
	if d.Quadratic {
		if remembered, err = device.Numbers(at.theta); err != nil {
			return directed{}, err
		}
		var last []float64 // the step before
		if begun {
			last = floats.SubTo(before, remembered, before)
		}
		if err = d.combine(at, step, last, gradient, damping); err != nil {
			return directed{}, err
		}
		out.products += 2
	} else if begun {
		moved := floats.AddScaledTo(make([]float64, len(step)), step, d.Momentum, before)
		if floats.Dot(moved, gradient) < 0 {
			copy(step, moved)
		}
	}
	out.step, out.slope, out.length = device.Vector(dtype, step), floats.Dot(step, gradient), floats.Norm(step, 2)
	out.next = []*tensors.Tensor{device.Vector(dtype, averages), device.Scalar(dtype, weight), device.Vector(dtype, remembered)}
	return out, nil
}

// average computes the factors at a point and returns their averages, and how much weight those have: 1 − β to the number
// of them.
func (d *kfacDirector) average(at *evaluated, state []*tensors.Tensor) (averages []float64, weight float64, err error) {
	out, err := d.factors.Call([]*tensors.Tensor{at.theta}, d.obj.Data)
	if err != nil {
		return nil, 0, err
	}
	defer device.Free(out)
	flat, err := device.Numbers(out[0])
	if err != nil {
		return nil, 0, err
	}
	if averages, err = device.Numbers(state[0]); err != nil {
		return nil, 0, err
	}
	weight = d.Decay*device.Number(state[1]) + 1 - d.Decay
	for i, fresh := range d.layout.pooled(flat) {
		averages[i] += (1 - d.Decay) / weight * (fresh - averages[i])
	}
	return averages, weight, nil
}

// combine replaces a step Δ by the αΔ + μδ that minimizes rᵀr + ∇fᵀp + pᵀ(JᵀJ + λI)p, with the step δ before; nil for none.
// (Martens and Grosse 2015, section 7).
func (d *kfacDirector) combine(at *evaluated, step, last, gradient []float64, damping float64) error {
	dtype := d.obj.Precision()
	other := last
	if last == nil {
		other = step
	}
	both := []*tensors.Tensor{device.Vector(dtype, step), device.Vector(dtype, other)}
	defer device.Free(both)
	out, err := d.products.Call([]*tensors.Tensor{at.theta}, both, d.obj.Data)
	if err != nil {
		return err
	}
	defer device.Free(out)
	a11 := device.Number(out[0]) + damping*floats.Dot(step, step)
	g1 := floats.Dot(gradient, step)
	alpha, mu := -g1/(2*a11), 0.0
	if last != nil {
		a12, a22 := device.Number(out[1])+damping*floats.Dot(step, last), device.Number(out[2])+damping*floats.Dot(last, last)
		g2 := floats.Dot(gradient, last)
		if det := a11*a22 - a12*a12; det > 1e-12*a11*a22 { // else they are parallel
			alpha, mu = -(a22*g1-a12*g2)/(2*det), -(a11*g2-a12*g1)/(2*det)
		}
	}
	floats.Scale(alpha, step)
	if mu != 0 {
		floats.AddScaled(step, mu, last)
	}
	return nil
}
