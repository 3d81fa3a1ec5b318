package install

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/gosciml/gosciml/internal/atomicfile"
	"github.com/gosciml/gosciml/internal/child"
)

// probe prints the version of an interpreter and whether it can make an environment with pip in it (Debian ships
// Python without these modules).
const probe = `import sys, importlib.util as u
print("%d.%d" % sys.version_info[:2], all(u.find_spec(m) for m in ("venv", "ensurepip")), sys.version_info >= (3, 10))`

// VenvDir is the Python environment inside the data directory home.
func VenvDir(home string) string { return filepath.Join(home, "python") }

// VenvPython is the interpreter of that environment.
func VenvPython(home string) string { return filepath.Join(VenvDir(home), "bin", "python") }

// stampDone is written last, so an environment without it is one whose creation was interrupted.
func stampDone(home string) string { return filepath.Join(VenvDir(home), ".gosciml-complete") }

// Python makes sure that the data directory home holds a Python environment that works, and returns its interpreter.
func Python(ctx context.Context, home string, log io.Writer) (string, error) {
	log = orDiscard(log)
	unlock, err := Lock(ctx, home, "install", log)
	if err != nil {
		return "", err
	}
	defer unlock()
	return python(ctx, home, log)
}

func python(ctx context.Context, home string, log io.Writer) (string, error) {
	interpreter := VenvPython(home)
	if _, err := os.Stat(stampDone(home)); err == nil {
		// The interpreter an environment was made from may be gone after an upgrade of the system.
		if child.Run(command(ctx, interpreter, "-c", "import pip")) == nil {
			return interpreter, nil
		}
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
	}
	base, err := findPython(ctx)
	if err != nil {
		return "", err
	}
	start := time.Now()
	if err := os.RemoveAll(VenvDir(home)); err != nil {
		return "", fmt.Errorf("cannot remove a broken Python environment: %w", err)
	}
	if err := runTool(ctx, base, "-m", "venv", VenvDir(home)); err != nil {
		return "", fmt.Errorf("cannot make a Python environment in %s: %w", VenvDir(home), err)
	}
	if err := atomicfile.Write(stampDone(home), []byte(base+"\n"), 0o644); err != nil {
		return "", fmt.Errorf("cannot make a Python environment: %w", err)
	}
	fmt.Fprintf(log, "Python environment made from %s in %.1f s\n", base, time.Since(start).Seconds())
	return interpreter, nil
}

// findPython returns an interpreter that can make the environment. The plain name comes first: it is what the user
// means by Python.
func findPython(ctx context.Context) (string, error) {
	var reasons []string
	for _, name := range []string{"python3", "python3.13", "python3.12", "python3.11", "python3.10", "python"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		out, err := child.Output(command(ctx, path, "-c", probe))
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		fields := strings.Fields(string(out))
		switch {
		case err != nil || len(fields) != 3:
			reasons = append(reasons, path+" does not start")
		case fields[2] != "True":
			reasons = append(reasons, fmt.Sprintf("%s is version %s", path, fields[0]))
		case fields[1] != "True":
			reasons = append(reasons, fmt.Sprintf("%s (version %s) lacks its venv module; on Debian and Ubuntu: sudo apt install python3-venv", path, fields[0]))
		default:
			return path, nil
		}
	}
	if len(reasons) == 0 {
		return "", errors.New("Python 3.10 or newer is needed, and there is no python3 on PATH: install it (Debian and Ubuntu: sudo apt install python3 python3-venv; macOS: brew install python)")
	}
	return "", fmt.Errorf("Python 3.10 or newer with its venv module is needed, but %s", strings.Join(reasons, "; "))
}

// Requirements makes sure that the packages of a hash-locked requirements file are in the Python environment of home.
// The name tells such files apart; a file that was installed before, unchanged, costs nothing and needs no network.
// Where to get packages from is the user's own pip configuration.
func Requirements(ctx context.Context, home, name string, lock []byte, log io.Writer) error {
	log = orDiscard(log)
	unlock, err := Lock(ctx, home, "install", log)
	if err != nil {
		return err
	}
	defer unlock()
	return requirements(ctx, home, name, lock, log)
}

