package cell

import (
	"go/format"
	"strings"
	"testing"
)

// trim leaves the lines of a code that hold anything.
func trim(code string) string {
	var lines []string
	for line := range strings.Lines(code) {
		if strings.TrimSpace(line) != "" {
			lines = append(lines, strings.TrimRight(line, " \n"))
		}
	}
	return strings.Join(lines, "\n")
}

const shows = showImport + "\n"

// TestCode: what people type, and what GoNB gets, without blank lines.
func TestCode(t *testing.T) {
	for name, c := range map[string]struct{ source, want string }{
		"statements":        {"x := 3\nfmt.Println(x)", "%%\nx := 3\nfmt.Println(x)"},
		"value":             {"x := 3\nx * 2", shows + "%%\nx := 3\ngosciml_show.Value(\nx * 2,\n)"},
		"value, comment":    {"x * 2 // twice", shows + "%%\ngosciml_show.Value(\nx * 2, // twice\n)"},
		"no value wanted":   {"x * 2;", "%%\nx * 2;"},
		"two on a line":     {"x := 3; x", shows + "%%\nx := 3;\ngosciml_show.Value(\n        x,\n)"},
		"literal":           {"[]int{\n\t1,\n\t2,\n}", shows + "%%\ngosciml_show.Value(\n[]int{\n\t1,\n\t2,\n},\n)"},
		"call":              {"f(3)", shows + "%%\ngosciml_show.Value(\nf(3),\n)"},
		"call of a cell's":  {"func f() {}\nf()", "func f() {}\n%%\nf()"},
		"print":             {"println(3)", "%%\nprintln(3)"},
		"declarations":      {"import \"fmt\"\n\nvar x = 3\n", "import \"fmt\"\nvar x = 3"},
		"mixed":             {"x := 3\n// f is f.\nfunc f() int { return 1 }\nfmt.Println(x, f())", "// f is f.\nfunc f() int { return 1 }\n%%\nx := 3\nfmt.Println(x, f())"},
		"method":            {"type T int\nT(1).f()\nfunc (t T) f() {}\n_ = 1", "type T int\nfunc (t T) f() {}\n%%\nT(1).f()\n_ = 1"},
		"literal called":    {"func() {\n\tfmt.Println()\n}()", shows + "%%\ngosciml_show.Value(\nfunc() {\n\tfmt.Println()\n}(),\n)"},
		"literal, result":   {"x := 1\nfunc(y int) int { return y }(x)", shows + "%%\nx := 1\ngosciml_show.Value(\nfunc(y int) int { return y }(x),\n)"},
		"generic":           {"func f[T any](x T) T { return x }\nf(1)", shows + "func f[T any](x T) T { return x }\n%%\ngosciml_show.Value(\nf(1),\n)"},
		"var of a local":    {"x := 3\nvar y = x\nvar z = 4\nfmt.Print(y)", "var z = 4\n%%\nx := 3\nvar y = x\nfmt.Print(y)"},
		"var of that":       {"x := 3\nvar y = x\nconst n = 1\ntype T [n]int\nvar z T = T{y}\nfmt.Print(z)", "const n = 1\ntype T [n]int\n%%\nx := 3\nvar y = x\nvar z T = T{y}\nfmt.Print(z)"},
		"field of a name":   {"x := 3\nvar y = p.x\nfmt.Print(x)", "var y = p.x\n%%\nx := 3\nfmt.Print(x)"},
		"control":           {"for i := range 3 {\n\tfmt.Print(i)\n}\nif true {\n} else {\n}", "%%\nfor i := range 3 {\n\tfmt.Print(i)\n}\nif true {\n} else {\n}"},
		"label":             {"loop:\nfor {\n\tbreak loop\n}", "%%\nloop:\nfor {\n\tbreak loop\n}"},
		"import in between": {"func f() {}\nimport \"os\"\n", "import \"os\"\nfunc f() {}"},
		"raw string":        {"s := `\nfunc f() {\n`\nfmt.Print(s)", "%%\ns := `\nfunc f() {\n`\nfmt.Print(s)"},
		"specials":          {"!ls\n%env A=1\nx := 1\n_ = x", "!ls\n%env A=1\n%%\nx := 1\n_ = x"},
		"special only":      {"!ls \\\n  -l", "!ls \\\n  -l"},
		"commented special": {"//gonb:%env A=1\n_ = 1", "//gonb:%env A=1\n%%\n_ = 1"},
		"magic":             {"%%writefile a.txt\nx := 3\nx", "%%writefile a.txt\nx := 3\nx"},
		"test":              {"%test\nfunc TestA(t *testing.T) {}", "%test\nfunc TestA(t *testing.T) {}"},
		"marked":            {"var a = 1\n%%\nfmt.Print(a)", "var a = 1\n%%\nfmt.Print(a)"},
		"marked, value":     {"%% -flag\nvar b = a\nb", shows + "%% -flag\nvar b = a\ngosciml_show.Value(\nb,\n)"},
		"main":              {"func main() {\n\tfmt.Print()\n}", "func main() {\n\tfmt.Print()\n}"},
		"comments":          {"// nothing\n/* at\nall */", "// nothing\n/* at\nall */"},
		"empty":             {"", ""},
		"incomplete":        {"x := f(\nfunc g() {", "%%\nx := f(\nfunc g() {"},
		"unicode":           {"θ := 1\nθ", shows + "%%\nθ := 1\ngosciml_show.Value(\nθ,\n)"},
		"receive":           {"c := make(chan int, 1)\nc <- 1\n<-c", shows + "%%\nc := make(chan int, 1)\nc <- 1\ngosciml_show.Value(\n<-c,\n)"},
		"const group":       {"const (\n\ta = iota\n\tb\n)\nb", shows + "const (\n\ta = iota\n\tb\n)\n%%\ngosciml_show.Value(\nb,\n)"},
		"package":           {"package main\n\nfunc f() {}", "package main\nfunc f() {}"},
	} {
		got := Read(c.source)
		if code := trim(got.Code()); code != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, code, c.want)
		}
		check(t, name, c.source)
	}
}

