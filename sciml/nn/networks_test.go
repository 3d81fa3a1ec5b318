package nn_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/nn"
)

// must is for constructors of which the test knows that they succeed.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// plain is a network in plain Go, with its parameters by the name of their block.
type plain struct {
	blocks map[string][]float64
	f      func(float64) float64
	slope  float64 // n of an adaptive activation, or 0
}

func (p plain) affine(name string, x []float64) []float64 {
	weights, biases := p.blocks[name+" weights"], p.blocks[name+" biases"]
	y := slices.Clone(biases)
	for i, v := range x {
		for o := range y {
			y[o] += v * weights[i*len(y)+o]
		}
	}
	return y
}

func (p plain) hidden(name string, x []float64) []float64 {
	y := p.affine(name, x)
	for i := range y {
		if p.slope != 0 {
			y[i] *= p.slope * p.blocks[name+" slope"][0]
		}
		y[i] = p.f(y[i])
	}
	return y
}

// mix is za + (1−z)b.
func mix(z, a, b []float64) []float64 {
	y := make([]float64, len(z))
	for i := range y {
		y[i] = z[i]*a[i] + (1-z[i])*b[i]
	}
	return y
}

// example is a network with its plain counterpart, for points of two coordinates.
type example struct {
	network nn.Network
	f       func(float64) float64
	slope   float64
	forward func(p plain, x []float64) []float64
}

func examples() []example {
	softplus := func(v float64) float64 { return math.Log1p(math.Exp(v)) }
	mlp := func(p plain, x []float64) []float64 {
		return p.affine("layer 3", p.hidden("layer 2", p.hidden("layer 1", x)))
	}
	modified := func(p plain, x []float64) []float64 {
		u, v := p.hidden("encoding u", x), p.hidden("encoding v", x)
		h := mix(p.hidden("layer 1", x), v, u)
		return p.affine("layer 3", mix(p.hidden("layer 2", h), v, u))
	}
	resnet := func(p plain, x []float64) []float64 {
		h := p.affine("lift", x)
		for _, b := range []string{"block 1", "block 2"} {
			for i, v := range p.hidden(b+" layer 2", p.hidden(b+" layer 1", h)) {
				h[i] += v
			}
		}
		return p.affine("last", h)
	}
	pirate := func(p plain, x []float64) []float64 {
		u, v := p.hidden("encoding u", x), p.hidden("encoding v", x)
		for _, b := range []string{"block 1", "block 2"} {
			z := mix(p.hidden(b+" layer 1", x), u, v)
			z = mix(p.hidden(b+" layer 2", z), u, v)
			h, alpha := p.hidden(b+" layer 3", z), p.blocks[b+" alpha"][0]
			next := make([]float64, len(x))
			for i := range x {
				next[i] = alpha*h[i] + (1-alpha)*x[i]
			}
			x = next
		}
		return p.affine("last", x)
	}
	wave := func(p plain, x []float64) []float64 {
		// periodic in the second coordinate, after scaling the box [−1, 3]×[0, 2]
		a, b := (x[0]+1)/2-1, x[1]-1
		return p.affine("layer 2", p.hidden("layer 1", []float64{a, math.Cos(math.Pi * b), math.Sin(math.Pi * b)}))
	}
	separable := func(p plain, x []float64) []float64 {
		u, products := []float64{0, 0}, []float64{1, 1, 1}
		for i, v := range x { // the network of coordinate i
			own := plain{blocks: map[string][]float64{"products weights": p.blocks["products"], "products biases": {0, 0}}, f: p.f}
			for name, values := range p.blocks {
				if name != "products" {
					own.blocks[name] = values[i*len(values)/len(x) : (i+1)*len(values)/len(x)]
				}
			}
			y := own.affine("layer 3", own.hidden("layer 2", own.hidden("layer 1", []float64{v})))
			for r := range products {
				products[r] *= y[r]
			}
			for k := range u {
				u[k] += y[3+k]
			}
			if i == len(x)-1 {
				for k, v := range own.affine("products", products) {
					u[k] += v
				}
			}
		}
		return u
	}
	swish := func(v float64) float64 { return v / (1 + math.Exp(-v)) }
	return []example{
		{must(nn.NewMLP(nn.Tanh, 2, 4, 3, 2)), math.Tanh, 0, mlp},
		{must(nn.NewMLP(nn.Softplus, 2, 4, 3, 2)), softplus, 0, mlp},
		{must(nn.NewMLP(nn.SIREN(3), 2, 4, 3, 2)), func(v float64) float64 { return math.Sin(3 * v) }, 0, mlp},
		{must(nn.NewMLP(nn.Adaptive(nn.GELU, 5), 2, 4, 3, 2)), activations[nn.GELU], 5, mlp},
		{must(nn.NewModifiedMLP(nn.Tanh, 2, 3, 3, 2)), math.Tanh, 0, modified},
		{must(nn.NewModifiedMLP(nn.Adaptive(nn.SIREN(2), 10), 2, 3, 3, 2)), func(v float64) float64 { return math.Sin(2 * v) }, 10, modified},
		{must(nn.NewResNet(nn.Swish, 2, 3, 2, 1)), swish, 0, resnet},
		{must(nn.NewPirateNet(nn.Tanh, 2, 3, 2, 1)), math.Tanh, 0, pirate},
		{must(nn.NewSeparable(nn.Tanh, 3, 2, 4, 3, 2)), math.Tanh, 0, separable},
		{must(nn.Mapped(must(nn.NewMLP(nn.Tanh, 3, 4, 1)),
			must(nn.Scale([]float64{-1, 0}, []float64{3, 2})), must(nn.Periodic(0, 2)))), math.Tanh, 0, wave},
	}
}

