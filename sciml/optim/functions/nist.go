package functions

import (
	_ "embed"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/gomlx/gomlx/core/graph"
)

// Regression is one of NIST's nonlinear regressions, with certified results (Statistical Reference Datasets, in the public
// domain).
type Regression struct {
	Name string
	// Starts are the two that NIST gives: one far away, and one near.
	Starts [2][]float64
	// Certified are the parameters of the minimizer, to eleven digits, and SumOfSquares is that of its residuals.
	Certified    []float64
	SumOfSquares float64
	// Response are the observations, and Predictors[k] what they depend on: one or two numbers for each. The response of Nelson is
	// the logarithm of the one that was observed.
	Response   []float64
	Predictors [][]float64
	// Model builds what the response should be, of the shape of the predictors x, for parameters b, each a scalar.
	Model func(b, x []*graph.Node) *graph.Node
}

// Residual builds Model − Response, of shape [observations], for b of shape [parameters].
func (r Regression) Residual(b *graph.Node) *graph.Node {
	g := b.Graph()
	scalars := make([]*graph.Node, len(r.Certified))
	for i := range scalars {
		scalars[i] = graph.Reshape(graph.Slice(b, graph.AxisRange(i, i+1)))
	}
	x := make([]*graph.Node, len(r.Predictors))
	for k, p := range r.Predictors {
		x[k] = graph.ConvertDType(graph.Const(g, p), b.DType())
	}
	return graph.Sub(r.Model(scalars, x), graph.ConvertDType(graph.Const(g, r.Response), b.DType()))
}

//go:embed nist.txt
var nist string

// Regressions are all of them.
func Regressions() ([]Regression, error) {
	var all []Regression
	for _, block := range strings.Split(strings.TrimSpace(nist), "\n\n")[1:] { // the first is a comment
		name, rest, _ := strings.Cut(block, "\n")
		r := Regression{Name: name, Model: models[strings.TrimRight(name, "123")]}
		if r.Model == nil {
			r.Model = models[name]
		}
		var rows [][]float64
		for _, line := range strings.Split(rest, "\n") {
			var row []float64
			for _, field := range strings.Fields(line) {
				v, err := strconv.ParseFloat(field, 64)
				if err != nil {
					return nil, fmt.Errorf("functions: the data of %s: %w", name, err)
				}
				row = append(row, v)
			}
			rows = append(rows, row)
		}
		if r.Model == nil || len(rows) < 5 {
			return nil, fmt.Errorf("functions: %s has %d lines of data and a model %v, expected both", name, len(rows), r.Model != nil)
		}
		r.Starts, r.Certified, r.SumOfSquares = [2][]float64{rows[0], rows[1]}, rows[2], rows[3][0]
		r.Predictors = make([][]float64, len(rows[4])-1)
		for _, row := range rows[4:] {
			r.Response = append(r.Response, row[0])
			for k, x := range row[1:] {
				r.Predictors[k] = append(r.Predictors[k], x)
			}
		}
		if name == "Nelson" {
			for i, y := range r.Response {
				r.Response[i] = math.Log(y)
			}
		}
		all = append(all, r)
	}
	return all, nil
}

// times is the product of all.
func times(all ...*graph.Node) *graph.Node {
	product := all[0]
	for _, f := range all[1:] {
		product = graph.Mul(product, f)
	}
	return product
}

// sum is that of all.
func sum(all ...*graph.Node) *graph.Node {
	total := all[0]
	for _, s := range all[1:] {
		total = graph.Add(total, s)
	}
	return total
}

// decay is e to the power −bx.
func decay(b, x *graph.Node) *graph.Node { return graph.Exp(graph.Neg(graph.Mul(b, x))) }

// bell is b exp(−(x − center)²/width²).
func bell(x, b, center, width *graph.Node) *graph.Node {
	return graph.Mul(b, graph.Exp(graph.Neg(graph.Square(graph.Div(graph.Sub(x, center), width)))))
}

// polynomial is the one with these coefficients, the first of x⁰.
func polynomial(x *graph.Node, coefficients ...*graph.Node) *graph.Node {
	p := coefficients[len(coefficients)-1]
	for i := len(coefficients) - 2; i >= 0; i-- {
		p = graph.Add(graph.Mul(p, x), coefficients[i])
	}
	return p
}

// rational is a polynomial over one that begins with 1.
func rational(x *graph.Node, above, below []*graph.Node) *graph.Node {
	one := graph.OnesLike(below[0])
	return graph.Div(polynomial(x, above...), polynomial(x, append([]*graph.Node{one}, below...)...))
}

// wave is a cos 2πx/period + b sin 2πx/period.
func wave(x, a, b, period *graph.Node) *graph.Node {
	phase := graph.Div(graph.MulScalar(x, 2*math.Pi), period)
	return graph.Add(graph.Mul(a, graph.Cos(phase)), graph.Mul(b, graph.Sin(phase)))
}

