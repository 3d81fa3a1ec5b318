package pde

import (
	"errors"
	"fmt"
	"math"

	"github.com/gomlx/gomlx/core/graph"
)

// Zero acts as the number 0 where a field that is 0 is one that was left out, such as Coefficient.True. It is the smallest
// positive number.
const Zero = math.SmallestNonzeroFloat64

// Coefficient is an unknown number c of an inverse problem. What is trained is a parameter ρ; without Scale, Log and
// Bounds it is c itself. Start, True and all results are values of c.
//
//	pde.Coefficient{Name: "E", Start: 1e9, Log: true}                            // of unknown magnitude: c = exp ρ
//	pde.Coefficient{Name: "T", Start: 300, Scale: 100}                           // of known magnitude: c = 100 ρ
//	pde.Coefficient{Name: "ν", Start: 0.3, Bounds: [2]float64{0, 0.5}}           // within an interval
//	pde.Coefficient{Name: "k", Start: 1, Bounds: [2]float64{0, math.Inf(1)}}     // above a bound
type Coefficient struct {
	Name string
	// Start is where training begins: inside of Bounds, and above 0 with Log.
	Start float64
	// True is the value to be found, for comparison. When it is 0 or NaN none is known, and no error is measured; a true
	// value of 0 is Zero.
	True float64
	// Scale is about the size of c: c = Scale·ρ, so that steps of a size that suits a network's parameters suit c as well.
	// 1 when zero. Two finite Bounds are scale enough.
	Scale float64
	// Log finds ln c, for a positive number whose magnitude is not known: c = Scale·exp ρ.
	Log bool
	// Bounds are what c lies between; they may be infinite. None when both are zero. As in MINUIT (James and Roos 1975), with
	// s the Scale, c = a + (b−a)(1 + sin ρ)/2 between a and b, c = a + s(√(ρ²+1) − 1) above a, c = b − s(√(ρ²+1) − 1) below b;
	// with Log that is ln c, and s is 1.
	Bounds [2]float64
}

// bounds are those of what ρ is mapped to: c, or ln c.
func (c Coefficient) bounds() (lo, hi float64) {
	lo, hi = c.Bounds[0], c.Bounds[1]
	if lo == 0 && hi == 0 {
		return math.Inf(-1), math.Inf(1)
	}
	if c.Log {
		return math.Log(max(lo, 0)), math.Log(hi)
	}
	return lo, hi
}

func (c Coefficient) scale() float64 {
	if c.Scale == 0 {
		return 1
	}
	return c.Scale
}

// unit is the scale of what ρ is mapped to.
func (c Coefficient) unit() float64 {
	if c.Log {
		return 1
	}
	return c.scale()
}

// IsPlain reports whether the parameter is the value.
func (c Coefficient) IsPlain() bool { return c.scale() == 1 && !c.Log && c.Bounds == [2]float64{} }

// Known reports whether the true value is known, and what it is.
func (c Coefficient) Known() (truth float64, known bool) {
	if math.IsNaN(c.True) || c.True == 0 {
		return math.NaN(), false
	}
	if math.Abs(c.True) <= Zero {
		return 0, true
	}
	return c.True, true
}

// Value is c for a parameter ρ.
func (c Coefficient) Value(parameter float64) float64 {
	lo, hi := c.bounds()
	y := parameter
	switch finiteLo, finiteHi := !math.IsInf(lo, 0), !math.IsInf(hi, 0); {
	case finiteLo && finiteHi:
		y = lo + (hi-lo)/2*(1+math.Sin(y))
	case finiteLo:
		y = lo + c.unit()*(math.Sqrt(y*y+1)-1)
	case finiteHi:
		y = hi - c.unit()*(math.Sqrt(y*y+1)-1)
	case c.Log:
		return c.scale() * math.Exp(y)
	default:
		return c.scale() * y
	}
	if c.Log {
		return math.Exp(y)
	}
	return y
}

