package diagnose

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/floats"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// Plane is the plane through Origin that two directions span, each a vector of the length of θ. RandomPlane and PathPlane choose
// one; two eigenvectors of a Hessian span another. A step of 1 in the plane is one of the length of the direction.
type Plane struct{ Origin, First, Second []float64 }

// Surface is the loss on a grid in a plane: U[i+len(X)*j] = f(Origin + X[i]·First + Y[j]·Second). What is NaN or infinite there is in
// U as well. plot.Grid has the same fields: plot.Grid(*surface) is what figures take.
type Surface struct{ X, Y, U []float64 }

// Surface computes the loss at all nodes, which increase along x and y: two or more. The losses of some dozens of nodes are one call to
// the device. It fails where a vector has another length than Objective.Dim, or has numbers that are not finite, where a direction is
// zero, and when ctx is done.
func (p *Plane) Surface(ctx context.Context, obj *objective.Objective, x, y []float64) (*Surface, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	if err := errors.Join(checkNodes("x", x), checkNodes("y", y)); err != nil {
		return nil, err
	}
	at := make([]float64, 0, 2*len(x)*len(y))
	for _, v := range y {
		for _, u := range x {
			at = append(at, u, v)
		}
	}
	s, err := newSlicer(ctx, obj, p.Origin, p.First, p.Second)
	if err != nil {
		return nil, err
	}
	defer s.release()
	losses, err := s.losses(at)
	if err != nil {
		return nil, err
	}
	return &Surface{x, y, losses}, nil
}

// check reports what is wrong with a plane by itself.
func (p *Plane) check() error {
	if p == nil {
		return errors.New("diagnose: the plane is nil, expected one such as RandomPlane gives")
	}
	return errors.Join(checkVector("Plane.Origin", p.Origin, len(p.Origin)),
		checkDirection("Plane.First", p.First, len(p.Origin)), checkDirection("Plane.Second", p.Second, len(p.Origin)))
}

// LossAlong is the loss along a line, f(θ + x·direction), at each x; they increase, and are two or more. It fails as Plane.Surface
// does.
func LossAlong(ctx context.Context, obj *objective.Objective, theta, direction, x []float64) ([]float64, error) {
	if err := errors.Join(checkVector("θ", theta, len(theta)), checkDirection("the direction", direction, len(theta)), checkNodes("x", x)); err != nil {
		return nil, err
	}
	s, err := newSlicer(ctx, obj, theta, direction)
	if err != nil {
		return nil, err
	}
	defer s.release()
	return s.losses(x)
}

// Nodes are n evenly spaced numbers from first to last, for LossAlong and Plane.Surface; none when n is below 2.
func Nodes(first, last float64, n int) []float64 {
	if n < 2 {
		return nil
	}
	return floats.Span(make([]float64, n), first, last)
}

// mostAtOnce is the number of losses of one call to the device, between which the context is asked. They are computed one after the
// other there, in the memory of one.
const mostAtOnce = 64

// slicer computes f(origin + Σᵢ cᵢdᵢ) for any coefficients c.
type slicer struct {
	obj        *objective.Objective
	origin     []float64
	directions [][]float64
	many       *objective.Losses    // nil for an objective that is a plain function
	fixed      []*tensors.Tensor    // origin and directions
	one        *objective.Evaluator // for a plain function
}

// newSlicer makes one, which is to be released.
func newSlicer(ctx context.Context, obj *objective.Objective, origin []float64, directions ...[]float64) (*slicer, error) {
	own, err := objectiveFor(ctx, obj, origin)
	if err != nil {
		return nil, err
	}
	s := &slicer{obj: own, origin: origin, directions: directions}
	if own.Function != nil {
		s.one, err = objective.NewEvaluator(own)
		return s, err
	}
	s.many, err = objective.NewLosses(own, "losses on a slice", func(number *graph.Node, in []*graph.Node) *graph.Node {
		return graph.Add(in[0], device.TransposeMultiply(in[1], objective.NumberedRow(in[2], number)))
	})
	if err != nil {
		return nil, err
	}
	var flat []float64
	for _, d := range directions {
		flat = append(flat, d...)
	}
	s.fixed = []*tensors.Tensor{device.Vector(own.Precision(), origin), device.Filled(shapes.Make(own.Precision(), len(directions), own.Dim), flat)}
	return s, nil
}

func (s *slicer) release() { device.Free(s.fixed) }

// losses are those of rows of coefficients, one for each direction.
func (s *slicer) losses(coefficients []float64) ([]float64, error) {
	k := len(s.directions)
	count := len(coefficients) / k
	calls := (count + mostAtOnce - 1) / mostAtOnce
	size := (count + calls - 1) / calls // the same for all calls, as each number is compiled
	all := make([]float64, 0, calls*size)
	for begin := 0; begin < count; begin += size {
		if err := s.obj.Interrupted(); err != nil {
			return nil, err
		}
		part := make([]float64, size*k) // what is left of it at the end is the origin
		copy(part, coefficients[begin*k:min(count, begin+size)*k])
		values, err := s.some(size, part)
		if err != nil {
			return nil, err
		}
		all = append(all, values...)
	}
	return all[:count], nil
}

// some are those of one call.
func (s *slicer) some(count int, coefficients []float64) ([]float64, error) {
	k := len(s.directions)
	if s.many != nil {
		rows := device.Filled(shapes.Make(s.obj.Precision(), count, k), coefficients)
		defer device.Free([]*tensors.Tensor{rows})
		return s.many.At(count, append(s.fixed[:2:2], rows), s.obj.Data)
	}
	values := make([]float64, count)
	for n := range values {
		theta := slices.Clone(s.origin)
		for i, d := range s.directions {
			floats.AddScaled(theta, coefficients[n*k+i], d)
		}
		var err error
		if values[n], _, err = s.one.At(theta); err != nil {
			return nil, err
		}
	}
	return values, nil
}

// checkVector reports another length, and numbers that are not finite.
func checkVector(name string, v []float64, length int) error {
	if len(v) == 0 {
		return fmt.Errorf("diagnose: %s is empty, expected at least one number", name)
	}
	if len(v) != length {
		return fmt.Errorf("diagnose: %s has %d entries, expected %d", name, len(v), length)
	}
	return allFinite(name, v)
}

// checkDirection is checkVector for one that must not vanish.
func checkDirection(name string, v []float64, length int) error {
	if err := checkVector(name, v, length); err != nil {
		return err
	}
	if !(floats.Norm(v, 2) > 0) {
		return fmt.Errorf("diagnose: %s is zero, expected a direction", name)
	}
	return nil
}

// checkNodes reports nodes that do not increase.
func checkNodes(name string, nodes []float64) error {
	if len(nodes) < 2 {
		return fmt.Errorf("diagnose: there are %d nodes along %s, expected 2 or more", len(nodes), name)
	}
	for i, v := range nodes {
		if !device.Finite(v) || i > 0 && !(v > nodes[i-1]) {
			return fmt.Errorf("diagnose: node %d along %s is %v, expected finite numbers that increase", i, name, v)
		}
	}
	return nil
}
