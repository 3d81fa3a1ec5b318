package nn

import (
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
)

// harmonics is the map of Harmonics.
type harmonics struct {
	Number, Count int
	Cosines       []int
}

// Harmonics gives a network more of a periodic coordinate than its first wave: of number inputs, those at the given places are the cosine of
// an angle, each followed by its sine, as Periodic makes them; in their place come cosine and sine of 1, 2, …, count times the angle. The
// others pass through. A network learns steep fronts and short waves from higher harmonics much faster than it makes them of the first (Dong
// and Ni 2021; Wang, Sankaran, Wang and Perdikaris 2023, "An expert's guide to training physics-informed neural networks", section 3.3).
//
// It returns an error when count is less than 1, or a place is not one of number inputs that has another after it, or in another pair.
func Harmonics(number, count int, cosines ...int) (Map, error) {
	if err := atLeastOne("nn.Harmonics", "number", number); err != nil {
		return nil, err
	}
	if err := atLeastOne("nn.Harmonics", "count", count); err != nil {
		return nil, err
	}
	for i, c := range cosines {
		if c < 0 || c+1 >= number {
			return nil, fmt.Errorf("nn.Harmonics: there is a cosine at %d of %d inputs, expected 0 to %d, with its sine after it", c, number, number-2)
		}
		for _, other := range cosines[:i] {
			if c-other <= 1 && other-c <= 1 {
				return nil, fmt.Errorf("nn.Harmonics: there are cosines at %d and at %d, expected places of different pairs", other, c)
			}
		}
	}
	return &harmonics{number, count, slices.Clone(cosines)}, nil
}

func (h *harmonics) Inputs() int { return h.Number }

func (h *harmonics) Outputs() int { return h.Number + 2*(h.Count-1)*len(h.Cosines) }

func (h *harmonics) Apply(x *graph.Node) *graph.Node {
	var columns []*graph.Node
	for i := 0; i < h.Number; i++ {
		if !slices.Contains(h.Cosines, i) {
			columns = append(columns, column(x, i))
			continue
		}
		c, s := column(x, i), column(x, i+1)
		ck, sk := c, s
		for k := 1; ; k++ { // angles add up
			columns = append(columns, ck, sk)
			if k == h.Count {
				break
			}
			ck, sk = graph.Sub(graph.Mul(c, ck), graph.Mul(s, sk)), graph.Add(graph.Mul(s, ck), graph.Mul(c, sk))
		}
		i++
	}
	return graph.Concatenate(columns, -1)
}

func (h *harmonics) String() string { return fmt.Sprintf("%d harmonics", h.Count) }

func (h *harmonics) Specification() (kind string, data any) { return kindHarmonics, h }
