package optim

import (
	"fmt"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/linalg"
	"github.com/gosciml/gosciml/sciml/objective"
)

// metricMemory is the size of J_m and M in bytes, for steps in a space of so many columns. It fails where a method of that name
// cannot have them as matrices, or has no metric.
func metricMemory(obj *objective.Objective, method string, columns int) (float64, error) {
	if err := obj.NeedMetric(method); err != nil {
		return 0, err
	}
	made, err := obj.MetricSize()
	if err != nil {
		return 0, fmt.Errorf("optim: %s.Metric: %w", method, err)
	}
	return denseMemory(obj, columns, made, columns), nil
}

// needNormal reports settings that a metric does not go together with: other solvers than that with P×P, and scalings.
func needNormal(method string, solver LeastSquaresSolver, scaling Scaling) error {
	if solver != CheapestSolver && solver != DenseNormal {
		return objective.Unsuitable("optim: %s.Metric is set with the Solver %s, expected %s", method, solver, DenseNormal)
	}
	if scaling > UnitScaling {
		return objective.Unsuitable("optim: %s.Metric is set with a Scaling by %s, expected UnitScaling: both say how steps are measured", method, scaling)
	}
	return nil
}

// buildShift builds M/s_M + εI in a subspace, with what draws it; s_M is the largest diagonal entry of M.
func buildShift(obj *objective.Objective, space objective.Subspaces, epsilon float64, theta *graph.Node, drawn, data []*graph.Node) *graph.Node {
	j := obj.BuildMetric(theta, data)
	scale := objective.LargestColumn(j)
	scale = graph.Where(graph.GreaterThan(scale, graph.ZerosLike(scale)), scale, graph.OnesLike(scale))
	gram := objective.Gram(space.Narrow(j, drawn))
	return graph.Add(graph.Div(gram, scale), graph.MulScalar(identity(gram), epsilon))
}

// metricSystem is M at an iterate, for natural gradients.
type metricSystem struct {
	obj                                         *objective.Objective
	share                                       float64 // of the gradient that is solved for
	linearizing, factorizing, solving, stepping *device.Program
	at                                          *evaluated
	matrices                                    []*tensors.Tensor // J_m, M and its largest diagonal entry
	text                                        string
}

// newMetricSystem makes one for a method of that name.
func newMetricSystem(obj *objective.Objective, method string, maxMemory int64) (*metricSystem, error) {
	need, err := metricMemory(obj, method, obj.Dim)
	if err != nil {
		return nil, err
	}
	if err := needMemory(obj, method, "the matrix of the metric", need/float64(obj.Precision().Size()), maxMemory); err != nil {
		return nil, err
	}
	s := &metricSystem{obj: obj, share: 1, text: fmt.Sprintf("the matrix of the metric (%d parameters)", obj.Dim)}
	if obj.IsLeastSquares() {
		s.share = 0.5 // the gradient is 2Jᵀr
	}
	if s.linearizing, err = device.NewProgram(obj.Compiler(), "metric", func(in []*graph.Node) []*graph.Node {
		j := obj.BuildMetric(in[0], in[1:])
		return []*graph.Node{j, objective.Gram(j), objective.LargestColumn(j)}
	}); err != nil {
		return nil, err
	}
	if s.factorizing, err = device.NewProgram(obj.Compiler(), "factorization", func(in []*graph.Node) []*graph.Node {
		damping := graph.Mul(in[0], in[2])
		return append([]*graph.Node{damping}, linalg.Cholesky(graph.Add(in[1], graph.Mul(damping, identity(in[1])))).Blocks()...)
	}); err != nil {
		return nil, err
	}
	// Each call takes from p what p leaves of (M + λI)p = −share·g, which is computed with J_m.
	if s.solving, err = device.NewProgram(obj.Compiler(), "natural gradient", func(in []*graph.Node) []*graph.Node {
		p, g, j, damping, blocks := in[0], in[1], in[2], in[3], in[4:]
		left := graph.Add(graph.MulScalar(g, s.share), graph.Mul(damping, p))
		left = graph.Add(left, device.TransposeMultiply(j, device.Multiply(j, p)))
		return []*graph.Node{graph.Sub(p, linalg.FactorOf(obj.Dim, blocks).Solve(left))}
	}); err != nil {
		return nil, err
	}
	s.stepping, err = device.NewProgram(obj.Compiler(), "slope", func(in []*graph.Node) []*graph.Node {
		return []*graph.Node{device.Norm(in[0]), graph.Neg(device.Dot(in[0], in[1]))}
	})
	return s, err
}

// linearize implements leastSquaresSystem.
func (s *metricSystem) linearize(at *evaluated, data []*tensors.Tensor) error {
	if s.at == at && s.matrices != nil {
		return nil
	}
	s.at, s.matrices = at, nil
	made, err := s.linearizing.Call([]*tensors.Tensor{at.theta}, data)
	if err != nil {
		return err
	}
	s.matrices, at.made = made, made
	return nil
}

// solve returns the natural gradient for λ = relative·(the largest diagonal entry of M). The decrease that it predicts is −∇fᵀp,
// as M says nothing of the second derivatives.
func (s *metricSystem) solve(relative float64, _ []*tensors.Tensor) (regionStep, error) {
	j, matrix, scale := s.matrices[0], s.matrices[1], s.matrices[2]
	factor, err := s.factorizing.Call([]*tensors.Tensor{device.Scalar(s.obj.Precision(), relative), matrix, scale})
	if err != nil {
		return regionStep{}, err
	}
	defer device.Free(factor)
	p := device.Vector(s.obj.Precision(), make([]float64, s.obj.Dim))
	for range 1 + corrections {
		next, err := s.solving.Call([]*tensors.Tensor{p, s.at.gradient, j}, factor)
		device.Free([]*tensors.Tensor{p})
		if err != nil {
			return regionStep{}, err
		}
		p = next[0]
	}
	out, err := s.stepping.Call([]*tensors.Tensor{p, s.at.gradient})
	if err != nil {
		device.Free([]*tensors.Tensor{p})
		return regionStep{}, err
	}
	return regionStep{p: p, length: device.Number(out[0]), predicted: device.Number(out[1])}, nil
}

func (s *metricSystem) plan() string { return s.text }

func (s *metricSystem) scaling() *scales { return nil }

func (s *metricSystem) ahead(shapes.Shape) {} // its programs are made as they are asked for
