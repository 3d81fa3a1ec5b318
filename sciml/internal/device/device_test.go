package device_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/internal/device"
)

var dtype = dtypes.Float64

// numbers reads a tensor, which fails the test when it was freed.
func numbers(t *testing.T, x *tensors.Tensor) []float64 {
	t.Helper()
	values, err := device.Numbers(x)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

func program(t *testing.T, b compute.Backend, build func(in []*graph.Node) []*graph.Node) *device.Program {
	t.Helper()
	p, err := device.NewProgram(device.Compiler{Backend: b}, "test", build)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// given are tensors in all the ways that there are: on the host, with a copy on the device, and from a program.
func given(t *testing.T, b compute.Backend, values []float64) map[string]*tensors.Tensor {
	t.Helper()
	double := program(t, b, func(in []*graph.Node) []*graph.Node { return []*graph.Node{graph.Add(in[0], in[0])} })
	all := map[string]*tensors.Tensor{"host": device.Vector(dtype, values), "uploaded": device.Vector(dtype, values)}
	half := make([]float64, len(values))
	for i, v := range values {
		half[i] = v / 2
	}
	halves := device.Vector(dtype, half)
	for _, x := range []*tensors.Tensor{all["uploaded"], halves} {
		out, err := double.Call([]*tensors.Tensor{x})
		if err != nil {
			t.Fatal(err)
		}
		device.Free([]*tensors.Tensor{all["made"]}) // of the first one
		all["made"] = out[0]
	}
	device.Free([]*tensors.Tensor{halves})
	return all
}

// TestOwner: what is replaced is freed, what is held in another place is not, and nobody minds nil or a second time.
func TestOwner(t *testing.T) {
	var all [5]*tensors.Tensor
	for i := range all {
		all[i] = device.Vector(dtype, []float64{float64(i)})
	}
	alive := func() string {
		s := ""
		for i, x := range all {
			if x.Ok() {
				s += fmt.Sprint(i)
			}
		}
		return s
	}
	var o device.Owner
	o.Release(nil)
	o.Hold(all[:2], []*tensors.Tensor{nil, all[1], all[2]})
	o.Release([]*tensors.Tensor{all[0], nil, all[3], all[3]})
	if got := alive(); got != "0124" {
		t.Errorf("after Release of one that is held and of one that is not there are %s, want 0124", got)
	}
	o.Hold([]*tensors.Tensor{all[4]}, all[2:3], all[2:3])
	if got := alive(); got != "24" {
		t.Errorf("two and four are held, there are %s", got)
	}
	device.Free(append(all[3:], nil, all[4]))
	o.Hold(all[2:3])
	o.Hold()
	o.Hold()
	device.Free(all[:])
	if got := alive(); got != "" {
		t.Errorf("nothing is held, there are %s", got)
	}
	if _, err := device.Copy(all[0]); err == nil {
		t.Error("one that was freed is copied")
	}
}

// TestCopy: a copy and what it is of have nothing in common.
func TestCopy(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		values := []float64{1, math.Inf(-1), math.Copysign(0, -1), 1e-300}
		twice := program(t, b, func(in []*graph.Node) []*graph.Node { return []*graph.Node{graph.Mul(in[0], in[1])} })
		for name, x := range given(t, b, values) {
			first, err := device.Copy(x)
			if err != nil {
				t.Fatal(err)
			}
			second, err := device.Copy(first)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := twice.Call([]*tensors.Tensor{second, x}); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			device.Free([]*tensors.Tensor{first})
			for _, y := range []*tensors.Tensor{x, second} {
				if got := numbers(t, y); !slices.Equal(got, values) || !math.Signbit(got[2]) {
					t.Errorf("%s: %v, want %v", name, got, values)
				}
			}
			device.Free([]*tensors.Tensor{x})
			if got := numbers(t, second); !slices.Equal(got, values) {
				t.Errorf("%s: the copy is %v after the original was freed, want %v", name, got, values)
			}
		}
	})
}

