package optim

import (
	"fmt"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// deviceLoop repeats a body that may hold a gradient: within one program where the back end can, else call by call.
type deviceLoop struct {
	program  *program
	onDevice bool
	changing int
}

// newDeviceLoop makes a loop over variables of which the first ones change and the others stay as they are. The first of
// all says whether to go on. Body builds the new values of those that change.
func newDeviceLoop(obj *Objective, name string, changing int, body func(vars []*graph.Node) []*graph.Node) (*deviceLoop, error) {
	l := &deviceLoop{onDevice: loopsOnDevice(obj.Backend), changing: changing}
	var err error
	l.program, err = newProgram(obj, name, func(initial []*graph.Node) []*graph.Node {
		if !l.onDevice {
			return body(initial)
		}
		// All variables start as inputs, and the condition looks at a variable only: see buildFixedStep.
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

// run returns the last values of the variables that change, from the first ones; the body runs at least once.
func (l *deviceLoop) run(first []*tensors.Tensor, constant ...[]*tensors.Tensor) ([]*tensors.Tensor, error) {
	on := tensors.FromScalar(true)
	vars := append([]*tensors.Tensor{on}, first...)
	for {
		out, err := l.program.call(append([][]*tensors.Tensor{vars}, constant...)...)
		if err != nil {
			return nil, err
		}
		if l.onDevice || !tensors.ToScalar[bool](out[0]) {
			return out[1:], nil
		}
		vars = out
	}
}
