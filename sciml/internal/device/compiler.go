package device

import (
	"context"
	"fmt"

	"github.com/gomlx/compute"
)

// Compiler is a back end, and for how long somebody waits for programs that it compiles.
type Compiler struct {
	Backend compute.Backend
	// Context ends the wait for a compilation, which goes on beside; nil for never.
	Context context.Context
}

// Beside does work that cannot be interrupted, such as building or compiling a graph, and waits for it until the context is
// done: then it returns an *Interrupted, which wraps the error of the context, and the work goes on in a goroutine. So it must not write to
// what others use, unless it is done. A panic is the caller's, if he is still there.
func (c Compiler) Beside(what string, work func() error) error {
	if c.Context == nil || c.Context.Done() == nil {
		return work()
	}
	if err := c.Context.Err(); err != nil {
		return &Interrupted{What: what, Cause: err}
	}
	type outcome struct {
		err      error
		panicked any
	}
	done := make(chan outcome, 1)
	go func() {
		out := outcome{panicked: aborted}
		defer func() {
			if r := recover(); r != nil {
				out.panicked = r
			}
			done <- out
		}()
		out.err = work()
		out.panicked = nil
	}()
	select {
	case out := <-done:
		if out.panicked != nil {
			panic(out.panicked)
		}
		return out.err
	case <-c.Context.Done():
		return &Interrupted{What: what, Cause: c.Context.Err()}
	}
}

// Interrupted is the error of work that was not waited for.
type Interrupted struct {
	What  string // such as "compiling the direction program"
	Cause error  // of the context
}

// Error implements error.
func (e *Interrupted) Error() string {
	return fmt.Sprintf("device: %s was not waited for: %v", e.What, e.Cause)
}

// Unwrap gives the error of the context.
func (e *Interrupted) Unwrap() error { return e.Cause }

// aborted is the panic of work that ends its goroutine.
const aborted = "device: building a graph ended its goroutine"
