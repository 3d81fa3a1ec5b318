package keep

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// program under test; HERE marks the function given to keep.Value.
const trained = `package main

import (
	"fmt"

	"example.com/own/inner"
	"github.com/gosciml/gosciml/sciml/keep"
)

const rate = 0.1

const (
	first = iota
	second
)

var seed = 42

var unrelated = 1

type net struct{ width int }

type objective interface{ value() float64 }

func (n net) value() float64 { return scale() * float64(n.width) }

func (n *net) unused() int { return 7 }

// two hops from train
func scale() float64 { return rate * float64(second) }

func total(o objective) float64 { return o.value() + float64(seed) + inner.One() }

func train(width int) (float64, error) { return total(net{width: width}), nil }

func other() { fmt.Println(unrelated) }

func main() {
	width := 16
	title := "a"
	v, err := keep.Value("v", nil, func() (float64, error) { // HERE
		r, err := train(width)
		return r, err
	})
	plotted, err := fmt.Println(title, v, err)
	_, _ = plotted, err
	other()
}
`

func write(t *testing.T, dir string, files map[string]string) {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func lineOf(t *testing.T, source, mark string) int {
	t.Helper()
	before, _, found := strings.Cut(source, mark)
	if !found {
		t.Fatalf("no %q in the source", mark)
	}
	return 1 + strings.Count(before, "\n")
}

func fingerprint(t *testing.T, source, inner string) (pieces, string) {
	t.Helper()
	return fingerprintAt(t, 1, source, inner)
}

func fingerprintAt(t *testing.T, depth int, source, inner string) (pieces, string) {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, map[string]string{
		"go.mod": "module example.com/own\n", "main.go": source, "inner/inner.go": inner,
	})
	file := filepath.Join(dir, "main.go")
	p, err := readProgram(file)
	if err != nil {
		t.Fatal(err)
	}
	found, err := p.reach(place{file, lineOf(t, source, "HERE"), depth})
	if err != nil {
		t.Fatal(err)
	}
	return found, file
}

const innerSource = "package inner\n\nfunc One() float64 { return 1 }\n"

func TestCodeChangesAreNoticedAndNamed(t *testing.T) {
	base, _ := fingerprint(t, trained, innerSource)
	cases := []struct {
		name     string
		old, new string
		want     string // "" when nothing that counts has changed.
	}{
		{"comment", "// two hops from train", "// some other\n// comment", ""},
		{"formatting", "{ return rate * float64(second) }", "{\n\n\treturn rate *\n\t\tfloat64(second)\n}", ""},
		{"unrelated variable", "unrelated = 1", "unrelated = 2", ""},
		{"unrelated function", "fmt.Println(unrelated)", "fmt.Println(unrelated, 1)", ""},
		{"new declaration", "var unrelated = 1", "var unrelated = 1\n\nvar more = 3", ""},
		{"statement after the call", "fmt.Println(title, v, err)", "fmt.Println(title, v)", ""},
		{"local it does not use", `title := "a"`, `title := "b"`, ""},
		{"constant behind two functions and a method", "rate = 0.1", "rate = 0.2", "const rate"},
		{"function behind a method", "return rate * float64(second)", "return 2 * rate * float64(second)", "func scale"},
		{"value of iota", "first = iota", "first = iota + 1", "const second"},
		{"variable", "seed = 42", "seed = 43", "var seed"},
		{"type", "{ width int }", "{ width, depth int }", "type net"},
		{"method called through an interface", "scale() * float64(n.width)", "scale() + float64(n.width)", "method net.value"},
		{"the function itself", "return r, err\n", "return 2 * r, err\n", makePiece},
		{"local it uses", "width := 16", "width := 32", "variable width"},
		{"an added init", "var unrelated = 1", "var unrelated = 1\n\nfunc init() { seed = 7 }", "variable seed"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if strings.Count(trained, c.old) != 1 {
				t.Fatalf("%q occurs %d times", c.old, strings.Count(trained, c.old))
			}
			now, _ := fingerprint(t, strings.Replace(trained, c.old, c.new, 1), innerSource)
			got := base.differ(now)
			if c.want == "" && got != "" || c.want != "" && !strings.Contains(got, c.want) {
				t.Errorf("changed: %q, want %q", got, c.want)
			}
		})
	}
	now, _ := fingerprint(t, trained, strings.Replace(innerSource, "1", "2", 1))
	if got := base.differ(now); !strings.Contains(got, "package example.com/own/inner") {
		t.Errorf("a change in an imported package of the module: %q", got)
	}
	dotted := strings.NewReplacer(`"example.com/own/inner"`, `. "example.com/own/inner"`, "inner.One()", "One()").Replace(trained)
	base, _ = fingerprint(t, dotted, innerSource)
	now, _ = fingerprint(t, dotted, strings.Replace(innerSource, "1", "2", 1))
	if got := base.differ(now); !strings.Contains(got, "package example.com/own/inner") {
		t.Errorf("a change in a package with a dot import: %q", got)
	}
}

