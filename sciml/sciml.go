// Package sciml trains physics-informed neural networks: the front door of this library.
//
//	solution, err := sciml.Solve(ctx, pde.Poisson2D(), sciml.Options{})
//
// takes a problem and returns a trained solution, with defaults for everything else. The parts behind it are
// packages of their own: problems in pde, networks in nn, losses in pinn, optimizers in optim, figures in plot.
package sciml

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/gomlx/compute"

	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/internal/sealed"
	"github.com/gosciml/gosciml/sciml/internal/usercode"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// Options of Solve. The zero value is usable: zero fields take what the problem suggests, or else the defaults.
type Options struct {
	// Method is the optimizer; optim.Auto{} when nil, which chooses as it goes.
	Method optim.Method
	// Network stands for the unknowns; DefaultNetwork when nil.
	Network nn.Network
	// Subdomains put a Network into each of several boxes; the zero value is one for the whole domain.
	Subdomains Subdomains
	// Loss says how the problem becomes a loss: numbers of points, weights, exact or penalized conditions, forms, precision.
	// Its Seed is the one of these options.
	Loss pinn.Options
	// Iterations ends the training; 5000 when zero, or 1000 without a Method, as Gauss–Newton iterations are worth many others,
	// unless there is a limit of Time. Time ends it as well, from the call of Solve on; no limit when zero.
	Iterations int
	Time       time.Duration
	// LossTolerance ends the training when the loss is not above it, and Until when its criterion is met: at a plateau, for
	// example, with optim.Stalled{}. Nil for none.
	LossTolerance float64
	Until         optim.Criterion
	// Seed chooses the initial parameters and the collocation points.
	Seed uint64
	// Start is the θ to begin with, the parameters of the network and those of the problem's coefficients (see pinn.Model.Init);
	// nil for one that Seed chooses. From is a solution to begin with instead, of the same problem by another method, or of
	// another problem, such as one with another parameter: its network is taken unless there is one here, which must have
	// weights of the same shapes, or be a larger one that it grows into, and its coefficients by their names. With Subdomains that have a
	// Coarse network it becomes that one.
	Start []float64
	From  *Solution
	// Backend computes; the one of backend.Open when nil.
	Backend compute.Backend
	// Progress writes a line to standard error that says how far the training is: rewritten a few times a second on a terminal,
	// and in one output of a notebook; elsewhere one every few seconds.
	Progress bool
	// OnProgress is called a few times a second with the history so far; see optim.Options.
	OnProgress func(h *optim.History) error
	// MonitorEvery is the number of iterations between measurements: of the error, the residual at held-out points, and the
	// terms of the loss. 50 when zero.
	MonitorEvery int
	// SnapshotEvery is the number of iterations between iterates that are kept, with the first and the last one, so that
	// Solution.Snapshot shows how the solution came about; see optim.Options. Zero for none.
	SnapshotEvery int
	// Windows cut the time of an evolution problem into windows that are trained one after the other; the zero value takes what the
	// problem suggests. Iterations and Time are those of all windows, LossTolerance and Until those of each.
	Windows Windows
	// Continuation says how the path to a problem is followed that suggests one (see pde.Along), through others that are easier to
	// solve. With a Start or From there is none. Time is that of all.
	Continuation Continuation
	// Checkpoint is a file that gets the complete state of the training, every CheckpointEvery (30 s when zero) and at the
	// end, so that Resume can go on. Empty for none. One that cannot be written to is an error before anything else; where
	// that comes later, it is an event of the history, and tried again.
	Checkpoint      string
	CheckpointEvery time.Duration
}

