package nn_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/sciml/nn"
)

// TestGrow: the larger network is the same function, with its derivatives, and the same seed makes the same one.
func TestGrow(t *testing.T) {
	mlp := func(widths ...int) nn.Network { return must(nn.NewMLP(nn.Tanh, widths...)) }
	scale := must(nn.Scale([]float64{-1, 0}, []float64{1, 3}))
	halves := []float64{-1, 0, 1}
	boxes := func(inner nn.Network) nn.Network {
		return must(nn.Subdomains(inner, 0.5, halves, []float64{0, 3}))
	}
	gated := func(expert, gate nn.Network) nn.Network { return must(nn.Gated(expert, 3, gate)) }
	straight := func(overlap float64) nn.Network {
		return must(nn.BoxGate(overlap, []float64{-1, 0, 0.5, 1}, []float64{0, 3}))
	}
	for name, networks := range map[string][2]nn.Network{
		"wider":                 {mlp(2, 4, 3, 2), mlp(2, 6, 7, 2)},
		"the same":              {mlp(2, 4, 3, 2), mlp(2, 4, 3, 2)},
		"trainable slopes":      {must(nn.NewMLP(nn.Adaptive(nn.Tanh, 3), 2, 4, 2)), must(nn.NewMLP(nn.Adaptive(nn.Tanh, 3), 2, 5, 2))},
		"modified":              {must(nn.NewModifiedMLP(nn.Tanh, 2, 4, 4, 2)), must(nn.NewModifiedMLP(nn.Tanh, 2, 6, 6, 2))},
		"residual, wider":       {must(nn.NewResNet(nn.Sine, 2, 4, 2, 2)), must(nn.NewResNet(nn.Sine, 2, 7, 2, 2))},
		"residual, deeper":      {must(nn.NewResNet(nn.Swish, 2, 4, 1, 2)), must(nn.NewResNet(nn.Swish, 2, 4, 3, 2))},
		"residual, both":        {must(nn.NewResNet(nn.Adaptive(nn.Tanh, 2), 2, 3, 1, 2)), must(nn.NewResNet(nn.Adaptive(nn.Tanh, 2), 2, 5, 2, 2))},
		"adaptive residual":     {must(nn.NewPirateNet(nn.Tanh, 2, 4, 1, 2)), must(nn.NewPirateNet(nn.Tanh, 2, 5, 3, 2))},
		"separable":             {must(nn.NewSeparable(nn.Tanh, 3, 2, 4, 2)), must(nn.NewSeparable(nn.Tanh, 3, 2, 6, 2))},
		"mapped":                {must(nn.Mapped(mlp(2, 3, 2), scale)), must(nn.Mapped(mlp(2, 5, 2), scale))},
		"amplified":             {must(nn.Amplified(mlp(2, 3, 2), 2, 5)), must(nn.Amplified(mlp(2, 5, 2), 2, 5))},
		"side by side":          {must(nn.SideBySide(mlp(2, 3, 1), mlp(2, 2, 1))), must(nn.SideBySide(mlp(2, 3, 1), mlp(2, 4, 1)))},
		"windows":               {must(nn.Windowed(mlp(2, 3, 2), 2, 0, 1, 3)), must(nn.Windowed(mlp(2, 6, 2), 2, 0, 1, 3))},
		"boxes":                 {boxes(mlp(2, 3, 2)), boxes(mlp(2, 4, 2))},
		"experts":               {gated(mlp(2, 3, 2), mlp(2, 4, 3)), gated(mlp(2, 5, 2), mlp(2, 6, 3))},
		"a gate that bends":     {gated(mlp(2, 3, 2), straight(0.5)), gated(mlp(2, 3, 2), must(nn.Sum(straight(1), mlp(2, 4, 3))))},
		"experts beside it":     {mlp(2, 3, 2), must(nn.Sum(mlp(2, 5, 2), gated(mlp(2, 4, 2), straight(1))))},
		"a level of subdomains": {mlp(2, 3, 2), must(nn.Sum(mlp(2, 5, 2), boxes(must(nn.Mapped(mlp(2, 4, 2), scale)))))},
		"one level more":        {must(nn.Sum(mlp(2, 3, 2), mlp(2, 4, 2))), must(nn.Sum(mlp(2, 3, 2), mlp(2, 4, 2), boxes(must(nn.NewResNet(nn.Tanh, 2, 3, 1, 2)))))},
		"a sum of one and more": {must(nn.Sum(mlp(2, 3, 2))), must(nn.Sum(mlp(2, 3, 2), must(nn.Sum(mlp(2, 3, 2), must(nn.SideBySide(mlp(2, 3, 1), mlp(2, 2, 1)))))))},
	} {
		from, to := networks[0], networks[1]
		theta := from.Init(3)
		for i := range theta { // also what begins as zero
			theta[i] += 0.3 * math.Sin(float64(5*i))
		}
		before := slices.Clone(theta)
		grown, err := nn.Grow(from, theta, to, 8)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if len(grown) != to.NumParams() || !slices.Equal(theta, before) || !slices.Equal(grown, must(nn.Grow(from, theta, to, 8))) {
			t.Errorf("%s: %d parameters, want %d, the same for the same seed, and those of the smaller network as they were", name, len(grown), to.NumParams())
		}
		points := [][]float64{{0.3, 0.2}, {-0.42, 1.1}, {0.79, 2.9}, {0.02, 1.4}}
		wanted := [][]int{{0}, {1}, {0, 1}, {0, 0}}
		want := valuesOf(t, from, theta, points, wanted...)
		for i, row := range valuesOf(t, to, grown, points, wanted...) {
			for k, v := range row {
				if math.Abs(v-want[i][k]) > 1e-13*(1+math.Abs(v)) {
					t.Errorf("%s: at %v number %d is %.17g, want %.17g", name, points[i], k, v, want[i][k])
				}
			}
		}
	}
}

