package cell

import (
	"go/format"
	"go/scanner"
	"go/token"
	"go/types"
	"slices"
	"strings"
	"testing"
)

// trim leaves the lines of a code that hold anything.
func trim(code string) string {
	var lines []string
	for line := range strings.Lines(code) {
		if strings.TrimSpace(line) != "" {
			lines = append(lines, strings.TrimRight(line, " \r\n"))
		}
	}
	return strings.Join(lines, "\n")
}

const shows = showImport + "\n"

// TestCode: what people type, and what GoNB gets, without blank lines.
func TestCode(t *testing.T) {
	for name, c := range map[string]struct{ source, want string }{
		"statements":         {"x := 3\nfmt.Println(x)", "%%\nx := 3\nfmt.Println(x)"},
		"value":              {"x := 3\nx * 2", shows + "%%\nx := 3\ngosciml_show.Value(\nx * 2,\n)"},
		"value, comment":     {"x * 2 // twice", shows + "%%\ngosciml_show.Value(\nx * 2,\n)"},
		"no value wanted":    {"x * 2;", "%%\n_ =\nx * 2;"},
		"two on a line":      {"x := 3; x", shows + "%%\nx := 3;\ngosciml_show.Value(\n        x,\n)"},
		"literal":            {"[]int{\n\t1,\n\t2,\n}", shows + "%%\ngosciml_show.Value(\n[]int{\n\t1,\n\t2,\n},\n)"},
		"call":               {"f(3)", shows + "%%\ngosciml_show.Value(\nf(3),\n)"},
		"call of a cell's":   {"func f() {}\nf()", "func f() {}\n%%\nf()"},
		"print":              {"println(3)", "%%\nprintln(3)"},
		"declarations":       {"import \"fmt\"\n\nvar x = 3\n", "import \"fmt\"\nvar x = 3"},
		"mixed":              {"x := 3\n// f is f.\nfunc f() int { return 1 }\nfmt.Println(x, f())", "// f is f.\nfunc f() int { return 1 }\n%%\nx := 3\nfmt.Println(x, f())"},
		"method":             {"type T int\nT(1).f()\nfunc (t T) f() {}\n_ = 1", "type T int\nfunc (t T) f() {}\n%%\nT(1).f()\n_ = 1"},
		"literal called":     {"func() {\n\tfmt.Println()\n}()", "%%\nfunc() {\n\tfmt.Println()\n}()"},
		"literal, result":    {"x := 1\nfunc(y int) int { return y }(x)", shows + "%%\nx := 1\ngosciml_show.Value(\nfunc(y int) int { return y }(x),\n)"},
		"generic":            {"func f[T any](x T) T { return x }\nf(1)", shows + "func f[T any](x T) T { return x }\n%%\ngosciml_show.Value(\nf(1),\n)"},
		"var of a local":     {"x := 3\nvar y = x\nvar z = 4\nfmt.Print(y)", "var z = 4\n%%\nx := 3\nvar y = x\nfmt.Print(y)"},
		"var of that":        {"x := 3\nvar y = x\nconst n = 1\ntype T [n]int\nvar z T = T{y}\nfmt.Print(z)", "const n = 1\ntype T [n]int\n%%\nx := 3\nvar y = x\nvar z T = T{y}\nfmt.Print(z)"},
		"field of a name":    {"x := 3\nvar y = p.x\nfmt.Print(x)", "var y = p.x\n%%\nx := 3\nfmt.Print(x)"},
		"control":            {"for i := range 3 {\n\tfmt.Print(i)\n}\nif true {\n} else {\n}", "%%\nfor i := range 3 {\n\tfmt.Print(i)\n}\nif true {\n} else {\n}"},
		"label":              {"loop:\nfor {\n\tbreak loop\n}", "%%\nloop:\nfor {\n\tbreak loop\n}"},
		"import in between":  {"func f() {}\nimport \"os\"\n", "import \"os\"\nfunc f() {}"},
		"raw string":         {"s := `\nfunc f() {\n`\nfmt.Print(s)", "%%\ns := `\nfunc f() {\n`\nfmt.Print(s)"},
		"specials":           {"!ls\n%env A=1\nx := 1\n_ = x", "!ls\n%env A=1\n%%\nx := 1\n_ = x"},
		"special only":       {"!ls \\\n  -l", "!ls \\\n  -l"},
		"commented special":  {"//gonb:%env A=1\n_ = 1", "//gonb:%env A=1\n%%\n_ = 1"},
		"magic":              {"%%writefile a.txt\nx := 3\nx", "%%writefile a.txt\nx := 3\nx"},
		"test":               {"%test\nfunc TestA(t *testing.T) {}", "%test\nfunc TestA(t *testing.T) {}"},
		"marked":             {"var a = 1\n%%\nfmt.Print(a)", "var a = 1\n%%\nfmt.Print(a)"},
		"marked, value":      {"%% -flag\nvar b = a\nb", shows + "%% -flag\nvar b = a\ngosciml_show.Value(\nb,\n)"},
		"main":               {"func main() {\n\tfmt.Print()\n}", "func main() {\n\tfmt.Print()\n}"},
		"comments":           {"// nothing\n/* at\nall */", "// nothing\n/* at\nall */"},
		"empty":              {"", ""},
		"incomplete":         {"x := f(\nfunc g() {", "%%\nx := f(\nfunc g() {"},
		"unicode":            {"θ := 1\nθ", shows + "%%\nθ := 1\ngosciml_show.Value(\nθ,\n)"},
		"receive":            {"c := make(chan int, 1)\nc <- 1\n<-c", shows + "%%\nc := make(chan int, 1)\nc <- 1\ngosciml_show.Value(\n<-c,\n)"},
		"const group":        {"const (\n\ta = iota\n\tb\n)\nb", shows + "const (\n\ta = iota\n\tb\n)\n%%\ngosciml_show.Value(\nb,\n)"},
		"package":            {"package main\n\nfunc f() {}", "func f() {}"},
		"program":            {"package main\n\nimport \"fmt\"\n\nfunc main() {\n\tfmt.Print()\n}", "import \"fmt\"\nfunc main() {\n\tfmt.Print()\n}"},
		"header":             {"if x := f(); x > y { g(x) }", "%%\nif x := f(); x > y { g(x) }"},
		"headers":            {"switch x := f(); x {}\nfor i := 0; i < 3; i++ {}; a: if b {} else if c := d(); c {}; 1", shows + "%%\nswitch x := f(); x {}\nfor i := 0; i < 3; i++ {}; a: if b {} else if c := d(); c {};\ngosciml_show.Value(\n                                                              1,\n)"},
		"field":              {"x := 3\ntype P struct{ x, y int }\nfunc (p P) f() int { return p.x }\nvar p = P{x: 1}\nvar m = map[int]int{x: 1}\nfmt.Print(x, p, m)", "type P struct{ x, y int }\nfunc (p P) f() int { return p.x }\nvar p = P{x: 1}\n%%\nx := 3\nvar m = map[int]int{x: 1}\nfmt.Print(x, p, m)"},
		"parameter":          {"x := 3\nvar f = func(x int) int { return x }\nfmt.Print(f(x))", "var f = func(x int) int { return x }\n%%\nx := 3\nfmt.Print(f(x))"},
		"raw lines":          {"s := `a  \n%d\n\n!ls\n`\nfmt.Print(s)", "%%\ns := `a  `+\"\\n\"+\n`%d\n`+\"\\n\"+\n`!ls\n`\nfmt.Print(s)"},
		"raw mark":           {"func main() {\n\tfmt.Print(`\n%%\n`)\n}", "func main() {\n\tfmt.Print(``+\"\\n\"+\n`%%\n`)\n}"},
		"command within":     {"/*\n!rm\n*/\nx := 1\nfmt.Print(x)", "%%\n/*\n !rm\n*/\nx := 1\nfmt.Print(x)"},
		"star in a command":  {"!ls a/*\nx := 3\nprint(x)", "!ls a/*\n%%\nx := 3\nprint(x)"},
		"quotes in commands": {"!echo it's `\nx := `\n`\nprint(x)", "!echo it's `\n%%\nx := `\n`\nprint(x)"},
		"no command":         {"! \n%\t\nprint(1)", "%%\nprint(1)"},
		"unknown magic":      {"%%time\nprint(1)", "%%time\n%%\nprint(1)"},
		"captured":           {"%capture a.txt\n3", "%capture a.txt\n%%\n_ =\n3"},
		"none of several":    {"x, y := 1, 2\nx, y;", "%%\nx, y := 1, 2\n_, _ =\nx, y;"},
		"no result wanted":   {"f(3);", "%%\nf(3);"},
		"several values":     {"x, y := 1, 2\nx, y", shows + "%%\nx, y := 1, 2\ngosciml_show.Value(\nx, y,\n)"},
		"comment behind":     {"x /* a\nb */", shows + "%%\ngosciml_show.Value(\nx,\n)"},
		"command behind":     {"x // y\n!ls", shows + "!ls\n%%\ngosciml_show.Value(\nx,\n)"},
		"marked, comment":    {"%%\nx // y", shows + "%%\ngosciml_show.Value(\nx,\n)"},
		"returns":            {"s := `a\r\nb`\r\ns + `c\r\nd`", shows + "%%\ns := `a\nb`\ngosciml_show.Value(\ns + `c\nd`,\n)"},
		"generic result":     {"func(x int) T[int] { return x }(3)", shows + "%%\ngosciml_show.Value(\nfunc(x int) T[int] { return x }(3),\n)"},
		"method without":     {"type T int\nfunc (t T) f() {}\nT(1).f()", "type T int\nfunc (t T) f() {}\n%%\nT(1).f()"},
		"closure without":    {"f := func() {}\nf()", "%%\nf := func() {}\nf()"},
		"generic without":    {"func f[T any]() {}\nf[int]()", "func f[T any]() {}\n%%\nf[int]()"},
		"own close":          {"func close() int { return 1 }\nclose()", shows + "func close() int { return 1 }\n%%\ngosciml_show.Value(\nclose(),\n)"},
	} {
		got := Read(c.source)
		if code := trim(got.Code()); code != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, code, c.want)
		}
		check(t, name, c.source)
	}
}

