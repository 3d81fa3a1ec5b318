package keep

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/importer"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestAsTheCompiler compares with go/types, which has the types of all imports here: what each name in large packages stands for, and whether
// functions reach what the functions that they reach use.
func TestAsTheCompiler(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command: packages cannot be found")
	}
	out, err := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Export,Dir,GoFiles,DepOnly,ImportMap",
		"go/types", "text/template", "encoding/gob", "net/http", "../autodiff", "../optim").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = errors.New(string(exit.Stderr))
		}
		t.Fatal(err)
	}
	type listed struct {
		ImportPath, Export, Dir string
		GoFiles                 []string
		DepOnly                 bool
		ImportMap               map[string]string
	}
	exports, wanted := map[string]string{}, []listed{}
	for packages := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := packages.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
		if !p.DepOnly {
			wanted = append(wanted, p)
		}
	}
	for _, of := range wanted {
		t.Run(of.ImportPath, func(t *testing.T) {
			p, err := readProgram(filepath.Join(of.Dir, of.GoFiles[0]))
			if err != nil {
				t.Fatal(err)
			}
			if len(p.files) != len(of.GoFiles) {
				t.Fatalf("read %d files, the compiler %d", len(p.files), len(of.GoFiles))
			}
			from := importer.ForCompiler(p.fset, "gc", func(path string) (io.ReadCloser, error) {
				if mapped, ok := of.ImportMap[path]; ok {
					path = mapped
				}
				return os.Open(exports[path])
			})
			info := types.Info{Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}}
			files := slices.SortedFunc(maps.Values(p.files), func(a, b *ast.File) int { return int(a.Pos() - b.Pos()) })
			pkg, err := (&types.Config{Importer: from}).Check(of.ImportPath, p.fset, files, &info)
			if err != nil {
				t.Fatal(err)
			}
			sameNames(t, p, pkg, info)
			reachesAll(t, p, pkg, info)
		})
	}
}

func sameNames(t *testing.T, p *program, pkg *types.Package, info types.Info) {
	selected, checked := map[*ast.Ident]bool{}, 0
	for _, file := range p.files {
		ast.Inspect(file, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				selected[s.Sel] = true
			}
			id, ok := n.(*ast.Ident)
			if !ok || selected[id] {
				return true
			}
			obj := info.Uses[id]
			if v, ok := obj.(*types.Var); ok && v.IsField() || obj == nil || obj.Pkg() != pkg {
				return true
			}
			if _, ok := obj.(*types.PkgName); ok {
				return true
			}
			checked++
			if got := p.types.object(id); got == nil || got.Pos() != obj.Pos() {
				t.Errorf("%s: %s is %v, for the compiler %v", p.fset.Position(id.Pos()), id.Name, got, obj)
			}
			return true
		})
	}
	if checked < 1000 {
		t.Errorf("only %d names were compared", checked)
	}
}

func reachesAll(t *testing.T, p *program, pkg *types.Package, info types.Info) {
	uses := map[string]map[string]bool{}
	for piece, variants := range p.named {
		uses[piece] = map[string]bool{}
		for _, d := range variants {
			ast.Inspect(d.node, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok {
					if used := pieceFor(info.Uses[id], pkg); used != "" {
						uses[piece][used] = true
					}
				}
				return true
			})
		}
	}
	methods, reached := 0, 0
	for i, root := range slices.Sorted(maps.Keys(p.named)) {
		if i%20 != 0 || strings.HasPrefix(root, "type ") || strings.HasPrefix(root, "const ") {
			continue // It takes long, and they reach much the same.
		}
		w := p.walk()
		w.declaration(root)
		w.methods()
		for piece := range w.pieces {
			for used := range uses[piece] {
				if !w.pieces[used] {
					t.Errorf("%s reaches %s and not what that uses, %s", root, piece, used)
				}
			}
		}
		for typ, all := range p.ofType {
			for _, m := range all {
				if w.pieces["type "+typ] {
					methods++
					if w.pieces[m.piece] {
						reached++
					}
				}
			}
		}
	}
	t.Logf("of %d methods of types that are reached, %d are", methods, reached)
}

// pieceFor is the name of a declaration of a package, "" if it is none.
func pieceFor(obj types.Object, pkg *types.Package) string {
	if obj == nil || obj.Pkg() != pkg || obj.Name() == "_" {
		return ""
	}
	if f, ok := obj.(*types.Func); ok && f.Signature().Recv() != nil {
		recv := f.Signature().Recv().Type()
		if pointer, ok := recv.(*types.Pointer); ok {
			recv = pointer.Elem()
		}
		named, ok := recv.(*types.Named)
		if !ok || types.IsInterface(recv) || named.Obj().Parent() != pkg.Scope() {
			return ""
		}
		return "method " + named.Obj().Name() + "." + f.Name()
	}
	if obj.Parent() != pkg.Scope() {
		return ""
	}
	switch obj.(type) {
	case *types.Func:
		return "func " + obj.Name()
	case *types.TypeName:
		return "type " + obj.Name()
	case *types.Const:
		return "const " + obj.Name()
	case *types.Var:
		return "var " + obj.Name()
	}
	return ""
}