// TestGrowLeavesWhatIsNewTrainable: a step down the gradient brings all of what is new into use.
func TestGrowLeavesWhatIsNewTrainable(t *testing.T) {
	from, to := must(nn.NewMLP(nn.Tanh, 2, 3, 1)), must(nn.Sum(must(nn.NewMLP(nn.Tanh, 2, 4, 1)), must(nn.Subdomains(must(nn.NewMLP(nn.Tanh, 2, 3, 1)), 1, []float64{0, 1, 2}, []float64{0, 1}))))
	grown := must(nn.Grow(from, from.Init(1), to, 2))
	points := [][]float64{{0.3, 0.2}, {0.9, 0.7}, {1.6, 0.4}}
	base := valuesOf(t, to, grown, points)
	for _, b := range to.Blocks() {
		if !strings.HasSuffix(b.Name, "layer 2 weights") {
			continue
		}
		for i := range b.Size() {
			moved := slices.Clone(grown)
			moved[b.Offset+i] += 0.5
			most := 0.0
			for k, row := range valuesOf(t, to, moved, points) {
				most = math.Max(most, math.Abs(row[0]-base[k][0]))
			}
			if most < 1e-3 {
				t.Errorf("weight %d of %q changes the function by %g", i, b.Name, most)
			}
		}
	}
}

