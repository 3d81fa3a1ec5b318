package failure

import (
	"fmt"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/kernel/internal/cell"
)

// TestStderrPassesOrdinaryTextAtOnce gives pieces, and what has to come out for each before the next one.
func TestStderrPassesOrdinaryTextAtOnce(t *testing.T) {
	for _, c := range []struct{ pieces, now []string }{
		{[]string{"step 1\n", "step 2", "\rstep 3", "\n"}, []string{"step 1\n", "step 2", "\rstep 3", "\n"}},
		{[]string{"pa", "tience\n", "p"}, []string{"", "patience\n", ""}},
		{[]string{"a panic: b\n", "no panic", "panic: c\n"}, []string{"a panic: b\n", "no panic", "panic: c\n"}},
		{[]string{"panic: only said\n", "going on\n"}, []string{"", "panic: only said\ngoing on\n"}},
		{[]string{"panic: said\n\n", "goroutines are light\n"}, []string{"", "panic: said\n\ngoroutines are light\n"}},
		{[]string{"panic: said\n", "panic: again\n", "on\n"}, []string{"", "panic: said\n", "panic: again\non\n"}},
		{[]string{"runtime: 3 s\n", "SIG"}, []string{"runtime: 3 s\n", ""}},
		{[]string{"goroutine 1 [running]:\nmain.main()\n\t/x/main.go:3 +0x1\n", "and on\n"},
			[]string{"", "goroutine 1 [running]:\nmain.main()\n\t/x/main.go:3 +0x1\nand on\n"}},
		{[]string{"exit status 2\n", "the other command\n"}, []string{"", "exit status 2\nthe other command\n"}},
		{[]string{"half", "exit status 2\n"}, []string{"half", ""}},
		{[]string{"panic: x\n", "exit status 2\n"}, []string{"", ""}},
	} {
		var s Stderr
		var all string
		for i, piece := range c.pieces {
			got := s.Add(piece)
			if got != c.now[i] {
				t.Errorf("%q: piece %d lets pass %q, want %q", c.pieces, i, got, c.now[i])
			}
			all += got
		}
		if s.Tail() != all {
			t.Errorf("%q: the tail is %q, want %q", c.pieces, s.Tail(), all)
		}
		if all += s.End(); all != strings.Join(c.pieces, "") {
			t.Errorf("%q: the pieces became %q", c.pieces, all)
		}
	}
}

// TestStderrDoesNotDependOnPieces cuts what was recorded anew, everywhere, and wants the same error.
func TestStderrDoesNotDependOnPieces(t *testing.T) {
	for _, s := range samples(t) {
		if len(s.Stderr) == 0 || s.Error == nil {
			continue
		}
		told, stream := s.told()
		want := New(told)
		text := strings.Join(s.Stderr[:len(s.Stderr)-1], "")
		if len(text) > 3000 {
			continue // the same kinds of lines, many times
		}
		for size := 1; size < 40; size += 6 {
			cut := s
			cut.Stderr = nil
			for rest := text; rest != ""; rest = rest[min(size, len(rest)):] {
				cut.Stderr = append(cut.Stderr, rest[:min(size, len(rest))])
			}
			cut.Stderr = append(cut.Stderr, s.Stderr[len(s.Stderr)-1])
			told, gotStream := cut.told()
			got := New(told)
			if strings.Join(got.Traceback, "\n") != strings.Join(want.Traceback, "\n") || got.Value != want.Value || gotStream != stream {
				t.Errorf("%s, in pieces of %d: %s\n%s\nwant %s\n%s", s.Name, size, gotStream, got.Traceback, stream, want.Traceback)
			}
			if all := gotStream + told.Crash; all != strings.Join(s.Stderr, "") {
				t.Errorf("%s, in pieces of %d: text was lost or changed", s.Name, size)
			}
		}
	}
}

// TestNoCrashGoesBack checks that held text which the end of the program shows to be no crash is given to the stream.
func TestNoCrashGoesBack(t *testing.T) {
	var s Stderr
	shown := s.Add("panic: the last words\n") + s.Add("exit status 3\n")
	e := New(Told{Cell: 1, Value: "exit status 3", Crash: s.End(), Stderr: s.Tail()})
	if shown+e.Stderr != "panic: the last words\n" || e.Name != ExitStatus {
		t.Errorf("shown %q and %q, as %s: %q", shown, e.Stderr, e.Name, e.Value)
	}
}

// TestInterrupted checks that what follows from an interrupt is not told as a failure of its own, and what does not is.
func TestInterrupted(t *testing.T) {
	stack := "\n\ngoroutine 1 [running]:\nmain.main()\n\t/tmp/x/gonb_01/main.go:12 +0x1\n"
	for _, c := range []struct{ value, crash, name string }{
		{"signal: interrupt", "", Interrupted},
		{"signal: killed", "", Interrupted},
		{"exit status 1", "", Interrupted},
		{"exit status 2", "panic: stopped: context canceled" + stack, Interrupted},
		{"exit status 2", "panic: runtime error: index out of range [3] with length 3" + stack, Panic},
		{`failed to run "go build": signal: killed`, "", Interrupted},
	} {
		e := New(Told{Cell: 1, Value: c.value, Crash: c.crash, Interrupted: true})
		if e.Name != c.name || c.name == Interrupted && len(e.Traceback) != 1 {
			t.Errorf("%q, %q is a %s: %q", c.value, c.crash, e.Name, e.Traceback)
		}
	}
}

// TestTypedPlaces checks that the place is that of what was typed when GoNB got something else.
func TestTypedPlaces(t *testing.T) {
	typed := "y := []int{1}\nfunc f() int {\n\treturn z\n}\ny[f()]"
	c := cell.Read(typed)
	cells := func(number int) (Cell, bool) {
		return Cell{Sent: c.Code(), Typed: typed, Line: c.SourceLine}, number == 7
	}
	program := "package main\n\nfunc f() int {\n\treturn z\n}\n\nfunc main() {\n\tflag.Parse()\ny := []int{1}\n\n\n\ngosciml_show.Value(\ny[f()],\n)\n}\n"
	e := New(Told{Cell: 7, Value: "# gonb_01\n./main.go:4:9: undefined: z\n", Cells: cells, Main: program})
	if want := "undefined: z (cell 7, line 3)"; e.Value != want {
		t.Errorf("the error is %q, want %q", e.Value, want)
	}
	want := "undefined: z\ncell 7, line 3:\n    return z\n           ^"
	if lines := colour.ReplaceAllString(strings.Join(e.Traceback, "\n"), ""); lines != want {
		t.Errorf("the traceback is\n%s\nwant\n%s", lines, want)
	}
	for line, want := range map[int]int{9: 1, 13: 5, 14: 5} {
		e = New(Told{Cell: 7, Value: "exit status 2", Cells: cells, Main: program,
			Crash: fmt.Sprintf("panic: oh\n\ngoroutine 1 [running]:\nmain.main()\n\t/tmp/gonb_01/main.go:%d +0x1\n", line)})
		if e.Line != want {
			t.Errorf("line %d of the program is line %d of the cell, want %d", line, e.Line, want)
		}
	}
}

func TestModules(t *testing.T) {
	got := strings.Join(Modules("module a.org/b\n\ngo 1.26\n\nrequire c.org/d v1.0.0\n\nrequire (\n\te.org/f v1.2.3\n"+
		"\tg.org/h/v2 v2.0.0 // indirect\n)\n\nreplace (\n\tx.org/y => ../z\n)\n"), " ")
	if got != "a.org/b c.org/d e.org/f g.org/h/v2" {
		t.Errorf("modules: %s", got)
	}
}
