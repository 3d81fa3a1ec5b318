package nn_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/nn"
)

func TestMarshal(t *testing.T) {
	b := must(backend.OpenConfig("go")) // compiles in no time
	networks := []nn.Network{
		must(must(nn.NewMLP(nn.Tanh, 2, 3, 1)).WithInitializer(nn.LeCunUniform)),
		must(must(nn.NewModifiedMLP(nn.Tanh, 2, 3, 1)).WithInitializer(nn.HeUniform)),
		must(must(nn.NewResNet(nn.Tanh, 2, 3, 2, 1)).WithInitializer(nn.HeNormal)),
		must(must(nn.NewPirateNet(nn.Tanh, 2, 3, 2, 1)).WithInitializer(nn.GlorotUniform)),
		must(nn.Mapped(must(nn.NewMLP(nn.Tanh, 6, 3, 2)), must(nn.Harmonics(2, 3, 0)))),
		must(nn.Windowed(must(nn.Mapped(must(nn.NewMLP(nn.Tanh, 2, 3, 2)), must(nn.Scale([]float64{0, 0}, []float64{1, 2})))), 2, 0, 0.5, 2)),
		must(nn.Subdomains(must(nn.NewMLP(nn.Tanh, 2, 3, 1)), 0.4, []float64{0, 1, 3}, []float64{0, 2})),
		must(nn.Sum(must(nn.NewMLP(nn.Tanh, 2, 3, 1)), must(nn.Subdomains(must(nn.NewMLP(nn.Sine, 2, 4, 1)), 1, []float64{0, 1, 3}, []float64{0, 1, 2})))),
		must(nn.Gated(must(nn.NewMLP(nn.Tanh, 2, 3, 1)), 3, must(nn.NewMLP(nn.Sine, 2, 2, 3)))),
		must(nn.Gated(must(nn.NewMLP(nn.Tanh, 2, 3, 1)), 2, must(nn.BoxGate(0.3, []float64{0, 1, 3}, []float64{0, 2})))),
		must(nn.Amplified(must(nn.Mapped(must(nn.NewMLP(nn.Tanh, 2, 3, 2)), must(nn.Scale([]float64{0, 0}, []float64{1, 2})))), 1e5, 2e-7)),
		must(nn.Mapped(must(nn.Mapped(must(nn.NewMLP(nn.Sine, 8, 1)), must(nn.Fourier(2, 4, 2, 9)))), must(nn.Scale([]float64{0, 1.0 / 3}, []float64{1, 2})))),
	}
	networks = append(networks, must(nn.SideBySide(networks[0], networks[3], networks[4], networks[8])))
	for _, e := range examples() {
		networks = append(networks, e.network)
	}
	points := [][]float64{{0.1, 0.7}, {1.3, 0.2}}
	for _, n := range networks {
		again := must(nn.Unmarshal(must(nn.Marshal(n))))
		if again.String() != n.String() || !reflect.DeepEqual(again.Blocks(), n.Blocks()) || !slices.Equal(again.Init(5), n.Init(5)) {
			t.Errorf("%s comes back as %s, with other blocks or initial values", n, again)
			continue
		}
		u := must(graph.CallOnceN(b, func(theta, x *graph.Node) []*graph.Node {
			return []*graph.Node{n.Apply(theta, x), again.Apply(theta, x)}
		}, parameters(n), points))
		if !reflect.DeepEqual(u[0].Value(), u[1].Value()) {
			t.Errorf("%s gives %v, and %v after it has been stored", n, u[0], u[1])
		}
	}
}

// doubled is a network of another package, with data of its own.
type doubled struct {
	nn.Network
	Factor float64
}

func (d doubled) Apply(theta, x *graph.Node) *graph.Node {
	return graph.MulScalar(d.Network.Apply(theta, x), d.Factor)
}

func (d doubled) Specification() (kind string, data any) {
	return "doubled", map[string]any{"Factor": d.Factor, "Network": json.RawMessage(must(nn.Marshal(d.Network)))}
}

// shifted is a map of another package.
type shifted struct{ nn.Map }

func (s shifted) Specification() (kind string, data any) { return "shifted", 7 }

// embedded has the Specification of an MLP, but is none.
type embedded struct{ *nn.MLP }

// unspecified cannot be stored.
type unspecified struct{ nn.Network }

