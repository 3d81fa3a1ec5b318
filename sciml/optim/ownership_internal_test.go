package optim

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// eachOwned tests every method in pure Go, and some on XLA, which takes seconds to compile: those with loops on the device.
func eachOwned(t *testing.T, onXLA []string, test func(t *testing.T, b *backendtest.Watched, name string)) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for name := range everyMethod() {
			if !strings.HasSuffix(t.Name(), "/xla") || slices.Contains(onXLA, name) {
				test(t, backendtest.Watch(b), name)
			}
		}
	})
}

// large counts the tensors there are of the size of θ or more.
func large(b *backendtest.Watched, obj *objective.Objective) (count int) {
	for _, n := range b.Live(int64(obj.Dim * obj.Precision().Size())) {
		count += n
	}
	return count
}

var endless = Goal{Loss: math.Inf(-1)}

// TestMemory: the later iterations need no more tensors on the device than the first ones, and nothing stays when the work is
// over.
func TestMemory(t *testing.T) {
	eachOwned(t, []string{"L-BFGS, grid", "Newton region"}, func(t *testing.T, b *backendtest.Watched, name string) {
		obj, start := curve(b, dtypes.Float64, false)
		m := everyMethod()[name]
		s, err := startAt(m, obj, start)
		if err != nil {
			t.Fatal(err)
		}
		var counts []int
		for range 20 {
			p, err := s.Advance(context.Background(), 1, endless)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if p.Status != Running {
				break
			}
			counts = append(counts, large(b, obj))
		}
		half := len(counts) / 2
		if half < 3 {
			t.Fatalf("%s ended after %d iterations", name, len(counts))
		}
		if _, changes := s.(*phasedStepper); !changes && slices.Max(counts[half:]) > slices.Max(counts[:half]) {
			t.Errorf("%s: tensors on the device after each iteration: %v; they are %v", name, counts, b.Live(0))
		}
		stop(s)
		device.Free(obj.Data)
		if n := large(b, obj); n > 0 {
			t.Errorf("%s: %d tensors are left when its work is over: %v", name, n, b.Live(int64(8*obj.Dim)))
		}
	})
}

// TestProtocol calls steppers in many orders. One of two is saved and replaced along the way, which nobody must notice; the
// tensors that they are given are freed at once, and what they lend is given back to them.
func TestProtocol(t *testing.T) {
	eachOwned(t, []string{"SVRG", "SR1"}, func(t *testing.T, b *backendtest.Watched, name string) {
		for seed := range 4 {
			if seed == 0 || !strings.HasSuffix(t.Name(), "/xla") {
				twins(t, b, name, uint64(seed))
			}
		}
	})
}

