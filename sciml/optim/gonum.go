package optim

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/optimize"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/internal/usercode"
	"github.com/gosciml/gosciml/sciml/objective"
)

// Gonum runs a method of gonum's package optimize, such as &optimize.LBFGS{}, for comparison: it works on the host, from
// values and gradients of the objective, and an iteration is one of its major iterations. Evaluations count points, whether
// gonum asks for the value there, the gradient, or both. A loss or slope that is not finite reaches it as a loss of +Inf.
// Methods that need a Hessian are refused. A run cannot be saved; and since gonum keeps the state of a run in the method, a
// method serves one run at a time.
type Gonum struct {
	Method optimize.Method
}

// Name implements Method. It is "gonum" and the name of the method's type.
func (m Gonum) Name() string {
	name := fmt.Sprintf("%T", m.Method)
	return "gonum " + name[strings.LastIndex(name, ".")+1:]
}

// Start implements Method. It fails when gonum's method is nil or needs more than values and gradients.
func (m Gonum) Start(obj *objective.Objective, theta *tensors.Tensor) (Stepper, error) {
	if usercode.Nil(m.Method) {
		return nil, errors.New("optim: Gonum.Method is nil, expected for example &optimize.LBFGS{}")
	}
	if _, err := m.Method.Uses(optimize.Available{Grad: true}); err != nil {
		return nil, fmt.Errorf("optim: Gonum.Method is a %T, which cannot do with values and gradients: %w", m.Method, err)
	}
	if err := needMemory(obj, m.Name(), "the matrix or the vectors", gonumNumbers(m.Method, float64(obj.Dim)), 0); err != nil {
		return nil, err
	}
	evaluator, err := objective.NewEvaluator(obj)
	if err != nil {
		return nil, err
	}
	s := &gonumStepper{method: m.Method, evaluator: evaluator}
	s.iterates, err = startIterates(obj, theta)
	return s, err
}

// gonumNumbers are those that a method of gonum's keeps of so many parameters, as far as they are more than a few vectors.
func gonumNumbers(m optimize.Method, params float64) float64 {
	switch m := m.(type) {
	case *optimize.BFGS, *optimize.CmaEsChol, *optimize.NelderMead:
		return params * params
	case *optimize.LBFGS:
		return 2 * float64(m.Store) * params
	}
	return 0
}

// gonumStepper is a method of gonum's at work. The method runs in a goroutine of its own and asks for evaluations through
// a channel; here they are made, and between two calls of Advance it waits for an answer.
type gonumStepper struct {
	iterates
	method     optimize.Method
	evaluator  *objective.Evaluator
	operations chan optimize.Task // its questions; nil while it does not run
	results    chan optimize.Task // the answers
	waiting    *optimize.Task     // the question that is not answered yet
	declared   bool               // whether it has declared an iteration
	crashed    error              // a panic of the method
	last       hostPoint          // evaluated last
	here       []float64          // the current iterate
	reason     string             // why the method ended
	converged  bool               // whether it did because of the gradient
	asked      int                // questions since the last iteration
}

// mostQuestions bounds the evaluations, and other requests, for one iteration; those of a method that looks at each coordinate,
// or at a population, grow with the dimension.
func mostQuestions(dim int) int { return 1000 + 100*dim }

// hostPoint is a point with its loss and gradient, on the host.
type hostPoint struct {
	theta, gradient []float64
	loss            float64
}

// Advance implements Stepper.
func (s *gonumStepper) Advance(ctx context.Context, n int, goal Goal) (Progress, error) {
	p, err := s.advance(ctx, n, goal, s)
	if p.Status == SearchFailed && s.converged {
		p.Status = GradientSmall
	}
	return p, err
}

// begin evaluates the iterate, and starts the method there.
func (s *gonumStepper) begin() (*evaluated, error) {
	start, err := device.Numbers(s.theta)
	if err != nil {
		return nil, fmt.Errorf("optim: reading θ from the device: %w", err)
	}
	s.last = hostPoint{} // the objective may have changed since
	if err := s.evaluate(start); err != nil {
		return nil, err
	}
	s.spent++
	s.here, s.waiting, s.declared, s.asked = start, nil, false, 0
	at := s.onDevice()
	if !device.Finite(at.loss) || !device.Finite(at.gradientNorm) {
		return at, nil // the run ends here
	}
	s.method.Init(len(start), 1)
	operations, results := make(chan optimize.Task, 1), make(chan optimize.Task, 1)
	s.operations, s.results = operations, results
	go func() {
		failure := fmt.Errorf("optim: gonum's %T ended its goroutine", s.method)
		defer func() {
			if failure != nil {
				s.crashed = failure
				close(operations)
			}
		}()
		failure = usercode.Call(fmt.Sprintf("gonum's %T", s.method), func() error {
			s.method.Run(operations, results, []optimize.Task{{Location: &optimize.Location{X: slices.Clone(start)}}})
			return nil
		})
	}()
	return at, nil
}

