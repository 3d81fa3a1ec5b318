package device

import (
	"fmt"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// Loop repeats a body that may hold a gradient: within one program where the back end can, else call by call.
type Loop struct {
	program  *Program
	OnDevice bool
	changing int
}

// NewLoop makes a loop over variables of which the first ones change and the others stay as they are. The first of
// all says whether to go on. Body builds the new values of those that change.
func NewLoop(c Compiler, name string, changing int, body func(vars []*graph.Node) []*graph.Node) (*Loop, error) {
	l := &Loop{OnDevice: LoopsOnDevice(c.Backend), changing: changing}
	var err error
	l.program, err = NewProgram(c, name, func(initial []*graph.Node) []*graph.Node {
		if !l.OnDevice {
			return body(initial)
		}
		// All variables start as inputs, and the condition looks at a variable only:
		// a constant or a reduction that GoMLX has cached for one function of a graph is not valid in another.
		g := initial[0].Graph()
		parameters := func(g *graph.Graph) []*graph.Node {
			vars := make([]*graph.Node, len(initial))
			for i, v := range initial {
				vars[i] = graph.Parameter(g, fmt.Sprintf("v%d", i), v.Shape())
			}
			return vars
		}
		condition := graph.NewClosure(g, func(g *graph.Graph) []*graph.Node { return parameters(g)[:1] })
		iterate := graph.NewClosure(g, func(g *graph.Graph) []*graph.Node {
			vars := parameters(g)
			return append(body(vars), vars[changing:]...)
		})
		return graph.While(condition, iterate, initial...)[:changing]
	})
	return l, err
}

// Run returns the last values of the variables that change, from the first ones; the body runs at least once. What it is given
// stays as it is.
func (l *Loop) Run(first []*tensors.Tensor, constant ...[]*tensors.Tensor) ([]*tensors.Tensor, error) {
	vars := append([]*tensors.Tensor{tensors.FromScalar(true)}, first...)
	mine := vars[:1]
	for {
		out, err := l.program.Call(append([][]*tensors.Tensor{vars}, constant...)...)
		Free(mine)
		if err != nil {
			return nil, err
		}
		if l.OnDevice || !tensors.ToScalar[bool](out[0]) {
			Free(out[:1])
			return out[1:], nil
		}
		vars, mine = out, out
	}
}

// LoopsOnDevice reports whether a back end can run a While with a gradient inside. GoMLX's pure-Go one cannot, and a
// call to it costs next to nothing, so that there the loop is on the host.
func LoopsOnDevice(b compute.Backend) bool {
	return b.String() != gobackend.BackendName // its Name is not set
}
