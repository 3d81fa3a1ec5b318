package sciml

import (
	"bytes"
	"context"
	"encoding/xml"
	"testing"

	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/plot"
)

// While trainings run one after the other, the frames of a live figure keep their size, their panels and their legend.
func TestLiveFramesStayInPlace(t *testing.T) {
	live := NewLive("two methods", "Adam", "a method with a name too long for the side")
	var first *plot.Figure
	solutions := make([]*Solution, 2)
	for i, name := range []string{"Adam", "a method with a name too long for the side"} {
		watch := live.Watch(name)
		s, err := Solve(context.Background(), pde.Poisson1D(), Options{
			Method: optim.Adam{}, Iterations: 60,
			OnProgress: func(h *optim.History) error {
				if err := watch(h); err != nil || first != nil {
					return err
				}
				var err error
				live.curves[0].history = h
				first, err = drawCurves(live.axis, live.title, live.curves)
				return err
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		solutions[i] = s
	}
	curves, err := live.finished(solutions)
	if err != nil {
		t.Fatal(err)
	}
	last, err := drawCurves(live.axis, live.title, curves)
	if err != nil {
		t.Fatal(err)
	}
	before, after := frameOf(t, first), frameOf(t, last)
	if before != after {
		t.Errorf("the first frame has %+v, the last %+v", before, after)
	}
	if len(live.curves) != 2 {
		t.Errorf("%d curves, expected the two that were named", len(live.curves))
	}
}

// frame is what must not change between the frames of a live figure.
type frame struct{ size, label string }

func frameOf(t *testing.T, f *plot.Figure) frame {
	t.Helper()
	svg, err := f.SVG()
	if err != nil {
		t.Fatal(err)
	}
	var root struct {
		ViewBox string `xml:"viewBox,attr"`
		Label   string `xml:"aria-label,attr"`
	}
	if err := xml.NewDecoder(bytes.NewReader(svg)).Decode(&root); err != nil {
		t.Fatal(err)
	}
	return frame{root.ViewBox, root.Label}
}
