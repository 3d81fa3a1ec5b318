package diagnose

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/linalg"
)

// Quadrature says how the spectrum of a matrix is estimated: by stochastic Lanczos quadrature (Lin, Saad and Yang 2016; Ubaru, Chen
// and Saad 2017; of neural networks Ghorbani, Krishnan and Xiao 2019). Steps of Lanczos from a random vector first find the
// eigenvalues that they can, which are the outermost ones. For the rest, as many steps from each of some random vectors orthogonal
// to the eigenvectors found, the probes, give a Gauss quadrature each, whose mean estimates the trace of any function of the
// matrix. So what stands apart is counted one by one, and chance is left for the bulk (as in Meyer, Musco, Musco and Woodruff 2021).
// It takes (1 + Probes)·Steps products, fewer where the matrix is of low rank, and the memory of 2·Steps vectors.
// The zero value is usable: fields that are zero take the defaults.
type Quadrature struct {
	// Probes is the number of random vectors; 10 when zero. Standard errors fall as 1/√Probes.
	Probes int
	// Steps is the number of Lanczos steps from each, at least 2; 60 when zero. With more of them finer parts of the spectrum are told
	// apart. With as many as the order of the matrix, all eigenvalues are found, and nothing is left to chance.
	Steps int
	// Seed chooses the random vectors.
	Seed uint64
}

// Quadrature estimates the spectrum by products alone. It fails for settings out of their range, and as Multiply does.
func (m *Matrix) Quadrature(q Quadrature) (*Spectrum, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	q.Probes, q.Steps = cmp.Or(q.Probes, 10), cmp.Or(q.Steps, 60)
	if q.Probes < 1 || q.Steps < 2 {
		return nil, fmt.Errorf("diagnose: Quadrature has Probes %d and Steps %d, expected at least 1 and 2 (or 0 for the defaults)", q.Probes, q.Steps)
	}
	before, random := m.Products, rand.New(rand.NewPCG(q.Seed, 1))
	first, found, err := m.locate(random, q.Steps)
	if err != nil {
		return nil, err
	}
	s := &Spectrum{Name: m.name, Order: m.order, located: first.located, semidefinite: m.semidefinite, Rounding: first.Rounding}
	if rest := m.order - len(s.located); rest > 0 {
		for range q.Probes {
			r, err := m.probe(random, q.Steps, found, rest, s.Rounding)
			if err != nil {
				return nil, err
			}
			s.probes = append(s.probes, *r)
			if least := r.nodes[len(r.nodes)-1].Value; s.semidefinite {
				s.Rounding = max(s.Rounding, -least)
			}
		}
	}
	s.Products = m.Products - before
	return s, nil
}

// Extremes are the smallest and the largest eigenvalue, by Lanczos steps of one product each from a random vector of that seed (Kuczyński
// and Woźniakowski 1992): few are enough for the largest, if it stands apart, and many may be needed for the smallest, as the bounds
// say. It fails where steps is below 1, and as Multiply does.
func (m *Matrix) Extremes(steps int, seed uint64) (Extremes, error) {
	if err := m.check(); err != nil {
		return Extremes{}, err
	}
	if steps < 1 {
		return Extremes{}, fmt.Errorf("diagnose: Extremes has %d steps, expected at least 1", steps)
	}
	before := m.Products
	all, _, err := m.lanczos(rand.New(rand.NewPCG(seed, 1)), steps, nil)
	if err != nil {
		return Extremes{}, err
	}
	s := &Spectrum{Name: m.name, Order: m.order, located: all, semidefinite: m.semidefinite, Products: m.Products - before}
	s.setRounding(m.epsilon)
	return s.Extremes(), nil
}

// Ritz is an eigenvalue as Lanczos sees it: there is one of the matrix within Bound of Value.
type Ritz struct{ Value, Bound float64 }

// located reports which of the Ritz values, in order, are eigenvalues to rounding: they are off by at most bound²/gap (Parlett 1998,
// section 11.7), and so taking their vectors out of the matrix leaves nothing of them.
func located(values []Ritz, rounding float64) []bool {
	known := make([]bool, len(values))
	for i, v := range values {
		gap := math.Inf(1)
		if i > 0 {
			gap = values[i-1].Value - v.Value
		}
		if i+1 < len(values) {
			gap = min(gap, v.Value-values[i+1].Value)
		}
		bound := max(v.Bound, rounding)
		known[i] = bound*bound <= rounding*gap
	}
	return known
}

