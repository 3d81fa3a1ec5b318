package optim

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/gomlx/compute/shapes"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/linalg"
	"github.com/gosciml/gosciml/sciml/objective"
)

// LeastSquaresSolver is the way in which Gauss–Newton methods solve min ‖Jp + r‖² + λ‖p‖² for a Jacobian J of M residuals
// and P parameters.
type LeastSquaresSolver int

// The choices of LeastSquaresSolver.
const (
	// CheapestSolver takes DenseNormal when P ≤ M and DenseKernel otherwise, or MatrixFree where J and the matrix together
	// would need more than the memory allowed; it is told in the history.
	CheapestSolver LeastSquaresSolver = iota
	// DenseNormal factorizes JᵀJ + λI, P×P. Its solution is corrected with J itself (Björck 1987, "Stability analysis of the
	// method of seminormal equations"), so that the condition number of J counts, rather than its square.
	DenseNormal
	// DenseKernel factorizes JJᵀ + λI, M×M, which gives the same step by the identity of Woodbury, and is corrected alike.
	DenseKernel
	// MatrixFree runs LSMR (Fong and Saunders 2011) on products with J and Jᵀ; nothing is stored.
	MatrixFree
)

var solverNames = map[LeastSquaresSolver]string{
	CheapestSolver: "cheapest", DenseNormal: "dense JᵀJ", DenseKernel: "dense JJᵀ", MatrixFree: "matrix-free",
}

// String is a name for messages.
func (s LeastSquaresSolver) String() string {
	if name, ok := solverNames[s]; ok {
		return name
	}
	return fmt.Sprintf("LeastSquaresSolver(%d)", int(s))
}

// leastSquaresSystem is J and r at an iterate.
type leastSquaresSystem interface {
	// linearize prepares for an iterate.
	linearize(at *evaluated, data []*tensors.Tensor) error
	// solve returns the step for the damping λ = relative·(the largest diagonal entry of JᵀJ). It is NaN where the matrix is
	// not positive definite at this precision.
	solve(relative float64, data []*tensors.Tensor) (regionStep, error)
	// plan says in words how it solves.
	plan() string
	// scaling are its scales, nil for none.
	scaling() *scales
	// ahead has what a first step needs compiled beside what follows.
	ahead(theta shapes.Shape)
}

// denseMemory is the size of J and the matrix in bytes, for steps in a space of so many columns; made is the number of rows that J is
// made from.
func denseMemory(obj *objective.Objective, rows, made, columns int) float64 {
	n := float64(min(rows, columns))
	const copies = 3 // J, its parts before they are joined, and one transposed
	return float64(obj.Precision().Size()) * (copies*float64(made)*float64(obj.Dim) + 3*n*n)
}

// defaultMemory is the most that a method takes for matrices, in bytes, when it is not told otherwise.
const defaultMemory = 4 << 30

// systemChoice is what a method asks for.
type systemChoice struct {
	method    string
	solver    LeastSquaresSolver
	maxMemory int64
	geodesic  bool // adds the acceleration
	metric    bool // damps in the metric of the objective
	shift     float64
	scaling   Scaling
	groups    []int  // of a Schwarz preconditioner; nil for none
	columns   int    // of the subspaces; all parameters when zero
	seed      uint64 // of the subspaces
}

