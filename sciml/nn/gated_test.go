package nn_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/sciml/nn"
)

// TestGated: it is the sum of the experts, each times its share, which is the softmax of the gate; with all experts together and in turn.
func TestGated(t *testing.T) {
	mlp, gate := must(nn.NewMLP(nn.Tanh, 2, 4, 3, 2)), must(nn.NewMLP(nn.Sine, 2, 5, 3))
	one, other := must(nn.Gated(mlp, 3, gate)), must(nn.Gated(unspecified{mlp}, 3, gate))
	p := mlp.NumParams()
	if got := one.String(); got != "3 experts MLP 2-4-3-2 tanh, gated by MLP 2-5-3 sin" {
		t.Errorf("it is called %s", got)
	}
	if one.NumParams() != 3*p+gate.NumParams() || len(one.Blocks()) != 3*len(mlp.Blocks())+len(gate.Blocks()) {
		t.Fatalf("it has %d parameters in %d blocks, want those of three experts and the gate", one.NumParams(), len(one.Blocks()))
	}
	next := 0
	for _, b := range one.Blocks() {
		if b.Offset != next {
			t.Errorf("block %q begins at %d, want %d", b.Name, b.Offset, next)
		}
		next += b.Size()
	}
	if names := one.Blocks(); names[6].Name != "expert 2, layer 1 weights" || names[18].Name != "gate, layer 1 weights" {
		t.Errorf("the blocks are %v", names)
	}
	theta := one.Init(4)
	if slices.Equal(theta[:p], theta[p:2*p]) || !slices.Equal(theta[:p], mlp.Init(4)) || slices.Equal(theta, one.Init(5)) {
		t.Error("the experts begin alike, or not by the seed")
	}
	points := [][]float64{{0.3, 0.2}, {-0.42, 1.1}, {0.79, 0.9}, {0.02, 2.4}}
	wanted := [][]int{{0}, {1}, {0, 0}, {0, 1}, {0, 0, 1}, {1, 1, 1, 1}}
	got := valuesOf(t, one, theta, points, wanted...)
	shares := valuesOf(t, gate, theta[3*p:], points)
	var experts [3][][]float64
	for j := range experts {
		experts[j] = valuesOf(t, mlp, theta[j*p:(j+1)*p], points)
	}
	for i, row := range valuesOf(t, other, theta, points, wanted...) {
		for k, v := range row {
			if math.Abs(v-got[i][k]) > 1e-11*(1+math.Abs(v)) {
				t.Errorf("at %v number %d is %g together and %g in turn", points[i], k, got[i][k], v)
			}
		}
		total := 0.0
		for _, g := range shares[i] {
			total += math.Exp(g)
		}
		for k := range 2 {
			want := 0.0
			for j := range experts {
				want += math.Exp(shares[i][j]) / total * experts[j][i][k]
			}
			if math.Abs(got[i][k]-want) > 1e-14 {
				t.Errorf("at %v output %d is %g, want %g", points[i], k, got[i][k], want)
			}
		}
	}
}

// TestGatedByALargeGate: outputs of a gate that would overflow as powers make one expert the only one.
func TestGatedByALargeGate(t *testing.T) {
	mlp := must(nn.NewMLP(nn.Tanh, 1, 2, 1))
	network, p := must(nn.Gated(mlp, 2, must(nn.NewMLP(nn.Tanh, 1, 2)))), mlp.NumParams()
	theta := network.Init(1)
	copy(theta[2*p:], []float64{0, 5000, 0, 0}) // G = 0 and 5000x
	for x, expert := range map[float64]int{-1: 0, 1: 1} {
		got := valuesOf(t, network, theta, [][]float64{{x}}, []int{0}, []int{0, 0})[0]
		want := valuesOf(t, mlp, theta[expert*p:(expert+1)*p], [][]float64{{x}}, []int{0}, []int{0, 0})[0]
		for k := range want {
			if math.Abs(got[k]-want[k]) > 1e-14 {
				t.Errorf("at %g it is %v, want expert %d alone, %v", x, got, expert, want)
			}
		}
	}
}

