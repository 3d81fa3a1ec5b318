package keep

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"runtime/debug"
	"slices"
	"sort"
	"strings"
)

// pieces maps the name of each piece of code to its hash: "func train",
// "method Net.Apply", "type Net", "var seed", "const n" for declarations,
// "the function given to keep.Value", "variable x" for what sets a variable,
// "local type t" and "local const n" for what is declared in the function around,
// "package p" for directories under development, "module m" for versions, "the
// program" for an executable whose source cannot be read.
type pieces map[string]string

const (
	makePiece     = "the function given to keep.Value"
	variablePiece = "variable "
	localPiece    = "local "
	packagePiece  = "package "
	modulePiece   = "module "
	programPiece  = "the program"
)

// differ says in words what differs between what was and what is, or "".
func (was pieces) differ(is pieces) string {
	var changed, other []string
	for name, sum := range was {
		switch now, ok := is[name]; {
		case !ok:
			other = append(other, name)
		case now != sum:
			changed = append(changed, name)
		}
	}
	for name := range is {
		if _, ok := was[name]; !ok {
			other = append(other, name)
		}
	}
	// What was edited says more than what thereby came or went.
	if len(changed) == 0 {
		changed = other
	}
	if len(changed) == 0 {
		return ""
	}
	sort.Slice(changed, func(i, j int) bool { // The function itself last: the cause is elsewhere.
		a, b := changed[i] == makePiece, changed[j] == makePiece
		return a != b && b || a == b && changed[i] < changed[j]
	})
	if len(changed) > 3 {
		return fmt.Sprintf("%s and %d more changed", strings.Join(changed[:2], ", "), len(changed)-2)
	}
	return strings.Join(changed, ", ") + " changed"
}

// place is a line of source within a function: within a declared function if
// depth is 0, within literals nested that deep in it otherwise.
type place struct {
	file  string
	line  int
	depth int
}

// wholeDeclaration as a depth stands for the function around a line, literals included.
const wholeDeclaration = -1

// placeOf finds the source of a function by the address of its code.
func placeOf(pc uintptr) place {
	frames := runtime.CallersFrames([]uintptr{pc + 1})
	for {
		f, more := frames.Next()
		if more { // Inlined into the function asked for.
			continue
		}
		depth := 0
		parts := strings.Split(f.Function, ".")
		for i := len(parts) - 1; i > 0 && literalName.MatchString(parts[i]); i-- {
			depth++
		}
		return place{f.File, f.Line, depth}
	}
}

// literalName matches what the compiler calls function literals: func1, func1.2.
var literalName = regexp.MustCompile(`^(func)?[0-9]+$`)

// codeOf returns the pieces of code reached from the first of the places whose
// source can be read, or the hash of the executable if there is none.
func codeOf(places ...place) pieces {
	for _, at := range places {
		p, err := readProgram(at.file)
		if err != nil {
			continue
		}
		if found, err := p.reach(at); err == nil {
			return found
		}
	}
	return pieces{programPiece: hashProgram()}
}

// hashProgram hashes the running executable; "" if even that is unreadable.
func hashProgram() string {
	path, err := os.Executable()
	if err != nil {
		return ""
	}
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return ""
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// changedSince names the first piece that the program with the given source
// file has too, but different; "" if there is none. The function given to Value,
// and what sets variables, belong to the cell that made the value, and are not
// compared.
func changedSince(was pieces, file string) string {
	p, err := readProgram(file)
	if err != nil {
		return ""
	}
	names := make([]string, 0, len(was))
	for name := range was {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		var now string
		switch {
		case name == makePiece || name == programPiece || strings.HasPrefix(name, variablePiece) || strings.HasPrefix(name, localPiece):
			continue
		case strings.HasPrefix(name, packagePiece):
			path := strings.TrimPrefix(name, packagePiece)
			if dir, ok := p.local.dirOf(path); ok {
				now = hashDir(dir)
			}
		case strings.HasPrefix(name, modulePiece):
			now = p.local.versions[strings.TrimPrefix(name, modulePiece)]
		default:
			now = p.sum(name)
		}
		if now != "" && now != was[name] {
			return name
		}
	}
	return ""
}

// program is the parsed package that a source file belongs to.
type program struct {
	fset    *token.FileSet
	files   map[string]*ast.File
	test    bool                     // It is run by go test.
	byIdent map[string][]declaration // Functions, types, variables, constants.
	ofType  map[string][]declaration // Methods, by the name of the receiver's type.
	named   map[string][]declaration // By the name of the piece.
	local   modules
	types   names
}

// declaration is one thing declared at top level.
type declaration struct {
	piece string
	node  ast.Node
}

// sum hashes all declarations of a piece, "" if there is none.
func (p *program) sum(piece string) string {
	var sums []string
	for _, d := range p.named[piece] {
		sums = append(sums, hashNode(d.node))
	}
	sort.Strings(sums) // They may change places.
	return strings.Join(sums, "")
}

func (p *program) fileAt(pos token.Pos) *ast.File { return p.files[p.fset.File(pos).Name()] }

// readProgram parses the files of the package in the directory of file.
func readProgram(file string) (*program, error) {
	p := &program{
		fset: token.NewFileSet(), files: map[string]*ast.File{}, test: strings.HasSuffix(file, "_test.go"),
		byIdent: map[string][]declaration{}, ofType: map[string][]declaration{}, named: map[string][]declaration{},
	}
	own, err := parser.ParseFile(p.fset, file, nil, 0)
	if err != nil {
		return nil, err
	}
	p.files[file] = own
	all := []*ast.File{own}
	dir := filepath.Dir(file)
	siblings, err := filepath.Glob(filepath.Join(escapeGlob(dir), "*.go"))
	if err != nil {
		return nil, err
	}
	sort.Strings(siblings)
	context, declared := buildContext(), declaredIn(own)
	for _, path := range siblings {
		if path == file || !p.test && strings.HasSuffix(path, "_test.go") {
			continue
		}
		if match, err := context.MatchFile(dir, filepath.Base(path)); err != nil || !match {
			continue // For another system.
		}
		// Not part of the running program is what does not parse, and what declares the same: another program beside it, with a main of its own.
		f, err := parser.ParseFile(p.fset, path, nil, 0)
		if err != nil || f.Name.Name != own.Name.Name || slices.ContainsFunc(declaredIn(f), func(name string) bool { return slices.Contains(declared, name) }) {
			continue
		}
		p.files[path] = f
		all = append(all, f)
	}
	for _, f := range all {
		p.index(f)
	}
	p.local = findModules(dir)
	p.types = resolve(p.fset, all)
	return p, nil
}

// buildContext says which files the running program was built from.
func buildContext() build.Context {
	context := build.Default
	context.GOOS, context.GOARCH = runtime.GOOS, runtime.GOARCH
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return context
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "-tags":
			context.BuildTags = append(context.BuildTags, strings.Split(s.Value, ",")...)
		case "-race":
			context.BuildTags = append(context.BuildTags, "race")
		case "CGO_ENABLED":
			context.CgoEnabled = s.Value == "1"
		}
	}
	return context
}

