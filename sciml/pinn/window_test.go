package pinn_test

import (
	"math"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// TestWindowsMeet: whatever the weights are, a window begins where the one before it ended, along periods and along Chebyshev's points,
// in one and two coordinates of space, and with its rate where the order asks for it.
func TestWindowsMeet(t *testing.T) {
	twoD := pde.Heat(2)
	for _, c := range []struct {
		problem *pde.Problem
		inputs  int
		rates   bool
	}{
		{pde.Heat1D(), 2, false}, {pde.AllenCahn(), 3, false}, {pde.Burgers(0.01), 2, false}, {pde.Wave(1, 2, 0), 2, true}, {twoD, 3, false},
	} {
		mlp, err := nn.NewMLP(nn.Tanh, c.inputs, 7, 1)
		if err != nil {
			t.Fatal(err)
		}
		first, last, err := c.problem.Times()
		if err != nil {
			t.Fatal(err)
		}
		middle := first + 0.4*(last-first)
		model := func(w pinn.Window) *pinn.Model {
			m, err := pinn.New(backendtest.Best(t), c.problem, mlp, pinn.Options{Interior: 20, Boundary: 8, Window: &w})
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		before := model(pinn.Window{From: first, To: middle})
		theta := mlp.Init(1)
		seam, jump, err := before.End(t.Context(), theta)
		if err != nil {
			t.Fatal(err)
		}
		if jump > 1e-9 {
			t.Errorf("%s: the seam of %v terms is off by %g", c.problem.Name, seam.Sizes, jump)
		}
		after := model(pinn.Window{From: middle, To: last, Start: seam})
		lo, hi := c.problem.Domain.Bounds()
		var at []float64
		for i := range lo {
			at = append(at, lo[i]+0.37*(hi[i]-lo[i]))
		}
		at[len(at)-1] = middle
		for _, by := range [][]string{nil, {c.problem.Coordinates[0]}, {"t"}} {
			if len(by) > 0 && by[0] == "t" && !c.rates {
				continue
			}
			ends, err := before.Derivative(theta, at, by...)
			if err != nil {
				t.Fatal(err)
			}
			begins, err := after.Derivative(mlp.Init(2), at, by...)
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(ends[0]-begins[0]) > 1e-8*(1+math.Abs(ends[0])) {
				t.Errorf("%s: the window begins with the derivative by %q at %g, want %g", c.problem.Name, by, begins[0], ends[0])
			}
		}
	}
}

// TestWindowsRefuse: what is wrong with a window is said.
func TestWindowsRefuse(t *testing.T) {
	mlp, err := nn.NewMLP(nn.Tanh, 2, 7, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		problem *pde.Problem
		window  pinn.Window
		want    string
	}{
		{pde.Heat1D(), pinn.Window{From: 0.5, To: 1}, "has no Start"},
		{pde.Heat1D(), pinn.Window{From: 0, To: 1, Start: &pinn.Seam{}}, "expected none"},
		{pde.Heat1D(), pinn.Window{From: 0, To: 2}, "expected times that grow, between 0 and 1"},
		{pde.Heat1D(), pinn.Window{From: 0.5, To: 1, Start: &pinn.Seam{Sizes: []int{33}, Coefficients: []float64{1}}}, "1 coefficients, expected 33"},
		{pde.Poisson2D(), pinn.Window{From: 0, To: 1}, "expected an evolution problem"},
	} {
		_, err := pinn.New(backendtest.Best(t), c.problem, mlp, pinn.Options{Window: &c.window})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.window, err, c.want)
		}
	}
}

// TestTimeOrder: the order of the highest derivative by time.
func TestTimeOrder(t *testing.T) {
	for _, c := range []struct {
		problem *pde.Problem
		want    int
	}{{pde.Heat1D(), 1}, {pde.Wave(1, 2, 0), 2}, {pde.Poisson2D(), 2}, {pde.KdVCosine(), 1}, {pde.Heat(4), 1}} {
		if order, err := pinn.TimeOrder(c.problem); err != nil || order != c.want {
			t.Errorf("%s: the order is %d, %v, want %d", c.problem.Name, order, err, c.want)
		}
	}
}
