//go:build unix

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gosciml/gosciml/kernel/internal/place"
	"github.com/gosciml/gosciml/sciml/backend/install"
)

// e2e skips tests that take long or need the network, unless GOSCIML_E2E is set: to 1 for tests in the user's own
// data directory, to "fresh" to also go through a set-up from nothing.
func e2e(t *testing.T, value string) {
	t.Helper()
	if got := os.Getenv("GOSCIML_E2E"); got != value && got != "fresh" {
		t.Skipf("set GOSCIML_E2E=%s to run this test", value)
	}
}

// build compiles the command once and returns its path and the place it works for, set up.
func build(t *testing.T) (program string, p place.Place) {
	t.Helper()
	p, err := place.Find()
	if err != nil {
		t.Fatal(err)
	}
	program = filepath.Join(t.TempDir(), "kernel")
	if out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if out, err := exec.Command(program, "setup").CombinedOutput(); err != nil {
		t.Fatalf("setup: %v\n%s", err, out)
	}
	return program, p
}

func TestSession(t *testing.T) {
	e2e(t, "1")
	_, p := build(t)
	folder := filepath.Join(t.TempDir(), "anywhere on disk")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(install.VenvPython(p.Home), "testdata/session.py", folder)
	cmd.Env = p.JupyterEnv(os.Environ())
	out, err := cmd.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
}

func TestRunPassesAndFails(t *testing.T) {
	e2e(t, "1")
	program, _ := build(t)
	dir := filepath.Join(t.TempDir(), "with space")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	chapter := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := chapter("good.md", "# Good\n\n```go\nfunc twice(x int) int { return 2 * x }\n\n%%\nfmt.Println(twice(21))\n```\n")
	notebook := filepath.Join(dir, "out", "good.ipynb")
	out, err := exec.Command(program, "run", good, "-o", notebook).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "    42\n") {
		t.Fatalf("run: %v\n%s", err, out)
	}
	first, err := os.ReadFile(notebook)
	if err != nil || !strings.Contains(string(first), `"42\n"`) {
		t.Fatalf("the notebook lacks its output (%v):\n%s", err, first)
	}
	if strings.Contains(string(first), dir) || strings.Contains(string(first), "iopub") {
		t.Errorf("the notebook carries paths or times:\n%s", first)
	}
	if out, err := exec.Command(program, "run", notebook).CombinedOutput(); err != nil {
		t.Fatalf("run in place: %v\n%s", err, out)
	}
	if again, _ := os.ReadFile(notebook); string(again) != string(first) {
		t.Errorf("executed again the notebook differs:\n%s\n%s", first, again)
	}

	bad := chapter("bad.md", "text\n\n```go\n%%\nfmt.Println(\"kept\")\n```\n\n```go\n%%\nnope()\n```\n\n```go\n%%\nfmt.Println(\"never\")\n```\n")
	out, err = exec.Command(program, "run", bad).CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() == 0 {
		t.Fatalf("a failing cell: %v\n%s", err, out)
	}
	for _, want := range []string{"cell 2 of 3, line 2 (line 10 of the file): nope()", "undefined: nope"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the report lacks %q:\n%s", want, out)
		}
	}
	saved, err := os.ReadFile(filepath.Join(dir, "bad.ipynb"))
	if err != nil || !strings.Contains(string(saved), `"kept\n"`) || strings.Contains(string(saved), "gonb_") {
		t.Errorf("what had been computed was not saved cleanly (%v):\n%s", err, saved)
	}
}

