package device

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/gomlx/compute"
)

// Compiler is a back end, and for how long somebody waits for programs that it compiles.
type Compiler struct {
	Backend compute.Backend
	// Context ends the wait for a compilation, which goes on beside; nil for never.
	Context context.Context
}

// Grace is for how long a run that has to end waits for what belongs to its result, or for what hardly takes any time.
const Grace = 200 * time.Millisecond

// Beside does work that cannot be interrupted, such as building or compiling a graph, and returns what it gives, or an *Interrupted
// when ctx is done and some grace has passed before that; nil is a context that never is. The work then goes on in a goroutine to
// its end, and so must not write to what others use. A panic is the caller's, if he is still there.
func Beside[T any](ctx context.Context, grace time.Duration, what string, work func() (T, error)) (T, error) {
	if ctx == nil || ctx.Done() == nil {
		return work()
	}
	var none T
	if err := ctx.Err(); err != nil && grace == 0 {
		return none, &Interrupted{What: what, Cause: err}
	}
	type outcome struct {
		value    T
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
		out.value, out.err = work()
		out.panicked = nil
	}()
	end := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, func() { close(end) }) })
	defer stop()
	select {
	case out := <-done:
		if out.panicked != nil {
			panic(out.panicked)
		}
		return out.value, out.err
	case <-end:
		return none, &Interrupted{What: what, Cause: ctx.Err()}
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

// IsInterrupted reports whether an error is that of work that was not waited for.
func IsInterrupted(err error) bool {
	var cut *Interrupted
	return errors.As(err, &cut)
}

// aborted is the panic of work that ends its goroutine.
const aborted = "device: building a graph ended its goroutine"
