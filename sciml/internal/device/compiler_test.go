package device_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/internal/device"
)

// TestCompilesBeside: who waits for a program no longer than its context lasts gives back its inputs and leaves; the program is
// compiled all the same, once, and then runs for others and for those whose context has ended.
func TestCompilesBeside(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, inner compute.Backend) {
		b := backendtest.Block(inner, 0)
		built := 0
		twice, err := device.NewProgram(device.Compiler{Backend: b.Backend}, "twice", func(in []*graph.Node) []*graph.Node {
			built++
			return []*graph.Node{graph.Add(in[0], in[0])}
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		go func() {
			<-b.Reached
			cancel()
		}()
		first := device.Vector(dtype, []float64{1})
		var cut *device.Interrupted
		if _, err := twice.Within(ctx).Call([]*tensors.Tensor{first}); !errors.Is(err, context.Canceled) || !errors.As(err, &cut) || cut.What != "compiling the twice program" {
			t.Errorf("error %v, want that the program was not waited for", err)
		}
		device.Free([]*tensors.Tensor{first})
		if _, err := twice.Within(ctx).Call([]*tensors.Tensor{device.Vector(dtype, []float64{1})}); !device.IsInterrupted(err) {
			t.Errorf("error %v, want that the program is not waited for", err)
		}
		close(b.Release)
		for name, p := range map[string]*device.Program{"for ever": twice, "for a while": twice.Within(t.Context())} {
			out, err := p.Call([]*tensors.Tensor{device.Vector(dtype, []float64{4})})
			if err != nil {
				t.Fatal(name, err)
			}
			if got := numbers(t, out[0]); got[0] != 8 {
				t.Errorf("%s: %v, want 8", name, got)
			}
		}
		if _, err := twice.Within(ctx).Call([]*tensors.Tensor{device.Vector(dtype, []float64{4})}); err != nil || built != 1 {
			t.Errorf("error %v when it was compiled, %d times; want none, and once", err, built)
		}
	})
}

// TestBeside: what work returns or panics with is the caller's.
func TestBeside(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	for _, given := range []context.Context{nil, context.Background(), ctx} {
		if got, err := device.Beside(given, 0, "counting", func() (int, error) { return 3, fmt.Errorf("too few") }); got != 3 || err == nil || err.Error() != "too few" {
			t.Errorf("%d, error %v", got, err)
		}
		func() {
			defer func() {
				if r := recover(); r != "lost count" {
					t.Errorf("panic %v, want that of the work", r)
				}
			}()
			_, err := device.Beside(given, 0, "counting", func() (int, error) { panic("lost count") })
			t.Errorf("error %v, want a panic", err)
		}()
	}
	cancel()
	if got, err := device.Beside(ctx, device.Grace, "counting", func() (int, error) { return 3, nil }); got != 3 || err != nil {
		t.Errorf("%d, error %v, want what takes no time", got, err)
	}
	if _, err := device.Beside(ctx, 0, "counting", func() (int, error) { t.Error("begun"); return 0, nil }); !device.IsInterrupted(err) {
		t.Errorf("error %v, want that it was not begun", err)
	}
}

// TestAhead: a program compiled ahead tells the shapes of its outputs, is built once, and gives the same numbers; what cannot be built
// is left to the call to say.
func TestAhead(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		built := 0
		outer, err := device.NewProgram(device.Compiler{Backend: b}, "outer", func(in []*graph.Node) []*graph.Node {
			built++
			return []*graph.Node{graph.Mul(graph.ExpandAxes(in[0], 1), graph.ExpandAxes(in[1], 0))}
		})
		if err != nil {
			t.Fatal(err)
		}
		in := []*tensors.Tensor{device.Vector(dtype, []float64{1, 2}), device.Vector(dtype, []float64{3, 4, 5})}
		if ahead := outer.Ahead(device.ShapesOf(in)); b.Name() == "xla" && (len(ahead) != 1 || ahead[0].String() != "(Float64)[2, 3]") || b.Name() != "xla" && ahead != nil {
			t.Errorf("the outputs have the shapes %v", ahead)
		}
		out, err := outer.Call(in)
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(out[0].Value()); got != "[[3 4 5] [6 8 10]]" || built != 1 {
			t.Errorf("%s, built %d times", got, built)
		}
		if again := outer.Ahead(device.ShapesOf(in)); again != nil || built != 1 {
			t.Errorf("what is compiled is compiled ahead again: %v, built %d times", again, built)
		}
		for what, build := range map[string]func(in []*graph.Node) []*graph.Node{
			"panic": func([]*graph.Node) []*graph.Node { panic("no graph") }, "end": func([]*graph.Node) []*graph.Node { runtime.Goexit(); return nil },
		} {
			fails, err := device.NewProgram(device.Compiler{Backend: b}, what, build)
			if err != nil {
				t.Fatal(err)
			}
			if ahead := fails.Ahead(device.ShapesOf(in)); ahead != nil {
				t.Errorf("%s: shapes %v of what cannot be built", what, ahead)
			}
			if what == "end" {
				continue // the call would end this test
			}
			if _, err := fails.Call(in); err == nil || !strings.Contains(err.Error(), "no graph") {
				t.Errorf("%s: error %v", what, err)
			}
		}
	})
}
