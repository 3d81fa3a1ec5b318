package shown

import (
	"fmt"
	"strings"
	"testing"
)

// TestSplitter: values are found wherever the output is cut, and all else stays as it is.
func TestSplitter(t *testing.T) {
	text := "before\n" + Encode("x = 3\n\x1d\x00…") + "between\x00\x1dva" + Encode("") + "after"
	want := "[before\n|v:x = 3\n\x1d\x00…|between\x00\x1dva|v:|after]"
	for size := 1; size <= len(text); size++ {
		var s Splitter
		var got []string
		put := func(parts []Part) {
			for _, p := range parts {
				kind := ""
				if p.Value {
					kind = "v:"
				}
				if n := len(got); n > 0 && kind == "" && !strings.HasPrefix(got[n-1], "v:") {
					got[n-1] += p.Text
					continue
				}
				got = append(got, kind+p.Text)
			}
		}
		for at := 0; at < len(text); at += size {
			put(s.Add(text[at:min(len(text), at+size)]))
		}
		if rest := s.Rest(); rest != "" {
			put([]Part{{Text: rest}})
		}
		if joined := fmt.Sprintf("[%s]", strings.Join(got, "|")); joined != want {
			t.Fatalf("in pieces of %d: %q, want %q", size, joined, want)
		}
	}
}

// TestSplitterUnfinished: a value whose end never comes is given back as it was.
func TestSplitterUnfinished(t *testing.T) {
	var s Splitter
	cut := Encode("something")
	cut = cut[:len(cut)-1]
	if parts := s.Add("a" + cut); len(parts) != 1 || parts[0].Text != "a" || s.Rest() != cut || s.Rest() != "" {
		t.Errorf("%v, %q", parts, s.held)
	}
}
