package nn

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
)

// ModelFn is a GoMLX model: it builds u(x) of shape [N, outputs] from points of shape [N, inputs], with its variables in
// scope.
type ModelFn func(scope *model.Scope, x *graph.Node) *graph.Node

// Model is a network made of a GoMLX model function. Its trainable variables, in the order of their paths, are θ; other
// variables (frozen layers, averages) keep the values that the store has. See FromModel.
type Model struct {
	backend  compute.Backend
	store    *model.Store
	build    ModelFn
	dtype    dtypes.DType
	inputs   int
	outputs  int
	params   int
	blocks   []Block           // of the trainable variables
	trained  []*model.Variable // one for each block
	constant []*model.Variable
	scope    string // that no other variable of a graph is under
}

// models counts models, to tell their variables apart within one graph.
var models atomic.Int64

// FromModel makes a network of a GoMLX model function, with variables in a store:
//
//	store := model.NewStore()
//	network, err := nn.FromModel(backend, store, dtypes.Float64, 2, func(scope *model.Scope, x *graph.Node) *graph.Node {
//		return fnn.New(scope, x, 1).NumHiddenLayers(2, 32).Activation(activation.TypeTanh).Done()
//	})
//
// Variables that the store lacks are created, in the given type (float64 or float32), and given initial values; those
// it has, from a checkpoint for example, keep theirs: Theta returns them. After Write the store is that of an ordinary
// GoMLX model, for GoMLX's executors and checkpoints.
//
// The function is built outside of training (no dropout, averages of batch normalization as they are), and its
// regularization is not part of the network. GoMLX's batch normalization needs UseBackendInference(false): the fused
// operation has no gradient in GoMLX. The function must work in whatever type its points have, and must use the scope it
// is given, not one of its own.
//
// It returns an error for arguments that are nil or make no sense, and when the function fails, draws random numbers,
// changes variables, has none to train, or returns another shape than [N, outputs].
func FromModel(b compute.Backend, store *model.Store, dtype dtypes.DType, inputs int, build ModelFn) (*Model, error) {
	const who = "nn.FromModel"
	switch {
	case usercode.Nil(b):
		return nil, errors.New(who + ": the back end is nil, expected an open one such as backend.Open gives")
	case store == nil:
		return nil, errors.New(who + ": the store is nil, expected one such as model.NewStore gives")
	case build == nil:
		return nil, errors.New(who + ": the model function is nil")
	case dtype != dtypes.Float64 && dtype != dtypes.Float32:
		return nil, fmt.Errorf("%s: dtype is %s, expected float64 or float32", who, dtype)
	}
	if err := atLeastOne(who, "inputs", inputs); err != nil {
		return nil, err
	}
	m := &Model{backend: b, store: store, build: build, dtype: dtype, inputs: inputs}
	m.scope = fmt.Sprintf("/nn.Model %d", models.Add(1))
	if err := m.discover(); err != nil {
		return nil, fmt.Errorf("%s: %w", who, err)
	}
	if err := store.InitializeVariables(b, nil); err != nil {
		return nil, fmt.Errorf("%s: giving the variables of the store initial values: %w", who, err)
	}
	// Once more as Apply will, and as Init will, so that they do not fail later.
	if err := m.try(func(x *graph.Node) { m.Apply(graph.Zeros(x.Graph(), shapes.Make(dtype, m.params)), x) }); err != nil {
		return nil, fmt.Errorf("%s: %w", who, err)
	}
	if _, err := m.initial(0); err != nil {
		return nil, fmt.Errorf("%s: %w", who, err)
	}
	return m, nil
}

// try builds a graph of points that is never run.
func (m *Model) try(build func(x *graph.Node)) error {
	g := graph.NewGraph(m.backend, m.scope)
	defer g.Finalize()
	return usercode.Call("model function", func() error {
		build(graph.Parameter(g, "x", shapes.Make(m.dtype, 3, m.inputs)))
		return nil
	})
}

