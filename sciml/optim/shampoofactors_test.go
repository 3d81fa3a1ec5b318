package optim_test

import (
	"context"
	"math"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

// matrices are blocks of which all but the two last have factors if MaxSize is 4: two of the same shape, and vectors in between.
var matrices = []objective.Block{
	{Name: "A", Offset: 2, Dims: []int{3, 4}}, {Name: "a", Offset: 0, Dims: []int{2}}, {Name: "B", Offset: 14, Dims: []int{3, 4}},
	{Name: "C", Offset: 26, Dims: []int{2, 3}}, {Name: "D", Offset: 32, Dims: []int{1, 1}},
	{Name: "wide", Offset: 33, Dims: []int{2, 5}}, {Name: "c", Offset: 43, Dims: []int{3}},
}

// factored4 are those with factors.
var factored4 = []objective.Block{matrices[0], matrices[2], matrices[3], matrices[4]}

// onMatrices is ½Σ λᵢ(θᵢ−cᵢ)² with those blocks.
func onMatrices(b compute.Backend) (obj *objective.Objective, start []float64, gradient func(g, theta []float64)) {
	const n = 46
	var lambda, center []float64
	for i := range n {
		start = append(start, math.Sin(float64(i*i)))
		lambda = append(lambda, 1+float64(i%7))
		center = append(center, math.Cos(float64(3*i)))
	}
	obj = &objective.Objective{Backend: b, Dim: n, Blocks: matrices, Loss: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
		constant := func(v []float64) *graph.Node { return graph.ConvertDType(graph.Const(theta.Graph(), v), theta.DType()) }
		return times(graph.ReduceAllSum(graph.Mul(constant(lambda), graph.Square(graph.Sub(theta, constant(center))))), 0.5)
	}}
	return obj, start, func(g, theta []float64) {
		for i := range g {
			g[i] = lambda[i] * (theta[i] - center[i])
		}
	}
}

// plainFactors are averages of GGᵀ and GᵀG in plain Go.
type plainFactors struct {
	block       objective.Block
	left, right *mat.Dense
}

func newPlainFactors(b objective.Block) *plainFactors {
	return &plainFactors{b, mat.NewDense(b.Dims[0], b.Dims[0], nil), mat.NewDense(b.Dims[1], b.Dims[1], nil)}
}

// of is the block in x, sharing memory.
func (f *plainFactors) of(x []float64) *mat.Dense {
	rows, columns := f.block.Dims[0], f.block.Dims[1]
	return mat.NewDense(rows, columns, x[f.block.Offset:f.block.Offset+rows*columns])
}

func (f *plainFactors) add(gradient []float64, beta float64) {
	g := f.of(gradient)
	for _, p := range []struct {
		factor *mat.Dense
		a, b   mat.Matrix
	}{{f.left, g, g.T()}, {f.right, g.T(), g}} {
		var fresh mat.Dense
		fresh.Mul(p.a, p.b)
		fresh.Scale(1-beta, &fresh)
		p.factor.Scale(beta, p.factor)
		p.factor.Add(p.factor, &fresh)
	}
}

// follow compares all iterates of a method with those of plain Go.
func follow(t *testing.T, name string, b compute.Backend, method optim.Method, plain plainUpdate, steps int) {
	t.Helper()
	obj, theta, gradient := onMatrices(b)
	all := trajectory(t, obj, theta, method, steps)
	theta, g := slices.Clone(theta), make([]float64, len(theta))
	for k := 1; k <= steps; k++ {
		gradient(g, theta)
		plain(k, theta, g)
		for i, want := range theta {
			if got := all[k][i]; !(math.Abs(got-want) <= 1e-8) {
				t.Fatalf("%s: θ%d after %d iterations is %.12g, want %.12g", name, i, k, got, want)
			}
		}
	}
}