func twins(t *testing.T, b *backendtest.Watched, name string, seed uint64) {
	t.Helper()
	dtype := dtypes.Float64
	if seed == 1 {
		dtype = dtypes.Float32
	}
	rng := rand.New(rand.NewPCG(seed, uint64(len(name))))
	obj, start := curve(b, dtype, seed == 2)
	given, err := device.SaveAll(obj.Data)
	if err != nil {
		t.Fatal(err)
	}
	objectives := [2]*objective.Objective{obj.ForRun(context.Background()), obj.ForRun(context.Background())}
	var two [2]Stepper
	var log []string
	do := func(what string, f func(k int) (string, error)) {
		t.Helper()
		log = append(log, what)
		var got [2]string
		for k := range two {
			var err error
			if got[k], err = f(k); err != nil {
				t.Fatalf("%s, seed %d, after %q: %v", name, seed, log, err)
			}
		}
		if got[0] != got[1] {
			t.Fatalf("%s, seed %d, after %q:\n%s\n%s", name, seed, log, got[0], got[1])
		}
	}
	begin := func(k int, theta []float64) (err error) {
		two[k], err = startAt(everyMethod()[name], objectives[k], theta)
		return err
	}
	look := func(k int) (string, error) {
		current, again := two[k].Current(), two[k].Current()
		first, err := device.Numbers(current)
		if err != nil {
			return "", err
		}
		second, err := device.Numbers(again)
		if err != nil {
			return "", err
		}
		best, loss := two[k].Best()
		third, err := device.Numbers(best)
		return fmt.Sprint(first, second, third, loss), err
	}
	do("start", func(k int) (string, error) { return "", begin(k, start) })
	for range 16 {
		n, elsewhere, place := 1+rng.IntN(3), make([]float64, len(start)), rng.IntN(3)
		for i := range elsewhere {
			elsewhere[i] = start[i] * (0.8 + 0.2*rng.Float64())
		}
		to := func(k int, move func(theta *tensors.Tensor) error) (string, error) {
			theta := two[k].Current()
			switch place {
			case 1:
				theta, _ = two[k].Best()
			case 2:
				theta = device.Vector(dtype, elsewhere)
				defer device.Free([]*tensors.Tensor{theta})
			}
			return "", move(theta)
		}
		switch op := rng.IntN(10); {
		case op < 4:
			do(fmt.Sprint("advance ", n), func(k int) (string, error) {
				p, err := two[k].Advance(context.Background(), n, endless)
				return fmt.Sprintf("%+v", p), err
			})
		case op == 4:
			do("canceled", func(k int) (string, error) {
				ctx, cancel := context.WithCancel(context.Background())
				cancel()
				p, err := two[k].Advance(ctx, n, endless)
				if p.Iterations > 0 {
					err = fmt.Errorf("%d iterations were made", p.Iterations)
				}
				return fmt.Sprintf("%+v", p), err
			})
		case op == 5:
			do("new data", func(k int) (string, error) {
				o := objectives[k]
				old, fresh := o.Data[0], rand.New(rand.NewPCG(seed, uint64(len(log))))
				x := make([]float64, old.Shape().Size())
				for i := range x {
					x[i] = fresh.NormFloat64()
				}
				o.Data = []*tensors.Tensor{device.Filled(old.Shape(), x), o.Data[1]}
				two[k].Refresh()
				if old != obj.Data[0] {
					device.Free([]*tensors.Tensor{old})
				}
				return "", nil
			})
		case op == 6:
			if _, ok := two[0].(Restarter); ok {
				do(fmt.Sprint("restart ", place), func(k int) (string, error) { return to(k, two[k].(Restarter).Restart) })
			}
		case op == 7:
			if _, ok := two[0].(Relocator); ok {
				do(fmt.Sprint("relocate ", place), func(k int) (string, error) { return to(k, two[k].(Relocator).Relocate) })
			}
		case !strings.Contains(name, "gonum"):
			do("save", func(k int) (string, error) {
				if k == 0 {
					return "", nil
				}
				saved, err := two[k].Save()
				if err != nil {
					return "", err
				}
				stop(two[k])
				if err := begin(k, make([]float64, len(start))); err != nil {
					return "", err
				}
				return "", two[k].Restore(saved)
			})
		}
		if rng.IntN(2) == 0 {
			do("look", look)
		}
	}
	do("look", look)
	for k, s := range two {
		stop(s)
		if data := objectives[k].Data[0]; data != obj.Data[0] {
			device.Free([]*tensors.Tensor{data})
		}
	}
	if after, err := device.SaveAll(obj.Data); err != nil || fmt.Sprint(after) != fmt.Sprint(given) {
		t.Errorf("%s, seed %d: the data of the objective are not what they were, error %v", name, seed, err)
	}
	device.Free(obj.Data)
	if n := large(b, obj); n > 0 {
		t.Errorf("%s, seed %d: %d tensors are left after %q", name, seed, n, log)
	}
}

// mixing is an adaptation that returns new tensors, the present ones, the caller's, some of each, and none.
type mixing struct {
	given []*tensors.Tensor
	calls int
}

