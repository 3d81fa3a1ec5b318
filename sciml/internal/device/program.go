// Package device is the only place that compiles and calls programs, and the owner of the tensors on a device.
package device

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/gomlx/compute/gobackend"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
)

// Program is a compiled graph with a name for its errors.
type Program struct {
	name     string
	exec     *graph.Exec
	compiler Compiler
	compiled *compiled
}

// compiled are the shapes of inputs that a program was compiled for.
type compiled struct {
	sync.Mutex
	shapes [][]shapes.Shape
	built  func(outputs []*graph.Node) // called when a graph is built; nil for nobody
}

func (c *compiled) tell(outputs []*graph.Node) {
	c.Lock()
	built := c.built
	c.Unlock()
	if built != nil {
		built(outputs)
	}
}

func (c *compiled) watch(built func(outputs []*graph.Node)) {
	c.Lock()
	defer c.Unlock()
	c.built = built
}

func (c *compiled) has(inputs []shapes.Shape) bool {
	c.Lock()
	defer c.Unlock()
	return slices.ContainsFunc(c.shapes, func(of []shapes.Shape) bool { return slices.EqualFunc(of, inputs, shapes.Shape.Equal) })
}

// add notes shapes that the program was compiled for; that they may be there twice, when two have waited for it, does no harm.
func (c *compiled) add(inputs []shapes.Shape) {
	c.Lock()
	defer c.Unlock()
	c.shapes = append(c.shapes, inputs)
}

// NewProgram makes a program, which the first call compiles. What panics in build is the error of that call.
func NewProgram(c Compiler, name string, build func(inputs []*graph.Node) []*graph.Node) (*Program, error) {
	state := &compiled{}
	exec, err := graph.NewExec(c.Backend, func(inputs []*graph.Node) []*graph.Node {
		var outputs []*graph.Node
		if err := usercode.Call("", func() error { outputs = build(inputs); return nil }); err != nil {
			panic(&buildError{err})
		}
		state.tell(outputs)
		return outputs
	})
	if err != nil {
		return nil, fmt.Errorf("device: building the %s program: %w", name, err)
	}
	return &Program{name: name, exec: exec.WithName(name), compiler: c, compiled: state}, nil
}

// Within is the same program for somebody who waits for its compilation until ctx is done. It is compiled once for all.
func (p *Program) Within(ctx context.Context) *Program {
	own := *p
	own.compiler.Context = ctx
	return &own
}

// buildError is why a graph could not be built: GoMLX puts words of its own before it.
type buildError struct{ cause error }

func (e *buildError) Error() string { return e.cause.Error() }
func (e *buildError) Unwrap() error { return e.cause }

// failed says why a compilation or a call failed, in which doing is said; the cause is first.
func (p *Program) failed(doing string, err error) error {
	var build *buildError
	if !errors.As(err, &build) {
		return fmt.Errorf("device: %s the %s program: %w", doing, p.name, err)
	}
	var users *usercode.Error
	if errors.As(err, &users) {
		return users
	}
	return fmt.Errorf("%w, in building the %s program", build.cause, p.name)
}

// Call runs the program on device tensors; the first call compiles it, or fails when the context is done before that is: then
// its error wraps that of the context. A program that is compiled runs even then, as that is short. The outputs belong to the
// caller, who frees them, by an Owner or by Free. The inputs stay as they are; large ones that came from the host are on the
// device alone afterwards.
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
	if err := p.compile(groups); err != nil {
		return nil, err
	}
	out, err := p.exec.Call(args...)
	if err != nil {
		return nil, p.failed("running", err)
	}
	for _, group := range groups {
		upload(group)
	}
	account(out, arriving)
	return out, nil
}

// compile has the program compiled for these inputs, unless it is.
func (p *Program) compile(groups [][]*tensors.Tensor) error {
	var inputs []shapes.Shape
	for _, group := range groups {
		for _, t := range group {
			if !t.Ok() {
				return nil // the call says so
			}
			inputs = append(inputs, t.Shape())
		}
	}
	if p.compiled.has(inputs) {
		return nil
	}
	_, err := Beside(p.compiler.Context, 0, "compiling the "+p.name+" program", func() (struct{}, error) {
		return struct{}{}, p.compileFor(inputs)
	})
	return err
}

// compileFor compiles the program, or waits until another goroutine has.
func (p *Program) compileFor(inputs []shapes.Shape) error {
	if _, err := p.exec.Compile(inputs...); err != nil {
		return p.failed("compiling", err)
	}
	p.compiled.add(inputs)
	return nil
}

// Ahead has the program compiled for inputs of these shapes beside what the caller does next, and returns the shapes of its outputs,
// so that programs that follow one another are compiled at the same time. The graph is built before it returns: what users write runs
// in one goroutine at a time. It returns nil, and leaves all to the first call, where it cannot be built, where the context is done
// before that, and on the pure-Go back end, which hardly compiles.
func (p *Program) Ahead(groups ...[]shapes.Shape) []shapes.Shape {
	inputs := slices.Concat(groups...)
	if p.compiler.Backend.String() == gobackend.BackendName || p.compiled.has(inputs) {
		return nil
	}
	built := make(chan []shapes.Shape, 1)
	p.compiled.watch(func(outputs []*graph.Node) {
		made := make([]shapes.Shape, len(outputs))
		for i, o := range outputs {
			made[i] = o.Shape()
		}
		built <- made
	})
	defer p.compiled.watch(nil)
	go func() {
		defer close(built)
		_ = usercode.Call("", func() error { return p.compileFor(inputs) }) // what is wrong is for the call to say
	}()
	var done <-chan struct{}
	if ctx := p.compiler.Context; ctx != nil {
		done = ctx.Done()
	}
	select {
	case outputs := <-built:
		return outputs
	case <-done:
		return nil
	}
}

// ShapesOf are the shapes of tensors, as Ahead takes them.
func ShapesOf(all []*tensors.Tensor) []shapes.Shape {
	found := make([]shapes.Shape, len(all))
	for i, t := range all {
		found[i] = t.Shape()
	}
	return found
}