// matrixQuadratic is ½tr(WᵀAWB) for a matrix W, and where to start. A and B have eigenvalues from 1/cond to 1.
func matrixQuadratic(b compute.Backend, rows, columns int, cond float64) (*objective.Objective, []float64) {
	rng := rand.New(rand.NewPCG(1, 2))
	spread := func(n int) [][]float64 {
		raw := mat.NewDense(n, n, nil)
		raw.Apply(func(_, _ int, _ float64) float64 { return rng.NormFloat64() }, raw)
		var qr mat.QR
		qr.Factorize(raw)
		values := make([]float64, n)
		for i := range values {
			values[i] = math.Pow(cond, -float64(i)/float64(n-1))
		}
		var q, a mat.Dense
		qr.QTo(&q)
		a.Product(&q, mat.NewDiagDense(n, values), q.T())
		out := make([][]float64, n)
		for i := range out {
			out[i] = slices.Clone(a.RawRowView(i))
		}
		return out
	}
	left, right := spread(rows), spread(columns)
	start := make([]float64, rows*columns)
	for i := range start {
		start[i] = rng.NormFloat64()
	}
	return &objective.Objective{
		Backend: b, Dim: len(start), Blocks: []objective.Block{{Name: "W", Dims: []int{rows, columns}}},
		Loss: func(theta *graph.Node, _ []*graph.Node) *graph.Node {
			constant := func(v [][]float64) *graph.Node {
				return graph.ConvertDType(graph.Const(theta.Graph(), v), theta.DType())
			}
			w := graph.Reshape(theta, rows, columns)
			return times(graph.ReduceAllSum(graph.Mul(w, graph.MatMul(graph.MatMul(constant(left), w), constant(right)))), 0.5)
		},
	}, start
}

// TestShampooAndSOAPBeatAdam: their steps do not depend on how badly a quadratic is conditioned from the left and from the
// right, where Adam, with the best of its rates, knows only the axes of W.
func TestShampooAndSOAPBeatAdam(t *testing.T) {
	options := optim.Options{MaxIterations: 500}
	adam := math.Inf(1)
	for _, rate := range []float64{0.03, 0.1, 0.3, 1} {
		obj, start := matrixQuadratic(pureGo(t), 8, 6, 1e4)
		adam = min(adam, minimize(t, obj, start, optim.Adam{Rate: rate}, options).Loss)
	}
	for name, c := range map[string]struct {
		method optim.Method
		times  float64 // lower than Adam
	}{
		"Shampoo": {optim.Shampoo{Rate: 0.1}, 1e3},
		"SOAP":    {optim.SOAP{Rate: 0.1, Beta1: 0.9, Beta2: 0.999}, 1e6},
	} {
		obj, start := matrixQuadratic(pureGo(t), 8, 6, 1e4)
		if r := minimize(t, obj, start, c.method, options); !(r.Loss*c.times < adam) {
			t.Errorf("%s: loss %.3g, that of Adam is %.3g", name, r.Loss, adam)
		}
	}
}

// TestShampooAndSOAPFloat32: single precision gets as far as it can, and is not disturbed by factors without full rank, as
// those of a matrix of one column are, or by a gradient that is zero.
func TestShampooAndSOAPFloat32(t *testing.T) {
	for name, method := range map[string]optim.Method{
		"Shampoo": optim.Shampoo{Rate: 0.1, Schedule: optim.Exponential{Every: 50, Factor: 0.5}},
		"SOAP":    optim.SOAP{Rate: 0.1, Schedule: optim.Exponential{Every: 50, Factor: 0.5}},
	} {
		for _, columns := range []int{6, 1} {
			obj, start := matrixQuadratic(pureGo(t), 8, 6, 1e3)
			obj.DType = dtypes.Float32
			if columns == 1 {
				obj.Blocks = []objective.Block{{Name: "w", Dims: []int{48, 1}}}
			}
			r := minimize(t, obj, start, method, optim.Options{MaxIterations: 300})
			if !(r.Loss < 1e-3*r.History.Records[0].Loss) {
				t.Errorf("%s, %d columns: %s", name, columns, r)
			}
			loss := obj.Loss
			obj.Blocks = []objective.Block{{Name: "idle", Dims: []int{3, 2}}, {Name: "W", Offset: 6, Dims: []int{8, 6}}}
			obj.Dim, obj.Loss = 54, func(theta *graph.Node, data []*graph.Node) *graph.Node {
				return loss(graph.Slice(theta, graph.AxisRangeToEnd(6)), data)
			}
			r = minimize(t, obj, append(make([]float64, 6), start...), method, optim.Options{MaxIterations: 30})
			if r.Status != optim.IterationLimit || slices.ContainsFunc(r.Theta[:6], func(x float64) bool { return x != 0 }) {
				t.Errorf("%s: %s, θ = %v", name, r, r.Theta[:6])
			}
		}
	}
}

