package optim

import (
	"context"
	"math"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// TestSearchForgets: a search remembers the loss of each iterate, the first included, and none of an objective that is no
// more.
func TestSearchForgets(t *testing.T) {
	shift := tensors.FromScalar(1000.0)
	obj := &objective.Objective{Backend: goBackend(t), Dim: 2, Data: []*tensors.Tensor{shift}, Loss: func(theta *graph.Node, data []*graph.Node) *graph.Node {
		return graph.Add(graph.ReduceAllSum(graph.Exp(graph.Square(theta))), data[0])
	}}
	stepper, err := LBFGS{Search: search.NonMonotone{Memory: 4}}.Start(obj, device.Vector(obj.Precision(), []float64{0.9, -1.1}))
	if err != nil {
		t.Fatal(err)
	}
	memory := stepper.(*lineSearch).search.(search.MemorySearch)
	var losses []float64
	advance := func() {
		p, err := stepper.Advance(context.Background(), 2, Goal{Loss: math.Inf(-1)})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range p.Records {
			losses = append(losses, r.Loss)
		}
	}
	check := func(count int) {
		t.Helper()
		got := memory.Memory()
		if len(got) != count {
			t.Fatalf("the search knows %v of %v, want the last %d", got, losses, count)
		}
		for i, f := range got {
			if f != losses[len(losses)-count+i] {
				t.Errorf("the search knows %v of %v", got, losses)
			}
		}
	}
	advance()
	check(3)
	advance()
	check(4)
	obj.Data[0] = tensors.FromScalar(0.0)
	stepper.Refresh()
	check(0)
	_, before := stepper.Best()
	advance()
	// The first evaluation of the new objective has no record of its own.
	if got := memory.Memory(); len(got) != 3 || got[0] > 100 || !math.IsInf(before, 1) {
		t.Errorf("after the change the search knows %v", got)
	}
}
