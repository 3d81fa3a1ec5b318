package main

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/sciml/backend"
)

func TestNumbers(t *testing.T) {
	for text, want := range map[string]float64{"0.5": 0.5, "1e-300": 1e-300, "null": math.NaN()} {
		var n number
		if err := json.Unmarshal([]byte(text), &n); err != nil {
			t.Fatal(err)
		}
		if got := float64(n); got != want && !(math.IsNaN(got) && math.IsNaN(want)) {
			t.Errorf("%s is read as %v", text, got)
		}
		if back, err := json.Marshal(n); err != nil || string(back) != text {
			t.Errorf("%s is written as %s (%v)", text, back, err)
		}
	}
	if text, err := json.Marshal(number(math.Inf(1))); err != nil || string(text) != "null" {
		t.Errorf("infinity is written as %s (%v)", text, err)
	}
}

// TestStore: rows are found again by a later run, unless something about the measurement differs.
func TestStore(t *testing.T) {
	t.Setenv(backend.CacheEnv, "")
	path := filepath.Join(t.TempDir(), "folder", "rows.jsonl")
	s, err := openStore(path)
	if err != nil {
		t.Fatal(err)
	}
	want := row{Problem: "p", Method: "m", Seed: 2, Budget: 3, RelativeL2: number(math.NaN()), Status: "done", Explanation: "noise: it scatters"}
	if err := s.add(want); err != nil {
		t.Fatal(err)
	}
	if s, err = openStore(path); err != nil {
		t.Fatal(err)
	}
	got, ok := s.find(row{Problem: "p", Method: "m", Seed: 2, Budget: 3})
	var line bytes.Buffer
	if err := printRow(&line, got); err != nil || !strings.HasSuffix(line.String(), "\n    noise: it scatters\n") {
		t.Errorf("the row is printed as %q (%v), want a second line that explains it", line.String(), err)
	}
	if !ok || got.Status != "done" || !math.IsNaN(float64(got.RelativeL2)) {
		t.Errorf("found %+v, %v", got, ok)
	}
	long := want
	long.Seed = 9
	for i := range 20000 { // much more than a usual line
		long.ErrorAt, long.Errors = append(long.ErrorAt, float64(i)/3), append(long.Errors, 1/float64(i+1))
	}
	if err := s.add(long); err != nil {
		t.Fatal(err)
	}
	if s, err = openStore(path); err != nil {
		t.Fatal(err)
	}
	if got, ok := s.find(long); !ok || !slices.Equal(got.ErrorAt, long.ErrorAt) || !slices.Equal(got.Errors, long.Errors) {
		t.Errorf("of a long line %d errors are found (%v)", len(got.Errors), ok)
	}
	for _, other := range []row{
		{Problem: "q", Method: "m", Seed: 2, Budget: 3}, {Problem: "p", Method: "n", Seed: 2, Budget: 3}, {Problem: "p", Method: "m", Seed: 1, Budget: 3},
		{Problem: "p", Method: "m", Seed: 2, Budget: 4}, {Problem: "p", Method: "m", Seed: 2, Budget: 3, Overrides: " -hidden 3"},
		{Problem: "p", Method: "m", Seed: 2, Budget: 3, Until: 1e-5},
	} {
		if _, ok := s.find(other); ok {
			t.Errorf("%+v is found", other)
		}
	}
	t.Setenv(backend.CacheEnv, "off")
	if _, ok := s.find(want); ok {
		t.Error("a row that was measured warm is found by a process that measures cold")
	}
	if text := coldOrWarm(); !strings.HasPrefix(text, "Times are cold") {
		t.Errorf("with the cache off: %s", text)
	}
	t.Setenv(backend.CacheEnv, "/folder")
	if text := coldOrWarm(); !strings.HasPrefix(text, "Times are warm") || !strings.Contains(text, `"/folder"`) {
		t.Errorf("with a cache: %s", text)
	}
	if err := os.WriteFile(path, []byte("no JSON\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openStore(path); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("a damaged file: %v", err)
	}
}

// TestJSONFields: what other programs read.
func TestJSONFields(t *testing.T) {
	var out bytes.Buffer
	if err := printJSON(&out, row{Problem: "p"}); err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(out.Bytes(), &fields); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"problem", "method", "seed", "seconds", "iterations", "relative_l2", "status"} {
		if _, ok := fields[name]; !ok {
			t.Errorf("there is no %q in %s", name, out.String())
		}
	}
	if strings.Count(out.String(), "\n") != 1 {
		t.Errorf("not one line: %q", out.String())
	}
}

func TestPage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	f := problemFlags{method: "default", seconds: 120, seeds: 1, out: "results", problem: "p"}
	rows := []row{{Problem: "p", Title: "P | Q", Network: "n", Source: "a paper", RelativeL2: 1.5e-4, Status: "time limit reached"}}
	if err := writePage(path, rows, f); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"go run ./bench problems -problem p -markdown", `P \| Q`, "1.5e-04", "a paper"} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the page does not say %q:\n%s", want, page)
		}
	}
}

