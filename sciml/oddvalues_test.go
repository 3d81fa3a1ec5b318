package sciml_test

import (
	"context"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/backend/install"
	"github.com/gosciml/gosciml/sciml/diagnose"
	"github.com/gosciml/gosciml/sciml/keep"
	"github.com/gosciml/gosciml/sciml/linalg"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/optim/functions"
	"github.com/gosciml/gosciml/sciml/optim/search"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pde/reference"
	"github.com/gosciml/gosciml/sciml/pinn"
	"github.com/gosciml/gosciml/sciml/plot"
	"github.com/gosciml/gosciml/sciml/sample"
)

// zeros are all exported types of the library that can be made as a literal, as pointers to zero values.
var zeros = []any{
	&sciml.Continuation{}, &sciml.Live{}, &sciml.Options{}, &sciml.Solution{}, &sciml.Step{}, &sciml.Subdomains{}, &sciml.Trainings{}, &sciml.Window{}, &sciml.Windows{},
	&autodiff.Cost{}, &autodiff.Derivatives{}, &autodiff.Kronecker{}, &autodiff.Term{},
	&backend.Program{}, &backend.Report{}, &keep.Entry{},
	&diagnose.Decades{}, &diagnose.Density{}, &diagnose.Estimate{}, &diagnose.Extremes{}, &diagnose.KernelChange{}, &diagnose.Matrix{}, &diagnose.Quadrature{},
	&diagnose.Evidence{}, &diagnose.Explanation{}, &diagnose.Figure{}, &diagnose.Finding{},
	&diagnose.Ritz{}, &diagnose.Spectrum{}, &diagnose.TangentKernel{}, &diagnose.TermRows{},
	&diagnose.Conflict{}, &diagnose.NoiseAt{}, &diagnose.Path{}, &diagnose.Plane{}, &diagnose.Side{}, &diagnose.Slab{}, &diagnose.Step{}, &diagnose.StepModel{}, &diagnose.Surface{}, &diagnose.Term{},
	&linalg.Eigen{}, &linalg.Factor{}, &linalg.Nystrom{}, &linalg.Options{}, &linalg.Outcome{}, &linalg.Ridge{}, &linalg.SPD{}, &linalg.Tridiagonal{},
	&nn.Block{}, &nn.MLP{}, &nn.Model{}, &nn.ModifiedMLP{}, &nn.PirateNet{}, &nn.ResNet{}, &nn.Separable{},
	&objective.Batch{}, &objective.Batches{}, &objective.Block{}, &objective.Change{}, &objective.Coarse{}, &objective.Curvature{}, &objective.CurvatureAt{},
	&objective.Deviation{}, &objective.Embedding{}, &objective.Evaluation{}, &objective.Evaluator{}, &objective.GradientNoise{}, &objective.Iterate{},
	&objective.Linearization{}, &objective.Linearizer{}, &objective.Losses{}, &objective.Objective{}, &objective.Point{}, &objective.Range{}, &objective.Sampler{},
	&objective.Samples{}, &objective.Subspace{}, &objective.Subspaces{}, &objective.TermEvaluator{}, &objective.Terms{},
	&optim.Adagrad{}, &optim.Adam{}, &optim.Auto{}, &optim.BFGS{}, &optim.BarzilaiBorwein{}, &optim.BlockDiagonal{}, &optim.Checkpoint{},
	&optim.Constant{}, &optim.Cosine{}, &optim.CubicRegularization{}, &optim.Diagonal{}, &optim.Dogleg{}, &optim.ENGD{}, &optim.Event{},
	&optim.ExactGradientDescent{}, &optim.Exponential{}, &optim.Goal{}, &optim.Gonum{}, &optim.GradientDescent{}, &optim.History{},
	&optim.InverseTime{}, &optim.KFAC{}, &optim.Kronecker{}, &optim.LBFGS{}, &optim.LSR1{}, &optim.LevenbergMarquardt{}, &optim.Lion{},
	&optim.LossVariance{}, &optim.MiniBatch{}, &optim.Momentum{}, &optim.MultiBatchLBFGS{}, &optim.Muon{}, &optim.NNCG{}, &optim.Nesterov{},
	&optim.NewtonCG{}, &optim.NewtonTrustRegion{}, &optim.NonlinearCG{}, &optim.NormTest{}, &optim.NystromPreconditioner{}, &optim.Options{},
	&optim.Phase{}, &optim.Plateau{}, &optim.Preconditioned{}, &optim.Progress{}, &optim.ProgressLine{}, &optim.RMSProp{}, &optim.Record{},
	&optim.RelativeImprovement{}, &optim.Result{}, &optim.RootAt{}, &optim.SAGA{}, &optim.SARAH{}, &optim.SGD{}, &optim.SOAP{}, &optim.SPRING{},
	&optim.SR1{}, &optim.SVRG{}, &optim.Shampoo{}, &optim.SketchedGaussNewton{}, &optim.Snapshot{}, &optim.SmallGradient{}, &optim.Stalled{}, &optim.StepDecay{},
	&optim.SubsampledNewton{}, &optim.TrustRegion{}, &optim.WarmUp{}, &optim.Aggregation{}, &optim.Columns{}, &optim.Part{}, &optim.Subspace{}, &optim.SubspaceCorrection{},
	&optim.SSBFGS{}, &optim.SSBroyden{}, &optim.AnyOf{}, &optim.Hybrid{},
	&functions.Case{}, &functions.Regression{}, &search.Armijo{}, &search.Grid{}, &search.HagerZhang{}, &search.NonMonotone{}, &search.StrongWolfe{}, &search.Trial{},
	&pde.Ball{}, &pde.Box{}, &pde.Coefficient{}, &pde.Condition{}, &pde.Cylinder{}, &pde.Disk{}, &pde.Ellipse{}, &pde.Equation{}, &pde.Fields{},
	&pde.Inputs{}, &pde.Patch{}, &pde.Path{}, &pde.Polygon{}, &pde.Problem{}, &pde.Setup{}, &pde.StarShaped{}, &pde.Sums{}, &pde.Surface{}, &pde.WeakForm{},
	&reference.Periodic{}, &reference.Table{},
	&pinn.Adapted{}, &pinn.Causal{}, &pinn.DeepRitz{}, &pinn.Estimate{}, &pinn.GradNorm{}, &pinn.GradientAnnealing{}, &pinn.GradientStats{}, &pinn.Model{},
	&pinn.NTKWeights{}, &pinn.Observation{}, &pinn.Options{}, &pinn.PseudoTime{}, &pinn.ReLoBRaLo{}, &pinn.ResidualAttention{}, &pinn.SelfAdaptive{}, &pinn.Setting{},
	&pinn.Seam{}, &pinn.Slab{}, &pinn.StrongForm{}, &pinn.Term{}, &pinn.Variational{}, &pinn.Weights{}, &pinn.Window{},
	&plot.Animation{}, &plot.Band{}, &plot.Figure{}, &plot.Grid{}, &plot.Histogram{}, &plot.Live{}, &plot.Progress{}, &plot.Series{}, &plot.Slider{}, &plot.SliderOptions{}, &plot.Uncertain{},
	&sample.Grid{}, &sample.Halton{}, &sample.LatinHypercube{}, &sample.Points{}, &sample.R3{}, &sample.RAD{}, &sample.RAR{}, &sample.RARD{},
	&sample.Redraw{}, &sample.Sobol{}, &sample.Uniform{},
}