// Solve trains a network on a problem and returns the best solution found; where the problem suggests windows of time, or a path through
// other problems, by several trainings one after the other. It stops for one of the reasons that
// optim.Status lists, of which Solution.Result tells. When ctx is canceled it returns what it has, without an error.
// Errors are about arguments, the back end, a callback, or the file of a checkpoint; in the last two cases the solution
// so far is returned as well.
//
// It returns in time also while a program is being compiled, which goes on for a while beside; what cannot be had in time, such as
// the error of the result, is left out. Where errors are measured against a reference that has to be computed first, that may take
// minutes the first time; it is not part of the training's time. When ctx is canceled then, or ends while the training is still
// being set up, there is nothing to return but the error.
func Solve(ctx context.Context, problem *pde.Problem, options Options) (*Solution, error) {
	return solve(ctx, problem, options, nil)
}

func solve(ctx context.Context, problem *pde.Problem, options Options, from *unfinished) (s *Solution, err error) {
	if err := usercode.CheckContext("sciml", ctx); err != nil {
		return nil, err
	}
	err = usercode.Call("", func() (err error) { s, err = train(ctx, problem, options, from); return err })
	return s, usercode.First(err)
}

// train is solve for code of a user's that may panic, where its name is not known better.
func train(ctx context.Context, problem *pde.Problem, options Options, from *unfinished) (*Solution, error) {
	start := time.Now()
	if path := options.Checkpoint; path != "" {
		if err := sealed.Check(path, "checkpoint"); err != nil {
			return nil, fmt.Errorf("sciml: Options.Checkpoint is %q, expected a new file that can be written, or an earlier checkpoint: %w", path, err)
		}
	}
	if err := problem.Check(); err != nil {
		return nil, err
	}
	if path, err := options.pathOf(problem); path != nil || err != nil {
		if err != nil {
			return nil, err
		}
		return options.trainPath(ctx, problem, path, from, start)
	}
	windows, err := options.windowsOf(problem)
	if err != nil {
		return nil, err
	}
	if windows.Count != 1 {
		return options.trainWindows(ctx, problem, windows, from, start)
	}
	setUp, err := options.setUp(ctx, problem, nil, from)
	if err != nil {
		return nil, err
	}
	spent := time.Since(start)
	if _, err := device.Beside(ctx, device.Grace, "computing the reference solution", func() (*pinn.Model, error) {
		return setUp.model, setUp.model.Prepare(ctx)
	}); err != nil {
		return nil, err
	}
	result, left, err := setUp.run(ctx, spent, from, nil)
	if result == nil {
		return nil, err
	}
	return &Solution{Method: setUp.options.Method.Name(), Result: *result, model: setUp.model, left: left}, err
}

// run minimizes the loss, as a part of a course where there is one. Setting up has spent a part of the time.
func (t training) run(ctx context.Context, spent time.Duration, from *unfinished, of *course) (result *optim.Result, left *ending, err error) {
	model, options := t.model, t.options
	if options.Time > 0 {
		options.Time = max(1, options.Time-spent)
	}
	run := optim.Options{
		MaxIterations: options.Iterations, MaxTime: options.Time, LossTolerance: options.LossTolerance, Until: options.Until,
		Monitor: model.Monitor, MonitorEvery: cmp.Or(options.MonitorEvery, 50), SnapshotEvery: options.SnapshotEvery,
		CheckpointPath: options.Checkpoint, CheckpointEvery: options.CheckpointEvery,
		CheckpointExtra: func() ([]byte, error) { return marshalTraining(model, options.Method, of) },
	}
	if of != nil {
		of.watch(&run, model, &options)
	} else {
		run.Remark = propagation{model}.remark
	}
	options.OnProgress = of.telling(options.OnProgress)
	watch, done := options.progress()
	run.OnProgress = watch
	left = endingOf(t.objective)
	if from == nil {
		result, err = optim.Minimize(ctx, t.objective, t.theta, options.Method, run)
	} else {
		result, err = optim.Resume(ctx, t.objective, from.checkpoint, options.Method, run)
	}
	if result == nil {
		return nil, nil, err
	}
	if result.Status == optim.TimeLimit && result.Iterations == 0 && result.Message == "" {
		result.Message = fmt.Sprintf("before the first iteration; setting up the training took %.2g s", spent.Seconds())
	}
	done(result)
	return result, left, err
}