func TestRegister(t *testing.T) {
	restore := func(data []byte) (nn.Network, error) {
		var d struct {
			Factor  float64
			Network json.RawMessage
		}
		if err := json.Unmarshal(data, &d); err != nil {
			return nil, err
		}
		network, err := nn.Unmarshal(d.Network)
		return doubled{network, d.Factor}, err
	}
	mlp := must(nn.NewMLP(nn.Tanh, 3, 1))
	if _, err := nn.Marshal(doubled{mlp, 2}); err == nil || !strings.Contains(err.Error(), `kind "doubled" is unknown`) {
		t.Errorf("a kind that is not registered: %v", err)
	}
	if err := nn.Register("doubled", restore); err != nil {
		t.Fatal(err)
	}
	periodic := must(nn.Periodic(0, 1))
	if err := nn.RegisterMap("shifted", func(data []byte) (nn.Map, error) {
		if string(data) != "7" {
			return nil, errors.New("the data is " + string(data))
		}
		return shifted{periodic}, nil
	}); err != nil {
		t.Fatal(err)
	}
	n := must(nn.Mapped(doubled{mlp, 2.5}, shifted{periodic}))
	again := must(nn.Unmarshal(must(nn.Marshal(n))))
	if again.String() != n.String() || string(must(nn.Marshal(again))) != string(must(nn.Marshal(n))) {
		t.Errorf("%s comes back as %s", n, again)
	}
	for want, err := range map[string]error{
		"the kind is empty":                     nn.Register("", restore),
		`restore is nil for kind "x"`:           nn.Register("x", nil),
		`kind "MLP" is registered already`:      nn.Register("MLP", restore),
		`kind "periodic" is registered already`: nn.RegisterMap("periodic", func([]byte) (nn.Map, error) { return nil, nil }),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that says %q", err, want)
		}
	}
}

func TestMarshalErrors(t *testing.T) {
	mlp := must(nn.NewMLP(nn.Tanh, 3, 1))
	for want, network := range map[string]nn.Network{
		"the network is nil": nil,
		"(nn_test.unspecified) cannot be stored, expected one that implements nn.Specified": unspecified{mlp},
		"is a nn_test.embedded, but its Specification is that of a *nn.MLP":                 embedded{mlp},
		"nn_test.unspecified": must(nn.Mapped(unspecified{mlp}, must(nn.Periodic(0, 1)))),
	} {
		if data, err := nn.Marshal(network); data != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that says %q", err, want)
		}
	}
	for text, want := range map[string]string{
		"nonsense":                             "not the specification of a network",
		`{}`:                                   `kind "" is unknown, expected one of MLP, PirateNet, ResNet`,
		`{"Kind":"x"}`:                         `kind "x" is unknown`,
		`{"Kind":"MLP","Data":{"Widths":[2]}}`: "nn.Unmarshal: MLP: nn.NewMLP: widths are [2]",
		`{"Kind":"MLP","Data":{"Widths":"2"}}`: "nn.Unmarshal: MLP: json",
		`{"Kind":"MLP","Data":{"Widths":[2,1],"Activation":"tanh","Initializer":"x"}}`:           `initializer "x"`,
		`{"Kind":"ResNet","Data":{"Inputs":2}}`:                                                  "width is 0",
		`{"Kind":"mapped","Data":{"Network":{"Kind":"scale"}}}`:                                  `kind "scale" is unknown`,
		mappedText(`{"Kind":"MLP"}`):                                                             `kind "MLP" is unknown, expected one of Fourier, harmonics, periodic, scale`,
		mappedText(`{"Kind":"Fourier","Data":{"Frequencies":[]}}`):                               "no frequencies",
		mappedText(`{"Kind":"Fourier","Data":{"Frequencies":[[1],[1,2]]}}`):                      "coordinate 1 has 2 frequencies, expected 1",
		mappedText(`{"Kind":"scale","Data":{"Lo":[0],"Hi":[0]}}`):                                "coordinate 0 goes from 0 to 0",
		mappedText(`{"Kind":"periodic","Data":{"Periods":[1]}}`, `{"Kind":"periodic","Data":1}`): "nn.Unmarshal: periodic",
	} {
		if n, err := nn.Unmarshal([]byte(text)); n != nil || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s gives %v, error %v, want one that says %q", text, n, err, want)
		}
	}
}

// mappedText is the stored form of an affine network of one input after maps.
func mappedText(maps ...string) string {
	return `{"Kind":"mapped","Data":{"Maps":[` + strings.Join(maps, ",") +
		`],"Network":{"Kind":"MLP","Data":{"Widths":[1,1],"Activation":"tanh","Initializer":"he normal"}}}}`
}