// discover builds the model on the store itself, which creates its variables, and lists them.
func (m *Model) discover() error {
	return m.try(func(x *graph.Node) {
		g := x.Graph()
		model.SetStore(g, m.store)
		y := m.build(m.store.RootScope(), x)
		if y == nil || y.Rank() != 2 || y.Shape().Dimensions[0] != x.Shape().Dimensions[0] || y.DType() != m.dtype {
			exceptions.Panicf("for points of shape %s the model function returns %s, expected the type of the points and shape [%d, outputs]",
				x.Shape(), shapeOf(y), x.Shape().Dimensions[0])
		}
		m.outputs = y.Shape().Dimensions[1]
		for v := range m.store.IterVariables() {
			switch {
			case !v.InUseByGraph(g):
			case v.Name() == model.RNGStateVariableName:
				exceptions.Panicf("the model function draws random numbers: a network is a function of θ and x alone")
			case v.ChangedInGraph(g):
				exceptions.Panicf("the model function changes its variable %q: a network is a function of θ and x alone", v.Path())
			case v.Trainable && v.Shape().DType != m.dtype:
				exceptions.Panicf("the trainable variable %q has type %s, expected %s, the type that was asked for", v.Path(), v.Shape().DType, m.dtype)
			case v.Trainable:
				m.trained = append(m.trained, v)
			default:
				m.constant = append(m.constant, v)
			}
		}
		if len(m.trained) == 0 {
			exceptions.Panicf("the model function uses no trainable variable of the store, expected at least one in the scope that it is given")
		}
		if len(m.trained)+len(m.constant)+1 != g.NumParameters() && !m.store.VariablesAsConst() { // one more is x
			exceptions.Panicf("the model function uses variables of another store, expected those in the scope that it is given")
		}
		slices.SortFunc(m.trained, func(a, b *model.Variable) int { return strings.Compare(a.Path(), b.Path()) })
		for _, v := range m.trained {
			b := Block{Name: strings.TrimPrefix(v.Path(), model.ScopeSeparator), Offset: m.params, Dims: slices.Clone(v.Shape().Dimensions)}
			m.blocks = append(m.blocks, b)
			m.params += b.Size()
		}
	})
}

func shapeOf(y *graph.Node) string {
	if y == nil {
		return "nil"
	}
	return y.Shape().String()
}

// Apply implements Network.
func (m *Model) Apply(theta, x *graph.Node) *graph.Node {
	checkTheta(m.String(), theta, m.params)
	checkInput(m.String(), x, m.inputs)
	g := x.Graph()
	stand := m.standIn(x)
	before := model.GetStore(g)
	model.SetStore(g, stand)
	defer model.SetStore(g, before)
	parameters := g.NumParameters()
	for k, v := range m.trained {
		stand.GetVariable(m.scope + v.Path()).SetNodeValue(graph.ConvertDType(m.blocks[k].From(theta), x.DType()))
	}
	y := m.build(stand.Scope(m.scope), x)
	if g.NumParameters() != parameters { // a variable that is not one of the stand-ins
		panic(fmt.Errorf("nn: %s uses variables that are not in the scope that it is given, or that it did not use when FromModel made it, for points of shape %s", m, x.Shape()))
	}
	return y
}

// standIn is a store for one build of the graph of x, with the model's variables of the type of x under the model's own
// scope. A GoMLX variable is a parameter of the graph, which only GoMLX's executor can feed, unless it is a constant: so
// all are constants at first, and Apply puts the pieces of θ in their place.
func (m *Model) standIn(x *graph.Node) *model.Store {
	stand := model.NewStore()
	for path, value := range m.store.IterParams() {
		stand.SetParam(path, value)
		stand.SetParam(m.scope+path, value)
	}
	create := func(v *model.Variable, value *tensors.Tensor) *model.Variable {
		created, err := stand.CreateVariable(m.scope+v.Path(), value)
		if err != nil {
			panic(fmt.Errorf("nn: %s: %w", m, err))
		}
		return created.SetTrainable(v.Trainable)
	}
	stand.WithVariableAsConst(true)
	for _, v := range m.trained {
		create(v, tensors.FromShape(shapes.Make(x.DType(), v.Shape().Dimensions...))).NodeValue(x)
	}
	for _, v := range m.constant {
		value, err := v.Value()
		if err == nil && v.Shape().DType == m.dtype {
			value, err = converted(value, x.DType())
		}
		if err != nil {
			panic(fmt.Errorf("nn: %s: the value of its variable %q: %w", m, v.Path(), err))
		}
		create(v, value).NodeValue(x)
	}
	return stand.WithVariableAsConst(false)
}

// Inputs implements Network.
func (m *Model) Inputs() int { return m.inputs }

// Outputs implements Network.
func (m *Model) Outputs() int { return m.outputs }

// NumParams implements Network.
func (m *Model) NumParams() int { return m.params }

// Blocks implements Network: one for each trainable variable, named by its path.
func (m *Model) Blocks() []Block { return m.blocks }

// String implements Network.
func (m *Model) String() string {
	return fmt.Sprintf("GoMLX model %d→%d of %d parameters", m.inputs, m.outputs, m.params)
}

// Store is where the model's variables are.
func (m *Model) Store() *model.Store { return m.store }