// place is where a word of Go stands in a cell.
type place struct {
	word         string
	line, column int
}

// places are the words of a code, without semicolons, which Go puts in by itself.
func places(goText string, line func(int) int) []place {
	var all []place
	words, _ := scan(goText)
	for _, w := range words {
		if w.token == token.SEMICOLON {
			continue
		}
		before := goText[:w.begin]
		all = append(all, place{goText[w.begin:w.end], line(1 + strings.Count(before, "\n")), w.begin - strings.LastIndex(before, "\n")})
	}
	return all
}

// check is what holds for every cell: GoNB gets each word of Go once, and the line of it leads back to where it stands, in the
// same column.
func check(t *testing.T, name, source string) {
	t.Helper()
	c := Read(source)
	lines := strings.Count(source, "\n") + 1
	for _, way := range []struct {
		code string
		line func(int) int
	}{{c.Code(), c.SourceLine}, {c.CodeWithoutValue(), c.SourceLineWithoutValue}} {
		for i := range strings.Count(way.code, "\n") + 3 {
			if l := way.line(i); l < 1 || l > lines {
				t.Fatalf("%s: line %d of the code is line %d of %d", name, i, l, lines)
			}
		}
		if len(c.inner) > 0 || c.parts == nil || !scans(source) { // strings that are cut have other words
			continue
		}
		want := map[place]int{}
		for _, p := range places(c.goText, func(line int) int { return line }) {
			want[p]++
		}
		for _, p := range places(Read(way.code).goText, way.line) {
			want[p]--
		}
		for p, n := range want {
			if n > 0 || n < 0 && !slices.Contains([]string{"import", showName, `"github.com/gosciml/gosciml/sciml/show"`, ".", "Value", "(", ",", ")", "_", "="}, p.word) {
				t.Fatalf("%s: %+v is %d times too few in\n%s\nmade of\n%s", name, p, n, way.code, source)
			}
		}
	}
	if c.ready && !c.ShowsValue() && c.unused < 0 && len(c.inner) == 0 && c.text == source && c.Code() != source {
		t.Fatalf("%s: GoNB can take %q, and gets %q", name, source, c.Code())
	}
}

