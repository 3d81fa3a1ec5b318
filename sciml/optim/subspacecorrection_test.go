package optim_test

import (
	"context"
	"math"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

// sampledModel is ‖Aθ − b‖² with as many rows as there are samples, which can be taken by themselves.
func sampledModel(b compute.Backend, rows, columns int) (obj *objective.Objective, a *mat.Dense, right *mat.VecDense) {
	a, right = mat.NewDense(rows, columns, nil), mat.NewVecDense(rows, nil)
	for i := range rows {
		for k := range columns {
			a.Set(i, k, math.Sin(float64(1+i*i*(k+2)+7*k*k)))
		}
		right.SetVec(i, math.Cos(float64(3*i)))
	}
	scale := make([]float64, rows)
	for i := range scale {
		scale[i] = 1
	}
	return &objective.Objective{
		Backend: b, Dim: columns,
		Data: []*tensors.Tensor{
			tensors.FromFlatDataAndDimensions(append([]float64(nil), a.RawMatrix().Data...), rows, columns),
			tensors.FromFlatDataAndDimensions(append([]float64(nil), right.RawVector().Data...), rows),
			tensors.FromFlatDataAndDimensions(scale, rows),
		},
		Samples: []objective.Samples{{Name: "row", Rows: rows, Data: []int{0, 1, 2}, Scales: []int{2}}},
		Pieces: func(theta *graph.Node, data []*graph.Node) []*graph.Node {
			r := graph.Sub(graph.DotGeneral(data[0], []int{1}, nil, theta, []int{0}, nil), data[1])
			return []*graph.Node{graph.Mul(r, data[2])}
		},
	}, a, right
}

// localStep is −Rᵢᵀ(RᵢMRᵢᵀ)⁻¹Rᵢ Aᵀr for M = AᵀA: what an exact minimization in the parameters from..to makes of θ.
func localStep(a *mat.Dense, right *mat.VecDense, theta *mat.VecDense, from, to int) *mat.VecDense {
	rows, columns := a.Dims()
	var r, x mat.VecDense
	r.MulVec(a, theta)
	r.SubVec(right, &r)
	if err := x.SolveVec(a.Slice(0, rows, from, to), &r); err != nil {
		panic(err)
	}
	step := mat.NewVecDense(columns, nil)
	step.SliceVec(from, to).(*mat.VecDense).CopyVec(&x)
	return step
}

// exactly minimizes a sum of squares of a linear model.
var exactly = optim.ENGD{Regularization: 1e-15}

// TestSchwarz: a round of corrections by exact solutions is a step of the Schwarz method with the matrix formula, one after the other
// (multiplicative) and added up with the best of the lengths.
func TestSchwarz(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		obj, a, right := sampledModel(b, 20, 9)
		start := make([]float64, 9)
		for i := range start {
			start[i] = math.Cos(float64(i))
		}
		groups := []int{2, 2, 2, 3}
		for _, additive := range []bool{false, true} {
			r := minimize(t, obj, start, optim.SubspaceCorrection{Subspaces: optim.Parts(groups, exactly, 1), Additive: additive}, optim.Options{MaxIterations: 1})
			want := mat.NewVecDense(9, append([]float64(nil), start...))
			from := 0
			sum := mat.NewVecDense(9, nil)
			for _, size := range groups {
				step := localStep(a, right, want, from, from+size)
				if sum.AddVec(sum, step); !additive {
					want.AddVec(want, step)
				}
				from += size
			}
			if additive {
				lowest, best := math.Inf(1), 0.0
				for k := range 8 {
					var at, r mat.VecDense
					length := math.Pow(0.5, float64(k))
					at.AddScaledVec(want, length, sum)
					r.MulVec(a, &at)
					r.SubVec(&r, right)
					if f := mat.Dot(&r, &r); f < lowest {
						lowest, best = f, length
					}
				}
				want.AddScaledVec(want, best, sum)
			}
			for i, v := range r.Theta {
				if math.Abs(v-want.AtVec(i)) > 1e-10 {
					t.Errorf("additive %v: θ%d = %v, expected %v", additive, i, v, want.AtVec(i))
				}
			}
			if !strings.Contains(r.History.Events[0].Text, "4 subspaces of 2 to 3 among 9 parameters") {
				t.Errorf("the first event is %q", r.History.Events[0].Text)
			}
		}
	})
}

