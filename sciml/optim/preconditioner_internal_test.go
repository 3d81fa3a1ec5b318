package optim

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// fit is a tanh network of 2, 3 and 2 neurons at 8 points, as pieces, with its θ.
func fit(b compute.Backend) (*objective.Objective, []float64) {
	rng := rand.New(rand.NewPCG(4, 4))
	normal := func(n int) []float64 {
		out := make([]float64, n)
		for i := range out {
			out[i] = rng.NormFloat64()
		}
		return out
	}
	obj := &objective.Objective{
		Backend: b, Dim: 17, Data: []*tensors.Tensor{tensors.FromFlatDataAndDimensions(normal(16), 8, 2)},
		Blocks: []objective.Block{{Name: "out", Offset: 9, Dims: []int{3, 2}}, {Name: "in", Offset: 0, Dims: []int{2, 3}}, {Name: "bias", Offset: 6, Dims: []int{3}}, {Name: "end", Offset: 15, Dims: []int{2}}},
		Pieces: func(theta *graph.Node, data []*graph.Node) []*graph.Node {
			part := func(from, to int, dims ...int) *graph.Node {
				return graph.Reshape(graph.Slice(theta, graph.AxisRange(from, to)), dims...)
			}
			hidden := graph.Tanh(graph.Add(graph.MatMul(data[0], part(0, 6, 2, 3)), graph.BroadcastToDims(part(6, 9, 1, 3), 8, 3)))
			out := graph.Add(graph.MatMul(hidden, part(9, 15, 3, 2)), graph.BroadcastToDims(part(15, 17, 1, 2), 8, 2))
			return []*graph.Node{graph.Sub(out, graph.Square(data[0]))}
		},
	}
	return obj, normal(17)
}

// gaussNewton is 2JᵀJ in gonum, and J.
func gaussNewton(t *testing.T, obj *objective.Objective, theta []float64) (matrix, jacobian *mat.Dense) {
	t.Helper()
	p, err := device.NewProgram(obj.Compiler(), "test", func(in []*graph.Node) []*graph.Node {
		_, j := obj.BuildLinearization(in[0], in[1:])
		return []*graph.Node{graph.Reshape(j, j.Shape().Size())}
	})
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.Call([]*tensors.Tensor{device.Vector(obj.Precision(), theta)}, obj.Data)
	if err != nil {
		t.Fatal(err)
	}
	values, err := device.Numbers(out[0])
	if err != nil {
		t.Fatal(err)
	}
	jacobian = mat.NewDense(len(values)/obj.Dim, obj.Dim, values)
	matrix = new(mat.Dense)
	matrix.Mul(jacobian.T(), jacobian)
	matrix.Scale(2, matrix)
	return matrix, jacobian
}

// rootOf makes C of a preconditioner at θ, as a matrix: column i is its product with a unit vector.
func rootOf(t *testing.T, p Preconditioner, obj *objective.Objective, theta []float64) (*mat.Dense, RootAt) {
	t.Helper()
	root, err := p.Start(obj)
	if err != nil {
		t.Fatal(err)
	}
	at, err := root.At(device.Vector(obj.Precision(), theta), 0)
	if err != nil {
		t.Fatal(err)
	}
	shapes := root.Shapes()
	for i, tensor := range at.Tensors {
		if !tensor.Shape().Equal(shapes[i]) || !root.Identity()[i].Shape().Equal(shapes[i]) {
			t.Errorf("%s: tensor %d has shape %s, want %s", p.Name(), i, tensor.Shape(), shapes[i])
		}
	}
	unit := denseOf(t, root, root.Identity(), obj)
	for i := range obj.Dim {
		unit.Set(i, i, unit.At(i, i)-1)
	}
	if mat.Max(unit) != 0 || mat.Min(unit) != 0 {
		t.Errorf("%s: Identity is not the unit matrix", p.Name())
	}
	return denseOf(t, root, at.Tensors, obj), at
}

