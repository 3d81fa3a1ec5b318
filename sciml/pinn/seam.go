package pinn

import (
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/pde"
)

// Seam is what the network's function is where two windows of time meet, as a function of space: a series in products of one-dimensional
// functions, those of Fourier along a coordinate with a period, Chebyshev polynomials along others, over the bounds of the domain. It has
// as many terms as it takes to represent the function to rounding, within limits.
type Seam struct {
	// Sizes are the numbers of terms along each coordinate of space.
	Sizes []int
	// Coefficients are those of the series, of shape [Sizes…, order·unknowns] in row-major order: of each unknown, and for equations of
	// second order in time then those of each rate.
	Coefficients []float64

	order, outputs  int
	lo, hi, periods []float64
}

// mostSpace is the largest number of coordinates of space.
const mostSpace = 3

// Sizes of a seam: where it begins, and the most, by the number of coordinates of space. Those of Chebyshev have one more.
var (
	firstTerms = [mostSpace + 1]int{1: 32, 2: 16, 3: 8}
	mostTerms  = [mostSpace + 1]int{1: 512, 2: 128, 3: 32}
)

// resolved is the size of the last quarter of the coefficients, relative to the largest of all, from which there are enough.
const resolved = 1e-11

// newSeam is a seam that is zero.
func newSeam(problem *pde.Problem, order int) *Seam {
	s := &Seam{}
	s.of(problem, order)
	for i := range s.lo {
		s.Sizes = append(s.Sizes, s.terms(i, firstTerms[len(s.lo)]))
	}
	s.Coefficients = make([]float64, s.count())
	return s
}

// of attaches the seam to a problem.
func (s *Seam) of(problem *pde.Problem, order int) {
	s.order, s.outputs = order, len(problem.Unknowns)
	lo, hi := problem.Domain.Bounds()
	axis := len(lo) - 1
	s.lo, s.hi, s.periods = slices.Clone(lo[:axis]), slices.Clone(hi[:axis]), make([]float64, axis)
	if problem.Periods != nil {
		copy(s.periods, problem.Periods)
	}
}

// check attaches a seam that was stored, and reports one that does not fit.
func (s *Seam) check(problem *pde.Problem, order int) error {
	attached := *s
	attached.of(problem, order)
	if len(s.Sizes) != len(attached.lo) {
		return fmt.Errorf("pinn: the Start of Options.Window has the sizes %v, expected one for each of the %d coordinates of space", s.Sizes, len(attached.lo))
	}
	for _, n := range s.Sizes {
		if n < 2 {
			return fmt.Errorf("pinn: the Start of Options.Window has the sizes %v, expected at least 2", s.Sizes)
		}
	}
	if len(s.Coefficients) != attached.count() {
		return fmt.Errorf("pinn: the Start of Options.Window has %d coefficients, expected %d: %v for each of %d unknowns and order %d in time", len(s.Coefficients), attached.count(), s.Sizes, attached.outputs, order)
	}
	for i, c := range s.Coefficients {
		if math.IsNaN(c) || math.IsInf(c, 0) {
			return fmt.Errorf("pinn: coefficient %d of the Start of Options.Window is %v, expected a finite number", i, c)
		}
	}
	*s = attached
	return nil
}

// terms is a number of terms that is about n along a coordinate: a power of two, and for Chebyshev one more.
func (s *Seam) terms(i, n int) int {
	if s.periods[i] > 0 {
		return n
	}
	return n + 1
}

func (s *Seam) count() int {
	n := s.order * s.outputs
	for _, size := range s.Sizes {
		n *= size
	}
	return n
}

// nodes are where the function of a coordinate is sampled.
func (s *Seam) nodes(i, n int) []float64 {
	x := make([]float64, n)
	for k := range x {
		if p := s.periods[i]; p > 0 {
			x[k] = s.lo[i] + p*float64(k)/float64(n)
		} else {
			x[k] = (s.lo[i]+s.hi[i])/2 + (s.hi[i]-s.lo[i])/2*math.Cos(math.Pi*float64(k)/float64(n-1))
		}
	}
	return x
}