// parameters are initial values, moved so that biases and gates matter.
func parameters(n nn.Network) []float64 {
	theta := n.Init(4)
	for i := range theta {
		theta[i] += 0.1 * float64(i%3)
	}
	return theta
}

func (e example) plain(theta []float64) plain {
	p := plain{blocks: map[string][]float64{}, f: e.f, slope: e.slope}
	for _, b := range e.network.Blocks() {
		p.blocks[b.Name] = theta[b.Offset : b.Offset+b.Size()]
	}
	return p
}

func TestAgainstPlainGo(t *testing.T) {
	points := [][]float64{{0.1, -0.7}, {1.3, 0.2}, {-0.5, 1.5}, {0, 0}}
	narrow := make([][]float32, len(points))
	for i, p := range points {
		narrow[i] = []float32{float32(p[0]), float32(p[1])}
	}
	all := examples()
	apply := func(x *graph.Node) []*graph.Node { // one graph, which compiles faster than one for each
		var outputs []*graph.Node
		for _, e := range all {
			outputs = append(outputs, e.network.Apply(graph.ConstAsDType(x.Graph(), x.DType(), parameters(e.network)), x))
		}
		return outputs
	}
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		out, out32 := must(graph.CallOnceN(b, apply, points)), must(graph.CallOnceN(b, apply, narrow))
		for i, e := range all {
			theta := parameters(e.network)
			got, got32 := out[i].Value().([][]float64), out32[i].Value().([][]float32)
			for n, x := range points {
				want := e.forward(e.plain(theta), x)
				if len(got[n]) != len(want) || len(want) != e.network.Outputs() {
					t.Fatalf("%s: %d outputs, want %d", e.network, len(got[n]), len(want))
				}
				for k := range want {
					if !(math.Abs(got[n][k]-want[k]) < 1e-13) || !(math.Abs(float64(got32[n][k])-want[k]) < 1e-5) {
						t.Errorf("%s: output %d at %v is %v, and %v in float32, want %v", e.network, k, x, got[n][k], got32[n][k], want[k])
					}
				}
			}
		}
	})
}

func TestBlocksAndSeedsOfEachNetwork(t *testing.T) {
	for _, e := range examples() {
		next, names := 0, map[string]bool{}
		for _, b := range e.network.Blocks() {
			if b.Offset != next || b.Size() < 1 || names[b.Name] {
				t.Errorf("%s: block %q begins at %d, has %d parameters, expected to begin at %d, once", e.network, b.Name, b.Offset, b.Size(), next)
			}
			next, names[b.Name] = next+b.Size(), true
		}
		if next != e.network.NumParams() {
			t.Errorf("%s: its blocks end at %d, expected %d", e.network, next, e.network.NumParams())
		}
		theta := e.network.Init(7)
		if len(theta) != next || !slices.Equal(theta, e.network.Init(7)) || slices.Equal(theta, e.network.Init(8)) {
			t.Errorf("%s: its initial values do not go by the seed", e.network)
		}
		p := e.plain(theta)
		for name, values := range p.blocks {
			want := map[string]float64{"slope": 0, "alpha": 0}
			if e.slope != 0 {
				want["slope"] = 1 / e.slope
			}
			if w, is := want[name[strings.LastIndex(name, " ")+1:]]; is && values[0] != w {
				t.Errorf("%s: %s begins at %v, want %v", e.network, name, values[0], w)
			}
		}
	}
}