// newLeastSquaresSystem makes the system that a method asks for.
func newLeastSquaresSystem(obj *objective.Objective, c systemChoice) (leastSquaresSystem, error) {
	method, solver, maxMemory := c.method, c.solver, c.maxMemory
	if err := obj.NeedResidual(method); err != nil {
		return nil, err
	}
	if err := checkSettings(method, choice("Solver", solver, "CheapestSolver", "DenseNormal", "DenseKernel", "MatrixFree"), memory(maxMemory)); err != nil {
		return nil, err
	}
	maxMemory = cmp.Or(maxMemory, defaultMemory)
	rows, err := obj.NumResiduals()
	if err != nil {
		return nil, err
	}
	columns := obj.Dim
	if c.columns > 0 {
		columns = min(columns, c.columns)
	}
	made, unsuited := obj.JacobianSize()
	if unsuited != nil && !unsuitable(unsuited) {
		return nil, unsuited
	}
	need := denseMemory(obj, rows, made, columns)
	if c.metric {
		if err := needNormal(method, solver, c.scaling); err != nil {
			return nil, err
		}
		more, err := metricMemory(obj, method, columns)
		if err != nil {
			return nil, err
		}
		solver, c.scaling, need = DenseNormal, UnitScaling, more+denseMemory(obj, columns, made, columns)
	}
	fits := need <= float64(maxMemory) && unsuited == nil
	asked := c.geodesic
	why := fmt.Sprintf("%d residuals, %d parameters", rows, obj.Dim)
	switch {
	case solver == CheapestSolver && fits && columns <= rows:
		solver = DenseNormal
	case solver == CheapestSolver && fits:
		solver = DenseKernel
	case solver == CheapestSolver && unsuited != nil:
		solver, why = MatrixFree, fmt.Sprintf("%s; %v", why, unsuited)
	case solver == CheapestSolver:
		solver, why = MatrixFree, why+fmt.Sprintf("; matrices would need %.3g GiB, more than MaxMemory = %.3g GiB", need/(1<<30), float64(maxMemory)/(1<<30))
	case c.metric && unsuited != nil:
		return nil, fmt.Errorf("optim: %s.Metric: %w", method, unsuited)
	case c.metric && !fits:
		return nil, objective.TooLarge("optim: %s.Metric needs %.3g GiB for %s, expected at most MaxMemory = %.3g GiB", method, need/(1<<30), why, float64(maxMemory)/(1<<30))
	case solver != MatrixFree && unsuited != nil:
		return nil, fmt.Errorf("optim: %s.Solver is %s: %w; MatrixFree does without", method, solver, unsuited)
	case solver != MatrixFree && !fits:
		return nil, objective.TooLarge("optim: %s.Solver is %s, which needs %.3g GiB for %s, expected at most MaxMemory = %.3g GiB; MatrixFree needs far less",
			method, solver, need/(1<<30), why, float64(maxMemory)/(1<<30))
	}
	switch {
	case c.scaling == UsualScaling && solver != MatrixFree && obj.Dim <= fewParameters:
		c.scaling, c.geodesic = MoreScaling, true
	case c.scaling > UnitScaling && solver == MatrixFree:
		return nil, objective.Unsuitable("optim: %s.Scaling is by %s, which needs the Jacobian, but the Solver is %s (%s), expected a dense one", method, c.scaling, solver, why)
	}
	if solver == MatrixFree {
		if err := obj.NeedForward(method+" with the Solver MatrixFree", 1); err != nil {
			return nil, err
		}
	} else if c.geodesic && c.scaling > UnitScaling {
		if err := obj.NeedForward(method+".Geodesic", 2); err != nil && (asked || !unsuitable(err)) {
			return nil, err
		} else if err != nil {
			c.geodesic = false
		}
	}
	space := objective.Subspaces{Items: obj.Dim, Size: columns}
	if !space.Whole() && solver != MatrixFree {
		why = fmt.Sprintf("in subspaces of dimension %d; %s", space.Size, why)
	}
	if c.scaling > UnitScaling {
		why += "; scaled by " + c.scaling.String()
	}
	if c.metric {
		why += "; damped in the metric of the objective"
	}
	text := fmt.Sprintf("%s (%s)", solver, why)
	if solver == MatrixFree {
		return newMatrixFree(obj, text, c.groups, maxMemory)
	}
	return newDenseSystem(obj, c, solver == DenseKernel, text, space)
}

