package optim

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/internal/device"
)

// learner teaches a model steps and gives its B, column by column.
type learner struct {
	learn, column *graph.Exec
	state         []*tensors.Tensor
	dim           int
}

func newLearner(t *testing.T, b compute.Backend, m model, product func(v *graph.Node, state []*graph.Node) *graph.Node, dim int) *learner {
	t.Helper()
	learn, err := graph.NewExec(b, func(in []*graph.Node) []*graph.Node { return m.Learn(in[0], in[1], in[2:]) })
	if err != nil {
		t.Fatal(err)
	}
	column, err := graph.NewExec(b, func(in []*graph.Node) []*graph.Node { return []*graph.Node{product(in[0], in[1:])} })
	if err != nil {
		t.Fatal(err)
	}
	return &learner{learn: learn, column: column, state: device.Zeros(m.State(dim, dtypes.Float64)), dim: dim}
}

func (l *learner) step(t *testing.T, s, y []float64) *mat.Dense {
	t.Helper()
	var err error
	if l.state, err = l.learn.Call(l.args(s, y)...); err != nil {
		t.Fatal(err)
	}
	b := mat.NewDense(l.dim, l.dim, nil)
	for j := range l.dim {
		unit := make([]float64, l.dim)
		unit[j] = 1
		out, err := l.column.Call(l.args(unit)...)
		if err != nil {
			t.Fatal(err)
		}
		b.SetCol(j, tensors.MustCopyFlatData[float64](out[0]))
	}
	return b
}

func (l *learner) args(vectors ...[]float64) (args []any) {
	for _, v := range vectors {
		args = append(args, v)
	}
	for _, s := range l.state {
		args = append(args, s)
	}
	return args
}

// rankOne is B + uuᵀ/uᵀs, or B where the rule says so.
func rankOne(b *mat.Dense, s, y []float64) (*mat.Dense, bool) {
	n := len(s)
	sv, u := mat.NewVecDense(n, s), mat.NewVecDense(n, nil)
	u.MulVec(b, sv)
	u.SubVec(mat.NewVecDense(n, y), u)
	us := mat.Dot(u, sv)
	if math.Abs(us) < math.Sqrt(0x1p-52)*mat.Norm(u, 2)*mat.Norm(sv, 2) || us == 0 {
		return b, false
	}
	var next mat.Dense
	next.Outer(1/us, u, u)
	next.Add(&next, b)
	return &next, true
}

func scaledIdentity(n int, by float64) *mat.Dense {
	b := mat.NewDense(n, n, nil)
	for i := range n {
		b.Set(i, i, by)
	}
	return b
}

func apart(a, b mat.Matrix) float64 {
	var off mat.Dense
	off.Sub(a, b)
	return mat.Norm(&off, 2) / mat.Norm(b, 2)
}

// hessianLike is a symmetric matrix with eigenvalues of both signs.
func hessianLike(n int, seed uint64) *mat.Dense {
	rng := rand.New(rand.NewPCG(seed, 1))
	a := mat.NewDense(n, n, nil)
	for i := range n {
		for j := range i + 1 {
			v := rng.NormFloat64()
			a.Set(i, j, v)
			a.Set(j, i, v)
		}
	}
	return a
}

func randomVector(rng *rand.Rand, n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = rng.NormFloat64()
	}
	return v
}

func apply(a mat.Matrix, v []float64) []float64 {
	var out mat.VecDense
	out.MulVec(a, mat.NewVecDense(len(v), v))
	return out.RawVector().Data
}

// TestSR1FindsHessian: after n independent steps on a quadratic B is its Hessian, indefinite as it is (Nocedal and Wright
// 2006, Theorem 6.1); L-SR1 agrees, as long as it has not forgotten.
func TestSR1FindsHessian(t *testing.T) {
	const n = 7
	hessian := hessianLike(n, 3)
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for name, m := range map[string]productModel{"SR1": sr1Model{}, "L-SR1": lsr1Model{memory: n}} {
			l := newLearner(t, b, m, m.product, n)
			rng := rand.New(rand.NewPCG(5, 5))
			var got *mat.Dense
			for k := range n {
				s := randomVector(rng, n)
				got = l.step(t, s, apply(hessian, s))
				if off := apart(got, hessian); k < n-1 && off < 1e-2 {
					t.Errorf("%s: B is the Hessian after %d steps already", name, k+1)
				}
			}
			if off := apart(got, hessian); !(off < 1e-8) {
				t.Errorf("%s: after n steps B differs from the Hessian by %g", name, off)
			}
			// What is known already changes nothing, and nothing is learned from no step.
			still := make([]float64, n)
			for _, s := range [][]float64{still, randomVector(rng, n)} {
				if off := apart(l.step(t, s, apply(hessian, s)), hessian); !(off < 1e-7) {
					t.Errorf("%s: after a step that tells nothing new B differs from the Hessian by %g", name, off)
				}
			}
		}
	})
}

