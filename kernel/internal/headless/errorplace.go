//go:build unix

package headless

import (
	"regexp"
	"strconv"
)

// errPlace is a place in a notebook: the number a cell was executed under, and a line of it from 1 on.
type errPlace struct{ cell, line int }

// cellLine matches how an error's value names the place, see package failure.
var cellLine = regexp.MustCompile(` \(cell (\d+)(?:, line (\d+))?\)`)

// errorPlace parts an error's value into what is wrong and where; the place is zero if there is none.
func errorPlace(value string) (string, errPlace) {
	all := cellLine.FindAllStringSubmatchIndex(value, -1)
	if all == nil {
		return value, errPlace{}
	}
	m := all[len(all)-1]
	var p errPlace
	p.cell, _ = strconv.Atoi(value[m[2]:m[3]])
	if m[4] >= 0 {
		p.line, _ = strconv.Atoi(value[m[4]:m[5]])
	}
	return value[:m[0]] + value[m[1]:], p
}
