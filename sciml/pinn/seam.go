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
	firstTerms = [mostSpace + 1]int{1: 256, 2: 32, 3: 8}
	mostTerms  = [mostSpace + 1]int{1: 512, 2: 128, 3: 32}
)

// resolved is the size of the last quarter of the coefficients, relative to the largest of all, from which there are enough.
const resolved = 1e-11

// rounding is the size of a coefficient, relative to the largest, that means nothing.
const rounding = 1e-14

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
			made.chop()
			return &made, nil
		}
	}
}

// chop leaves out coefficients that are rounding: high derivatives would make large errors of them.
func (s *Seam) chop() {
	largest := 0.0
	for _, c := range s.Coefficients {
		largest = math.Max(largest, math.Abs(c))
	}
	for i, c := range s.Coefficients {
		if math.Abs(c) < rounding*largest {
			s.Coefficients[i] = 0
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

// A series in one coordinate of space is built from products of few functions, of which there are about √n rather than n: with L about
// √n, cos (Lk+l)φ = cos Lkφ·cos lφ − sin Lkφ·sin lφ, and T_{Lk+l} = 2 T_{Lk}·T_l − T_{Lk−l}. Each derivative of a function costs.

// factor is a set of functions of a coordinate of space.
type factor struct {
	axis, size int
	build      func(x *graph.Node) *graph.Node // from shape [N, 1] to [N, size]
}

// factors are those that the series is a sum of products of, and its coefficients for them, in the order of the factors.
func (s *Seam) factors() (all []factor, coefficients []float64) {
	if len(s.Sizes) != 1 {
		for i, n := range s.Sizes {
			build := func(x *graph.Node) *graph.Node { return chebyshev(s.centered(i, x), n-1) }
			if s.periods[i] > 0 {
				build = func(x *graph.Node) *graph.Node {
					cosines, sines := waves(s.phase(i, x), 1, n/2)
					return graph.Concatenate([]*graph.Node{cosines, graph.Slice(sines, graph.AxisRange(), graph.AxisRange(1, n/2))}, 1)
				}
			}
			all = append(all, factor{i, n, build})
		}
		return all, s.Coefficients
	}
	n, outputs, few := s.Sizes[0], s.order*s.outputs, 1
	for 4*few*few < 2*n {
		few *= 2
	}
	if s.periods[0] > 0 {
		blocks := n/2/few + 1
		waved := func(every, count int) func(x *graph.Node) *graph.Node {
			return func(x *graph.Node) *graph.Node {
				cosines, sines := waves(s.phase(0, x), every, count-1)
				return graph.Concatenate([]*graph.Node{cosines, sines}, 1)
			}
		}
		all = []factor{{0, 2 * blocks, waved(few, blocks)}, {0, 2 * few, waved(1, few)}}
		coefficients = make([]float64, 4*blocks*few*outputs)
		for j := range n {
			wave, sine := j, j > n/2
			if sine {
				wave -= n / 2
			}
			k, l := wave/few, wave%few
			for c := range outputs {
				v := s.Coefficients[j*outputs+c]
				at := func(k, l int) *float64 { return &coefficients[(k*2*few+l)*outputs+c] }
				if sine {
					*at(k, few+l) += v
					*at(blocks+k, l) += v
				} else {
					*at(k, l) += v
					*at(blocks+k, few+l) -= v
				}
			}
		}
		return all, coefficients
	}
	blocks := (n-1)/few + 1
	all = []factor{
		{0, blocks, func(x *graph.Node) *graph.Node {
			low := chebyshev(s.centered(0, x), few)
			return chebyshev(graph.Slice(low, graph.AxisRange(), graph.AxisElem(few)), blocks-1)
		}},
		{0, few, func(x *graph.Node) *graph.Node {
			return graph.Slice(chebyshev(s.centered(0, x), few), graph.AxisRange(), graph.AxisRange(0, few))
		}},
	}
	coefficients = make([]float64, blocks*few*outputs)
	for j := range n {
		for degree, sign := j, 1.0; ; sign = -sign {
			k, l, times := degree/few, degree%few, 2.0
			if k == 0 || l == 0 {
				times = 1
			}
			for c := range outputs {
				coefficients[(k*few+l)*outputs+c] += sign * times * s.Coefficients[j*outputs+c]
			}
			if times == 1 {
				break
			}
			degree = few*k - l
		}
	}
	return all, coefficients
}

// build makes the function of points of space, shape [N, outputs], and for order 2 its rate, from the coefficients of its factors in one
// vector.
func (s *Seam) build(coefficients, space *graph.Node, points int) []*graph.Node {
	rest := coefficients.Shape().Size()
	sum := graph.BroadcastToDims(graph.ExpandAxes(coefficients, 0), points, rest) // without coordinates of space
	factors, _ := s.factors()
	for i, f := range factors {
		functions := f.build(graph.Slice(space, graph.AxisRange(), graph.AxisElem(f.axis)))
		rest /= f.size
		if i == 0 {
			sum = graph.Dot(functions, graph.Reshape(coefficients, f.size, rest)).MatMul()
			continue
		}
		sum = graph.ReduceSum(graph.Mul(graph.Reshape(sum, points, f.size, rest), graph.ExpandAxes(functions, 2)), 1)
	}
	var parts []*graph.Node
	for k := range s.order {
		parts = append(parts, graph.Slice(sum, graph.AxisRange(), graph.AxisRange(k*s.outputs, (k+1)*s.outputs)))
	}
	return parts
}

// phase is the angle along a coordinate with a period, and centered one without from −1 to 1.
func (s *Seam) phase(i int, x *graph.Node) *graph.Node {
	return graph.MulScalar(graph.AddScalar(x, -s.lo[i]), 2*math.Pi/s.periods[i])
}

func (s *Seam) centered(i int, x *graph.Node) *graph.Node {
	return graph.MulScalar(graph.AddScalar(x, -(s.lo[i]+s.hi[i])/2), 2/(s.hi[i]-s.lo[i]))
}

// waves are the cosines and sines of an angle, shape [N, 1], times 0, every, 2·every, … up to most of them.
func waves(phase *graph.Node, every, most int) (cosines, sines *graph.Node) {
	numbers := make([]float64, most+1)
	for j := range numbers {
		numbers[j] = float64(j * every)
	}
	all := graph.Mul(phase, graph.ConstAsDType(phase.Graph(), phase.DType(), [][]float64{numbers}))
	return graph.Cos(all), graph.Sin(all)
}

// chebyshev are the polynomials T₀ to T_most, a power of two, of z, shape [N, 1].
func chebyshev(z *graph.Node, most int) *graph.Node {
	all := graph.Concatenate([]*graph.Node{graph.OnesLike(z), z}, 1)
	for degree := 1; degree < most; degree *= 2 { // T_{K+j} = 2 T_K T_j − T_{K−j}
		last := graph.Slice(all, graph.AxisRange(), graph.AxisElem(degree))
		before := graph.Reverse(graph.Slice(all, graph.AxisRange(), graph.AxisRange(0, degree)), 1)
		more := graph.Sub(graph.MulScalar(graph.Mul(last, graph.Slice(all, graph.AxisRange(), graph.AxisRange(1, degree+1))), 2), before)
		all = graph.Concatenate([]*graph.Node{all, more}, 1)
	}
	return all
}
