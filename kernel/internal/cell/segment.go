package cell

import (
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"slices"
	"strings"
	"unicode/utf8"
)

// kind says where a piece of a cell belongs in a Go program.
type kind int

const (
	nothing     kind = iota // blank lines, and comments that belong to nothing
	imports                 // before all other declarations
	declaration             // at the top level
	statement               // in the main function
)

// segment is a declaration or a statement at depth 0, with the comments right above it.
type segment struct {
	kind       kind
	begin, end int // offsets of its text in the source, comments and a semicolon included
	first      int // the offset of its first token
	tokens     []word
	source     string // what it is a part of
}

// last is the offset behind its last token.
func (s segment) last() int { return s.tokens[len(s.tokens)-1].end }

// is reports whether it begins with a word of the language and a name.
func (s segment) is(t token.Token, name string) bool {
	return len(s.tokens) > 1 && s.tokens[0].token == t && s.tokens[1].literal == name
}

// body is what stands within the braces of a function.
func (s segment) body() string {
	for i, w := range s.tokens {
		if end := s.tokens[len(s.tokens)-1]; w.token == token.LBRACE && w.depth == 0 && i < len(s.tokens)-1 {
			if end.token == token.RBRACE && end.depth == 0 {
				return s.source[w.end:end.begin]
			}
			return s.source[w.end:end.end]
		}
	}
	return ""
}

// word is a token, with where it ends.
type word struct {
	token      token.Token
	literal    string
	begin, end int
	depth      int // of brackets around it
}

// segments takes a source apart, from which lines that are not Go have been blanked. Code may be incomplete, as it is while somebody types.
func segments(source string) []segment {
	words, comments := scan(source)
	var all []segment
	var now []word
	cut := func(end int) {
		if len(now) > 0 {
			all = append(all, segment{kind: kindOf(now), begin: now[0].begin, end: end, first: now[0].begin, tokens: now, source: source})
		}
		now = nil
	}
	for _, w := range words {
		if w.token == token.SEMICOLON && w.depth == 0 && !(w.literal == ";" && inHeader(source, now)) {
			cut(w.end)
			continue
		}
		now = append(now, w)
	}
	cut(len(strings.TrimRight(source, " \t\r\n")))
	for i := range all {
		withComments(source, all, i, comments)
	}
	return all
}

// inHeader reports whether a semicolon behind some tokens belongs to what an if, for or switch begins with: they are no statement yet.
func inHeader(source string, words []word) bool {
	for len(words) > 2 && words[0].token == token.IDENT && words[1].token == token.COLON { // labels
		words = words[2:]
	}
	if len(words) == 0 || words[0].token != token.IF && words[0].token != token.FOR && words[0].token != token.SWITCH {
		return false
	}
	text := source[words[0].begin:words[len(words)-1].end]
	_, err := parser.ParseFile(token.NewFileSet(), "", "package p\nfunc _() {\n"+text+"\n}", parser.SkipObjectResolution)
	return err != nil
}

// scan returns the tokens of a source, and its comments.
func scan(source string) (words, comments []word) {
	set := token.NewFileSet()
	file := set.AddFile("", set.Base(), len(source))
	var s scanner.Scanner
	s.Init(file, []byte(source), func(token.Position, string) {}, scanner.ScanComments)
	depth := 0
	for {
		pos, tok, lit := s.Scan()
		if tok == token.EOF {
			return words, comments
		}
		begin := file.Offset(pos)
		w := word{token: tok, literal: lit, begin: begin, end: begin + length(tok, lit, source[begin:]), depth: depth}
		switch tok {
		case token.COMMENT:
			comments = append(comments, w)
			continue
		case token.SEMICOLON:
			if lit != ";" { // put in at the end of a line
				w.end = begin
			}
		case token.LPAREN, token.LBRACK, token.LBRACE:
			depth++
		case token.RPAREN, token.RBRACK, token.RBRACE:
			depth = max(0, depth-1)
			w.depth = depth
		}
		words = append(words, w)
	}
}

// length of a token in the source. Its literal may be shorter, as the scanner leaves carriage returns out.
func length(tok token.Token, literal, source string) int {
	switch {
	case tok == token.ILLEGAL:
		_, n := utf8.DecodeRuneInString(source)
		return n
	case strings.HasPrefix(literal, "`"):
		return 1 + upTo(source[1:], "`")
	case strings.HasPrefix(literal, "/*"):
		return 2 + upTo(source[2:], "*/")
	case literal == "" || tok.IsOperator() && tok != token.SEMICOLON:
		literal = tok.String()
	}
	return min(len(literal), len(source))
}

