package nn

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
)

// Specified is a Network or a Map that can be stored: it tells what it is made of. All of this package are, but those
// of FromModel, which are code.
type Specified interface {
	// Specification returns the kind, under which it is registered, and the data that it can be made from again, in
	// a form that encoding/json takes.
	Specification() (kind string, data any)
}

// The kinds of this package.
const (
	kindMLP         = "MLP"
	kindModifiedMLP = "modified MLP"
	kindResNet      = "ResNet"
	kindPirateNet   = "PirateNet"
	kindSeparable   = "separable"
	kindMapped      = "mapped"
	kindAmplified   = "amplified"
	kindSides       = "side by side"
	kindSum         = "sum"
	kindSubdomains  = "subdomains"
	kindWindowed    = "windowed"
	kindGated       = "gated"
	kindBoxGate     = "box gate"
	kindScale       = "scale"
	kindFourier     = "Fourier"
	kindPeriodic    = "periodic"
	kindHarmonics   = "harmonics"
)

// specification is the stored form.
type specification struct {
	Kind string
	Data json.RawMessage
}

// registered are the functions that make networks and maps again.
var registered = struct {
	sync.Mutex
	networks map[string]func(data []byte) (Network, error)
	maps     map[string]func(data []byte) (Map, error)
}{networks: map[string]func([]byte) (Network, error){}, maps: map[string]func([]byte) (Map, error){}}

// nested and nestedMap are a network and a map within the data of another network: they are stored with their kinds.
type (
	nested    struct{ network Network }
	nestedMap struct{ of Map }
)

// MarshalJSON implements json.Marshaler.
func (n nested) MarshalJSON() ([]byte, error) { return Marshal(n.network) }

// UnmarshalJSON implements json.Unmarshaler.
func (n *nested) UnmarshalJSON(data []byte) (err error) {
	n.network, err = Unmarshal(data)
	return err
}

// MarshalJSON implements json.Marshaler.
func (m nestedMap) MarshalJSON() ([]byte, error) {
	return marshal(registered.maps, m.of.String(), m.of)
}

// UnmarshalJSON implements json.Unmarshaler.
func (m *nestedMap) UnmarshalJSON(data []byte) (err error) {
	m.of, err = unmarshal(registered.maps, data)
	return err
}

// Register lets Unmarshal make networks of a kind outside of this package: restore takes what the data of
// Specification is in JSON. It returns an error for a kind that is taken.
func Register(kind string, restore func(data []byte) (Network, error)) error {
	return register(registered.networks, kind, restore)
}

// RegisterMap lets Unmarshal make maps of a kind outside of this package, as Register does networks.
func RegisterMap(kind string, restore func(data []byte) (Map, error)) error {
	return register(registered.maps, kind, restore)
}

func register[T any](into map[string]func([]byte) (T, error), kind string, restore func(data []byte) (T, error)) error {
	registered.Lock()
	defer registered.Unlock()
	switch {
	case kind == "":
		return errors.New("nn.Register: the kind is empty, expected a name for it")
	case restore == nil:
		return fmt.Errorf("nn.Register: restore is nil for kind %q, expected a function that makes it from its data", kind)
	case into[kind] != nil:
		return fmt.Errorf("nn.Register: kind %q is registered already, expected another name", kind)
	}
	into[kind] = restore
	return nil
}

// Marshal returns what a network is made of, all but θ, as JSON. It returns an error for a network that is not
// Specified, or has a part that is not.
func Marshal(network Network) ([]byte, error) {
	if usercode.Nil(network) {
		return nil, errors.New("nn.Marshal: the network is nil")
	}
	if err := CheckNetwork(network); err != nil {
		return nil, usercode.First(fmt.Errorf("nn.Marshal: %w", err))
	}
	return marshal(registered.networks, network.String(), network)
}

func marshal[T any](kinds map[string]func([]byte) (T, error), name string, v T) ([]byte, error) {
	s, ok := any(v).(Specified)
	if !ok {
		return nil, fmt.Errorf("nn.Marshal: %s (%T) cannot be stored, expected one that implements nn.Specified%s", name, v, advice(v))
	}
	var kind string
	var data any
	var text []byte
	err := usercode.Call("Specification of "+name, func() (err error) {
		kind, data = s.Specification()
		text, err = json.Marshal(data)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("nn.Marshal: storing %s: %w", name, err)
	}
	stored, err := json.Marshal(specification{kind, text})
	if err != nil {
		return nil, fmt.Errorf("nn.Marshal: storing %s: %w", name, err)
	}
	// A type that embeds another has its Specification too, and would come back without what it adds.
	again, err := unmarshal(kinds, stored)
	if err != nil {
		return nil, fmt.Errorf("nn.Marshal: %s could be stored, but not made again: %w", name, err)
	}
	if reflect.TypeOf(again) != reflect.TypeOf(v) {
		return nil, fmt.Errorf("nn.Marshal: %s is a %T, but its Specification is that of a %T, expected one of its own", name, v, again)
	}
	return stored, nil
}

func advice(v any) string {
	if _, isModel := v.(*Model); isModel {
		return "; a GoMLX model is code: store its variables by GoMLX's checkpoints, after Write"
	}
	return ""
}

// Unmarshal makes a network from what Marshal returned. It returns an error for text that is not of that form, and
// for a kind that no one has registered.
func Unmarshal(data []byte) (Network, error) {
	return unmarshal(registered.networks, data)
}

func unmarshal[T any](from map[string]func([]byte) (T, error), data []byte) (made T, err error) {
	var s specification
	if err := json.Unmarshal(data, &s); err != nil {
		return made, fmt.Errorf("nn.Unmarshal: the text is not the specification of a network: %w", err)
	}
	registered.Lock()
	restore := from[s.Kind]
	var kinds []string
	for kind := range from {
		kinds = append(kinds, kind)
	}
	registered.Unlock()
	if restore == nil {
		slices.Sort(kinds)
		return made, fmt.Errorf("nn.Unmarshal: kind %q is unknown, expected one of %s; register others by nn.Register or nn.RegisterMap",
			s.Kind, strings.Join(kinds, ", "))
	}
	if err := usercode.Call(fmt.Sprintf("restore of kind %q", s.Kind), func() (err error) { made, err = restore(s.Data); return err }); err != nil {
		return made, fmt.Errorf("nn.Unmarshal: %s: %w", s.Kind, err)
	}
	return made, nil
}

// decode reads data into a value of type D and makes a network or map of it.
func decode[D, T any](restore func(D) (T, error)) func(data []byte) (T, error) {
	return func(data []byte) (made T, err error) {
		var d D
		if err := json.Unmarshal(data, &d); err != nil {
			return made, err
		}
		return restore(d)
	}
}
