package optim_test

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/objective"
)

// leastSquares is mean (aₙᵀθ − bₙ)² over 64 samples in R¹⁰.
type leastSquares struct {
	a        *mat.Dense
	b        *mat.VecDense
	solution []float64
	minimum  float64
}

const lsRows, lsDim = 64, 10

// newLeastSquares has a solution with residuals of zero, or about as large as noise.
func newLeastSquares(noise float64) leastSquares {
	rng := rand.New(rand.NewPCG(7, 7))
	l := leastSquares{a: mat.NewDense(lsRows, lsDim, nil), b: mat.NewVecDense(lsRows, nil)}
	truth := mat.NewVecDense(lsDim, nil)
	for j := range lsDim {
		truth.SetVec(j, rng.NormFloat64())
		for i := range lsRows {
			l.a.Set(i, j, rng.NormFloat64())
		}
	}
	l.b.MulVec(l.a, truth)
	for i := range lsRows {
		l.b.SetVec(i, l.b.AtVec(i)+noise*rng.NormFloat64())
	}
	l.solution = l.solve()
	l.minimum = l.loss(l.solution)
	return l
}

func (l leastSquares) solve() []float64 {
	var x mat.VecDense
	if err := x.SolveVec(l.a, l.b); err != nil {
		panic(err)
	}
	return x.RawVector().Data
}

func (l leastSquares) loss(theta []float64) float64 {
	var r mat.VecDense
	r.MulVec(l.a, mat.NewVecDense(lsDim, theta))
	r.SubVec(&r, l.b)
	return mat.Dot(&r, &r) / lsRows
}

// gradients are those of the samples alone, which the gradient of all is the mean of.
func (l leastSquares) gradients(theta []float64) (each [][]float64, mean []float64) {
	mean = make([]float64, lsDim)
	for i := range lsRows {
		row := l.a.RawRowView(i)
		g := make([]float64, lsDim)
		floats.AddScaled(g, 2*(floats.Dot(row, theta)-l.b.AtVec(i)), row)
		floats.AddScaled(mean, 1./lsRows, g)
		each = append(each, g)
	}
	return each, mean
}

func (l leastSquares) objective(b compute.Backend) *objective.Objective {
	return lsObjective(b, tensors.FromFlatDataAndDimensions(slices.Clone(l.a.RawMatrix().Data), lsRows, lsDim), tensors.FromValue(slices.Clone(l.b.RawVector().Data)))
}

func lsObjective(b compute.Backend, a, rhs *tensors.Tensor) *objective.Objective {
	scales := make([]float64, lsRows)
	for i := range scales {
		scales[i] = 1 / math.Sqrt(lsRows)
	}
	return &objective.Objective{
		Backend: b, Dim: lsDim, Data: []*tensors.Tensor{a, rhs, tensors.FromValue(scales)},
		Residual: func(theta *graph.Node, data []*graph.Node) *graph.Node {
			return graph.Mul(data[2], graph.Sub(graph.Einsum("ij,j->i", data[0], theta), data[1]))
		},
		Samples: []objective.Samples{{Name: "rows", Rows: lsRows, Data: []int{0, 1, 2}, Scales: []int{2}}},
	}
}

// twoGroups is like a loss of a differential equation: weighted sums over interior points, and a mean over fewer points of
// the boundary. θ are the coefficients of u(x) = Σ θₖ sin((k+½)x); u″ = −sin ½x in the interior, and u(π) = 4.
func twoGroups(b compute.Backend) *objective.Objective {
	const interior, boundary = 48, 12
	xs, scales, ends := make([]float64, interior), make([]float64, interior), make([]float64, boundary)
	for i := range xs {
		xs[i], scales[i] = math.Pi*(float64(i)+0.5)/interior, 1/math.Sqrt(interior)
	}
	for i := range ends {
		ends[i] = math.Pi
	}
	return &objective.Objective{
		Backend: b, Dim: 4, Data: []*tensors.Tensor{tensors.FromValue(xs), tensors.FromValue(ends), tensors.FromValue(scales)},
		Loss: func(theta *graph.Node, data []*graph.Node) *graph.Node {
			waves := func(x *graph.Node, second bool) *graph.Node {
				k := graph.AddScalar(graph.IotaFull(x.Graph(), theta.Shape()), 0.5)
				basis := graph.Sin(graph.Einsum("i,j->ij", x, k))
				if second {
					basis = graph.Mul(basis, graph.ExpandAxes(graph.Neg(graph.Square(k)), 0))
				}
				return graph.Einsum("ij,j->i", basis, theta)
			}
			equation := graph.Mul(data[2], graph.Add(waves(data[0], true), graph.Sin(graph.MulScalar(data[0], 0.5))))
			condition := graph.AddScalar(waves(data[1], false), -4)
			return graph.Add(graph.ReduceAllSum(graph.Square(equation)), graph.ReduceAllMean(graph.Square(condition)))
		},
		Samples: []objective.Samples{
			{Name: "interior", Rows: interior, Data: []int{0, 2}, Scales: []int{2}},
			{Name: "boundary", Rows: boundary, Data: []int{1}},
		},
	}
}