func TestGrowErrors(t *testing.T) {
	mlp, wide := must(nn.NewMLP(nn.Tanh, 2, 4, 1)), must(nn.NewMLP(nn.Tanh, 2, 6, 1))
	residual := func(activation nn.Activation, blocks int) nn.Network {
		return must(nn.NewResNet(activation, 2, 4, blocks, 1))
	}
	scaled := func(n nn.Network, hi float64) nn.Network {
		return must(nn.Mapped(n, must(nn.Scale([]float64{0, 0}, []float64{1, hi}))))
	}
	boxes := func(edge float64) nn.Network {
		return must(nn.Subdomains(mlp, 0.5, []float64{0, edge, 2}, []float64{0, 1}))
	}
	windows := func(order int) nn.Network { return must(nn.Windowed(mlp, order, 0, 1, 2)) }
	gated := func(experts int) nn.Network {
		return must(nn.Gated(mlp, experts, must(nn.NewMLP(nn.Tanh, 2, experts))))
	}
	gate := func(edge float64) nn.Network { return must(nn.BoxGate(1, []float64{0, edge, 2}, []float64{0, 1})) }
	separable := func(rank int) nn.Network { return must(nn.NewSeparable(nn.Tanh, rank, 2, 4, 1)) }
	for want, pair := range map[string][2]nn.Network{
		"layer 1 weights have the shape [2 6] and then [2 4]":           {wide, mlp},
		"the activations are \"tanh\" and \"sin\", expected the same":   {mlp, must(nn.NewMLP(nn.Sine, 2, 6, 1))},
		"there are 2 and 3 layers, expected as many":                    {mlp, must(nn.NewMLP(nn.Tanh, 2, 6, 6, 1))},
		"they map 2 inputs to 1 outputs and 2 to 2":                     {mlp, must(nn.NewMLP(nn.Tanh, 2, 6, 2))},
		"one is a *nn.MLP and the other a *nn.ResNet":                   {mlp, residual(nn.Tanh, 1)},
		"the activation \"softplus\" does not vanish at zero":           {residual(nn.Softplus, 1), residual(nn.Softplus, 2)},
		"blocks of parameters less":                                     {residual(nn.Tanh, 2), residual(nn.Tanh, 1)},
		"the maps before them differ":                                   {scaled(mlp, 1), scaled(wide, 2)},
		"the factors [1] and [2] of the outputs differ":                 {must(nn.Amplified(mlp, 1)), must(nn.Amplified(wide, 2))},
		"there are 1 and 2 networks side by side":                       {must(nn.SideBySide(mlp)), must(nn.SideBySide(mlp, mlp))},
		"it has 1 summands, expected at least 2":                        {must(nn.Sum(mlp, mlp)), must(nn.Sum(wide))},
		"the boxes, with the overlap 0.5 between [[0 1 2] [0 1]]":       {boxes(1), boxes(1.5)},
		"the windows, of order 1 from [0 1 2] and of order 2":           {windows(1), windows(2)},
		"there are 2 and 3 experts, expected as many":                   {gated(2), gated(3)},
		"the boxes of the gate, between [[0 1 2] [0 1]]":                {gate(1), gate(1.5)},
		"the ranks are 3 and 4":                                         {separable(3), separable(4)},
		"a *nn.Separable has no last layer that makes its outputs zero": {mlp, must(nn.Sum(mlp, separable(3)))},
		"the network from is nil":                                       {nil, mlp},
		"the network to is nil":                                         {mlp, nil},
		"one is a nn_test.unspecified and the other a *nn.MLP":          {unspecified{mlp}, mlp},
		"a nn_test.unspecified is not known to grow":                    {unspecified{mlp}, unspecified{mlp}},
		"a literal is no network":                                       {mlp, &nn.MLP{}},
	} {
		var theta []float64
		if pair[0] != nil {
			theta = pair[0].Init(1)
		}
		if _, err := nn.Grow(pair[0], theta, pair[1], 1); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "nn.Grow: ") {
			t.Errorf("the error is %v, want one that says %q", err, want)
		}
	}
	for want, theta := range map[string][]float64{
		"theta has 3 parameters, expected 17": {1, 2, 3},
		"parameter 2 is NaN":                  slices.Concat([]float64{1, 2, math.NaN()}, make([]float64, 14)),
	} {
		if _, err := nn.Grow(mlp, theta, wide, 1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want one that says %q", err, want)
		}
	}
}
