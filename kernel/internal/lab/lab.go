//go:build unix

// Package lab runs JupyterLab on this machine.
package lab

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gosciml/gosciml/kernel/internal/place"
	"github.com/gosciml/gosciml/sciml/backend/install"
)

// Options of Run.
type Options struct {
	IP      string // address to listen on
	Port    int    // first port to try
	Folder  string // with the notebooks
	Browser bool   // open one
}

// Check says in a sentence what is wrong with the address and the port, if something is.
func (o Options) Check() error {
	if o.Port < 1 || o.Port > 65535 {
		return fmt.Errorf("lab got -port %d, expected a number from 1 to 65535", o.Port)
	}
	if o.IP == "" {
		return errors.New("lab got -ip \"\", expected an address or a name of this machine, such as 127.0.0.1; 0.0.0.0 lets other machines in")
	}
	l, err := listen(o.IP, 0)
	if err == nil {
		return l.Close()
	}
	return fmt.Errorf("lab got -ip %q, expected an address or a name of this machine, which has %s: %w", o.IP, strings.Join(ownAddresses(), ", "), cause(err))
}

// cause is what the system says of a call that failed, without the call.
func cause(err error) error {
	for next := err; next != nil; next = errors.Unwrap(next) {
		err = next
	}
	return err
}

// ownAddresses are those of this machine, without the ones that mean something on one of its networks only.
func ownAddresses() (list []string) {
	all, _ := net.InterfaceAddrs()
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLinkLocalUnicast() {
			list = append(list, n.IP.String())
		}
	}
	return append(list, "localhost")
}

// listen listens as JupyterLab does, which takes an IPv6 address for IPv6 alone.
func listen(ip string, port int) (net.Listener, error) {
	network := "tcp"
	if isIPv6(ip) {
		network = "tcp6"
	}
	return net.Listen(network, net.JoinHostPort(ip, strconv.Itoa(port)))
}

func isIPv6(ip string) bool { return strings.Contains(ip, ":") }

// reachable is the host under which this machine reaches a server that listens on an address.
func reachable(ip string) string {
	switch parsed := net.ParseIP(ip); {
	case parsed == nil || !parsed.IsUnspecified():
		return ip
	case isIPv6(ip):
		return "::1"
	}
	return "127.0.0.1"
}

// startLimit is how long JupyterLab may take until it answers; a cold disk makes it slow.
const startLimit = 2 * time.Minute

// Run starts JupyterLab, prints its address with the token on a line of its own, and waits until ctx ends or
// JupyterLab does. All that it started ends with it.
func Run(ctx context.Context, p place.Place, o Options, out io.Writer) error {
	if err := o.Check(); err != nil {
		return err
	}
	folder, err := filepath.Abs(o.Folder)
	if err != nil {
		return err
	}
	secret := make([]byte, 24)
	if _, err := rand.Read(secret); err != nil {
		return err
	}
	token := hex.EncodeToString(secret)

	for port := o.Port; ; port++ {
		free, err := freePort(o.IP, port)
		if err != nil {
			return err
		}
		if free != o.Port && port == o.Port {
			fmt.Fprintf(out, "port %d is taken, using %d\n", o.Port, free)
		}
		port = free
		err = serve(ctx, p, o, folder, port, token, out)
		if errors.Is(err, errPortTaken) {
			continue // somebody was faster
		}
		return err
	}
}

// freePort returns the first port from the given one on that nobody listens on.
func freePort(ip string, port int) (int, error) {
	var last error
	for p := port; p <= min(port+99, 65535); p++ {
		l, err := listen(ip, p)
		if err == nil {
			l.Close()
			return p, nil
		}
		last = err
		if !errors.Is(err, syscall.EADDRINUSE) && !errors.Is(err, syscall.EACCES) {
			return 0, fmt.Errorf("cannot listen on %s: %w; give another address with -ip", ip, err)
		}
	}
	return 0, fmt.Errorf("no port from %d to %d is free (%w): give another one with -port", port, min(port+99, 65535), last)
}

