package keep

import (
	"cmp"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"slices"
	"strings"
)

// walk collects what code reaches.
type walk struct {
	p       *program
	pieces  map[string]bool // Names of the declarations that were reached.
	imports map[string]bool
	seen    map[ast.Node]bool
	flows   flows

	// Of the function given to keep.Value: the literals or the declaration that it is, the declaration around, what sets variables in all that runs,
	// and what of that was reached.
	roots    []ast.Node
	body     declaration
	settings map[types.Object][]setting
	locals   map[types.Object][]setting
}

func (p *program) walk() *walk {
	return &walk{p: p, pieces: map[string]bool{}, imports: map[string]bool{}, seen: map[ast.Node]bool{}, flows: newFlows(), locals: map[types.Object][]setting{}}
}

// reach returns the pieces reached from the function at a place. Where literals
// cannot be told apart, all of them count.
func (p *program) reach(at place) (pieces, error) {
	f := p.files[at.file]
	w := p.walk()
	for _, decl := range f.Decls {
		if p.around(decl, at.line) {
			w.body = declaration{node: decl}
		}
	}
	if w.body.node == nil {
		return nil, fmt.Errorf("no function at line %d of %s", at.line, at.file)
	}
	fn, declared := w.body.node.(*ast.FuncDecl)
	declared = declared && at.depth == 0
	w.roots = p.literals(w.body.node, at)
	if len(w.roots) == 0 {
		w.roots = []ast.Node{w.body.node}
	}
	w.settings = map[types.Object][]setting{}
	for _, d := range p.running(w.body) {
		p.settings(d, w.settings)
	}
	for _, root := range w.roots {
		if declared {
			w.declaration(pieceOf(fn))
		} else {
			w.node(root)
		}
		w.encoded(root)
	}
	w.methods()
	found := w.hashes()
	if !declared {
		for _, root := range w.roots {
			found[makePiece] += hashNode(root)
		}
	}
	return found, nil
}

// running returns the declarations that the program may run, as far as they can set variables: those reached from main, from init functions and from
// the initial values of variables, and the given one. In other programs, tests for example, all declarations count.
func (p *program) running(body declaration) []declaration {
	start := p.walk()
	_, isMain := p.named["func main"]
	for piece := range p.named {
		if !isMain || p.test || piece == "func main" || piece == "func init" || strings.HasPrefix(piece, "var ") {
			start.declaration(piece)
		}
	}
	start.methods()
	out := []declaration{body}
	added := map[ast.Node]bool{body.node: true}
	for _, variants := range p.named {
		for _, d := range variants {
			if start.seen[d.node] && !added[d.node] {
				added[d.node] = true
				out = append(out, d)
			}
		}
	}
	slices.SortFunc(out, func(a, b declaration) int { return cmp.Compare(a.node.Pos(), b.node.Pos()) })
	return out
}

func (p *program) around(n ast.Node, line int) bool {
	return p.fset.Position(n.Pos()).Line <= line && line <= p.fset.Position(n.End()).Line
}