func TestNames(t *testing.T) {
	var names []string
	for _, e := range examples() {
		names = append(names, e.network.String())
	}
	want := []string{
		"MLP 2-4-3-2 tanh", "MLP 2-4-3-2 softplus", "MLP 2-4-3-2 siren(3)", "MLP 2-4-3-2 adaptive(5) gelu",
		"modified MLP 2-3-3-2 tanh", "modified MLP 2-3-3-2 adaptive(10) siren(2)", "ResNet of 2 blocks 2-3-1 swish",
		"PirateNet of 2 blocks 2-3-1 tanh", "separable of rank 3 2-4-3-2 tanh", "scale [-1 0]…[3 2] → periodic [0 2] → MLP 3-4-1 tanh",
	}
	if !slices.Equal(names, want) {
		t.Errorf("the networks are called %q, want %q", names, want)
	}
	if got := must(must(nn.NewMLP(nn.Tanh, 1, 1)).WithInitializer(nn.HeNormal)).String(); got != "MLP 1-1 tanh, he normal" {
		t.Errorf("a network with its own initializer is called %q", got)
	}
}

func TestFourier(t *testing.T) {
	x := [][]float64{{0.3, -1.2}, {0, 0}}
	f := must(nn.Fourier(2, 500, 3, 1))
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		out := must(graph.CallOnce(b, func(x *graph.Node) *graph.Node { return f.Apply(x) }, x)).Value().([][]float64)
		if len(out[0]) != f.Outputs() || f.Outputs() != 1000 || f.Inputs() != 2 {
			t.Fatalf("%s has %d outputs", f, len(out[0]))
		}
		for k := range 500 {
			if c, s := out[0][k], out[0][500+k]; math.Abs(c*c+s*s-1) > 1e-14 || out[1][k] != 1 || out[1][500+k] != 0 {
				t.Fatalf("feature %d is not a cosine and a sine of one phase", k)
			}
		}
	})
	// The phases of the point (h, 0) are h times the first row of frequencies, normal of standard deviation 3.
	const h = 1e-4
	out := tensors.MustCopyFlatData[float64](must(graph.CallOnce(backendtest.Best(t), func(x *graph.Node) *graph.Node { return f.Apply(x) }, [][]float64{{h, 0}})))
	square := 0.0
	for _, s := range out[500:] {
		square += s * s / (h * h) / 500
	}
	if math.Abs(square/9-1) > 0.2 { // three deviations of a variance from 500 numbers
		t.Errorf("frequencies have variance %v, want 9", square)
	}
	same := func(seed uint64) bool {
		other := must(nn.Fourier(2, 500, 3, seed))
		return string(must(nn.Marshal(must(nn.Mapped(must(nn.NewMLP(nn.Tanh, 1000, 1)), f))))) ==
			string(must(nn.Marshal(must(nn.Mapped(must(nn.NewMLP(nn.Tanh, 1000, 1)), other)))))
	}
	if !same(1) || same(2) {
		t.Error("the frequencies do not go by the seed")
	}
}

