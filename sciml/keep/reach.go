package keep

import (
	"fmt"
	"go/ast"
	"go/types"
	"path"
	"slices"
	"strconv"
	"strings"
)

// walk collects what a function reaches.
type walk struct {
	p     *program
	found pieces
	seen  map[ast.Node]bool
	// body is the function that encloses a function literal: there its local
	// variables are set.
	body   ast.Node
	roots  []ast.Node
	locals map[types.Object][]ast.Node
}

// reach returns the pieces reached from the function at a place. Where literals
// cannot be told apart, all of them count.
func (p *program) reach(at place) (pieces, error) {
	f := p.files[at.file]
	w := &walk{p: p, found: pieces{}, seen: map[ast.Node]bool{}}
	for _, decl := range f.Decls {
		if p.around(decl, at.line) {
			w.body = decl
		}
	}
	if w.body == nil {
		return nil, fmt.Errorf("no function at line %d of %s", at.line, at.file)
	}
	if fn, ok := w.body.(*ast.FuncDecl); ok && at.depth == 0 {
		w.declaration(declaration{pieceOf(fn), fn, f})
		return w.found, nil
	}
	roots := p.literals(w.body, at)
	if len(roots) == 0 {
		roots = []ast.Node{w.body}
	}
	w.roots, w.locals = roots, p.assignments(w.body)
	for _, root := range roots {
		w.found[makePiece] += hashNode(root)
		w.node(root, f)
	}
	return w.found, nil
}

func (p *program) around(n ast.Node, line int) bool {
	return p.fset.Position(n.Pos()).Line <= line && line <= p.fset.Position(n.End()).Line
}

// literals returns the function literals around a place at its depth.
func (p *program) literals(body ast.Node, at place) []ast.Node {
	var out []ast.Node
	depth := 0
	var stack []ast.Node
	ast.Inspect(body, func(n ast.Node) bool {
		if n == nil {
			if _, ok := stack[len(stack)-1].(*ast.FuncLit); ok {
				depth--
			}
			stack = stack[:len(stack)-1]
			return true
		}
		stack = append(stack, n)
		if _, ok := n.(*ast.FuncLit); ok {
			depth++
			if depth == at.depth && p.around(n, at.line) {
				out = append(out, n)
			}
		}
		return true
	})
	return out
}

func pieceOf(fn *ast.FuncDecl) string {
	if fn.Recv != nil && len(fn.Recv.List) == 1 {
		return "method " + receiver(fn.Recv.List[0].Type) + "." + fn.Name.Name
	}
	return "func " + fn.Name.Name
}

// assignments returns the statements of a function that set each variable.
func (p *program) assignments(body ast.Node) map[types.Object][]ast.Node {
	out := map[types.Object][]ast.Node{}
	set := func(e ast.Expr, stmt ast.Node) {
		for {
			switch x := e.(type) {
			case *ast.Ident:
				if obj := p.types.object(x); obj != nil {
					out[obj] = append(out[obj], stmt)
				}
				return
			case *ast.SelectorExpr: // opts.Steps = 3 sets opts.
				e = x.X
			case *ast.IndexExpr:
				e = x.X
			case *ast.StarExpr:
				e = x.X
			case *ast.ParenExpr:
				e = x.X
			default:
				return
			}
		}
	}
	ast.Inspect(body, func(n ast.Node) bool {
		switch s := n.(type) {
		case *ast.AssignStmt:
			for _, lhs := range s.Lhs {
				set(lhs, s)
			}
		case *ast.IncDecStmt:
			set(s.X, s)
		case *ast.RangeStmt:
			for _, e := range []ast.Expr{s.Key, s.Value} {
				if e != nil {
					set(e, s.X)
				}
			}
		case *ast.DeclStmt:
			if group, ok := s.Decl.(*ast.GenDecl); ok {
				for _, spec := range group.Specs {
					switch spec := spec.(type) {
					case *ast.ValueSpec:
						for _, id := range spec.Names {
							set(id, spec)
						}
					case *ast.TypeSpec:
						set(spec.Name, spec)
					}
				}
			}
		}
		return true
	})
	return out
}