// A chapter passes as it is; it fails for a quoted number, a cell, a solution and a check that are made wrong by hand.
func TestChaptersAreMadeAndChecked(t *testing.T) {
	e2e(t, "1")
	program, _ := build(t)
	const name = "90-small"
	original, err := os.ReadFile("../tutorials/chapter/testdata/" + name + ".md")
	if err != nil {
		t.Fatal(err)
	}
	texts, notebooks := t.TempDir(), t.TempDir()
	chapters := func(from, to string, flags ...string) (string, error) {
		text := strings.Replace(string(original), from, to, 1)
		if from != "" && text == string(original) {
			t.Fatalf("the chapter lacks %q", from)
		}
		if err := os.WriteFile(filepath.Join(texts, name+".md"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(program, append([]string{"chapters", "-from", texts, "-o", notebooks}, flags...)...).CombinedOutput()
		return string(out), err
	}
	out, err := chapters("", "")
	if err != nil || !strings.Contains(out, " MB  ok\n") {
		t.Fatalf("chapters: %v\n%s", err, out)
	}
	made, err := os.ReadFile(filepath.Join(notebooks, name+".ipynb"))
	if err != nil || !strings.Contains(string(made), "✗ Exercise 1") || strings.Contains(string(made), "✓") {
		t.Errorf("the notebook has not its own cells and no others (%v):\n%s", err, made)
	}
	site := filepath.Join(t.TempDir(), "site")
	if out, err := chapters("", "", "-check", "-html", site); err != nil {
		t.Errorf("chapters -check -html: %v\n%s", err, out)
	}
	for file, wants := range map[string][]string{
		"index.html":        {`<a href="90-small.html">A quadratic`, "How far gradient descent", "1 min, 100 MB", `href="glossary.html"`},
		"90-small.html":     {"0.366, that is", "<summary>Solution</summary>", `src="static/mathjax.js"`, `class="cell exercise"`, "✗ Exercise 1"},
		"glossary.html":     {`<a href="90-small.html">chapter 90</a>`},
		"static/mathjax.js": {"MathJax"},
		"static/style.css":  {"prefers-color-scheme: dark"},
		"static/vega5.js":   {"vega"},
	} {
		page, err := os.ReadFile(filepath.Join(site, file))
		for _, want := range append(wants, "") {
			if err != nil || !strings.Contains(string(page), want) || strings.HasSuffix(file, ".html") && strings.Contains(string(page), "<!--") {
				t.Errorf("%s: %v, want %q and no comment in\n%s", file, err, want, page)
			}
		}
	}
	if out, err := chapters(" 0.366<!--", " 0.5<!--", "-check"); err == nil {
		t.Errorf("chapters -check does not find a number that was changed:\n%s", out)
	}
	for _, c := range []struct{ from, to, want string }{
		{" 0.366<!--", " 0.5<!--", name + ".md:37: the text says 0.5"},
		{"return math.Hypot(x[0], x[1])", "return math.Hypot(x[0])", "not enough arguments"},
		{"rate := 0.01\nlesson", "rate := 0.03\nlesson", name + ".md:51: the solution of exercise 1 is found wrong: ✗ Exercise 1: The steepest"},
		{"rate := 0.01\nlesson.Check(\"1\")", "rate := 0.01\nnone(rate)", "solution 1, line 2 (line 52 of the file)"},
		{"rate := 0.01\nlesson.Check(\"1\").Hint(rate >= 2/100.0, \"The steepest direction grows.\").Right(\"up to 2/λ₁.\")", "fmt.Println(1)", "printed no line that begins with ✓"},
	} {
		if out, err := chapters(c.from, c.to); err == nil || !strings.Contains(out, c.want) || !strings.Contains(out, "1 of 1 chapters failed") {
			t.Errorf("%q for %q: %v, want %q in\n%s", c.to, c.from, err, c.want, out)
		}
	}
}

// GoNB takes the later of two declarations, also of one in a group, and of constants if it sees the whole group.
func TestRunGivesParameters(t *testing.T) {
	e2e(t, "1")
	program, _ := build(t)
	dir := t.TempDir()
	text := "```go parameters\nvar rate = 0.1\n\nvar (\n\tname, steps = \"Adam\", 3\n\twait = time.Second\n)\n\n" +
		"const (\n\tfirst = 1\n\tmargin = 0.5\n\tlast = \"end\"\n)\n\nconst alone = true\n```\n\n" +
		"```go\n%%\nfmt.Printf(\"%T %v, %v %v %v, %v %v %v %v\\n\", rate, rate, name, steps, wait, first, margin/2, last, alone)\n```\n"
	for _, name := range []string{"a.md", "b.md"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run := func(want string, args ...string) {
		t.Helper()
		cmd := exec.Command(program, append([]string{"run"}, args...)...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if files := strings.Count(strings.Join(args, " "), ".md"); err != nil || strings.Count(string(out), "    "+want+"\n") != max(files, 1) {
			t.Errorf("run %q: %v, want %s\n%s", args, err, want, out)
		}
	}
	run("float64 0.1, Adam 3 1s, 1 0.25 end true", "a.md")
	run("float64 5, Adam 3 1s, 1 0.25 end true", "a.md", "-p", "rate=5", "b.md")
	run("float64 5, L-BFGS 3 1s, 1 0.25 end true", "b.ipynb", "-p", "name=L-BFGS", "-p", "rate=5") // in place of what was put in
	run("float64 5, L-BFGS 3 1s, 1 0.25 end true", "b.ipynb")
	run("float64 0.1, Adam 9 1m0s, 7 1 end true", "-p", "steps=9", "-p", "wait=time.Minute", "-p", "margin=2", "-p", "first=7", "a.md")
	run("float64 0.1, Adam 3 1s, 1 0.25 ! false", "-p", "last=!", "-p", "alone=false", "a.md")
	written, err := os.ReadFile(filepath.Join(dir, "b.ipynb"))
	if err != nil || strings.Count(string(written), `"injected-parameters"`) != 2 || !strings.Contains(string(written), `"parameters"`) {
		t.Errorf("the notebook (%v) should have one cell with the parameters given, by its tag and by its id:\n%s", err, written)
	}
}

// papermill executes notebooks as they are, and with our plug-in gives them parameters. Needs Python's registry.
func TestPapermill(t *testing.T) {
	e2e(t, "1")
	program, p := build(t)
	venv, dir := filepath.Join(t.TempDir(), "venv"), t.TempDir()
	plugin := filepath.Join(dir, "plug-in") // installing leaves files beside the source
	if err := os.CopyFS(plugin, os.DirFS("papermill")); err != nil {
		t.Fatal(err)
	}
	env := p.JupyterEnv(os.Environ())
	call := func(name string, args ...string) (string, error) {
		cmd := exec.Command(name, args...)
		cmd.Dir, cmd.Env = dir, env
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	must := func(out string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	must(call("python3", "-m", "venv", venv))
	must(call(filepath.Join(venv, "bin", "pip"), "install", "-q", "papermill==2.7.0"))
	text := "```go parameters\nvar rate = 0.1\nconst (\n\tname = \"Adam\"\n\tsteps = 3\n)\n```\n```go\n%%\nfmt.Printf(\"%T %v %v %v\\n\", rate, rate, name, steps)\n```\n"
	if err := os.WriteFile(filepath.Join(dir, "a.md"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	must(call(program, "run", "a.md"))
	papermill := func(want string, args ...string) {
		t.Helper()
		out, err := call(filepath.Join(venv, "bin", "papermill"), append(args, "--no-progress-bar", "a.ipynb", "out.ipynb")...)
		written, _ := os.ReadFile(filepath.Join(dir, "out.ipynb"))
		if err != nil || !strings.Contains(string(written), want+"\\n") {
			t.Errorf("papermill %q: %v\n%s\nThe notebook should print %s:\n%s", args, err, out, want, written)
		}
	}
	papermill("float64 0.1 Adam 3")
	must(call(filepath.Join(venv, "bin", "pip"), "install", "-q", plugin))
	papermill("float64 5 Adam 3", "-p", "rate", "5")
	papermill("float64 1e-05 né 3", "-p", "rate", "1e-5", "-p", "name", "né")
	out, err := call(filepath.Join(venv, "bin", "papermill"), "-p", "rate", "fast", "a.ipynb", "out.ipynb")
	if err == nil || !strings.Contains(out, `rate was given as "fast", expected a number of type float64`) {
		t.Errorf("a wrong value: %v\n%s", err, out)
	}
}

// What has been computed is saved when a cell takes too long, however short the limit, and when ctrl-C comes.
func TestRunSavesWhatItHas(t *testing.T) {
	e2e(t, "1")
	program, _ := build(t)
	for _, how := range []string{"timeout", "ctrl-C"} {
		dir := t.TempDir()
		chapter := filepath.Join(dir, "a.md")
		text := "```go\n%%\nfmt.Println(\"first\")\n```\n```go\n%%\nfmt.Println(\"begun\")\ntime.Sleep(time.Minute)\n```\n"
		if err := os.WriteFile(chapter, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		args := []string{"run", chapter}
		if how == "timeout" {
			// The second cell, too, takes less than this to begin on any machine; the limit is not a whole number of seconds.
			args = append(args, "-timeout", "9500ms")
		}
		cmd := exec.Command(program, args...)
		cmd.Stderr = os.Stderr
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			out.WriteString(lines.Text() + "\n")
			if how == "ctrl-C" && lines.Text() == "    begun" {
				if err := cmd.Process.Signal(os.Interrupt); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Errorf("%s: run passed\n%s", how, &out)
		}
		if how == "timeout" && !strings.Contains(out.String(), "ran longer than 9.5 s") {
			t.Errorf("run does not tell of the limit:\n%s", &out)
		}
		saved, err := os.ReadFile(filepath.Join(dir, "a.ipynb"))
		if err != nil || !strings.Contains(string(saved), `"first\n"`) || !strings.Contains(string(saved), `"begun\n"`) {
			t.Errorf("%s: the notebook lacks what was computed (%v):\n%s", how, err, saved)
		}
	}
}

// Nothing that was computed is computed again by "Run All", in the same session or after a restart, though by then the kernel knows
// the declarations of later cells: one by the name of a local variable of an earlier one, one a method of a type of that.
func TestRunAllAgainComputesNothing(t *testing.T) {
	e2e(t, "1")
	program, p := build(t)
	dir := t.TempDir()
	text := "```go\nimport \"github.com/gosciml/gosciml/sciml/keep\"\n\ntype squares struct{ Of []int }\n\n" +
		"func compute(n int) (squares, error) {\n\tvar result squares\n\tfor i := range n {\n\t\tlater := i * i\n" +
		"\t\tresult.Of = append(result.Of, later)\n\t}\n\treturn result, nil\n}\n\n" +
		"n := 5\ns, err := keep.Value(\"squares\", n, func() (squares, error) { return compute(n) })\nif err != nil {\n\tpanic(err)\n}\ns.Of\n```\n" +
		"```go\nfunc later() int { return 1 }\n\nfunc (s squares) Last() int { return s.Of[len(s.Of)-1] }\n\nfmt.Println(later())\n```\n" +
		"```go\ns, err := keep.Fetch[squares](\"squares\")\nif err != nil {\n\tpanic(err)\n}\nfmt.Println(len(s.Of) + later())\n```\n"
	chapter := filepath.Join(dir, "a.md")
	if err := os.WriteFile(chapter, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	env := append(p.JupyterEnv(os.Environ()), "GOSCIML_KEEP_DIR="+filepath.Join(dir, "first"))
	run := exec.Command(program, "run", chapter)
	run.Env = env
	if out, err := run.CombinedOutput(); err != nil || !strings.Contains(string(out), "    6\n") {
		t.Fatalf("run: %v\n%s", err, out)
	}
	cmd := exec.Command(install.VenvPython(p.Home), "testdata/again.py", filepath.Join(dir, "a.ipynb"), dir)
	cmd.Env = append(env, "GOSCIML_KEEP_DIR="+filepath.Join(dir, "again"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var said []string
	for line := range strings.Lines(string(out)) {
		said = append(said, strings.TrimSpace(regexp.MustCompile(` \(took.*`).ReplaceAllString(line, "")))
	}
	want := []string{"first: squares: computing", "second: squares: kept", "restarted: squares: kept"}
	if strings.Join(said, "\n") != strings.Join(want, "\n") {
		t.Errorf("keep said\n%s\nwant, each followed by times,\n%s", out, strings.Join(want, "\n"))
	}
}

func TestSecondSetupNeedsNoNetwork(t *testing.T) {
	e2e(t, "1")
	program, _ := build(t)
	for _, command := range []string{"setup", "doctor"} {
		cmd := exec.Command(program, command)
		cmd.Env = append(os.Environ(), "GOPROXY=off", "PIP_NO_INDEX=1", "GOSUMDB=off")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", command, err, out)
		}
		if command == "doctor" && !regexp.MustCompile(`back end: +(XLA|pure Go).*\(float64 ok\)`).Match(out) {
			t.Errorf("doctor does not tell the back end:\n%s", out)
		}
	}
}

func TestLab(t *testing.T) {
	e2e(t, "1")
	program, _ := build(t)
	for _, c := range []struct{ ip, host string }{{"127.0.0.1", "127.0.0.1"}, {"0.0.0.0", "127.0.0.1"}, {"localhost", "localhost"}, {"::1", "[::1]"}, {"::", "[::1]"}} {
		t.Run(c.ip, func(t *testing.T) { testLab(t, program, c.ip, c.host) })
	}
}

// testLab starts JupyterLab with a browser that notes what it is to open, where the first port is taken.
func testLab(t *testing.T, program, ip, host string) {
	taken, err := net.Listen("tcp", net.JoinHostPort(ip, "0"))
	if err != nil && strings.Contains(ip, ":") {
		t.Skipf("this machine has no IPv6: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := strconv.Itoa(taken.Addr().(*net.TCPAddr).Port)
	folder := t.TempDir()
	browser := filepath.Join(folder, "browser")
	if err := os.WriteFile(browser, []byte("#!/bin/sh\ncat \"${1#file://}\" > '"+browser+".part' && mv '"+browser+".part' '"+browser+".page'\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "lab", "-ip", ip, "-port", port, folder)
	cmd.Env = append(os.Environ(), "BROWSER="+browser+" %s")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill() }()
	var base, token string
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		if m := regexp.MustCompile(`^(http://\S+:\d+)/lab\?token=([0-9a-f]{48})$`).FindStringSubmatch(lines.Text()); m != nil {
			base, token = m[1], m[2]
			break
		}
	}
	if !strings.HasPrefix(base, "http://"+host+":") || strings.HasSuffix(base, ":"+port) {
		t.Fatalf("lab printed the address %q, want one of %s with a port that is free", base, host)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if page, err := os.ReadFile(browser + ".page"); err == nil {
			if !strings.Contains(string(page), base+"/lab?token="+token) {
				t.Errorf("the browser was to open\n%s\nwhich does not lead to %s", page, base)
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("no browser was opened")
		}
	}

	get := func(path, token string) (int, map[string]any) {
		resp, err := http.Get(base + path + "?token=" + token)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var content map[string]any
		_ = json.NewDecoder(resp.Body).Decode(&content)
		return resp.StatusCode, content
	}
	if status, _ := get("/api/kernelspecs", "wrong"); status != http.StatusForbidden && status != http.StatusUnauthorized {
		t.Errorf("with a wrong token the server answers %d", status)
	}
	status, specs := get("/api/kernelspecs", token)
	if status != http.StatusOK || specs["default"] != place.KernelName {
		t.Errorf("the server answers %d with kernels %v", status, specs)
	}
	resp, err := http.Post(base+"/api/kernels?token="+token, "application/json", strings.NewReader(`{"name": "gosciml"}`))
	if err != nil || resp.StatusCode != http.StatusCreated {
		t.Fatalf("no kernel starts: %v, %v", resp, err)
	}
	resp.Body.Close()

	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("after an interrupt lab ended with %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("lab does not stop")
	}
	if conn, err := net.DialTimeout("tcp", strings.TrimPrefix(base, "http://"), time.Second); err == nil {
		conn.Close()
		t.Error("the server outlived lab")
	}
}

// TestFreshUser goes the way of a newcomer: an empty home directory, empty caches, a clone, spaces in both paths.
func TestFreshUser(t *testing.T) {
	if os.Getenv("GOSCIML_E2E") != "fresh" {
		t.Skip("set GOSCIML_E2E=fresh to run this test, which downloads some 300 MB")
	}
	p, err := place.Find()
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	home, clone := filepath.Join(root, "a home"), filepath.Join(root, "a clone")
	if err := os.Mkdir(home, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("git", "clone", "-q", p.Clone, clone).CombinedOutput(); err != nil {
		t.Fatalf("git clone: %v\n%s", err, out)
	}
	var env []string
	for _, kv := range os.Environ() {
		key, _, _ := strings.Cut(kv, "=")
		switch key {
		case "HOME", "GOSCIML_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME", "GOPATH", "GOMODCACHE", "GOCACHE", "GOFLAGS":
		default:
			env = append(env, kv)
		}
	}
	// Without modcacherw the test could not remove its own module cache.
	env = append(env, "HOME="+home, "GOFLAGS=-modcacherw")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	run := func(more []string, args ...string) string {
		t.Helper()
		start := time.Now()
		cmd := exec.CommandContext(ctx, "go", append([]string{"run", "./kernel"}, args...)...)
		cmd.Dir, cmd.Env = clone, append(env, more...)
		out, err := cmd.CombinedOutput()
		t.Logf("%v: %.1f s\n%s", args, time.Since(start).Seconds(), out)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	run(nil, "setup")
	offline := []string{"GOPROXY=off", "PIP_NO_INDEX=1", "GOSUMDB=off"}
	run(offline, "doctor")
	chapter := filepath.Join(root, "first.md")
	text := "```go\nimport \"github.com/gosciml/gosciml/sciml/backend\"\n\n%%\nb, err := backend.Open()\nfmt.Println(b.Name(), err)\n```\n"
	if err := os.WriteFile(chapter, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if out := run(offline, "run", chapter); !strings.Contains(out, "<nil>") {
		t.Error("the first cell does not work without network")
	}
	run(offline, "uninstall")
	if _, err := os.Stat(filepath.Join(home, ".local", "share", "gosciml")); err == nil {
		t.Error("uninstall left the data directory")
	}
}
