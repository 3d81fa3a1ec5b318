package sealed_test

import (
	"math"
	"reflect"
	"testing"

	"github.com/gosciml/gosciml/sciml/internal/sealed"
)

// state has what gob leaves out.
type state struct {
	Number  float64
	Flag    bool
	Numbers []float64
	Fixed   [3]float64
	Named   map[string][]float64
	Keys    map[int]float64
	Inner   *state
}

// TestDecode: what comes back is what there was, bit for bit.
func TestDecode(t *testing.T) {
	for _, want := range []state{
		{},
		{Number: math.Inf(1), Numbers: []float64{0, math.Copysign(0, -1), math.MaxFloat64}, Fixed: [3]float64{1, 0, 0}},
		{Flag: true, Named: map[string][]float64{"": {0}}, Keys: map[int]float64{0: 0}, Inner: &state{Number: 5e-324}},
	} {
		data, err := sealed.Encode(want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := sealed.Decode[state](data)
		if err != nil || !reflect.DeepEqual(got, want) || len(got.Numbers) > 0 && !math.Signbit(got.Numbers[1]) {
			t.Errorf("got %+v (%v), want %+v", got, err, want)
		}
		if got, err := sealed.Decode[state](data[:len(data)-1]); err == nil || !reflect.DeepEqual(got, state{}) {
			t.Errorf("of a part: %+v, error %v, want an error and nothing else", got, err)
		}
	}
}
