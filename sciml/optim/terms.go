package optim

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gosciml/gosciml/sciml/internal/device"
)

// newTermsProgram computes the parts of an objective.
func newTermsProgram(obj *Objective) (*device.Program, error) {
	return device.NewProgram(obj.Backend, "terms", func(in []*graph.Node) []*graph.Node {
		parts := obj.Terms.Build(in[0], in[1:])
		if len(parts) != len(obj.Terms.Names) {
			panic(fmt.Errorf("optim: Objective.Terms builds %d parts, expected one for each of the names %q", len(parts), obj.Terms.Names))
		}
		return parts
	})
}

// termsAt computes the parts of the objective at θ, by name.
func (o *Objective) termsAt(p *device.Program, theta *tensors.Tensor) (map[string]float64, error) {
	out, err := p.Call([]*tensors.Tensor{theta}, o.Data)
	if err != nil {
		return nil, err
	}
	terms := map[string]float64{}
	for i, name := range o.Terms.Names {
		terms[name] = device.Number(out[i])
	}
	return terms, nil
}
