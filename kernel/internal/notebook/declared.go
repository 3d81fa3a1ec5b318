package notebook

import (
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Declared is a variable or constant of a cell tagged "parameters", as Go code. What is not known is empty.
type Declared struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Value string `json:"value"`
}

// Declares lists what the source of a cell tagged "parameters" declares.
func Declares(source string) ([]Declared, error) {
	cell, err := parseDeclarations(source)
	if err != nil {
		return nil, err
	}
	list := make([]Declared, len(cell.all))
	for i, d := range cell.all {
		list[i] = Declared{Name: d.name, Type: cell.typeText(d)}
		if d.value != nil {
			list[i].Value = cell.textOf(d.value)
		}
	}
	return list, nil
}

// DeclareAnew returns the source of a cell that declares anew, with the values given, what that of another declares.
func DeclareAnew(source string, values []Parameter) (string, error) {
	cell, err := parseDeclarations(source)
	if err != nil {
		return "", err
	}
	anew := map[*declared]string{}
	for _, v := range values {
		i := slices.IndexFunc(cell.all, func(d *declared) bool { return d.name == v.Name })
		if i < 0 {
			return "", fmt.Errorf("there is no parameter %q, expected one that the cell tagged \"parameters\" declares: %s", v.Name, cell.list())
		}
		d := cell.all[i]
		if _, twice := anew[d]; twice {
			return "", fmt.Errorf("the parameter %s is given twice, expected one value", v.Name)
		}
		if anew[d], err = cell.value(d, v.Value); err != nil {
			return "", fmt.Errorf("the parameter %s was given as %q, expected %w; the notebook has the parameters %s", v.Name, v.Value, err, cell.list())
		}
	}
	lines := []string{"// Parameters"}
	written := map[*ast.GenDecl]bool{}
	for _, d := range cell.all {
		value, ok := anew[d]
		switch {
		case !ok || written[d.group]:
		case d.group.Tok == token.VAR:
			line := "var " + d.name
			if t := cell.typeText(d); t != "" {
				line += " " + t
			}
			lines = append(lines, line+" = "+value)
		default: // GoNB ties the constants of a group to each other: all of them can be declared anew, one cannot
			written[d.group] = true
			lines = append(lines, cell.groupWith(d.group, anew))
		}
	}
	return strings.Join(lines, "\n"), nil
}

// declared is a variable or a constant that a cell declares.
type declared struct {
	name     string
	group    *ast.GenDecl
	explicit ast.Expr // its type, nil if it has that of its value
	value    ast.Expr // nil if it has none of its own
	problem  string   // why it cannot be given another value, if so
	typ      types.Type
}

// declarations are those of a cell.
type declarations struct {
	text  string
	files *token.FileSet
	all   []*declared
}

const clause = "package main; " // on the cell's first line, so that lines stay those of the cell

// parseDeclarations reads the variables and constants of a cell, which stand before its statements.
func parseDeclarations(source string) (*declarations, error) {
	lines := strings.Split(source, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, "%%") || strings.HasPrefix(line, "%main") {
			lines = lines[:i]
			break
		}
		if strings.HasPrefix(line, "%") || strings.HasPrefix(line, "!") {
			lines[i] = ""
		}
	}
	c := &declarations{text: clause + strings.Join(lines, "\n"), files: token.NewFileSet()}
	file, err := parser.ParseFile(c.files, "", c.text, parser.ParseComments)
	if err != nil {
		return nil, fmt.Errorf("the cell tagged \"parameters\" cannot be read, expected declarations such as `var rate = 0.1`: %w", err)
	}
	checked, _ := check(c.files, file)
	for _, decl := range file.Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok || group.Tok != token.VAR && group.Tok != token.CONST {
			continue
		}
		continued := slices.ContainsFunc(group.Specs, func(s ast.Spec) bool { return len(s.(*ast.ValueSpec).Values) == 0 })
		for _, s := range group.Specs {
			spec := s.(*ast.ValueSpec)
			for i, name := range spec.Names {
				if name.Name == "_" {
					continue
				}
				d := &declared{name: name.Name, group: group, explicit: spec.Type}
				switch {
				case group.Tok == token.CONST && continued:
					d.problem = "a group of constants that each have a value of their own"
				case len(spec.Values) == len(spec.Names):
					d.value = spec.Values[i]
				case len(spec.Values) > 0:
					d.problem = "a declaration of its own, not one value of a call that returns several"
				}
				if o := checked.Scope().Lookup(name.Name); o != nil {
					d.typ = o.Type()
				}
				c.all = append(c.all, d)
			}
		}
	}
	if len(c.all) == 0 {
		return nil, errors.New("the cell tagged \"parameters\" declares nothing, expected variables or constants such as `var rate = 0.1`; " +
			"what statements make does not outlive their cell")
	}
	return c, nil
}

// check finds the types of what a file declares, as far as that can be done without the other cells and without packages
// that are not Go's own, and what is wrong with it.
func check(files *token.FileSet, file *ast.File) (p *types.Package, problems []string) {
	standard := goPackages()
	standard.complete(file)
	config := types.Config{Importer: standard, Error: func(err error) { problems = append(problems, err.(types.Error).Msg) }}
	p, _ = config.Check("main", files, []*ast.File{file}, nil)
	return p, problems
}

// standardLibrary imports the packages of Go itself.
type standardLibrary struct{ types.Importer }

var goPackages = sync.OnceValue(func() standardLibrary { // it remembers what it has read
	return standardLibrary{importer.ForCompiler(token.NewFileSet(), "source", nil)}
})

