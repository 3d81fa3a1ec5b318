package usercode_test

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/support/exceptions"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
)

// here is the line of the caller, as errors show it.
func here() string {
	_, file, line, _ := runtime.Caller(1)
	return fmt.Sprintf("%s:%d", file, line)
}

// TestCall: whatever is thrown, the error begins with whose code it was and with the line there, not one of Go or GoMLX, and
// keeps what can be found by errors.Is.
func TestCall(t *testing.T) {
	mine := errors.New("mine")
	var none []int
	var nothing *struct{ x int }
	var missing map[string]int
	var place string
	for name, c := range map[string]struct {
		fails func()
		want  string
	}{
		"error":      {func() { place = here(); panic(mine) }, "mine"},
		"text":       {func() { place = here(); panic("no") }, "no"},
		"number":     {func() { place = here(); panic(7) }, "7"},
		"index":      {func() { place = here(); _ = none[3] }, "runtime error: index out of range [3] with length 0"},
		"nil":        {func() { place = here(); nothing.x = 1 }, "runtime error: invalid memory address or nil pointer dereference"},
		"map":        {func() { place = here(); missing["a"] = 1 }, "assignment to entry in nil map"},
		"exception":  {func() { place = here(); exceptions.Panicf("shape %d", 2) }, "shape 2"},
		"within Go":  {func() { place = here(); _ = slices.Repeat([]int{1}, -1) }, "cannot be negative"},
		"nil panic":  {func() { place = here(); panic(error(nil)) }, "panic called with nil argument"},
		"divided":    {func() { place = here(); _ = 1 / len(none) }, "runtime error: integer divide by zero"},
		"in between": {func() { exceptions.Try(func() { panic("caught") }); place = here(); panic(mine) }, "mine"},
	} {
		err := usercode.Call("callback", func() error { c.fails(); return nil })
		if err == nil || !strings.HasPrefix(err.Error(), "callback ("+place+"): ") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want callback (%s): %s", name, err, place, c.want)
		}
		if name == "error" && !errors.Is(err, mine) {
			t.Errorf("errors.Is does not find what was thrown in %v", err)
		}
		wrapped := fmt.Errorf("compilation failed: %w", err)
		if got := usercode.First(wrapped); got != err {
			t.Errorf("%s: the first of %v is %v", name, wrapped, got)
		}
	}
	if err := usercode.Call("callback", func() error { return mine }); err != mine {
		t.Errorf("an error that was returned became %v", err)
	}
}

// TestBuild: a panic of any value is one with an error, and what is known further inside stays.
func TestBuild(t *testing.T) {
	place := ""
	err := exceptions.TryCatch[error](func() {
		usercode.Build("outer", func() int {
			return usercode.Build("inner", func() int { place = here(); panic("text") })
		})
	})
	if want := "inner (" + place + "): text"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
	function := func() {}
	line := here()
	err = usercode.Call("outer", func() error {
		usercode.Build("", func() int { panic(usercode.Wrong(function, "shape %d", 3)) })
		return nil
	})
	if !strings.HasPrefix(err.Error(), "outer (") || !strings.HasSuffix(err.Error(), ": shape 3") {
		t.Errorf("%v, want one of outer", err)
	}
	if file, _, _ := strings.Cut(line, ".go"); !strings.Contains(err.Error(), file) {
		t.Errorf("%v, want one that says where the function is written", err)
	}
	if usercode.Build("fine", func() int { return 3 }) != 3 {
		t.Error("the value is lost")
	}
}

// TestNil: what an interface hides is found.
func TestNil(t *testing.T) {
	var pointer *int
	var e error
	for _, v := range []any{nil, pointer, e, map[string]int(nil), (func())(nil)} {
		if !usercode.Nil(v) {
			t.Errorf("%#v is not nil", v)
		}
	}
	for _, v := range []any{0, new(int), []int(nil), struct{}{}} {
		if usercode.Nil(v) {
			t.Errorf("%#v is nil", v)
		}
	}
}
