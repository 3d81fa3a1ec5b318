package sciml_test

import (
	"strings"
	"testing"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// TestPropagation: an evolution that loses its beginning is told of once it stalls, with what to try; one that does not is not, nor is
// one in windows.
func TestPropagation(t *testing.T) {
	said := func(problem *pde.Problem, o sciml.Options) int {
		o.Backend, o.Method, o.Iterations, o.MonitorEvery = pureGo(t), optim.Adam{Rate: 1e-2}, 400, 25
		problem.Suggested.Hidden = []int{8}
		s := solve(t, problem, o)
		n := 0
		for _, e := range s.Result.History.Events {
			if strings.Contains(e.Text, "does not propagate") && strings.Contains(e.Text, "Options.Windows") {
				n++
			}
		}
		return n
	}
	few := pinn.Options{Interior: 100, Boundary: 20}
	if n := said(pde.Convection(40), sciml.Options{Loss: few}); n == 0 {
		t.Error("convection with β = 40: nothing is said")
	}
	if n := said(pde.Convection(40), sciml.Options{Loss: few, Windows: sciml.Windows{Count: 2}}); n > 0 {
		t.Error("convection in windows: windows are proposed")
	}
	if n := said(pde.Heat1D(), sciml.Options{Loss: few}); n > 0 {
		t.Error("heat: it is said not to propagate")
	}
	if n := said(pde.Poisson1D(), sciml.Options{Loss: few}); n > 0 {
		t.Error("Poisson, which has no time: it is said not to propagate")
	}
}
