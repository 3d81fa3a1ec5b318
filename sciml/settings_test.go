package sciml_test

import (
	"context"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
	"github.com/gosciml/gosciml/sciml/sample"
)

// spoiled are copies of a struct with one of its numbers made no setting, by the name of the field.
func spoiled[T any](of T) map[string][]T {
	all := map[string][]T{}
	value := reflect.ValueOf(of)
	set := func(i int, bad any) {
		c := reflect.New(value.Type()).Elem()
		c.Set(value)
		c.Field(i).Set(reflect.ValueOf(bad).Convert(value.Field(i).Type()))
		name := value.Type().Field(i).Name
		all[name] = append(all[name], c.Interface().(T))
	}
	for i := range value.NumField() {
		switch value.Field(i).Interface().(type) {
		case float64:
			for _, bad := range []float64{-1, math.NaN(), math.Inf(1), math.Inf(-1)} {
				set(i, bad)
			}
		case int:
			set(i, -1)
		case time.Duration:
			set(i, -time.Second)
		case pinn.Metric:
			set(i, -1)
			set(i, 9)
		}
	}
	return all
}

// TestEverySetting: a number that is no setting of Solve, or of anything that goes into a loss, is an error that names its field.
func TestEverySetting(t *testing.T) {
	b := pureGo(t)
	refused := func(owner, field string, o sciml.Options) {
		t.Helper()
		o.Backend = b
		p := pde.Heat1D()
		p.Suggested.Hidden = []int{3}
		s, err := sciml.Solve(context.Background(), p, o)
		if err == nil || !strings.Contains(err.Error(), field) || !strings.Contains(err.Error(), owner) || !strings.Contains(err.Error(), "expected") {
			t.Errorf("%s.%s in %+v: %v and error %v, want an error that names it", owner, field, o, s, err)
		}
	}
	small := pinn.Options{Interior: 8, Boundary: 4, Soft: true}
	start := sciml.Options{Method: optim.Adam{}, Iterations: 2, Loss: small}
	for field, all := range spoiled(start) {
		for _, o := range all {
			refused("Options", field, o)
		}
	}
	for field, all := range spoiled(small) {
		for _, loss := range all {
			o := start
			o.Loss = loss
			refused("Options", field, o)
		}
	}
	for field, all := range spoiled(sciml.Windows{}) {
		for _, w := range all {
			o := start
			o.Windows = w
			refused("Options.Windows", field, o)
		}
	}
	for field, all := range spoiled(sciml.Subdomains{}) {
		for _, d := range all {
			o := start
			o.Subdomains = d
			refused("Options.Subdomains", field, o)
		}
	}
	for field, all := range spoiled(sciml.Continuation{}) {
		for _, c := range all {
			o := start
			o.Continuation = c
			refused("Options.Continuation", field, o)
		}
	}
	for field, all := range spoiled(pinn.PseudoTime{Unknowns: map[string]string{"heat": "u"}}) {
		for _, p := range all {
			o := start
			o.Loss.PseudoTime = p
			refused("Options.PseudoTime", field, o)
		}
	}
	for _, field := range []string{"Interior", "Boundary"} {
		o := start
		reflect.ValueOf(&o.Loss).Elem().FieldByName(field).SetInt(1 << 40)
		refused("Options", field, o)
	}
	for _, w := range []pinn.Weighting{pinn.SelfAdaptive{}, pinn.ResidualAttention{}, pinn.Causal{}, pinn.GradientAnnealing{}, pinn.GradNorm{}, pinn.NTKWeights{}, pinn.ReLoBRaLo{}} {
		for field, all := range spoiled(w) {
			for _, bad := range all {
				o := start
				o.Loss.Weighting = bad
				refused(reflect.TypeOf(w).Name(), field, o)
			}
		}
	}
	for _, r := range []sample.Refiner{sample.RAD{}, sample.RAR{}, sample.RARD{}} {
		for field, all := range spoiled(r) {
			for _, bad := range all {
				o := start
				o.Loss.Refiner, o.Loss.Active = bad, 6
				refused("RA", field, o) // RAR-D by its name in the papers
			}
		}
	}
	for field, all := range spoiled(pinn.Variational{Tests: 2}) {
		for _, bad := range append(all, pinn.Variational{Elements: 1 << 40, Tests: 1 << 40, Nodes: 1 << 40}) {
			p := pde.Poisson2D()
			_, err := sciml.Solve(context.Background(), p, sciml.Options{Backend: b, Iterations: 1, Loss: pinn.Options{Form: bad}})
			if err == nil || !strings.Contains(err.Error(), field) && !strings.Contains(err.Error(), "Variational would test") {
				t.Errorf("%+v: error %v", bad, err)
			}
		}
	}
}
