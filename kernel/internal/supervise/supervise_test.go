//go:build unix

package supervise

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// TestMain lets the test program play the warden, as the kernel's own program does.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "warden" {
		if err := Warden(os.Args[2:]); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestSweepRemovesOnlyWhatIsDead(t *testing.T) {
	root := t.TempDir()
	make := func(name, owner string) string {
		dir := filepath.Join(root, name)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if owner != "" {
			if err := os.WriteFile(filepath.Join(dir, ownerFile), []byte(owner), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return dir
	}
	gone := exec.Command("true")
	if err := gone.Run(); err != nil {
		t.Skip(err)
	}
	dead := make(tmpPrefix+"1", strconv.Itoa(gone.Process.Pid))
	keep := []string{
		make(tmpPrefix+"2", strconv.Itoa(os.Getpid())),
		make(tmpPrefix+"3", ""),
		make(tmpPrefix+"4", "no number"),
		make("other", strconv.Itoa(gone.Process.Pid)),
	}
	sweep(root)
	if _, err := os.Stat(dead); err == nil {
		t.Error("the folder of a dead kernel is still there")
	}
	for _, dir := range keep {
		if _, err := os.Stat(dir); err != nil {
			t.Errorf("%s was removed", filepath.Base(dir))
		}
	}
}

// TestWardenClearsUp starts what a killed kernel leaves behind: a process of its session, one that left the group but
// names the folder, and the folder.
func TestWardenClearsUp(t *testing.T) {
	tmp := filepath.Join(t.TempDir(), tmpPrefix+"x")
	if err := os.Mkdir(tmp, 0o700); err != nil {
		t.Fatal(err)
	}
	script := filepath.Join(tmp, "gopls")
	if err := os.WriteFile(script, []byte("#!/bin/sh\nsleep 60 & wait\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	start := func(attr *syscall.SysProcAttr, name string, args ...string) (*exec.Cmd, chan struct{}) {
		cmd := exec.Command(name, args...)
		cmd.SysProcAttr = attr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() { _ = cmd.Wait(); close(ended) }()
		t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
		return cmd, ended
	}
	gonb, gonbEnded := start(&syscall.SysProcAttr{Setsid: true}, "sleep", "60")
	_, goplsEnded := start(&syscall.SysProcAttr{Setpgid: true}, "/bin/sh", script)

	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	warden := exec.Command(os.Args[0], "warden", strconv.Itoa(gonb.Process.Pid), tmp)
	warden.Stdin = read
	if err := warden.Start(); err != nil {
		t.Fatal(err)
	}
	read.Close()
	select {
	case <-gonbEnded:
		t.Fatal("the warden did not wait for the end of the supervisor")
	case <-time.After(100 * time.Millisecond):
	}
	write.Close() // what the system does when the supervisor is killed
	if err := warden.Wait(); err != nil {
		t.Fatal(err)
	}
	for name, ended := range map[string]chan struct{}{"a process of the session": gonbEnded, "a process with a group of its own": goplsEnded} {
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			t.Errorf("%s is still there", name)
		}
	}
	if _, err := os.Stat(tmp); err == nil {
		t.Error("the temporary folder is still there")
	}
}

func TestOnlyFoldersOfKernelsAreRemoved(t *testing.T) {
	dir := t.TempDir()
	if err := removeTmp(dir); err == nil {
		t.Error("removed a folder that is no kernel's")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Error("the folder is gone")
	}
}