// transform takes n samples at the nodes to n coefficients: row j has the weights of the samples in coefficient j.
func (s *Seam) transform(i, n int) [][]float64 {
	rows := make([][]float64, n)
	for j := range rows {
		rows[j] = make([]float64, n)
		for k := range rows[j] {
			if s.periods[i] > 0 { // cosines of 0 to n/2, then sines of 1 to n/2 − 1
				weight, wave := 2/float64(n), 2*math.Pi*float64(k)/float64(n)
				switch {
				case j == 0 || j == n/2:
					rows[j][k] = weight / 2 * math.Cos(wave*float64(j))
				case j < n/2:
					rows[j][k] = weight * math.Cos(wave*float64(j))
				default:
					rows[j][k] = weight * math.Sin(wave*float64(j-n/2))
				}
				continue
			}
			weight := 2 / float64(n-1)
			for _, end := range []int{j, k} {
				if end == 0 || end == n-1 {
					weight /= 2
				}
			}
			rows[j][k] = weight * math.Cos(math.Pi*float64(j*k%(2*(n-1)))/float64(n-1))
		}
	}
	return rows
}

// frequency is the number of coefficient j among n, from 0 to 1.
func (s *Seam) frequency(i, j, n int) float64 {
	if s.periods[i] == 0 {
		return float64(j) / float64(n-1)
	}
	if j > n/2 {
		j -= n / 2
	}
	return float64(j) / float64(n/2)
}

// next is the seam of a function that is given at any points of space, outputs·order numbers each, with as many terms as it takes, and
// not fewer than s has, so that windows have the same programs.
func (s *Seam) next(evaluate func(space [][]float64) ([]float64, error)) (*Seam, error) {
	made := *s
	made.Sizes = slices.Clone(s.Sizes)
	for {
		values, err := evaluate(made.grid())
		if err != nil {
			return nil, err
		}
		made.Coefficients = values
		for i := range made.Sizes {
			made.along(i)
		}
		grown := false
		for i, tail := range made.tails() {
			if more := made.more(i); tail > resolved && more > 0 {
				made.Sizes[i], grown = more, true
			}
		}
		if !grown {
			return &made, nil
		}
	}
}

// more is the next number of terms along a coordinate, 0 when it has the most.
func (s *Seam) more(i int) int {
	n := s.Sizes[i] - s.terms(i, 0)
	if 2*n > mostTerms[len(s.Sizes)] {
		return 0
	}
	return s.terms(i, 2*n)
}

// grid are the points of space that the function is sampled at, the last coordinate fastest.
func (s *Seam) grid() [][]float64 {
	points := [][]float64{nil}
	for i, n := range s.Sizes {
		var longer [][]float64
		nodes := s.nodes(i, n)
		for _, p := range points {
			for _, x := range nodes {
				longer = append(longer, append(slices.Clone(p), x))
			}
		}
		points = longer
	}
	return points
}

// along transforms along a coordinate.
func (s *Seam) along(axis int) {
	n, inner := s.Sizes[axis], s.order*s.outputs
	for _, size := range s.Sizes[axis+1:] {
		inner *= size
	}
	rows := s.transform(axis, n)
	out := make([]float64, len(s.Coefficients))
	for block := 0; block < len(out); block += n * inner {
		for j, row := range rows {
			to := out[block+j*inner : block+(j+1)*inner]
			for k, w := range row {
				for i, v := range s.Coefficients[block+k*inner : block+(k+1)*inner] {
					to[i] += w * v
				}
			}
		}
	}
	s.Coefficients = out
}