// locate finds the eigenvalues that Lanczos steps give well, with their eigenvectors in columns. All of them are found in as many
// steps as the order; where the steps end sooner by themselves, others may be left that the start vector has no part of.
func (m *Matrix) locate(random *rand.Rand, steps int) (s *Spectrum, vectors *mat.Dense, err error) {
	values, t, err := m.lanczos(random, steps, nil)
	if err != nil {
		return nil, nil, err
	}
	s = &Spectrum{Order: m.order, located: values, semidefinite: m.semidefinite}
	s.setRounding(m.epsilon)
	eigen, err := t.Eigen()
	if err != nil {
		return nil, nil, err
	}
	known := located(values, s.Rounding)
	if len(values) == m.order { // the whole space
		known = slices.Repeat([]bool{true}, m.order)
	}
	s.located = nil
	var columns []int
	for i, v := range values {
		if known[i] {
			s.located = append(s.located, v)
			columns = append(columns, i)
		}
	}
	if len(columns) == 0 {
		return s, new(mat.Dense), nil
	}
	chosen := mat.NewDense(len(values), len(columns), nil)
	for j, i := range columns {
		chosen.SetCol(j, mat.Col(nil, i, eigen.Vectors))
	}
	vectors = new(mat.Dense)
	vectors.Mul(t.Basis, chosen)
	return s, vectors, nil
}

// lanczos takes steps from a random vector in the space orthogonal to some eigenvectors, nil or empty for none. Ritz values come
// largest first.
func (m *Matrix) lanczos(random *rand.Rand, steps int, without *mat.Dense) ([]Ritz, *linalg.Tridiagonal, error) {
	start := make([]float64, m.order)
	for i := range start {
		start[i] = random.NormFloat64()
	}
	project(start, without)
	t, err := linalg.Lanczos(func(dst, x []float64) error {
		err := m.Multiply(dst, x)
		project(dst, without)
		return err
	}, start, steps)
	if err != nil {
		return nil, nil, fmt.Errorf("diagnose: the spectrum of the %s: %w", m.name, err)
	}
	values, bounds, err := t.Eigenvalues()
	if err != nil {
		return nil, nil, fmt.Errorf("diagnose: the spectrum of the %s: %w", m.name, err)
	}
	all := make([]Ritz, len(values))
	for i, v := range values {
		all[i] = Ritz{v, bounds[i]}
	}
	return all, t, nil
}

// project takes from x what it has along the orthonormal columns of a matrix, twice because of rounding.
func project(x []float64, without *mat.Dense) {
	if without == nil || without.IsEmpty() {
		return
	}
	_, count := without.Dims()
	v := blas64.Vector{N: len(x), Data: x, Inc: 1}
	along := blas64.Vector{N: count, Data: make([]float64, count), Inc: 1}
	for range 2 {
		blas64.Gemv(blas.Trans, 1, without.RawMatrix(), v, 0, along)
		blas64.Gemv(blas.NoTrans, -1, without.RawMatrix(), along, 1, v)
	}
}

// rule is the Gauss quadrature of a probe: the sum of the weights is the dimension of the space that it is for.
type rule struct {
	nodes   []Ritz // largest first
	weights []float64
	leaks   []float64 // of the weight that may belong to the other side of the gap below each node
	// fewer is the rule of one step less, and anti the anti-Gaussian one (Laurie 1996), whose error is about the opposite of that of
	// fewer; none where the steps ended by themselves, as then the rule is exact.
	fewer, anti points
}

// sum is that of the quadrature.
func (r *rule) sum(f func(lambda float64) float64) float64 {
	total := 0.0
	for j, v := range r.nodes {
		total += r.weights[j] * f(v.Value)
	}
	return total
}

