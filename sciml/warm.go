package sciml

import (
	"fmt"
	"math"
	"slices"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// LoadCheckpoint reads the file of Options.Checkpoint as a solution: the best iterate so far of a training that was interrupted,
// or still goes on. It can be evaluated and drawn, and Options.From goes on from it with another method:
//
//	adam, err := sciml.LoadCheckpoint("adam.ck", problem)
//	solution, err := sciml.Solve(ctx, problem, sciml.Options{From: adam, Method: optim.SSBroyden{}})
//
// It fails as Resume does for a file, and as Load does for a problem.
func LoadCheckpoint(path string, problem *pde.Problem) (*Solution, error) {
	u, err := readUnfinished(path)
	if err != nil {
		return nil, err
	}
	if len(u.training.Model.Network) == 0 {
		return nil, u.withoutNetwork("so that it is no solution; optim.LoadCheckpoint reads its Result.Theta, for Options.Start with Options.Network")
	}
	if of := u.training.Evolution; of != nil {
		return of.soFar(u, problem)
	}
	if of := u.training.Path; of != nil {
		return of.soFar(u, problem)
	}
	s := &Solution{Method: u.checkpoint.Method, Result: u.checkpoint.Result, saved: &u.training.Model, left: &ending{loaded: true}}
	return s.For(problem)
}

// checkStart reports what is wrong with Start and From, and takes the network of a solution if there is no other.
func (o *Options) checkStart() error {
	switch {
	case o.From == nil:
		return nil
	case o.Start != nil:
		return fmt.Errorf("sciml: Options.Start and From are both set, expected one of them")
	}
	if err := o.From.ready(); err != nil {
		return fmt.Errorf("%w, in Options.From", err)
	}
	if o.Network == nil {
		o.Network = o.From.model.Network()
	}
	return nil
}

// fromTheta are the parameters that From gives to a network: as they are, or grown into a larger one.
func (o *Options) fromTheta(network nn.Network) ([]float64, error) {
	from := o.From.model.Network()
	theta := o.From.Result.Theta[:from.NumParams()]
	shapes := func(n nn.Network) (dims [][]int) {
		for _, b := range n.Blocks() {
			dims = append(dims, b.Dims)
		}
		return dims
	}
	if slices.EqualFunc(shapes(network), shapes(from), slices.Equal[[]int]) {
		return theta, nil
	}
	grown, err := nn.Grow(from, theta, network, o.Seed)
	if err != nil {
		return nil, fmt.Errorf("sciml: Options.Network is %s, but From has the network %s, expected one with weights of the same shapes, one that this grows into, or none: %w", network, from, err)
	}
	return grown, nil
}

// start is the θ that a training of the model begins with.
func (o *Options) start(model *pinn.Model) ([]float64, error) {
	if o.Start != nil {
		if len(o.Start) != model.NumParams() {
			return nil, fmt.Errorf("sciml: Options.Start has %d entries, expected %d: the parameters of %s and %d coefficients",
				len(o.Start), model.NumParams(), model.Network(), len(model.Problem().Coefficients))
		}
		for i, v := range o.Start {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return nil, fmt.Errorf("sciml: entry %d of Options.Start is %v, expected a finite number", i, v)
			}
		}
		return slices.Clone(o.Start), nil
	}
	var theta []float64
	err := usercode.Call(fmt.Sprintf("Init of the network %T", o.Network), func() error { theta = model.Init(o.Seed); return nil })
	if err != nil || o.From == nil {
		return theta, err
	}
	p := model.Network().NumParams()
	own, err := o.fromTheta(model.Network())
	if err != nil {
		return nil, err
	}
	copy(theta[:p], own)
	known, err := o.From.Coefficients()
	if err != nil {
		return nil, err
	}
	for i, c := range model.Problem().Coefficients {
		if value, has := known[c.Name]; has {
			if theta[p+i] = c.Parameter(value); math.IsNaN(theta[p+i]) {
				return nil, fmt.Errorf("sciml: the coefficient %q of Options.From is %v, expected a value that %q allows", c.Name, value, model.Problem().Name)
			}
		}
	}
	return theta, nil
}
