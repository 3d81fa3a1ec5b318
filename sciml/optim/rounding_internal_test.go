package optim

import (
	"testing"

	"github.com/gomlx/compute/dtypes"
)

func TestRounding(t *testing.T) {
	r := newRounding(dtypes.Float32)
	raised := 0
	for r.raise() {
		raised++
	}
	if raised != 3 || r.level != r.most || !r.raised() {
		t.Errorf("raised %d times to %g, expected 3 times to %g", raised, r.level, r.most)
	}
	for range 100 {
		r.lower()
	}
	if r.level != r.least || r.raised() {
		t.Errorf("lowered to %g, expected %g", r.level, r.least)
	}
	if double := newRounding(dtypes.Float64); double.raise() {
		t.Errorf("in double precision a search that fails was to be repeated with %g", double.level)
	}
}
