package main

import (
	"context"
	"math"
	"runtime/debug"
	"time"

	"github.com/gomlx/compute"

	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// What every run of the command memory has in common.
const (
	// memoryPoints are few, so that what an evaluation needs for itself is small against θ. With 32 or fewer an iteration of
	// Adam, in its loop on the device, took six times as long as with these, for an evaluation that was faster.
	memoryPoints = 64
	memoryBatch  = 16
	memorySeed   = 1
	// memoryMeasure is the number of iterations between evaluations of all samples, so that every quarter of a run has some.
	memoryMeasure = 25
	// memoryFirst is the number of records at which the first iterations are over: by then every program is compiled.
	memoryFirst = 3
)

// memoryMethod is a method with the most memory that a run of it is to need, in units of θ.
type memoryMethod struct {
	named
	peak float64 // 0 for no target
}

// memoryGrowth is the most that the memory of a run is to grow from its second quarter to its last, in units of θ. A vector left
// behind in every iteration would be 100 of them; by chance the peaks of two quarters differ by about one.
const memoryGrowth = 2.0

var memoryMethods = []memoryMethod{
	{named{"adam", func() optim.Method { return optim.Adam{} }}, 12},
	{named{"lbfgs", func() optim.Method { return optim.LBFGS{Memory: 20} }}, 60},
	{named{"sgd", func() optim.Method {
		return optim.SGD{Rate: 1e-5, Batches: objective.Batches{Size: memoryBatch, Seed: memorySeed}, Measure: memoryMeasure}
	}}, 0},
	{named{"minibatch", func() optim.Method {
		return optim.MiniBatch{Method: optim.Adam{}, Batches: objective.Batches{Size: memoryBatch, Seed: memorySeed}, Measure: memoryMeasure}
	}}, 0},
}

// leastParameters are those of networks whose width can be chosen well enough.
const leastParameters = 10_000

// widthFor is the width w of two hidden layers between two coordinates and one unknown for which the number of parameters,
// 3w + w(w+1) + w+1 = w² + 5w + 1, is nearest to the one that is wanted: within 1 % from leastParameters on. For the same
// number of parameters no other number of layers has fewer activations.
func widthFor(parameters int) int {
	w := int((math.Sqrt(21+4*float64(parameters)) - 5) / 2)
	if parametersOf(w+1)-parameters < parameters-parametersOf(w) {
		w++
	}
	return w
}

// parametersOf is the number of parameters for a width.
func parametersOf(w int) int { return w*w + 5*w + 1 }

// memoryRun is one run whose memory is measured, in a process that does nothing else.
type memoryRun struct {
	method     memoryMethod
	parameters int // about
	iterations int // a multiple of four
}

// measure makes the run and tells what is known so far, at its start, after some of its iterations, and at the end.
// It returns an error when there was no run; one that ended before its time is a row that says so.
func (m memoryRun) measure(ctx context.Context, tell func(memoryRow) error) error {
	engine, err := backend.Open()
	if err != nil {
		return err
	}
	network, obj, err := memoryObjective(engine, m.parameters)
	if err != nil {
		return err
	}
	theta := network.Init(memorySeed)
	if err := evaluateOnce(obj, theta); err != nil {
		return err
	}
	giveBack()
	water, err := openHighWater()
	if err != nil {
		return err
	}
	defer water.close()
	compiling, err := m.rehearse(ctx, engine, water)
	if err != nil {
		return err
	}
	giveBack()
	before, err := water.own.bytes(residentNow)
	if err != nil {
		return err
	}
	c := &memoryCourse{water: water, quarter: m.iterations / 4, row: memoryRow{
		Method: m.method.name, Parameters: len(theta), Network: network.String(), Points: memoryPoints, Backend: engine.Name(),
		Wanted: m.iterations, Theta: 8 * int64(len(theta)), Before: before, Compiling: compiling, MeasuredBy: water.how(),
	}}
	if err := tell(c.row); err != nil {
		return err
	}
	if err := water.reset(); err != nil {
		return err
	}
	result, err := optim.Minimize(ctx, obj, theta, m.method.make(), optim.Options{
		MaxIterations: m.iterations,
		MonitorEvery:  m.iterations / 4, // there is no monitor: so a quarter ends where a call to the device ends
		OnProgress: func(h *optim.History) error {
			if err := c.at(len(h.Records)); err != nil {
				return err
			}
			c.row.Iterations, c.row.Seconds = h.Last().Iteration, h.Last().Seconds
			return tell(c.row)
		},
	})
	if result == nil {
		return err
	}
	if err := c.end(); err != nil {
		return err
	}
	c.row.Iterations, c.row.Seconds = result.Iterations, result.Seconds
	if result.Status != optim.IterationLimit {
		c.row.Stopped = result.Status.String()
	}
	if err != nil {
		c.row.Stopped = err.Error()
	}
	return tell(c.row)
}

// memoryObjective is Poisson's equation with a network of about that many parameters.
func memoryObjective(engine compute.Backend, parameters int) (*nn.MLP, *objective.Objective, error) {
	width := widthFor(parameters)
	network, err := nn.NewMLP(nn.Tanh, 2, width, width, 1)
	if err != nil {
		return nil, nil, err
	}
	model, err := pinn.New(engine, pde.Poisson2D(), network, pinn.Options{Interior: memoryPoints, Seed: memorySeed})
	if err != nil {
		return nil, nil, err
	}
	obj := model.Objective()
	obj.Terms = nil // looking at them is none of the method's work
	return network, obj, nil
}

// evaluateOnce computes loss and gradient, so that what a process needs for that is there before a run: the code of the
// compiler among it.
func evaluateOnce(obj *objective.Objective, theta []float64) error {
	evaluator, err := objective.NewEvaluator(obj)
	if err != nil {
		return err
	}
	_, _, err = evaluator.At(theta)
	return err
}

// rehearse makes the first iterations with a small network, and returns the most memory that they took. What compiling
// needs does not depend on P: so it is known, and as far as it is kept it is there before the run, while nothing as large
// as θ is, the memory of which the run could use again.
func (m memoryRun) rehearse(ctx context.Context, engine compute.Backend, water *highWater) (compiling int64, err error) {
	network, obj, err := memoryObjective(engine, leastParameters)
	if err != nil {
		return 0, err
	}
	before, err := water.own.bytes(residentNow)
	if err != nil {
		return 0, err
	}
	if err := water.reset(); err != nil {
		return 0, err
	}
	options := optim.Options{MaxIterations: memoryFirst}
	if _, err := optim.Minimize(ctx, obj, network.Init(memorySeed), m.method.make(), options); err != nil {
		return 0, err
	}
	peak, err := water.peak()
	return peak - before, err
}

// giveBack gives memory that is not needed any more back to the system.
func giveBack() {
	for range 3 { // what a collection finds dead on the device is freed after it, by other goroutines
		debug.FreeOSMemory()
		time.Sleep(50 * time.Millisecond)
	}
}

// memoryCourse follows the memory of a run: that of the first iterations, which compile, and of the quarters of the run,
// the first without those.
type memoryCourse struct {
	water   *highWater
	quarter int // iterations in it
	stage   int
	row     memoryRow
}

// at takes the peak so far after a number of records, and begins anew where a stage has ended.
func (c *memoryCourse) at(records int) error {
	peak, err := c.water.peak()
	if err != nil {
		return err
	}
	c.row.peaked(c.stage, peak)
	if stage := stageOf(records, c.quarter); stage > c.stage {
		c.stage = stage
		return c.water.reset()
	}
	return nil
}

// end takes the peak of what Minimize does after its last iteration, which belongs to no quarter.
func (c *memoryCourse) end() error {
	peak, err := c.water.peak()
	if err == nil {
		c.row.peaked(afterwards, peak)
	}
	return err
}

// stageOf is the stage to which the iteration after so many records belongs. The records of a method that measures the
// iterate it has come to are one more than its iterations, and begin a quarter one iteration early.
func stageOf(records, quarter int) int {
	if records < memoryFirst {
		return firstIterations
	}
	return min(records/quarter, 3) + 1
}
