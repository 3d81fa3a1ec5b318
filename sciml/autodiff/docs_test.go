package autodiff_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/sciml/autodiff"
)

var update = flag.Bool("update", false, "rewrite the table of operations in docs/autodiff.md")

// TestDocumentation checks that the table of operations in docs/autodiff.md is that of the rules.
func TestDocumentation(t *testing.T) {
	const path = "../../docs/autodiff.md"
	const begin, end = "<!-- operations -->\n", "<!-- end of operations -->\n"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	old, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("%s has no table between %q and %q", path, begin, end)
	}
	byKind := map[string][]string{}
	for op, kind := range autodiff.RuleTable() {
		byKind[kind] = append(byKind[kind], autodiff.OperationName(op))
	}
	var table strings.Builder
	table.WriteString("| derivative | operations |\n|---|---|\n")
	for _, kind := range slices.Sorted(maps.Keys(byKind)) {
		names := byKind[kind]
		slices.Sort(names)
		fmt.Fprintf(&table, "| %s | %s |\n", kind, strings.Join(names, ", "))
	}
	if old == table.String() {
		return
	}
	if !*update {
		t.Fatalf("the table of operations in %s is out of date; run: go test ./sciml/autodiff -run TestDocumentation -update\n%s", path, table.String())
	}
	if err := os.WriteFile(path, []byte(before+begin+table.String()+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