var errPortTaken = errors.New("the port is taken")

func serve(ctx context.Context, p place.Place, o Options, folder string, port int, token string, out io.Writer) error {
	args := []string{"-m", "jupyterlab",
		"--ServerApp.ip=" + o.IP,
		"--ServerApp.port=" + strconv.Itoa(port),
		"--ServerApp.port_retries=0",
		"--ServerApp.root_dir=" + folder,
		"--ServerApp.open_browser=False",
		"--Application.log_level=WARN",
	}
	if os.Geteuid() == 0 {
		args = append(args, "--allow-root")
	}
	cmd := exec.Command(install.VenvPython(p.Home), args...)
	// In the environment other users cannot read the token, in the arguments they could.
	cmd.Env = append(p.JupyterEnv(os.Environ()), "JUPYTER_TOKEN="+token)
	var log tail
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.SysProcAttr = dieWithUs()
	cmd.SysProcAttr.Setpgid = true // a ctrl-C in the terminal reaches us alone, else Jupyter would ask back
	stopThread := startOnThread(cmd)
	if err := stopThread.err; err != nil {
		return fmt.Errorf("JupyterLab does not start: %w; run `go run ./kernel setup`", err)
	}
	defer stopThread.release()
	group := cmd.Process.Pid
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	defer func() { _ = syscall.Kill(-group, syscall.SIGKILL) }()

	address := "http://" + net.JoinHostPort(reachable(o.IP), strconv.Itoa(port))
	ready := make(chan struct{})
	waiting, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	go func() {
		if waitReady(waiting, address, token) {
			close(ready)
		}
	}()

	for {
		select {
		case <-ready:
			ready = nil
			cancel()
			door := address + "/lab?token=" + token
			fmt.Fprintf(out, "JupyterLab is ready; press ctrl-C to stop it:\n%s\n", door)
			log.passOn(os.Stderr)
			if o.Browser {
				defer openBrowser(p, door, &log)()
			}
		case <-waiting.Done():
			if ctx.Err() == nil && ready != nil {
				return fmt.Errorf("JupyterLab did not answer at %s within %v:\n%s", address, startLimit, log.text())
			}
			if ctx.Err() == nil {
				waiting = context.WithoutCancel(ctx)
				continue
			}
			return stop(group, ended, &log, out)
		case <-ctx.Done():
			return stop(group, ended, &log, out)
		case err := <-ended:
			text := log.text()
			if ready != nil && (strings.Contains(text, "already in use") || strings.Contains(text, "port")) && strings.Contains(text, strconv.Itoa(port)) {
				return errPortTaken
			}
			if err != nil {
				return fmt.Errorf("JupyterLab ended by itself: %w\n%s", err, text)
			}
			return nil
		}
	}
}

// stop asks JupyterLab to end its kernels and itself, and insists after a while.
func stop(group int, ended <-chan error, log *tail, out io.Writer) error {
	log.passOn(io.Discard) // its report of our own signal
	fmt.Fprintln(out, "stopping JupyterLab and its kernels")
	_ = syscall.Kill(group, syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(10 * time.Second):
		_ = syscall.Kill(-group, syscall.SIGKILL)
		<-ended
	}
	return nil
}

// waitReady asks the server until it answers.
func waitReady(ctx context.Context, address, token string) bool {
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{Proxy: nil, DisableKeepAlives: true}}
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/api/status", nil)
		if err != nil {
			return false
		}
		req.Header.Set("Authorization", "token "+token)
		if resp, err := client.Do(req); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return true
			}
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// tail keeps the end of what a process prints, and from some moment on passes it to somebody.
type tail struct {
	mu   sync.Mutex
	kept bytes.Buffer
	to   io.Writer
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.to != nil {
		return t.to.Write(p)
	}
	t.kept.Write(p)
	if extra := t.kept.Len() - 8192; extra > 0 {
		t.kept.Next(extra)
	}
	return len(p), nil
}

func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(t.kept.String())
}

func (t *tail) passOn(w io.Writer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.to = w
}
