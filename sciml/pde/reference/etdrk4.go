package reference

import (
	"math"
	"math/cmplx"

	"gonum.org/v1/gonum/dsp/fourier"
	"gonum.org/v1/gonum/integrate/quad"
)

// etdrk4 advances the Fourier coefficients v of u_t = L u + N(u) by ETDRK4 (Cox and Matthews 2002).
type etdrk4 struct {
	// symbol is L for each coefficient.
	symbol []complex128
	// nonlinear sets to to the coefficients of N(u) for the u with the coefficients of.
	nonlinear func(to, of []complex128)
	// Coefficients of the method, as Kassam and Trefethen name them.
	full, half, q, f1, f2, f3 []complex128
	// Work space.
	a, b, c, nv, na, nb, nc []complex128
}

func newETDRK4(symbol []complex128, nonlinear func(to, of []complex128)) *etdrk4 {
	e := &etdrk4{symbol: symbol, nonlinear: nonlinear}
	for _, of := range []*[]complex128{&e.full, &e.half, &e.q, &e.f1, &e.f2, &e.f3, &e.a, &e.b, &e.c, &e.nv, &e.na, &e.nb, &e.nc} {
		*of = make([]complex128, len(symbol))
	}
	return e
}

// stepper advances the Fourier coefficients v of a periodic equation.
type stepper struct {
	*etdrk4
	p   *Periodic
	fft *fourier.FFT
	v   []complex128
	// slope is −ik for each wavenumber; modes from cut on feel no nonlinear term.
	slope []complex128
	cut   int
	// Work space.
	spectrum      []complex128
	values, image []float64
}

func newStepper(p *Periodic) *stepper {
	n := p.Modes/2 + 1
	symbol := make([]complex128, n)
	s := &stepper{p: p, fft: fourier.NewFFT(p.Modes), cut: p.Modes/3 + 1}
	s.v, s.slope, s.spectrum = make([]complex128, n), make([]complex128, n), make([]complex128, n)
	s.values, s.image = make([]float64, p.Modes), make([]float64, p.Modes)
	for m := range n {
		k := 2 * math.Pi * float64(m) / (p.Hi - p.Lo)
		symbol[m], s.slope[m] = p.Symbol(k), complex(0, -k)
	}
	s.etdrk4 = newETDRK4(symbol, s.nonlinear)
	return s
}

// project sets v to the Fourier coefficients of Initial. Interpolation on the grid would alias where its periodic
// continuation has a kink, an error of the order of Modes⁻² that stays. This is Gauss's rule with eight nodes in each
// interval of the grid, summed by one transform for each node.
func (s *stepper) project() {
	const nodes = 8
	var at, weight [nodes]float64
	quad.Legendre{}.FixedLocations(at[:], weight[:], 0, 1)
	spacing := (s.p.Hi - s.p.Lo) / float64(s.p.Modes)
	for i := range nodes {
		for j := range s.values {
			s.values[j] = s.p.Initial(s.p.Lo + spacing*(float64(j)+at[i]))
		}
		s.fft.Coefficients(s.spectrum, s.values)
		for m := range len(s.v) - 1 { // The highest wavenumber is half known on the grid, and left out.
			s.v[m] += complex(weight[i], 0) * cmplx.Exp(s.slope[m]*complex(spacing*at[i], 0)) * s.spectrum[m]
		}
	}
}

// prepare computes the coefficients for steps of length h (Kassam and Trefethen 2005, section 2). They are sums of
// φ-functions, φₖ(z) = Σ zʲ/(j+k)!, which need no contour integrals: see phi.
func (e *etdrk4) prepare(h float64) {
	step := complex(h, 0)
	for m, l := range e.symbol {
		z := step * l
		e.full[m], e.half[m] = cmplx.Exp(z), cmplx.Exp(z/2)
		halfPhi1, _, _ := phi(z / 2)
		phi1, phi2, phi3 := phi(z)
		e.q[m] = step / 2 * halfPhi1
		e.f1[m] = step * (phi1 - 3*phi2 + 4*phi3)
		e.f2[m] = step * (2*phi2 - 4*phi3)
		e.f3[m] = step * (4*phi3 - phi2)
	}
}

// phi returns φ₁(z), φ₂(z) and φ₃(z). Their recurrence φₖ₊₁ = (φₖ − 1/k!)/z is stable upwards in k for |z| ≥ 1 and
// downwards, from the series of φ₃, for |z| < 1.
func phi(z complex128) (phi1, phi2, phi3 complex128) {
	if cmplx.Abs(z) >= 1 {
		phi1 = (cmplx.Exp(z) - 1) / z
		phi2 = (phi1 - 1) / z
		return phi1, phi2, (phi2 - 0.5) / z
	}
	for j := 17; j >= 0; j-- { // Horner's rule for z⁰/3! + z/4! + …, as (1 + z/4·(1 + z/5·(…)))/6.
		phi3 = 1 + z/complex(float64(j+4), 0)*phi3
	}
	phi3 /= 6
	phi2 = 0.5 + z*phi3
	return 1 + z*phi2, phi2, phi3
}

// step advances v by one step (Kassam and Trefethen 2005, section 2).
func (e *etdrk4) step(v []complex128) {
	e.nonlinear(e.nv, v)
	for m, v := range v {
		e.a[m] = e.half[m]*v + e.q[m]*e.nv[m]
	}
	e.nonlinear(e.na, e.a)
	for m, v := range v {
		e.b[m] = e.half[m]*v + e.q[m]*e.na[m]
	}
	e.nonlinear(e.nb, e.b)
	for m := range v {
		e.c[m] = e.half[m]*e.a[m] + e.q[m]*(2*e.nb[m]-e.nv[m])
	}
	e.nonlinear(e.nc, e.c)
	for m := range v {
		v[m] = e.full[m]*v[m] + e.f1[m]*e.nv[m] + e.f2[m]*(e.na[m]+e.nb[m]) + e.f3[m]*e.nc[m]
	}
}

// nonlinear sets to to the coefficients of R(u) − (F(u))_x for the u with the coefficients of.
func (s *stepper) nonlinear(to, of []complex128) {
	clear(to)
	if s.p.Reaction == nil && s.p.Flux == nil {
		return
	}
	s.fft.Sequence(s.values, of)
	for j := range s.values {
		s.values[j] /= float64(len(s.values))
	}
	add := func(f func(float64) float64, times func(m int) complex128) {
		for j, u := range s.values {
			s.image[j] = f(u)
		}
		s.fft.Coefficients(s.spectrum, s.image)
		for m := range s.cut {
			to[m] += times(m) * s.spectrum[m]
		}
	}
	if s.p.Reaction != nil {
		add(s.p.Reaction, func(int) complex128 { return 1 })
	}
	if s.p.Flux != nil {
		add(s.p.Flux, func(m int) complex128 { return s.slope[m] })
	}
}