func denseOf(t *testing.T, root Root, c []*tensors.Tensor, obj *objective.Objective) *mat.Dense {
	t.Helper()
	p, err := device.NewProgram(obj.Compiler(), "test", func(in []*graph.Node) []*graph.Node {
		return []*graph.Node{root.Multiply(in[0], in[1:])}
	})
	if err != nil {
		t.Fatal(err)
	}
	matrix := mat.NewDense(obj.Dim, obj.Dim, nil)
	for i := range obj.Dim {
		unit := make([]float64, obj.Dim)
		unit[i] = 1
		out, err := p.Call([]*tensors.Tensor{device.Vector(obj.Precision(), unit)}, c)
		if err != nil {
			t.Fatal(err)
		}
		column, err := device.Numbers(out[0])
		if err != nil {
			t.Fatal(err)
		}
		matrix.SetCol(i, column)
	}
	return matrix
}

// checkRoot compares CCᵀ·M with the unit matrix times a factor, and what is told of M with M.
func checkRoot(t *testing.T, name string, c *mat.Dense, at RootAt, m *mat.Dense, factor, tolerance float64) {
	t.Helper()
	n, _ := m.Dims()
	var inverse, product mat.Dense
	inverse.Mul(c, c.T())
	product.Mul(&inverse, m)
	for i := range n {
		product.Set(i, i, product.At(i, i)-factor)
	}
	if off := mat.Norm(&product, 2); !(off <= tolerance*factor) {
		t.Errorf("%s: CCᵀM differs from %v·I by %v", name, factor, off)
	}
	values := eigenvalues(m)
	if want := values[n-1] / values[0]; !(math.Abs(at.Condition-want) <= tolerance*want) {
		t.Errorf("%s: the condition of M is said to be %v, it is %v", name, at.Condition, want)
	}
	if want := math.Sqrt(factor / values[0]); !(math.Abs(at.Norm-want) <= tolerance*want) {
		t.Errorf("%s: the norm of C is said to be %v, it is %v", name, at.Norm, want)
	}
}

// eigenvalues of a symmetric matrix, ascending.
func eigenvalues(m *mat.Dense) []float64 {
	n, _ := m.Dims()
	var e mat.EigenSym
	if !e.Factorize(mat.NewSymDense(n, mat.DenseCopyOf(m).RawMatrix().Data), false) {
		panic("no eigenvalues")
	}
	return e.Values(nil)
}

// shifted is m + μI.
func shifted(m *mat.Dense, mu float64) *mat.Dense {
	out := mat.DenseCopyOf(m)
	n, _ := m.Dims()
	for i := range n {
		out.Set(i, i, out.At(i, i)+mu)
	}
	return out
}

// masked is m with zeros where keep is false.
func masked(m *mat.Dense, keep func(i, j int) bool) *mat.Dense {
	out := new(mat.Dense)
	out.Apply(func(i, j int, v float64) float64 {
		if keep(i, j) {
			return v
		}
		return 0
	}, m)
	return out
}

// TestRoots compares C with matrices made in gonum from the Jacobian.
func TestRoots(t *testing.T) {
	b, err := objective.HostBackend()
	if err != nil {
		t.Fatal(err)
	}
	obj, theta := fit(b)
	full, _ := gaussNewton(t, obj, theta)
	block := func(i int) int { // the blocks begin there
		for k, end := range []int{6, 9, 15, 17} {
			if i < end {
				return k
			}
		}
		panic(i)
	}
	diagonal := masked(full, func(i, j int) bool { return i == j })
	blocks := masked(full, func(i, j int) bool { return block(i) == block(j) })
	halves := masked(full, func(i, j int) bool { return (i < 9) == (j < 9) })
	wide := masked(full, func(i, j int) bool { return i == j || i >= 9 && j >= 9 })
	small := masked(full, func(i, j int) bool { return i == j || block(i) == block(j) && block(i)%2 == 1 })
	const mu = 1e-3
	for _, c := range []struct {
		by     Preconditioner
		matrix *mat.Dense
	}{
		{Diagonal{Shift: mu}, diagonal},
		{BlockDiagonal{Shift: mu}, blocks},
		{BlockDiagonal{Shift: mu, MaxBlock: 3}, small},
		{BlockDiagonal{Shift: mu, Groups: []int{9, 8}}, halves}, // additive Schwarz
		{BlockDiagonal{Shift: mu, Groups: []int{9, 8}, MaxBlock: 8}, wide},
	} {
		root, at := rootOf(t, c.by, obj, theta)
		values := eigenvalues(c.matrix)
		checkRoot(t, c.by.Name(), root, at, shifted(c.matrix, mu*values[16]), 1, 1e-10)
		rank := 0
		for _, v := range values {
			if v > mu*values[16] {
				rank++
			}
		}
		if at.Rank != rank || at.Evaluations != 1 {
			t.Errorf("%s: rank %d and %d evaluations, want %d and 1", c.by.Name(), at.Rank, at.Evaluations, rank)
		}
	}
	// All eigenvectors: C is the root of a multiple of the inverse.
	values := eigenvalues(full)
	root, at := rootOf(t, NystromPreconditioner{Shift: mu, Rank: 17}, obj, theta)
	checkRoot(t, "Nyström", root, at, shifted(full, mu*values[16]), values[0]+mu*values[16], 1e-8)
	if at.Rank != 17 || at.Evaluations != 17 {
		t.Errorf("Nyström: rank %d and %d evaluations, want 17", at.Rank, at.Evaluations)
	}
}

