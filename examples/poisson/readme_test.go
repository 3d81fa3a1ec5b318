package main

import (
	"os"
	"strings"
	"testing"
)

// The README shows this program: what it shows has to compile, and not be longer than it promises.
func TestReadmeShowsThisProgram(t *testing.T) {
	program, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(readme), "```go\n"+string(program)+"```\n") {
		t.Error("README.md does not show examples/poisson/main.go as it is: copy it there")
	}
	if lines := strings.Count(string(program), "\n"); lines > 40 {
		t.Errorf("the program has %d lines, expected at most 40", lines)
	}
}