// models are those of the data sets, by their names without a number where several share one.
var models = map[string]func(b, x []*graph.Node) *graph.Node{
	"Bennett5": func(b, x []*graph.Node) *graph.Node {
		return graph.Mul(b[0], graph.Pow(graph.Add(b[1], x[0]), graph.Neg(graph.Reciprocal(b[2]))))
	},
	"BoxBOD":  saturating,
	"Misra1a": saturating,
	"Misra1b": func(b, x []*graph.Node) *graph.Node {
		base := graph.OnePlus(graph.MulScalar(graph.Mul(b[1], x[0]), 0.5))
		return graph.Mul(b[0], graph.OneMinus(graph.Reciprocal(graph.Square(base))))
	},
	"Misra1c": func(b, x []*graph.Node) *graph.Node {
		base := graph.OnePlus(graph.MulScalar(graph.Mul(b[1], x[0]), 2))
		return graph.Mul(b[0], graph.OneMinus(graph.Reciprocal(graph.Sqrt(base))))
	},
	"Misra1d": func(b, x []*graph.Node) *graph.Node {
		bx := graph.Mul(b[1], x[0])
		return graph.Div(graph.Mul(b[0], bx), graph.OnePlus(bx))
	},
	"Chwirut": func(b, x []*graph.Node) *graph.Node {
		return graph.Div(decay(b[0], x[0]), polynomial(x[0], b[1], b[2]))
	},
	"DanWood": func(b, x []*graph.Node) *graph.Node { return graph.Mul(b[0], graph.Pow(x[0], b[1])) },
	"ENSO": func(b, x []*graph.Node) *graph.Node {
		year := graph.MulScalar(graph.OnesLike(b[0]), 12)
		return sum(b[0], wave(x[0], b[1], b[2], year), wave(x[0], b[4], b[5], b[3]), wave(x[0], b[7], b[8], b[6]))
	},
	"Eckerle4": func(b, x []*graph.Node) *graph.Node {
		z := graph.Div(graph.Sub(x[0], b[2]), b[1])
		return graph.Mul(graph.Div(b[0], b[1]), graph.Exp(graph.MulScalar(graph.Square(z), -0.5)))
	},
	"Gauss": func(b, x []*graph.Node) *graph.Node {
		return sum(graph.Mul(b[0], decay(b[1], x[0])), bell(x[0], b[2], b[3], b[4]), bell(x[0], b[5], b[6], b[7]))
	},
	"Hahn":    func(b, x []*graph.Node) *graph.Node { return rational(x[0], b[:4], b[4:]) },
	"Thurber": func(b, x []*graph.Node) *graph.Node { return rational(x[0], b[:4], b[4:]) },
	"Kirby":   func(b, x []*graph.Node) *graph.Node { return rational(x[0], b[:3], b[3:]) },
	"Lanczos": func(b, x []*graph.Node) *graph.Node {
		return sum(graph.Mul(b[0], decay(b[1], x[0])), graph.Mul(b[2], decay(b[3], x[0])), graph.Mul(b[4], decay(b[5], x[0])))
	},
	"MGH09": func(b, x []*graph.Node) *graph.Node {
		zero, one := graph.ZerosLike(b[0]), graph.OnesLike(b[0])
		return graph.Mul(b[0], graph.Div(polynomial(x[0], zero, b[1], one), polynomial(x[0], b[3], b[2], one)))
	},
	"MGH10": func(b, x []*graph.Node) *graph.Node {
		return graph.Mul(b[0], graph.Exp(graph.Div(b[1], graph.Add(x[0], b[2]))))
	},
	"MGH17": func(b, x []*graph.Node) *graph.Node {
		return sum(b[0], graph.Mul(b[1], decay(b[3], x[0])), graph.Mul(b[2], decay(b[4], x[0])))
	},
	"Nelson": func(b, x []*graph.Node) *graph.Node {
		return graph.Sub(b[0], times(b[1], x[0], decay(b[2], x[1])))
	},
	"Rat42": func(b, x []*graph.Node) *graph.Node {
		return graph.Div(b[0], graph.OnePlus(graph.Exp(graph.Sub(b[1], graph.Mul(b[2], x[0])))))
	},
	"Rat43": func(b, x []*graph.Node) *graph.Node {
		base := graph.OnePlus(graph.Exp(graph.Sub(b[1], graph.Mul(b[2], x[0]))))
		return graph.Mul(b[0], graph.Pow(base, graph.Neg(graph.Reciprocal(b[3]))))
	},
	"Roszman": func(b, x []*graph.Node) *graph.Node {
		angle := arctan(graph.Div(b[2], graph.Sub(x[0], b[3])))
		return graph.Sub(graph.Sub(b[0], graph.Mul(b[1], x[0])), graph.MulScalar(angle, 1/math.Pi))
	},
}

// saturating is b₁(1 − exp(−b₂x)).
func saturating(b, x []*graph.Node) *graph.Node {
	return graph.Mul(b[0], graph.OneMinus(decay(b[1], x[0])))
}

// arctan is by its series at an angle that was halved three times: there is no such operation, and Atan2 jumps.
func arctan(z *graph.Node) *graph.Node {
	const halvings, terms = 3, 12
	for range halvings {
		z = graph.Div(z, graph.OnePlus(graph.Sqrt(graph.OnePlus(graph.Square(z)))))
	}
	square, series := graph.Square(z), graph.ZerosLike(z)
	for k := terms; k >= 0; k-- {
		sign := 1 - 2*float64(k%2)
		series = graph.AddScalar(graph.Mul(series, square), sign/float64(2*k+1))
	}
	return graph.MulScalar(graph.Mul(z, series), 1<<halvings)
}