// scans reports whether Go's scanner finds nothing wrong with what is Go in a cell.
func scans(source string) bool {
	text := Read(source).goText
	set := token.NewFileSet()
	var s scanner.Scanner
	s.Init(set.AddFile("", set.Base(), len(text)), []byte(text), func(token.Position, string) {}, 0)
	for {
		if _, tok, _ := s.Scan(); tok == token.EOF {
			return s.ErrorCount == 0
		}
	}
}

// TestInner: a raw string keeps its value when GoNB must not see its lines, with Windows' ends of lines as well.
func TestInner(t *testing.T) {
	for _, literal := range []string{"`\n%%\n`", "`a\n!b\n\n%c\n`", "`%a\n%`", "`a \n//gonb:!b`", "`a\r\n!b\r\n`", "`\n!`"} {
		want, err := types.Eval(token.NewFileSet(), nil, token.NoPos, literal)
		if err != nil {
			t.Fatal(err)
		}
		code := Read("x := " + literal + "\nprint(x)").Code()
		for line := range strings.Lines(code) {
			if trimmed := strings.TrimPrefix(line, "//gonb:"); strings.HasPrefix(trimmed, "!") || strings.HasPrefix(trimmed, "%") && line != "%%\n" {
				t.Errorf("%q: GoNB sees a command in\n%s", literal, code)
			}
		}
		_, code, _ = strings.Cut(code, "x := ")
		got, err := types.Eval(token.NewFileSet(), nil, token.NoPos, strings.TrimSuffix(code, "\nprint(x)"))
		if err != nil || got.Value.String() != want.Value.String() {
			t.Errorf("%q is %v (%v) in\n%s", literal, got.Value, err, code)
		}
	}
	if c := Read("x := `\n%a`[2]\nprint(x)"); strings.Contains(c.Code(), "+") {
		t.Errorf("an element of another string:\n%s", c.Code())
	}
}