// tails are, for each coordinate, the largest coefficient of its last quarter, relative to the largest of all.
func (s *Seam) tails() []float64 {
	tails, largest := make([]float64, len(s.Sizes)), 0.0
	for at, c := range s.Coefficients {
		c = math.Abs(c)
		largest = math.Max(largest, c)
		place := at / (s.order * s.outputs)
		for i := len(s.Sizes) - 1; i >= 0; i-- {
			n := s.Sizes[i]
			if s.frequency(i, place%n, n) > 0.75 {
				tails[i] = math.Max(tails[i], c)
			}
			place /= n
		}
	}
	for i := range tails {
		if largest > 0 {
			tails[i] /= largest
		}
	}
	return tails
}

// at is the series at a point of space, outputs·order numbers.
func (s *Seam) at(space []float64) []float64 {
	values := s.Coefficients
	for i, n := range s.Sizes {
		inner := len(values) / n
		sum := make([]float64, inner)
		for j := range n {
			f := s.value(i, j, n, space[i])
			for k, c := range values[j*inner : (j+1)*inner] {
				sum[k] += f * c
			}
		}
		values = sum
	}
	return values
}

// value is function j of n of a coordinate.
func (s *Seam) value(i, j, n int, x float64) float64 {
	if p := s.periods[i]; p > 0 {
		if phase := 2 * math.Pi * (x - s.lo[i]) / p; j <= n/2 {
			return math.Cos(phase * float64(j))
		} else {
			return math.Sin(phase * float64(j-n/2))
		}
	}
	z := (2*x - s.lo[i] - s.hi[i]) / (s.hi[i] - s.lo[i])
	return math.Cos(float64(j) * math.Acos(math.Max(-1, math.Min(1, z))))
}

// build makes the function of points of space, shape [N, outputs], and for order 2 its rate, from the coefficients in one vector.
func (s *Seam) build(coefficients, space *graph.Node, points int) []*graph.Node {
	rest := s.count()
	sum := graph.BroadcastToDims(graph.ExpandAxes(coefficients, 0), points, rest) // without coordinates of space
	for i, n := range s.Sizes {
		basis := s.basis(i, n, graph.Slice(space, graph.AxisRange(), graph.AxisElem(i)))
		rest /= n
		if i == 0 {
			sum = graph.Dot(basis, graph.Reshape(coefficients, n, rest)).MatMul()
			continue
		}
		sum = graph.ReduceSum(graph.Mul(graph.Reshape(sum, points, n, rest), graph.ExpandAxes(basis, 2)), 1)
	}
	var parts []*graph.Node
	for k := range s.order {
		parts = append(parts, graph.Slice(sum, graph.AxisRange(), graph.AxisRange(k*s.outputs, (k+1)*s.outputs)))
	}
	return parts
}

// basis are the functions of a coordinate, shape [N, n].
func (s *Seam) basis(i, n int, x *graph.Node) *graph.Node {
	if p := s.periods[i]; p > 0 {
		waves := make([]float64, n/2+1)
		for j := range waves {
			waves[j] = 2 * math.Pi * float64(j) / p
		}
		phase := graph.Mul(graph.AddScalar(x, -s.lo[i]), graph.ConstAsDType(x.Graph(), x.DType(), [][]float64{waves}))
		return graph.Concatenate([]*graph.Node{graph.Cos(phase), graph.Sin(graph.Slice(phase, graph.AxisRange(), graph.AxisRange(1, n/2)))}, 1)
	}
	z := graph.MulScalar(graph.AddScalar(x, -(s.lo[i]+s.hi[i])/2), 2/(s.hi[i]-s.lo[i]))
	all := graph.Concatenate([]*graph.Node{graph.OnesLike(z), z}, 1)
	for degree := 1; degree < n-1; degree *= 2 { // T_{K+j} = 2 T_K T_j − T_{K−j}
		last := graph.Slice(all, graph.AxisRange(), graph.AxisElem(degree))
		before := graph.Reverse(graph.Slice(all, graph.AxisRange(), graph.AxisRange(0, degree)), 1)
		more := graph.Sub(graph.MulScalar(graph.Mul(last, graph.Slice(all, graph.AxisRange(), graph.AxisRange(1, degree+1))), 2), before)
		all = graph.Concatenate([]*graph.Node{all, more}, 1)
	}
	return all
}
