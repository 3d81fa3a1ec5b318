package keep

import (
	"go/ast"
	"go/token"
	"go/types"
	"sort"
)

// names resolves identifiers to what they stand for, as the compiler does.
type names struct {
	info *types.Info
	pkg  *types.Package
}

// resolve checks the types of a package as far as that goes without those of the packages it imports, which would take seconds: names, scopes,
// and the types that the package declares. Errors are those of what is not known.
func resolve(fset *token.FileSet, files map[string]*ast.File) names {
	paths := make([]string, 0, len(files))
	for path := range files {
		paths = append(paths, path)
	}
	sort.Strings(paths)
	var all []*ast.File
	for _, path := range paths {
		all = append(all, files[path])
	}
	n := names{info: &types.Info{Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}}}
	config := types.Config{Importer: unknown{}, Error: func(error) {}, DisableUnusedImportCheck: true}
	n.pkg, _ = config.Check("main", fset, all, n.info)
	return n
}

// unknown imports packages of which nothing is known but a likely name.
type unknown struct{}

// Import implements types.Importer.
func (unknown) Import(path string) (*types.Package, error) {
	if path == "unsafe" {
		return types.Unsafe, nil
	}
	p := types.NewPackage(path, importName(path))
	p.MarkComplete()
	return p, nil
}

// object is what an identifier stands for, nil if that is not known.
func (n names) object(id *ast.Ident) types.Object {
	if obj := n.info.Uses[id]; obj != nil {
		return obj
	}
	return n.info.Defs[id]
}

// topLevel reports whether an object is declared at the top level of the package.
func (n names) topLevel(obj types.Object) bool { return n.pkg != nil && obj.Parent() == n.pkg.Scope() }

// uses reports whether a function uses a top-level name.
func (n names) uses(node ast.Node, name string) bool {
	found := false
	ast.Inspect(node, func(x ast.Node) bool {
		if id, ok := x.(*ast.Ident); ok && id.Name == name {
			obj := n.object(id)
			found = found || obj != nil && n.topLevel(obj)
		}
		return !found
	})
	return found
}
