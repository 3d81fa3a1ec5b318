package show

import (
	"bytes"
	"errors"
	"math"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
	"unsafe"

	"gonum.org/v1/gonum/mat"
)

type point struct {
	X, y float64
	next *point
}

type celsius float64

func (c celsius) String() string { return "warm" }

type broken struct{ p *int }

func (b *broken) String() string { return string(rune(*b.p)) }

func TestText(t *testing.T) {
	loop := &point{X: 1, y: 2}
	loop.next = loop
	long := make([]float64, 1000)
	for what, c := range map[string]struct {
		value any
		want  string
	}{
		"int": {42, "42"}, "float": {0.1, "0.1"}, "single": {float32(0.1), "0.1"}, "large": {1e100, "1e+100"},
		"string": {"a\n\"b\"", `"a\n\"b\""`}, "bool": {true, "true"}, "complex": {1 + 2i, "(1+2i)"}, "single complex": {complex64(0.1 + 2i), "(0.1+2i)"},
		"gonum": {mat.NewDense(2, 2, []float64{1, 0.5, 3, 4}), "[[1 0.5]\n [3 4]]"}, "gonum's in a list": {[]mat.Matrix{mat.NewVecDense(2, []float64{1, 2})}, "[[[1] [2]]]"},
		"gonum's nil": {(*mat.Dense)(nil), "nil"}, "NaN as a key": {map[float64]int{math.NaN(): 1}, "map[NaN:?]"}, "rows cut": {make([][]int, 21), "[" + strings.Repeat("nil\n ", 20) + "… 21 in all]"}, "nil": {nil, "nil"},
		"slice": {[]int{1, 2}, "[1 2]"}, "nil slice": {[]int(nil), "nil"}, "strings": {[]string{"a", "b"}, `["a" "b"]`},
		"matrix": {[][]float64{{1, 2}, {3, 4}}, "[[1 2]\n [3 4]]"}, "map": {map[string]int{"b": 1, "a": 2}, `map["a":2 "b":1]`},
		"map of ints": {map[int]bool{10: true, 9: false}, "map[9:false 10:true]"}, "struct": {point{X: 1}, "{X:1 y:0 next:nil}"},
		"pointer": {&point{X: 1}, "&{X:1 y:0 next:nil}"}, "error": {errors.New("no"), "no"}, "stringer": {celsius(3), "warm"}, "duration": {time.Second, "1s"},
		"nil pointer with a method": {(*broken)(nil), "nil"}, "method that panics": {&broken{}, "&{p:nil}"},
		"func": {func(int) {}, "func(int)"}, "nil func": {(func())(nil), "func()(nil)"}, "pointer without type": {unsafe.Pointer(nil), "unsafe.Pointer(nil)"},
		"many": {long, "[" + strings.Repeat("0 ", 100) + "… 1000 in all]"}, "array": {[2]bool{true}, "[true false]"},
	} {
		if got := Text(c.value); got != c.want {
			t.Errorf("%s: %s, want %s", what, got, c.want)
		}
	}
	if text := Text(loop); len(text) > 500 || !strings.Contains(text, "…") {
		t.Errorf("a ring: %s", text)
	}
	if text := Text(strings.Repeat("θ", 20_000)); len(text) > most+100 || !strings.Contains(text, "bytes in all") {
		t.Errorf("a long text has %d bytes, and ends %q", len(text), text[len(text)-40:])
	}
}

type figure struct{ err error }

func (f figure) Show() error { os.Stdout.WriteString("shown\n"); return f.err }

// TestValue: what a program prints, and how it ends.
func TestValue(t *testing.T) {
	calls := map[string]func(){
		"one":        func() { Value(3) },
		"nothing":    func() { Value() },
		"two":        func() { Value(3, "a") },
		"nil error":  func() { Value(3, error(nil)) },
		"error":      func() { Value(3, errors.New("did not work")) },
		"only error": func() { Value(errors.New("a value")) },
		"only nil":   func() { Value(nil) },
		"figure":     func() { Value(figure{}, nil) },
		"bad figure": func() { Value(figure{errors.New("cannot draw")}) },
	}
	if name := os.Getenv("SHOW"); name != "" {
		calls[name]()
		os.Exit(0)
	}
	for name, want := range map[string]string{
		"one": "3\n", "nothing": "", "two": "3\n\"a\"\n", "nil error": "3\n", "error": "did not work\n!", "only error": "a value\n", "only nil": "",
		"figure": "shown\n", "bad figure": "shown\ncannot draw\n!",
	} {
		cmd := exec.Command(os.Args[0], "-test.run=TestValue")
		cmd.Env = append(os.Environ(), "SHOW="+name, "GONB_PIPE=")
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if cmd.Run() != nil {
			out.WriteString("!")
		}
		if out.String() != want {
			t.Errorf("%s: %q, want %q", name, out.String(), want)
		}
	}
}
