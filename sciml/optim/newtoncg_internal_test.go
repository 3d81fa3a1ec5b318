package optim

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// chained is Σ (1−θᵢ)² + 100(θᵢ₊₁−θᵢ²)² over three unknowns, with the residuals rᵢ in this order.
func chained(b compute.Backend, dtype dtypes.DType) *objective.Objective {
	return &objective.Objective{Backend: b, Dim: 3, DType: dtype, Residual: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
		head, tail := graph.Slice(theta, graph.AxisRange(0, 2)), graph.Slice(theta, graph.AxisRange(1, 3))
		return graph.Concatenate([]*graph.Node{graph.OneMinus(head), graph.MulScalar(graph.Sub(tail, graph.Square(head)), 10)}, 0)
	}}
}

// chainedMatrices are its Hessian and Gauss–Newton matrix by hand.
func chainedMatrices(x []float64) (hessian, gaussNewton *mat.Dense) {
	j := mat.NewDense(4, 3, []float64{-1, 0, 0, 0, -1, 0, -20 * x[0], 10, 0, 0, -20 * x[1], 10})
	gaussNewton, hessian = new(mat.Dense), new(mat.Dense)
	gaussNewton.Mul(j.T(), j)
	gaussNewton.Scale(2, gaussNewton)
	hessian.CloneFrom(gaussNewton)
	for i := range 2 { // 2rᵢ∇²rᵢ of r = 10(θᵢ₊₁−θᵢ²)
		hessian.Set(i, i, hessian.At(i, i)+2*10*(x[i+1]-x[i]*x[i])*-20)
	}
	return hessian, gaussNewton
}

func TestHessianProducts(t *testing.T) {
	x := []float64{-1.2, 1, 0.7}
	hessian, gaussNewton := chainedMatrices(x)
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for dtype, tolerance := range map[dtypes.DType]float64{dtypes.Float64: 1e-14, dtypes.Float32: 1e-6} {
			for matrix, want := range map[objective.CurvatureMatrix]*mat.Dense{objective.HessianMatrix: hessian, objective.GaussNewtonMatrix: gaussNewton} {
				obj := chained(b, dtype)
				h, err := objective.NewCurvature(obj, matrix)
				if err != nil {
					t.Fatal(err)
				}
				a := h.AtDevice(device.Vector(dtype, x), nil)
				got := mat.NewDense(3, 3, nil)
				for i := range 3 {
					unit, product := make([]float64, 3), make([]float64, 3)
					unit[i] = 1
					if err := a.Multiply(product, unit); err != nil {
						t.Fatal(err)
					}
					got.SetCol(i, product)
				}
				if off := apart(got, want); !(off <= tolerance) || a.Products != 3 {
					t.Errorf("%s in %s: off by %.2g after %d products", matrix, dtype, off, a.Products)
				}
			}
		}
	})
}

// quadraticForm is ½θᵀAθ.
func quadraticForm(b compute.Backend, a *mat.Dense) *objective.Objective {
	n, _ := a.Dims()
	return &objective.Objective{Backend: b, Dim: n, Loss: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
		matrix := graph.Const(theta.Graph(), tensors.FromFlatDataAndDimensions(slices.Clone(a.RawMatrix().Data), n, n))
		return graph.MulScalar(device.Dot(theta, device.Multiply(matrix, theta)), 0.5)
	}}
}

// TestTrustedProducts: what is not finite, or has no curvature but rounding, ends conjugate gradients.
func TestTrustedProducts(t *testing.T) {
	for _, c := range []struct {
		diagonal []float64
		damping  float64
		want     []float64 // products with unit vectors
	}{
		{[]float64{1e3, 1e-14, -1e-14, -2}, 0, []float64{1e3, 0, 0, -2}},
		{[]float64{1e3, 1e-14, -1e-14, -2}, 1, []float64{1001, 1, 1, -1}},
		{[]float64{1e-14, 1e-14, 1e3, 1e-14}, 0, []float64{1e-14, 1e-14, 1e3, 0}},
		{[]float64{1, math.Inf(1), 1, 1}, 1, []float64{0, 0, 0, 0}}, // 0·∞ is no number
	} {
		obj := &objective.Objective{Backend: goBackend(t), Dim: 4, Loss: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
			return graph.MulScalar(device.Dot(graph.Const(theta.Graph(), c.diagonal), graph.Square(theta)), 0.5)
		}}
		h, err := objective.NewCurvature(obj, objective.HessianMatrix)
		if err != nil {
			t.Fatal(err)
		}
		operator := trusted(h.AtDevice(device.Vector(obj.Precision(), make([]float64, 4)), nil), c.damping)
		for i, entry := range c.want {
			got, want, unit := make([]float64, 4), make([]float64, 4), make([]float64, 4)
			unit[i], want[i] = 1, entry
			if err := operator(got, unit); err != nil {
				t.Fatal(err)
			}
			if !floats.EqualApprox(got, want, 1e-12*math.Abs(entry)) {
				t.Errorf("diagonal %v, damping %v: product with unit vector %d is %v, want %v", c.diagonal, c.damping, i, got, want)
			}
		}
	}
}

