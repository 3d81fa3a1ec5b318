package optim

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"

	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

func pureGo(t *testing.T) compute.Backend {
	t.Helper()
	b, err := objective.HostBackend()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// kept are counts of what is built or kept for each, of which there cannot be any number.
var kept = []string{"MiniBatch.Accumulate", "Muon.Iterations", "SketchedGaussNewton.Hashes", "SketchedGaussNewton.Probes", "NormTest.Probes",
	"MultiBatchLBFGS.Memory", "Grid.Points", "Diagonal.Samples"}

// spoiled are copies of a value with one of its numbers made no setting, by the name of the type and the field, also within what
// its fields hold.
func spoiled(value reflect.Value) map[string][]reflect.Value {
	all := map[string][]reflect.Value{}
	if value.Kind() != reflect.Struct {
		return all
	}
	owner := value.Type()
	with := func(i int, v reflect.Value) reflect.Value {
		c := reflect.New(owner).Elem()
		c.Set(value)
		c.Field(i).Set(v)
		return c
	}
	for i := range owner.NumField() {
		field := owner.Field(i)
		if !field.IsExported() {
			continue
		}
		name := owner.Name() + "." + field.Name
		switch at := value.Field(i); at.Kind() {
		case reflect.Float64:
			for _, bad := range []float64{-1, math.NaN(), math.Inf(1), math.Inf(-1)} {
				all[name] = append(all[name], with(i, reflect.ValueOf(bad)))
			}
		case reflect.Int, reflect.Int64:
			for _, bad := range []int64{-1, math.MinInt32} {
				all[name] = append(all[name], with(i, reflect.ValueOf(bad).Convert(field.Type)))
			}
			if slices.Contains(kept, name) {
				all[name] = append(all[name], with(i, reflect.ValueOf(1<<40).Convert(field.Type)))
			}
		case reflect.Interface:
			if at.IsNil() {
				continue
			}
			for inner, values := range spoiled(at.Elem()) {
				for _, v := range values {
					all[inner] = append(all[inner], with(i, v))
				}
			}
		case reflect.Struct:
			for inner, values := range spoiled(at) {
				for _, v := range values {
					all[inner] = append(all[inner], with(i, v))
				}
			}
		}
	}
	return all
}

// names reports whether an error names a field, perhaps with another one of its owner, and says what was expected.
func names(err error, field string) bool {
	owner, name, found := strings.Cut(field, ".")
	text := err.Error()
	return strings.Contains(text, owner) && (!found || strings.Contains(text, name)) && strings.Contains(text, "expected")
}

// TestEverySetting: a number that is no setting of a method, or of what it is made with, is refused by the name of its field
// before anything is computed.
func TestEverySetting(t *testing.T) {
	obj, start := curve(pureGo(t), dtypes.Float64, false)
	methods := everyMethod()
	for name, s := range map[string]search.Search{
		"Armijo": search.Armijo{}, "strong Wolfe": search.StrongWolfe{}, "Hager–Zhang": search.HagerZhang{}, "non-monotone": search.NonMonotone{}, "grid": search.Grid{},
	} {
		methods["search by "+name] = LBFGS{Search: s}
	}
	for name, s := range map[string]Schedule{
		"step": StepDecay{}, "exponential": Exponential{}, "cosine": Cosine{Total: 3}, "warm-up": WarmUp{Steps: 2}, "plateau": Plateau{}, "inverse": InverseTime{},
	} {
		methods["schedule "+name] = Adam{Schedule: s}
	}
	tried := 0
	for label, method := range methods {
		for field, values := range spoiled(reflect.ValueOf(method)) {
			for _, v := range values {
				tried++
				if field == "SPRING.Longest" && math.IsInf(reflect.Indirect(v).FieldByName("Longest").Float(), 1) {
					continue // no bound, as it says
				}
				stepper, err := startAt(v.Interface().(Method), obj.ForRun(context.Background()), start)
				if err == nil {
					stop(stepper)
					t.Errorf("%s: %s is accepted in %+v", label, field, v)
				} else if !names(err, field) {
					t.Errorf("%s: error %v, want one that names %s and what was expected", label, err, field)
				}
			}
		}
	}
	if tried < 300 {
		t.Errorf("only %d values were tried", tried)
	}
}

// TestEveryOption: so are those of a run and of criteria, also of a criterion within others and of a phase.
func TestEveryOption(t *testing.T) {
	obj, start := curve(pureGo(t), dtypes.Float64, false)
	refused := func(what, field string, method Method, options Options) {
		t.Helper()
		r, err := Minimize(context.Background(), obj, start, method, options)
		if r != nil || err == nil || !names(err, field) {
			t.Errorf("%s: error %v and result %v, want an error that names %s", what, err, r, field)
		}
	}
	for field, values := range spoiled(reflect.ValueOf(Options{MaxIterations: 1})) {
		for _, v := range values {
			o := v.Interface().(Options)
			refused(fmt.Sprintf("%+v", o), field, Adam{}, o)
		}
	}
	for _, c := range []Criterion{Stalled{}, LossVariance{}, SmallGradient{}, RelativeImprovement{}} {
		for field, values := range spoiled(reflect.ValueOf(c)) {
			for _, v := range values {
				bad := v.Interface().(Criterion)
				refused("Until", field, Adam{}, Options{MaxIterations: 1, Until: bad})
				refused("AnyOf", field, Adam{}, Options{MaxIterations: 1, Until: AnyOf{Iterations(3), bad}})
				refused("Hybrid", field, Hybrid{{Adam{}, bad}, {LBFGS{}, nil}}, Options{MaxIterations: 1})
			}
		}
	}
	for _, n := range []Iterations{-5, 0} {
		refused("Until", "Iterations", Adam{}, Options{MaxIterations: 1, Until: n})
	}
	refused("AnyOf", "AnyOf", Adam{}, Options{MaxIterations: 1, Until: AnyOf{nil}})
	refused("AnyOf", "AnyOf", Adam{}, Options{MaxIterations: 1, Until: AnyOf{}})
	refused("time", "MaxTime", Adam{}, Options{MaxIterations: 1, MaxTime: -time.Second})
	for _, dim := range []int{-1, 0, 1 << 40, math.MaxInt} {
		if o, err := objective.FromFunction(dim, func(theta, gradient []float64) float64 { return 0 }); o != nil || err == nil || !strings.Contains(err.Error(), fmt.Sprintf("Dim is %d", dim)) {
			t.Errorf("FromFunction of %d dimensions: error %v", dim, err)
		}
	}
}