// TestZeroValues: no method of a zero value panics, but those that build graphs, and every type is among them.
func TestZeroValues(t *testing.T) {
	known := map[string]bool{}
	for _, zero := range zeros {
		v := reflect.ValueOf(zero)
		name := v.Elem().Type().String()
		known[name] = true
		callAll(t, name, v)
		if noReceiver[name] {
			callAll(t, "nil *"+name, reflect.Zero(v.Type()))
		}
	}
	for _, name := range exportedStructs(t) {
		if !known[name] {
			t.Errorf("%s is not among the zero values that are tried", name)
		}
	}
}

// noReceiver are types whose methods may be called on a nil pointer.
var noReceiver = map[string]bool{"objective.Objective": true, "sciml.Solution": true, "pinn.Model": true, "pde.Problem": true, "optim.History": true}

// callAll calls all methods of a value with zero values.
func callAll(t *testing.T, name string, v reflect.Value) {
	for i := range v.NumMethod() {
		method, of := v.Method(i), name+"."+v.Type().Method(i).Name
		if buildsGraph(v.Type()) || buildsGraph(method.Type()) {
			continue
		}
		call(t, of, method)
	}
}

// call calls a function with the given arguments, and usable ones in the place of those that are left out, and reports a panic.
func call(t *testing.T, name string, f reflect.Value, args ...reflect.Value) (err error) {
	t.Helper()
	defer func() {
		if r := recover(); r != nil {
			t.Errorf("%s panics: %v", name, r)
		}
	}()
	kind := f.Type()
	for i := len(args); i < kind.NumIn() && !(kind.IsVariadic() && i == kind.NumIn()-1); i++ {
		args = append(args, usable(t, kind.In(i)))
	}
	out := f.Call(args)
	if len(out) > 0 {
		err, _ = out[len(out)-1].Interface().(error)
	}
	return err
}

