//go:build unix

package headless

import (
	"regexp"
	"strconv"
)

// errPlace is a place in a notebook: the number a cell was executed under, and a line of it from 1 on.
type errPlace struct{ cell, line int }

// cellLine matches how GoNB names a place: "Cell[3]: Line 7" for compile errors, "[[ Cell [3] Line 7 ]]" in the stack
// of a panic.
var cellLine = regexp.MustCompile(`Cell ?\[(\d+)\]:? Line (\d+)`)

// errorPlace finds the first place named in the texts of an error; it is zero if there is none.
func errorPlace(texts ...string) errPlace {
	for _, text := range texts {
		if m := cellLine.FindStringSubmatch(text); m != nil {
			cell, _ := strconv.Atoi(m[1])
			line, _ := strconv.Atoi(m[2])
			return errPlace{cell, line}
		}
	}
	return errPlace{}
}
