package reference

import (
	"math"
	"math/cmplx"
	"slices"
	"sync"

	"gonum.org/v1/gonum/dsp/fourier"
	"gonum.org/v1/gonum/integrate/quad"
)

// grid holds the values of a system's functions, one after the other, and transforms between them and their Fourier
// coefficients, with two goroutines.
type grid struct {
	*system
	points int
	ffts   [2]*fourier.CmplxFFT
	mirror []int  // the coefficient of −k
	keep   []bool // the coefficients that feel the nonlinear terms: the lower two thirds along each coordinate
	values []complex128
}

func newGrid(s *system) *grid {
	g := &grid{system: s, points: 1}
	for range s.lo {
		g.points *= s.modes
	}
	for i := range g.ffts {
		g.ffts[i] = fourier.NewCmplxFFT(s.modes)
	}
	g.values = make([]complex128, g.points*s.functions)
	g.mirror, g.keep = make([]int, g.points), make([]bool, g.points)
	for j := range g.points {
		g.keep[j] = true
		for _, index := range g.indices(j) {
			g.mirror[j] = g.mirror[j]*s.modes + (s.modes-index)%s.modes
			g.keep[j] = g.keep[j] && 3*min(index, s.modes-index) <= s.modes
		}
	}
	return g
}

// indices returns the place of point or coefficient j along each coordinate.
func (g *grid) indices(j int) []int {
	indices := make([]int, len(g.lo))
	for i := len(indices) - 1; i >= 0; i-- {
		indices[i] = j % g.modes
		j /= g.modes
	}
	return indices
}

// wave returns the wavenumbers of coefficient j.
func (g *grid) wave(j int) []float64 {
	k := make([]float64, len(g.lo))
	for i, index := range g.indices(j) {
		if index >= g.modes/2 {
			index -= g.modes
		}
		k[i] = 2 * math.Pi * float64(index) / (g.hi[i] - g.lo[i])
	}
	return k
}

// whole is false for the highest wavenumbers, which are half known on a grid, and left out.
func (g *grid) whole(j int) bool {
	return !slices.Contains(g.indices(j), g.modes/2)
}

// project returns the Fourier coefficients of initial, by Gauss's rule as stepper.project does.
func (g *grid) project() []complex128 {
	const nodes = 8
	var at, weight [nodes]float64
	quad.Legendre{}.FixedLocations(at[:], weight[:], 0, 1)
	v := make([]complex128, len(g.values))
	x, moved := make([]float64, len(g.lo)), make([]float64, len(g.lo))
	rules := 1
	for range g.lo {
		rules *= nodes
	}
	for rule := range rules {
		w := 1.0
		for i, rest := 0, rule; i < len(g.lo); i, rest = i+1, rest/nodes {
			w *= weight[rest%nodes]
			moved[i] = (g.hi[i] - g.lo[i]) / float64(g.modes) * at[rest%nodes]
		}
		for j := range g.points {
			for i, index := range g.indices(j) {
				x[i] = g.lo[i] + (g.hi[i]-g.lo[i])*float64(index)/float64(g.modes) + moved[i]
			}
			for f, u := range g.initial(x) {
				g.values[f*g.points+j] = u
			}
		}
		for f := range g.functions {
			g.transform(g.values[f*g.points:][:g.points], true)
		}
		for j := range g.points {
			if !g.whole(j) {
				continue
			}
			phase := 0.0
			for i, k := range g.wave(j) {
				phase -= k * moved[i]
			}
			factor := cmplx.Rect(w, phase)
			for f := range g.functions {
				v[f*g.points+j] += factor * g.values[f*g.points+j]
			}
		}
	}
	return v
}

// transform replaces values of one function by its Fourier coefficients, or the other way round.
func (g *grid) transform(u []complex128, forward bool) {
	m := g.modes
	halves := func(count int, one func(fft *fourier.CmplxFFT, i int)) {
		var wait sync.WaitGroup
		for half, fft := range g.ffts {
			wait.Go(func() {
				for i := half; i < count; i += len(g.ffts) {
					one(fft, i)
				}
			})
		}
		wait.Wait()
	}
	along := func(fft *fourier.CmplxFFT, of []complex128) {
		if forward {
			fft.Coefficients(of, of)
			return
		}
		fft.Sequence(of, of)
		for i := range of {
			of[i] /= complex(float64(m), 0)
		}
	}
	if len(g.lo) == 1 {
		along(g.ffts[0], u)
		return
	}
	halves(m, func(fft *fourier.CmplxFFT, i int) { along(fft, u[i*m:][:m]) })
	halves(m, func(fft *fourier.CmplxFFT, i int) {
		column := make([]complex128, m)
		for r := range column {
			column[r] = u[r*m+i]
		}
		along(fft, column)
		for r := range column {
			u[r*m+i] = column[r]
		}
	})
}

