package autodiff

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/gomlx/gomlx/core/graph"
)

// GoMLX shows the static arguments of an operation only in the text of its node, as "name=value"; rules that need
// them read them there. Each such rule is tested, so that a change of the text does not go unnoticed.

// attribute returns the text of an argument, with the brackets of a list.
func attribute(n *graph.Node, name string) string {
	text := n.String()
	_, rest, found := strings.Cut(text, "("+name+"=")
	if !found {
		_, rest, found = strings.Cut(text, " "+name+"=")
	}
	if !found {
		panic(fmt.Errorf("autodiff: the node %s shows no argument %q; is this version of GoMLX the one in go.mod?", text, name))
	}
	depth := 0
	for i, r := range rest {
		switch r {
		case '[', '{', '(':
			depth++
		case ']', '}':
			depth--
		case ')':
			if depth == 0 {
				return rest[:i]
			}
			depth--
		case ',':
			if depth == 0 {
				return rest[:i]
			}
		}
	}
	return rest
}

// integers returns the numbers of an argument that is a list such as [0 1].
func integers(n *graph.Node, name string) []int {
	text := strings.Trim(attribute(n, name), "[]")
	var values []int
	for _, word := range strings.Fields(text) {
		v, err := strconv.Atoi(word)
		if err != nil {
			panic(fmt.Errorf("autodiff: argument %q of the node %s is not a list of integers", name, n))
		}
		values = append(values, v)
	}
	return values
}

// reducedAxes are the axes that a reduction sums over, or the like: all of them where it names none.
func reducedAxes(n *graph.Node) []int {
	axes := sorted(integers(n, "axes"))
	if len(axes) == 0 {
		return axesFrom(0, n.Inputs()[0].Rank())
	}
	return axes
}

// integer returns an argument that is one number.
func integer(n *graph.Node, name string) int {
	v, err := strconv.Atoi(attribute(n, name))
	if err != nil {
		panic(fmt.Errorf("autodiff: argument %q of the node %s is not an integer", name, n))
	}
	return v
}

// real64 returns an argument that is a floating-point number.
func real64(n *graph.Node, name string) float64 {
	v, err := strconv.ParseFloat(attribute(n, name), 64)
	if err != nil {
		panic(fmt.Errorf("autodiff: argument %q of the node %s is not a number", name, n))
	}
	return v
}

// shifted adds one to each axis: what they are after a bundle's axis has come first.
func shifted(axes []int) []int {
	out := make([]int, len(axes))
	for i, a := range axes {
		out[i] = a + 1
	}
	return out
}