// usable is an argument of a type that makes some sense.
func usable(t *testing.T, kind reflect.Type) reflect.Value {
	switch kind {
	case reflect.TypeFor[*objective.Objective]():
		obj, err := objective.FromFunction(2, func(theta, gradient []float64) float64 { return 1 })
		if err != nil {
			t.Fatal(err)
		}
		return reflect.ValueOf(obj)
	case reflect.TypeFor[*tensors.Tensor]():
		return reflect.ValueOf(tensors.FromValue([]float64{1, 2}))
	case reflect.TypeFor[*pinn.Observation]():
		return reflect.ValueOf(&pinn.Observation{})
	case reflect.TypeFor[*pinn.Weights]():
		return reflect.ValueOf(&pinn.Weights{})
	case reflect.TypeFor[context.Context]():
		return reflect.ValueOf(context.Background())
	}
	if kind.Kind() == reflect.Func {
		return reflect.MakeFunc(kind, func([]reflect.Value) []reflect.Value {
			out := make([]reflect.Value, kind.NumOut())
			for i := range out {
				out[i] = reflect.Zero(kind.Out(i))
			}
			return out
		})
	}
	return reflect.Zero(kind)
}

// buildsGraph reports a type of nodes, or a function that takes or gives some: those may panic.
func buildsGraph(f reflect.Type) bool {
	nodes := []reflect.Type{reflect.TypeFor[*graph.Node](), reflect.TypeFor[[]*graph.Node](), reflect.TypeFor[*pde.Fields](), reflect.TypeFor[*objective.Point](), reflect.TypeFor[*autodiff.Derivatives]()}
	if f.Kind() != reflect.Func {
		return slices.Contains(nodes, f)
	}
	for i := range f.NumIn() {
		if slices.Contains(nodes, f.In(i)) {
			return true
		}
	}
	for i := range f.NumOut() {
		if slices.Contains(nodes, f.Out(i)) {
			return true
		}
	}
	return false
}

// exportedStructs are the exported structs of the public packages, with the names of their packages.
func exportedStructs(t *testing.T) []string {
	var names []string
	for _, dir := range []string{".", "autodiff", "backend", "diagnose", "keep", "linalg", "nn", "objective", "optim", "optim/functions", "optim/search", "pde", "pde/reference", "pinn", "plot", "sample"} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s has %d files: %v", dir, len(files), err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if spec, ok := n.(*ast.TypeSpec); ok && spec.Name.IsExported() {
					if _, isStruct := spec.Type.(*ast.StructType); isStruct && spec.TypeParams == nil {
						names = append(names, file.Name.Name+"."+spec.Name.Name)
					}
				}
				_, function := n.(*ast.FuncDecl)
				return !function
			})
		}
	}
	return names
}