func TestBadArguments(t *testing.T) {
	for word, args := range map[string][]string{
		"no command":                 {},
		`no command "nothing"`:       {"nothing"},
		`key "nothing"`:              {"problems", "-problem", "nothing"},
		`-method is "nothing"`:       {"problems", "-method", "nothing"},
		"-seconds is -1":             {"problems", "-seconds", "-1"},
		"-seeds is 0":                {"problems", "-seeds", "0"},
		`-hidden is "3,x"`:           {"problems", "-hidden", "3,x"},
		"-interior is -1":            {"problems", "-interior", "-1"},
		`an argument "burgers"`:      {"problems", "burgers"},
		`an argument "heat1d"`:       {"accuracy", "heat1d"},
		`-problem is "heat1d,beam"`:  {"accuracy", "-problem", "heat1d,beam"},
		`-method is "none"`:          {"accuracy", "-method", "auto,none"},
		"accuracy: -seeds is 0":      {"accuracy", "-seeds", "0"},
		"-scale is 0":                {"accuracy", "-scale", "0"},
		"-scale is +Inf":             {"accuracy", "-scale", "Inf"},
		`-problem is "nothing"`:      {"optimizers", "-problem", "nothing"},
		"-seconds is 0":              {"optimizers", "-seconds", "0"},
		`expected one of ["default"`: {"optimizers", "-method", "lbfgs,nothing"},
	} {
		if err := run(context.Background(), args); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%q: %v, want an error that mentions %q", args, err, word)
		}
	}
}

// TestMethodsHaveNames: each can be made, under a name of its own.
func TestMethodsHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range methods {
		if seen[m.name] {
			t.Errorf("two methods are named %q", m.name)
		}
		seen[m.name] = true
		if made := m.make(); made == nil != (m.name == "default") {
			t.Errorf("%q makes %v", m.name, made)
		}
	}
	if m, err := method(auto); m != nil || err != nil || seen[auto] {
		t.Errorf("%q makes %v, %v, want what \"default\" makes", auto, m, err)
	}
}

// TestFailedTrainings: a method that does not suit a network leaves the others their rows, and is the error in the end.
func TestFailedTrainings(t *testing.T) {
	t.Chdir(t.TempDir())
	one, err := chosenTasks("poisson2d", 1)
	if err != nil {
		t.Fatal(err)
	}
	results, err := openStore("bench-results/accuracy.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	if err := results.add(measured(t, one[0], "adam", 1, 3)); err != nil {
		t.Fatal(err)
	}
	err = run(t.Context(), []string{"accuracy", "-problem", "poisson2d", "-method", "muon,adam", "-seeds", "1", "-markdown", "page.md"})
	if err == nil || !strings.Contains(err.Error(), "poisson2d, muon: optim: Objective.Blocks has 2 matrices") {
		t.Errorf("the error is %v, want that of muon", err)
	}
	if _, err := os.Stat("bench-results/accuracy/poisson2d.png"); err != nil {
		t.Errorf("no picture of what is there: %v", err)
	}
	if _, err := os.Stat("page.md"); err == nil {
		t.Error("there is a page of an incomplete table")
	}
}

// TestResultsThatCannotBeWritten: that is found before anything is measured.
func TestResultsThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, command := range []string{"problems", "accuracy"} {
		for _, args := range [][]string{{"-out", file}, {"-out", t.TempDir(), "-markdown", t.TempDir()}, {"-out", t.TempDir(), "-markdown", filepath.Join(file, "page.md")}} {
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			if err := run(ctx, append([]string{command, "-json"}, args...)); err == nil || !strings.Contains(err.Error(), "results cannot be written") {
				t.Errorf("%s %q: error %v", command, args, err)
			}
		}
	}
}

// TestProblemsCommand measures one small problem from the command line on.
func TestProblemsCommand(t *testing.T) {
	folder := t.TempDir()
	args := []string{"problems", "-problem", "poisson1d", "-seconds", "0.5", "-hidden", "4", "-out", folder, "-markdown", filepath.Join(folder, "page.md")}
	stdout := os.Stdout
	defer func() { os.Stdout = stdout }()
	var err error
	if os.Stdout, err = os.Create(filepath.Join(folder, "stdout")); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), args); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"problems.jsonl", "page.md", "problems/poisson1d-default.png"} {
		if info, err := os.Stat(filepath.Join(folder, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestCore: a network without its maps and factors, once or for each window.
func TestCore(t *testing.T) {
	for network, want := range map[string]string{
		"MLP 2-32-1 tanh": "MLP 2-32-1 tanh", "scale [0]…[1] → MLP 2-32-1 tanh": "MLP 2-32-1 tanh",
		"scale [0]…[1] → 4 harmonics → MLP 9-24-1 tanh → times [0.3]":     "MLP 9-24-1 tanh",
		"8 windows of time of scale [0]…[1] → MLP 3-4-1 tanh → times [1]": "8 windows of time of MLP 3-4-1 tanh",
	} {
		if got := (row{Network: network}).core(); got != want {
			t.Errorf("the core of %q is %q, want %q", network, got, want)
		}
	}
}