// node follows every identifier of a syntax tree. What a selector selects needs no look: it is a field, something of another package,
// or a method of a type that is reached, with all its methods.
func (w *walk) node(root ast.Node, file *ast.File) {
	if file != nil && !w.seen[file] {
		w.seen[file] = true
		w.imported(file, ".", "_") // Names that nobody can tell from our own, and what works by being there.
	}
	ast.Inspect(root, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok && w.p.types.object(x) == nil {
				w.imported(file, "") // A package whose name is not the end of its path.
			}
			w.node(n.X, file)
			return false
		case *ast.KeyValueExpr:
			// In a literal of a type that is not known here, a small name is no field but a constant, since those of other packages'
			// structs cannot be named.
			if key, ok := n.Key.(*ast.Ident); ok && w.p.types.object(key) == nil && !key.IsExported() {
				w.declarations(key.Name)
			}
		case *ast.Ident:
			w.ident(n)
		}
		return true
	})
}

func (w *walk) ident(id *ast.Ident) {
	obj := w.p.types.object(id)
	switch imported, isPackage := obj.(*types.PkgName); {
	case obj == nil:
	case isPackage:
		w.p.local.add(w.found, imported.Imported().Path())
	case w.p.types.topLevel(obj):
		w.declarations(id.Name)
	default:
		w.variable(obj)
	}
}

func (w *walk) declarations(name string) {
	for _, d := range w.p.byIdent[name] {
		w.declaration(d)
	}
}

// variable follows what set a variable of the function around.
func (w *walk) variable(obj types.Object) {
	for _, stmt := range w.locals[obj] {
		if w.seen[stmt] || w.without(stmt) {
			continue
		}
		w.seen[stmt] = true
		w.found[localPiece+obj.Name()] += hashNode(stmt)
		w.node(stmt, nil)
	}
}

// without says whether a statement does not count: one that comes after the
// function, unless a loop leads back, one within it, which counts with it, and
// the one around the function, such as the call of keep.Value itself.
func (w *walk) without(stmt ast.Node) bool {
	for _, root := range w.roots {
		if stmt.Pos() <= root.Pos() && root.End() <= stmt.End() || root.Pos() <= stmt.Pos() && stmt.End() <= root.End() {
			return true
		}
		if stmt.Pos() > root.End() && !inLoop(w.body, root) {
			return true
		}
	}
	return false
}

func inLoop(body, root ast.Node) bool {
	found := false
	ast.Inspect(body, func(n ast.Node) bool {
		switch n.(type) {
		case *ast.ForStmt, *ast.RangeStmt, *ast.LabeledStmt:
			found = found || n.Pos() <= root.Pos() && root.End() <= n.End()
		}
		return !found
	})
	return found
}

func (w *walk) declaration(d declaration) {
	if w.seen[d.node] && w.found[d.piece] != "" {
		return
	}
	w.seen[d.node] = true
	// Variants of one declaration for several systems count together.
	w.found[d.piece] = ""
	for _, variant := range w.p.named[d.piece] {
		w.found[d.piece] += variant.sum()
		w.seen[variant.node] = true
	}
	for _, variant := range w.p.named[d.piece] {
		w.node(variant.node, variant.file)
	}
	kind, name, _ := strings.Cut(d.piece, " ")
	switch kind {
	case "type":
		// Methods are also called through interfaces, where no name is seen.
		for _, m := range w.p.ofType[name] {
			w.declaration(m)
		}
	case "var":
		for _, in := range w.p.inits {
			if w.p.types.uses(in.node, name) {
				w.declaration(in)
			}
		}
	}
}

// imported adds the packages that a file imports under such names; an empty one stands for those that are not given any.
func (w *walk) imported(file *ast.File, under ...string) {
	if file == nil { // A statement around the literal: in the file of the body.
		for _, f := range w.p.files {
			w.imported(f, under...)
		}
		return
	}
	for _, spec := range file.Imports {
		name := ""
		if spec.Name != nil {
			name = spec.Name.Name
		}
		if importPath, err := strconv.Unquote(spec.Path.Value); err == nil && slices.Contains(under, name) {
			w.p.local.add(w.found, importPath)
		}
	}
}

// importName guesses the name of a package from its path.
func importName(importPath string) string {
	base := path.Base(importPath)
	if len(base) > 1 && base[0] == 'v' && strings.Trim(base[1:], "0123456789") == "" {
		base = path.Base(path.Dir(importPath))
	}
	base, _, _ = strings.Cut(base, ".")
	base = strings.TrimPrefix(base, "go-")
	return base
}