// odd are values of the types that functions take which none can do with: nil, nil within an interface, and literals.
func odd(t *testing.T) map[reflect.Type][]any {
	box, err := pde.NewInterval("x", 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	domains := []any{
		(pde.Domain)(nil), (*pde.Box)(nil), (*pde.Disk)(nil), (*pde.Cylinder)(nil), (*pde.Polygon)(nil), (*pde.Ball)(nil), (*pde.Ellipse)(nil), (*pde.StarShaped)(nil),
		&pde.Box{}, &pde.Box{Lo: []float64{0, 0}, Hi: []float64{1, 1}}, &pde.Box{Lo: []float64{0}, Hi: []float64{1, 2}}, &pde.Disk{}, &pde.Cylinder{}, &pde.Cylinder{Base: &pde.Box{}, T1: 1},
		&pde.Cylinder{Base: (*pde.Disk)(nil), T1: 1}, &pde.Cylinder{Base: box, T1: 1}, &pde.Polygon{}, &pde.Ball{}, &pde.Ball{Center: []float64{0, 0}}, &pde.Ellipse{}, &pde.Ellipse{SemiAxes: [2]float64{1, 2}}, &pde.StarShaped{},
	}
	var problems []any
	problems = append(problems, (*pde.Problem)(nil), &pde.Problem{})
	for _, d := range domains {
		p := pde.Poisson1D()
		p.Domain, _ = d.(pde.Domain)
		problems = append(problems, p)
	}
	return map[reflect.Type][]any{
		reflect.TypeFor[pde.Domain]():   domains,
		reflect.TypeFor[*pde.Problem](): problems,
		reflect.TypeFor[nn.Network](): {
			(nn.Network)(nil), (*nn.MLP)(nil), (*nn.Separable)(nil), (*nn.ResNet)(nil), (*nn.PirateNet)(nil), (*nn.ModifiedMLP)(nil), (*nn.Model)(nil),
			&nn.MLP{}, &nn.Separable{}, &nn.ResNet{}, &nn.PirateNet{}, &nn.ModifiedMLP{}, &nn.Model{}, &trappedNetwork{},
		},
		reflect.TypeFor[optim.Method](): {
			(optim.Method)(nil), (*optim.Adam)(nil), (*optim.LBFGS)(nil), (*optim.Auto)(nil), (*optim.Hybrid)(nil), &optim.Hybrid{}, optim.Hybrid{{}},
			optim.Hybrid{{Method: (*optim.Adam)(nil)}}, optim.Hybrid{{Method: optim.Adam{}, Until: (*optim.Stalled)(nil)}}, optim.Preconditioned{},
			optim.Preconditioned{By: (*optim.Diagonal)(nil)}, optim.Preconditioned{Method: (*optim.Adam)(nil), By: optim.Diagonal{}}, optim.Gonum{},
			optim.Adam{Schedule: (*optim.Cosine)(nil)}, optim.LBFGS{Search: (*search.Armijo)(nil)}, optim.FixedStep("x", nil), optim.LineSearch("x", nil, nil),
			optim.FixedStep("x", (*trappedDirection)(nil)),
		},
		reflect.TypeFor[*objective.Objective](): {(*objective.Objective)(nil), &objective.Objective{}},
		reflect.TypeFor[context.Context]():      {(context.Context)(nil), (*oddContext)(nil)},
		reflect.TypeFor[*optim.Checkpoint]():    {(*optim.Checkpoint)(nil), &optim.Checkpoint{}},
		reflect.TypeFor[*sciml.Solution]():      {(*sciml.Solution)(nil), &sciml.Solution{}},
	}
}

type oddContext struct{ context.Context }

// TestOddArguments: functions that return errors do so for nil, for nil within an interface and for literals of types that have a
// constructor, one such argument at a time.
func TestOddArguments(t *testing.T) {
	b := pureGo(t)
	ctx := context.Background()
	mlp, err := nn.NewMLP(nn.Tanh, 1, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	obj, err := objective.FromFunction(1, func(theta, gradient []float64) float64 { gradient[0] = 2 * theta[0]; return theta[0] * theta[0] })
	if err != nil {
		t.Fatal(err)
	}
	box, err := pde.NewInterval("x", 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	options := func(o sciml.Options) sciml.Options {
		o.Backend, o.Iterations, o.Loss.Interior = b, 2, 4
		return o
	}
	theta := []float64{1}
	functions := map[string]any{
		"sciml.Solve": func(c context.Context, p *pde.Problem) error {
			_, err := sciml.Solve(c, p, options(sciml.Options{}))
			return err
		},
		"sciml.Options.Network": func(n nn.Network) error {
			_, err := sciml.Solve(ctx, pde.Poisson1D(), options(sciml.Options{Network: orMissing(n)}))
			return err
		},
		"sciml.Options.Method": func(m optim.Method) error {
			_, err := sciml.Solve(ctx, pde.Poisson1D(), options(sciml.Options{Method: orMissing(m)}))
			return err
		},
		"sciml.Resume": func(c context.Context, p *pde.Problem) error {
			_, err := sciml.Resume(c, "/none", p, sciml.Options{})
			return err
		},
		"sciml.DefaultNetwork": func(p *pde.Problem) error { _, err := sciml.DefaultNetwork(p, false); return err },
		"sciml.Convergence":    func(s *sciml.Solution) error { _, err := sciml.Convergence("", s); return err },
		"sciml.Load":           func(p *pde.Problem) error { _, err := sciml.Load("/none", p); return err },
		"Solution.For":         func(s *sciml.Solution, p *pde.Problem) error { _, err := s.For(p); return err },
		"Solution.Maps":        func(s *sciml.Solution, c context.Context) error { _, err := s.Maps(c); return err },
		"Solution.Errors":      func(s *sciml.Solution, c context.Context) error { _, err := s.Errors(c, "", 3); return err },
		"pde.Problem.Check":    (*pde.Problem).Check,
		"pde.CheckDomain":      pde.CheckDomain,
		"pde.Union":            func(d pde.Domain) error { _, err := pde.Union(d, box); return err },
		"pde.Intersection":     func(d pde.Domain) error { _, err := pde.Intersection(box, d); return err },
		"pde.Difference":       func(d pde.Domain) error { _, err := pde.Difference(d, d); return err },
		"pde.Integral":         func(d pde.Domain) error { return withCondition(pde.Integral("i", d, (*pde.Fields).U, 1)) },
		"pde.BoundaryIntegral": func(d pde.Domain) error { return withCondition(pde.BoundaryIntegral("i", d, (*pde.Fields).U, 1)) },
		"pde.Over":             func(d pde.Domain) error { _, err := pde.Over(d, "t", 0, 1); return err },
		"sample.Interior":      func(d pde.Domain) error { _, err := sample.Sobol{}.Interior(d, 4); return err },
		"sample.Boundary":      func(d pde.Domain) error { _, err := sample.Uniform{}.Boundary(d, 4); return err },
		"sample.Grid":          func(d pde.Domain) error { _, err := sample.Grid{}.Interior(d, 4); return err },
		"sample.Refine": func(d pde.Domain) error {
			_, err := sample.R3{}.Refine(d, &sample.Points{Dim: 1}, nil, nil)
			return err
		},
		"nn.Mapped":       func(n nn.Network) error { _, err := nn.Mapped(n); return err },
		"nn.Marshal":      func(n nn.Network) error { _, err := nn.Marshal(n); return err },
		"nn.CheckNetwork": nn.CheckNetwork,
		"pinn.New":        func(p *pde.Problem, n nn.Network) error { _, err := pinn.New(b, p, n, pinn.Options{}); return err },
		"optim.Minimize": func(c context.Context, o *objective.Objective) error {
			_, err := optim.Minimize(c, o, theta, optim.Adam{}, optim.Options{})
			return err
		},
		"optim.Minimize, method": func(m optim.Method) error {
			_, err := optim.Minimize(ctx, obj, theta, m, optim.Options{MaxIterations: 2})
			return err
		},
		"optim.Resume": func(c context.Context, o *objective.Objective, k *optim.Checkpoint) error {
			_, err := optim.Resume(c, o, k, optim.Adam{}, optim.Options{})
			return err
		},
		"diagnose.Explain":   func(c context.Context) error { _, err := diagnose.Explain(c, diagnose.Evidence{}); return err },
		"sciml.ExplainSoFar": func(c context.Context) error { _, err := sciml.ExplainSoFar(c, &optim.History{}); return err },
		"sciml.Explain":      func(c context.Context, s *sciml.Solution) error { _, err := s.Explain(c); return err },
		"pinn.Model.Slabs":   func(c context.Context) error { _, err := model(t, b).Slabs(c, theta, 1); return err },
		"diagnose.LossAlong": func(c context.Context, o *objective.Objective) error {
			_, err := diagnose.LossAlong(c, o, theta, theta, []float64{0, 1})
			return err
		},
		"diagnose.Plane.Surface": func(c context.Context, o *objective.Objective) error {
			_, err := (&diagnose.Plane{Origin: theta, First: theta, Second: theta}).Surface(c, o, []float64{0, 1}, []float64{0, 1})
			return err
		},
		"diagnose.RandomPlane": func(o *objective.Objective) error { _, err := diagnose.RandomPlane(o, theta, 0); return err },
		"diagnose.Conflicts": func(c context.Context, o *objective.Objective) error {
			_, err := diagnose.Conflicts(c, o, theta)
			return err
		},
		"diagnose.NoiseBySize": func(c context.Context, o *objective.Objective) error {
			_, err := diagnose.NoiseBySize(c, o, theta, []int{1}, objective.Batches{}, 0)
			return err
		},
		"diagnose.ProbeStep": func(c context.Context, o *objective.Objective) error {
			_, err := diagnose.ProbeStep(c, o, theta, theta)
			return err
		},
		"diagnose.Hessian": func(c context.Context, o *objective.Objective) error {
			_, err := diagnose.Hessian(c, o, theta)
			return err
		},
		"diagnose.GaussNewton": func(c context.Context, o *objective.Objective) error {
			_, err := diagnose.GaussNewton(c, o, theta)
			return err
		},
		"diagnose.Kernel": func(c context.Context, o *objective.Objective) error {
			_, err := diagnose.Kernel(c, o, theta)
			return err
		},
		"diagnose.NewTangentKernel": func(c context.Context, o *objective.Objective) error {
			_, err := diagnose.NewTangentKernel(c, o, theta)
			return err
		},
		"objective.NewEvaluator": objective.NewEvaluator,
		"objective.NewCurvature": func(o *objective.Objective) error {
			_, err := objective.NewCurvature(o, objective.HessianMatrix)
			return err
		},
		"objective.NewLinearizer":    func(o *objective.Objective) error { _, err := objective.NewLinearizer(o, 0); return err },
		"objective.NewTermEvaluator": objective.NewTermEvaluator,
		"objective.Noise": func(o *objective.Objective) error {
			_, err := objective.Noise(o, theta, objective.Batches{}, 0)
			return err
		},
		"objective.Restrict":        func(o *objective.Objective) error { _, err := objective.Restrict(o, theta, theta); return err },
		"Objective.Diagnose":        func(o *objective.Objective) error { _, err := o.Diagnose(theta); return err },
		"Batches.Sampler":           func(o *objective.Objective) error { _, err := objective.Batches{}.Sampler(o, "x"); return err },
		"reference.Cavity":          func(c context.Context) error { _, err := reference.Cavity(c, 100); return err },
		"reference.KortewegDeVries": func(c context.Context) error { _, err := reference.KortewegDeVries(c); return err },
		"pde.Problem.Solution":      func(c context.Context) error { _, err := pde.KdVCosine().Solution(c); return err },
		"install.CPU":               func(c context.Context) error { return install.CPU(c, nil) },
		"install.CUDA":              func(c context.Context) error { return install.CUDA(c, nil) },
		"install.Lock":              func(c context.Context) error { _, err := install.Lock(c, t.TempDir(), "x", nil); return err },
		"install.Python":            func(c context.Context) error { _, err := install.Python(c, t.TempDir(), nil); return err },
		"install.Requirements":      func(c context.Context) error { return install.Requirements(c, t.TempDir(), "x", nil, nil) },
		"pinn.Model.Prepare":        func(c context.Context) error { return model(t, b).Prepare(c) },
		"pinn.Model.Monitor":        func(c context.Context) error { _, err := model(t, b).Monitor(c, tensors.FromValue(theta)); return err },
	}
	good := map[reflect.Type]any{
		reflect.TypeFor[context.Context](): ctx, reflect.TypeFor[*pde.Problem](): pde.Poisson1D(), reflect.TypeFor[nn.Network](): mlp,
		reflect.TypeFor[*objective.Objective](): obj, reflect.TypeFor[*optim.Checkpoint](): &optim.Checkpoint{}, reflect.TypeFor[*sciml.Solution](): &sciml.Solution{},
	}
	all := odd(t)
	for name, function := range functions {
		f := reflect.ValueOf(function)
		for i := range f.Type().NumIn() {
			for _, value := range all[f.Type().In(i)] {
				args := make([]reflect.Value, f.Type().NumIn())
				for k := range args {
					args[k] = reflect.New(f.Type().In(k)).Elem()
					given := good[f.Type().In(k)]
					if k == i {
						given = value
					}
					if given != nil {
						args[k].Set(reflect.ValueOf(given))
					}
				}
				if err := call(t, fmt.Sprintf("%s of %T %+v", name, value, value), f, args...); err == nil {
					t.Errorf("%s of %T %+v: no error", name, value, value)
				} else if strings.Contains(err.Error(), "nil pointer dereference") && !strings.Contains(err.Error(), "method") && !strings.Contains(err.Error(), "_test.go") {
					t.Errorf("%s of %T: error %v, want one that says what was expected", name, value, err)
				}
			}
		}
	}
}

// withCondition checks a problem with one.
func withCondition(c pde.Condition) error {
	p := pde.Poisson1D()
	p.Ansatz, p.Exactly, p.Conditions = nil, nil, []pde.Condition{c}
	return p.Check()
}

// orMissing puts something that is no network, or no method, in the place of nil, which is an option that was left out.
func orMissing[T any](v T) T {
	if any(v) != nil {
		return v
	}
	switch p := any(&v).(type) {
	case *nn.Network:
		*p = &nn.MLP{}
	case *optim.Method:
		*p = optim.Hybrid{}
	}
	return v
}

// model is a small one.
func model(t *testing.T, b compute.Backend) *pinn.Model {
	network, err := nn.NewMLP(nn.Tanh, 1, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	m, err := pinn.New(b, pde.Poisson1D(), network, pinn.Options{Interior: 4})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestOddOptions: nil within an interface is refused by the name of the option.
func TestOddOptions(t *testing.T) {
	for name, o := range map[string]sciml.Options{
		"Options.Sampler":   {Loss: pinn.Options{Sampler: (*sample.Sobol)(nil)}},
		"Options.Refiner":   {Loss: pinn.Options{Refiner: (*sample.RAD)(nil)}},
		"Options.Weighting": {Loss: pinn.Options{Weighting: (*pinn.GradNorm)(nil)}},
		"Options.Form":      {Loss: pinn.Options{Form: (*pinn.DeepRitz)(nil)}},
		"Options.Network":   {Network: (*nn.MLP)(nil)},
		"Options.Method":    {Method: (*optim.Adam)(nil)},
	} {
		o.Backend, o.Iterations = pureGo(t), 2
		if _, err := sciml.Solve(context.Background(), pde.Poisson1D(), o); err == nil || !strings.Contains(err.Error(), name+" is a nil *") {
			t.Errorf("error %v, want one that says that %s is a nil pointer", err, name)
		}
	}
	obj, err := objective.FromFunction(1, func(_, _ []float64) float64 { return 1 })
	if err != nil {
		t.Fatal(err)
	}
	_, err = optim.Minimize(context.Background(), obj, []float64{1}, optim.Adam{}, optim.Options{Until: (*optim.Stalled)(nil)})
	if err == nil || !strings.Contains(err.Error(), "Options.Until is a nil *optim.Stalled") {
		t.Errorf("error %v, want one that says that Options.Until is a nil pointer", err)
	}
}