// training is what a training begins with.
type training struct {
	options   Options // with defaults
	model     *pinn.Model
	objective *objective.Objective
	theta     []float64
}

// setUp makes the model and its start, within the time that there is for the training.
func (o Options) setUp(ctx context.Context, problem *pde.Problem, of *course, from *unfinished) (t training, err error) {
	if whole := ctx; o.Time > 0 {
		defer func() {
			if whole.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
				err = fmt.Errorf("sciml: Options.Time is %v, which was over before the training was set up: %w", o.Time, err)
			}
		}()
		spent := 0.0
		if from != nil {
			spent = from.checkpoint.Result.Seconds
		}
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, o.Time-time.Duration(spent*float64(time.Second)))
		defer cancel()
	}
	return device.Beside(ctx, device.Grace, "setting up the training", func() (training, error) {
		ours := o.choosesNetwork() || of != nil && of.chosen
		if err := o.setDefaults(problem); err != nil {
			return training{}, err
		}
		model, err := pinn.New(o.Backend, problem, o.Network, o.Loss)
		if err != nil {
			return training{}, err
		}
		var remarks []string
		if sizes := model.Sizes(); sizes != nil && ours {
			if o.Network, err = nn.Amplified(o.Network, sizes...); err != nil {
				return training{}, err
			}
			if model, err = pinn.New(o.Backend, problem, o.Network, o.Loss); err != nil {
				return training{}, err
			}
			remarks = append(remarks, fmt.Sprintf("the outputs of the network are multiplied by %.0e, about the sizes of the unknowns %q", sizes, problem.Unknowns))
		}
		t := training{options: o, model: model, objective: model.Objective()}
		t.objective.Remarks = append(remarks, t.objective.Remarks...)
		if from != nil {
			err = from.check(model, o.Method, of)
		} else {
			t.theta, err = o.start(model)
		}
		return t, err
	})
}

// choosesNetwork reports whether the network is for setDefaults to choose, so that it may be scaled.
func (o *Options) choosesNetwork() bool { return o.Network == nil && o.Start == nil && o.From == nil }

func (o *Options) setDefaults(problem *pde.Problem) error {
	if err := problem.Check(); err != nil {
		return err
	}
	for name, given := range map[string]any{"Method": o.Method, "Network": o.Network, "Backend": o.Backend, "Until": o.Until} {
		if given != nil && usercode.Nil(given) {
			return fmt.Errorf("sciml: Options.%s is a nil %T, expected one that is not, or nil without a type", name, given)
		}
	}
	if o.Iterations < 0 {
		return fmt.Errorf("sciml: Options.Iterations is %d, expected at least 1 (or 0 for the default)", o.Iterations)
	}
	for name, d := range map[string]time.Duration{"Time": o.Time, "CheckpointEvery": o.CheckpointEvery} {
		if d < 0 {
			return fmt.Errorf("sciml: Options.%s is %v, expected a positive duration (or 0 for the default)", name, d)
		}
	}
	if o.MonitorEvery < 0 {
		return fmt.Errorf("sciml: Options.MonitorEvery is %d, expected at least 1 (or 0 for the default)", o.MonitorEvery)
	}
	if o.SnapshotEvery < 0 {
		return fmt.Errorf("sciml: Options.SnapshotEvery is %d, expected at least 1 (or 0 for none)", o.SnapshotEvery)
	}
	if math.IsNaN(o.LossTolerance) || math.IsInf(o.LossTolerance, 0) {
		return fmt.Errorf("sciml: Options.LossTolerance is %v, expected a finite number", o.LossTolerance)
	}
	if o.LossTolerance != 0 && len(o.Loss.PseudoTime.Unknowns) > 0 {
		return fmt.Errorf("sciml: Options.LossTolerance is %v, expected 0 with Loss.PseudoTime, where the loss is small at the end of each step", o.LossTolerance)
	}
	if err := o.Subdomains.check(problem); err != nil {
		return err
	}
	if err := o.checkStart(); err != nil {
		return err
	}
	var err error
	if o.Backend == nil {
		if o.Backend, err = backend.Open(); err != nil {
			return err
		}
	}
	if o.Network == nil {
		if o.Network, err = DefaultNetwork(problem, o.Loss.Soft); err != nil {
			return err
		}
	}
	if o.Network, err = o.Subdomains.of(problem, o.Network, o.Loss.Soft); err != nil {
		return err
	}
	o.Subdomains = Subdomains{} // the network has them now, also in trainings after this one
	if o.From != nil {
		if _, err := o.fromTheta(o.Network); err != nil {
			return err
		}
	}
	usual := 5000
	if o.Method == nil {
		o.Method, usual = optim.Auto{}, 1000
	}
	if o.Iterations == 0 {
		o.Iterations = usual
		if o.Time > 0 {
			o.Iterations = math.MaxInt
		}
	}
	if o.Loss.Seed != 0 && o.Loss.Seed != o.Seed {
		return fmt.Errorf("sciml: Options.Seed is %d and Loss.Seed %d, expected the latter to be left out: there is one seed", o.Seed, o.Loss.Seed)
	}
	o.Loss.Seed = o.Seed
	return nil
}

