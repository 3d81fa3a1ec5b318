// Package device is the only place that compiles and calls programs, and the owner of the tensors on a device.
package device

import (
	"fmt"
	"slices"

	"github.com/gomlx/compute"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
)

// Program is a compiled graph with a name for its errors.
type Program struct {
	name string
	exec *graph.Exec
}

// NewProgram makes a program of a back end, which the first call compiles.
func NewProgram(b compute.Backend, name string, build func(inputs []*graph.Node) []*graph.Node) (*Program, error) {
	exec, err := graph.NewExec(b, build)
	if err != nil {
		return nil, fmt.Errorf("device: building the %s program: %w", name, err)
	}
	return &Program{name: name, exec: exec.WithName(name)}, nil
}

// Call runs the program on device tensors; the first call compiles it. The outputs belong to the caller, who frees them, by
// an Owner or by Free. The inputs stay as they are; large ones that came from the host are on the device alone afterwards.
func (p *Program) Call(groups ...[]*tensors.Tensor) ([]*tensors.Tensor, error) {
	var args []any
	var arriving []*tensors.Tensor // from the host
	for _, group := range groups {
		for _, t := range group {
			args = append(args, t)
			if t.Ok() && !t.IsOnAnyDevice() && !slices.Contains(arriving, t) {
				arriving = append(arriving, t)
			}
		}
	}
	out, err := p.exec.Call(args...)
	if err != nil {
		return nil, fmt.Errorf("device: running the %s program: %w", p.name, err)
	}
	for _, group := range groups {
		upload(group)
	}
	account(out, arriving)
	return out, nil
}
