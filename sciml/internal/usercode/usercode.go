// Package usercode is the border to code that is not this library's: residuals, callbacks, methods and whatever else a user
// brings. A panic there becomes an error that says whose code it was and where, before anything else.
package usercode

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"
	"strings"
)

// Error is a failure in a user's code.
type Error struct {
	// What is the code by its name, such as `equation "heat"`; empty until a caller knows it.
	What string
	// Place is the line in the user's code, as Go reports it; empty where the failure is not in any.
	Place string
	// Err is what went wrong there.
	Err error
}

// Error is one line: what, where, and what went wrong.
func (e *Error) Error() string {
	where := e.What
	switch {
	case e.Place != "" && where != "":
		where += " (" + e.Place + ")"
	case e.Place != "":
		where = e.Place
	}
	if where == "" {
		return e.Err.Error()
	}
	return where + ": " + e.Err.Error()
}

// Unwrap is what went wrong.
func (e *Error) Unwrap() error { return e.Err }

// Call calls f, which calls code of that name. A panic becomes an Error; an error that f returns stays as it is, but that an Error
// of nobody gets the name.
func Call(what string, f func() error) (err error) {
	defer func() {
		if cause := recover(); cause != nil {
			err = caught(what, cause)
		}
	}()
	err = f()
	if e, ok := err.(*Error); ok && e.What == "" {
		err = &Error{What: what, Place: e.Place, Err: e.Err}
	}
	return err
}

// Build is Call for functions that build graphs, and so report an error by a panic: any panic becomes one with an Error, which
// GoMLX passes on whereas it lets others through.
func Build[T any](what string, f func() T) (made T) {
	if err := Call(what, func() error { made = f(); return nil }); err != nil {
		panic(err)
	}
	return made
}

// Wrong is an error about what a function of the user's gave, with the line where that function is written.
func Wrong(function any, format string, args ...any) error {
	return &Error{Place: written(function), Err: fmt.Errorf(format, args...)}
}

// First is the failure in a user's code that err tells of, without what others have put before it; err itself where there is
// none.
func First(err error) error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return err
}

// Nil reports whether an interface holds nothing, or a nil pointer, map or function, which it does not say by itself.
func Nil(v any) bool {
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Invalid:
		return true
	case reflect.Pointer, reflect.Map, reflect.Func, reflect.Chan, reflect.Interface:
		return r.IsNil()
	}
	return false
}

// CheckContext reports a context that is nil, to a function of that name or package.
func CheckContext(of string, ctx context.Context) error {
	if Nil(ctx) {
		return errors.New(of + ": the context is nil, expected for example context.Background()")
	}
	return nil
}

// caught is the Error of a panic. It is for the deferred function of Call.
func caught(what string, cause any) error {
	err, isError := cause.(error)
	if !isError {
		err = fmt.Errorf("%v", cause)
	}
	var known *Error
	if errors.As(err, &known) { // from further inside, where more is known
		e := *known
		if e.What == "" {
			e.What = what
		}
		if e.Place == "" {
			e.Place = failed(false)
		}
		return &e
	}
	var fault runtime.Error
	e := &Error{What: what, Place: failed(errors.As(err, &fault)), Err: err}
	if e.What == "" && e.Place == "" { // nobody's
		return err
	}
	return e
}

// failed is the line of the innermost call of the user's code below Call, that of a package from elsewhere if there is no
// other. Of a fault that is this library's own it is the line here.
func failed(fault bool) string {
	counters := make([]uintptr, 512)
	frames := runtime.CallersFrames(counters[:runtime.Callers(4, counters)]) // without this, caught, and the deferred function
	elsewhere, own := "", ""
	for more := true; more; {
		var f runtime.Frame
		if f, more = frames.Next(); f.Function == border {
			break
		}
		line := fmt.Sprintf("%s:%d", f.File, f.Line)
		switch whose(f.Function, f.File) {
		case users:
			return line
		case others:
			elsewhere = first(elsewhere, line)
		case ours:
			own = first(own, line)
		}
	}
	if elsewhere == "" && fault {
		return own
	}
	return elsewhere
}

func first(known, line string) string {
	if known == "" {
		return line
	}
	return known
}

// written is the line where a function is written, or nothing if that is in this library.
func written(function any) string {
	v := reflect.ValueOf(function)
	if v.Kind() != reflect.Func || v.IsNil() {
		return ""
	}
	f := runtime.FuncForPC(v.Pointer())
	if f == nil {
		return ""
	}
	file, line := f.FileLine(f.Entry())
	if owner := whose(f.Name(), file); owner != users && owner != others {
		return ""
	}
	return fmt.Sprintf("%s:%d", file, line)
}

type owner int

const (
	users  owner = iota
	others       // packages that were downloaded
	ours
	goes // Go's own
)

// module is the path of this one, and border the name of Call.
const (
	module = "github.com/gosciml/gosciml/sciml"
	border = module + "/internal/usercode.Call"
)

// library is where the files of this library are, as the compiler has written them down: a closure of a function that is inlined in a
// user's has a name of the user's.
var library = func() string {
	file, _ := runtime.FuncForPC(reflect.ValueOf(Nil).Pointer()).FileLine(0)
	root, _, _ := strings.Cut(file, "internal/usercode/")
	return root
}()

// goRoot is where the files of Go's own packages are, as the compiler has written them down.
var goRoot = func() string {
	file, _ := runtime.FuncForPC(reflect.ValueOf(runtime.GC).Pointer()).FileLine(0)
	root, _, _ := strings.Cut(file, "runtime/")
	return root
}()

// callers are packages of Go's own that call what they are given, or fail for what they are given.
var callers = []string{"bytes", "context", "encoding", "fmt", "io", "iter", "maps", "math", "slices", "sort", "strconv", "strings", "sync", "testing", "time"}

// whose tells from the name of a function and its file whose it is. Tests in this library are users of it.
func whose(function, file string) owner {
	in := func(path string) bool {
		return strings.HasPrefix(function, path+".") || strings.HasPrefix(function, path+"/")
	}
	switch {
	case strings.HasSuffix(file, "_test.go"):
		return users
	case in("runtime"), in("reflect"), file == "<autogenerated>", goRoot != "" && strings.HasPrefix(file, goRoot):
		return goes
	case goRoot == "" && slices.ContainsFunc(callers, in): // built with -trimpath
		return goes
	case in(module), in("github.com/gomlx/gomlx"), in("github.com/gomlx/compute"), in("github.com/gomlx/go-xla"):
		return ours
	case library != "" && strings.HasPrefix(file, library), strings.Contains(file, "github.com/gomlx/"):
		return ours
	case strings.Contains(file, "/pkg/mod/") || strings.Contains(file, "@v"):
		return others
	}
	return users
}
