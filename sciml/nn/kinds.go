package nn

import (
	"encoding/json"
	"fmt"
)

// The kinds of this package are registered as any other would be.
func init() {
	registered.networks[kindMLP] = decode(func(d layers) (Network, error) {
		return started[*MLP](d.Initializer)(NewMLP(d.Activation, d.Widths...))
	})
	registered.networks[kindModifiedMLP] = decode(func(d layers) (Network, error) {
		return started[*ModifiedMLP](d.Initializer)(NewModifiedMLP(d.Activation, d.Widths...))
	})
	registered.networks[kindResNet] = decode(func(d blocked) (Network, error) {
		return started[*ResNet](d.Initializer)(NewResNet(d.Activation, d.Inputs, d.Width, d.Blocks, d.Outputs))
	})
	registered.networks[kindPirateNet] = decode(func(d blocked) (Network, error) {
		return started[*PirateNet](d.Initializer)(NewPirateNet(d.Activation, d.Inputs, d.Width, d.Blocks, d.Outputs))
	})
	registered.networks[kindSeparable] = decode(func(d separableData) (Network, error) {
		return started[*Separable](d.Initializer)(NewSeparable(d.Activation, d.Rank, d.Widths...))
	})
	registered.networks[kindMapped] = decode(restoreMapped)
	registered.networks[kindAmplified] = decode(restoreAmplified)
	registered.networks[kindWindowed] = decode(restoreWindowed)
	registered.networks[kindSides] = decode(restoreSeveral(SideBySide))
	registered.networks[kindSum] = decode(restoreSeveral(Sum))
	registered.networks[kindSubdomains] = decode(restoreSubdomains)
	registered.maps[kindScale] = decode(func(d scale) (Map, error) { return Scale(d.Lo, d.Hi) })
	registered.maps[kindPeriodic] = decode(func(d periodic) (Map, error) { return Periodic(d.Periods...) })
	registered.maps[kindHarmonics] = decode(func(d harmonics) (Map, error) { return Harmonics(d.Number, d.Count, d.Cosines...) })
	registered.maps[kindFourier] = decode(func(d fourier) (Map, error) {
		if len(d.Frequencies) == 0 || len(d.Frequencies[0]) == 0 {
			return nil, fmt.Errorf("there are no frequencies")
		}
		for i, f := range d.Frequencies {
			if len(f) != len(d.Frequencies[0]) {
				return nil, fmt.Errorf("coordinate %d has %d frequencies, expected %d as the first has", i, len(f), len(d.Frequencies[0]))
			}
		}
		return &d, nil
	})
}

// started gives a network that was just made its initializer.
func started[N interface {
	Network
	WithInitializer(Initializer) (N, error)
}](initializer Initializer) func(N, error) (Network, error) {
	return func(n N, err error) (Network, error) {
		if err != nil {
			return nil, err
		}
		n, err = n.WithInitializer(initializer)
		if err != nil {
			return nil, err
		}
		return n, nil
	}
}

// mappedData is the stored form of a network after maps.
type mappedData struct {
	Maps    []json.RawMessage
	Network json.RawMessage
}

// MarshalJSON stores the parts, each with its kind.
func (m *mapped) MarshalJSON() ([]byte, error) {
	var d mappedData
	var err error
	for _, f := range m.maps {
		text, err := marshal(registered.maps, f.String(), f)
		if err != nil {
			return nil, err
		}
		d.Maps = append(d.Maps, text)
	}
	if d.Network, err = Marshal(m.Network); err != nil {
		return nil, err
	}
	return json.Marshal(d)
}

// Specification implements Specified.
func (m *mapped) Specification() (kind string, data any) { return kindMapped, m }

func restoreMapped(d mappedData) (Network, error) {
	network, err := Unmarshal(d.Network)
	if err != nil {
		return nil, err
	}
	maps := make([]Map, len(d.Maps))
	for i, text := range d.Maps {
		if maps[i], err = unmarshal(registered.maps, text); err != nil {
			return nil, err
		}
	}
	return Mapped(network, maps...)
}
