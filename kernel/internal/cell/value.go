package cell

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
)

// showImport brings in what shows a value, under a name that nobody takes by chance.
const (
	showName   = "gosciml_show"
	showImport = `import ` + showName + ` "github.com/gosciml/gosciml/sciml/show"`
)

// ShowsValue reports whether Code shows the value of the expression at the end.
func (c *Cell) ShowsValue() bool { return c.value >= 0 }

// ValueLine is the line of the cell, from 1 on, on which the expression at its end begins; 0 without one.
func (c *Cell) ValueLine() int {
	if c.value < 0 {
		return 0
	}
	return 1 + strings.Count(c.source[:c.parts[c.value].first], "\n")
}

// silent are functions that people call for what they do: those of packages, by their beginning.
var (
	silent = []string{"panic", "print", "println", "close", "delete", "copy", "clear", "recover", "os.Exit", "time.Sleep", "runtime.GC",
		"slices.Reverse", "rand.Shuffle", "rand.Seed"}
	silentBeginnings = []string{"fmt.Print", "fmt.Fprint", "fmt.Scan", "log.", "slog.", "slices.Sort", "sort.Sl", "sort.St", "sort.Sort", "sort.Ints",
		"sort.Float64s"}
)

// findValue looks whether a statement is an expression whose value people want to see, or several with commas. One that ends with a
// semicolon is not; nor is one of a cell whose output goes to a file, as the marks around a value would be in it.
func (c *Cell) findValue(i int, captured bool) {
	p := c.parts[i]
	expr, err := parser.ParseExpr("f(\n" + c.goText[p.first:p.last()] + ",\n)")
	if err != nil {
		return
	}
	list, ok := expr.(*ast.CallExpr)
	if !ok || list.Ellipsis.IsValid() || len(list.Args) == 0 {
		return
	}
	if f, ok := list.Fun.(*ast.Ident); !ok || f.Pos() != 1 {
		return
	}
	first := list.Args[0]
	call, isCall := first.(*ast.CallExpr)
	if captured || strings.HasPrefix(strings.TrimLeft(c.goText[p.last():], " \t"), ";") {
		arrow, _ := first.(*ast.UnaryExpr)
		if statement := isCall || arrow != nil && arrow.Op == token.ARROW; !statement || len(list.Args) > 1 {
			c.unused, c.many = i, len(list.Args)
		}
		return
	}
	if isCall && len(list.Args) == 1 && c.isSilent(call.Fun) {
		return
	}
	c.value = i
}

// isSilent reports whether a function is known to be without results, or to be called for something else.
func (c *Cell) isSilent(fun ast.Expr) bool {
	switch f := fun.(type) {
	case *ast.FuncLit:
		return f.Type.Results == nil
	case *ast.ParenExpr:
		return c.isSilent(f.X)
	case *ast.IndexExpr: // with a type
		return c.isSilent(f.X)
	case *ast.IndexListExpr:
		return c.isSilent(f.X)
	case *ast.Ident:
		if results, known := c.results()[f.Name]; known {
			return !results
		}
		return slices.Contains(silent, f.Name)
	case *ast.SelectorExpr:
		if results, known := c.results()["."+f.Sel.Name]; known {
			return !results
		}
		if x, ok := f.X.(*ast.Ident); ok {
			name := x.Name + "." + f.Sel.Name
			return slices.Contains(silent, name) || slices.ContainsFunc(silentBeginnings, func(s string) bool { return strings.HasPrefix(name, s) })
		}
	}
	return false
}

// results tells which functions and methods (with a dot) the cell declares, and whether one of that name has results.
func (c *Cell) results() map[string]bool {
	found := map[string]bool{}
	enter := func(name string, t *ast.FuncType) { found[name] = found[name] || t.Results != nil }
	for i, p := range c.parts {
		code := "package p\n" + c.goText[p.first:p.end]
		if c.as[i] == statement {
			code = "package p\nfunc _() {\n" + c.goText[p.first:p.end] + "\n}"
		}
		file, _ := parser.ParseFile(token.NewFileSet(), "", code, parser.SkipObjectResolution)
		if file == nil || c.as[i] == imports {
			continue
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Recv != nil {
					enter("."+n.Name.Name, n.Type)
				} else {
					enter(n.Name.Name, n.Type)
				}
				return c.as[i] == statement // what is within another function is not to be called
			case *ast.AssignStmt:
				for k, left := range n.Lhs {
					if name, ok := left.(*ast.Ident); ok && k < len(n.Rhs) {
						if f, ok := n.Rhs[k].(*ast.FuncLit); ok {
							enter(name.Name, f.Type)
						}
					}
				}
			case *ast.ValueSpec:
				for k, name := range n.Names {
					if k < len(n.Values) {
						if f, ok := n.Values[k].(*ast.FuncLit); ok {
							enter(name.Name, f.Type)
						}
					}
				}
			}
			return true
		})
	}
	return found
}

// wrapped puts what shows or drops a value around the expression at the end, in lines of its own, so that columns stay.
func (c *Cell) wrapped(lines []line) []line {
	i, before, after := c.value, showName+".Value(", ")"
	if c.unused >= 0 {
		i, before, after = c.unused, strings.Repeat("_, ", c.many-1)+"_ =", ""
	}
	firstLine, column := c.lineAndColumn(c.parts[i].first)
	lastLine, endColumn := c.lineAndColumn(c.parts[i].last())
	var out []line
	for i, l := range lines {
		if i == lastLine && after != "" {
			l.text = l.text[:endColumn] + "," + l.text[endColumn:]
		}
		if i == firstLine {
			if head := l.text[:column]; strings.TrimSpace(head) != "" { // other statements on the line
				out = append(out, line{text: head, from: i, of: statement})
				l.text = strings.Repeat(" ", column) + l.text[column:]
			}
			out = append(out, line{text: before, from: i})
		}
		out = append(out, l)
		if i == lastLine && after != "" {
			out = append(out, line{text: after, from: i})
		}
	}
	return out
}

// lineAndColumn of an offset of the source, both from 0 on and in bytes.
func (c *Cell) lineAndColumn(at int) (line, column int) {
	return strings.Count(c.source[:at], "\n"), at - (strings.LastIndex(c.source[:at], "\n") + 1)
}
