package keep

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"runtime/debug"
	"sort"
	"strconv"
	"strings"
)

// modules knows where the code of imported packages comes from.
type modules struct {
	dirs     map[string]string // Path of a module under development: its directory.
	versions map[string]string // Path of a released module: its version and hash.
}

// findModules looks around dir, the directory of the program's source: its own
// module, the modules of a workspace, replaced modules; versions of the others
// are in the executable.
func findModules(dir string) modules {
	m := modules{dirs: map[string]string{}, versions: map[string]string{}}
	own := upward(dir, "go.mod")
	m.develop(own)
	if work := workspace(dir); work != "" {
		for _, use := range directives(work, "use") {
			m.develop(filepath.Join(absolute(use, filepath.Dir(work)), "go.mod"))
		}
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return m
	}
	for _, dep := range info.Deps {
		if _, local := m.dirs[dep.Path]; local {
			continue
		}
		if r := dep.Replace; r != nil && r.Version == "" {
			m.dirs[dep.Path] = absolute(r.Path, filepath.Dir(own))
			continue
		} else if r != nil {
			dep = &debug.Module{Path: dep.Path, Version: r.Path + " " + r.Version, Sum: r.Sum}
		}
		m.versions[dep.Path] = dep.Version + " " + dep.Sum
	}
	return m
}

func absolute(path, dir string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// workspace returns the go.work file in use, or "".
func workspace(dir string) string {
	switch env := os.Getenv("GOWORK"); env {
	case "":
		return upward(dir, "go.work")
	case "off":
		return ""
	default:
		return env
	}
}

// upward returns the nearest file of that name in dir or above, or "".
func upward(dir, name string) string {
	for {
		path := filepath.Join(dir, name)
		if info, err := os.Stat(path); err == nil && !info.IsDir() {
			return path
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return ""
		}
		dir = parent
	}
}

// develop adds the module of a go.mod file.
func (m modules) develop(gomod string) {
	for _, path := range directives(gomod, "module") {
		m.dirs[path] = filepath.Dir(gomod)
	}
}

// directives returns the first argument of every such directive in a go.mod or
// go.work file, within parentheses or without.
func directives(file, keyword string) []string {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	var out []string
	inside := false
	for _, line := range strings.Split(string(data), "\n") {
		line, _, _ = strings.Cut(line, "//")
		line = strings.TrimSpace(line)
		rest, ok := strings.CutPrefix(line, keyword)
		switch {
		case inside && line == ")":
			inside = false
			continue
		case inside:
			rest = line
		case !ok || rest == "" || !strings.ContainsAny(rest[:1], " \t("):
			continue
		case strings.TrimSpace(rest) == "(":
			inside = true
			continue
		}
		if arg := strings.TrimSpace(rest); arg != "" {
			if text, err := strconv.Unquote(arg); err == nil {
				arg = text
			}
			out = append(out, arg)
		}
	}
	return out
}

// dirOf returns the directory of a package under development.
func (m modules) dirOf(importPath string) (string, bool) {
	best, dir := "", ""
	for path, d := range m.dirs {
		if within(importPath, path) && len(path) > len(best) {
			best, dir = path, d
		}
	}
	if best == "" {
		return "", false
	}
	dir = filepath.Join(dir, filepath.FromSlash(strings.TrimPrefix(importPath, best)))
	info, err := os.Stat(dir)
	return dir, err == nil && info.IsDir()
}

func within(importPath, module string) bool {
	return importPath == module || strings.HasPrefix(importPath, module+"/")
}

// add adds an imported package to what was found, and what it imports in turn.
// This package is left out: it makes no values.
func (m modules) add(found pieces, importPath string) {
	const self = "github.com/gosciml/gosciml/sciml/keep"
	if importPath == self || found[packagePiece+importPath] != "" {
		return
	}
	dir, ok := m.dirOf(importPath)
	if !ok {
		best := ""
		for path := range m.versions {
			if within(importPath, path) && len(path) > len(best) {
				best = path
			}
		}
		if best != "" {
			found[modulePiece+best] = m.versions[best]
		}
		return
	}
	found[packagePiece+importPath] = hashDir(dir)
	for _, path := range importsOf(dir) {
		m.add(found, path)
	}
}

// sources returns the Go files of a directory, but for tests.
func sources(dir string) []string {
	all, _ := filepath.Glob(filepath.Join(escapeGlob(dir), "*.go")) // The pattern is well-formed.
	var out []string
	for _, path := range all {
		if !strings.HasSuffix(path, "_test.go") {
			out = append(out, path)
		}
	}
	sort.Strings(out)
	return out
}

// hashDir hashes the Go files of a package as they are: cheap, and to compute
// once too often after a new comment does no harm.
func hashDir(dir string) string {
	h := sha256.New()
	for _, path := range sources(dir) {
		data, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		fmt.Fprintf(h, "%s %d\n", filepath.Base(path), len(data))
		h.Write(data)
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}

func importsOf(dir string) []string {
	seen := map[string]bool{}
	var out []string
	for _, path := range sources(dir) {
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			continue
		}
		for _, spec := range f.Imports {
			if p, err := strconv.Unquote(spec.Path.Value); err == nil && !seen[p] {
				seen[p] = true
				out = append(out, p)
			}
		}
	}
	return out
}