// TestShampooAndSOAPResume: runs that are interrupted within a renewal and resumed are the same as uninterrupted ones, bit
// for bit.
func TestShampooAndSOAPResume(t *testing.T) {
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for name, method := range map[string]optim.Method{
			"Shampoo": optim.Shampoo{Rate: 0.05, Frequency: 5, MaxSize: 4, Schedule: optim.WarmUp{Steps: 8}},
			"SOAP":    optim.SOAP{Rate: 0.05, Frequency: 5, MaxSize: 4, Schedule: optim.WarmUp{Steps: 8}},
		} {
			obj, start, _ := onMatrices(b)
			stops := []int{2, 5, 18}
			if strings.HasSuffix(t.Name(), "/xla") { // which takes long to compile
				if name == "Shampoo" {
					continue
				}
				obj, start = matrixQuadratic(b, 3, 3, 10)
				stops = stops[2:]
			}
			options := optim.Options{MaxIterations: 30}
			whole := minimize(t, obj, start, method, options)
			for _, stop := range stops {
				options.CheckpointPath = filepath.Join(t.TempDir(), "run")
				half := options
				half.MaxIterations = stop
				minimize(t, obj, start, method, half)
				c, err := optim.LoadCheckpoint(options.CheckpointPath)
				if err != nil {
					t.Fatal(err)
				}
				resumed, err := optim.Resume(context.Background(), obj, c, method, options)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(resumed.Theta, whole.Theta) || resumed.Loss != whole.Loss ||
					!reflect.DeepEqual(withoutTime(resumed.History), withoutTime(whole.History)) {
					t.Errorf("%s, resumed at %d: %s, want %s", name, stop, resumed, whole)
				}
			}
		}
	})
}

// TestShampooAndSOAPOnBatches: within MiniBatch steps are those of the whole objective when a batch is all of it, and
// in a trainer of GoMLX they are those of a run.
func TestShampooAndSOAPOnBatches(t *testing.T) {
	l, c := newLeastSquares(0.5), newCurve()
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for name, method := range map[string]optim.Method{
			"Shampoo": optim.Shampoo{Rate: 0.01, Damping: 1e-4, Frequency: 3}, "SOAP": optim.SOAP{Rate: 0.01, Frequency: 3},
		} {
			onXLA := strings.HasSuffix(t.Name(), "/xla")
			if onXLA && name == "SOAP" {
				continue // XLA takes seconds to compile
			}
			obj := l.objective(b)
			// Factors of full rank: otherwise bases and roots magnify rounding, which differs.
			obj.Blocks = []objective.Block{{Name: "v", Dims: []int{2, 2}}, {Name: "w", Offset: 4, Dims: []int{3, 2}}}
			batches := optim.MiniBatch{Method: method, Batches: objective.Batches{Size: lsRows}}
			whole := trajectory(t, obj, make([]float64, lsDim), method, 20)
			got := trajectory(t, obj, make([]float64, lsDim), batches, 20)
			for k := range 20 {
				for i, want := range whole[k] {
					if math.Abs(got[k][i]-want) > 1e-9 {
						t.Fatalf("%s: θ%d after %d steps on batches is %.12g, want %.12g", name, i, k, got[k][i], want)
					}
				}
			}
			if onXLA {
				continue
			}
			part := optim.MiniBatch{Method: method, Batches: objective.Batches{Size: 8, Seed: 3}, Accumulate: 2}
			if r := minimize(t, obj, make([]float64, lsDim), part, optim.Options{MaxIterations: 300}); r.Loss > 0.7*l.loss(make([]float64, lsDim)) {
				t.Errorf("%s on small batches: %s", name, r)
			}
			network, start := c.objective(b)
			losses := evaluations(t, network, start, method, 25)
			trained, _ := c.train(t, b, optim.GoMLX(method), 25)
			for i, f := range trained {
				if math.Abs(f-losses[i]) > 1e-6*losses[i] {
					t.Fatalf("%s: the loss in training step %d is %.12g, want %.12g", name, i, f, losses[i])
				}
			}
		}
	})
}