// evaluate sets last, unless it is of this point already.
func (s *gonumStepper) evaluate(theta []float64) error {
	if slices.Equal(theta, s.last.theta) {
		return nil
	}
	loss, gradient, err := s.evaluator.At(theta)
	s.last = hostPoint{theta: slices.Clone(theta), loss: loss, gradient: gradient}
	return err
}

// onDevice is last as an iterate.
func (s *gonumStepper) onDevice() *evaluated {
	dtype, at := s.obj.Precision(), s.last
	return &evaluated{
		theta: device.Vector(dtype, at.theta), gradient: device.Vector(dtype, at.gradient),
		loss: at.loss, gradientNorm: floats.Norm(at.gradient, 2),
	}
}

// step answers questions until the method declares an iteration, or itself done. A search of gonum's may be endless, so that it
// is left in between when the context is done, and given up after many questions.
func (s *gonumStepper) step(ctx context.Context) (*evaluated, float64, error) {
	for ; s.operations != nil; s.asked++ {
		if err := ctx.Err(); err != nil {
			return nil, 0, err
		}
		if most := mostQuestions(len(s.here)); s.asked >= most {
			s.end()
			s.reason = fmt.Sprintf("gonum's method has asked %d times for an evaluation without an iteration", most)
			return nil, 0, nil
		}
		if s.waiting != nil {
			s.results <- *s.waiting
		}
		task, ok := <-s.operations
		if !ok {
			s.operations = nil
			return nil, 0, s.crashed
		}
		s.waiting = &task
		switch task.Op {
		case optimize.NoOperation:
		case optimize.MajorIteration:
			first := !s.declared
			s.declared = true
			if first && slices.Equal(task.X, s.here) {
				continue // local methods declare the start, which has its record
			}
			length := floats.Distance(task.X, s.here, 2)
			if err := s.evaluate(task.X); err != nil { // not counted: for the record of a method that asks for no gradient
				return nil, 0, err
			}
			s.here, s.asked = slices.Clone(task.X), 0
			return s.onDevice(), length, nil
		case optimize.MethodDone:
			s.end()
			s.conclude()
		default:
			if err := s.answer(&task); err != nil {
				return nil, 0, err
			}
		}
	}
	return nil, 0, nil
}

// answer evaluates what a task asks for.
func (s *gonumStepper) answer(task *optimize.Task) error {
	known := slices.Equal(task.X, s.last.theta)
	if err := s.evaluate(task.X); err != nil {
		return err
	}
	if !known {
		s.spent++
	}
	if task.Op&optimize.FuncEvaluation != 0 {
		task.F = s.last.loss
		if !device.Finite(task.F) || !device.Finite(floats.Norm(s.last.gradient, 2)) {
			task.F = math.Inf(1)
		}
	}
	if task.Op&optimize.GradEvaluation != 0 {
		task.Gradient = append(task.Gradient[:0], s.last.gradient...)
	}
	return nil
}

// Stop implements Stopper.
func (s *gonumStepper) Stop() {
	s.end()
	s.iterates.Stop()
}

// end ends the method, which may be in the middle of a search, and its goroutine.
func (s *gonumStepper) end() {
	if s.operations == nil {
		return
	}
	s.results <- optimize.Task{Op: optimize.PostIteration}
	close(s.results)
	for range s.operations { // until the method closes it
	}
	s.operations = nil
}

// conclude asks the method why it has ended.
func (s *gonumStepper) conclude() {
	s.reason = "gonum's method has ended"
	m, ok := s.method.(optimize.Statuser)
	if !ok {
		return
	}
	status, err := m.Status()
	s.converged = status == optimize.GradientThreshold
	s.reason = "gonum says " + status.String()
	if err != nil {
		s.reason += ": " + err.Error()
	}
}

func (s *gonumStepper) failure() string { return s.reason }

// Refresh implements Stepper: the method starts again from the iterate.
func (s *gonumStepper) Refresh() {
	s.end()
	s.forget()
}

var errGonumSave = errors.New("optim: a run of one of gonum's methods cannot be saved, because gonum keeps its state to itself")

// Save implements Stepper. It fails.
func (s *gonumStepper) Save() ([]byte, error) { return nil, errGonumSave }

// Restore implements Stepper. It fails.
func (s *gonumStepper) Restore([]byte) error { return errGonumSave }
