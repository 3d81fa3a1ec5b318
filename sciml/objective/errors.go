package objective

import (
	"context"
	"errors"
	"fmt"

	"github.com/gosciml/gosciml/sciml/internal/device"
)

// ErrUnsuitable is what errors.Is finds in an error that says that a method, or another question, does not suit an objective:
// it asks for residuals, samples, blocks or a graph that are not there, or that interact.
var ErrUnsuitable = errors.New("this does not suit the objective")

// ErrTooLarge is what errors.Is finds in an error that says that matrices would not fit into the memory that is allowed.
var ErrTooLarge = errors.New("too large for the memory that is allowed")

// ofKind is an error that is one of those above, without their words.
type ofKind struct {
	error
	kind error
}

func (e ofKind) Is(target error) bool { return target == e.kind }

func (e ofKind) Unwrap() error { return e.error }

// Unsuitable makes an ErrUnsuitable, with the words of fmt.Errorf. One of work that was not waited for stays what it is: nothing is
// known then.
func Unsuitable(format string, args ...any) error {
	for _, arg := range args {
		if err, ok := arg.(error); ok && device.IsInterrupted(err) {
			return err
		}
	}
	return ofKind{fmt.Errorf(format, args...), ErrUnsuitable}
}

// unlessCut makes an ErrUnsuitable of an error met while a graph was built, unless it is that nobody waits for that.
func unlessCut(err error, format string, args ...any) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf(format, args...)
	}
	return Unsuitable(format, args...)
}

// TooLarge makes an ErrTooLarge, with the words of fmt.Errorf.
func TooLarge(format string, args ...any) error {
	return ofKind{fmt.Errorf(format, args...), ErrTooLarge}
}

// errNil is for questions to no objective.
var errNil = errors.New("objective: the objective is nil")

// literal is the error of a value of a type that has a constructor, which did not make it.
func literal(what string) error {
	return fmt.Errorf("objective: the %s is nil or a literal, expected one that its constructor made", what)
}
