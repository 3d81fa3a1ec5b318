package reference

import (
	"fmt"
	"math"
)

// Burgers returns the solution of u_t + u u_x = ν u_xx for x in [−1, 1] and t ≥ 0 with u(x, 0) = −sin πx and
// u(±1, t) = 0, to about 1e-13 of its largest value. It returns an error unless 1e-4 ≤ ν ≤ 10.
//
// The transform of Cole and Hopf makes u a quotient of two integrals over z of exp(−z²) times
// f(x − z√(4νt)), f(y) = exp(−cos(πy)/2πν) (Basdevant et al. 1986, Computers & Fluids 14). Both integrands are entire
// and decay as a Gaussian, so the trapezoidal rule converges faster than any power, without the rounding that large
// Gauss–Hermite rules suffer; both sums are divided by the largest term.
func Burgers(nu float64) (Field, error) {
	if !(nu >= 1e-4 && nu <= 10) {
		return nil, fmt.Errorf("reference.Burgers: nu is %v, expected 1e-4 to 10", nu)
	}
	// Dimensions of the integrand do not depend on ν below 1: its log has second derivative −2 − 2πt at most.
	return burgers(nu, 0.1/math.Max(1, math.Sqrt(nu))), nil
}

// burgers takes the spacing of the trapezoidal rule.
func burgers(nu, spacing float64) Field {
	height := 1 / (2 * math.Pi * nu) // log f is between −height and height.
	// Further out, every term is below e^−40 of the largest.
	terms := int(math.Ceil(math.Sqrt(2*height+40) / spacing))
	return func(point []float64) []float64 {
		x, scale := point[0], math.Sqrt(4*nu*point[1])
		exponents := make([]float64, 2*terms+1)
		largest := math.Inf(-1)
		for i := range exponents {
			z := spacing * float64(i-terms)
			exponents[i] = -z*z - height*math.Cos(math.Pi*(x-scale*z))
			largest = math.Max(largest, exponents[i])
		}
		var over, under float64
		for i, e := range exponents {
			if e -= largest; e > -40 {
				weight := math.Exp(e)
				over -= weight * math.Sin(math.Pi*(x-scale*spacing*float64(i-terms)))
				under += weight
			}
		}
		return []float64{over / under}
	}
}