// TestTwoLevels: with a coarse space that has the solution, one round is enough; without, it is not.
func TestTwoLevels(t *testing.T) {
	obj, a, right := sampledModel(pureGo(t), 20, 9)
	var solution mat.VecDense
	if err := solution.SolveVec(a, right); err != nil {
		t.Fatal(err)
	}
	coarse := mat.NewDense(9, 2, nil)
	for i := range 9 {
		coarse.Set(i, 0, solution.AtVec(i))
		coarse.Set(i, 1, 1)
	}
	local := optim.Parts([]int{4, 5}, exactly, 1)
	for _, c := range []struct {
		subspaces []optim.Subspace
		reached   bool
	}{{append([]optim.Subspace{{By: optim.Columns{Matrix: coarse}, Method: exactly, Iterations: 1}}, local...), true}, {local, false}} {
		r := minimize(t, obj, make([]float64, 9), optim.SubspaceCorrection{Subspaces: c.subspaces}, optim.Options{MaxIterations: 1})
		off := 0.0
		for i, v := range r.Theta {
			off = math.Max(off, math.Abs(v-solution.AtVec(i)))
		}
		if (off < 1e-10) != c.reached {
			t.Errorf("%d subspaces: off by %v", len(c.subspaces), off)
		}
	}
}

// multigrid is the V-cycle by the book: a correction from the coarser mesh, then two steps of damped Jacobi, for Au = b.
func multigrid(a *mat.Dense, b, u *mat.VecDense) {
	if b.Len() == 1 {
		u.SetVec(0, b.AtVec(0)/a.At(0, 0))
		return
	}
	correctCoarse(a, b, u)
	for range 2 {
		var r mat.VecDense
		r.MulVec(a, u)
		r.SubVec(b, &r)
		u.AddScaledVec(u, jacobi(b.Len()), &r)
	}
}

func correctCoarse(a *mat.Dense, b, u *mat.VecDense) {
	n := b.Len()
	p := between(n / 2)
	var coarse, r, down mat.Dense
	coarse.Product(p.T(), a, p)
	r.Mul(a, u)
	r.Sub(b, &r)
	down.Mul(p.T(), &r)
	z := mat.NewVecDense((n-1)/2, nil)
	multigrid(&coarse, mat.VecDenseCopyOf(down.ColView(0)), z)
	var up mat.VecDense
	up.MulVec(p, z)
	u.AddVec(u, &up)
}

// TestVCycle: on a linear network, linear finite elements, the cycle is multigrid's, and reduces the error by a factor that does not depend on the
// number of unknowns.
func TestVCycle(t *testing.T) {
	for _, n := range []int{3, 15, 63} {
		obj, solution, _, _, _ := poisson(pureGo(t), n)
		a, b, u := mat.NewDense(n, n, nil), mat.NewVecDense(n, nil), mat.NewVecDense(n, nil)
		h := 1 / float64(n+1)
		for i := range n {
			b.SetVec(i, h)
			u.SetVec(i, math.Sin(float64(5*i)))
			for k := max(0, i-1); k <= min(n-1, i+1); k++ {
				a.Set(i, k, -1/h)
			}
			a.Set(i, i, 2/h)
		}
		start := append([]float64(nil), u.RawVector().Data...)
		off := func(x []float64) float64 {
			worst := 0.0
			for i, v := range x {
				worst = math.Max(worst, math.Abs(v-solution[i]))
			}
			return worst
		}
		const cycles = 4
		r := minimize(t, obj, start, vCycle(n), optim.Options{MaxIterations: 3*cycles + 1})
		for range cycles {
			multigrid(a, b, u)
		}
		correctCoarse(a, b, u)
		for i, v := range r.Theta {
			if math.Abs(v-u.AtVec(i)) > 1e-12 {
				t.Fatalf("n = %d: u%d = %v, by multigrid %v", n, i, v, u.AtVec(i))
			}
		}
		if rate := math.Pow(off(r.Theta)/off(start), 1.0/cycles); rate > 0.3 {
			t.Errorf("n = %d: a cycle reduces the error by %v only", n, rate)
		}
	}
}

