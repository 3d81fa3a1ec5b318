package diagnose

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Density is a spectral density: the number of eigenvalues per unit of λ, smoothed.
type Density struct {
	Lambda []float64 // in equal steps
	Value  []float64 // its integral over all λ is the order of the matrix
	Error  []float64 // Estimate.Error of each
	Width  float64   // σ of the smoothing
}

// Density is Σ g(λ − λᵢ) with a Gaussian g of standard deviation width at so many points from lo to hi. With lo and hi both zero it
// is over the whole spectrum, and a width of zero is a fiftieth of hi − lo. A spectrum that falls over many decades is all in one place
// then: Decades shows it better, or a density with a lo and hi around the bulk. It fails where there are fewer than 2 points, for
// other ends than finite ones with lo < hi, and a negative width.
func (s *Spectrum) Density(lo, hi float64, points int, width float64) (Density, error) {
	if err := s.check(); err != nil {
		return Density{}, err
	}
	whole := lo == 0 && hi == 0
	if whole {
		ends := s.Extremes()
		lo, hi = ends.Smallest.Value, ends.Largest.Value
		if lo == hi { // a multiple of the unit matrix
			lo, hi = lo-1, hi+1
		}
	}
	switch {
	case points < 2:
		return Density{}, fmt.Errorf("diagnose: Density has %d points, expected at least 2", points)
	case !(lo < hi) || math.IsInf(hi-lo, 1):
		return Density{}, fmt.Errorf("diagnose: Density is from %v to %v, expected finite numbers in this order (or two zeros for the whole spectrum)", lo, hi)
	case !(width >= 0) || math.IsInf(width, 1):
		return Density{}, fmt.Errorf("diagnose: the width of Density is %v, expected a finite number above 0 (or 0 for the default)", width)
	}
	width = cmp.Or(width, (hi-lo)/50)
	if whole {
		lo, hi = lo-3*width, hi+3*width
	}
	d := Density{Width: width}
	for i := range points {
		at := lo + (hi-lo)*float64(i)/float64(points-1)
		e := s.trace(func(lambda float64) float64 {
			x := (lambda - at) / width
			return math.Exp(-x*x/2) / (width * math.Sqrt(2*math.Pi))
		})
		d.Lambda, d.Value, d.Error = append(d.Lambda, at), append(d.Value, e.Value), append(d.Error, e.Error())
	}
	return d, nil
}

// Decades are the numbers of eigenvalues within powers of ten.
type Decades struct {
	Edges []float64 // increasing, one more than there are counts
	Count []float64 // of eigenvalues above Edges[i], up to Edges[i+1]
	Error []float64 // Estimate.Error of each
}

// Decades counts the eigenvalues by powers of ten of |λ|, from the most negative ones to the largest. Between the two edges around zero
// are those that may as well be zero, of magnitudes up to the power of ten above Rounding; where there are no negative ones beyond
// that, they come first. The counts add up to the order.
func (s *Spectrum) Decades() (Decades, error) {
	if err := s.check(); err != nil {
		return Decades{}, err
	}
	ends := s.Extremes()
	least := 0.0 // the exponent of the edge above zero, of the zero matrix as good as any
	if s.Rounding > 0 {
		least = math.Ceil(math.Log10(s.Rounding))
	}
	// The edges on one side of zero, out to one that is not below the outermost eigenvalue.
	edges := func(outermost float64) []float64 {
		e := []float64{math.Pow(10, least)}
		for e[len(e)-1] < outermost {
			e = append(e, math.Pow(10, least+float64(len(e))))
		}
		return e
	}
	var d Decades
	for _, edge := range edges(-ends.Smallest.Value) {
		d.Edges = append(d.Edges, -edge)
	}
	slices.Reverse(d.Edges)
	d.Edges = append(d.Edges, edges(ends.Largest.Value)...)
	for i := range len(d.Edges) - 1 {
		lo, hi := d.Edges[i], d.Edges[i+1]
		if i == 0 { // nothing is further out
			lo = math.Inf(-1)
		}
		if i+2 == len(d.Edges) {
			hi = math.Inf(1)
		}
		e := s.count(lo, hi)
		d.Count, d.Error = append(d.Count, e.Value), append(d.Error, e.Error())
	}
	return d, nil
}

// outlying is how many times as large as the edge of the bulk an outlier is, and bulk the part of the eigenvalues within that edge.
const (
	outlying = 10
	bulk     = 0.95
)

// Outliers are the eigenvalues that stand apart from the bulk, largest magnitude first, with the edge of the bulk: |λ| of 95 of 100
// eigenvalues is at most the edge, and that of an outlier more than ten times as much. It gives those that were found by themselves;
// Count(10·edge, ∞) is the number of all above, which is the larger one where the Lanczos steps were too few. The edge is at least
// Rounding: in a spectrum that falls through all decades everything that is not zero stands apart.
func (s *Spectrum) Outliers() (outliers []Ritz, edge float64, err error) {
	if err := s.check(); err != nil {
		return nil, 0, err
	}
	type mass struct{ magnitude, weight float64 }
	var all []mass
	for _, v := range s.located {
		all = append(all, mass{math.Abs(v.Value), 1})
	}
	for _, r := range s.probes {
		for j, v := range r.nodes {
			all = append(all, mass{math.Abs(v.Value), r.weights[j] / float64(len(s.probes))})
		}
	}
	slices.SortFunc(all, func(a, b mass) int { return cmp.Compare(a.magnitude, b.magnitude) })
	within := 0.0
	for _, m := range all {
		if within += m.weight; within >= bulk*float64(s.Order)*(1-1e-9) {
			edge = max(m.magnitude, s.Rounding)
			break
		}
	}
	for _, v := range s.located {
		if math.Abs(v.Value) > outlying*edge {
			v.Bound = max(v.Bound, s.Rounding)
			outliers = append(outliers, v)
		}
	}
	slices.SortFunc(outliers, func(a, b Ritz) int { return cmp.Compare(math.Abs(b.Value), math.Abs(a.Value)) })
	return outliers, edge, nil
}
