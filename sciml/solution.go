package sciml

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"math"

	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
	"github.com/gosciml/gosciml/sciml/plot"
)

// Solution is a trained network. It can be encoded with encoding/gob, and so kept between notebook cells, if its
// network can be stored (see nn.Marshal); decoded, it needs For before it can be evaluated, because a problem is code.
type Solution struct {
	// Method is the name of the optimizer.
	Method string
	// Result is the course of the training: θ, loss, history, and why it stopped.
	Result optim.Result

	model *pinn.Model
	saved *savedModel // what a decoded solution knows of its model, until For
}

// savedModel is what is stored of a model: everything but the problem's code.
type savedModel struct {
	Problem string
	Network []byte // of nn.Marshal
	Options pinn.Options
}

// Error is the relative L2 error ‖u − u*‖₂/‖u*‖₂ against the problem's exact solution on held-out points, or NaN when
// the problem has none.
func (s *Solution) Error() float64 {
	if e, ok := s.Result.Metrics[pinn.RelativeL2]; ok {
		return e
	}
	return math.NaN()
}

// String is one line: the method, the error, and how the training went.
func (s *Solution) String() string {
	return fmt.Sprintf("%s: relative L2 error %.2e, %s", s.Method, s.Error(), &s.Result)
}

// At evaluates u at points, each a slice of coordinates; entry n of the result has the unknowns at point n.
// It fails for a point with another number of coordinates than the problem, or outside of its domain, where a
// trained network means nothing.
func (s *Solution) At(points ...[]float64) ([][]float64, error) {
	if err := s.ready(); err != nil {
		return nil, err
	}
	problem := s.model.Problem()
	d, m := len(problem.Coordinates), len(problem.Unknowns)
	flat := make([]float64, 0, len(points)*d)
	for n, p := range points {
		if len(p) != d {
			return nil, fmt.Errorf("sciml: point %d is %v, expected %d coordinates %v", n, p, d, problem.Coordinates)
		}
		if !problem.Domain.Contains(p) {
			lo, hi := problem.Domain.Bounds()
			return nil, fmt.Errorf("sciml: point %d is %v, expected a point of the domain of %q, which lies between %v and %v", n, p, problem.Name, lo, hi)
		}
		flat = append(flat, p...)
	}
	values, err := s.model.Evaluate(s.Result.Theta, flat)
	if err != nil {
		return nil, err
	}
	u := make([][]float64, len(points))
	for n := range u {
		u[n] = values[n*m : (n+1)*m]
	}
	return u, nil
}

// Grid evaluates the first unknown of a problem in two coordinates on n×n nodes that span its domain, ready to be
// drawn. Nodes outside of the domain get NaN.
func (s *Solution) Grid(n int) (plot.Grid, error) {
	if err := s.ready(); err != nil {
		return plot.Grid{}, err
	}
	problem := s.model.Problem()
	if len(problem.Coordinates) != 2 {
		return plot.Grid{}, fmt.Errorf("sciml: problem %q has the coordinates %v, expected two for a grid", problem.Name, problem.Coordinates)
	}
	if n < 2 {
		return plot.Grid{}, fmt.Errorf("sciml: a grid of %d×%d nodes was asked for, expected at least 2×2", n, n)
	}
	grid, inside := nodes(problem, n)
	u, err := s.At(inside...)
	if err != nil {
		return plot.Grid{}, err
	}
	k := 0
	for i, v := range grid.U {
		if !math.IsNaN(v) {
			grid.U[i] = u[k][0]
			k++
		}
	}
	return grid, nil
}

// nodes lays n×n nodes over the domain: U is 0 inside and NaN outside. It returns the nodes inside as points too.
func nodes(problem *pde.Problem, n int) (plot.Grid, [][]float64) {
	lo, hi := problem.Domain.Bounds()
	var inside [][]float64
	grid := plot.Sample(func(x, y float64) float64 {
		// The last node may miss the end of an interval by rounding.
		p := []float64{math.Min(x, hi[0]), math.Min(y, hi[1])}
		if !problem.Domain.Contains(p) {
			return math.NaN()
		}
		inside = append(inside, p)
		return 0
	}, lo[0], hi[0], n, lo[1], hi[1], n)
	return grid, inside
}

// For attaches a decoded solution to the problem it was trained on, so that it can be evaluated, by the back end that
// backend.Open gives. It fails when the problem has another name.
func (s *Solution) For(problem *pde.Problem) (*Solution, error) {
	if s == nil || s.saved == nil && s.model == nil {
		return nil, s.ready()
	}
	if err := problem.Check(); err != nil {
		return nil, err
	}
	of := s.problemName()
	if problem.Name != of {
		return nil, fmt.Errorf("sciml: the solution is one of %q, and cannot be attached to %q", of, problem.Name)
	}
	if s.model != nil {
		return s, nil
	}
	network, err := nn.Unmarshal(s.saved.Network)
	if err != nil {
		return nil, err
	}
	b, err := backend.Open()
	if err != nil {
		return nil, err
	}
	model, err := pinn.New(b, problem, network, s.saved.Options)
	if err != nil {
		return nil, err
	}
	return &Solution{Method: s.Method, Result: s.Result, model: model}, nil
}

func (s *Solution) problemName() string {
	if s.model != nil {
		return s.model.Problem().Name
	}
	return s.saved.Problem
}

func (s *Solution) ready() error {
	switch {
	case s == nil:
		return errors.New("sciml: the solution is nil")
	case s.model != nil:
		return nil
	case s.saved != nil:
		return fmt.Errorf("sciml: this solution of %q was loaded and knows its problem by name only: attach it with solution.For(problem)", s.saved.Problem)
	default:
		return errors.New("sciml: this solution was not made by Solve")
	}
}

// encoded is the form of a Solution in a gob.
type encoded struct {
	Method string
	Result optim.Result
	Model  savedModel
}

// GobEncode implements gob.GobEncoder.
func (s *Solution) GobEncode() ([]byte, error) {
	e := encoded{Method: s.Method, Result: s.Result}
	switch {
	case s.saved != nil:
		e.Model = *s.saved
	case s.ready() != nil:
		return nil, s.ready()
	default:
		network, err := nn.Marshal(s.model.Network())
		if err != nil {
			return nil, fmt.Errorf("sciml: a solution cannot be saved without its network: %w", err)
		}
		e.Model = savedModel{Problem: s.model.Problem().Name, Network: network, Options: s.model.Options()}
	}
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(e); err != nil {
		return nil, fmt.Errorf("sciml: saving a solution: %w", err)
	}
	return b.Bytes(), nil
}

// GobDecode implements gob.GobDecoder.
func (s *Solution) GobDecode(data []byte) error {
	var e encoded
	if err := gob.NewDecoder(bytes.NewReader(data)).Decode(&e); err != nil {
		return fmt.Errorf("sciml: loading a solution: %w", err)
	}
	*s = Solution{Method: e.Method, Result: e.Result, saved: &e.Model}
	return nil
}
