package reference

import "math"

// clamped sets f, f1 and f2 to the values, first and second derivatives at x in [0, 1] of polynomials that vanish at
// both ends with their slope: the basis of Shen (1994, SIAM Journal on Scientific Computing 15) for
// problems of fourth order, whose second derivatives are Legendre polynomials, so that their products integrate to 8 or
// to zero. By Rodrigues' formula the polynomials are multiples of (1−ξ²)² and their derivatives of 1−ξ² times
// Gegenbauer polynomials, which loses no digits near the ends, as sums of Legendre polynomials would.
func clamped(x float64, f, f1, f2 []float64) {
	xi, bubble := 2*x-1, 4*x*(1-x) // ξ and 1 − ξ².
	// gegenbauer steps C_{n−1}, C_n to C_n, C_{n+1}.
	gegenbauer := func(lambda float64, n int, before, now float64) (float64, float64) {
		m := float64(n)
		return now, (2*xi*(m+lambda)*now - (m+2*lambda-1)*before) / (m + 1)
	}
	before5, now5 := 0.0, 1.0          // C_k with λ = 5/2.
	before3, now3 := 1.0, 3*xi         // C_{k+1} with λ = 3/2.
	before1, now1 := xi, 1.5*xi*xi-0.5 // C_{k+2} with λ = 1/2: Legendre.
	for k := range f {
		m := float64(k)
		scale := math.Sqrt((2*m + 5) / 2)
		f2[k] = 4 * scale * now1
		scale /= (m + 2) * (m + 3)
		f1[k] = -2 * scale * bubble * now3
		f[k] = 3 * scale / ((m + 1) * (m + 4)) * bubble * bubble * now5
		before5, now5 = gegenbauer(2.5, k, before5, now5)
		before3, now3 = gegenbauer(1.5, k+1, before3, now3)
		before1, now1 = gegenbauer(0.5, k+2, before1, now1)
	}
}

// legendre sets f and f1 to the values and derivatives at x of the Legendre polynomials that are orthonormal on [0, 1].
func legendre(x float64, f, f1 []float64) {
	xi := 2*x - 1
	value, before := 1.0, 0.0
	slope, slopeBefore := 0.0, 0.0
	for k := range f {
		m := float64(k)
		scale := math.Sqrt(2*m + 1)
		f[k], f1[k] = scale*value, 2*scale*slope
		next := ((2*m+1)*xi*value - m*before) / (m + 1)
		nextSlope := slopeBefore + (2*m+1)*value
		value, before = next, value
		slope, slopeBefore = nextSlope, slope
	}
}