// declaredIn returns the names of the functions, types, variables and constants that a file declares.
func declaredIn(file *ast.File) []string {
	var out []string
	add := func(id *ast.Ident) {
		if id.Name != "_" {
			out = append(out, id.Name)
		}
	}
	for _, decl := range file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if decl.Recv == nil && decl.Name.Name != "init" {
				add(decl.Name)
			}
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				switch spec := spec.(type) {
				case *ast.TypeSpec:
					add(spec.Name)
				case *ast.ValueSpec:
					for _, id := range spec.Names {
						add(id)
					}
				}
			}
		}
	}
	return out
}

func escapeGlob(dir string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(dir)
}

func (p *program) index(file *ast.File) {
	add := func(kind, name string, node ast.Node) declaration {
		d := declaration{kind + " " + name, node}
		p.named[d.piece] = append(p.named[d.piece], d)
		return d
	}
	for _, decl := range file.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			switch name := decl.Name.Name; {
			case decl.Recv != nil && len(decl.Recv.List) == 1:
				typ := receiver(decl.Recv.List[0].Type)
				p.ofType[typ] = append(p.ofType[typ], add("method", typ+"."+name, decl))
			case name == "init": // Nobody can name it.
				add("func", name, decl)
			default:
				p.byIdent[name] = append(p.byIdent[name], add("func", name, decl))
			}
		case *ast.GenDecl:
			p.indexGroup(decl, add)
		}
	}
}

func (p *program) indexGroup(group *ast.GenDecl, add func(kind, name string, node ast.Node) declaration) {
	for _, spec := range group.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			name := spec.Name.Name
			p.byIdent[name] = append(p.byIdent[name], add("type", name, spec))
		case *ast.ValueSpec:
			var node ast.Node = spec
			if group.Tok == token.CONST && (len(spec.Values) == 0 || mentions(spec, "iota")) {
				node = group // Its value depends on its place among the others.
			}
			for _, id := range spec.Names {
				p.byIdent[id.Name] = append(p.byIdent[id.Name], add(group.Tok.String(), id.Name, node))
			}
		}
	}
}

// receiver returns the name of the type in *T, T[P] or (T).
func receiver(t ast.Expr) string {
	for {
		switch e := t.(type) {
		case *ast.StarExpr:
			t = e.X
		case *ast.ParenExpr:
			t = e.X
		case *ast.IndexExpr:
			t = e.X
		case *ast.IndexListExpr:
			t = e.X
		case *ast.Ident:
			return e.Name
		default:
			return "?"
		}
	}
}

func mentions(node ast.Node, name string) bool {
	found := false
	ast.Inspect(node, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && id.Name == name {
			found = true
		}
		return !found
	})
	return found
}

// hashNode hashes a syntax tree without positions and comments.
func hashNode(node ast.Node) string {
	var b strings.Builder
	writeNode(&b, reflect.ValueOf(node))
	return hash(b.String())
}

var posType = reflect.TypeFor[token.Pos]()

func writeNode(b *strings.Builder, v reflect.Value) {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			b.WriteString("nil;")
			return
		}
		switch v.Interface().(type) {
		case *ast.CommentGroup:
			return
		}
		writeNode(b, v.Elem())
	case reflect.Struct:
		t := v.Type()
		b.WriteString(t.Name() + "{")
		for i := range t.NumField() {
			f := t.Field(i)
			switch {
			case f.Name == "Obj": // Where it is declared, which leads around in circles.
			case f.Type != posType:
				b.WriteString(f.Name + ":")
				writeNode(b, v.Field(i))
			case f.Name == "Ellipsis" || f.Name == "Assign": // f(x...), type A = B.
				fmt.Fprintf(b, "%s:%t;", f.Name, v.Field(i).Int() != 0)
			}
		}
		b.WriteString("}")
	case reflect.Slice:
		fmt.Fprintf(b, "[%d:", v.Len())
		for i := range v.Len() {
			writeNode(b, v.Index(i))
		}
		b.WriteString("]")
	default:
		fmt.Fprintf(b, "%q;", fmt.Sprint(v.Interface()))
	}
}
