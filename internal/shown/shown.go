// Package shown is how the value of a cell's last expression travels from the cell's program to the kernel: as text between two marks
// on standard output, so that it stays in order with what is printed.
package shown

import (
	"encoding/base64"
	"strings"
)

// The marks are control characters that programs do not print, and begin with one that a terminal ignores.
const (
	begin = "\x00\x1dvalue:"
	end   = "\x1d\x00"
)

// Encode is a text between the marks.
func Encode(text string) string {
	return begin + base64.StdEncoding.EncodeToString([]byte(text)) + end
}

// Splitter takes values out of standard output that arrives in pieces.
type Splitter struct{ held string }

// Part is a piece of output, or the text of a value.
type Part struct {
	Text  string
	Value bool
}

// Add takes the next piece, and returns what is complete by now.
func (s *Splitter) Add(piece string) []Part {
	var parts []Part
	text := s.held + piece
	s.held = ""
	for text != "" {
		at := strings.Index(text, begin)
		if at < 0 {
			keep := beginning(text)
			parts = appended(parts, text[:len(text)-keep])
			s.held = text[len(text)-keep:]
			break
		}
		parts = appended(parts, text[:at])
		rest := text[at+len(begin):]
		last := strings.Index(rest, end)
		if last < 0 {
			s.held = text[at:]
			break
		}
		if value, err := base64.StdEncoding.DecodeString(rest[:last]); err == nil {
			parts = append(parts, Part{Text: string(value), Value: true})
		}
		text = rest[last+len(end):]
	}
	return parts
}

// Rest is what was held back as the beginning of a value that never came.
func (s *Splitter) Rest() string {
	held := s.held
	s.held = ""
	return held
}

func appended(parts []Part, text string) []Part {
	if text == "" {
		return parts
	}
	return append(parts, Part{Text: text})
}

// beginning is the length of the end of a text that may be the beginning of a mark.
func beginning(text string) int {
	for n := min(len(begin)-1, len(text)); n > 0; n-- {
		if strings.HasSuffix(text, begin[:n]) {
			return n
		}
	}
	return 0
}