// literals returns the function literals around a place at its depth.
func (p *program) literals(body ast.Node, at place) []ast.Node {
	var out []ast.Node
	ast.PreorderStack(body, nil, func(n ast.Node, stack []ast.Node) bool {
		if _, ok := n.(*ast.FuncLit); ok && p.around(n, at.line) {
			depth := 1
			for _, around := range stack {
				if _, ok := around.(*ast.FuncLit); ok {
					depth++
				}
			}
			if depth == at.depth {
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

// declaration follows a declaration. Variants of it, in files of which some belong to other programs, count together.
func (w *walk) declaration(piece string) {
	if w.pieces[piece] {
		return
	}
	w.pieces[piece] = true
	for _, variant := range w.p.named[piece] {
		if !w.seen[variant.node] {
			w.seen[variant.node] = true
			w.node(variant.node)
		}
	}
}

// node follows every name in a syntax tree.
func (w *walk) node(root ast.Node) {
	file := w.p.fileAt(root.Pos())
	for _, spec := range file.Imports {
		if spec.Name != nil && spec.Name.Name == "_" { // What works by being there.
			w.imports[pathOfImport(spec)] = true
		}
	}
	var inspect func(n ast.Node, stack []ast.Node) bool
	inspect = func(n ast.Node, stack []ast.Node) bool {
		w.lost(n, stack)
		w.flow(n, stack)
		switch n := n.(type) {
		case *ast.SelectorExpr:
			w.selector(n)
			ast.PreorderStack(n.X, append(stack, n), inspect)
			return false
		case *ast.KeyValueExpr:
			key, ok := n.Key.(*ast.Ident)
			literal, in := stack[len(stack)-1].(*ast.CompositeLit)
			if ok && in && w.p.types.checked(key) == nil {
				if obj := w.p.types.key(literal, key); obj != nil {
					w.object(obj)
				}
				ast.PreorderStack(n.Value, append(stack, n), inspect)
				return false
			}
		case *ast.BranchStmt:
			return false // A label.
		case *ast.Ident:
			w.ident(n, file)
		}
		return true
	}
	ast.PreorderStack(root, nil, inspect)
}

func (w *walk) ident(id *ast.Ident, file *ast.File) {
	obj := w.p.types.object(id)
	if obj != nil && w.p.types.checked(id) == nil {
		w.hold(obj.Type()) // Nobody knows what is done with it here.
	}
	if instance, ok := w.p.types.info.Instances[id]; ok {
		w.instance(obj, instance)
	}
	switch {
	case obj != nil:
		w.object(obj)
	case id.Name != "_":
		for _, spec := range w.p.types.unnamed(file) {
			w.imports[pathOfImport(spec)] = true
		}
	}
}

func (w *walk) object(obj types.Object) {
	if imported, ok := obj.(*types.PkgName); ok {
		w.imports[imported.Imported().Path()] = true
		return
	}
	top := w.p.types.topLevel(obj)
	if top {
		for _, d := range w.p.byIdent[obj.Name()] {
			w.declaration(d.piece)
		}
	}
	if _, variable := obj.(*types.Var); variable || !top {
		w.variable(obj)
	}
}

// selector follows a method. Fields need no look, nor do names of other packages.
func (w *walk) selector(s *ast.SelectorExpr) {
	selection := w.p.types.info.Selections[s]
	if selection == nil {
		if x, ok := s.X.(*ast.Ident); ok {
			if _, ok := w.p.types.object(x).(*types.PkgName); ok {
				return
			}
		}
		w.flows.called[s.Sel.Name] = true
		return
	}
	f, ok := selection.Obj().(*types.Func)
	if !ok {
		return
	}
	recv := f.Signature().Recv().Type()
	if types.IsInterface(recv) {
		w.flows.called[f.Name()] = true
		w.hold(selection.Recv()) // A type parameter, perhaps.
		return
	}
	for _, m := range w.p.methodsOf(recv) {
		if m.node.(*ast.FuncDecl).Name.Name == f.Name() {
			w.declaration(m.piece)
		}
	}
}

// variable follows what sets a variable, or what a local type or constant is.
func (w *walk) variable(obj types.Object) {
	for _, s := range w.settings[obj] {
		if w.seen[s.node] || w.without(obj, s) {
			continue
		}
		w.seen[s.node] = true
		w.locals[obj] = append(w.locals[obj], s)
		w.flow(s.node, nil)
		for _, part := range operands(s.node) {
			w.node(part)
		}
		for _, part := range w.conditions(s) {
			if !w.seen[part] {
				w.seen[part] = true
				w.node(part)
			}
		}
	}
}

// conditions are the heads of the statements around what sets a variable, but for those around the function: these decide whether that runs.
func (w *walk) conditions(s setting) []ast.Node {
	var out []ast.Node
	for _, around := range s.when {
		if !w.aroundRoot(around) {
			out = append(out, head(around)...)
		}
	}
	return out
}

// without says whether what sets a variable does not count: what comes after the function, unless there is a way back, what is within it and counts
// with it, and what is around it, such as the call of keep.Value itself.
func (w *walk) without(obj types.Object, s setting) bool {
	if w.aroundRoot(s.node) {
		return true
	}
	for _, root := range w.roots {
		if root.Pos() <= s.node.Pos() && s.node.End() <= root.End() {
			return true
		}
	}
	if s.in.node != w.body.node {
		return false
	}
	// A function that is not main may run again, and find what it left in a variable of the package.
	fn, ok := w.body.node.(*ast.FuncDecl)
	if w.p.types.topLevel(obj) && !(ok && pieceOf(fn) == "func main") {
		return false
	}
	return !slices.ContainsFunc(w.roots, func(root ast.Node) bool { return s.node.Pos() < root.Pos() || runsLater(w.body.node, root) })
}

func (w *walk) aroundRoot(n ast.Node) bool {
	return slices.ContainsFunc(w.roots, func(root ast.Node) bool { return n.Pos() <= root.Pos() && root.End() <= n.End() })
}

// runsLater reports whether a function literal may run after what stands behind it: in a loop, in another literal, or where there is a goto.
func runsLater(body, root ast.Node) bool {
	found := false
	ast.Inspect(body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ForStmt, *ast.RangeStmt, *ast.FuncLit:
			found = found || n != root && n.Pos() <= root.Pos() && root.End() <= n.End()
		case *ast.BranchStmt:
			found = found || n.Tok == token.GOTO
		}
		return !found
	})
	return found
}

// hashes returns the pieces that were reached, with their hashes.
func (w *walk) hashes() pieces {
	found := pieces{}
	for piece := range w.pieces {
		found[piece] = w.p.sum(piece)
	}
	for importPath := range w.imports {
		w.p.local.add(found, importPath)
	}
	for obj, settings := range w.locals {
		sums := map[string]string{} // By the declaration they are in: these may change places.
		for _, s := range settings {
			if s.in.piece != "" && w.pieces[s.in.piece] {
				continue // It counts as a whole.
			}
			sums[s.in.piece] += hashNode(s.node)
			for _, part := range w.conditions(s) {
				sums[s.in.piece] += hashNode(part)
			}
		}
		for _, in := range slices.Sorted(maps.Keys(sums)) {
			found[pieceOfLocal(obj)] += sums[in]
		}
	}
	return found
}

func pieceOfLocal(obj types.Object) string {
	switch obj.(type) {
	case *types.TypeName:
		return localPiece + "type " + obj.Name()
	case *types.Const:
		return localPiece + "const " + obj.Name()
	}
	return variablePiece + obj.Name()
}
