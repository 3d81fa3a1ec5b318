package programs

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func newCache(t *testing.T, folders ...string) *Cache {
	t.Helper()
	c, err := New(folders, Most, "plug-in", "flags")
	if err != nil {
		t.Skip(err)
	}
	return c
}

// TestKey: everything that code depends on is in the name, and parts cannot run into each other.
func TestKey(t *testing.T) {
	c := newCache(t, t.TempDir())
	other, err := New(nil, Most, "another plug-in", "flags")
	if err != nil {
		t.Fatal(err)
	}
	flags, err := New(nil, Most, "plug-in", "other flags")
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]string{}
	for name, key := range map[string]string{
		"as it is": c.key([]byte("mlir"), []byte("program"), []byte("options")), "program": c.key([]byte("mlir"), []byte("Program"), []byte("options")),
		"options": c.key([]byte("mlir"), []byte("program"), []byte("Options")), "border": c.key([]byte("mlir"), []byte("programo"), []byte("ptions")),
		"plug-in": other.key([]byte("mlir"), []byte("program"), []byte("options")), "flags": flags.key([]byte("mlir"), []byte("program"), []byte("options")),
	} {
		if keys[key] != "" {
			t.Errorf("%s and %s have one name", name, keys[key])
		}
		keys[key] = name
	}
	if again := newCache(t).key([]byte("mlir"), []byte("program"), []byte("options")); keys[again] != "as it is" {
		t.Error("another cache gives another name")
	}
}

// TestDamage: what is damaged, cut, empty or something else is removed, and not used.
func TestDamage(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "new", "programs")
	c := newCache(t, folder)
	body := bytes.Repeat([]byte("code"), 1000)
	c.write("a", body)
	path := filepath.Join(folder, "a"+suffix)
	good, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(c.read("a"), body) {
		t.Fatalf("what was written is not there: %v", err)
	}
	for what, data := range map[string][]byte{
		"damaged": append(bytes.Clone(good[:len(good)-1]), 'x'), "cut": good[:len(good)-1], "short": good[:20], "empty": {}, "foreign": []byte("something else altogether, and long enough to be one, if only it began as one"),
	} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if c.read("a") != nil {
			t.Errorf("%s: it is used", what)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s: it stays", what)
		}
	}
	c.write("b", []byte("another program"))
	if err := os.Rename(filepath.Join(folder, "b"+suffix), path); err != nil {
		t.Fatal(err)
	}
	if c.read("a") != nil {
		t.Error("another program is used under this one's name")
	}
	c.write("a", body)
	c.drop("a")
	if c.read("a") != nil {
		t.Error("what was dropped is there")
	}
}

// TestTrust: what others can write to is not run.
func TestTrust(t *testing.T) {
	folder := t.TempDir()
	c := newCache(t, folder)
	c.write("a", []byte("code"))
	path := filepath.Join(folder, "a"+suffix)
	for _, what := range []string{path, folder} {
		before, err := os.Stat(what)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(what, before.Mode().Perm()|0o020); err != nil {
			t.Fatal(err)
		}
		if c.read("a") != nil {
			t.Errorf("%s can be written to by a group, and is used", what)
		}
		if err := os.Chmod(what, before.Mode().Perm()); err != nil {
			t.Fatal(err)
		}
	}
	if c.read("a") == nil {
		t.Error("it is gone")
	}
}

// TestBound: those that were not used for longest go, until there is room.
func TestBound(t *testing.T) {
	folder := t.TempDir()
	c := newCache(t, folder)
	for i := range 10 {
		key := fmt.Sprint(i)
		c.write(key, make([]byte, 1000))
		at := time.Now().Add(time.Duration(i-100) * time.Hour)
		if err := os.Chtimes(filepath.Join(folder, key+suffix), at, at); err != nil {
			t.Fatal(err)
		}
	}
	if c.read("0") == nil { // by which it is used last
		t.Fatal("the first is not there")
	}
	if err := Bound(folder, 6000); err != nil {
		t.Fatal(err)
	}
	left := ""
	for i := range 10 {
		if c.read(fmt.Sprint(i)) != nil {
			left += fmt.Sprint(i)
		}
	}
	if left != "06789" {
		t.Errorf("%s are left, want 0 and the last four", left)
	}
	c.most = 3000
	c.write("large", make([]byte, 1000))
	if c.read("large") != nil {
		t.Error("one that is more than a quarter of all was kept")
	}
	c.write("small", make([]byte, 500))
	if n, size, err := Size(folder); err != nil || size > 3000 || n == 0 || c.read("small") == nil {
		t.Errorf("%d programs of %d bytes, %v, after a write", n, size, err)
	}
}

// TestUnwritable: where nothing can be written nothing fails, and what is elsewhere is read.
func TestUnwritable(t *testing.T) {
	other := t.TempDir()
	newCache(t, other).write("a", []byte("code"))
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := newCache(t, filepath.Join(file, "programs"), other)
	c.write("b", []byte("code"))
	if !c.full || c.read("b") != nil || string(c.read("a")) != "code" {
		t.Errorf("full %v, b %q, a %q", c.full, c.read("b"), c.read("a"))
	}
	if n, size, err := Size(filepath.Join(other, "none")); n != 0 || size != 0 || err != nil {
		t.Errorf("a folder that is not there has %d programs of %d bytes, %v", n, size, err)
	}
}

// TestProcesses: many that write and read the same programs at once find whole ones or none.
func TestProcesses(t *testing.T) {
	if folder := os.Getenv("PROGRAMS_FOLDER"); folder != "" {
		c := newCache(t, folder)
		c.most = 100_000
		for i := range 200 {
			key := fmt.Sprint(i % 7)
			if body := c.read(key); body != nil && (len(body) != 10_000 || string(body) != strings.Repeat(key, 10_000)) {
				t.Fatalf("program %s is not whole", key)
			}
			c.write(key, bytes.Repeat([]byte(key), 10_000))
		}
		return
	}
	folder := t.TempDir()
	var all []*exec.Cmd
	for range 4 {
		cmd := exec.Command(os.Args[0], "-test.run=TestProcesses")
		cmd.Env = append(os.Environ(), "PROGRAMS_FOLDER="+folder)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		all = append(all, cmd)
	}
	for _, cmd := range all {
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	}
	if _, size, err := Size(folder); err != nil || size > 110_000 {
		t.Errorf("%d bytes are left, %v", size, err)
	}
}

func TestNameOf(t *testing.T) {
	for code, want := range map[string]string{"module @\"trial step#0\" {": "trial step#0", "module @main attributes {": "main", "ML\xefR bytes": "", "": ""} {
		if got := nameOf([]byte(code)); got != want {
			t.Errorf("%q is called %q, want %q", code, got, want)
		}
	}
}