func (s standardLibrary) Import(path string) (*types.Package, error) {
	if first, _, _ := strings.Cut(path, "/"); strings.Contains(first, ".") || path == "C" {
		return nil, errors.New("not a package of Go itself")
	}
	return s.Importer.Import(path)
}

// complete adds the imports that a file lacks, as GoNB does by goimports, where the path is no more than a name: math, time.
func (s standardLibrary) complete(file *ast.File) {
	known := map[string]bool{}
	for _, i := range file.Imports {
		path, _ := strconv.Unquote(i.Path.Value)
		known[path[strings.LastIndex(path, "/")+1:]] = true
		if i.Name != nil {
			known[i.Name.Name] = true
		}
	}
	var missing []ast.Decl
	ast.Inspect(file, func(n ast.Node) bool {
		selector, _ := n.(*ast.SelectorExpr)
		if selector == nil {
			return true
		}
		name, _ := selector.X.(*ast.Ident)
		if name == nil || known[name.Name] {
			return true
		}
		known[name.Name] = true
		if _, err := s.Import(name.Name); err != nil {
			return true
		}
		spec := &ast.ImportSpec{Path: &ast.BasicLit{ValuePos: file.Name.End(), Kind: token.STRING, Value: strconv.Quote(name.Name)}}
		missing = append(missing, &ast.GenDecl{TokPos: file.Name.End(), Tok: token.IMPORT, Specs: []ast.Spec{spec}})
		return true
	})
	file.Decls = append(missing, file.Decls...)
}

// list names the parameters, with their types where these are known.
func (c *declarations) list() string {
	var names []string
	for _, d := range c.all {
		name := d.name
		if t := c.typeText(d); t != "" {
			name += " (" + t + ")"
		}
		names = append(names, name)
	}
	return strings.Join(names, ", ")
}

// typeText is the type as Go code; empty if it is not known.
func (c *declarations) typeText(d *declared) string {
	switch {
	case d.explicit != nil:
		return c.textOf(d.explicit)
	case d.typ == nil || d.typ == types.Typ[types.Invalid]:
		return ""
	}
	return types.TypeString(types.Default(d.typ), func(p *types.Package) string {
		if p.Name() == "main" {
			return ""
		}
		return p.Name()
	})
}

// value returns what is given for a parameter as Go code. The error says what was expected.
func (c *declarations) value(d *declared, given string) (string, error) {
	if d.problem != "" {
		return "", errors.New(d.problem)
	}
	basic, ok := d.typ.(*types.Basic)
	if !ok || basic.Info()&(types.IsNumeric|types.IsString|types.IsBoolean) == 0 {
		if _, err := parser.ParseExpr(given); err != nil {
			return "", fmt.Errorf("a Go expression (%w)", short(err))
		}
		return c.converted(d, given), nil
	}
	if basic.Info()&types.IsString != 0 {
		return c.converted(d, strconv.Quote(given)), nil
	}
	want := "a number of type "
	if basic.Info()&types.IsBoolean != 0 {
		want = "true or false, of type "
	}
	want += c.typeText(d)
	given = strings.TrimSpace(given)
	if _, err := parser.ParseExpr(given); err != nil {
		return "", fmt.Errorf("%s (%w)", want, short(err))
	}
	// The compiler's own rules say whether it fits.
	const name = "given_"
	file, err := parser.ParseFile(c.files, "given", clause+"var "+name+" "+types.Default(basic).String()+" = "+given+"\n", 0)
	if err != nil {
		return "", fmt.Errorf("%s (%w)", want, short(err))
	}
	if _, problems := check(c.files, file); len(problems) > 0 {
		return "", fmt.Errorf("%s (%s)", want, problems[0])
	}
	if basic.Kind() == types.UntypedFloat {
		given = asFloat(given)
	}
	return c.converted(d, given), nil
}

// short leaves out the place of an error in an expression of one line.
func short(err error) error {
	if _, message, ok := strings.Cut(err.Error(), ": "); ok {
		return errors.New(message)
	}
	return err
}

// converted keeps the type of a constant that has it from its value alone.
func (c *declarations) converted(d *declared, value string) string {
	basic, isBasic := d.typ.(*types.Basic)
	if d.group.Tok == token.VAR || d.explicit != nil || isBasic && basic.Info()&types.IsUntyped != 0 {
		return value
	}
	if t := c.typeText(d); t != "" {
		return t + "(" + value + ")"
	}
	return value
}

var (
	decimal  = regexp.MustCompile(`^[+-]?(0|[1-9][0-9_]*)$`)
	decimals = regexp.MustCompile(`^[+-]?[0-9_]*\.[0-9_]*$`)
)

// asFloat is the same number as a constant that stays a floating-point number where it meets an integer.
func asFloat(number string) string {
	switch {
	case decimal.MatchString(number):
		return number + ".0"
	case decimals.MatchString(number):
		return number
	}
	return "1.0 * (" + number + ")"
}

// groupWith is the text of a group of constants with some values replaced.
func (c *declarations) groupWith(group *ast.GenDecl, anew map[*declared]string) string {
	begin := c.offset(group.Pos())
	text := c.text[begin:c.offset(group.End())]
	for _, d := range slices.Backward(c.all) {
		if value, ok := anew[d]; ok && d.group == group {
			text = text[:c.offset(d.value.Pos())-begin] + value + text[c.offset(d.value.End())-begin:]
		}
	}
	return text
}

func (c *declarations) textOf(n ast.Node) string {
	return c.text[c.offset(n.Pos()):c.offset(n.End())]
}

func (c *declarations) offset(p token.Pos) int { return c.files.Position(p).Offset }