// TestBoxGate: a point in the middle of a box is its expert's, one on the edge between two belongs to both by half, and shares pass from 2 to 98 % over the zone.
func TestBoxGate(t *testing.T) {
	const overlap = 0.25
	gate := must(nn.BoxGate(overlap, quarters...))
	theta := gate.Init(1)
	share := func(points ...[]float64) [][]float64 {
		values := valuesOf(t, gate, theta, points)
		for _, row := range values {
			total := 0.0
			for k, v := range row {
				row[k] = math.Exp(v)
				total += row[k]
			}
			for k := range row {
				row[k] /= total
			}
		}
		return values
	}
	if gate.Outputs() != 8 || gate.String() != "gate for boxes [4 2]" || !slices.Equal(theta, gate.Init(2)) {
		t.Fatalf("%s has %d outputs, or begins by the seed", gate, gate.Outputs())
	}
	for i := range 4 {
		for j := range 2 {
			middle := []float64{(quarters[0][i] + quarters[0][i+1]) / 2, (quarters[1][j] + quarters[1][j+1]) / 2}
			if got := share(middle)[0]; got[2*i+j] < 0.98 {
				t.Errorf("in the middle of box %d, %v, the shares are %v", 2*i+j, middle, got)
			}
		}
	}
	for _, v := range share([]float64{-0.4, 0.5}) {
		if math.Abs(v[0]-v[2]) > 1e-13 || v[0] < 0.49 {
			t.Errorf("at the edge between boxes 0 and 2 the shares are %v", v)
		}
	}
	// The last box is the narrowest in x, 0.2 wide.
	half := overlap * 0.2 / 2
	for k, v := range share([]float64{0.8 - half, 0.5}, []float64{0.8 + half, 0.5}) {
		if small, large := v[6-2*k], v[4+2*k]; math.Abs(small-0.018) > 1e-3 || math.Abs(large-0.982) > 1e-3 {
			t.Errorf("at side %d of the zone the shares are %v", k, v)
		}
	}
	// Other lengths of the coordinates change nothing but their unit.
	far := must(nn.BoxGate(overlap, []float64{1e6, 1.5e6, 3e6}))
	if near := must(nn.BoxGate(overlap, []float64{0, 0.5, 2})); !slices.EqualFunc(far.Init(1), near.Init(1), func(a, b float64) bool { return math.Abs(a-b) < 1e-12 }) {
		t.Errorf("the gate begins with %v, and with %v in other units", near.Init(1), far.Init(1))
	}
}

func TestGatedErrors(t *testing.T) {
	mlp, gate := must(nn.NewMLP(nn.Tanh, 2, 4, 1)), must(nn.NewMLP(nn.Tanh, 2, 3))
	for want, make := range map[string]func() (nn.Network, error){
		"nn.Gated: the expert is nil":                                         func() (nn.Network, error) { return nn.Gated(nil, 3, gate) },
		"nn.Gated: the gate is nil":                                           func() (nn.Network, error) { return nn.Gated(mlp, 3, nil) },
		"a literal is no network":                                             func() (nn.Network, error) { return nn.Gated(&nn.MLP{}, 3, gate) },
		"nn.Gated: experts is 0, expected at least 1":                         func() (nn.Network, error) { return nn.Gated(mlp, 0, gate) },
		"the gate (MLP 2-3 tanh) has 3 outputs, expected one for each of 2":   func() (nn.Network, error) { return nn.Gated(mlp, 2, gate) },
		"the gate (MLP 1-3 tanh) takes 1 inputs, expected 2 as an expert":     func() (nn.Network, error) { return nn.Gated(mlp, 3, must(nn.NewMLP(nn.Tanh, 1, 3))) },
		"nn.BoxGate: there are no edges":                                      func() (nn.Network, error) { return nn.BoxGate(0.5) },
		"nn.BoxGate: the overlap is 0, expected a number above 0":             func() (nn.Network, error) { return nn.BoxGate(0, quarters...) },
		"nn.BoxGate: the overlap is NaN":                                      func() (nn.Network, error) { return nn.BoxGate(math.NaN(), quarters...) },
		"nn.BoxGate: coordinate 1 has the edges [2]":                          func() (nn.Network, error) { return nn.BoxGate(1, []float64{0, 1}, []float64{2}) },
		"nn.BoxGate: the edges of coordinate 0 are [0 1 1], expected finite":  func() (nn.Network, error) { return nn.BoxGate(1, []float64{0, 1, 1}) },
		"nn.BoxGate: nn.Scale: coordinate 0 goes from -1.7e+308 to 1.7e+308,": func() (nn.Network, error) { return nn.BoxGate(1, []float64{-1.7e308, 0, 1.7e308}) },
	} {
		if n, err := make(); n != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("it gives %v, error %v, want one that says %q", n, err, want)
		}
	}
	for text, want := range map[string]string{
		`{"Kind":"gated","Data":{"Experts":3}}`:                                                                  "nn.Gated: the ",
		`{"Kind":"gated","Data":{"Experts":"3"}}`:                                                                "nn.Unmarshal: gated: json",
		`{"Kind":"gated","Data":{"Experts":1,"Expert":{"Kind":"x"}}}`:                                            `kind "x" is unknown`,
		`{"Kind":"box gate","Data":{"Overlap":1}}`:                                                               "nn.BoxGate: there are no edges",
		`{"Kind":"box gate","Data":{"Overlap":2,"Edges":[[0,1]]}}`:                                               "nn.BoxGate: the overlap is 2",
		strings.Replace(string(must(nn.Marshal(must(nn.Gated(mlp, 3, gate))))), `"Experts":3`, `"Experts":4`, 1): "expected one for each of 4 experts",
	} {
		if n, err := nn.Unmarshal([]byte(text)); n != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s gives %v, error %v, want one that says %q", text, n, err, want)
		}
	}
}
