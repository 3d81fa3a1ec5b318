package plot

import (
	"fmt"
	"math"
	"slices"
)

// Isolines returns the curves on which the field of grid has one of the given
// values, each as a Series without a name, by marching squares: linear between
// nodes. Cells with a node that is not finite have none. A level that is not
// finite is an error, as is a grid with inconsistent sizes.
func Isolines(grid Grid, levels ...float64) ([]Series, error) {
	if err := grid.check("Isolines"); err != nil {
		return nil, err
	}
	if err := checkLevels("Isolines", levels, false); err != nil {
		return nil, err
	}
	var out []Series
	for _, line := range isolines(grid, levels) {
		s := Series{}
		for _, q := range line {
			s.X, s.Y = append(s.X, q.x), append(s.Y, q.y)
		}
		out = append(out, s)
	}
	return out, nil
}

func checkLevels(function string, levels []float64, positive bool) error {
	for i, l := range levels {
		if !finite(l) || positive && l <= 0 {
			want := "finite values"
			if positive {
				want = "positive finite values with LogColor"
			}
			return fmt.Errorf("plot: %s: level %d is %g, want %s", function, i+1, l, want)
		}
	}
	return nil
}

// isolines returns the lines of all levels; closed ones end where they begin.
func isolines(g Grid, levels []float64) [][]point {
	var out [][]point
	for _, level := range levels {
		out = append(out, isoline(g, level)...)
	}
	return out
}

// isoline follows the lines of one level. An edge of the grid that a line crosses is known by the number of its first node,
// doubled, and 1 more where it goes upwards.
func isoline(g Grid, level float64) [][]point {
	nx, ny := len(g.X), len(g.Y)
	neighbours := map[int][]int{}
	var crossed []int // In the order in which they are found, so that the same grid always gives the same lines.
	connect := func(a, b int) {
		for _, e := range [][2]int{{a, b}, {b, a}} {
			if neighbours[e[0]] == nil {
				crossed = append(crossed, e[0])
			}
			neighbours[e[0]] = append(neighbours[e[0]], e[1])
		}
	}
	for j := range ny - 1 {
		for i := range nx - 1 {
			n := i + nx*j
			corners := [4]float64{g.U[n], g.U[n+1], g.U[n+1+nx], g.U[n+nx]} // Anticlockwise.
			edges := [4]int{2 * n, 2*(n+1) + 1, 2 * (n + nx), 2*n + 1}      // Edge k goes from corner k to the next one.
			mean, known := 0., true
			var cut []int
			for k, u := range corners {
				mean += u / 4
				known = known && finite(u)
				if (u > level) != (corners[(k+1)%4] > level) {
					cut = append(cut, edges[k])
				}
			}
			switch {
			case !known:
			case len(cut) == 2:
				connect(cut[0], cut[1])
			case len(cut) == 4: // A saddle: what its middle is, that is connected.
				if (mean > level) == (corners[0] > level) {
					connect(cut[0], cut[1])
					connect(cut[2], cut[3])
				} else {
					connect(cut[3], cut[0])
					connect(cut[1], cut[2])
				}
			}
		}
	}
	at := func(edge int) point {
		n := edge / 2
		m := n + 1
		if edge%2 == 1 {
			m = n + nx
		}
		share := (level - g.U[n]) / (g.U[m] - g.U[n])
		return point{mix(g.X[n%nx], g.X[m%nx], share), mix(g.Y[n/nx], g.Y[m/nx], share)}
	}
	seen := map[int]bool{}
	follow := func(edge int) []point {
		line := []point{at(edge)}
		for start := edge; ; {
			seen[edge] = true
			i := slices.IndexFunc(neighbours[edge], func(e int) bool { return !seen[e] })
			if i < 0 {
				if len(line) > 2 && slices.Contains(neighbours[edge], start) {
					line = append(line, line[0])
				}
				return line
			}
			edge = neighbours[edge][i]
			line = append(line, at(edge))
		}
	}
	var out [][]point
	for _, ends := range []bool{true, false} { // First the lines that end at the border, then closed ones.
		for _, edge := range crossed {
			if !seen[edge] && (!ends || len(neighbours[edge]) == 1) {
				out = append(out, follow(edge))
			}
		}
	}
	return out
}

// contourLevels returns about a dozen round values between the ends of a colour scale.
func contourLevels(lo, hi float64, logarithmic bool) []float64 {
	const want = 12
	value := func(x float64) float64 { return x }
	if logarithmic {
		lo, hi = math.Log10(lo), math.Log10(hi)
		value = func(x float64) float64 { return math.Pow(10, x) }
	}
	step := niceStep((hi - lo) / want)
	var out []float64
	for i := math.Ceil(lo/step+1e-9) + 0; i*step < hi && len(out) < 3*want; i++ {
		out = append(out, value(i*step))
	}
	return out
}
