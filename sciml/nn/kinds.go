package nn

import (
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
	registered.networks[kindAmplified] = decode(func(d amplifiedData) (Network, error) { return Amplified(d.Network.network, d.Factors...) })
	registered.networks[kindWindowed] = decode(func(d windowedData) (Network, error) { return Windowed(d.Network.network, d.Order, d.Edges...) })
	registered.networks[kindSides] = decode(joined(SideBySide))
	registered.networks[kindSum] = decode(joined(Sum))
	registered.networks[kindSubdomains] = decode(func(d subdomainsData) (Network, error) { return Subdomains(d.Network.network, d.Overlap, d.Edges...) })
	registered.networks[kindGated] = decode(func(d gatedData) (Network, error) { return Gated(d.Expert.network, d.Experts, d.Gate.network) })
	registered.networks[kindBoxGate] = decode(func(d boxGateData) (Network, error) { return BoxGate(d.Overlap, d.Edges...) })
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
	Maps    []nestedMap
	Network nested
}

// Specification implements Specified.
func (m *mapped) Specification() (kind string, data any) {
	d := mappedData{Network: nested{m.Network}}
	for _, f := range m.maps {
		d.Maps = append(d.Maps, nestedMap{f})
	}
	return kindMapped, d
}

func restoreMapped(d mappedData) (Network, error) {
	maps := make([]Map, len(d.Maps))
	for i, f := range d.Maps {
		maps[i] = f.of
	}
	return Mapped(d.Network.network, maps...)
}
