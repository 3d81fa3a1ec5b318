//go:build unix

package headless

import (
	"regexp"
	"strconv"
)

// cellLine matches how GoNB names a place in a cell.
var cellLine = regexp.MustCompile(`(?i)cell(?: ?\[\d+\])?:? line (\d+)`)

// errorLine finds the line of the cell in an error's text, 0 if there is none.
func errorLine(text string) int {
	m := cellLine.FindStringSubmatch(text)
	if m == nil {
		return 0
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return 0
	}
	return n
}
