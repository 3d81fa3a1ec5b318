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
// SIREN and Adaptive make names with a number in them. Case and the characters '_', '-' and ' ' make no difference:
// "LeakyReLU" is "leaky_relu".
type Activation string

// The activations without parameters. Derivatives of an unknown are as smooth as these: where an equation has order k, one with
// k derivatives that do not vanish is needed.
const (
	Tanh     Activation = "tanh"
	Sine     Activation = "sin"
	Swish    Activation = "swish"    // x/(1+e^{−x}), also called SiLU (Hendrycks and Gimpel 2016; Ramachandran et al. 2017)
	GELU     Activation = "gelu"     // x·Φ(x), Φ the normal distribution function (Hendrycks and Gimpel 2016)
	Softplus Activation = "softplus" // log(1+e^x)
	SiLU     Activation = "silu"     // another name of Swish
	Mish     Activation = "mish"     // x·tanh(log(1+e^x)) (Misra 2020)
	Sigmoid  Activation = "sigmoid"  // 1/(1+e^{−x})

	// ReLU is max(x, 0) (Nair and Hinton 2010). All derivatives of a network with it, and with LeakyReLU, vanish but the first:
	// package pinn refuses an equation with second ones.
	ReLU      Activation = "relu"
	LeakyReLU Activation = "leaky_relu" // x, or 0.01x below zero (Maas, Hannun and Ng 2013)
	// ELU is x, or e^x − 1 below zero (Clevert, Unterthiner and Hochreiter 2016). Its second derivative jumps at zero, above
	// which it vanishes, so that tanh or Swish are better in equations of second order. SELU is 1.0507 times x, or
	// 1.6733·(e^x − 1) below zero (Klambauer et al. 2017), with a kink at zero.
	ELU  Activation = "elu"
	SELU Activation = "selu"
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
	Swish:    swish,
	SiLU:     swish,
	GELU:     gelu,
	Softplus: softplus,
	Mish:     func(x *graph.Node) *graph.Node { return graph.Mul(x, graph.Tanh(softplus(x))) },
	Sigmoid:  graph.Logistic,
	ReLU:     func(x *graph.Node) *graph.Node { return byBranch(x, 1, graph.ZerosLike) },
	LeakyReLU: func(x *graph.Node) *graph.Node {
		return byBranch(x, 1, func(x *graph.Node) *graph.Node { return graph.MulScalar(x, 0.01) })
	},
	ELU: func(x *graph.Node) *graph.Node { return exponentialBelow(x, 1, 1) },
	SELU: func(x *graph.Node) *graph.Node {
		return exponentialBelow(x, 1.0507009873554804934, 1.6732632423543772848)
	},
}

// piecewiseLinear are those whose second derivative vanishes.
var piecewiseLinear = map[Activation]bool{ReLU: true, LeakyReLU: true}

// named is the activation that a name in any spelling stands for.
func named(name string) Activation {
	bare := func(s string) string {
		return strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(s))
	}
	for known := range plain {
		if bare(string(known)) == bare(name) {
			return known
		}
	}
	return Activation(name)
}

func swish(x *graph.Node) *graph.Node { return graph.Mul(x, graph.Logistic(x)) }

// byBranch is scale·x from zero on, and another function below: all derivatives are those of the branch that x is in.
func byBranch(x *graph.Node, scale float64, below func(x *graph.Node) *graph.Node) *graph.Node {
	above := x
	if scale != 1 {
		above = graph.MulScalar(x, scale)
	}
	return graph.Where(graph.GreaterOrEqual(x, graph.ZerosLike(x)), above, below(x))
}

// exponentialBelow is scale·x from zero on, and scale·alpha·(e^x − 1) below.
func exponentialBelow(x *graph.Node, scale, alpha float64) *graph.Node {
	return byBranch(x, scale, func(x *graph.Node) *graph.Node {
		zero := graph.ZerosLike(x)
		negative := graph.Where(graph.GreaterOrEqual(x, zero), zero, x) // so that what is not taken does not overflow
		return graph.MulScalar(graph.AddScalar(graph.Exp(negative), -1), scale*alpha)
	})
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
	linear    bool // in pieces

	awayFromZero bool // f(0) is not 0
}

// parse takes an activation apart, or returns an error that lists those there are.
func (a Activation) parse() (nonlinearity, error) {
	nl := nonlinearity{frequency: 1}
	name := string(a)
	if number, rest, found := between(name, "adaptive(", ") "); found {
		n, err := strconv.ParseFloat(number, 64)
		if err != nil || !(n > 0) || math.IsInf(n, 0) {
			return nl, fmt.Errorf("activation %q has the factor %s, expected a finite number above 0", a, number)
		}
		nl.slope, name = n, rest
	}
	if number, rest, found := between(name, "siren(", ")"); found && rest == "" {
		omega, err := strconv.ParseFloat(number, 64)
		if err != nil || !(omega > 0) || math.IsInf(omega, 0) {
			return nl, fmt.Errorf("activation %q has the frequency %s, expected a finite number above 0", a, number)
		}
		nl.f, nl.frequency, nl.siren = graph.Sin, omega, true
		return nl, nil
	}
	activation := named(name)
	nl.linear = piecewiseLinear[activation]
	nl.awayFromZero = activation == Softplus || activation == Sigmoid
	if nl.f = plain[activation]; nl.f == nil {
		var names []string
		for known := range plain {
			names = append(names, strconv.Quote(string(known)))
		}
		slices.Sort(names)
		return nl, fmt.Errorf("activation %q is unknown, expected one of %s, or one made by nn.SIREN or nn.Adaptive",
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