// TestSR1IsRankOneUpdates follows the formula step by step on a function whose Hessian changes.
func TestSR1IsRankOneUpdates(t *testing.T) {
	const n = 5
	m := sr1Model{}
	l := newLearner(t, goBackend(t), m, m.product, n)
	rng := rand.New(rand.NewPCG(2, 9))
	var want *mat.Dense
	updates := 0
	for k := range 20 {
		s := randomVector(rng, n)
		y := apply(hessianLike(n, uint64(k)), s)
		if k == 0 {
			scale := 1.0
			if sy := floats.Dot(s, y); sy > 0 {
				scale = floats.Dot(y, y) / sy
			}
			want = scaledIdentity(n, scale)
		}
		if k%4 == 3 { // u is all but orthogonal to s: B must stay
			y = apply(want, s)
			other := randomVector(rng, n)
			floats.AddScaled(other, -floats.Dot(other, s)/floats.Dot(s, s), s)
			floats.Add(y, other)
		}
		var done bool
		if want, done = rankOne(want, s, y); done {
			updates++
		}
		if off := apart(l.step(t, s, y), want); !(off < 1e-9) {
			t.Fatalf("step %d: B differs from the reference by %g", k, off)
		}
	}
	if updates != 15 {
		t.Errorf("%d updates of 20 steps, want 15", updates)
	}
}

// TestCompactSR1IsRankOneUpdates: the compact form is the recursion over the pairs in memory, step by step, on γI.
func TestCompactSR1IsRankOneUpdates(t *testing.T) {
	const n = 9
	backendtest.Each(t, func(t *testing.T, b compute.Backend) {
		for _, memory := range []int{1, 2, 4, 12} {
			if strings.HasSuffix(t.Name(), "/xla") && memory != 4 {
				continue // a second each to compile
			}
			m := lsr1Model{memory: memory}
			l := newLearner(t, b, m, m.product, n)
			rng := rand.New(rand.NewPCG(4, uint64(memory)))
			want := scaledIdentity(n, 1)
			gamma, changed := 1.0, 0
			var ss, ys [][]float64
			for k := range 25 {
				s := randomVector(rng, n)
				y := apply(hessianLike(n, uint64(k/3)), s)
				if k == 10 { // γ alone
					y = floats.ScaleTo(make([]float64, n), 3, s)
				}
				if _, useful := rankOne(want, s, y); useful {
					ss, ys = append(ss, s), append(ys, y)
					if len(ss) > memory {
						ss, ys = ss[1:], ys[1:]
					}
					if sy := floats.Dot(s, y); sy > 0 {
						gamma = floats.Dot(y, y) / sy
						changed++
					}
				}
				want = scaledIdentity(n, gamma)
				for i := range ss {
					want, _ = rankOne(want, ss[i], ys[i])
				}
				if off := apart(l.step(t, s, y), want); !(off < 1e-6) {
					t.Fatalf("memory %d, step %d: B differs from the reference by %g", memory, k, off)
				}
			}
			if changed < 5 || changed > 20 {
				t.Errorf("γ changed %d times, which does not test what it should", changed)
			}
		}
	})
}

// TestDoglegModel: B and H are inverse to each other and positive definite, whatever the steps, and B is the damped update.
func TestDoglegModel(t *testing.T) {
	const n = 6
	m := doglegModel{}
	product := func(matrix int) func(v *graph.Node, state []*graph.Node) *graph.Node {
		return func(v *graph.Node, state []*graph.Node) *graph.Node { return device.Multiply(state[matrix], v) }
	}
	b := goBackend(t)
	direct, inverse := newLearner(t, b, m, product(doglegB), n), newLearner(t, b, m, product(doglegH), n)
	rng := rand.New(rand.NewPCG(8, 8))
	var want *mat.Dense
	damped := 0
	for k := range 15 {
		s := randomVector(rng, n)
		hessian := hessianLike(n, uint64(k))
		y := apply(hessian, s)
		if k%2 == 0 {
			y = apply(mat.NewDiagDense(n, []float64{1, 2, 3, 4, 5, 6}), s)
		}
		sy := floats.Dot(s, y)
		if k == 0 {
			want = scaledIdentity(n, floats.Dot(y, y)/sy)
		}
		sv := mat.NewVecDense(n, s)
		bs := mat.NewVecDense(n, apply(want, s))
		sbs := mat.Dot(sv, bs)
		r := mat.NewVecDense(n, slices.Clone(y))
		if sy < 0.2*sbs {
			theta := 0.8 * sbs / (sbs - sy)
			r.ScaleVec(theta, r)
			r.AddScaledVec(r, 1-theta, bs)
			damped++
		}
		var next, outer mat.Dense
		outer.Outer(1/sbs, bs, bs)
		next.Sub(want, &outer)
		outer.Outer(1/mat.Dot(sv, r), r, r)
		next.Add(&next, &outer)
		want = &next

		gotB, gotH := direct.step(t, s, y), inverse.step(t, s, y)
		if off := apart(gotB, want); !(off < 1e-10) {
			t.Fatalf("step %d: B differs from the reference by %g", k, off)
		}
		var both mat.Dense
		both.Mul(gotB, gotH)
		if off := apart(&both, scaledIdentity(n, 1)); !(off < 1e-8) {
			t.Errorf("step %d: BH differs from I by %g", k, off)
		}
		symmetric := mat.NewSymDense(n, nil)
		for i := range n {
			for j := i; j < n; j++ {
				symmetric.SetSym(i, j, (gotH.At(i, j)+gotH.At(j, i))/2)
			}
		}
		var cholesky mat.Cholesky
		if !cholesky.Factorize(symmetric) {
			t.Errorf("step %d: H is not positive definite", k)
		}
	}
	if damped < 3 || damped > 12 {
		t.Errorf("%d of 15 updates are damped, which does not test what it should", damped)
	}
}