// TestOutputs: an output that is an input, or another output, is memory of its own.
func TestOutputs(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		p := program(t, b, func(in []*graph.Node) []*graph.Node {
			sum := graph.Add(in[0], in[1])
			return []*graph.Node{in[0], sum, in[0], sum}
		})
		for name, x := range given(t, b, []float64{1, 2}) {
			out, err := p.Call([]*tensors.Tensor{x, x})
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range []string{"[1 2]", "[2 4]", "[1 2]", "[2 4]"} {
				if got := fmt.Sprint(numbers(t, out[i])); got != want {
					t.Errorf("%s: output %d is %s, want %s", name, i, got, want)
				}
				device.Free(out[i : i+1])
			}
			if got := fmt.Sprint(numbers(t, x)); got != "[1 2]" {
				t.Errorf("%s: the input is %s after the outputs were freed", name, got)
			}
		}
	})
}

// TestLoop: on the device or call by call, the loop leaves its inputs as they are, frees what it needs in between, and gives
// tensors of their own, also of variables that stay as they are.
func TestLoop(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, inner compute.Backend) {
		b := backendtest.Watch(inner)
		l, err := device.NewLoop(device.Compiler{Backend: b}, "powers", 4, func(vars []*graph.Node) []*graph.Node {
			count, power, kept, by, limit := vars[1], vars[2], vars[3], vars[4], vars[5]
			next := graph.AddScalar(count, 1)
			return []*graph.Node{graph.LessThan(next, limit), next, graph.Mul(power, by), kept}
		})
		if err != nil {
			t.Fatal(err)
		}
		if want := inner.String() != "go"; l.OnDevice != want {
			t.Errorf("%s: the loop is on the device: %v, want %v", inner, l.OnDevice, want)
		}
		limit := func(n int32) []*tensors.Tensor { return []*tensors.Tensor{tensors.FromScalar(n)} }
		for name, x := range given(t, b, []float64{2, 3}) {
			for n, want := range map[int32]string{1: "[4 9]", 3: "[16 81]", -1: "[4 9]"} {
				first := []*tensors.Tensor{tensors.FromScalar(int32(0)), x, x}
				last := limit(n)
				out, err := l.Run(first, []*tensors.Tensor{x}, last)
				if err != nil {
					t.Fatal(err)
				}
				device.Free(append(last, first[0]))
				if got := fmt.Sprint(numbers(t, out[1]), numbers(t, out[2])); got != want+" [2 3]" {
					t.Errorf("%s, %d times: %s, want %s [2 3]", name, n, got, want)
				}
				device.Free(out)
				if got := fmt.Sprint(numbers(t, x)); got != "[2 3]" {
					t.Errorf("%s: the input is %s after %d times", name, got, n)
				}
			}
			device.Free([]*tensors.Tensor{x})
		}
		if live := b.Live(0); len(live) > 0 {
			t.Errorf("not freed: %v", live)
		}
		b.Fail = func(program string) error { return fmt.Errorf("%s is broken", program) }
		x := device.Vector(dtype, []float64{1})
		if _, err := l.Run([]*tensors.Tensor{tensors.FromScalar(int32(0)), x, x}, []*tensors.Tensor{x}, limit(3)); err == nil || !strings.Contains(err.Error(), "powers") || !x.Ok() {
			t.Errorf("error %v, want one that names the program, and x as it was", err)
		}
	})
}

// TestLargeInputs: large ones from the host are on the device alone after a call, and are still what they were.
func TestLargeInputs(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		p := program(t, b, func(in []*graph.Node) []*graph.Node { return []*graph.Node{graph.ReduceAllSum(in[0])} })
		values := make([]float64, 1<<18)
		for i := range values {
			values[i] = float64(i % 3)
		}
		x := device.Vector(dtype, values)
		for range 2 {
			if _, err := p.Call([]*tensors.Tensor{x}); err != nil {
				t.Fatal(err)
			}
			if x.HasLocal() {
				t.Error("there is a copy on the host after the call")
			}
			if !slices.Equal(numbers(t, x), values) {
				t.Error("the input has changed")
			}
			if _, err := device.Save(x); err != nil || x.HasLocal() {
				t.Errorf("reading leaves a copy on the host: %v, error %v", x.HasLocal(), err)
			}
		}
	})
}

