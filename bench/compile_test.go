package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/pde"
)

// TestMain: the command compile starts its own program again, which in a test is this one.
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "compile" && os.Args[2] == compileChild {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestCompile makes both runs of a small problem, and writes them into a page.
func TestCompile(t *testing.T) {
	if why := backend.Inspect().WhyNoCache; why != "" {
		t.Skip("no cache here: ", why)
	}
	p, err := pde.Named("poisson1d")
	if err != nil {
		t.Fatal(err)
	}
	r, err := measureCompiling(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if r.ColdStep <= 0 || r.WarmStep <= 0 || len(r.Programs) == 0 || r.Again != 0 || r.Network != "MLP 1-32-1 tanh" {
		t.Errorf("measured %+v", r)
	}
	for _, q := range r.Programs {
		if q.Name == "" || numberOfGraph.MatchString(q.Name) || q.Compile <= 0 || q.Load <= 0 || q.Bytes <= 0 {
			t.Errorf("a program %+v", q)
		}
	}
	page := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(page, []byte("before\n"+pageBegin+"\nwas here\n"+pageEnd+"\nafter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // what is written can be written again
		if err := writeBetween(page, []compileRow{r}); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	got := string(text)
	if !strings.HasPrefix(got, "before\n"+pageBegin+"\n") || !strings.HasSuffix(got, "\n"+pageEnd+"\nafter\n") || strings.Contains(got, "was here") ||
		strings.Count(got, "`"+r.Programs[0].Name+"`") != 1 || !strings.Contains(got, "Measured on ") {
		t.Errorf("the page is\n%s", got)
	}
}

// TestCompileRow: programs are matched by what they are, and what was compiled twice is counted.
func TestCompileRow(t *testing.T) {
	p := &pde.Problem{Key: "burgers", Name: "B|C"}
	cold := compileRun{FirstStep: 3, Programs: []backend.Program{
		{Name: "step_1", Key: "a", Seconds: 1, Bytes: 1000}, {Name: "terms__1", Key: "b", Seconds: 2, Bytes: 2000},
		{Name: "step_1", Key: "a", Seconds: 1.5, Bytes: 1000}, {Name: "terms__1", Key: "b", Seconds: 0.1, Bytes: 2000, Loaded: true},
	}}
	warm := compileRun{FirstStep: 0.5, Programs: []backend.Program{
		{Name: "terms__1", Key: "b", Seconds: 0.2, Bytes: 2000, Loaded: true}, {Name: "step_1", Key: "a", Seconds: 0.1, Bytes: 1000, Loaded: true},
	}}
	r, err := compileRowOf(p, cold, warm)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	const want = `"cold_first_step":3,"warm_first_step":0.5,"programs":[{"name":"terms","compile":2,"load":0.2,"bytes":2000},` +
		`{"name":"step","compile":1,"load":0.1,"bytes":1000}],"compiling":3,"loading":0.30000000000000004,"bytes":3000,"compiled_twice":2}`
	if !strings.HasSuffix(string(text), want) {
		t.Errorf("the row is %s", text)
	}
	lines := strings.Split(compileTables([]compileRow{r}), "\n")
	for _, i := range []int{0, 1, 2} {
		if n := strings.Count(strings.ReplaceAll(lines[i], `\|`, ""), "|"); n != 12 {
			t.Errorf("%d bars, want 12 in %s", n, lines[i])
		}
	}
	warm.Programs[0].Loaded = false
	if _, err := compileRowOf(p, cold, warm); err == nil || !strings.Contains(err.Error(), "terms__1 was compiled although") {
		t.Errorf("a warm process that compiles: %v", err)
	}
	warm.Programs = warm.Programs[1:]
	if _, err := compileRowOf(p, cold, warm); err == nil || !strings.Contains(err.Error(), "terms__1 was compiled cold, and not needed warm") {
		t.Errorf("a warm process that needs less: %v", err)
	}
}

func TestBadCompileArguments(t *testing.T) {
	page := filepath.Join(t.TempDir(), "page.md")
	if err := os.WriteFile(page, []byte(pageEnd+"\n"+pageBegin+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for word, args := range map[string][]string{
		`an argument "burgers"`: {"burgers"},
		`"nothing"`:             {"-problem", "nothing"},
		"has no lines":          {"-page", page},
		"no such file":          {"-page", page + "x"},
	} {
		if err := run(t.Context(), append([]string{"compile"}, args...)); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%q: %v, want an error that mentions %q", args, err, word)
		}
	}
}