// TestCoarseSamples: a coarse objective has the gradient of all samples where it was made, and a correction by it lowers the loss of all.
func TestCoarseSamples(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		obj, _, _ := sampledModel(b, 21, 4)
		c, err := objective.NewCoarse(obj, 0.4)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Release()
		theta := []float64{1, -2, 0.5, 3}
		at := device.Vector(obj.Precision(), theta)
		defer device.Free([]*tensors.Tensor{at})
		if err := c.At(at); err != nil {
			t.Fatal(err)
		}
		if c.Objective.Samples[0].Rows != 8 || math.Abs(c.Share-8.0/21) > 1e-15 {
			t.Errorf("it has %d samples, a share of %v", c.Objective.Samples[0].Rows, c.Share)
		}
		gradient := func(obj *objective.Objective) []float64 {
			e, err := objective.NewEvaluator(obj)
			if err != nil {
				t.Fatal(err)
			}
			_, g, err := e.At(theta)
			if err != nil {
				t.Fatal(err)
			}
			return g
		}
		all, some := gradient(obj), gradient(c.Objective)
		for i, g := range all {
			if math.Abs(some[i]-g) > 1e-12*(1+math.Abs(g)) {
				t.Errorf("∂h/∂θ%d = %v, ∂f/∂θ%d = %v", i, some[i], i, g)
			}
		}
		r := minimize(t, obj, theta, optim.SubspaceCorrection{Subspaces: []optim.Subspace{{Share: 0.4}}}, optim.Options{MaxIterations: 1})
		if records := r.History.Records; len(records) != 2 || !(records[1].Loss < records[0].Loss) {
			t.Errorf("the records are %v", records)
		}
	})
}