// lineSearchNewton is the inner iteration of Nocedal and Wright (2006), Algorithm 7.1, as it is printed.
func lineSearchNewton(b *mat.Dense, g []float64, tolerance float64, most int) (p []float64, products int) {
	z, r := make([]float64, len(g)), slices.Clone(g)
	d := make([]float64, len(g))
	floats.AddScaled(d, -1, r)
	for j := 0; ; j++ {
		bd := apply(b, d)
		curved := floats.Dot(d, bd)
		if curved <= 0 && j == 0 {
			return d, 1
		} else if curved <= 0 {
			return z, j + 1
		}
		square := floats.Dot(r, r)
		alpha := square / curved
		floats.AddScaled(z, alpha, d)
		floats.AddScaled(r, alpha, bd)
		if floats.Norm(r, 2) <= tolerance || j+1 == most {
			return z, j + 1
		}
		floats.Scale(floats.Dot(r, r)/square, d)
		floats.AddScaled(d, -1, r)
	}
}

// TestNewtonCGDirection: directions are those of the algorithm on matrices that are positive definite, indefinite and
// negative along the gradient, with as many products.
func TestNewtonCGDirection(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		ends := map[string]int{}
		for _, c := range []struct {
			name  string
			shift float64 // of a random matrix with eigenvalues of both signs
		}{{"definite", 8}, {"indefinite", 0.5}, {"indefinite", 2}, {"negative", -8}} {
			const n = 6
			matrix := hessianLike(n, 21)
			matrix.Add(matrix, scaledIdentity(n, c.shift))
			obj := quadraticForm(b, matrix)
			h, err := objective.NewCurvature(obj, objective.HessianMatrix)
			if err != nil {
				t.Fatal(err)
			}
			for _, most := range []int{2, 100} {
				for _, forcing := range []float64{0.5, 1e-10} {
					d := &newtonDirector{obj: obj, system: wholeSystem{obj, h}, forcing: forcing, most: most}
					gradient := randomVector(rand.New(rand.NewPCG(4, 2)), n)
					size := floats.Norm(gradient, 2)
					at := &evaluated{theta: device.Vector(obj.Precision(), make([]float64, n)), gradient: device.Vector(obj.Precision(), gradient), gradientNorm: size}
					state := d.blank()
					got, err := d.direct(at, state)
					if err != nil {
						t.Fatal(err)
					}
					want, products := lineSearchNewton(matrix, gradient, math.Min(forcing, math.Sqrt(size))*size, most)
					p := tensors.MustCopyFlatData[float64](got.step)
					if off := floats.Distance(p, want, 2); off > 1e-8*floats.Norm(want, 2) || got.products != products {
						t.Errorf("%s, at most %d products, forcing %v: off by %.2g after %d products, want %d", c.name, most, forcing, off, got.products, products)
					}
					if slope := floats.Dot(want, gradient); math.Abs(got.slope-slope) > 1e-9*math.Abs(slope) || math.Abs(got.length-floats.Norm(want, 2)) > 1e-9*got.length {
						t.Errorf("%s: slope %v and length %v", c.name, got.slope, got.length)
					}
					ends[c.name] = max(ends[c.name], products)
					if c.name == "definite" && most == 100 && forcing < 0.1 {
						var newton mat.VecDense
						if err := newton.SolveVec(matrix, mat.NewVecDense(n, gradient)); err != nil {
							t.Fatal(err)
						}
						floats.Add(p, newton.RawVector().Data)
						if off := floats.Norm(p, 2); off > 1e-8*got.length {
							t.Errorf("off Newton's step by %.2g", off)
						}
					}
					// When the search fails and the state is forgotten, steepest descent is next, and costs nothing.
					again, err := d.direct(at, state)
					if err != nil {
						t.Fatal(err)
					}
					down := tensors.MustCopyFlatData[float64](again.step)
					if floats.Add(down, gradient); floats.Norm(down, 2) != 0 || again.products != 0 {
						t.Errorf("%s: the second direction is not that of steepest descent: off by %v after %d products", c.name, down, again.products)
					}
				}
			}
		}
		if ends["definite"] < 5 || ends["indefinite"] < 2 || ends["negative"] != 1 {
			t.Errorf("most products: %v; want many, some, and one", ends)
		}
	})
}