// check is what holds for every cell: each line of the source that is in a code is the line that it is said to be, once.
func check(t *testing.T, name, source string) {
	t.Helper()
	c := Read(source)
	lines := strings.Split(source, "\n")
	for _, way := range []struct {
		code string
		line func(int) int
	}{{c.Code(), c.SourceLine}, {c.CodeWithoutValue(), c.SourceLineWithoutValue}} {
		letters := map[int]string{}
		for i, line := range strings.Split(way.code, "\n") {
			from := way.line(i + 1)
			if from < 1 || from > len(lines) {
				t.Fatalf("%s: line %d of the code is line %d of %d", name, i+1, from, len(lines))
			}
			if line == "%%" && lines[from-1] != "%%" || strings.HasPrefix(line, "import gosciml_show") || line == "gosciml_show.Value(" || line == ")" {
				continue
			}
			letters[from] += strings.TrimSpace(line)
		}
		for i, line := range lines {
			want := strings.Join(strings.Fields(line), "")
			got := strings.Join(strings.Fields(letters[i+1]), "")
			comment := strings.HasPrefix(strings.TrimSpace(line), "//") || strings.Contains(source, "/*")
			if got != want && strings.ReplaceAll(got, ",", "") != strings.ReplaceAll(want, ",", "") && !comment && want != ")" && sorted(got) != sorted(want) {
				t.Fatalf("%s: line %d is %q in the code\n%s\nwant %q", name, i+1, letters[i+1], way.code, line)
			}
		}
	}
}

// sorted are the letters of a text without commas, as parts of a line may change places.
func sorted(text string) string {
	counts := map[rune]int{}
	for _, r := range text {
		if r != ',' {
			counts[r]++
		}
	}
	var b strings.Builder
	for r := range rune(0x3000) {
		if n := counts[r]; n > 0 {
			b.WriteString(strings.Repeat(string(r), n))
		}
	}
	return b.String()
}

// TestLocals: names that end with the cell.
func TestLocals(t *testing.T) {
	c := Read("x, y := 1, 2\nfor i := range 3 {\n\tz := i\n\t_ = z\n}\nvar a = 1\nvar b = x\n_, err := f()\nloop: for {}\nx = 3")
	if got := strings.Join(c.Locals(), " "); got != "x y b err" {
		t.Errorf("locals %q", got)
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

// FuzzRead: any text is a cell, and keeps its lines.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{"x := 3\nx", "func f() {}\n!ls\nf()", "`\n%%\n`", "var (\n\ta = 1\n)\n/* a */ b // c", "%% a\nb;", "func (", "x := 1; func g() {}; x", "\r\n"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		c := Read(source)
		lines := strings.Count(source, "\n") + 1
		for _, code := range []string{c.Code(), c.CodeWithoutValue()} {
			for i := range strings.Count(code, "\n") + 3 {
				if l := c.SourceLine(i); l < 1 || l > lines {
					t.Fatalf("line %d of %d", l, lines)
				}
			}
		}
		for cursor := range min(10, len(source)+2) {
			c.SourceCursor(c.CodeCursor(cursor))
		}
		if program := "package p\n" + source; !strings.ContainsAny(source, "%!") && !strings.Contains(source, "main") {
			if _, err := format.Source([]byte(program)); err == nil && strings.Count(source, "import") == 0 && c.ShowsValue() {
				t.Fatalf("declarations that show a value: %q", source)
			}
		}
	})
}
