package show_test

import "github.com/gosciml/gosciml/sciml/show"

// A cell that ends in the line `x / 3` shows what this prints.
func Example() {
	x := 2.0
	show.Value(x / 3)
	show.Value([][]int{{1, 2}, {3, 4}}, nil)
	// Output:
	// 0.6666666666666666
	// [[1 2]
	//  [3 4]]
}