// denseSystem stores JC and the Gram matrix of that on the device, for a basis C of a random subspace, or of the whole space.
type denseSystem struct {
	obj         *objective.Objective
	space       objective.Subspaces
	seed        uint64
	linearizing *device.Program
	solver      *dampedSolver
	at          *evaluated
	// r, JC, the matrix, its scale, and what λ multiplies where there is a metric; with scales, J is JD⁻¹, and D follows; then the
	// subspace
	matrices []*tensors.Tensor
	tries    int     // steps from the present iterate
	scales   *scales // nil for none
	text     string
}

// triesInSubspace is the number of steps that may be refused before another subspace is drawn, and mostTries that of all
// steps from an iterate after which it is not another subspace that is wanted.
const (
	triesInSubspace = 3
	mostTries       = 100
)

func newDenseSystem(obj *objective.Objective, c systemChoice, kernel bool, text string, space objective.Subspaces) (*denseSystem, error) {
	s := &denseSystem{obj: obj, space: space, seed: c.seed, text: text, scales: newScales(c.scaling, c.geodesic, obj.Dim)}
	linearization := s.scales.linearization(obj, space, func(j, jc *graph.Node) []*graph.Node {
		return []*graph.Node{objective.GramOf(jc, kernel), objective.LargestColumn(j)}
	})
	var err error
	if s.linearizing, err = device.NewProgram(obj.Compiler(), "linearization", func(in []*graph.Node) []*graph.Node {
		out := linearization(in)
		if split := 1 + space.NumInputs(); c.metric {
			out = append(out, buildShift(obj, space, c.shift, in[0], in[1:split], in[split:]))
		}
		return out
	}); err != nil {
		return nil, err
	}
	s.solver, err = newDampedSolver(obj, kernel, c.geodesic, s.scales != nil, c.metric, space)
	return s, err
}

// linearize implements leastSquaresSystem. A subspace depends on nothing but the seed, the loss of the iterate and the number of
// steps from there, so that a run that is resumed goes on with the same ones.
func (s *denseSystem) linearize(at *evaluated, data []*tensors.Tensor) error {
	if s.at != at {
		s.at, s.matrices, s.tries = at, nil, 0
	}
	s.tries++
	if s.matrices != nil && (s.space.Whole() || s.tries%triesInSubspace != 1) {
		return nil
	}
	drawn := s.space.Draw(rand.New(rand.NewPCG(s.seed, math.Float64bits(at.loss)+uint64(s.tries)))).Inputs(s.obj)
	device.Free(s.matrices) // before there are others
	s.matrices = nil
	made, err := s.scales.linearize(s.linearizing, at, drawn, data)
	if err != nil {
		device.Free(drawn)
		return err
	}
	s.matrices = append(made, drawn...)
	at.made = s.matrices
	return nil
}

// vary has another subspace drawn for the next step.
func (s *denseSystem) vary() bool {
	s.tries += triesInSubspace - s.tries%triesInSubspace
	return !s.space.Whole() && s.tries < mostTries
}

func (s *denseSystem) solve(relative float64, data []*tensors.Tensor) (regionStep, error) {
	step, err := s.solver.step(relative, s.at.theta, s.matrices, data)
	if s.scales != nil {
		step.origin = s.scales.origin
	}
	return step, err
}

func (s *denseSystem) scaling() *scales { return s.scales }

func (s *denseSystem) ahead(theta shapes.Shape) {
	if s.scales != nil {
		return // for few parameters
	}
	drawn := s.space.Draw(rand.New(rand.NewPCG(0, 0))).Inputs(s.obj) // any subspace has these shapes
	defer device.Free(drawn)
	draws, data := device.ShapesOf(drawn), device.ShapesOf(s.obj.Data)
	if m := s.linearizing.Ahead([]shapes.Shape{theta}, draws, data); m != nil {
		s.solver.ahead(theta, m, draws, data)
	}
}

func (s *denseSystem) plan() string { return s.text }

