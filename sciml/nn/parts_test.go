package nn_test

import (
	"slices"
	"testing"

	"github.com/gosciml/gosciml/sciml/nn"
)

// partly is a network of a user's, with blocks that are not all of θ.
type partly struct{ nn.Network }

func (p partly) Blocks() []nn.Block { return p.Network.Blocks()[1:] }

func TestPartsAndLayers(t *testing.T) {
	small, wide := must(nn.NewMLP(nn.Tanh, 2, 3, 1)), must(nn.NewMLP(nn.Tanh, 2, 5, 1)) // 13 and 21 parameters
	scale := must(nn.Scale([]float64{-1, 0}, []float64{1, 3}))
	boxes := must(nn.Subdomains(small, 0.5, []float64{-1, 0, 1}, []float64{0, 1, 3}))
	experts := must(nn.Gated(small, 2, must(nn.NewMLP(nn.Tanh, 2, 2))))
	for name, c := range map[string]struct {
		network       nn.Network
		parts, layers []int
	}{
		"one":           {wide, []int{21}, []int{15, 6}},
		"slopes":        {must(nn.NewMLP(nn.Adaptive(nn.Tanh, 3), 2, 5, 1)), []int{22}, []int{16, 6}},
		"PirateNet":     {must(nn.NewPirateNet(nn.Tanh, 2, 3, 1, 1)), []int{51}, []int{9, 9, 9, 12, 8, 1, 3}},
		"separable":     {must(nn.NewSeparable(nn.Tanh, 3, 2, 4, 1)), []int{59}, []int{16, 40, 3}},
		"boxes":         {boxes, []int{13, 13, 13, 13}, []int{9, 4, 9, 4, 9, 4, 9, 4}},
		"windows":       {must(nn.Windowed(small, 1, 0, 1, 2)), []int{13, 13}, []int{9, 4, 9, 4}},
		"experts":       {experts, []int{13, 13, 6}, []int{9, 4, 9, 4, 6}},
		"levels":        {must(nn.Sum(wide, boxes)), []int{21, 13, 13, 13, 13}, []int{15, 6, 9, 4, 9, 4, 9, 4, 9, 4}},
		"side by side":  {must(nn.SideBySide(experts, wide)), []int{13, 13, 6, 21}, []int{9, 4, 9, 4, 6, 15, 6}},
		"maps, factors": {must(nn.Amplified(must(nn.Mapped(must(nn.Sum(wide, experts)), scale)), 3)), []int{21, 13, 13, 6}, []int{15, 6, 9, 4, 9, 4, 6}},
		"boxes of sums": {must(nn.Subdomains(must(nn.Sum(small, wide)), 1, []float64{-1, 0, 1}, []float64{0, 1})), []int{34, 34}, []int{9, 4, 15, 6, 9, 4, 15, 6}},
		"a user's":      {partly{wide}, []int{21}, []int{21}},
		"nil":           {nil, nil, nil},
		"a literal":     {&nn.MLP{}, nil, nil},
	} {
		if got := nn.Parts(c.network); !slices.Equal(got, c.parts) {
			t.Errorf("%s: the parts have %v parameters, want %v", name, got, c.parts)
		}
		if got := nn.Layers(c.network); !slices.Equal(got, c.layers) {
			t.Errorf("%s: the layers have %v parameters, want %v", name, got, c.layers)
		}
	}
}

// TestPartsAreLocal: what changes in a part of θ changes u in its box alone, and what changes in the coarse network everywhere.
func TestPartsAreLocal(t *testing.T) {
	mlp := must(nn.NewMLP(nn.Tanh, 2, 3, 1))
	network := must(nn.Sum(must(nn.NewMLP(nn.Tanh, 2, 4, 1)), must(nn.Subdomains(mlp, 0.2, []float64{-1, 0, 1}, []float64{0, 1, 3}))))
	theta := network.Init(1)
	middles := [][]float64{{-0.5, 0.5}, {-0.5, 2}, {0.5, 0.5}, {0.5, 2}} // of the boxes, in their order
	before := valuesOf(t, network, theta, middles)
	at := 0
	for part, size := range nn.Parts(network) {
		moved := slices.Clone(theta)
		for i := range size {
			moved[at+i] += 0.1
		}
		at += size
		for box, u := range valuesOf(t, network, moved, middles) {
			if changes, want := u[0] != before[box][0], part == 0 || part == box+1; changes != want {
				t.Errorf("part %d changes u in box %d: %v, want %v", part, box, changes, want)
			}
		}
	}
}
