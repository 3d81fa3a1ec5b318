package main

import (
	"fmt"
	"sort"

	"github.com/gosciml/gosciml/sciml/optim"
)

// methods by the names of the command line.
var methods = map[string]func() optim.Method{
	"default":        func() optim.Method { return nil }, // sciml.Solve chooses
	"adam":           func() optim.Method { return optim.Adam{Rate: 5e-3} },
	"lbfgs":          func() optim.Method { return optim.LBFGS{Memory: 50} },
	"bfgs":           func() optim.Method { return optim.BFGS{} },
	"ssbroyden":      func() optim.Method { return optim.SSBroyden{} },
	"adam+lbfgs":     func() optim.Method { return afterAdam(optim.LBFGS{Memory: 50}) },
	"adam+ssbroyden": func() optim.Method { return afterAdam(optim.SSBroyden{}) },
}

func afterAdam(m optim.Method) optim.Method {
	return optim.Hybrid{{Method: optim.Adam{Rate: 5e-3}, Until: optim.Stalled{}}, {Method: m}}
}

func method(name string) (optim.Method, error) {
	if m := methods[name]; m != nil {
		return m(), nil
	}
	var names []string
	for known := range methods {
		names = append(names, known)
	}
	sort.Strings(names)
	return nil, fmt.Errorf("-method is %q, expected one of %q", name, names)
}