// matrixFree takes products with J and Jᵀ.
type matrixFree struct {
	obj        *objective.Objective
	linearizer *objective.Linearizer
	at         *evaluated
	here       *objective.Linearization
	r          []float64
	scale      float64
	schwarz    *schwarz // nil for no preconditioner
	text       string
}

func newMatrixFree(obj *objective.Objective, text string, groups []int, maxMemory int64) (*matrixFree, error) {
	l, err := objective.NewLinearizer(obj, 0)
	m := &matrixFree{obj: obj, linearizer: l, text: text}
	if err == nil && groups != nil {
		m.text += fmt.Sprintf(", preconditioned by %d blocks", len(groups))
		m.schwarz, err = newSchwarz(obj, groups, maxMemory)
	}
	return m, err
}

// linearize also estimates the scale: there are no columns to look at, so that it is the largest eigenvalue of JᵀJ, roughly.
func (m *matrixFree) linearize(at *evaluated, _ []*tensors.Tensor) error {
	if m.at == at {
		return nil
	}
	m.at, m.here = at, m.linearizer.AtDevice(at.theta)
	var err error
	if m.r, err = m.here.Residual(); err != nil {
		return err
	}
	g, err := device.Numbers(at.gradient)
	if err != nil {
		return err
	}
	product := make([]float64, len(m.r))
	if err := m.here.Forward()(product, g); err != nil {
		return err
	}
	m.scale = squares(product) / squares(g)
	if m.schwarz != nil {
		return m.schwarz.at(at.theta)
	}
	return nil
}

func squares(x []float64) float64 {
	total := 0.0
	for _, v := range x {
		total += v * v
	}
	return total
}

// freeProducts bounds the iterations of LSMR for one step.
const freeProducts = 200

func (m *matrixFree) solve(relative float64, _ []*tensors.Tensor) (regionStep, error) {
	right := make([]float64, len(m.r))
	for i, v := range m.r {
		right[i] = -v
	}
	tolerance := math.Max(1e-6, 10*device.Epsilon(m.obj.Precision()))
	if m.obj.Precision() == dtypes.Float32 {
		tolerance = 1e-4
	}
	var failed error // of the device, rather than of numbers
	noting := func(a linalg.Operator) linalg.Operator {
		return func(dst, x []float64) error {
			err := a(dst, x)
			failed = cmp.Or(failed, err)
			return err
		}
	}
	forward := m.here.Forward()
	options := linalg.Options{Tolerance: tolerance, MaxIterations: freeProducts, Shift: relative * m.scale}
	solve := linalg.LSMR
	if m.schwarz != nil {
		if !m.schwarz.prepare(options.Shift) {
			return regionStep{why: "blocks of JᵀJ are NaN or infinite"}, nil
		}
		solve = func(a, at linalg.Operator, b []float64, n int, o linalg.Options) ([]float64, linalg.Outcome, error) {
			return m.schwarz.solve(a, at, b, n, o.Shift, o)
		}
	}
	p, outcome, err := solve(noting(forward), noting(m.here.Adjoint()), right, m.obj.Dim, options)
	switch {
	case failed != nil:
		return regionStep{}, failed
	case err != nil:
		return regionStep{why: err.Error(), products: outcome.Iterations + 1}, nil
	}
	jp := make([]float64, len(m.r))
	if err := forward(jp, p); err != nil {
		return regionStep{}, err
	}
	step := regionStep{p: device.Vector(m.obj.Precision(), p), length: math.Sqrt(squares(p)), products: outcome.Iterations + 1}
	for i, v := range jp {
		step.predicted -= v * (2*m.r[i] + v)
	}
	return step, nil
}

func (m *matrixFree) plan() string { return m.text }

func (m *matrixFree) scaling() *scales { return nil }

func (m *matrixFree) ahead(shapes.Shape) {} // its programs are made as they are asked for
