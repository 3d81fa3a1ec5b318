package sample

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
	"github.com/gosciml/gosciml/sciml/pde"
)

// Refiner moves the collocation points of the interior to where the residual is large. The number of points never
// changes, so that nothing is compiled anew. All of its state is in the points and in the random numbers.
type Refiner interface {
	// Name says which method it is, for legends.
	Name() string
	// Refine returns new points in place of the current ones, which it leaves as they are. The function residual gives |r|
	// at any points, one number for each; rng is the run's. It fails for points on a boundary, for numbers of points that
	// cannot be, when residual fails, and when a residual is negative or not finite: the error names the point.
	Refine(domain pde.Domain, current *Points, residual func(*Points) ([]float64, error), rng *rand.Rand) (*Points, error)
}

// refinement is what every method is given, checked.
type refinement struct {
	name     string
	domain   pde.Domain
	current  *Points
	residual func(*Points) ([]float64, error)
	rng      *rand.Rand
}

func (r refinement) check() error {
	switch {
	case pde.CheckDomain(r.domain) != nil:
		return usercode.First(fmt.Errorf("sample: %s: the domain: %w", r.name, pde.CheckDomain(r.domain)))
	case r.current == nil:
		return fmt.Errorf("sample: %s: the current points are nil", r.name)
	case r.current.Normals != nil:
		return fmt.Errorf("sample: %s: the current points have normals, expected points of the interior", r.name)
	case r.current.Dim != r.domain.Dim():
		return fmt.Errorf("sample: %s: the current points have %d dimensions, expected %d as the domain has", r.name, r.current.Dim, r.domain.Dim())
	case r.rng == nil:
		return fmt.Errorf("sample: %s: the random numbers are nil", r.name)
	}
	return nil
}

// draw draws points of the domain uniformly.
func (r refinement) draw(n int) (*Points, error) {
	points, err := interior(r.domain, n, uniform, r.rng)
	if err != nil {
		return nil, fmt.Errorf("sample: %s: %w", r.name, err)
	}
	return points, nil
}

// candidates draws so many candidates, ten for each current point when the number is 0, and gives their residuals. At
// least least are needed.
func (r refinement) candidates(number, least int) (*Points, []float64, error) {
	number = cmp.Or(number, 10*r.current.N)
	if number < least {
		return nil, nil, fmt.Errorf("sample: %s: Candidates is %d, expected at least %d, as many as are chosen from them", r.name, number, least)
	}
	points, err := r.draw(number)
	if err != nil {
		return nil, nil, err
	}
	values, err := r.evaluate(points)
	return points, values, err
}

// evaluate gives |r| at the points.
func (r refinement) evaluate(points *Points) ([]float64, error) {
	if r.residual == nil {
		return nil, fmt.Errorf("sample: %s: the residual is nil", r.name)
	}
	var values []float64
	err := usercode.Call("the residual", func() (err error) { values, err = r.residual(points); return err })
	if err != nil {
		return nil, usercode.First(fmt.Errorf("sample: %s: the residual: %w", r.name, err))
	}
	if len(values) != points.N {
		return nil, fmt.Errorf("sample: %s: %d residuals of %d points, expected one for each", r.name, len(values), points.N)
	}
	for k, v := range values {
		if !(v >= 0) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("sample: %s: the residual of point %d, %v, is %v, expected a finite number, not negative", r.name, k, points.At(k), v)
		}
	}
	return values, nil
}

// density is r^k/mean(r^k) + c at each point (Wu et al. 2023), or 1 when the residual vanishes everywhere.
func density(residuals []float64, k, c float64) []float64 {
	largest := 0.0
	for _, r := range residuals {
		largest = max(largest, r)
	}
	weights, mean := make([]float64, len(residuals)), 0.0
	for i, r := range residuals {
		if largest == 0 {
			weights[i] = 1
			continue
		}
		weights[i] = math.Pow(r/largest, k) // a large residual to a high power would overflow
		mean += weights[i] / float64(len(residuals))
	}
	if largest > 0 {
		for i := range weights {
			weights[i] = weights[i]/mean + c
		}
	}
	return weights
}

// withoutReplacement draws n numbers below len(weights), one after another with probabilities in proportion to the
// weights of those that are left (Efraimidis and Spirakis 2006): the order of exponential variables of these rates.
// Those of weight zero come last.
func withoutReplacement(weights []float64, n int, rng *rand.Rand) []int {
	arrival, order := make([]float64, len(weights)), make([]int, len(weights))
	for i, w := range weights {
		arrival[i], order[i] = rng.ExpFloat64()/w, i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(arrival[i], arrival[j]) })
	return order[:n]
}

// checkDensity reports exponents and offsets that make no density.
func checkDensity(name string, k, c float64) error {
	if !(k >= 0) || math.IsInf(k, 0) || !(c >= 0) || math.IsInf(c, 0) {
		return fmt.Errorf("sample: %s: K is %v and C is %v, expected finite numbers, not negative", name, k, c)
	}
	return nil
}

// Redraw replaces all points by fresh ones, without a look at the residual (Wu et al. 2023, "Random-R"). The sampler
// gets a seed from the run's random numbers each time; nil stands for Uniform.
type Redraw struct {
	Sampler Sampler
}

// Name implements Refiner.
func (r Redraw) Name() string { return "redraw, " + r.sampler().Name() }

func (r Redraw) sampler() Sampler {
	if usercode.Nil(r.Sampler) {
		return Uniform{}
	}
	return r.Sampler
}

// Refine implements Refiner; residual is not called. It fails when the sampler gives another number of points.
func (r Redraw) Refine(domain pde.Domain, current *Points, residual func(*Points) ([]float64, error), rng *rand.Rand) (*Points, error) {
	run := refinement{r.Name(), domain, current, residual, rng}
	if err := run.check(); err != nil {
		return nil, err
	}
	points, err := r.sampler().WithSeed(rng.Uint64()).Interior(domain, current.N)
	if err != nil {
		return nil, fmt.Errorf("sample: %s: %w", r.Name(), err)
	}
	if points.N != current.N {
		return nil, fmt.Errorf("sample: %s: %d points in place of %d, expected as many", r.Name(), points.N, current.N)
	}
	return points, nil
}