// TestRows takes rows of a tensor, wherever it is.
func TestRows(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		reshape := program(t, b, func(in []*graph.Node) []*graph.Node { return []*graph.Node{graph.Reshape(in[0], 3, 2)} })
		for name, x := range given(t, b, []float64{1, 2, 3, 4, 5, 6}) {
			out, err := reshape.Call([]*tensors.Tensor{x})
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range []struct {
				of       *tensors.Tensor
				from, to int
				want     string
			}{{x, 0, 1, "[1]"}, {x, 4, 6, "[5 6]"}, {out[0], 1, 3, "[3 4 5 6]"}, {out[0], 0, 3, "[1 2 3 4 5 6]"}} {
				rows, err := device.Rows(c.of, c.from, c.to)
				if err != nil {
					t.Fatal(err)
				}
				want := c.of.Shape().Clone()
				want.Dimensions[0] = c.to - c.from
				if got := fmt.Sprint(numbers(t, rows)); got != c.want || !rows.Shape().Equal(want) {
					t.Errorf("%s: rows %d to %d are %s of shape %s, want %s of %s", name, c.from, c.to, got, rows.Shape(), c.want, want)
				}
				device.Free([]*tensors.Tensor{rows})
				numbers(t, c.of)
			}
		}
	})
}

// TestSaved: every bit comes back, in both precisions and of other types, from wherever the tensor is.
func TestSaved(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		same := program(t, b, func(in []*graph.Node) []*graph.Node { return in })
		odd := math.Float64frombits(0x7ff8_0000_dead_beef)
		for _, x := range []*tensors.Tensor{
			tensors.FromValue([][]float64{{1.0 / 3, odd}, {math.Inf(1), math.Copysign(0, -1)}}),
			tensors.FromValue([]float32{1.0 / 3, float32(math.NaN()), 1e-45}),
			tensors.FromScalar(float32(2.5)), tensors.FromScalar(int32(-7)), tensors.FromScalar(true), tensors.FromValue([]int32{1, 2}),
		} {
			out, err := same.Call([]*tensors.Tensor{x})
			if err != nil {
				t.Fatal(err)
			}
			saved, err := device.SaveAll([]*tensors.Tensor{x, out[0]})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(saved[0].Bytes, saved[1].Bytes) {
				t.Errorf("%s: %x is %x on the device", x.Shape(), saved[0].Bytes, saved[1].Bytes)
			}
			device.Free([]*tensors.Tensor{x})
			again, err := device.RestoreAll(saved, []*tensors.Tensor{out[0], out[0]})
			if err != nil {
				t.Fatal(err)
			}
			twice, err := device.Save(again[1])
			if err != nil || !slices.Equal(twice.Bytes, saved[0].Bytes) || !again[0].Shape().Equal(out[0].Shape()) {
				t.Errorf("%x of shape %s came back as %x of %s, error %v", saved[0].Bytes, out[0].Shape(), twice.Bytes, again[0].Shape(), err)
			}
		}
	})
}

func TestSavedErrors(t *testing.T) {
	saved, err := device.Save(device.Vector(dtypes.Float32, []float64{1, 2}))
	if err != nil {
		t.Fatal(err)
	}
	short, unknown := saved, saved
	short.Bytes, unknown.DType = saved.Bytes[:5], "Float1000"
	for word, c := range map[string]struct {
		saved device.Saved
		want  shapes.Shape
	}{
		"expected (Float64)[2]": {saved, shapes.Make(dtypes.Float64, 2)}, "expected (Float32)[3]": {saved, shapes.Make(dtypes.Float32, 3)},
		"has 5 bytes": {short, shapes.Make(dtypes.Float32, 2)}, "Float1000": {unknown, shapes.Make(dtypes.Float32, 2)},
	} {
		if _, err := c.saved.Restore(c.want); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("error %v, want one that mentions %q", err, word)
		}
	}
	if _, err := device.RestoreAll([]device.Saved{saved}, nil); err == nil {
		t.Error("a tensor is restored that there is no place for")
	}
	freed := device.Vector(dtype, []float64{1})
	device.Free([]*tensors.Tensor{freed})
	if _, err := device.Save(freed); err == nil {
		t.Error("a tensor is saved that was freed")
	}
}
