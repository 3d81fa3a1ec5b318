package keep

import (
	"go/ast"
	"go/token"
	"go/types"
	"path"
	"strconv"
	"strings"
)

// names resolves identifiers to what they stand for, as the compiler does.
type names struct {
	info     types.Info
	pkg      *types.Package
	declared map[token.Pos]types.Object // What is declared at a place.
	used     map[types.Object]bool
}

// resolve checks the types of a package as far as that goes without those of the packages it imports, which would take seconds: names, scopes,
// and the types that the package declares. Errors are those of what is not known.
func resolve(fset *token.FileSet, files []*ast.File) names {
	n := names{declared: map[token.Pos]types.Object{}, used: map[types.Object]bool{}, info: types.Info{
		Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}, Types: map[ast.Expr]types.TypeAndValue{},
		Selections: map[*ast.SelectorExpr]*types.Selection{}, Instances: map[*ast.Ident]types.Instance{},
		Implicits: map[ast.Node]types.Object{},
	}}
	config := types.Config{Importer: newUnknown(files), Error: func(error) {}, DisableUnusedImportCheck: true, FakeImportC: true}
	n.pkg, _ = config.Check("main", fset, files, &n.info) // As far as it went: it is never nil.
	for id, obj := range n.info.Defs {
		if obj != nil {
			n.declared[id.Pos()] = obj
		}
	}
	for _, obj := range n.info.Uses {
		n.used[obj] = true
	}
	return n
}

// unknown imports packages of which nothing is known but a likely name.
type unknown struct{ taken map[string]string }

// newUnknown knows which names cannot be guessed: what is declared here is no import's name, nor is what two packages could be called.
func newUnknown(files []*ast.File) unknown {
	u := unknown{map[string]string{}}
	for _, file := range files {
		for _, spec := range file.Imports {
			if spec.Name != nil {
				u.taken[spec.Name.Name] = ""
				continue
			}
			importPath := pathOfImport(spec)
			name := importName(importPath)
			if other, there := u.taken[name]; there && other != importPath {
				importPath = ""
			}
			u.taken[name] = importPath
		}
	}
	for _, file := range files {
		for _, name := range declaredIn(file) {
			u.taken[name] = ""
		}
	}
	return u
}

// Import implements types.Importer.
func (u unknown) Import(importPath string) (*types.Package, error) {
	if importPath == "unsafe" {
		return types.Unsafe, nil
	}
	name := importName(importPath)
	if u.taken[name] != importPath {
		name = "?"
	}
	p := types.NewPackage(importPath, name)
	p.MarkComplete()
	return p, nil
}

// importName guesses the name of a package from its path.
func importName(importPath string) string {
	base := path.Base(importPath)
	if len(base) > 1 && base[0] == 'v' && strings.Trim(base[1:], "0123456789") == "" {
		base = path.Base(path.Dir(importPath))
	}
	base, _, _ = strings.Cut(base, ".")
	return strings.TrimPrefix(base, "go-")
}

func pathOfImport(spec *ast.ImportSpec) string {
	importPath, _ := strconv.Unquote(spec.Path.Value) // The parser has checked it.
	return importPath
}

// unnamed returns the imports of a file whose names were not guessed, or are not needed: dot imports and those whose guessed name nobody uses.
func (n names) unnamed(file *ast.File) []*ast.ImportSpec {
	var out []*ast.ImportSpec
	for _, spec := range file.Imports {
		if spec.Name == nil && !n.used[n.info.Implicits[spec]] || spec.Name != nil && spec.Name.Name == "." {
			out = append(out, spec)
		}
	}
	return out
}

// object is what an identifier stands for, nil if that is not known. The types of some expressions are not checked, as they depend on other packages;
// there the parser's scopes serve.
func (n names) object(id *ast.Ident) types.Object {
	if obj := n.checked(id); obj != nil {
		return obj
	}
	if id.Name == "_" {
		return nil
	}
	if id.Obj == nil { // Not declared in a function.
		if scope := n.pkg.Scope().Innermost(id.Pos()); scope != nil {
			_, obj := scope.LookupParent(id.Name, id.Pos())
			return obj
		}
		return nil
	}
	pos := id.Obj.Pos()
	if n.declared[pos] == nil {
		n.declared[pos] = types.NewVar(pos, n.pkg, id.Name, types.Typ[types.Invalid])
	}
	return n.declared[pos]
}

// checked is what an identifier stands for where types are checked.
func (n names) checked(id *ast.Ident) types.Object {
	if obj := n.info.Uses[id]; obj != nil {
		return obj
	}
	return n.info.Defs[id]
}

// topLevel reports whether an object is declared at the top level of the package.
func (n names) topLevel(obj types.Object) bool { return obj.Parent() == n.pkg.Scope() }

// key is the constant or variable that the key of a literal may stand for, where the literal's type is not known: nil if it is a field's name.
// A struct of another package has exported fields only, and not all of them have the name of a constant or variable here.
func (n names) key(literal *ast.CompositeLit, key *ast.Ident) types.Object {
	var found types.Object
	for _, elt := range literal.Elts {
		kv, ok := elt.(*ast.KeyValueExpr)
		if !ok {
			continue
		}
		id, ok := kv.Key.(*ast.Ident)
		if !ok {
			continue // No field: this is a map, or a slice.
		}
		obj := n.object(id)
		switch obj.(type) {
		case *types.Const, *types.Var:
		default:
			return nil
		}
		if id == key {
			found = obj
		}
	}
	return found
}
