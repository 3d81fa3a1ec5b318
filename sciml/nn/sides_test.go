package nn_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/nn"
)

// pair is a wide network and, after a map, a narrow one with two outputs.
func pair() (both, wide, narrow nn.Network) {
	wide = must(nn.NewMLP(nn.Tanh, 2, 5, 4, 1))
	narrow = must(nn.Mapped(must(nn.NewMLP(nn.Sine, 2, 3, 2)), must(nn.Scale([]float64{-1, 0}, []float64{3, 2}))))
	return must(nn.SideBySide(wide, narrow)), wide, narrow
}

// TestSideBySide: outputs, parameters, blocks and initial values are those of the networks one after the other, and Kronecker
// factors, which methods find by the layers of a graph, are those of each alone.
func TestSideBySide(t *testing.T) {
	both, wide, narrow := pair()
	p := wide.NumParams()
	if both.Inputs() != 2 || both.Outputs() != 3 || both.NumParams() != p+narrow.NumParams() {
		t.Fatalf("%s maps %d inputs to %d outputs with %d parameters", both, both.Inputs(), both.Outputs(), both.NumParams())
	}
	if got := both.String(); got != "[MLP 2-5-4-1 tanh | scale [-1 0]…[3 2] → MLP 2-3-2 sin]" {
		t.Errorf("it is called %s", got)
	}
	next := 0
	for _, b := range both.Blocks() {
		if b.Offset != next {
			t.Errorf("block %q begins at %d, want %d", b.Name, b.Offset, next)
		}
		next += b.Size()
	}
	if names := both.Blocks(); names[0].Name != "1: layer 1 weights" || names[6].Name != "2: layer 1 weights" || next != both.NumParams() {
		t.Errorf("the blocks are %v", names)
	}
	theta := both.Init(5)
	if !slices.Equal(theta[:p], wide.Init(5)) || slices.Equal(theta, both.Init(6)) || !slices.Equal(theta, both.Init(5)) {
		t.Errorf("the initial values are not those of the first network for the seed")
	}
	if twins := must(nn.SideBySide(wide, wide)).Init(5); slices.Equal(twins[:p], twins[p:]) {
		t.Errorf("two networks of a kind begin alike")
	}

	points := [][]float64{{0.1, -0.7}, {1.3, 0.2}, {-0.5, 1.5}, {0, 0}}
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		out := must(graph.CallOnceN(b, func(theta, x *graph.Node) []*graph.Node {
			residual := func(n nn.Network, theta *graph.Node) *graph.Node {
				u := n.Apply(theta, x)
				return graph.Add(autodiff.Of(u, x).Laplacian(), graph.Sin(u))
			}
			first, second := graph.Slice(theta, graph.AxisRange(0, p)), graph.Slice(theta, graph.AxisRangeToEnd(p))
			r := residual(both, theta)
			alone := graph.Concatenate([]*graph.Node{residual(wide, first), residual(narrow, second)}, 1)
			results := []*graph.Node{r, alone}
			separate := append(autodiff.KroneckerFactors(residual(wide, first), first), autodiff.KroneckerFactors(residual(narrow, second), second)...)
			for i, k := range autodiff.KroneckerFactors(r, theta) {
				results = append(results, k.Inputs, separate[i].Inputs, k.Outputs, separate[i].Outputs)
			}
			return results
		}, theta, points))
		if len(out) != 2+4*5 {
			t.Fatalf("%d results, want those of five layers", len(out))
		}
		for k := 0; k < len(out); k += 2 {
			got, want := tensors.MustCopyFlatData[float64](out[k]), tensors.MustCopyFlatData[float64](out[k+1])
			for i := range want {
				if len(got) != len(want) || !(math.Abs(got[i]-want[i]) <= 1e-13*(1+math.Abs(want[i]))) {
					t.Fatalf("result %d is %v side by side and %v alone", k/2, got, want)
				}
			}
		}
	})
}

func TestSideBySideErrors(t *testing.T) {
	_, wide, _ := pair()
	for want, networks := range map[string][]nn.Network{
		"there are no networks":                   nil,
		"network 2 is nil":                        {wide, nil},
		"network 2 (MLP 3-1 tanh) takes 3 inputs": {wide, must(nn.NewMLP(nn.Tanh, 3, 1))},
	} {
		if n, err := nn.SideBySide(networks...); n != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v gives %v, error %v, want one that says %q", networks, n, err, want)
		}
	}
	if _, err := nn.Marshal(must(nn.SideBySide(wide, unspecified{wide}))); err == nil || !strings.Contains(err.Error(), "nn_test.unspecified") {
		t.Errorf("storing a network that cannot be: %v", err)
	}
}
