package keep

import (
	"bytes"
	"errors"
	"math"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func addressOf(f any) uintptr { return reflect.ValueOf(f).Pointer() }

type solution struct {
	Theta []float64
	Names map[string]int
	Made  time.Time
	Exact *big.Float
}

type options struct {
	Steps int
	Rate  float64
	tags  map[string][]int
}

// fresh gives a test a folder of its own and returns what Value logs.
func fresh(t *testing.T) (dir string, log *bytes.Buffer) {
	t.Helper()
	dir = t.TempDir()
	t.Setenv("GOSCIML_KEEP_DIR", dir)
	log = &bytes.Buffer{}
	before := Log
	Log = log
	t.Cleanup(func() { Log = before })
	return dir, log
}

func TestValueIsMadeOnce(t *testing.T) {
	_, log := fresh(t)
	made := 0
	get := func(steps int) solution {
		t.Helper()
		v, err := Value("poisson", options{Steps: steps, Rate: math.NaN(), tags: map[string][]int{"b": {1}, "a": nil}}, func() (solution, error) {
			made++
			return solution{[]float64{math.NaN(), math.Inf(-1), 3}, map[string]int{"x": 1}, time.Unix(7, 0), big.NewFloat(0.5)}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	get(10)
	v := get(10)
	if made != 1 {
		t.Fatalf("made %d times, want once; log:\n%s", made, log)
	}
	if !math.IsNaN(v.Theta[0]) || !math.IsInf(v.Theta[1], -1) || v.Theta[2] != 3 || v.Names["x"] != 1 || !v.Made.Equal(time.Unix(7, 0)) || v.Exact.Cmp(big.NewFloat(0.5)) != 0 {
		t.Errorf("the kept value is %+v", v)
	}
	get(20)
	if made != 2 || !strings.Contains(log.String(), "Steps = 10, now Steps = 20") {
		t.Errorf("made %d times, want twice; log:\n%s", made, log)
	}
	f, err := Fetch[solution]("poisson")
	if err != nil || f.Theta[2] != 3 {
		t.Errorf("Fetch: %+v, %v", f, err)
	}
	if list, err := List(); err != nil || len(list) != 1 || list[0].Name != "poisson" || list[0].Size == 0 {
		t.Errorf("List: %+v, %v", list, err)
	}
	if err := Forget("poisson"); err != nil {
		t.Error(err)
	}
	if err := Forget("poisson"); err != nil {
		t.Error(err)
	}
	if get(20); made != 3 {
		t.Errorf("after Forget: made %d times, want 3", made)
	}
}

func TestFetchSaysWhatIsWrong(t *testing.T) {
	dir, _ := fresh(t)
	want := func(err error, parts ...string) {
		t.Helper()
		for _, part := range parts {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("error %v, want one that contains %q", err, part)
			}
		}
	}
	_, err := Fetch[int]("a")
	want(err, `nothing is kept as "a"`, "nothing at all", `keep.Value("a", …)`)
	if _, err := Value("b", nil, func() (int, error) { return 3, nil }); err != nil {
		t.Fatal(err)
	}
	_, err = Fetch[int]("a")
	want(err, `kept there: "b"`)
	_, err = Fetch[float64]("b")
	want(err, "was kept as int", "asked for as float64")

	path, err := pathOf("b")
	if err != nil || filepath.Dir(path) != dir {
		t.Fatal(path, err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged := append([]byte{}, good...)
	damaged[len(damaged)-40] ^= 1
	for name, data := range map[string][]byte{"truncated": good[:len(good)-3], "damaged": damaged, "empty": {}, "foreign": []byte("something else entirely"), "cut in the header": good[:len(magic)+20]} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err = Fetch[int]("b")
		want(err, path, "run the cell")
		again := false
		v, err := Value("b", nil, func() (int, error) { again = true; return 4, nil })
		if err != nil || v != 4 || !again {
			t.Errorf("%s: Value gave %d, %v; made again: %t", name, v, err, again)
		}
	}
}

func TestErrorsOfMakeKeepNothing(t *testing.T) {
	fresh(t)
	broken := errors.New("broken")
	v, err := Value("v", nil, func() (int, error) { return 5, broken })
	if v != 5 || err != broken {
		t.Errorf("got %d, %v; want the value and the error of make", v, err)
	}
	if list, _ := List(); len(list) != 0 {
		t.Errorf("kept %+v", list)
	}
}

func TestWhatCannotBeKeptIsRefusedBeforeItIsMade(t *testing.T) {
	fresh(t)
	check := func(err error, want string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one that contains %q", err, want)
		}
	}
	type lossy struct {
		Good int
		lost float64
	}
	_, err := Value("v", nil, func() (lossy, error) { t.Error("made"); return lossy{1, 2}, nil })
	check(err, "field lost of keep.lossy is unexported")
	_, err = Value("v", nil, func() ([]func(), error) { t.Error("made"); return nil, nil })
	check(err, "cannot be written to a file")
	_, err = Value("v", struct{ U func() }{func() {}}, func() (int, error) { t.Error("made"); return 0, nil })
	check(err, "options.U is a func")
	type loop struct{ next *loop }
	ring := &loop{}
	ring.next = ring
	_, err = Value("v", ring, func() (int, error) { t.Error("made"); return 0, nil })
	check(err, "lead back to itself")
	_, err = Value("", nil, func() (int, error) { t.Error("made"); return 0, nil })
	check(err, "name is empty")
}

func TestValueSurvivesAFolderThatCannotBeWritten(t *testing.T) {
	dir, _ := fresh(t)
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOSCIML_KEEP_DIR", filepath.Join(file, "below"))
	v, err := Value("v", nil, func() (int, error) { return 6, nil })
	if v != 6 || err != nil {
		t.Errorf("got %d, %v; want the computed value", v, err)
	}
}

// TestSavable: that a value cannot be kept is known before it is computed; what an earlier version left when it was killed goes.
func TestSavable(t *testing.T) {
	dir, _ := fresh(t)
	left, path := filepath.Join(dir, ".new-123"), filepath.Join(dir, "v"+suffix)
	for _, name := range []string{left, path} {
		if err := os.WriteFile(name, []byte("old"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := savable(filepath.Join(path, "below")); err == nil {
		t.Error("below a file a value could be kept")
	}
	if err := savable(path); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(left); err == nil {
		t.Error("what was left is still there")
	}
	if old, err := os.ReadFile(path); err != nil || string(old) != "old" {
		t.Errorf("the value of before is %q (%v)", old, err)
	}
}

func TestScopeIsTheNotebook(t *testing.T) {
	t.Setenv("GOSCIML_KEEP_DIR", "")
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv("HOME", t.TempDir())
	places := map[string]bool{}
	for _, notebook := range []string{"/a/01 first.ipynb", "/b/01 first.ipynb", ""} {
		t.Setenv("JPY_SESSION_NAME", notebook)
		dir, err := directory()
		if err != nil {
			t.Fatal(err)
		}
		places[dir] = true
		if notebook != "" && !strings.Contains(filepath.Base(dir), "01_first.ipynb") {
			t.Errorf("the folder of %s is %s", notebook, dir)
		}
	}
	if len(places) != 3 {
		t.Errorf("three scopes share folders: %v", places)
	}
}

// TestRealProgram builds and runs programs, so that the source is found by the
// path that the compiler recorded.
func TestRealProgram(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("no go command: programs cannot be built")
	}
	keepDir := t.TempDir()
	// Below this package, so that its module and go.sum serve; the underscore
	// hides it from ./... patterns.
	dir, err := os.MkdirTemp(".", "_run")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	const program = `package main

import (
	"fmt"

	"github.com/gosciml/gosciml/sciml/keep"
)

const rate = 2

func scale() int { return rate }

func train(n int) int { return scale() * n }

func main() {
	v, err := keep.Value("v", 3, func() (int, error) { return train(3), nil })
	fmt.Println(v, err)
}
`
	run := func(source string) string {
		t.Helper()
		write(t, dir, map[string]string{"main.go": source})
		cmd := exec.Command("go", "run", "./"+filepath.Base(dir))
		cmd.Env = append(os.Environ(), "GOSCIML_KEEP_DIR="+keepDir)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	expect := func(out string, parts ...string) {
		t.Helper()
		for _, part := range parts {
			if !strings.Contains(out, part) {
				t.Errorf("printed %q, want %q in it", out, part)
			}
		}
	}
	expect(run(program), "v: computing\n", "6 <nil>")
	expect(run(strings.Replace(program, "func main", "// A comment.\nfunc main", 1)), "v: kept", "6 <nil>")
	changed := strings.Replace(program, "rate = 2", "rate = 5", 1)
	expect(run(strings.Replace(changed, `keep.Value("v", 3, func() (int, error) { return train(3), nil })`, `keep.Fetch[int]("v")`, 1)+"\nvar _ = train\n"),
		`const rate has changed since "v" was made`)
	expect(run(changed), "const rate changed: computing again", "15 <nil>")
}

// selfEncoded encodes itself, by a method of its pointer, as sciml.Solution does.
type selfEncoded struct{ loss float64 }

func (s *selfEncoded) GobEncode() ([]byte, error) {
	return (&big.Float{}).SetFloat64(s.loss).GobEncode()
}

func (s *selfEncoded) GobDecode(data []byte) error {
	var f big.Float
	err := f.GobDecode(data)
	s.loss, _ = f.Float64()
	return err
}

func TestPointerThatEncodesItself(t *testing.T) {
	fresh(t)
	for range 2 {
		v, err := Value("pointer", nil, func() (*selfEncoded, error) { return &selfEncoded{0.25}, nil })
		if err != nil || v.loss != 0.25 {
			t.Fatalf("Value = %+v, %v, want a loss of 0.25", v, err)
		}
	}
	if v, err := Fetch[*selfEncoded]("pointer"); err != nil || v.loss != 0.25 {
		t.Fatalf("Fetch = %+v, %v, want a loss of 0.25", v, err)
	}
}

func TestZeroSurvives(t *testing.T) {
	fresh(t)
	if _, err := Value("zero", nil, func() (int, error) { return 0, nil }); err != nil {
		t.Fatal(err)
	}
	if v, err := Fetch[int]("zero"); err != nil || v != 0 {
		t.Fatalf("Fetch = %v, %v, want 0", v, err)
	}
}
