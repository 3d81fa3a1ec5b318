package keep

import (
	"go/ast"
	"go/token"
	"go/types"
)

// flows knows which methods may be called without being named: those of types whose values an interface or another package has got hold of.
type flows struct {
	called    map[string]bool                   // Names of methods called where it is not known of which type.
	held      map[string]bool                   // Types, by name, whose values are held in such ways.
	seen      map[types.Type]bool               // What is held, parts included.
	arguments map[*types.TypeParam][]types.Type // What stood for the type parameters of functions.
}

func newFlows() flows {
	return flows{map[string]bool{}, map[string]bool{}, map[types.Type]bool{}, map[*types.TypeParam][]types.Type{}}
}

// methods follows those methods: of types that are held, the exported ones, which other packages may call, and those whose name is called.
func (w *walk) methods() {
	for again := true; again; {
		again = false
		for name := range w.flows.held {
			for _, m := range w.p.ofType[name] {
				method := m.node.(*ast.FuncDecl).Name
				if !w.pieces[m.piece] && (method.IsExported() || w.flows.called[method.Name]) {
					w.declaration(m.piece)
					w.hold(w.p.types.info.TypeOf(method)) // Whoever calls it has its results.
					again = true
				}
			}
		}
	}
}

// encoders are the methods that keep.Value itself calls, through encoding/gob.
var encoders = map[string]bool{"GobEncode": true, "GobDecode": true, "MarshalBinary": true, "UnmarshalBinary": true}

// encoded follows the methods that write and read the result of a function.
func (w *walk) encoded(root ast.Node) {
	var t types.Type
	switch root := root.(type) {
	case *ast.FuncLit:
		t = w.p.types.info.TypeOf(root)
	case *ast.FuncDecl:
		t = w.p.types.info.TypeOf(root.Name)
	}
	sig, ok := t.(*types.Signature)
	if !ok {
		return
	}
	parts(sig.Results(), map[types.Type]bool{}, func(part types.Type) {
		for _, m := range w.p.methodsOf(part) {
			if encoders[m.node.(*ast.FuncDecl).Name.Name] {
				w.declaration(m.piece)
			}
		}
	})
}

// methodsOf returns the methods declared for a type, or for what it points to.
func (p *program) methodsOf(t types.Type) []declaration {
	if pointer, ok := types.Unalias(t).(*types.Pointer); ok {
		t = pointer.Elem()
	}
	if named, ok := types.Unalias(t).(*types.Named); ok && p.types.topLevel(named.Obj()) {
		return p.ofType[named.Obj().Name()]
	}
	return nil
}

// parts calls f for a type and all that a value of it can hold or give, once each.
func parts(t types.Type, seen map[types.Type]bool, f func(types.Type)) {
	if t == nil || seen[t] {
		return
	}
	seen[t] = true
	f(t)
	down := func(t types.Type) { parts(t, seen, f) }
	switch t := t.(type) {
	case *types.Alias:
		down(types.Unalias(t))
	case *types.Named:
		for arg := range t.TypeArgs().Types() {
			down(arg)
		}
		down(t.Origin().Underlying()) // Not that of the instance: there may be no end to those.
	case *types.Pointer:
		down(t.Elem())
	case *types.Slice:
		down(t.Elem())
	case *types.Array:
		down(t.Elem())
	case *types.Chan:
		down(t.Elem())
	case *types.Map:
		down(t.Key())
		down(t.Elem())
	case *types.Struct:
		for field := range t.Fields() {
			down(field.Type())
		}
	case *types.Signature:
		down(t.Params())
		down(t.Results())
	case *types.Tuple:
		for v := range t.Variables() {
			down(v.Type())
		}
	}
}

// hold notes that values of a type are held by an interface or by another package.
func (w *walk) hold(t types.Type) {
	parts(t, w.flows.seen, func(part types.Type) {
		switch part := part.(type) {
		case *types.TypeParam:
			for _, arg := range w.flows.arguments[part] {
				w.hold(arg)
			}
		case *types.Named:
			if w.p.types.topLevel(part.Obj()) {
				w.flows.held[part.Obj().Name()] = true
			}
		}
	})
}

// instance notes what stands for the type parameters of a generic function or type.
func (w *walk) instance(obj types.Object, instance types.Instance) {
	f, ok := obj.(*types.Func)
	for i := range instance.TypeArgs.Len() {
		arg := instance.TypeArgs.At(i)
		if !ok {
			w.hold(arg)
			continue
		}
		param := f.Signature().TypeParams().At(i)
		w.flows.arguments[param] = append(w.flows.arguments[param], arg)
		if w.flows.seen[param] {
			w.hold(arg)
		}
	}
}

// lost holds what becomes part of an expression whose type is not known: what is made of it cannot be followed.
func (w *walk) lost(n ast.Node, stack []ast.Node) {
	part, ok := n.(ast.Expr)
	if !ok || len(stack) == 0 {
		return
	}
	switch around := stack[len(stack)-1].(type) {
	case *ast.SelectorExpr, *ast.KeyValueExpr, *ast.Ellipsis, *ast.FuncType, *ast.FuncLit:
		// What is selected has a type of its own, and the others have none.
	case ast.Expr:
		if !w.known(around) && w.known(part) {
			w.hold(w.p.types.info.TypeOf(part))
		}
	}
}