func (*mixing) Every() int                 { return 2 }
func (a *mixing) Begin() objective.Adapter { return &mixing{given: a.given} }
func (a *mixing) Save() ([]byte, error)    { return encode(a.calls) }
func (a *mixing) Load(saved []byte) (err error) {
	a.calls, err = decode[int](saved)
	return err
}
func (a *mixing) changed(t *tensors.Tensor) *tensors.Tensor {
	values, err := device.Numbers(t)
	if err != nil {
		panic(err)
	}
	for i := range values {
		values[i] *= 1 + 0.01*float64(i%3)
	}
	return device.Filled(t.Shape(), values)
}

func (a *mixing) Adapt(ctx context.Context, now objective.Iterate) ([]*tensors.Tensor, error) {
	if _, err := device.Numbers(now.Theta); err != nil {
		return nil, err
	}
	a.calls++
	switch a.calls % 7 {
	case 1:
		return []*tensors.Tensor{a.changed(now.Data[0]), now.Data[1]}, nil
	case 2:
		return []*tensors.Tensor{now.Data[0], a.changed(now.Data[1])}, nil
	case 3:
		return now.Data, nil
	case 4:
		return a.given, nil
	case 5:
		return []*tensors.Tensor{a.given[0], a.changed(now.Data[1])}, nil
	case 6:
		return []*tensors.Tensor{a.changed(now.Data[0]), a.changed(now.Data[1])}, nil
	}
	return nil, nil
}

// TestRunsOwnTheirData: an objective can be used again and again, with the same result bit for bit, also by a run that goes on
// from a checkpoint. Its data stay, and nothing else does.
func TestRunsOwnTheirData(t *testing.T) {
	eachOwned(t, []string{"Adam, scheduled"}, func(t *testing.T, b *backendtest.Watched, name string) {
		for i, dtype := range []dtypes.DType{dtypes.Float64, dtypes.Float32} {
			if i > 0 && strings.HasSuffix(t.Name(), "/xla") {
				continue
			}
			obj, start := curve(b, dtype, false)
			obj.Adaptation = &mixing{given: obj.Data}
			obj.Terms = &objective.Terms{Names: []string{"all"}, Build: func(theta *graph.Node, data []*graph.Node) []*graph.Node {
				return []*graph.Node{obj.BuildLoss(theta, data)}
			}}
			given, err := device.SaveAll(obj.Data)
			if err != nil {
				t.Fatal(err)
			}
			options := Options{MaxIterations: 17, MonitorEvery: 3, Monitor: func(_ context.Context, theta *tensors.Tensor) (map[string]float64, error) {
				values, err := device.Numbers(theta)
				return map[string]float64{"first": values[0]}, err
			}}
			told := func(r *Result, err error) string {
				if err != nil {
					t.Fatalf("%s in %s: %v", name, dtype, err)
				}
				for i := range r.History.Records {
					r.History.Records[i].Seconds = 0
				}
				for i := range r.History.Events {
					r.History.Events[i].Seconds = 0
				}
				return fmt.Sprintf("θ = %v, f = %v, %d evaluations, %+v", r.Theta, r.Loss, r.Evaluations, r.History)
			}
			whole := told(Minimize(context.Background(), obj, start, everyMethod()[name], options))
			if again := told(Minimize(context.Background(), obj, start, everyMethod()[name], options)); again != whole {
				t.Errorf("%s in %s: the second run is\n%s, the first was\n%s", name, dtype, again, whole)
			}
			if !strings.Contains(name, "gonum") {
				half := options
				half.MaxIterations, half.CheckpointPath = 3+8*i, t.TempDir()+"/run"
				told(Minimize(context.Background(), obj, start, everyMethod()[name], half))
				c, err := LoadCheckpoint(half.CheckpointPath)
				if err != nil {
					t.Fatal(err)
				}
				if resumed := told(Resume(context.Background(), obj, c, everyMethod()[name], options)); resumed != whole {
					t.Errorf("%s in %s, resumed at %d:\n%s, want\n%s", name, dtype, half.MaxIterations, resumed, whole)
				}
			}
			if after, err := device.SaveAll(obj.Data); err != nil || fmt.Sprint(after) != fmt.Sprint(given) {
				t.Errorf("%s in %s: the data of the objective are not what they were, error %v", name, dtype, err)
			}
			device.Free(obj.Data)
			if n := large(b, obj); n > 0 {
				t.Errorf("%s in %s: %d tensors are left after the runs: %v", name, dtype, n, b.Live(int64(obj.Dim*dtype.Size())))
			}
		}
	})
}