// withComments extends a segment by the comments that stand right above it, and by one that begins on its last line.
func withComments(source string, all []segment, i int, comments []word) {
	s := &all[i]
	before := 0
	if i > 0 {
		before = all[i-1].end
	}
	after := len(source)
	if i+1 < len(all) {
		after = all[i+1].first
	}
	for k := len(comments) - 1; k >= 0; k-- {
		c := comments[k]
		if c.begin < before || c.end > s.begin {
			continue
		}
		if between := source[c.end:s.begin]; strings.TrimSpace(between) != "" || strings.Count(between, "\n") > 1 {
			break
		}
		s.begin = c.begin
	}
	for _, c := range comments {
		if c.begin >= s.end && c.end <= after && strings.TrimSpace(source[s.end:c.begin]) == "" && !strings.Contains(source[s.end:c.begin], "\n") {
			s.end = c.end
		}
	}
}

// kindOf tells by the first token. A function without a name is a literal, with which a statement begins.
func kindOf(words []word) kind {
	switch words[0].token {
	case token.IMPORT:
		return imports
	case token.TYPE, token.VAR, token.CONST, token.PACKAGE:
		return declaration
	case token.FUNC:
		if named(words[1:]) {
			return declaration
		}
	}
	return statement
}

// named reports whether what follows func is a name, with a receiver or without, or what somebody still types.
func named(words []word) bool {
	if len(words) == 0 || words[0].token == token.IDENT {
		return true
	}
	if words[0].token != token.LPAREN {
		return false
	}
	for i, w := range words {
		if w.token == token.RPAREN && w.depth == words[0].depth {
			rest := words[i+1:]
			return len(rest) > 1 && rest[0].token == token.IDENT && rest[1].token == token.LPAREN
		}
	}
	return false
}

// makes are the names that a statement declares for those after it.
func (s segment) makes() []string {
	if s.tokens[0].token == token.VAR || s.tokens[0].token == token.CONST || s.tokens[0].token == token.TYPE {
		return declared(s.source[s.first:s.end])
	}
	if s.tokens[0].token != token.IDENT { // if, for and the like keep theirs to themselves
		return nil
	}
	var names []string
	for _, w := range s.tokens {
		switch {
		case w.token == token.DEFINE && w.depth == s.tokens[0].depth:
			return names
		case w.token == token.COLON: // a label
			return nil
		case w.token == token.IDENT:
			names = append(names, w.literal)
		case w.token != token.COMMA:
			return nil
		}
	}
	return nil
}

// declared are the names of a declaration.
func declared(text string) []string {
	file, _ := parser.ParseFile(token.NewFileSet(), "", "package p\n"+text, parser.SkipObjectResolution)
	if file == nil {
		return nil
	}
	var names []string
	for _, d := range file.Decls {
		group, ok := d.(*ast.GenDecl)
		if !ok {
			continue
		}
		for _, spec := range group.Specs {
			switch spec := spec.(type) {
			case *ast.ValueSpec:
				for _, n := range spec.Names {
					names = append(names, n.Name)
				}
			case *ast.TypeSpec:
				names = append(names, spec.Name.Name)
			}
		}
	}
	return names
}

// needs reports whether a declaration of constants, variables or types uses one of the names, so that it has to stay behind the
// statement that makes it. Names of fields, methods and parameters are none.
func (s segment) needs(names map[string]bool) bool {
	if t := s.tokens[0].token; len(names) == 0 || t != token.CONST && t != token.VAR && t != token.TYPE {
		return false
	}
	file, err := parser.ParseFile(token.NewFileSet(), "", "package p\n"+s.source[s.first:s.end], 0)
	if err != nil { // somebody still types
		for i, w := range s.tokens {
			if w.token == token.IDENT && names[w.literal] && s.tokens[i-1].token != token.PERIOD {
				return true
			}
		}
		return false
	}
	used := slices.ContainsFunc(file.Unresolved, func(n *ast.Ident) bool { return names[n.Name] })
	ast.Inspect(file, func(n ast.Node) bool { // keys, which the parser leaves out as they may be fields
		literal, ok := n.(*ast.CompositeLit)
		if !ok {
			return true
		}
		switch literal.Type.(type) {
		case *ast.MapType, *ast.ArrayType:
			for _, e := range literal.Elts {
				if pair, ok := e.(*ast.KeyValueExpr); ok {
					key, ok := pair.Key.(*ast.Ident)
					used = used || ok && names[key.Name]
				}
			}
		}
		return true
	})
	return used
}