// TestProlongations: C·z and J·C of each are those of the matrix C, and an aggregation's columns are orthonormal.
func TestProlongations(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		const dim = 2*9 + 9 + 9*9 + 9 + 9 + 1
		obj := &objective.Objective{Backend: b, Dim: dim}
		for _, dims := range [][]int{{2, 9}, {9}, {9, 9}, {9}, {9, 1}, {1}} {
			offset := 0
			for _, before := range obj.Blocks {
				size := 1
				for _, d := range before.Dims {
					size *= d
				}
				offset = before.Offset + size
			}
			obj.Blocks = append(obj.Blocks, objective.Block{Name: "block", Offset: offset, Dims: dims})
		}
		stored := mat.NewDense(dim, 3, nil)
		for i := range dim {
			for k := range 3 {
				stored.Set(i, k, math.Sin(float64(i*(k+1))))
			}
		}
		for _, by := range []optim.Prolongation{optim.Part{From: 20, To: 50}, optim.Columns{Matrix: stored}, optim.Aggregation{}, optim.Aggregation{Factor: 4}} {
			v, c, err := by.Of(obj)
			if err != nil {
				t.Fatal(err)
			}
			m := v.Dim()
			program, err := device.NewProgram(obj.Compiler(), "C", func(in []*graph.Node) []*graph.Node {
				return []*graph.Node{v.Multiply(in[0], in[2:]), v.(objective.Narrower).Narrow(in[1], in[2:])}
			})
			if err != nil {
				t.Fatal(err)
			}
			j := mat.NewDense(4, dim, nil)
			for i := range 4 {
				for k := range dim {
					j.Set(i, k, math.Cos(float64(i+3*k)))
				}
			}
			dense, narrowed := mat.NewDense(dim, m, nil), []float64(nil)
			for k := range m {
				unit := make([]float64, m)
				unit[k] = 1
				out, err := program.Call([]*tensors.Tensor{device.Vector(obj.Precision(), unit), tensors.FromFlatDataAndDimensions(append([]float64(nil), j.RawMatrix().Data...), 4, dim)}, c)
				if err != nil {
					t.Fatal(err)
				}
				column, err := device.Numbers(out[0])
				if err != nil {
					t.Fatal(err)
				}
				dense.SetCol(k, column)
				if narrowed, err = device.Numbers(out[1]); err != nil {
					t.Fatal(err)
				}
			}
			var jc, gram mat.Dense
			jc.Mul(j, dense)
			if !mat.EqualApprox(&jc, mat.NewDense(4, m, narrowed), 1e-12) {
				t.Errorf("%s: J·C differs", by.Name())
			}
			gram.Mul(dense.T(), dense)
			_, isColumns := by.(optim.Columns)
			for i := range m {
				for k := range m {
					want := 0.0
					if i == k {
						want = 1
					}
					if !isColumns && math.Abs(gram.At(i, k)-want) > 1e-12 {
						t.Fatalf("%s: columns %d and %d have the product %v", by.Name(), i, k, gram.At(i, k))
					}
				}
			}
			switch by := by.(type) {
			case optim.Columns:
				if !mat.EqualApprox(dense, stored, 1e-15) {
					t.Error("the columns differ")
				}
			case optim.Aggregation:
				if want := map[int]int{0: 2*5 + 5 + 25 + 5 + 5 + 1, 4: 2*3 + 3 + 9 + 3 + 3 + 1}[by.Factor]; m != want {
					t.Errorf("%s: %d variables, expected %d", by.Name(), m, want)
				}
			}
		}
	})
}

// TestSubspaceCorrectionRefuses what it cannot do, and says what was expected.
func TestSubspaceCorrectionRefuses(t *testing.T) {
	obj, _, _ := sampledModel(pureGo(t), 20, 9)
	energy := *obj
	energy.Pieces = nil
	energy.Loss = func(theta *graph.Node, _ []*graph.Node) *graph.Node { return graph.ReduceAllSum(graph.Square(theta)) }
	energy.Samples = nil
	one := func(s optim.Subspace) optim.SubspaceCorrection {
		return optim.SubspaceCorrection{Subspaces: []optim.Subspace{s}}
	}
	var none *optim.Columns
	plain, err := objective.FromFunction(1, func(x, gradient []float64) float64 {
		if gradient != nil {
			gradient[0] = 2 * x[0]
		}
		return x[0] * x[0]
	})
	if err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]struct {
		obj *objective.Objective
		m   optim.Method
	}{
		"SubspaceCorrection.Subspaces is empty, expected at least one":      {obj, optim.SubspaceCorrection{}},
		"SubspaceCorrection.Iterations is -1, expected at least 1":          {obj, optim.SubspaceCorrection{Iterations: -1, Subspaces: make([]optim.Subspace, 1)}},
		"Subspace.Share is 1.5, expected a number above 0 and at most 1":    {obj, one(optim.Subspace{Share: 1.5})},
		"Subspace.Iterations is -2, expected at least 1":                    {obj, one(optim.Subspace{Iterations: -2})},
		"Part is from 3 to 10, expected 0 ≤ From < To ≤ 9":                  {obj, one(optim.Subspace{By: optim.Part{From: 3, To: 10}})},
		"Columns.Matrix is nil":                                             {obj, one(optim.Subspace{By: optim.Columns{}})},
		"Columns.Matrix is 4×2, expected 9 rows":                            {obj, one(optim.Subspace{By: optim.Columns{Matrix: mat.NewDense(4, 2, nil)}})},
		"Columns.Matrix has NaN in row 2":                                   {obj, one(optim.Subspace{By: optim.Columns{Matrix: mat.NewDense(9, 1, []float64{0, 0, math.NaN(), 0, 0, 0, 0, 0, 0})}})},
		"Subspace.By is a nil *optim.Columns":                               {obj, one(optim.Subspace{By: none})},
		"Aggregation.Factor is 1, expected at least 2":                      {obj, one(optim.Subspace{By: optim.Aggregation{Factor: 1}})},
		"Aggregation needs Objective.Blocks":                                {obj, one(optim.Subspace{By: optim.Aggregation{}})},
		"a Coarse objective":                                                {&energy, one(optim.Subspace{Share: 0.5})},
		"LevenbergMarquardt needs the residuals whose squares are the loss": {obj, one(optim.Subspace{Share: 0.5, Method: optim.LevenbergMarquardt{}})},
		"LBFGS.Memory is -1, expected at least 1":                           {obj, one(optim.Subspace{Method: optim.LBFGS{Memory: -1}})},
		"(subspace 1 of the SubspaceCorrection)":                            {obj, optim.SubspaceCorrection{Subspaces: []optim.Subspace{{}, {Share: 2}}}},
		"SubspaceCorrection needs a graph to put the subspaces into":        {plain, one(optim.Subspace{})},
	} {
		start := make([]float64, c.obj.Dim)
		if _, err := optim.Minimize(context.Background(), c.obj, start, c.m, optim.Options{MaxIterations: 1}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, expected %q", err, want)
		}
	}
}

