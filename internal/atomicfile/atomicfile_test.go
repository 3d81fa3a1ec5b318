//go:build unix

package atomicfile

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// names are those of what is in a folder.
func names(t *testing.T, folder string) (all []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, e.Name())
	}
	return all
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := Write(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func holds(t *testing.T, path, want string) {
	t.Helper()
	if got, err := os.ReadFile(path); err != nil || string(got) != want {
		t.Errorf("%s holds %q (%v), want %q", path, got, err, want)
	}
}

// TestUnusable: Check and Write refuse the same paths, and leave all as it is. Permissions do not keep root out; the rest does.
func TestUnusable(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	write(t, in("file"), "good")
	write(t, in("read-only"), "good")
	write(t, in("readable"), "good")
	for _, err := range []error{
		os.Chmod(in("read-only"), 0o444), os.Mkdir(in("folder"), 0o755), syscall.Mkfifo(in("fifo"), 0o600),
		os.Symlink(in("folder"), in("to a folder")), os.Symlink("loop", in("loop")), os.Symlink(in("missing/x"), in("to nowhere")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	before := names(t, dir)
	for path, word := range map[string]string{
		"": "no name", dir + "/": "no name", in("missing/x"): "missing", in("folder"): "folder", dir: "folder", in("file/x"): "not a directory",
		in("fifo"): "no regular file", os.DevNull: "no regular file", in("read-only"): "read-only", in("to a folder"): "folder",
		in("loop"): "links", in("to nowhere"): "missing", in(strings.Repeat("x", 300)): "too long",
	} {
		for what, err := range map[string]error{"Check": Check(path), "Write": Write(path, []byte("bad"), 0o600)} {
			if err == nil || !strings.Contains(err.Error(), word) {
				t.Errorf("%s of %q: error %v, want one that mentions %q", what, path, err, word)
			}
		}
	}
	if after := names(t, dir); !slices.Equal(after, before) {
		t.Errorf("there are %q, before there were %q", after, before)
	}
	if err := Check(in("file")); err != nil {
		t.Error(err)
	}
	if err := Check(in(strings.Repeat("x", 255))); err != nil {
		t.Errorf("the longest name there may be: %v", err)
	}
	holds(t, in("file"), "good")
	holds(t, in("read-only"), "good")
}

// TestWhatStays: permissions, and symbolic links with what they lead to.
func TestWhatStays(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	if err := os.MkdirAll(in("a/b"), 0o755); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"link": "a/b/file", "a/b/twice": "../../link", "by": in("a/b"), "new": "a/fresh"} {
		if err := os.Symlink(to, in(link)); err != nil {
			t.Fatal(err)
		}
	}
	write(t, in("a/b/file"), "0")
	if err := os.Chmod(in("a/b/file"), 0o664); err != nil {
		t.Fatal(err)
	}
	for i, link := range []string{"link", "a/b/twice", "by/file", "by/twice"} {
		write(t, in(link), string(rune('1'+i)))
		holds(t, in("a/b/file"), string(rune('1'+i)))
	}
	write(t, in("new"), "fresh")
	holds(t, in("a/fresh"), "fresh")
	for _, link := range []string{"link", "a/b/twice", "by", "new"} {
		if info, err := os.Lstat(in(link)); err != nil || info.Mode().Type() != fs.ModeSymlink {
			t.Errorf("%s is no link any more: %v, %v", link, info.Mode(), err)
		}
	}
	if info, err := os.Stat(in("link")); err != nil || info.Mode().Perm() != 0o664 {
		t.Errorf("the permissions are %v (%v), want those of before", info.Mode(), err)
	}
	if got := names(t, in("a/b")); !slices.Equal(got, []string{"file", "twice"}) {
		t.Errorf("beside the file there are %q", got)
	}
}

// inChild has a process that TestKilled starts write a file, in the folder that it names, until it is killed.
const inChild = "ATOMICFILE_TEST_FOLDER"

// TestKilled: the next writer removes what a killed one has left, but not what a living one is writing.
func TestKilled(t *testing.T) {
	big := bytes.Repeat([]byte("x"), 1<<20)
	if dir := os.Getenv(inChild); dir != "" {
		for {
			_ = Write(filepath.Join(dir, "file"), big, 0o600)
		}
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	var child *exec.Cmd
	left := func() bool {
		return slices.ContainsFunc(names(t, dir), func(n string) bool { return strings.HasPrefix(n, ".file.") })
	}
	for range 200 { // until one is killed between the beginning and the end of writing
		child = exec.Command(os.Args[0], "-test.run=^TestKilled$")
		child.Env = append(os.Environ(), inChild+"="+dir)
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		for !left() {
		}
		_ = child.Process.Kill()
		_ = child.Wait()
		if left() {
			break
		}
	}
	if !left() {
		t.Fatal("no process was killed at the right time")
	}
	if info, err := os.Stat(path); err == nil && info.Size() != int64(len(big)) {
		t.Errorf("the file has %d bytes", info.Size())
	}
	living, err := create(filepath.Join(dir, prefix(path)), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	others := []string{".file.", ".file.1x", ".file", ".other.1", "file.1"}
	for _, name := range others {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(t, path, "next")
	holds(t, path, "next")
	want := append(slices.Clone(others), "file", filepath.Base(living.Name()))
	slices.Sort(want)
	if got := names(t, dir); !slices.Equal(got, want) {
		t.Errorf("there are %q, want %q", got, want)
	}
	living.Close() // as its process would at its end
	if err := Check(path); err != nil {
		t.Fatal(err)
	}
	if slices.Contains(names(t, dir), filepath.Base(living.Name())) {
		t.Error("what the other writer had left is still there")
	}
}
