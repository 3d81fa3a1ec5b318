//go:build unix

package supervise

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

func TestProgramMemory(t *testing.T) {
	all := []process{
		{pid: 10, parent: 1, name: "python3", memory: 1 << 30},
		{pid: 11, parent: 10, name: "gosciml-kernel", memory: 1 << 30},
		{pid: 12, parent: 11, name: "gonb", memory: 1 << 30},
		{pid: 13, parent: 12, name: "go", memory: 1 << 30}, {pid: 14, parent: 13, name: "link", memory: 1 << 30},
		{pid: 15, parent: 12, name: "gopls", memory: 1 << 30},
		{pid: 16, parent: 12, name: "main", memory: 5}, {pid: 17, parent: 16, name: "worker", memory: 7}, {pid: 18, parent: 17, name: "go", memory: 11},
		{pid: 20, parent: 1, name: "gonb", memory: 1 << 30}, {pid: 21, parent: 20, name: "main", memory: 1 << 30},
	}
	if got := programMemory(all, 10); got != 5+7+11 {
		t.Errorf("the programs have %d bytes, want those of main and of what it started, %d", got, 5+7+11)
	}
}

// The table of processes has this one, with about the memory that it uses.
func TestProcessesHaveTheirMemory(t *testing.T) {
	held := make([]byte, 64<<20)
	for i := range held {
		held[i] = 1
	}
	for _, p := range processes() {
		if p.pid == os.Getpid() {
			if p.memory < uint64(len(held)) || p.memory > 8<<30 || p.parent != os.Getppid() {
				t.Errorf("this process is %+v in the table, and holds %d bytes more than others", p, len(held))
			}
			held[0] = 2
			return
		}
	}
	t.Error("this process is not in the table")
}

// A program below a process by the name of gonb is seen while it runs.
func TestPeakMemory(t *testing.T) {
	dir := t.TempDir()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip(err)
	}
	if err := os.Symlink(shell, dir+"/gonb"); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(dir+"/gonb", "-c", "sleep 60; true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	stop := make(chan struct{})
	seen := make(chan uint64)
	go func() { seen <- PeakMemory(os.Getpid(), stop) }()
	for deadline := time.Now().Add(20 * time.Second); programMemory(processes(), os.Getpid()) == 0; {
		if time.Now().After(deadline) {
			t.Fatal("the program was not seen within 20 s")
		}
		time.Sleep(10 * time.Millisecond)
	}
	time.Sleep(300 * time.Millisecond)
	close(stop)
	if peak := <-seen; peak == 0 {
		t.Error("the program's memory was not seen")
	}
	for _, p := range processes() {
		if p.parent == cmd.Process.Pid {
			_ = syscall.Kill(p.pid, syscall.SIGKILL)
		}
	}
}
