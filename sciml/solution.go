package sciml

import (
	"errors"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// Solution is a trained network. It can be stored, by Save or with encoding/gob, and so kept between notebook cells, if
// its network can be (see nn.Marshal). Decoded from a gob, it needs For before it can be evaluated, because a problem is
// code.
type Solution struct {
	// Method is the name of the optimizer.
	Method string
	// Result is the course of the training: θ, loss, history, and why it stopped.
	Result optim.Result

	windows []Window // of time, where there are any
	steps   []Step   // of a path

	model *pinn.Model
	saved *savedModel // what a decoded solution knows of its model, until For
	left  *ending     // of the loss
}

// RelativeError is the relative L2 error ‖u − u*‖₂/‖u*‖₂ against the problem's exact solution or reference on held-out
// points, or NaN when the problem has neither.
func (s *Solution) RelativeError() float64 {
	if s == nil {
		return math.NaN()
	}
	if e, ok := s.Result.Metrics[pinn.RelativeL2]; ok {
		return e
	}
	return math.NaN()
}

// Model is the problem with the network in its place, for what goes beyond this type; nil for a decoded solution before
// For.
func (s *Solution) Model() *pinn.Model {
	if s == nil {
		return nil
	}
	return s.model
}

// String is one line: the method, the error where it is known, and how the training went.
func (s *Solution) String() string {
	if s == nil {
		return "no solution"
	}
	if math.IsNaN(s.RelativeError()) {
		return fmt.Sprintf("%s: %s", s.Method, s.Result)
	}
	return fmt.Sprintf("%s: relative L2 error %.2e, %s", s.Method, s.RelativeError(), s.Result)
}

// At evaluates u at points, each a slice of coordinates; entry n of the result has the unknowns at point n.
// It fails for a point with another number of coordinates than the problem, or outside of its domain, where a
// trained network means nothing.
func (s *Solution) At(points ...[]float64) ([][]float64, error) {
	flat, err := s.flatten(points)
	if err != nil {
		return nil, err
	}
	values, err := s.model.Evaluate(s.Result.Theta, flat)
	return rows(values, len(points)), err
}

// Evaluate is At for many points in one slice: the coordinates of N points of R^d in row-major order, N·d numbers. It
// returns the m unknowns at each, N·m values in row-major order. It fails when the numbers are no multiple of d, and as At
// does for a point outside of the domain.
func (s *Solution) Evaluate(points []float64) ([]float64, error) {
	if err := s.check(points); err != nil {
		return nil, err
	}
	return s.model.Evaluate(s.Result.Theta, points)
}

// Derivative evaluates a partial derivative of u at points, by the names of the coordinates: ∂²u/∂x∂t for []string{"x",
// "t"}. Entry n of the result has that of each unknown at point n. It fails as At does.
func (s *Solution) Derivative(coordinates []string, points ...[]float64) ([][]float64, error) {
	flat, err := s.flatten(points)
	if err != nil {
		return nil, err
	}
	values, err := s.model.Derivative(s.Result.Theta, flat, coordinates...)
	return rows(values, len(points)), err
}

// Measure evaluates any expression of u and its derivatives at points, one number each, such as a flux or a residual:
// build makes it as for an equation. It fails as At does.
func (s *Solution) Measure(build func(u *pde.Fields) *graph.Node, points ...[]float64) ([]float64, error) {
	flat, err := s.flatten(points)
	if err != nil {
		return nil, err
	}
	return s.model.Measure(s.Result.Theta, flat, build)
}

// Coefficients are the unknown numbers that were found along with u, by name.
func (s *Solution) Coefficients() (map[string]float64, error) {
	if err := s.ready(); err != nil {
		return nil, err
	}
	return s.model.Coefficients(s.Result.Theta)
}

// flatten checks points and puts them into one slice.
func (s *Solution) flatten(points [][]float64) ([]float64, error) {
	if err := s.ready(); err != nil {
		return nil, err
	}
	coordinates := s.model.Problem().Coordinates
	flat := make([]float64, 0, len(points)*len(coordinates))
	for n, p := range points {
		if len(p) != len(coordinates) {
			return nil, fmt.Errorf("sciml: point %d is %v, expected %d coordinates %v", n, p, len(coordinates), coordinates)
		}
		flat = append(flat, p...)
	}
	return flat, s.check(flat)
}

// check reports what is wrong with points in row-major order.
func (s *Solution) check(points []float64) error {
	if err := s.ready(); err != nil {
		return err
	}
	problem := s.model.Problem()
	d := len(problem.Coordinates)
	if len(points)%d != 0 {
		return fmt.Errorf("sciml: points have %d numbers, expected a multiple of %d, the number of coordinates %v", len(points), d, problem.Coordinates)
	}
	return usercode.Call("domain", func() error {
		for n := range len(points) / d {
			if p := points[n*d : (n+1)*d]; !problem.Domain.Contains(p) {
				lo, hi := problem.Domain.Bounds()
				return fmt.Errorf("sciml: point %d is %v, expected a point of the domain of %q, which lies between %v and %v", n, p, problem.Name, lo, hi)
			}
		}
		return nil
	})
}

// rows cuts values into n rows; nil stays nil.
func rows(values []float64, n int) [][]float64 {
	if values == nil {
		return nil
	}
	out := make([][]float64, n)
	for i := range out {
		width := len(values) / n
		out[i] = values[i*width : (i+1)*width]
	}
	return out
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