// TestNamesAreResolved: a later cell's declaration is no change for what only has its name: in each program NAME is that of a local, a field, a
// label, an import and so on.
func TestNamesAreResolved(t *testing.T) {
	for what, c := range map[string]struct{ declared, body string }{
		"local":                      {"", "NAME := 3\n\treturn NAME, nil"},
		"var":                        {"", "var NAME int\n\treturn NAME, nil"},
		"constant":                   {"", "const NAME = 3\n\treturn NAME, nil"},
		"local type":                 {"", "type NAME int\n\treturn int(NAME(3)), nil"},
		"result of two":              {"", "NAME, err := two()\n\treturn NAME, err"},
		"range":                      {"", "for NAME := range 3 {\n\t\treturn NAME, nil\n\t}\n\treturn 0, nil"},
		"if":                         {"", "if NAME := 3; NAME > 2 {\n\t\treturn NAME, nil\n\t}\n\treturn 0, nil"},
		"parameter":                  {"func f(NAME int) int { return NAME }", "return f(3), nil"},
		"result":                     {"func f() (NAME int) { NAME = 3; return }", "return f(), nil"},
		"receiver":                   {"type T int\n\nfunc (NAME T) f() int { return int(NAME) }", "return T(3).f(), nil"},
		"type parameter":             {"func f[NAME any](x NAME) NAME { return x }", "return f(3), nil"},
		"parameter of a literal":     {"", "return func(NAME int) int { return NAME }(3), nil"},
		"field":                      {"type T struct{ NAME int }", "x := T{NAME: 3}\n\treturn x.NAME, nil"},
		"field without its type":     {"type T struct{ NAME int }", "x := []T{{NAME: 3}}\n\treturn x[0].NAME, nil"},
		"field of a pointer":         {"type T struct{ NAME int }", "x := map[string]*T{\"a\": {NAME: 3}}\n\treturn x[\"a\"].NAME, nil"},
		"field of a struct without":  {"", "x := struct{ NAME int }{NAME: 3}\n\treturn x.NAME, nil"},
		"method":                     {"type T int\n\nfunc (T) NAME() int { return 3 }", "return T(3).NAME(), nil"},
		"method of an interface":     {"type I interface{ NAME() int }\n\nfunc f(x I) int { return x.NAME() }", "return f(nil), nil"},
		"label":                      {"", "NAME:\n\tfor {\n\t\tbreak NAME\n\t}\n\treturn 3, nil"},
		"selected elsewhere":         {"", "fmt.Println(os.NAME)\n\treturn 3, nil"},
		"field of what is elsewhere": {"", "x := os.Open()\n\treturn x.NAME, nil"},
		"around":                     {"", "return three, nil"},
	} {
		t.Run(what, func(t *testing.T) {
			source := "package main\n\nimport (\n\t\"fmt\"\n\t\"os\"\n\n\t\"github.com/gosciml/gosciml/sciml/keep\"\n)\n\n" + c.declared + "\n\nfunc two() (int, error) { return 1, nil }\n\nfunc main() {\n\tthree := 3\n\tkeep.Value(\"v\", nil, func() (int, error) { // HERE\n\t" + c.body + "\n})\n\tNAME := 4\n\tfmt.Println(NAME, os.Args)\n}\n"
			source = strings.ReplaceAll(source, "NAME", "train")
			before, _ := fingerprint(t, source, innerSource)
			for _, more := range []string{"func train() {}", "var train = 3", "const train = 3", "type train struct{}\n\nfunc (train) run() {}"} {
				if after, _ := fingerprint(t, source+"\n"+more+"\n", innerSource); before.differ(after) != "" {
					t.Errorf("with %q in a later cell: %s", more, before.differ(after))
				}
			}
		})
	}
}

