// Package sciml trains physics-informed neural networks: the front door of this library.
//
//	solution, err := sciml.Solve(ctx, pde.Poisson2D(), sciml.Options{})
//
// takes a problem and returns a trained solution, with defaults for everything else. The parts behind it are
// packages of their own: problems in pde, networks in nn, losses in pinn, optimizers in optim, figures in plot.
package sciml

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"

	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// Options of Solve. The zero value is usable: zero fields take the defaults.
type Options struct {
	// Method is the optimizer; Adam followed by L-BFGS when nil.
	Method optim.Method
	// Network stands for the unknowns; a tanh MLP with two hidden layers of 32 when nil.
	Network nn.Network
	// Soft penalizes the conditions even if the problem has an ansatz that satisfies them exactly.
	Soft bool
	// Interior and Boundary are the numbers of collocation points; 900 and 120 when zero.
	Interior, Boundary int
	// BoundaryWeight multiplies the penalty of the conditions; 100 when zero.
	BoundaryWeight float64
	// Iterations ends the training; 5000 when zero. Time does as well; no limit when zero.
	Iterations int
	Time       time.Duration
	// LossTolerance ends the training when the loss is not above it.
	LossTolerance float64
	// Seed chooses the initial parameters and the collocation points.
	Seed uint64
	// DType is the floating-point type; float64 when zero.
	DType dtypes.DType
	// Backend computes; the one of backend.Open when nil.
	Backend compute.Backend
	// OnProgress is called a few times a second with the history so far; see optim.Options.
	OnProgress func(h *optim.History) error
}

// DefaultMethod is the optimizer that Solve uses when none is chosen: Adam until it stalls, then L-BFGS.
func DefaultMethod() optim.Method {
	return optim.Hybrid{
		{Method: optim.Adam{Rate: 5e-3}, Until: optim.Stalled{}},
		{Method: optim.LBFGS{Memory: 50}},
	}
}

// Solve trains a network on a problem and returns the best solution found. It stops for one of the reasons that
// optim.Status lists, of which Solution.Result tells. When ctx is canceled it returns what it has, without an error.
// Errors are about arguments, the back end, or a callback; in the last case the solution so far is returned as well.
func Solve(ctx context.Context, problem *pde.Problem, options Options) (*Solution, error) {
	if err := options.setDefaults(problem); err != nil {
		return nil, err
	}
	model, err := pinn.New(options.Backend, problem, options.Network, pinn.Options{
		Interior: options.Interior, Boundary: options.Boundary, BoundaryWeight: options.BoundaryWeight,
		Hard: problem.Ansatz != nil && !options.Soft, Seed: options.Seed, DType: options.DType,
	})
	if err != nil {
		return nil, err
	}
	result, err := optim.Minimize(ctx, model.Objective(), options.Network.Init(options.Seed), options.Method, optim.Options{
		MaxIterations: options.Iterations, MaxTime: options.Time, LossTolerance: options.LossTolerance,
		Monitor: model.Monitor, MonitorEvery: 50, OnProgress: options.OnProgress,
	})
	if result == nil {
		return nil, err
	}
	return &Solution{Method: options.Method.Name(), Result: *result, model: model}, err
}

func (o *Options) setDefaults(problem *pde.Problem) error {
	if err := problem.Check(); err != nil {
		return err
	}
	var err error
	if o.Backend == nil {
		if o.Backend, err = backend.Open(); err != nil {
			return err
		}
	}
	if o.Network == nil {
		o.Network, err = nn.NewMLP(nn.Tanh, len(problem.Coordinates), 32, 32, len(problem.Unknowns))
		if err != nil {
			return err
		}
	}
	if o.Method == nil {
		o.Method = DefaultMethod()
	}
	if o.Iterations < 0 {
		return fmt.Errorf("sciml: Options.Iterations is %d, expected at least 1 (or 0 for the default)", o.Iterations)
	}
	if o.Iterations == 0 {
		o.Iterations = 5000
	}
	if o.BoundaryWeight == 0 {
		o.BoundaryWeight = 100
	}
	return nil
}

// Interruptible returns a context that is canceled by an interrupt: Ctrl-C in a terminal, the stop button in Jupyter.
// Solve then returns what it has trained so far. A second interrupt ends the program.
func Interruptible() context.Context {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx
}
