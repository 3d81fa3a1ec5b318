package sciml_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
)

// ofOrder is a problem whose equation has a derivative of that order.
func ofOrder(order int) *pde.Problem {
	p := pde.Poisson2D()
	p.Equations = []pde.Equation{{Name: "high", Residual: func(u *pde.Fields) *graph.Node {
		return graph.Sub(u.D(slices.Repeat([]string{"x"}, order)...), u.U())
	}}}
	return p
}

// TestOrders: an equation of order twelve is trained, and one of an order that nobody could wait for is refused before anything
// is compiled, with its name, its order and what it would cost.
func TestOrders(t *testing.T) {
	for _, method := range []optim.Method{nil, optim.Adam{}} {
		b := backendtest.Watch(pureGo(t))
		b.Fail = func(program string) error {
			return fmt.Errorf("%s is compiled and called", program)
		}
		_, err := sciml.Solve(context.Background(), ofOrder(200), tiny(t, b, method))
		if err == nil {
			t.Fatal("order 200 is not refused")
		}
		for _, word := range []string{`"high"`, "order 200", "operations", "to compile", "at most 20000"} {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("error %v, want one that mentions %q", err, word)
			}
		}
	}
	options := tiny(t, pureGo(t), optim.Adam{})
	options.Iterations = 3
	if s := solve(t, ofOrder(12), options); s.Result.Status != optim.IterationLimit {
		t.Errorf("order 12: %s", s)
	}
}