// DefaultNetwork is the network that Solve uses when none is chosen: an MLP, or a separable network of the rank that the problem
// suggests, with the hidden widths and the activation that it suggests, or two of 32 with tanh, on coordinates scaled to [−1, 1] (or what it suggests). Unless
// soft, it takes what the periodic embedding makes of coordinates that the problem says are periodic, with as many harmonics as it suggests.
func DefaultNetwork(problem *pde.Problem, soft bool) (nn.Network, error) {
	if err := problem.Check(); err != nil {
		return nil, err
	}
	var lo, hi []float64 // what nn.Scale takes to [−1, 1]
	var cosines []int
	from, to := problem.Domain.Bounds()
	for i := range from {
		if problem.Periods != nil && problem.Periods[i] > 0 && !soft { // cosine and sine
			cosines = append(cosines, len(lo))
			lo, hi = append(lo, -1, -1), append(hi, 1, 1)
			continue
		}
		middle, half := (from[i]+to[i])/2, (to[i]-from[i])/2
		if problem.Suggested.Stretch != nil {
			half /= problem.Suggested.Stretch[i]
		}
		lo, hi = append(lo, middle-half), append(hi, middle+half)
	}
	hidden := problem.Suggested.Hidden
	if len(hidden) == 0 {
		hidden = []int{32, 32}
	}
	activation := nn.Activation(cmp.Or(problem.Suggested.Activation, string(nn.Tanh)))
	harmonics, err := nn.Harmonics(len(lo), max(1, problem.Suggested.Harmonics), cosines...)
	if err != nil {
		return nil, err
	}
	widths := append(append([]int{harmonics.Outputs()}, hidden...), len(problem.Unknowns))
	var network nn.Network
	if rank := problem.Suggested.Rank; rank > 0 {
		network, err = nn.NewSeparable(activation, rank, widths...)
	} else {
		network, err = nn.NewMLP(activation, widths...)
	}
	if err != nil {
		return nil, err
	}
	scale, err := nn.Scale(lo, hi)
	if err != nil {
		return nil, err
	}
	maps := []nn.Map{scale}
	if harmonics.Outputs() > len(lo) {
		maps = append(maps, harmonics)
	}
	if network, err = nn.Mapped(network, maps...); err != nil || problem.Suggested.Amplify == 0 {
		return network, err
	}
	return nn.Amplified(network, slices.Repeat([]float64{problem.Suggested.Amplify}, len(problem.Unknowns))...)
}

// Interruptible returns a context that is canceled by an interrupt: Ctrl-C in a terminal, the stop button in Jupyter.
// Solve then returns what it has trained so far. A second interrupt ends the program, as any does after stop, which gives
// interrupts back and cancels ctx; it may be called more than once.
func Interruptible() (ctx context.Context, stop func()) {
	ctx, stop = signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