// Build is Value as a graph, of a parameter of any shape.
func (c Coefficient) Build(parameter *graph.Node) *graph.Node {
	lo, hi := c.bounds()
	y := parameter
	above := func() *graph.Node { return graph.AddScalar(graph.Sqrt(graph.AddScalar(graph.Square(y), 1)), -1) }
	switch finiteLo, finiteHi := !math.IsInf(lo, 0), !math.IsInf(hi, 0); {
	case c.IsPlain():
		return y
	case finiteLo && finiteHi:
		y = graph.AddScalar(graph.MulScalar(graph.AddScalar(graph.Sin(y), 1), (hi-lo)/2), lo)
	case finiteLo:
		y = graph.AddScalar(graph.MulScalar(above(), c.unit()), lo)
	case finiteHi:
		y = graph.AddScalar(graph.MulScalar(above(), -c.unit()), hi)
	case c.Log:
		return graph.MulScalar(graph.Exp(y), c.scale())
	default:
		return graph.MulScalar(y, c.scale())
	}
	if c.Log {
		return graph.Exp(y)
	}
	return y
}

// Parameter is a ρ that gives a value inside of Bounds; NaN for another.
func (c Coefficient) Parameter(value float64) float64 {
	lo, hi := c.bounds()
	y := value
	if c.Log {
		y = math.Log(value)
	}
	above := func(distance float64) float64 { s := 1 + distance/c.unit(); return math.Sqrt(s*s - 1) }
	switch finiteLo, finiteHi := !math.IsInf(lo, 0), !math.IsInf(hi, 0); {
	case finiteLo && finiteHi:
		return math.Asin(2*(y-lo)/(hi-lo) - 1)
	case finiteLo:
		return above(y - lo)
	case finiteHi:
		return above(hi - y)
	case c.Log:
		return y - math.Log(c.scale())
	}
	return y / c.scale()
}

// check reports the first field that makes no sense.
func (c Coefficient) check() error {
	bounded := c.Bounds != [2]float64{}
	lo, hi := c.Bounds[0], c.Bounds[1]
	if !bounded {
		lo, hi = math.Inf(-1), math.Inf(1)
	}
	truth, known := c.Known()
	switch {
	case c.Name == "":
		return errors.New("has no Name, expected one for Fields.Coefficient to find it by")
	case !finite(c.Start):
		return fmt.Errorf("starts at %v, expected a finite number", c.Start)
	case !(c.Scale >= 0) || !finite(c.Scale):
		return fmt.Errorf("has the Scale %v, expected a finite number above 0 (or 0 for 1)", c.Scale)
	case math.IsInf(c.True, 0):
		return fmt.Errorf("has the True value %v, expected a finite number (or 0 or NaN where none is known)", c.True)
	case bounded && (!(lo < hi) || finite(lo, hi) && !finite(hi-lo)):
		return fmt.Errorf("has the Bounds %v, expected a lower and a higher one, which may be infinite (or zeros for none)", c.Bounds)
	case c.Log && bounded && lo < 0 && !math.IsInf(lo, 0):
		return fmt.Errorf("has the Bounds %v and Log, expected a lower bound of at least 0", c.Bounds)
	case c.Log && !(c.Start > 0):
		return fmt.Errorf("starts at %v, expected a number above 0, because it has Log", c.Start)
	case bounded && !(c.Start > lo && c.Start < hi):
		return fmt.Errorf("starts at %v, expected a number inside of its Bounds, between %v and %v", c.Start, lo, hi)
	case known && c.Log && !(truth > 0):
		return fmt.Errorf("has the True value %v, expected a number above 0, because it has Log", truth)
	case known && bounded && !(truth >= lo && truth <= hi):
		return fmt.Errorf("has the True value %v, expected a number within its Bounds, between %v and %v", truth, lo, hi)
	case !finite(c.Parameter(c.Start)), !(math.Abs(c.Value(c.Parameter(c.Start))-c.Start) <= 0.01*min(math.Abs(c.Start-lo), math.Abs(c.Start-hi))):
		// Also where rounding puts it onto a bound, which it could not leave.
		return fmt.Errorf("starts at %v, which its Scale, %v, and Bounds, %v, make %v of, expected a number that they can tell from a bound (Log can, near 0)",
			c.Start, c.Scale, c.Bounds, c.Value(c.Parameter(c.Start)))
	}
	return nil
}

func (p *Problem) checkCoefficients() error {
	var names []string
	for _, c := range p.Coefficients {
		if err := c.check(); err != nil {
			return fmt.Errorf("pde: coefficient %q of problem %q %w", c.Name, p.Name, err)
		}
		names = append(names, c.Name)
	}
	return distinct(p.Name, "coefficients", names)
}
