package progress

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

func TestStepsInAFile(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	l := New(f, 2)
	if err := l.Step("first", func(detail io.Writer) error {
		fmt.Fprint(detail, "half a ")
		fmt.Fprintln(detail, "line")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	broken := errors.New("broken")
	if err := l.Step("second", func(io.Writer) error { return broken }); !errors.Is(err, broken) {
		t.Errorf("Step = %v, want the error of its work", err)
	}
	data, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	want := `^      half a line\n\[1/2\] first: done in \d+\.\d s\n\[2/2\] second: failed in \d+\.\d s\n$`
	if !regexp.MustCompile(want).Match(data) {
		t.Errorf("the log is\n%s\nwant it to match\n%s", data, want)
	}
}

func TestQuiet(t *testing.T) {
	ran := false
	if err := New(nil, 1).Step("quiet", func(io.Writer) error { ran = true; return nil }); err != nil || !ran {
		t.Errorf("ran %v, %v", ran, err)
	}
}
