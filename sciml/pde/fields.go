package pde

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/autodiff"
)

// Fields are the unknowns of a problem at N points: what residuals are made of. The embedded Derivatives are those of
// all unknowns together, u of shape [N, m]; D names a derivative by its coordinates, and Of picks one unknown.
//
// As everywhere in GoMLX, these graph-building functions report misuse by panicking with an error.
type Fields struct {
	*autodiff.Derivatives
	problem *Problem
	all     *Fields // the fields that Of was asked of
	inputs  Inputs
	masked  map[string]*graph.Node // directions within some of the axes
}

// Inputs are the nodes that Fields are made of. X and U are required.
type Inputs struct {
	// X are the points, shape [N, d], and U the unknowns there, shape [N, m].
	X, U *graph.Node
	// Normal are outer unit normals, shape [N, d], at points of the boundary.
	Normal *graph.Node
	// Values are a condition's data, shape [N, k].
	Values *graph.Node
	// Coefficients are the parameters of those of the problem (see Coefficient), shape [number of coefficients].
	Coefficients *graph.Node
	// Partner are the fields at the partner points of a periodic condition.
	Partner *Fields
	// Directions gives random directions, shape [R, N, d] (see autodiff.LaplacianEstimate), when a Laplacian is asked for, which is
	// then estimated. It is exact where they are nil, or this is.
	Directions func() *graph.Node
	// Asked is told of each call of Fields.Coefficient; nil for nobody.
	Asked func(coefficient string, value *graph.Node)
}

// NewFields makes the fields of a problem from their nodes; problem may be nil, and then nothing has a name.
func NewFields(problem *Problem, inputs Inputs) *Fields {
	if problem == nil {
		problem = &Problem{}
	}
	f := &Fields{Derivatives: autodiff.Of(inputs.U, inputs.X), problem: problem, inputs: inputs, masked: map[string]*graph.Node{}}
	f.all = f
	return f
}

// Axis is the number of the coordinate with the given name.
func (u *Fields) Axis(coordinate string) int {
	i := index(u.problem.Coordinates, coordinate)
	if i < 0 {
		panic(fmt.Errorf("pde: %q is not a coordinate of problem %q, expected one of %q", coordinate, u.problem.Name, u.problem.Coordinates))
	}
	return i
}

// D is a partial derivative by coordinates: D("t") is ∂u/∂t, D("x", "x") is ∂²u/∂x², of the shape of U.
func (u *Fields) D(coordinates ...string) *graph.Node {
	axes := make([]int, len(coordinates))
	for n, c := range coordinates {
		axes[n] = u.Axis(c)
	}
	return u.Partial(axes...)
}

// Laplacian is Δu = Σᵢ ∂²u/∂xᵢ² over the given axes, or over all of them when none is given; where Laplacians are estimated (see
// Inputs.Directions) it is the mean of second derivatives along directions within these axes.
func (u *Fields) Laplacian(axes ...int) *graph.Node {
	if u.inputs.Directions == nil {
		return u.Derivatives.Laplacian(axes...)
	}
	v := u.inputs.Directions()
	if v == nil {
		return u.Derivatives.Laplacian(axes...)
	}
	if len(axes) == 0 {
		return u.LaplacianEstimate(v)
	}
	key := fmt.Sprint(axes)
	if u.masked[key] == nil {
		mask := make([]float64, u.Dims())
		for _, i := range axes {
			u.Coordinate(i) // which checks it
			mask[i] = 1
		}
		within := graph.ConstAsDType(v.Graph(), v.DType(), [][][]float64{{mask}})
		u.masked[key] = graph.Mul(v, graph.BroadcastToShape(within, v.Shape()))
	}
	return u.LaplacianEstimate(u.masked[key])
}

// At is a coordinate of the points by name, shape [N, 1].
func (u *Fields) At(coordinate string) *graph.Node { return u.Coordinate(u.Axis(coordinate)) }

// Of is one unknown alone, U of shape [N, 1]. Derivatives are shared with those of u.
func (u *Fields) Of(unknown string) *Fields {
	i := index(u.problem.Unknowns, unknown)
	if i < 0 {
		panic(fmt.Errorf("pde: %q is not an unknown of problem %q, expected one of %q", unknown, u.problem.Name, u.problem.Unknowns))
	}
	if len(u.problem.Unknowns) == 1 {
		return u.all
	}
	one := *u.all
	one.Derivatives = u.all.For(graph.Slice(u.all.U(), graph.AxisRange(), graph.AxisElem(i)))
	return &one
}

// Normal are the outer unit normals, shape [N, d], on the boundary.
func (u *Fields) Normal() *graph.Node {
	return u.must(u.inputs.Normal, "normals are known on the boundary only")
}

// NormalDerivative is ∂u/∂n = n·∇u on the boundary, of the shape of U.
func (u *Fields) NormalDerivative() *graph.Node {
	normal := u.Normal()
	var total *graph.Node
	for i := range u.Dims() {
		term := graph.Mul(graph.Slice(normal, graph.AxisRange(), graph.AxisElem(i)), u.Partial(i))
		if total == nil {
			total = term
		} else {
			total = graph.Add(total, term)
		}
	}
	return total
}

// Values are the data of a condition, shape [N, k]: see Condition.Values.
func (u *Fields) Values() *graph.Node {
	return u.must(u.inputs.Values, "the condition has no Values")
}

// WithValues are the same fields with the data of another condition.
func (u *Fields) WithValues(values *graph.Node) *Fields {
	with := *u
	with.inputs.Values = values
	with.all = &with
	return &with
}

// Coefficient is an unknown number of an inverse problem, as a scalar: its value, whatever the parameter is.
func (u *Fields) Coefficient(name string) *graph.Node {
	for i, c := range u.problem.Coefficients {
		if c.Name == name {
			all := u.must(u.inputs.Coefficients, "there are no coefficients here")
			value := c.Build(graph.Reshape(graph.Slice(all, graph.AxisElem(i))))
			if u.inputs.Asked != nil {
				u.inputs.Asked(name, value)
			}
			return value
		}
	}
	panic(fmt.Errorf("pde: %q is not a coefficient of problem %q", name, u.problem.Name))
}

// Partner are the fields at the points that a periodic condition pairs with these.
func (u *Fields) Partner() *Fields {
	if u.inputs.Partner == nil {
		panic(fmt.Errorf("pde: a residual of problem %q asks for Partner, but its condition has none", u.problem.Name))
	}
	return u.inputs.Partner
}

func (u *Fields) must(node *graph.Node, why string) *graph.Node {
	if node == nil {
		panic(fmt.Errorf("pde: a residual of problem %q asks for what is not there: %s", u.problem.Name, why))
	}
	return node
}