// beside is what the number of eigenvalues below x may be off by, in one direction and in the other: the weights of the next node at or
// below x and of the next one above, or what leaks through the gap that x is in, where that is less.
func (r *rule) beside(x float64, semidefinite bool) (below, above float64) {
	if math.IsInf(x, 0) || semidefinite && x < 0 {
		return 0, 0
	}
	j := 0 // of the first node at or below x
	for j < len(r.nodes) && r.nodes[j].Value > x {
		j++
	}
	leak := 0.0
	if 0 < j && j < len(r.nodes) {
		leak = r.leaks[j-1]
	}
	if j < len(r.nodes) {
		if below = r.weights[j]; x-r.nodes[j].Value <= r.nodes[j].Bound {
			leak = math.Inf(1)
		}
	}
	if j > 0 {
		if above = r.weights[j-1]; r.nodes[j-1].Value-x <= r.nodes[j-1].Bound {
			leak = math.Inf(1)
		}
	}
	return min(below, leak), min(above, leak)
}

// divide finds the leaks. Between the space of the Ritz vectors on one side of a gap and the space of the eigenvectors the sine is at most
// the norm of their residuals over the gap (Davis and Kahan 1970), and what their part of the start vector is off by, of its square.
func (r *rule) divide(rounding float64) {
	r.leaks = make([]float64, len(r.nodes)-1)
	below, mass := 0.0, 0.0
	for j, v := range r.nodes {
		below += v.Bound * v.Bound
		mass += r.weights[j]
	}
	above := 0.0
	for j := range r.leaks {
		square := r.nodes[j].Bound * r.nodes[j].Bound
		above, below = above+square, below-square
		sine := max(math.Sqrt(max(0, min(above, below))), rounding) / (r.nodes[j].Value - r.nodes[j+1].Value)
		r.leaks[j] = mass * min(1, sine*sine)
	}
}

// spread is what the quadrature of a function of |λ| may be off by that grows from 0: how much it changes between one node and the next, times
// what may be on the other side. Beyond the outermost nodes there is nothing further away than their bounds.
func (r *rule) spread(f func(lambda float64) float64, semidefinite bool) float64 {
	first, last := r.nodes[0], r.nodes[len(r.nodes)-1]
	least := last.Value - last.Bound
	if semidefinite {
		least = 0
	}
	before, total := first.Value+first.Bound, 0.0
	to := func(lambda float64) {
		below, above := r.beside((lambda+before)/2, false)
		change := math.Abs(f(lambda) - f(before))
		if (lambda < 0) != (before < 0) { // by way of zero
			change = f(lambda) + f(before)
		}
		total += max(below, above) * change
		before = lambda
	}
	for _, v := range r.nodes {
		to(v.Value)
	}
	to(least)
	return total
}

type points struct{ at, weights []float64 }

func (p points) sum(f func(float64) float64) float64 {
	total := 0.0
	for i, w := range p.weights {
		total += w * f(p.at[i])
	}
	return total
}

func (m *Matrix) probe(random *rand.Rand, steps int, without *mat.Dense, rest int, rounding float64) (*rule, error) {
	values, t, err := m.lanczos(random, min(steps, rest), without)
	if err != nil {
		return nil, err
	}
	r := &rule{nodes: values}
	all, err := weighted(t, float64(rest))
	if err != nil {
		return nil, err
	}
	r.weights = all.weights
	r.divide(rounding)
	k := len(t.Diagonal)
	if t.Next == 0 || k < 2 {
		return r, nil
	}
	if r.fewer, err = weighted(&linalg.Tridiagonal{Diagonal: t.Diagonal[:k-1], OffDiagonal: t.OffDiagonal[:k-2]}, float64(rest)); err != nil {
		return nil, err
	}
	anti := &linalg.Tridiagonal{Diagonal: t.Diagonal, OffDiagonal: slices.Clone(t.OffDiagonal)}
	anti.OffDiagonal[k-2] *= math.Sqrt2
	if r.anti, err = weighted(anti, float64(rest)); err != nil {
		return nil, err
	}
	for i, v := range r.anti.at { // its outermost nodes may lie outside of the spectrum
		r.anti.at[i] = min(max(v, values[k-1].Value), values[0].Value)
	}
	return r, nil
}

// weighted is the Gauss quadrature of a tridiagonal matrix, whose weights add up to mass.
func weighted(t *linalg.Tridiagonal, mass float64) (points, error) {
	eigen, err := t.Eigen()
	if err != nil {
		return points{}, err
	}
	p := points{at: eigen.Values, weights: make([]float64, len(eigen.Values))}
	for i := range p.weights {
		first := eigen.Vectors.At(0, i)
		p.weights[i] = mass * first * first
	}
	return p, nil
}
