package keep

import (
	"go/ast"
	"go/token"
	"go/types"
	"slices"
)

// setting is a piece of a function that sets a variable, or declares a local type or constant.
type setting struct {
	node ast.Node
	in   declaration // Where it is.
	when []ast.Node  // The statements around it, whose heads decide whether and how often it is done.
}

// settings adds what sets variables in a declaration.
func (p *program) settings(d declaration, out map[types.Object][]setting) {
	ast.PreorderStack(d.node, nil, func(n ast.Node, stack []ast.Node) bool {
		put := func(obj types.Object, node ast.Node) {
			if obj != nil {
				out[obj] = append(out[obj], setting{node, d, slices.Clone(stack)})
			}
		}
		add := func(e ast.Expr, node ast.Node) { put(p.types.variable(e), node) }
		switch n := n.(type) {
		case *ast.AssignStmt:
			for _, lhs := range n.Lhs {
				add(lhs, n)
			}
		case *ast.IncDecStmt:
			add(n.X, n)
		case *ast.RangeStmt:
			for _, e := range []ast.Expr{n.Key, n.Value} {
				if e != nil {
					add(e, n.X)
				}
			}
		case *ast.TypeSwitchStmt:
			for _, clause := range n.Body.List {
				put(p.types.info.Implicits[clause], n.Assign)
			}
		case *ast.ValueSpec:
			if len(stack) > 0 { // Not the declaration of package variables itself.
				for _, id := range n.Names {
					add(id, n)
				}
			}
		case *ast.TypeSpec:
			if len(stack) > 0 {
				add(n.Name, n)
			}
		case *ast.UnaryExpr:
			if n.Op == token.AND {
				add(n.X, statement(stack, n))
			}
		case *ast.CallExpr:
			if x := p.types.changed(n, stack); x != nil {
				add(x, statement(stack, n))
			}
		}
		return true
	})
}

// variable is the variable that is set when a part of it is: opts.Steps = 3 sets opts.
func (n names) variable(e ast.Expr) types.Object {
	for {
		switch x := e.(type) {
		case *ast.Ident:
			return n.object(x)
		case *ast.SelectorExpr:
			e = x.X
		case *ast.IndexExpr:
			e = x.X
		case *ast.StarExpr:
			e = x.X
		case *ast.ParenExpr:
			e = x.X
		default:
			return nil
		}
	}
}

// changed is what a call of a method may change: what the method gets the address of, or what a statement of its own calls it for.
func (n names) changed(call *ast.CallExpr, stack []ast.Node) ast.Expr {
	method, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok {
		return nil
	}
	if s := n.info.Selections[method]; s != nil {
		f, ok := s.Obj().(*types.Func)
		if !ok {
			return nil
		}
		recv := f.Signature().Recv().Type()
		if _, pointer := types.Unalias(recv).(*types.Pointer); pointer {
			return method.X
		}
		if !types.IsInterface(recv) {
			return nil
		}
	}
	if len(stack) > 0 {
		if _, alone := stack[len(stack)-1].(*ast.ExprStmt); alone {
			return method.X
		}
	}
	return nil
}

// statement is the innermost statement around an expression; of one that holds blocks, it is the part that the expression is in.
func statement(stack []ast.Node, n ast.Node) ast.Node {
	for i := len(stack) - 1; i >= 0; i-- {
		switch s := stack[i].(type) {
		case *ast.IfStmt, *ast.ForStmt, *ast.RangeStmt, *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt,
			*ast.CaseClause, *ast.CommClause, *ast.LabeledStmt, *ast.BlockStmt:
			if i+1 < len(stack) {
				return stack[i+1]
			}
			return n
		case ast.Stmt:
			return s
		}
	}
	return n
}

// head is what a statement holds beside blocks: what decides whether and how often these are run.
func head(n ast.Node) []ast.Node {
	var out []ast.Node
	add := func(parts ...ast.Node) {
		for _, part := range parts {
			if part != nil {
				out = append(out, part)
			}
		}
	}
	clauses := func(body *ast.BlockStmt) {
		for _, clause := range body.List {
			switch c := clause.(type) {
			case *ast.CaseClause:
				for _, e := range c.List {
					add(e)
				}
			case *ast.CommClause:
				add(c.Comm)
			}
		}
	}
	switch s := n.(type) {
	case *ast.IfStmt:
		add(s.Init, s.Cond)
	case *ast.ForStmt:
		add(s.Init, s.Cond, s.Post)
	case *ast.RangeStmt:
		add(s.X)
	case *ast.SwitchStmt:
		add(s.Init, s.Tag)
		clauses(s.Body)
	case *ast.TypeSwitchStmt:
		add(s.Init, s.Assign)
		clauses(s.Body)
	case *ast.SelectStmt:
		clauses(s.Body)
	}
	return out
}

// operands are the parts of what sets a variable that it is made of: not the names of variables that get a value.
func operands(node ast.Node) []ast.Node {
	var out []ast.Node
	targets := func(exprs ...ast.Expr) {
		for _, e := range exprs {
			if _, name := e.(*ast.Ident); !name {
				out = append(out, e)
			}
		}
	}
	values := func(exprs ...ast.Expr) {
		for _, e := range exprs {
			out = append(out, e)
		}
	}
	switch s := node.(type) {
	case *ast.AssignStmt:
		targets(s.Lhs...)
		values(s.Rhs...)
	case *ast.IncDecStmt:
		targets(s.X)
	case *ast.ValueSpec:
		if s.Type != nil {
			values(s.Type)
		}
		values(s.Values...)
	default:
		out = append(out, node)
	}
	return out
}