func requirements(ctx context.Context, home, name string, lock []byte, log io.Writer) error {
	interpreter, err := python(ctx, home, log)
	if err != nil {
		return err
	}
	want := Sum(lock)
	stamp := filepath.Join(VenvDir(home), ".gosciml-"+name)
	if have, err := os.ReadFile(stamp); err == nil && strings.TrimSpace(string(have)) == want {
		return nil
	}
	file := filepath.Join(VenvDir(home), "requirements-"+name+".txt")
	if err := atomicfile.Write(file, lock, 0o644); err != nil {
		return fmt.Errorf("cannot install %s: %w", name, err)
	}
	// Without a stamp nobody knows what state the packages are in, so pip must not take their being there for enough.
	start := time.Now()
	fmt.Fprintf(log, "installing Python packages for %s\n", name)
	err = runTool(ctx, interpreter, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input",
		"--require-hashes", "--no-deps", "--only-binary", ":all:", "--force-reinstall", "-r", file)
	if err != nil {
		return fmt.Errorf("cannot install Python packages for %s: %w", name, err)
	}
	if err := atomicfile.Write(stamp, []byte(want+"\n"), 0o644); err != nil {
		return fmt.Errorf("cannot install %s: %w", name, err)
	}
	fmt.Fprintf(log, "Python packages for %s installed in %.1f s\n", name, time.Since(start).Seconds())
	return nil
}

// Sum is the hash by which an installed requirements file is recognized.
func Sum(lock []byte) string {
	sum := sha256.Sum256(lock)
	return hex.EncodeToString(sum[:])
}

// command prepares a call of an interpreter that the user's own Python settings cannot lead astray.
func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	for _, kv := range os.Environ() {
		switch key, _, _ := strings.Cut(kv, "="); key {
		case "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_REQUIRE_VIRTUALENV":
		default:
			cmd.Env = append(cmd.Env, kv)
		}
	}
	// Without a network pip tries again for minutes before it says so.
	for _, kv := range []string{"PIP_RETRIES=2", "PIP_TIMEOUT=15"} {
		if key, _, _ := strings.Cut(kv, "="); os.Getenv(key) == "" {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	// A plain kill would leave pip's half-made files; an interrupt lets it tidy up.
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// runTool runs a command quietly; if it fails, the error ends with the last lines the command printed.
func runTool(ctx context.Context, name string, args ...string) error {
	cmd := command(ctx, name, args...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := child.Run(cmd); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if wrong := wrongHashes(out.String()); wrong != "" {
			return fmt.Errorf("%w, so it was not installed, as an index or mirror may be damaged or forged:\n%s", ErrHash, wrong)
		}
		if out.Len() > 0 && unreachable.Match(out.Bytes()) {
			err = errors.New("the Python index cannot be reached, or lacks a package: set-up needs a network, or pip settings that lead to an index (PIP_INDEX_URL, PIP_FIND_LINKS), the first time")
		}
		lines := strings.Split(strings.TrimSpace(out.String()), "\n")
		return fmt.Errorf("%w\n%s", err, strings.Join(lines[max(0, len(lines)-8):], "\n"))
	}
	return nil
}

// unreachable are pip's words for an index that does not answer; on its quiet days it only says that there is no version.
var unreachable = regexp.MustCompile(`from versions: none|NewConnectionError|ConnectTimeoutError|ReadTimeoutError|ProxyError|Could not fetch URL|name resolution|Read timed out`)

// wrongHashes returns the lines in which pip names packages whose hashes are wrong, with what it expected and got; empty if it
// did not complain about that.
func wrongHashes(output string) string {
	_, told, ok := strings.Cut(output, "DO NOT MATCH THE HASHES")
	if !ok {
		return ""
	}
	var lines []string
	for line := range strings.Lines(told) {
		line = strings.TrimSpace(line)
		if strings.Contains(line, "sha256:") || strings.HasPrefix(line, "Expected ") || strings.HasPrefix(line, "Got ") ||
			strings.HasPrefix(line, "or ") || strings.Contains(line, " from ") {
			lines = append(lines, "  "+line)
		}
	}
	return strings.Join(lines, "\n")
}

func orDiscard(log io.Writer) io.Writer {
	if log == nil {
		return io.Discard
	}
	return log
}
