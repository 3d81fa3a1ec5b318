package optim

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// subspaceSystem restricts steps to a random subspace: it stores J, JC and the Gram matrix of that.
type subspaceSystem struct {
	denseSystem // its matrices are r, JC, the matrix, the scale, D where there are scales, and the subspace
	space       objective.Subspaces
	seed        uint64
	narrowing   *device.Program
	full        []*tensors.Tensor // r, J, the scale, D
	tries       int               // steps from the present iterate
}

// triesInSubspace is the number of steps that may be refused before another subspace is drawn, and mostTries that of all
// steps from an iterate after which it is not another subspace that is wanted.
const (
	triesInSubspace = 3
	mostTries       = 100
)

func newSubspaceSystem(obj *objective.Objective, kernel, geodesic bool, scaling Scaling, text string, space objective.Subspaces, seed uint64) (*subspaceSystem, error) {
	s := &subspaceSystem{denseSystem: denseSystem{obj: obj, text: text, scales: newScales(scaling, geodesic, obj.Dim)}, space: space, seed: seed}
	var err error
	if s.linearizing, err = device.NewProgram(obj.Compiler(), "linearization", s.scales.linearization(obj, func(j *graph.Node) []*graph.Node {
		return []*graph.Node{objective.LargestColumn(j)}
	})); err != nil {
		return nil, err
	}
	if s.narrowing, err = device.NewProgram(obj.Compiler(), "subspace", func(in []*graph.Node) []*graph.Node {
		j := space.Narrow(in[0], in[1:])
		return []*graph.Node{j, objective.GramOf(j, kernel)}
	}); err != nil {
		return nil, err
	}
	s.solver, err = newDampedSolver(obj, kernel, geodesic, s.scales != nil, space)
	return s, err
}

// linearize implements leastSquaresSystem. The subspace depends on nothing but the seed, the loss of the iterate and the
// number of steps from there, so that a run that is resumed goes on with the same ones.
func (s *subspaceSystem) linearize(at *evaluated, data []*tensors.Tensor) error {
	if s.at != at {
		full, err := s.scales.linearize(s.linearizing, at, data)
		if err != nil {
			return err
		}
		s.at, s.full, s.matrices, s.tries = at, full, nil, 0
	}
	s.tries++
	if s.tries%triesInSubspace != 1 {
		return nil
	}
	drawn := s.space.Draw(rand.New(rand.NewPCG(s.seed, math.Float64bits(at.loss)+uint64(s.tries)))).Inputs(s.obj)
	if s.matrices != nil { // before there are others
		device.Free(s.matrices[1:3])
		device.Free(s.matrices[1+len(s.full):])
	}
	s.matrices = nil
	out, err := s.narrowing.Call([]*tensors.Tensor{s.full[1]}, drawn)
	if err != nil {
		device.Free(drawn)
		return err
	}
	s.matrices = slices.Concat([]*tensors.Tensor{s.full[0], out[0], out[1]}, s.full[2:], drawn)
	at.made = slices.Concat(s.full, s.matrices)
	return nil
}

func (s *subspaceSystem) ahead(theta shapes.Shape) {
	if s.scales != nil {
		return
	}
	drawn := s.space.Draw(rand.New(rand.NewPCG(0, 0))).Inputs(s.obj) // any subspace has these shapes
	defer device.Free(drawn)
	draws, data := device.ShapesOf(drawn), device.ShapesOf(s.obj.Data)
	full := s.linearizing.Ahead([]shapes.Shape{theta}, data)
	if full == nil {
		return
	}
	if narrow := s.narrowing.Ahead(full[1:2], draws); narrow != nil {
		s.solver.ahead(theta, full[0], narrow[0], narrow[1], full[2], draws, data)
	}
}

// vary has another subspace drawn for the next step.
func (s *subspaceSystem) vary() bool {
	s.tries += triesInSubspace - s.tries%triesInSubspace
	return s.tries < mostTries
}
