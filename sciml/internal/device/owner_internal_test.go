package device

import (
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
)

// TestOutstanding: what nobody frees is counted, and nothing else; inputs from the host that are freed do not hide it.
func TestOutstanding(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		p, err := NewProgram(Compiler{Backend: b}, "twice", func(in []*graph.Node) []*graph.Node { return []*graph.Node{graph.Add(in[0], in[1])} })
		if err != nil {
			t.Fatal(err)
		}
		outstanding.Store(0)
		const size = 8 * 100
		want := int64(0)
		for i, free := range []struct{ input, output, clone bool }{{true, true, true}, {true, false, true}, {false, true, true}, {true, false, true}, {false, false, true}} {
			in := []*tensors.Tensor{Vector(dtypes.Float64, make([]float64, 100))}
			out, err := p.Call(in, in)
			if err != nil {
				t.Fatal(err)
			}
			clone, err := Copy(in[0])
			if err != nil {
				t.Fatal(err)
			}
			Free([]*tensors.Tensor{clone})
			Free([]*tensors.Tensor{Vector(dtypes.Float64, make([]float64, 100))}) // never on the device
			if free.input {
				Free(in)
			} else {
				want += size
			}
			if free.output {
				Free(out)
			} else {
				want += size
			}
			if got := outstanding.Load(); got != want {
				t.Errorf("after round %d %d bytes are counted, want %d", i, got, want)
			}
		}
	})
}