// TestLocals: names that end with the cell.
func TestLocals(t *testing.T) {
	c := Read("x, y := 1, 2\nfor i := range 3 {\n\tz := i\n\t_ = z\n}\nvar a = 1\nvar b = x\n_, err := f()\nloop: for {}\nx = 3")
	if got := strings.Join(c.Locals(), " "); got != "x y b err" {
		t.Errorf("locals %q", got)
	}
	c = Read("func f() { z := 1 }\nfunc main() {\n\tx, y := 1, 2\n\tif z := x; z > y {}\n\tvar w int\n}")
	if got := strings.Join(c.Locals(), " "); got != "x y w" {
		t.Errorf("locals of a main function %q", got)
	}
}

// TestCursor: the way there and back, at every place of a cell.
func TestCursor(t *testing.T) {
	for _, source := range []string{
		"strings.Repe", "x := 3\nfunc f() {\n\tstrings.Repe\n}\nθ𝛼 := x\nfmt.Pri", "import \"os\"\nos.Arg", "%%\nfmt.P", "var x = 3\n\n",
	} {
		c := Read(source)
		code := []rune(c.CodeWithoutValue())
		for cursor := range []rune(source) {
			word := strings.TrimRight(lineTo([]rune(source), cursor), " \t")
			at := c.CodeCursor(cursor)
			runes := 0
			for units := 0; units < at && runes < len(code); runes++ {
				units += max(1, len([]rune(string(code[runes])))+map[bool]int{true: 1}[code[runes] > 0xFFFF])
			}
			if got := strings.TrimRight(lineTo(code, runes), " \t"); got != word {
				t.Errorf("%q: before place %d is %q in the code, want %q", source, cursor, got, word)
			}
			if back := c.SourceCursor(at); back != cursor {
				t.Errorf("%q: place %d is %d in the code, and %d on the way back", source, cursor, at, back)
			}
		}
	}
}

func lineTo(text []rune, at int) string {
	before := string(text[:min(at, len(text))])
	return before[strings.LastIndex(before, "\n")+1:]
}

// FuzzRead: any text is a cell, and keeps its words, lines and columns.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{"x := 3\nx", "func f() {}\n!ls\nf()", "`\n%%\n`", "var (\n\ta = 1\n)\n/* a */ b // c", "%% a\nb;", "func (", "x := 1; func g() {}; x", "\r\n",
		"for i := 0; i < 3; i++ {}; x, y", "if a {} else if b := c; b {}\nd", "%capture a\n1", "import \"os\"\nx := `a\r\n`\ntype T struct{ x int }\nx", "package main\nfunc main() { x := 1 }"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		check(t, "cell", source)
		c := Read(source)
		for cursor := range min(30, len(source)+2) {
			c.SourceCursor(c.CodeCursor(cursor))
		}
		c.Locals()
		if program := "package p\n" + source; !strings.ContainsAny(source, "%!") && !strings.Contains(source, "main") {
			if _, err := format.Source([]byte(program)); err == nil && strings.Count(source, "import") == 0 && c.ShowsValue() {
				t.Fatalf("declarations that show a value: %q", source)
			}
		}
	})
}