// TestReachedByName: what is reached is noticed, however it is named.
func TestReachedByName(t *testing.T) {
	for what, c := range map[string]struct{ declared, body string }{
		"function as a value":                    {"func f() int { return 1000 }", "g := f\n\treturn g(), nil"},
		"method value":                           {"type T int\n\nfunc (T) f() int { return 1000 }", "g := T(1).f\n\treturn g(), nil"},
		"method expression":                      {"type T int\n\nfunc (T) f() int { return 1000 }", "return T.f(1), nil"},
		"embedded":                               {"type T int\n\nfunc (T) f() int { return 1000 }\n\ntype U struct{ T }", "return U{}.f(), nil"},
		"through a result":                       {"type T int\n\nfunc (T) f() int { return 1000 }\n\nfunc g() T { return 1 }", "return g().f(), nil"},
		"through elsewhere":                      {"type T int\n\nfunc (T) f() int { return 1000 }", "return os.Get[T]().f(), nil"},
		"interface":                              {"type T int\n\nfunc (T) f() int { return 1000 }\n\nfunc g(x interface{ f() int }) int { return x.f() }", "return g(T(1)), nil"},
		"generic":                                {"func f[T any](x T) int { return 1000 }", "return f(3), nil"},
		"initial value":                          {"var x = f()\n\nfunc f() int { return 1000 }", "return x, nil"},
		"type of a variable":                     {"type T struct{ a [1000]int }\n\nvar x T", "return len(x.a), nil"},
		"constant as a key":                      {"const k = 1000\n\nvar m = map[int]int{k: 1}", "return m[1], nil"},
		"constant as a key of what is elsewhere": {"const k = 1000", "return os.Map{k: 1}[1], nil"},
		"iota":                                   {"const (\n\ta = iota + 1000\n\tb\n)", "return b, nil"},
		"variable around":                        {"", "return number, nil"},
		"before a shadow":                        {"func f() int { return 1000 }", "x := f()\n\tf := 3\n\treturn x + f, nil"},
	} {
		t.Run(what, func(t *testing.T) {
			source := "package main\n\nimport (\n\t\"fmt\"\n\t\"os\"\n\n\t\"github.com/gosciml/gosciml/sciml/keep\"\n)\n\n" + c.declared + "\n\nfunc main() {\n\tnumber := 1000\n\tkeep.Value(\"v\", nil, func() (int, error) { // HERE\n\t" + c.body + "\n})\n\tfmt.Println(os.Args)\n}\n"
			before, _ := fingerprint(t, source, innerSource)
			changed := strings.ReplaceAll(source, "1000", "2000")
			if c.declared != "" {
				changed = strings.Replace(changed, "number := 2000", "number := 1000", 1)
			}
			if after, _ := fingerprint(t, changed, innerSource); before.differ(after) == "" {
				t.Error("a change is not noticed")
			}
			moved := strings.Replace(source, c.declared, "", 1) + "\n" + c.declared + "\n"
			if after, _ := fingerprint(t, moved, innerSource); before.differ(after) != "" {
				t.Errorf("declared elsewhere in the file: %s", before.differ(after))
			}
		})
	}
}

func TestLaterProgramIsComparedByDeclaration(t *testing.T) {
	base, _ := fingerprint(t, trained, innerSource)
	_, body, _ := strings.Cut(trained, "func main()")
	later := strings.Replace(trained, body, " { /* HERE */ }\n", 1)
	cases := []struct{ old, new, want string }{
		{"", "", ""},
		{"width := 16", "", ""},
		{"rate = 0.1", "rate = 0.3", "const rate"},
		{"func scale() float64 { return rate * float64(second) }", "", ""}, // Gone: not compared.
		{"unrelated = 1", "unrelated = 9", ""},
	}
	for _, c := range cases {
		source := strings.Replace(later, c.old, c.new, 1)
		dir := t.TempDir()
		write(t, dir, map[string]string{"go.mod": "module example.com/own\n", "main.go": source, "inner/inner.go": innerSource})
		if got := changedSince(base, filepath.Join(dir, "main.go")); got != c.want {
			t.Errorf("%q instead of %q: changed %q, want %q", c.new, c.old, got, c.want)
		}
	}
}

func inlined() (int, error) { return 3, nil }

type counter struct{ n int }

func (c *counter) count() (int, error) { c.n++; return c.n, nil }

func TestPlaceOfFindsTheSource(t *testing.T) {
	find := func(f func() (int, error), depth int, mark string) {
		t.Helper()
		at := placeOf(addressOf(f))
		source, err := os.ReadFile("code_test.go")
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Split(string(source), "\n")[at.line-1]
		if filepath.Base(at.file) != "code_test.go" || at.depth != depth || !strings.Contains(text, mark) {
			t.Errorf("found %+v (%s), want depth %d and %s", at, text, depth, mark)
		}
	}
	find(func() (int, error) { return inlined() }, 1, "find(func() (int, error) { return inlined() }")
	find(inlined, 0, "func inlined")
	func() {
		find(func() (int, error) { return inlined() }, 2, "find(func()")
	}()
	// A method value is a function without source: the declaration around the
	// call serves instead.
	file, err := filepath.Abs("code_test.go")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	found := codeOf(placeOf(addressOf((&counter{}).count)), place{file, lineOf(t, string(source), "(&counter{}).count"), wholeDeclaration})
	if found["method counter.count"] == "" {
		t.Errorf("the code of a method value is %v", found)
	}
}
