package nn

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/gomlx/gomlx/core/graph"
)

// Activation names an element-wise nonlinearity. It is a name rather than a function so that a network can be saved;
// SIREN and Adaptive make names with a number in them.
type Activation string

// The activations without parameters. A PDE of order k needs one with k derivatives that do not vanish, which rules
// out ReLU.
const (
	Tanh     Activation = "tanh"
	Sine     Activation = "sin"
	Swish    Activation = "swish"    // x/(1+e^{−x}), also called SiLU (Hendrycks and Gimpel 2016; Ramachandran et al. 2017)
	GELU     Activation = "gelu"     // x·Φ(x), Φ the normal distribution function (Hendrycks and Gimpel 2016)
	Softplus Activation = "softplus" // log(1+e^x)
)

// SIREN is x ↦ sin(ω₀x) (Sitzmann et al. 2020, "Implicit neural representations with periodic activation functions",
// where ω₀ = 30). Networks with it start from SIREN's own initialization.
func SIREN(omega0 float64) Activation {
	return Activation(fmt.Sprintf("siren(%v)", omega0))
}

// Adaptive is x ↦ σ(n·a·x) with a trainable slope a for each layer, which starts at 1/n (Jagtap, Kawaguchi and
// Karniadakis 2020, "Locally adaptive activation functions with slope recovery for deep and physics-informed neural
// networks", equation 2.6). A larger n makes the slope learn faster.
func Adaptive(activation Activation, n float64) Activation {
	return Activation(fmt.Sprintf("adaptive(%v) %s", n, activation))
}

// plain are the activations without parameters, by name.
var plain = map[Activation]func(*graph.Node) *graph.Node{
	Tanh:     graph.Tanh,
	Sine:     graph.Sin,
	Swish:    func(x *graph.Node) *graph.Node { return graph.Mul(x, graph.Logistic(x)) },
	GELU:     gelu,
	Softplus: softplus,
}

// gelu is written out: the back ends' fused form is slower to differentiate.
func gelu(x *graph.Node) *graph.Node {
	return graph.Mul(x, graph.MulScalar(graph.OnePlus(graph.Erf(graph.MulScalar(x, math.Sqrt2/2))), 0.5))
}

// softplus is max(x, 0) + log(1 + e^{−|x|}), which does not overflow. The maximum and the absolute value are one choice
// by the sign of x, so that also at zero all derivatives are those of one smooth branch.
func softplus(x *graph.Node) *graph.Node {
	zero := graph.ZerosLike(x)
	positive := graph.GreaterOrEqual(x, zero)
	minusAbs := graph.Where(positive, graph.Neg(x), x)
	return graph.Add(graph.Where(positive, x, zero), graph.Log1p(graph.Exp(minusAbs)))
}

// nonlinearity is an activation taken apart: x ↦ f(frequency·(slope·a)·x), with a trainable a if slope is not zero.
type nonlinearity struct {
	f         func(*graph.Node) *graph.Node
	frequency float64
	slope     float64
	siren     bool
}

// parse takes an activation apart, or returns an error that lists those there are.
func (a Activation) parse() (nonlinearity, error) {
	nl := nonlinearity{frequency: 1}
	name := string(a)
	if number, rest, found := between(name, "adaptive(", ") "); found {
		n, err := strconv.ParseFloat(number, 64)
		if err != nil || !(n > 0) || math.IsInf(n, 0) {
			return nl, fmt.Errorf("nn: activation %q has the factor %s, expected a finite number above 0", a, number)
		}
		nl.slope, name = n, rest
	}
	if number, rest, found := between(name, "siren(", ")"); found && rest == "" {
		omega, err := strconv.ParseFloat(number, 64)
		if err != nil || !(omega > 0) || math.IsInf(omega, 0) {
			return nl, fmt.Errorf("nn: activation %q has the frequency %s, expected a finite number above 0", a, number)
		}
		nl.f, nl.frequency, nl.siren = graph.Sin, omega, true
		return nl, nil
	}
	if nl.f = plain[Activation(name)]; nl.f == nil {
		var names []string
		for known := range plain {
			names = append(names, strconv.Quote(string(known)))
		}
		slices.Sort(names)
		return nl, fmt.Errorf("nn: activation %q is unknown, expected one of %s, or one made by nn.SIREN or nn.Adaptive",
			a, strings.Join(names, ", "))
	}
	return nl, nil
}

// between splits "<before>middle<after>rest".
func between(text, before, after string) (middle, rest string, found bool) {
	text, found = strings.CutPrefix(text, before)
	if !found {
		return "", "", false
	}
	return strings.Cut(text, after)
}

// apply is the nonlinearity of x; a is its trainable slope, a scalar, or nil if there is none.
func (nl nonlinearity) apply(x, a *graph.Node) *graph.Node {
	if a != nil {
		x = graph.Mul(x, graph.MulScalar(a, nl.slope*nl.frequency))
	} else if nl.frequency != 1 {
		x = graph.MulScalar(x, nl.frequency)
	}
	return nl.f(x)
}
