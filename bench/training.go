package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// training is one row to measure: everything that is not said here is as sciml.Solve chooses it.
type training struct {
	problem   *pde.Problem
	method    string
	seed      uint64
	seconds   float64
	overrides string  // flags that differ from what the problem suggests
	until     float64 // the relative L2 error at which to stop; 0 for none
	pictures  string  // folder for a picture; empty for none
	explain   bool    // what limits it
}

// failures are those of a table.
type failures []error

// skip reports whether others go on after an error of a training, which it says and keeps: one of a method that does not
// suit the network, or whose matrices would not fit.
func (f *failures) skip(ctx context.Context, err error) bool {
	if ctx.Err() != nil || !errors.Is(err, objective.ErrUnsuitable) && !errors.Is(err, objective.ErrTooLarge) {
		return false
	}
	fmt.Fprintln(os.Stderr, "skipped:", err)
	*f = append(*f, err)
	return true
}

// run trains and measures.
func (t training) run(ctx context.Context) (row, error) {
	p := t.problem
	m, err := method(t.method)
	if err != nil {
		return row{}, err
	}
	b, err := backend.Open()
	if err != nil {
		return row{}, err
	}
	progress := optim.NewProgressLine(os.Stderr, fmt.Sprintf("%s, %s, seed %d", p.Key, t.method, t.seed))
	if p.Exact == nil {
		fmt.Fprintln(os.Stderr, p.Key+": computing the reference solution, unless it is in the cache")
		if _, err := p.Solution(ctx); err != nil {
			return row{}, err
		}
	}
	if err := forgetPrograms(); err != nil {
		return row{}, err
	}
	s, err := sciml.Solve(ctx, p, sciml.Options{
		Method: m, Seed: t.seed, Backend: b, Time: time.Duration(t.seconds * float64(time.Second)),
		OnProgress: func(h *optim.History) error {
			if lastError(h) <= t.until {
				return optim.ErrStop
			}
			return progress.Watch(h)
		},
	})
	progress.Clear()
	if err != nil {
		return row{}, fmt.Errorf("%s, %s: %w", p.Key, t.method, err)
	}
	if t.pictures != "" {
		if err := draw(ctx, s, t.pictures, p.Key+"-"+strings.ReplaceAll(t.method, "+", "-")); err != nil {
			return row{}, fmt.Errorf("%s: drawing: %w", p.Key, err)
		}
	}
	r := t.row(s)
	if t.explain && ctx.Err() == nil {
		x, err := s.Explain(ctx)
		if err != nil {
			return row{}, fmt.Errorf("%s, %s: %w", p.Key, t.method, err)
		}
		r.Explanation = x.Primary().String()
	}
	return r, nil
}

// row is the outcome.
func (t training) row(s *sciml.Solution) row {
	residual, ok := s.Result.Metrics[pinn.HeldOutResidual]
	if !ok {
		residual = math.NaN()
	}
	m := s.Model()
	return row{
		Problem: t.problem.Key, Method: t.method, Seed: t.seed, Seconds: s.Result.Seconds, Iterations: s.Result.Iterations,
		RelativeL2: number(s.RelativeError()), Status: s.Result.Status.String(), Message: s.Result.Message, Source: t.problem.Source,
		Title: t.problem.Name, Optimizer: s.Method, Network: m.Network().String(), Parameters: m.NumParams(),
		Points: points(m), Weights: weights(m), Loss: number(s.Result.Loss), Residual: number(residual),
		Budget: t.seconds, Overrides: t.overrides, Until: t.until, Events: eventsOf(&s.Result.History), curve: curveOf(&s.Result.History),
	}
}

// eventsOf are the events of a history, as a row keeps them.
func eventsOf(h *optim.History) []event {
	var events []event
	for _, e := range h.Events {
		events = append(events, event{Iteration: e.Iteration, Seconds: e.Seconds, Text: e.Text})
	}
	return events
}

func draw(ctx context.Context, s *sciml.Solution, folder, name string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	maps, err := s.Maps(ctx)
	if err != nil {
		return err
	}
	return maps.Save(filepath.Join(folder, name+".png"))
}

// curve is the course of a training: seconds with losses, and seconds with errors.
type curve struct{ lossAt, loss, errorAt, error []float64 }

func curveOf(h *optim.History) curve {
	var c curve
	c.lossAt, c.loss = h.Along(optim.BySeconds, func(r optim.Record) (float64, bool) { return r.Loss, r.Loss > 0 && !math.IsInf(r.Loss, 0) })
	c.errorAt, c.error = h.Along(optim.BySeconds, func(r optim.Record) (float64, bool) {
		v, ok := r.Metrics[pinn.RelativeL2]
		return v, ok && !math.IsNaN(v)
	})
	return c
}