// toValues replaces the coefficients of all functions by their values. Real functions go two by two through a transform,
// as real and imaginary part.
func (g *grid) toValues(u []complex128) {
	g.each(u, func(one, other []complex128) {
		for j := range other {
			one[j] += 1i * other[j]
		}
		g.transform(one, false)
		for j := range other {
			one[j], other[j] = complex(real(one[j]), 0), complex(imag(one[j]), 0)
		}
	})
}

// toCoefficients is the inverse of toValues.
func (g *grid) toCoefficients(u []complex128) {
	g.each(u, func(one, other []complex128) {
		for j := range other {
			one[j] += 1i * other[j]
		}
		g.transform(one, true)
		for j := range other {
			if mirrored := g.mirror[j]; mirrored >= j {
				a, b := one[j], cmplx.Conj(one[mirrored])
				one[j], other[j] = (a+b)/2, (a-b)/2i
				one[mirrored], other[mirrored] = cmplx.Conj(one[j]), cmplx.Conj(other[j])
			}
		}
	})
}

// each does something with each complex function, other being nil, or with each two real ones.
func (g *grid) each(u []complex128, do func(one, other []complex128)) {
	n := g.points
	if g.complex {
		for f := range g.functions {
			do(u[f*n:][:n], nil)
		}
		return
	}
	for f := 0; f < g.functions; f += 2 {
		do(u[f*n:][:n], u[(f+1)*n:][:n])
	}
}

// packed is the number of values that pack appends.
func (g *grid) packed() int {
	count := 0
	for _, keep := range g.keep {
		if keep {
			count += 2
		}
	}
	if g.complex {
		return count * g.functions
	}
	return count * g.functions / 2
}

// pack appends the coefficients that are kept, of two real functions those of u + iv.
func (g *grid) pack(values []float64, v []complex128) []float64 {
	g.each(v, func(one, other []complex128) {
		for j, c := range one {
			if other != nil {
				c += 1i * other[j]
			}
			if g.keep[j] {
				values = append(values, real(c), imag(c))
			}
		}
	})
	return values
}

// tabulate makes the table of packed coefficients.
func (g *grid) tabulate(packed []float64) *Table {
	table := g.table()
	table.values = make([]float64, (g.frames+1)*g.points*table.unknowns)
	u := make([]complex128, g.points)
	for frame := range g.frames + 1 {
		for two := 0; two < table.unknowns; two += 2 {
			for j, keep := range g.keep {
				u[j] = 0
				if keep {
					u[j], packed = complex(packed[0], packed[1]), packed[2:]
				}
			}
			g.transform(u, false)
			for j, value := range u {
				at := (frame*g.points+j)*table.unknowns + two
				table.values[at], table.values[at+1] = real(value), imag(value)
			}
		}
	}
	return table
}

// waves is the sum of the packed coefficients of a complex function of one coordinate. Between frames exp(−tL) times the
// coefficients is interpolated, which changes by R alone: waves are turned by L the faster the shorter they are, so that a
// table could not follow them.
func (g *grid) waves(packed []float64) Field {
	var wave []float64
	var symbol []complex128
	for j, keep := range g.keep {
		if keep {
			wave, symbol = append(wave, g.wave(j)[0]), append(symbol, g.symbol(g.wave(j))[0])
		}
	}
	count := len(wave)
	slow := make([]complex128, len(packed)/2)
	table := g.table()
	for i := range slow {
		back := cmplx.Exp(-symbol[i%count] * complex(table.time(i/count), 0))
		slow[i] = back * complex(packed[2*i], packed[2*i+1]) / complex(float64(g.points), 0)
	}
	return func(point []float64) []float64 {
		first, inTime := table.frame(point[1])
		total := complex(0, 0)
		for j, k := range wave {
			c := complex(0, 0)
			for i, w := range inTime {
				c += complex(w, 0) * slow[(first+i)*count+j]
			}
			total += c * cmplx.Exp(symbol[j]*complex(point[1], 0)+complex(0, k*(point[0]-g.lo[0])))
		}
		return []float64{real(total), imag(total)}
	}
}

// nonlinear sets to to the coefficients of R(u) for the u with the coefficients of.
func (g *grid) nonlinear(to, of []complex128) {
	copy(to, of)
	g.toValues(to)
	u := make([]complex128, g.functions)
	for j := range g.points {
		for f := range u {
			u[f] = to[f*g.points+j]
		}
		g.system.nonlinear(u)
		for f := range u {
			to[f*g.points+j] = u[f]
		}
	}
	g.toCoefficients(to)
	for i := range to {
		if !g.keep[i%g.points] {
			to[i] = 0
		}
	}
}
