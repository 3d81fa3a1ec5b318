package nn

import (
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
)

// scale is the map of Scale.
type scale struct{ Lo, Hi []float64 }

// Scale maps the box from lo to hi to [−1, 1] in each coordinate. Networks train best on inputs of that size.
//
// It returns an error when the corners have no or unequal numbers of coordinates, or lo is not below hi.
func Scale(lo, hi []float64) (Map, error) {
	if len(lo) == 0 || len(lo) != len(hi) {
		return nil, fmt.Errorf("nn.Scale: lo is %v and hi %v, expected as many coordinates in each, and at least one", lo, hi)
	}
	for i := range lo {
		if !(lo[i] < hi[i]) || math.IsInf(hi[i]-lo[i], 0) {
			return nil, fmt.Errorf("nn.Scale: coordinate %d goes from %v to %v, expected finite numbers with lo below hi", i, lo[i], hi[i])
		}
	}
	return &scale{append([]float64(nil), lo...), append([]float64(nil), hi...)}, nil
}

func (s *scale) Inputs() int { return len(s.Lo) }

func (s *scale) Outputs() int { return len(s.Lo) }

func (s *scale) Apply(x *graph.Node) *graph.Node {
	factor, shift := make([]float64, len(s.Lo)), make([]float64, len(s.Lo))
	for i := range factor {
		factor[i] = 2 / (s.Hi[i] - s.Lo[i])
		shift[i] = -(s.Hi[i] + s.Lo[i]) / (s.Hi[i] - s.Lo[i])
	}
	return graph.Add(graph.Mul(x, row(x, factor)), row(x, shift))
}

// row is a constant row, once for each point of x, whose coordinates are along the last axis.
func row(x *graph.Node, values []float64) *graph.Node {
	dims := append(slices.Clone(x.Shape().Dimensions[:x.Rank()-1]), len(values))
	constant := graph.ConstAsDType(x.Graph(), x.DType(), values)
	for len(dims) > constant.Rank() {
		constant = graph.ExpandAxes(constant, 0)
	}
	return graph.BroadcastToDims(constant, dims...)
}

// column is coordinate i of points, which are along the last axis.
func column(x *graph.Node, i int) *graph.Node { return graph.SliceAxis(x, -1, graph.AxisElem(i)) }

func (s *scale) String() string { return fmt.Sprintf("scale %v…%v", s.Lo, s.Hi) }

func (s *scale) Specification() (kind string, data any) { return kindScale, s }
