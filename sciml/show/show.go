// Package show shows the value of the expression that a notebook cell ends in. The kernel puts the call around such an expression;
// a program has no use for it.
package show

import (
	"fmt"
	"os"

	"github.com/gosciml/gosciml/internal/shown"
)

// Value shows values as the result of a cell, or prints them where no notebook listens. Of the results of a call, an error at the end
// that is nil is left out, also where it is all there is; one that is not nil ends the program with its text and status 1. An error alone
// is a value like others. A figure, or whatever else has a method Show() error, is shown by that. Numbers are written as short as they can
// be read back, strings quoted, structs with the names of their fields, and matrices in rows, those of gonum as well; what is long is cut
// and says how much there is.
func Value(values ...any) {
	if n := len(values); n > 0 && values[n-1] == nil {
		values = values[:n-1]
	} else if n > 1 {
		if err, isError := values[n-1].(error); isError {
			fail(err)
		}
	}
	var texts []string
	for _, v := range values {
		if shower, ok := v.(interface{ Show() error }); ok && !isNil(v) {
			if err := shower.Show(); err != nil {
				fail(err)
			}
			continue
		}
		texts = append(texts, Text(v))
	}
	for i, text := range texts {
		if i > 0 {
			texts[0] += "\n" + text
		}
	}
	switch {
	case len(texts) == 0:
	case os.Getenv("GONB_PIPE") == "":
		fmt.Println(texts[0])
	default:
		fmt.Print(shown.Encode(texts[0]))
	}
}

// fail ends the program as a command does that failed.
func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
