// Package lesson is what the cells of chapters share: ending a cell by an error, training that an interrupt ends, and
// exercises whose checks give hints.
package lesson

import (
	"context"
	"fmt"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
)

// Must returns a value, or ends the cell with the error that came with it.
func Must[T any](value T, err error) T {
	Do(err)
	return value
}

// Do ends the cell with an error, if there is one.
func Do(err error) {
	if err != nil {
		panic(err)
	}
}

// Solve is sciml.Solve under a context that the stop button of the notebook cancels. A training that was stopped is an
// error here, so that keep.Value does not keep it.
func Solve(problem *pde.Problem, options sciml.Options) (*sciml.Solution, error) {
	ctx, stop := sciml.Interruptible()
	defer stop()
	solution, err := sciml.Solve(ctx, problem, options)
	if err == nil && solution.Result.Status == optim.Canceled {
		return solution, fmt.Errorf("the training was stopped after %d iterations: %w", solution.Result.Iterations, context.Canceled)
	}
	return solution, err
}

// Seeds trains with the seeds 1 to n, as Solve does.
func Seeds(name string, n int, problem *pde.Problem, options sciml.Options) (sciml.Trainings, error) {
	ctx, stop := sciml.Interruptible()
	defer stop()
	seeds := make([]uint64, n)
	for i := range seeds {
		seeds[i] = uint64(i + 1)
	}
	return sciml.SolveSeeds(ctx, name, problem, options, seeds...)
}