// TestSchwarzGaussNewton: the step that is preconditioned by blocks is that of the matrix JᵀJ + λI; where the blocks are independent of each other it takes
// as many products as one block does, whatever their sizes are.
func TestSchwarzGaussNewton(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		obj, _, _ := sampledModel(b, 20, 9)
		start := []float64{1, -1, 2, 0, 1, 3, -2, 1, 0.5}
		want := minimize(t, obj, start, optim.LevenbergMarquardt{Solver: optim.DenseNormal, Scaling: optim.UnitScaling}, optim.Options{MaxIterations: 1})
		for _, groups := range [][]int{{2, 3, 4}, {9}} {
			got := minimize(t, obj, start, optim.LevenbergMarquardt{Groups: groups, Damping: 1e-3 * scaleOf(t, obj, start)}, optim.Options{MaxIterations: 1})
			for i, v := range got.Theta {
				if math.Abs(v-want.Theta[i]) > 1e-5 {
					t.Errorf("groups %v: θ%d = %v, expected %v", groups, i, v, want.Theta[i])
				}
			}
			if len(groups) == 1 && got.History.Records[1].Evaluations > 12 {
				t.Errorf("one block took %d evaluations", got.History.Records[1].Evaluations)
			}
		}
	})
}

// scaleOf is the quotient of the two units of damping at a point: the largest column, for matrices, and the Rayleigh quotient of the gradient.
func scaleOf(t *testing.T, obj *objective.Objective, theta []float64) float64 {
	l, err := objective.NewLinearizer(obj, 0)
	if err != nil {
		t.Fatal(err)
	}
	at, err := l.At(theta)
	if err != nil {
		t.Fatal(err)
	}
	j, err := at.Jacobian()
	if err != nil {
		t.Fatal(err)
	}
	r, err := at.Residual()
	if err != nil {
		t.Fatal(err)
	}
	var g, jg mat.VecDense
	g.MulVec(j.T(), mat.NewVecDense(len(r), r))
	jg.MulVec(j, &g)
	largest := 0.0
	for k := range obj.Dim {
		largest = math.Max(largest, mat.Dot(j.ColView(k), j.ColView(k)))
	}
	return largest / (mat.Dot(&jg, &jg) / mat.Dot(&g, &g))
}