func TestConstructorErrors(t *testing.T) {
	mlp := must(nn.NewMLP(nn.Tanh, 3, 1))
	pair := must(nn.Periodic(0, 1)) // 2 to 3
	errors := map[string]error{}
	add := func(want string, err error) { errors[want] = err }
	network := func(_ nn.Network, err error) error { return err }
	mapOf := func(_ nn.Map, err error) error { return err }
	_, err := nn.NewModifiedMLP(nn.Tanh, 2, 1)
	add("NewModifiedMLP: widths are [2 1], expected at least one hidden layer", err)
	_, err = nn.NewModifiedMLP(nn.Tanh, 2, 3, 4, 1)
	add("hidden layer 2 has width 4, expected 3", err)
	_, err = nn.NewResNet(nn.Tanh, 2, 0, 1, 1)
	add("NewResNet: width is 0", err)
	_, err = nn.NewPirateNet(nn.Tanh, 2, 3, -1, 1)
	add("NewPirateNet: blocks is -1", err)
	_, err = nn.NewPirateNet("cosh", 2, 3, 1, 1)
	add(`NewPirateNet: activation "cosh" is unknown`, err)
	_, err = nn.NewMLP(nn.SIREN(-1), 2, 1)
	add(`activation "siren(-1)" has the frequency -1`, err)
	_, err = nn.NewMLP(nn.Adaptive(nn.Tanh, 0), 2, 1)
	add(`activation "adaptive(0) tanh" has the factor 0`, err)
	_, err = nn.NewMLP(nn.Adaptive("step", 2), 2, 1)
	add(`activation "adaptive(2) step" is unknown`, err)
	_, err = nn.NewMLP(nn.Tanh, 2, 1<<33, 1<<33, 1)
	add("NewMLP: width 8589934592 of layer 1, expected at most", err)
	_, err = nn.NewSeparable(nn.Tanh, 0, 2, 3, 1)
	add("NewSeparable: rank is 0, expected at least 1", err)
	_, err = nn.NewSeparable(nn.Tanh, 3, 2, 1)
	add("NewSeparable: widths are [2 1], expected at least one hidden layer", err)
	_, err = nn.NewSeparable(nn.Adaptive(nn.Tanh, 5), 3, 2, 3, 1)
	add("has a trainable slope, expected one without", err)
	_, err = mlp.WithInitializer("ones")
	add(`initializer "ones" is unknown, expected one of "glorot normal"`, err)
	add("Mapped: the network is nil", network(nn.Mapped(nil, pair)))
	add("Mapped: map 1 is nil", network(nn.Mapped(mlp, pair, nil)))
	add("map 0 (periodic [0 1]) has 3 outputs, but map 1 (periodic [0 1]) takes 2", network(nn.Mapped(mlp, pair, pair)))
	add("map 0 (scale [0]…[1]) has 1 outputs, but the network MLP 3-1 tanh takes 3", network(nn.Mapped(mlp, must(nn.Scale([]float64{0}, []float64{1})))))
	add("Fourier: features is 1099511627776, expected at most", mapOf(nn.Fourier(2, 1<<40, 1, 0)))
	add("Amplified: there are 2 factors [1 2], expected one for each of the 1 outputs", network(nn.Amplified(mlp, 1, 2)))
	add("Amplified: factor 0 is 0, expected", network(nn.Amplified(mlp, 0)))
	add("Amplified: factor 0 is NaN, expected", network(nn.Amplified(mlp, math.NaN())))
	add("Amplified: the network is nil", network(nn.Amplified(nil, 1)))
	add("Amplified: the network is nil", network(nn.Amplified((*nn.MLP)(nil), 1)))
	add("a literal is no network", network(nn.Amplified(&nn.MLP{})))
	for words, made := range map[string]error{
		"Harmonics: number is 0":                     second(nn.Harmonics(0, 1)),
		"Harmonics: count is 0":                      second(nn.Harmonics(3, 0, 0)),
		"Harmonics: there is a cosine at 2 of 3":     second(nn.Harmonics(3, 2, 2)),
		"Harmonics: there are cosines at 0 and at 1": second(nn.Harmonics(3, 2, 0, 1)),
	} {
		add(words, made)
	}
	halves, line := []float64{0, 1, 2}, must(nn.NewMLP(nn.Tanh, 1, 3, 1))
	add("Subdomains: the network is nil", network(nn.Subdomains(nil, 0.5, halves)))
	add("Subdomains: the overlap is -0.1, expected a number from 0 to 1", network(nn.Subdomains(line, -0.1, halves)))
	add("Subdomains: the overlap is NaN", network(nn.Subdomains(line, math.NaN(), halves)))
	add("Subdomains: there are edges for 0 coordinates, expected as many as the network has inputs, 1", network(nn.Subdomains(line, 0.5)))
	add("Subdomains: coordinate 0 has the edges [1], expected at least 2", network(nn.Subdomains(line, 0.5, []float64{1})))
	add("Subdomains: the edges of coordinate 0 are [0 2 2]", network(nn.Subdomains(line, 0.5, []float64{0, 2, 2})))
	add("Subdomains: the edges of coordinate 0 are [0 +Inf]", network(nn.Subdomains(line, 0.5, []float64{0, math.Inf(1)})))
	add("Sum: there are no networks", network(nn.Sum()))
	add("Sum: network 2 is nil", network(nn.Sum(line, nil)))
	add("Sum: network 2 (MLP 1-3-2 tanh) has 2 outputs, expected 1 as the first", network(nn.Sum(line, must(nn.NewMLP(nn.Tanh, 1, 3, 2)))))
	add("Windowed: the network is nil", network(nn.Windowed(nil, 1, 0, 1)))
	add("Windowed: the order is 3, expected 1 or 2", network(nn.Windowed(mlp, 3, 0, 1)))
	add("Windowed: there are 1 edges", network(nn.Windowed(mlp, 1, 0)))
	add("Windowed: the edges are [0 1 1]", network(nn.Windowed(mlp, 1, 0, 1, 1)))
	add("Windowed: the edges are [0 NaN]", network(nn.Windowed(mlp, 1, 0, math.NaN())))
	add("SideBySide: network 2 is nil", network(nn.SideBySide(mlp, (*nn.MLP)(nil))))
	add("SideBySide: network 1: nn: the network *nn.MLP has 0 inputs", network(nn.SideBySide(&nn.MLP{}, mlp)))
	add("Scale: lo is [] and hi []", mapOf(nn.Scale(nil, nil)))
	add("Scale: lo is [0] and hi [1 2]", mapOf(nn.Scale([]float64{0}, []float64{1, 2})))
	add("Scale: coordinate 1 goes from 2 to 2", mapOf(nn.Scale([]float64{0, 2}, []float64{1, 2})))
	add("Scale: coordinate 0 goes from 0 to +Inf", mapOf(nn.Scale([]float64{0}, []float64{math.Inf(1)})))
	add("Fourier: inputs is 0", mapOf(nn.Fourier(0, 1, 1, 0)))
	add("Fourier: features is 0", mapOf(nn.Fourier(1, 0, 1, 0)))
	add("Fourier: sigma is NaN", mapOf(nn.Fourier(1, 1, math.NaN(), 0)))
	add("Periodic: no periods", mapOf(nn.Periodic()))
	add("Periodic: the period of coordinate 1 is -2", mapOf(nn.Periodic(0, -2)))
	for want, err := range errors {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that says %q", err, want)
		}
	}
	if same := must(nn.Mapped(mlp)); same != nn.Network(mlp) {
		t.Errorf("without maps the network is %s, want itself", same)
	}
	for _, e := range examples() { // all say what they take
		_, err := graph.CallOnce(backendtest.Best(t), e.network.Apply, e.network.Init(1), [][]float64{{1, 2, 3}})
		if err == nil || !strings.Contains(err.Error(), e.network.String()) || !strings.Contains(err.Error(), "[N, 2]") {
			t.Errorf("%s: points of three coordinates give %v", e.network, err)
		}
	}
}

// second is the error of a constructor of maps.
func second(_ nn.Map, err error) error { return err }

// TestHarmonics: cosine and sine of the multiples of an angle, others as they are.
func TestHarmonics(t *testing.T) {
	h := must(nn.Harmonics(5, 3, 1, 3))
	const a, b = 0.7, -1.9
	got, err := graph.CallOnce(backendtest.Best(t), h.Apply, [][]float64{{0.25, math.Cos(a), math.Sin(a), math.Cos(b), math.Sin(b)}})
	if err != nil {
		t.Fatal(err)
	}
	want := []float64{0.25}
	for _, angle := range []float64{a, b} {
		for k := range 3 {
			sin, cos := math.Sincos(float64(k+1) * angle)
			want = append(want, cos, sin)
		}
	}
	values := got.Value().([][]float64)[0]
	if len(values) != h.Outputs() {
		t.Fatalf("there are %d outputs, want %d", len(values), h.Outputs())
	}
	for i, v := range values {
		if math.Abs(v-want[i]) > 1e-14 {
			t.Errorf("output %d is %g, want %g", i, v, want[i])
		}
	}
}
