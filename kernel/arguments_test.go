//go:build unix

package main

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestWrongUsageIsNamed(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range []string{"a.md", "a.ipynb", "b.md"} {
		if err := os.WriteFile(name, []byte("{}"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(filepath.Join(dir, "b.md"), "b.ipynb"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		command func(args []string) error
		args    string
		want    []string
	}{
		{func(a []string) error { return runDoctor(t.Context(), a) }, "now", []string{"doctor", `"now"`, "no argument"}},
		{func(a []string) error { return runUninstall(t.Context(), a) }, "now", []string{"uninstall", `"now"`, "no argument"}},
		{func(a []string) error { return runUninstall(t.Context(), a) }, "-f", []string{"uninstall", "-f"}},
		{func(a []string) error { return runSetup(t.Context(), a) }, "-quiet now", []string{"setup", `"now"`, "no argument"}},
		{func(a []string) error { return runLatency(t.Context(), a) }, "3", []string{"latency", `"3"`, "no argument"}},
		{func(a []string) error { return runLatency(t.Context(), a) }, "-n 0", []string{"latency", "-n 0", "at least 1"}},
		{func(a []string) error { return runLab(t.Context(), a) }, ". other", []string{"lab", `"other"`, "no more than one"}},
		{func(a []string) error { return runLab(t.Context(), a) }, "missing", []string{"lab", `"missing"`, "a folder"}},
		{func(a []string) error { return runLab(t.Context(), a) }, "-ip=", []string{`-ip ""`, "127.0.0.1"}},
		{func(a []string) error { return runLab(t.Context(), a) }, "-port 70000", []string{"-port 70000", "65535"}},
		{func(a []string) error { return runRun(t.Context(), a) }, "", []string{"no file"}},
		{func(a []string) error { return runRun(t.Context(), a) }, "a.txt", []string{`"a.txt"`, ".ipynb"}},
		{func(a []string) error { return runRun(t.Context(), a) }, "a.md -timeout -3s", []string{"-timeout -3s", "0 for no limit"}},
		{func(a []string) error { return runRun(t.Context(), a) }, "a.md -timeout 3", []string{`"3"`, "-timeout"}},
		{func(a []string) error { return runRun(t.Context(), a) }, "a.md -p rate", []string{`"rate"`, "name=value"}},
		{func(a []string) error { return runRun(t.Context(), a) }, "a.md -p =5", []string{`"=5"`, "name=value"}},
		{func(a []string) error { return runRun(t.Context(), a) }, "a.md -o a.md", []string{`-o "a.md"`, ".ipynb"}},
		{func(a []string) error { return runRun(t.Context(), a) }, "a.md -o=", []string{`-o ""`, ".ipynb"}},
		{func(a []string) error { return runRun(t.Context(), a) }, "a.md b.md -o c.ipynb", []string{"2 files", "one file"}},
		{func(a []string) error { return runRun(t.Context(), a) }, "a.ipynb ./a.ipynb", []string{"a.ipynb", "twice"}},
		{func(a []string) error { return runRun(t.Context(), a) }, "a.md a.ipynb", []string{"a.md", "a.ipynb", "both"}},
		{func(a []string) error { return runRun(t.Context(), a) }, "b.md", []string{"b.ipynb", "the chapter b.md itself"}},
	} {
		err := c.command(strings.Fields(c.args))
		if !errors.Is(err, errMisuse) {
			t.Errorf("%q: %v, want an error of usage", c.args, err)
			continue
		}
		for _, w := range c.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q: the error lacks %q: %v", c.args, w, err)
			}
		}
	}
	if err := runRun(t.Context(), []string{"missing.md"}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := parse(newFlags("run"), []string{"-h"}, -1); !errors.Is(err, flag.ErrHelp) {
		t.Errorf("-h: %v, want flag.ErrHelp", err)
	}
}

func TestTargetsOf(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, name := range []string{"a.MD", "b.ipynb"} {
		if err := os.WriteFile(name, nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := targetsOf([]string{"a.MD", "b.ipynb"}, nil); err != nil || !slices.Equal(got, []string{"a.ipynb", "b.ipynb"}) {
		t.Errorf("targetsOf = %q, %v", got, err)
	}
	same := "b.ipynb"
	if got, err := targetsOf([]string{"b.ipynb"}, &same); err != nil || !slices.Equal(got, []string{"b.ipynb"}) {
		t.Errorf("in place by -o: %q, %v", got, err)
	}
}