// TestKroneckerRoot compares C with the Kronecker product of factors from the rows of the Jacobian, in gonum.
func TestKroneckerRoot(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		obj, theta := fit(b)
		full, j := gaussNewton(t, obj, theta)
		rows, _ := j.Dims()
		factors := func(offset, m, n int) (a, g *mat.Dense) { // A′ and G′
			a, g = mat.NewDense(m, m, nil), mat.NewDense(n, n, nil)
			for r := range rows {
				one := mat.NewDense(m, n, mat.Row(nil, r, j)[offset:offset+m*n])
				var left, right mat.Dense
				left.Mul(one, one.T())
				right.Mul(one.T(), one)
				a.Add(a, &left)
				g.Add(g, &right)
			}
			scale := math.Sqrt(2 / mat.Trace(a))
			a.Scale(scale, a)
			g.Scale(scale, g)
			return a, g
		}
		const relative = 1e-3
		largest := 0.0
		for _, i := range []int{6, 7, 8, 15, 16} {
			largest = max(largest, full.At(i, i))
		}
		places := []struct{ offset, m, n int }{{0, 2, 3}, {9, 3, 2}}
		for _, p := range places {
			a, g := factors(p.offset, p.m, p.n)
			largest = max(largest, eigenvalues(a)[p.m-1]*eigenvalues(g)[p.n-1])
		}
		mu := relative * largest
		want := masked(shifted(full, mu), func(i, k int) bool { return i == k })
		for _, p := range places {
			a, g := factors(p.offset, p.m, p.n)
			pi := math.Sqrt(mat.Trace(a) / float64(p.m) / (mat.Trace(g) / float64(p.n)))
			var product mat.Dense
			product.Kronecker(shifted(a, pi*math.Sqrt(mu)), shifted(g, math.Sqrt(mu)/pi))
			want.Slice(p.offset, p.offset+p.m*p.n, p.offset, p.offset+p.m*p.n).(*mat.Dense).Copy(&product)
		}
		root, at := rootOf(t, Kronecker{Shift: relative}, obj, theta)
		checkRoot(t, "Kronecker", root, at, want, 1, 1e-10)

		if strings.HasSuffix(t.Name(), "/xla") {
			return
		}
		diagonal := masked(full, func(i, k int) bool { return i == k })
		root, at = rootOf(t, Kronecker{Shift: relative, MaxFactor: 2}, obj, theta)
		checkRoot(t, "Kronecker with large factors", root, at, shifted(diagonal, relative*mat.Max(diagonal)), 1, 1e-10)
	})
}

