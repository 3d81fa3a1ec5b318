package failure

import (
	"bufio"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// GetLine is the line that, typed in a cell, gets packages. The kernel keeps the user's GOPROXY in this variable.
func GetLine(packages ...string) string {
	return "!*GOPROXY=$GOSCIML_GOPROXY go get " + strings.Join(packages, " ")
}

var (
	noModule = []*regexp.Regexp{
		regexp.MustCompile(`cannot find module providing package ([^\s:;,]+)`),
		regexp.MustCompile(`no required module provides package ([^\s:;,]+)`),
		regexp.MustCompile(`missing go\.sum entry (?:for module providing package|needed to verify contents of) ([^\s:;,]+)`),
		regexp.MustCompile(`([^\s:;,]+): module lookup disabled by GOPROXY=off`),
	}
	notStd = regexp.MustCompile(`package ([^\s:;,]+) is not in std`)
)

// missing makes the error of packages that are not there, and reports whether it is one.
func (t Told) missing(e *Error, value string) bool {
	var get, unknown []string
	add := func(to *[]string, name string) {
		name, _, _ = strings.Cut(name, "@")
		if !slices.Contains(*to, name) {
			*to = append(*to, name)
		}
	}
	for _, m := range notStd.FindAllStringSubmatch(value, -1) {
		add(&unknown, m[1])
	}
	for _, r := range noModule {
		for _, m := range r.FindAllStringSubmatch(value, -1) {
			add(&get, m[1])
		}
	}
	if len(get)+len(unknown) == 0 {
		return false
	}
	e.Name = ImportError
	var values []string
	fetch := []string{}
	tell := func(name, what string) {
		if len(values) == 0 {
			e.head(what)
		} else {
			e.add("", what)
		}
		values = append(values, what)
		e.at(t.importOf(name), "")
	}
	for _, name := range unknown {
		tell(name, "there is no package "+name)
		e.add("Packages of Go's own library have names such as math/rand; all others begin with a domain, such as gonum.org/v1/gonum/mat.")
	}
	for _, name := range get {
		if module := t.moduleOf(name); module != "" {
			tell(name, fmt.Sprintf("module %s has no package %s", module, strings.TrimPrefix(name, module+"/")))
			continue
		}
		tell(name, "the module of package "+name+" is not there")
		fetch = append(fetch, name)
	}
	if len(fetch) > 0 {
		e.add("This line, as the first of a cell, gets it for as long as the kernel runs:", "    "+GetLine(fetch...))
	}
	what := values[0]
	e.finish(what)
	if len(fetch) > 0 {
		e.Value += "; to get it: " + GetLine(fetch...)
	}
	return true
}

// moduleOf is the module whose package a path should be, of those that are there.
func (t Told) moduleOf(name string) string {
	best := ""
	for _, m := range t.Modules {
		if (name == m || strings.HasPrefix(name, m+"/")) && len(m) > len(best) {
			best = m
		}
	}
	return best
}

// importOf finds the import of a package in the latest cell that has it.
func (t Told) importOf(name string) place {
	for number := t.Cell; number > 0; number-- {
		cell, _ := t.cell(number)
		for i, line := range strings.Split(cell.Sent, "\n") {
			if j := strings.Index(line, `"`+name+`"`); j >= 0 {
				return t.sent(number, i+1, j+1)
			}
		}
	}
	return place{}
}

// Modules lists the paths of the module and of those it requires, from the text of a go.mod.
func Modules(gomod string) []string {
	var list []string
	block := ""
	in := bufio.NewScanner(strings.NewReader(gomod))
	for in.Scan() {
		line, _, _ := strings.Cut(in.Text(), "//")
		f := strings.Fields(line)
		switch {
		case len(f) == 0:
		case len(f) == 2 && f[1] == "(":
			block = f[0]
		case f[0] == ")":
			block = ""
		case len(f) >= 2 && (f[0] == "module" || f[0] == "require"):
			list = append(list, f[1])
		case block == "require":
			list = append(list, f[0])
		}
	}
	return list
}
