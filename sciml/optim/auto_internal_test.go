package optim

import (
	"math"
	"testing"
)

// TestGained: within one set of points, from one to another, and where nothing can be said.
func TestGained(t *testing.T) {
	falling := func(n int, perIteration float64, rises map[int]float64) *course {
		c, log := &course{}, 0.0
		for i := range n {
			if rise, fresh := rises[i]; fresh {
				c.Fresh = append(c.Fresh, i)
				log += rise
			}
			c.Records = append(c.Records, Record{Iteration: i, Loss: math.Pow(10, log)})
			log -= perIteration
		}
		return c
	}
	for name, c := range map[string]struct {
		course *course
		last   int
		want   float64
	}{
		"one set":                {falling(40, 0.1, nil), 40, 0.1},
		"the last":               {falling(100, 0.1, nil), 20, 0.1},
		"each rise eats it":      {falling(60, 0.1, map[int]float64{20: 1.5, 40: 2}), 60, 0},
		"half of it":             {falling(60, 0.1, map[int]float64{20: 5, 40: 1}), 60, 0.05}, // the first rise does not count
		"two sets":               {falling(40, 0.1, map[int]float64{20: 1}), 40, 0.05},
		"rise before the window": {falling(60, 0.1, map[int]float64{20: 3}), 30, 0.1},
		"one record":             {falling(1, 0.1, nil), 10, 0}, "none": {&course{}, 10, 0},
		"negative": {&course{Records: []Record{{Loss: -1}, {Loss: -2}}}, 10, 0},
	} {
		if got := gained(c.course, c.last); !(math.Abs(got-c.want) < 1e-12) {
			t.Errorf("%s: %g, want %g", name, got, c.want)
		}
	}
}
