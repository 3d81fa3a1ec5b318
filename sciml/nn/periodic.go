package nn

import (
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"
)

// periodic is the map of Periodic.
type periodic struct{ Periods []float64 }

// Periodic makes whatever follows exactly periodic: it takes one period for each coordinate, and replaces a coordinate
// xᵢ of period pᵢ by cos(2πxᵢ/pᵢ), sin(2πxᵢ/pᵢ) (Dong and Ni 2021, "A method for representing periodic functions and
// enforcing exactly periodic boundary conditions with deep neural networks"). A coordinate whose period is 0 passes
// through. The outputs are in the order of the coordinates.
//
// It returns an error when there are no periods, or one is negative or not finite.
func Periodic(periods ...float64) (Map, error) {
	if len(periods) == 0 {
		return nil, fmt.Errorf("nn.Periodic: no periods were given, expected one for each coordinate (0 lets it pass through)")
	}
	for i, p := range periods {
		if !(p >= 0) || math.IsInf(p, 0) {
			return nil, fmt.Errorf("nn.Periodic: the period of coordinate %d is %v, expected a finite number above 0 (or 0 to let it pass through)", i, p)
		}
	}
	return &periodic{append([]float64(nil), periods...)}, nil
}

func (p *periodic) Inputs() int { return len(p.Periods) }

func (p *periodic) Outputs() int {
	outputs := len(p.Periods)
	for _, period := range p.Periods {
		if period != 0 {
			outputs++
		}
	}
	return outputs
}

func (p *periodic) Apply(x *graph.Node) *graph.Node {
	var columns []*graph.Node
	for i, period := range p.Periods {
		c := column(x, i)
		if period == 0 {
			columns = append(columns, c)
			continue
		}
		phase := graph.MulScalar(c, 2*math.Pi/period)
		columns = append(columns, graph.Cos(phase), graph.Sin(phase))
	}
	return graph.Concatenate(columns, -1)
}

func (p *periodic) String() string { return fmt.Sprintf("periodic %v", p.Periods) }

func (p *periodic) Specification() (kind string, data any) { return kindPeriodic, p }
