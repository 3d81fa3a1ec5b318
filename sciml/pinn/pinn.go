// Package pinn turns a boundary-value problem and a network into an objective for an optimizer: the least-squares
// loss of a physics-informed neural network (Raissi, Perdikaris and Karniadakis 2019)
//
//	L(θ) = Σ_t w_t · mean_n r_t(x_n; θ)²
//
// over the equations in the interior and, unless an ansatz satisfies them exactly, the conditions on the boundary.
// The objective is given as a residual vector with entries √(w_t/N_t)·r_t, so that L is the sum of its squares and
// Gauss–Newton methods see weights as row scaling.
package pinn

import (
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/sample"
)

// Options say how a problem becomes a loss. Zero fields take the defaults.
type Options struct {
	// Interior and Boundary are the numbers of collocation points; 900 and 120 when zero.
	Interior, Boundary int
	// Hard satisfies the conditions exactly, by the problem's Ansatz; otherwise they are terms of the loss.
	Hard bool
	// BoundaryWeight is w for the conditions; 1 when zero. Equations have weight 1.
	BoundaryWeight float64
	// Seed chooses the points.
	Seed uint64
	// DType is the floating-point type of the computation; float64 when zero.
	DType dtypes.DType
}

// Model is a problem with a network in place of its unknowns.
type Model struct {
	backend compute.Backend
	problem *pde.Problem
	network nn.Network
	options Options
	terms   []term

	building sync.Mutex  // guards eval
	eval     *graph.Exec // u at points; nil until first used

	errors  *graph.Exec // relative errors at the held-out points; nil until first used
	heldOut []*tensors.Tensor
}

// term is one residual with its points.
type term struct {
	name     string
	weight   float64
	residual func(u *autodiff.Derivatives, normal *graph.Node) *graph.Node
	points   *sample.Points
}

// New makes the model. It fails when the problem is incomplete, the network does not fit it, or options make no sense.
func New(backend compute.Backend, problem *pde.Problem, network nn.Network, options Options) (*Model, error) {
	if backend == nil {
		return nil, errors.New("pinn: the back end is nil, expected an open one such as backend.Open gives")
	}
	if err := problem.Check(); err != nil {
		return nil, err
	}
	if network == nil {
		return nil, errors.New("pinn: the network is nil")
	}
	if network.Inputs() != len(problem.Coordinates) || network.Outputs() != len(problem.Unknowns) {
		return nil, fmt.Errorf("pinn: the network %s maps %d inputs to %d outputs, expected %d to %d for %q",
			network, network.Inputs(), network.Outputs(), len(problem.Coordinates), len(problem.Unknowns), problem.Name)
	}
	if err := options.setDefaults(problem); err != nil {
		return nil, err
	}
	m := &Model{backend: backend, problem: problem, network: network, options: options}
	if err := m.collocate(); err != nil {
		return nil, err
	}
	return m, nil
}

func (o *Options) setDefaults(problem *pde.Problem) error {
	switch {
	case o.Interior < 0 || o.Boundary < 0:
		return fmt.Errorf("pinn: Options.Interior is %d and Boundary %d, expected at least 1 (or 0 for the default)", o.Interior, o.Boundary)
	case o.BoundaryWeight < 0 || math.IsNaN(o.BoundaryWeight) || math.IsInf(o.BoundaryWeight, 0):
		return fmt.Errorf("pinn: Options.BoundaryWeight is %v, expected a finite number above 0 (or 0 for the default)", o.BoundaryWeight)
	case o.Hard && problem.Ansatz == nil:
		return fmt.Errorf("pinn: Options.Hard is set, but problem %q has no Ansatz that satisfies its conditions", problem.Name)
	case o.DType != dtypes.InvalidDType && o.DType != dtypes.Float64 && o.DType != dtypes.Float32:
		return fmt.Errorf("pinn: Options.DType is %s, expected float64 or float32", o.DType)
	}
	if o.Interior == 0 {
		o.Interior = 900
	}
	if o.Boundary == 0 {
		o.Boundary = 120
	}
	if o.BoundaryWeight == 0 {
		o.BoundaryWeight = 1
	}
	if o.DType == dtypes.InvalidDType {
		o.DType = dtypes.Float64
	}
	return nil
}

