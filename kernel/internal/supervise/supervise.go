//go:build unix

// Package supervise runs GoNB for Jupyter and sees to it that nothing of it outlives the session: gopls, the program
// of a cell, temporary folders. Three processes work together. The supervisor is the one Jupyter knows; it speaks Jupyter's
// protocol (package front), starts GoNB in a session of its own and ends it when Jupyter goes away. The warden does nothing but wait for the end
// of the supervisor, however that comes, and then clears up: a killed supervisor could not.
package supervise

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gosciml/gosciml/kernel/internal/failure"
	"github.com/gosciml/gosciml/kernel/internal/front"
	"github.com/gosciml/gosciml/kernel/internal/notebook"
	"github.com/gosciml/gosciml/kernel/internal/place"
	"github.com/gosciml/gosciml/sciml/backend"
)

// tmpPrefix begins the name of a kernel's temporary folder. It is short because gopls puts a socket below it, and
// the path of a socket may have 104 bytes.
const tmpPrefix = "gosciml-"

// ownerFile names the process a temporary folder belongs to.
const ownerFile = "owner"

// grace is what GoNB gets to end in an orderly way.
const grace = 3 * time.Second

// Kernel runs GoNB on a connection file until Jupyter ends the session, and returns its exit status.
func Kernel(connection string) (int, error) {
	config, err := place.LoadBeside()
	if err != nil {
		return 1, err
	}
	// The report must see the data directory of this kernel, also when a server was started without the variable; and
	// the server may belong to another user than the set-up.
	settled, err := place.Settle(config.Home)
	if err != nil {
		return 1, err
	}
	if err := config.Usable(); err != nil {
		return 1, err
	}
	if err := config.UseBuildCache(settled.Own); err != nil {
		return 1, err
	}
	tmp, err := TempDir()
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(tmp)

	f, err := openFront(connection, tmp, config)
	if err != nil {
		return 1, err
	}
	defer f.Close()

	// What klog prints for GoNB's developers would end up in the server's terminal and in files.
	args := []string{"-kernel", f.GoNBConnection(), "-go_work", config.Clone, "-raw_error",
		"-logtostderr=false", "-alsologtostderr=false", "-stderrthreshold=FATAL", "-log_file=" + os.DevNull}
	gonb := exec.Command(filepath.Join(config.Tools, "gonb"), args...)
	gonb.Env = config.KernelEnv(os.Environ(), tmp, backend.Inspect().GoMLXConfig())
	gonb.Stdout, gonb.Stderr = os.Stdout, os.Stderr
	gonb.SysProcAttr = &syscall.SysProcAttr{Setsid: true}

	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	parent := os.Getppid()
	if err := gonb.Start(); err != nil {
		return 1, fmt.Errorf("GoNB does not start: %w; run `go run ./kernel setup` in your clone of gosciml", err)
	}
	group := gonb.Process.Pid
	defer killAll(group, tmp)
	if err := startWarden(group, tmp); err != nil {
		return 1, err
	}

	ended := make(chan error, 1)
	go func() { ended <- gonb.Wait() }()
	served, finished := make(chan error, 1), make(chan struct{})
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		served <- f.Serve(ctx, running{gonb.Process}, sync.OnceFunc(func() { close(finished) }))
	}()
	orphaned := time.NewTicker(time.Second)
	defer orphaned.Stop()
	var deadline <-chan time.Time
	stop := func() {
		if deadline == nil {
			_ = gonb.Process.Signal(syscall.SIGTERM)
			deadline = time.After(grace)
		}
	}
	for {
		select {
		case err := <-ended:
			var exit *exec.ExitError
			if errors.As(err, &exit) {
				return max(exit.ExitCode(), 1), nil
			}
			return 0, err
		case err := <-served:
			if err != nil {
				return 1, err
			}
		case <-finished:
			finished = nil
			stop()
		case s := <-signals:
			if s == syscall.SIGINT {
				f.Interrupt()
			} else {
				stop()
			}
		case <-orphaned.C:
			if os.Getppid() != parent {
				stop()
			}
		case <-deadline:
			killAll(group, tmp)
		}
	}
}

// openFront binds Jupyter's sockets.
func openFront(connection, tmp string, config place.Config) (*front.Front, error) {
	language, err := notebook.GoOf(config.Clone)
	if err != nil {
		return nil, fmt.Errorf("the clone that this kernel was set up in is not there any more: %w", err)
	}
	gomod, err := os.ReadFile(filepath.Join(config.Clone, "go.mod"))
	if err != nil {
		return nil, err
	}
	version := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = info.Main.Version
	}
	return front.Listen(front.Config{Connection: connection, Dir: tmp, Version: version, Language: language,
		Modules: failure.Modules(string(gomod))})
}

// TempDir makes a temporary folder of this process, which removes it in the end, and removes those of processes that are no more.
func TempDir() (string, error) {
	sweep(os.TempDir())
	tmp, err := os.MkdirTemp("", tmpPrefix)
	if err != nil {
		return "", fmt.Errorf("cannot make a temporary folder: %w", err)
	}
	if err := os.WriteFile(filepath.Join(tmp, ownerFile), []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		_ = os.RemoveAll(tmp)
		return "", err
	}
	return tmp, nil
}

// startWarden starts the warden in a session of its own, out of reach of signals to the supervisor's group. It holds
// the reading end of a pipe whose writing end only the supervisor has, so it sees the end of the supervisor.
func startWarden(group int, tmp string) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	warden := exec.Command(exe, "warden", strconv.Itoa(group), tmp)
	warden.Stdin = read
	warden.Dir = "/"
	warden.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := warden.Start(); err != nil {
		write.Close()
		return fmt.Errorf("cannot watch over the kernel: %w", err)
	}
	go func() {
		_ = warden.Wait()
		write.Close() // also keeps the writing end reachable, hence open, until then
	}()
	return nil
}

// Warden waits for the end of standard input, then kills the process group and removes the temporary folder.
func Warden(args []string) error {
	if len(args) != 2 {
		return errors.New("warden is started by the kernel, not by hand")
	}
	group, err := strconv.Atoi(args[0])
	if err != nil || group <= 1 {
		return fmt.Errorf("warden: %q is not a process group", args[0])
	}
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	_, _ = io.Copy(io.Discard, os.Stdin)
	killAll(group, args[1])
	// Processes that are being killed may still write: try again for a moment.
	for range 20 {
		if err := removeTmp(args[1]); err == nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	return nil
}

// killAll ends GoNB's process group and whatever else of the kernel is left.
func killAll(group int, tmp string) {
	_ = syscall.Kill(-group, syscall.SIGKILL)
	for _, pid := range leftovers(group, tmp) {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// removeTmp removes a temporary folder of a kernel, and refuses anything else.
func removeTmp(dir string) error {
	if !strings.HasPrefix(filepath.Base(dir), tmpPrefix) {
		return fmt.Errorf("%s is not a temporary folder of a kernel", dir)
	}
	return os.RemoveAll(dir)
}

// sweep removes temporary folders of kernels that are no more (the machine was switched off, say).
func sweep(root string) {
	owners, err := filepath.Glob(filepath.Join(root, tmpPrefix+"*", ownerFile))
	if err != nil {
		return
	}
	for _, file := range owners {
		data, err := os.ReadFile(file) // fails for those of other users
		if err != nil {
			continue
		}
		pid, err := strconv.Atoi(strings.TrimSpace(string(data)))
		if err != nil || pid <= 0 {
			continue
		}
		if errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) {
			_ = removeTmp(filepath.Dir(file))
		}
	}
}
