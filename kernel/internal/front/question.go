package front

import (
	"encoding/json"
	"go/scanner"
	"go/token"
	"strings"
	"time"

	"github.com/gosciml/gosciml/kernel/internal/cell"
)

// question is a completion or an inspection. GoNB answers them between cells only, and not before its language server
// has read the modules; nobody who types waits for that.
type question struct {
	reply string                          // the kind of the reply
	read  func(reply json.RawMessage) any // makes it of GoNB's
	late  func() any                      // makes it when GoNB cannot answer in time
}

// put asks GoNB, if it has time for it.
func (f *Front) put(on *port, m message, kind string, content json.RawMessage, q *question) {
	j := &job{on: on, request: m, kind: kind, content: content, ask: q}
	if f.current != nil || len(f.waiting) > 0 || !f.attached {
		f.setState("busy", m.header)
		f.finish(j, q.reply, q.late())
		return
	}
	f.enqueue(j)
	time.AfterFunc(patience, func() {
		f.do(func() {
			if !j.answered {
				f.finish(j, q.reply, q.late())
			}
		})
	})
}

type questionContent struct {
	Code   string `json:"code"`
	Cursor int    `json:"cursor_pos"`
	Detail int    `json:"detail_level"`
}

func (f *Front) complete(on *port, m message) {
	var c questionContent
	if err := json.Unmarshal(m.content, &c); err != nil {
		f.refuse(on, m, "complete_reply", "the request cannot be read: "+err.Error())
		return
	}
	in := cell.Read(c.Code)
	content := encodeJSON(map[string]any{"code": in.CodeWithoutValue(), "cursor_pos": in.CodeCursor(c.Cursor)})
	answer := func(matches []string, start, end int) any {
		return map[string]any{"status": "ok", "matches": matches, "cursor_start": start, "cursor_end": end, "metadata": emptyObject}
	}
	f.put(on, m, "complete_request", content, &question{
		reply: "complete_reply",
		read: func(reply json.RawMessage) any {
			var r struct {
				Matches []string `json:"matches"`
				Start   int      `json:"cursor_start"`
				End     int      `json:"cursor_end"`
			}
			_ = json.Unmarshal(reply, &r)
			if len(r.Matches) == 0 {
				return answer([]string{}, c.Cursor, c.Cursor)
			}
			return answer(r.Matches, in.SourceCursor(r.Start), in.SourceCursor(r.End))
		},
		// A comment does no harm where it is picked.
		late: func() any { return answer([]string{"/* " + f.why() + " */"}, c.Cursor, c.Cursor) },
	})
}

func (f *Front) inspect(on *port, m message) {
	var c questionContent
	if err := json.Unmarshal(m.content, &c); err != nil {
		f.refuse(on, m, "inspect_reply", "the request cannot be read: "+err.Error())
		return
	}
	in := cell.Read(c.Code)
	content := encodeJSON(map[string]any{"code": in.CodeWithoutValue(), "cursor_pos": in.CodeCursor(c.Cursor), "detail_level": c.Detail})
	f.put(on, m, "inspect_request", content, &question{
		reply: "inspect_reply",
		read: func(reply json.RawMessage) any {
			var r struct {
				Found bool            `json:"found"`
				Data  json.RawMessage `json:"data"`
			}
			if json.Unmarshal(reply, &r) != nil || !r.Found {
				return map[string]any{"status": "ok", "found": false, "data": emptyObject, "metadata": emptyObject}
			}
			return map[string]any{"status": "ok", "found": true, "data": r.Data, "metadata": emptyObject}
		},
		late: func() any {
			return map[string]any{"status": "ok", "found": true, "metadata": emptyObject,
				"data": map[string]string{"text/plain": f.why()}}
		},
	})
}

// why says why there is no answer now.
func (f *Front) why() string {
	if j := f.current; j != nil && j.execute != nil || len(f.waiting) > 0 {
		return "a cell runs: ask again when it has ended"
	}
	return "the Go language server is starting: ask again in a moment"
}

// isComplete tells a console whether a text can be executed, or more lines are to come.
func isComplete(content json.RawMessage) any {
	var c questionContent
	_ = json.Unmarshal(content, &c)
	depth, open := 0, false
	var s scanner.Scanner
	fset := token.NewFileSet()
	s.Init(fset.AddFile("", fset.Base(), len(c.Code)), []byte(c.Code), func(_ token.Position, message string) {
		open = open || strings.HasPrefix(message, "raw string literal not terminated") || strings.HasPrefix(message, "comment not terminated")
	}, 0)
	last := token.SEMICOLON
	for {
		_, tok, literal := s.Scan()
		if tok == token.EOF {
			break
		}
		switch tok {
		case token.LPAREN, token.LBRACE, token.LBRACK:
			depth++
		case token.RPAREN, token.RBRACE, token.RBRACK:
			depth--
		}
		if tok != token.SEMICOLON || literal != "\n" {
			last = tok
		} else {
			last = token.SEMICOLON
		}
	}
	switch {
	case depth < 0:
		return map[string]any{"status": "invalid"}
	case depth > 0 || open || last != token.SEMICOLON && last != token.RPAREN && last != token.RBRACE && last != token.RBRACK:
		return map[string]any{"status": "incomplete", "indent": strings.Repeat("\t", max(depth, 0))}
	}
	return map[string]any{"status": "complete"}
}