// collocate draws the points of every term.
func (m *Model) collocate() error {
	draw := sample.Uniform{Seed: m.options.Seed}
	interior, err := draw.Interior(m.problem.Domain, m.options.Interior)
	if err != nil {
		return err
	}
	for _, e := range m.problem.Equations {
		m.terms = append(m.terms, term{name: e.Name, weight: 1, points: interior,
			residual: func(u *autodiff.Derivatives, _ *graph.Node) *graph.Node { return e.Residual(u) }})
	}
	if m.options.Hard {
		return nil
	}
	for _, c := range m.problem.Conditions {
		points, err := draw.Boundary(m.problem.Domain, m.options.Boundary, c.On...)
		if err != nil {
			return err
		}
		m.terms = append(m.terms, term{name: c.Name, weight: m.options.BoundaryWeight, points: points, residual: c.Residual})
	}
	return nil
}

// Problem that the model solves.
func (m *Model) Problem() *pde.Problem { return m.problem }

// Network in place of the problem's unknowns.
func (m *Model) Network() nn.Network { return m.network }

// Options of the model, with the defaults filled in.
func (m *Model) Options() Options { return m.options }

// Points are the collocation points by name of term.
func (m *Model) Points() map[string]*sample.Points {
	points := map[string]*sample.Points{}
	for _, t := range m.terms {
		points[t.name] = t.points
	}
	return points
}

// Objective is the loss as a sum of squared residuals, for any optimizer.
func (m *Model) Objective() *optim.Objective {
	o := &optim.Objective{Backend: m.backend, Dim: m.network.NumParams(), DType: m.options.DType, Residual: m.residual}
	for _, t := range m.terms {
		o.Data = append(o.Data, m.tensor(t.points.Coords, t.points.Dim))
		if t.points.Normals != nil {
			o.Data = append(o.Data, m.tensor(t.points.Normals, t.points.Dim))
		}
	}
	return o
}

// residual builds all residuals as one vector, scaled by √(w/N).
func (m *Model) residual(theta *graph.Node, data []*graph.Node) *graph.Node {
	var parts []*graph.Node
	for _, t := range m.terms {
		x, normal := data[0], (*graph.Node)(nil)
		data = data[1:]
		if t.points.Normals != nil {
			normal, data = data[0], data[1:]
		}
		r := t.residual(autodiff.Of(m.u(theta, x), x), normal)
		if r.Shape().Size() != t.points.N {
			panic(fmt.Errorf("pinn: the residual %q of problem %q has shape %s, expected one value for each of its %d points",
				t.name, m.problem.Name, r.Shape(), t.points.N))
		}
		r = graph.Reshape(r, t.points.N)
		parts = append(parts, graph.MulScalar(r, math.Sqrt(t.weight/float64(t.points.N))))
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return graph.Concatenate(parts, 0)
}

// u builds the network, or the ansatz around it, at points of shape [N, d].
func (m *Model) u(theta, x *graph.Node) *graph.Node {
	u := m.network.Apply(theta, x)
	if m.options.Hard {
		u = m.problem.Ansatz(x, u)
	}
	return u
}

// tensor puts row-major rows of the given width, or one vector if that is zero, into the model's precision.
func (m *Model) tensor(values []float64, width int) *tensors.Tensor {
	dims := []int{len(values)}
	if width > 0 {
		dims = []int{len(values) / width, width}
	}
	if m.options.DType != dtypes.Float32 {
		return tensors.FromFlatDataAndDimensions(values, dims...)
	}
	narrow := make([]float32, len(values))
	for i, v := range values {
		narrow[i] = float32(v)
	}
	return tensors.FromFlatDataAndDimensions(narrow, dims...)
}