// TestSampledDiagonal: random signs give a diagonal matrix exactly, and the diagonal of another one in the mean; the
// seed and the number of the call choose them.
func TestSampledDiagonal(t *testing.T) {
	b, err := objective.HostBackend()
	if err != nil {
		t.Fatal(err)
	}
	entries := []float64{3, -0.5, 20}
	quadratic := &objective.Objective{Backend: b, Dim: 3, Loss: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
		return graph.MulScalar(graph.ReduceAllSum(graph.Mul(graph.Const(theta.Graph(), entries), graph.Square(theta))), 0.5)
	}}
	const mu = 1e-2
	c, at := rootOf(t, Diagonal{Shift: mu, Samples: 1}, quadratic, []float64{1, 2, 3})
	checkRoot(t, "Hutchinson", c, at, shifted(mat.DenseCopyOf(mat.NewDiagDense(3, []float64{3, 0.5, 20})), 20*mu), 1, 1e-12)
	if at.Evaluations != 1 {
		t.Errorf("%d evaluations, want 1", at.Evaluations)
	}

	const rows, dim = objective.MostReversePasses + 44, objective.MostForwardPasses + 1
	wide, theta := &objective.Objective{Backend: b, Dim: dim, Residual: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
		angles := make([]float64, rows*dim)
		for i := range angles {
			angles[i] = float64(i%4+1) * math.Sin(float64(i)*float64(i))
		}
		j := graph.Const(theta.Graph(), tensors.FromFlatDataAndDimensions(angles, rows, dim))
		return device.Multiply(j, graph.Sin(theta))
	}}, make([]float64, dim)
	copy(theta, []float64{0.3, 0.2, 0.1})
	exact, _ := gaussNewton(t, wide, theta)
	root, err := Diagonal{Samples: 400, Shift: 1e-12, Seed: 5, MaxMemory: 1000}.Start(wide)
	if err != nil {
		t.Fatal(err)
	}
	draw := func(number int) []float64 {
		at, err := root.At(device.Vector(dtypes.Float64, theta), number)
		if err != nil {
			t.Fatal(err)
		}
		if at.Evaluations != 400 {
			t.Errorf("%d evaluations, want 400", at.Evaluations)
		}
		return tensors.MustCopyFlatData[float64](at.Tensors[0])
	}
	first, again, other := draw(0), draw(0), draw(1)
	for i, v := range first {
		if d := 1 / v / v; math.Abs(d/exact.At(i, i)-1) > 0.3 || d == exact.At(i, i) {
			t.Errorf("entry %d of the diagonal is estimated as %v, it is %v", i, d, exact.At(i, i))
		}
		if again[i] != v || other[i] == v {
			t.Errorf("entry %d is %v, the same number gives %v, another %v", i, v, again[i], other[i])
		}
	}
}

// TestNystromOfHessian: of an indefinite Hessian it takes absolute values.
func TestNystromOfHessian(t *testing.T) {
	b, err := objective.HostBackend()
	if err != nil {
		t.Fatal(err)
	}
	hessian := hessianLike(8, 21)
	values := eigenvalues(hessian)
	if values[0] > -0.1 {
		t.Fatalf("the matrix has no negative eigenvalue: %v", values)
	}
	var e mat.EigenSym
	e.Factorize(mat.NewSymDense(8, hessian.RawMatrix().Data), true)
	var vectors, scaled, absolute mat.Dense
	e.VectorsTo(&vectors)
	scaled.Apply(func(_, j int, v float64) float64 { return v * math.Abs(values[j]) }, &vectors)
	absolute.Mul(&scaled, vectors.T())
	obj := &objective.Objective{Backend: b, Dim: 8, Loss: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
		a := graph.Const(theta.Graph(), tensors.FromFlatDataAndDimensions(hessian.RawMatrix().Data, 8, 8))
		return graph.MulScalar(device.Dot(theta, device.Multiply(a, theta)), 0.5)
	}}
	sizes := eigenvalues(&absolute)
	const mu = 1e-2
	c, at := rootOf(t, NystromPreconditioner{Shift: mu}, obj, make([]float64, 8))
	checkRoot(t, "Nyström", c, at, shifted(&absolute, mu*sizes[7]), sizes[0]+mu*sizes[7], 1e-6)
	if at.Evaluations != 16 {
		t.Errorf("%d evaluations, want 16", at.Evaluations)
	}
}