// wrong is an adaptation that returns something wrong at its third call.
type wrong struct {
	mixing
	data func(now objective.Iterate, old []*tensors.Tensor) []*tensors.Tensor
	old  []*tensors.Tensor // those of the call before
}

func (a *wrong) Begin() objective.Adapter { return a }

func (a *wrong) Adapt(ctx context.Context, now objective.Iterate) ([]*tensors.Tensor, error) {
	a.calls++
	if a.calls == 3 {
		return a.data(now, a.old), nil
	}
	old := now.Data
	a.old = old
	return []*tensors.Tensor{a.changed(old[0]), a.changed(old[1])}, nil
}

// TestWrongData: data that cannot be used are an error that says what they are, and the run ends with what it has.
func TestWrongData(t *testing.T) {
	for word, data := range map[string]func(now objective.Iterate, old []*tensors.Tensor) []*tensors.Tensor{
		"1 tensors of new data, expected 2": func(now objective.Iterate, _ []*tensors.Tensor) []*tensors.Tensor { return now.Data[:1] },
		"tensor 0 of the new data has shape": func(now objective.Iterate, _ []*tensors.Tensor) []*tensors.Tensor {
			return []*tensors.Tensor{now.Data[1], now.Data[0]}
		},
		"tensor 1 of the new data is nil": func(now objective.Iterate, _ []*tensors.Tensor) []*tensors.Tensor {
			return []*tensors.Tensor{now.Data[0], nil}
		},
		"one that the run has replaced before and fre": func(now objective.Iterate, old []*tensors.Tensor) []*tensors.Tensor { return old },
	} {
		b := backendtest.Watch(goBackend(t))
		obj, start := curve(b, dtypes.Float64, false)
		obj.Adaptation = &wrong{data: data}
		r, err := Minimize(context.Background(), obj, start, LBFGS{}, Options{MaxIterations: 9})
		if err == nil || !strings.Contains(err.Error(), word) || r.Status != Failed || r.Iterations != 4 || math.IsInf(r.Loss, 0) {
			t.Errorf("%v, error %v, want one that mentions %q", r, err, word)
		}
		device.Free(obj.Data)
		if n := large(b, obj); n > 0 {
			t.Errorf("%q: %d tensors are left", word, n)
		}
	}
}

// TestBrokenDevice: when a program fails, the run ends with its error, with the best iterate there was, and with no tensor left.
func TestBrokenDevice(t *testing.T) {
	broken := errors.New("the device is broken")
	for name := range everyMethod() {
		run := func(failing int) (r *Result, calls int, err error) {
			b := backendtest.Watch(goBackend(t))
			obj, start := curve(b, dtypes.Float64, false)
			b.Fail = func(string) error {
				if calls++; calls == failing {
					return broken
				}
				return nil
			}
			r, err = Minimize(context.Background(), obj, start, everyMethod()[name], Options{MaxIterations: 9})
			device.Free(obj.Data)
			if n := large(b, obj); n > 0 {
				t.Errorf("%s, call %d fails: %d tensors are left: %v", name, failing, n, b.Live(int64(8*obj.Dim)))
			}
			return r, calls, err
		}
		_, calls, err := run(0)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for k := range 8 {
			failing := 1 + k*(calls-1)/7
			r, made, err := run(failing)
			if !errors.Is(err, broken) {
				t.Errorf("%s, call %d of %d fails: error %v", name, failing, calls, err)
			}
			if r == nil || made <= failing+1 && failing > calls-3 { // at the start, or what failed is the best iterate itself
				continue
			}
			for _, rec := range r.History.Records {
				if rec.Batch == 0 && rec.Loss < r.Loss {
					t.Errorf("%s, call %d of %d fails: the result has the loss %v, a record %v", name, failing, calls, r.Loss, rec.Loss)
					break
				}
			}
		}
	}
}