// known reports whether the type of an expression is known, or the type that it stands for.
func (w *walk) known(e ast.Expr) bool {
	t := w.p.types.info.TypeOf(e)
	return t != nil && t != types.Typ[types.Invalid]
}

// pass notes that a value of one type becomes one of another, or comes to a place of which nothing is known.
func (w *walk) pass(to, from types.Type) {
	if from != nil && foreign(to) && (to == nil || !types.Identical(to, from)) {
		w.hold(from)
	}
}

// foreign reports whether a type is an interface, a type parameter, or not known.
func foreign(t types.Type) bool {
	return t == nil || t.Underlying() == types.Typ[types.Invalid] || types.IsInterface(t)
}

// flow notes where values go in a node: the places where Go may turn them into interfaces.
func (w *walk) flow(n ast.Node, stack []ast.Node) {
	typeOf := w.p.types.info.TypeOf
	switch n := n.(type) {
	case *ast.CallExpr:
		w.call(n)
	case *ast.AssignStmt:
		w.assign(n.Lhs, n.Rhs)
	case *ast.ValueSpec:
		to := make([]ast.Expr, len(n.Names))
		for i, id := range n.Names {
			to[i] = id
		}
		w.assign(to, n.Values)
	case *ast.ReturnStmt:
		var results *types.Tuple
		if sig, ok := w.function(stack).(*types.Signature); ok {
			results = sig.Results()
		}
		for i, from := range w.values(n.Results) {
			w.pass(at(results, i), from)
		}
	case *ast.CompositeLit:
		w.literal(n)
	case *ast.SendStmt:
		var to types.Type
		if t := typeOf(n.Chan); t != nil {
			if channel, ok := t.Underlying().(*types.Chan); ok {
				to = channel.Elem()
			}
		}
		w.pass(to, typeOf(n.Value))
	case *ast.RangeStmt:
		if n.Tok == token.ASSIGN {
			w.hold(typeOf(n.X))
		}
	case *ast.IndexExpr:
		if t := typeOf(n.X); t != nil {
			if m, ok := t.Underlying().(*types.Map); ok {
				w.pass(m.Key(), typeOf(n.Index))
			}
		}
	}
}

// function returns the type of the innermost function among nodes.
func (w *walk) function(stack []ast.Node) types.Type {
	for i := len(stack) - 1; i >= 0; i-- {
		switch f := stack[i].(type) {
		case *ast.FuncLit:
			return w.p.types.info.TypeOf(f)
		case *ast.FuncDecl:
			return w.p.types.info.TypeOf(f.Name)
		}
	}
	return nil
}

// values returns the types of expressions, of which one may be a call with several results.
func (w *walk) values(exprs []ast.Expr) []types.Type {
	var out []types.Type
	for _, e := range exprs {
		t := w.p.types.info.TypeOf(e)
		if several, ok := t.(*types.Tuple); ok {
			for v := range several.Variables() {
				out = append(out, v.Type())
			}
		} else {
			out = append(out, t)
		}
	}
	return out
}

// at is a type in a tuple, nil if there is none.
func at(t *types.Tuple, i int) types.Type {
	if t == nil || i >= t.Len() {
		return nil
	}
	return t.At(i).Type()
}

func (w *walk) call(call *ast.CallExpr) {
	fun := w.p.types.info.Types[call.Fun]
	args := w.values(call.Args)
	if fun.IsType() {
		for _, from := range args {
			w.pass(fun.Type, from)
		}
		return
	}
	var sig *types.Signature
	if fun.Type != nil {
		sig, _ = fun.Type.Underlying().(*types.Signature)
	}
	for i, from := range args {
		var to types.Type
		if sig != nil {
			to = at(sig.Params(), i)
			if last := sig.Params().Len() - 1; sig.Variadic() && i >= last && !call.Ellipsis.IsValid() {
				to = at(sig.Params(), last)
				if s, ok := to.(*types.Slice); ok {
					to = s.Elem()
				}
			}
		}
		w.pass(to, from)
	}
}

func (w *walk) assign(to, from []ast.Expr) {
	for i, t := range w.values(from) {
		if i < len(to) {
			if id, ok := to[i].(*ast.Ident); !ok || id.Name != "_" {
				w.pass(w.p.types.info.TypeOf(to[i]), t)
			}
		}
	}
}

func (w *walk) literal(literal *ast.CompositeLit) {
	typeOf := w.p.types.info.TypeOf
	t := typeOf(literal)
	if t != nil {
		t = t.Underlying()
	}
	if p, ok := t.(*types.Pointer); ok { // An element of []*T{{…}}.
		t = p.Elem().Underlying()
	}
	for i, elt := range literal.Elts {
		value, key := elt, ast.Expr(nil)
		if kv, keyed := elt.(*ast.KeyValueExpr); keyed {
			value, key = kv.Value, kv.Key
		}
		var to types.Type
		switch t := t.(type) {
		case *types.Slice:
			to = t.Elem()
		case *types.Array:
			to = t.Elem()
		case *types.Map:
			to = t.Elem()
			w.pass(t.Key(), typeOf(key))
		case *types.Struct:
			name, _ := key.(*ast.Ident)
			for j := range t.NumFields() {
				if name != nil && t.Field(j).Name() == name.Name || key == nil && i == j {
					to = t.Field(j).Type()
				}
			}
		default:
			if key != nil {
				w.hold(typeOf(key))
			}
		}
		w.pass(to, typeOf(value))
	}
}