func TestShampooAndSOAPSettings(t *testing.T) {
	obj, start, _ := onMatrices(pureGo(t))
	for word, method := range map[string]optim.Method{
		"Shampoo.Rate is -1":        optim.Shampoo{Rate: -1},
		"Shampoo.Beta1 is 1":        optim.Shampoo{Beta1: 1},
		"Shampoo.Beta2 is -1":       optim.Shampoo{Beta2: -1},
		"Shampoo.Epsilon is NaN":    optim.Shampoo{Epsilon: math.NaN()},
		"Shampoo.Damping is 1":      optim.Shampoo{Damping: 1},
		"Shampoo.Damping is -1":     optim.Shampoo{Damping: -1},
		"Shampoo.Grafting is 2":     optim.Shampoo{Grafting: 2},
		"Shampoo.WeightDecay is":    optim.Shampoo{WeightDecay: math.Inf(1)},
		"Shampoo.Frequency is -1":   optim.Shampoo{Frequency: -1},
		"Shampoo.MaxSize is -2":     optim.Shampoo{MaxSize: -2},
		"in Shampoo.Schedule":       optim.Shampoo{Schedule: optim.Exponential{Every: -1}},
		"SOAP.Rate is NaN":          optim.SOAP{Rate: math.NaN()},
		"SOAP.Beta1 is 2":           optim.SOAP{Beta1: 2},
		"SOAP.Beta2 is 1":           optim.SOAP{Beta2: 1},
		"SOAP.Epsilon is -1":        optim.SOAP{Epsilon: -1},
		"SOAP.WeightDecay is -1":    optim.SOAP{WeightDecay: -1},
		"SOAP.Frequency is -10":     optim.SOAP{Frequency: -10},
		"SOAP.MaxSize is -1":        optim.SOAP{MaxSize: -1},
		"in SOAP.Schedule":          optim.SOAP{Schedule: optim.Cosine{}},
		"up to Shampoo.MaxSize = 2": optim.Shampoo{MaxSize: 2},
	} {
		if word == "up to Shampoo.MaxSize = 2" {
			obj.Blocks = []objective.Block{{Name: "A", Dims: []int{3, 4}}, {Name: "b", Offset: 12, Dims: []int{34}}}
		}
		mustFail(t, obj, start, method, optim.Options{}, word)
		obj.Blocks = matrices
	}
	for word, blocks := range map[string][]objective.Block{
		"SOAP needs Objective.Blocks": nil,
		"has no matrix":               {{Name: "b", Dims: []int{46}}},
		"12 entries in all":           {{Name: "A", Dims: []int{3, 4}}},
		`"b" at 13 with`:              {{Name: "A", Dims: []int{3, 4}}, {Name: "b", Offset: 13, Dims: []int{33}}},
	} {
		obj.Blocks = blocks
		mustFail(t, obj, start, optim.SOAP{}, optim.Options{}, word)
	}
	if a, b := (optim.Shampoo{}).Name(), (optim.SOAP{}).Name(); a != "Shampoo" || b != "SOAP" {
		t.Errorf("names %q and %q", a, b)
	}
}
