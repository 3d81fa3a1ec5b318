//go:build unix

package place

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/gosciml/gosciml/sciml/backend"
)

func TestWritable(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	dead := filepath.Join(dir, "dead")
	if err := os.Symlink(filepath.Join(dir, "nowhere"), dead); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		dir: true, filepath.Join(dir, "new", "deep"): true,
		file: false, filepath.Join(file, "below"): false, dead: false, "": false, "relative": false,
	} {
		if got := Writable(path); got != want {
			t.Errorf("Writable(%q) = %v, want %v", path, got, want)
		}
	}
}

// settledEnv is what a child process of TestSettleAsAnotherUser prints.
const settledEnv = "GOSCIML_TEST_SETTLE"

// TestSettleAsAnotherUser settles in a data directory of this user as a user without a name or a home.
func TestSettleAsAnotherUser(t *testing.T) {
	if home := os.Getenv(settledEnv); home != "" {
		s, err := Settle(home)
		os.Stdout.WriteString(strings.Join([]string{"own=" + s.Own, "replaced=" + s.Replaced, "HOME=" + os.Getenv("HOME"), "GOSCIML_HOME=" + os.Getenv(backend.HomeEnv)}, "\n") + "\n")
		if err != nil {
			os.Stdout.WriteString("error=" + err.Error() + "\n")
		}
		os.Exit(0)
	}
	if os.Getuid() != 0 {
		t.Skip("needs root, to be another user")
	}
	open := t.TempDir()
	for dir := open; dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	exe, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(open, "settle.test")
	if err := os.WriteFile(copied, exe, 0o755); err != nil {
		t.Fatal(err)
	}
	tmp, home := filepath.Join(open, "tmp"), filepath.Join(open, "data")
	for dir, mode := range map[string]os.FileMode{tmp: 0o777, home: 0o755} {
		if err := os.Mkdir(dir, mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
	}
	settle := func(tmp string) string {
		cmd := exec.Command(copied, "-test.run=^TestSettleAsAnotherUser$")
		cmd.Dir = open
		cmd.Env = []string{settledEnv + "=" + home, "HOME=" + open, "TMPDIR=" + tmp, "XDG_CACHE_HOME=" + open}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 1234, Gid: 1234}}
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return string(out)
	}
	mine := filepath.Join(tmp, "gosciml-home-1234")
	for range 2 {
		got := settle(tmp)
		for _, want := range []string{"own=" + mine + "/.local/share/gosciml\n", "replaced=" + open + "\n", "HOME=" + mine + "\n", "GOSCIML_HOME=" + home + "\n"} {
			if !strings.Contains(got, want) {
				t.Errorf("it settled as\n%swant %q", got, want)
			}
		}
	}
	// All may write, and Jupyter's things there are another user's.
	if err := errors.Join(os.Chmod(home, 0o777), os.Mkdir(filepath.Join(home, "jupyter"), 0o777)); err != nil {
		t.Fatal(err)
	}
	if got := settle(tmp); !strings.Contains(got, "own="+mine+"/") {
		t.Errorf("among another user's things it settled as\n%s", got)
	}
	if err := errors.Join(os.Remove(filepath.Join(home, "jupyter")), os.Chmod(home, 0o755)); err != nil {
		t.Fatal(err)
	}
	if got := settle(home); !strings.Contains(got, "error=") || !strings.Contains(got, open) || !strings.Contains(got, "1234") {
		t.Errorf("without a temporary folder: %s, want an error that names the folders and the user", got)
	}
	// Somebody else was there first.
	if err := os.Chown(mine, 4321, 4321); err != nil {
		t.Fatal(err)
	}
	if got := settle(tmp); !strings.Contains(got, "error=") {
		t.Errorf("it took the folder of another user:\n%s", got)
	}
}

func TestABuildCacheOnTheGroundOfAnother(t *testing.T) {
	theirs, own := t.TempDir(), t.TempDir()
	write := func(path string) {
		if err := WriteFile(path, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(filepath.Join(theirs, "ab", "ab12-d"))
	write(filepath.Join(theirs, "ab", "ab34-d"))
	write(filepath.Join(theirs, "fuzz", "no"))
	mine := filepath.Join(own, "go-build")
	write(filepath.Join(mine, "ab", "ab99-d"))
	for range 2 {
		if err := link(theirs, mine); err != nil {
			t.Fatal(err)
		}
	}
	list := func() string {
		found, err := filepath.Glob(filepath.Join(mine, "*", "*"))
		if err != nil {
			t.Fatal(err)
		}
		return strings.ReplaceAll(strings.Join(found, " "), mine+"/", "")
	}
	if got := list(); got != "ab/ab12-d ab/ab34-d ab/ab99-d" {
		t.Errorf("the cache holds %s", got)
	}
	if err := os.Remove(filepath.Join(theirs, "ab", "ab34-d")); err != nil {
		t.Fatal(err)
	}
	if err := link(theirs, mine); err != nil {
		t.Fatal(err)
	}
	if got := list(); got != "ab/ab12-d ab/ab99-d" {
		t.Errorf("after one went, the cache holds %s", got)
	}
}
