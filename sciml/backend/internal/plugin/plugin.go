package plugin

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/gosciml/gosciml/internal/atomicfile"
)

// SetupHint is the way out that every message about a missing or refused plug-in ends with.
const SetupHint = "run `go run ./kernel setup` in your clone of gosciml"

// ErrMissing says that a plug-in is not installed; errors of Find wrap it in that case and no other.
var ErrMissing = errors.New("not installed")

// ErrRefused says that a plug-in is not the file that it should be; errors of Find and Record wrap it in that case and no other.
var ErrRefused = errors.New("refused")

// Dir is the folder of the installed plug-ins, in the form PJRT_PLUGIN_LIBRARY_PATH expects.
func Dir(home string) string { return filepath.Join(home, "plugins") }

// Link is the path under which the plug-in of the given kind is installed: a link to the real file, with the name
// that go-xla looks for.
func Link(home string, kind Kind) string {
	ext := ".so"
	if runtime.GOOS == "darwin" {
		ext = ".dylib"
	}
	return filepath.Join(Dir(home), "pjrt_c_api_"+string(kind)+"_plugin"+ext)
}

func stampPath(home string, kind Kind) string {
	return filepath.Join(Dir(home), string(kind)+".stamp.json")
}

// stamp remembers the hash of a file together with what tells cheaply that the file has not changed since.
type stamp struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	MTime  int64  `json:"mtime"` // seconds: archives and image layers drop the rest
	SHA256 string `json:"sha256"`
}

// Found is an installed plug-in whose hash has been checked.
type Found struct {
	Path   string // the real file, links resolved
	SHA256 string
	Locked bool // the hash is the one locked in this module, rather than recorded at installation
}

// Find returns the installed plug-in of the given kind after checking its hash: against the lock where this platform
// has one, else against the hash recorded at installation. Hashing is skipped while size, time and place of the file
// are those of the last check.
func Find(home string, kind Kind) (Found, error) {
	link := Link(home, kind)
	real, err := filepath.EvalSymlinks(link)
	if errors.Is(err, fs.ErrNotExist) {
		return Found{}, fmt.Errorf("the XLA %s plug-in is %w in %s", kind, ErrMissing, Dir(home))
	}
	if err != nil {
		return Found{}, fmt.Errorf("the XLA %s plug-in cannot be found: %w", kind, err)
	}
	info, err := os.Stat(real)
	if err != nil {
		return Found{}, fmt.Errorf("the XLA %s plug-in cannot be read: %w", kind, err)
	}

	var seen stamp
	if data, err := os.ReadFile(stampPath(home, kind)); err == nil {
		_ = json.Unmarshal(data, &seen) // a damaged stamp counts as none
	}
	lock, locked := Locked(kind)
	want := lock.SHA256
	if !locked {
		if want = seen.SHA256; want == "" {
			return Found{}, fmt.Errorf("the XLA %s plug-in %s has no record of its hash in %s, so it cannot be checked: %s",
				kind, real, stampPath(home, kind), SetupHint)
		}
	}

	now := stamp{Path: real, Size: info.Size(), MTime: info.ModTime().Unix(), SHA256: seen.SHA256}
	if seen != now || seen.SHA256 == "" {
		if now.SHA256, err = Hash(real); err != nil {
			return Found{}, fmt.Errorf("the XLA %s plug-in cannot be read: %w", kind, err)
		}
		if now.SHA256 == want {
			_ = writeStamp(home, kind, now) // may fail in a folder of another user; then the next call hashes again
		}
	}
	if now.SHA256 != want {
		return Found{}, fmt.Errorf("the XLA %s plug-in %s is %w: its SHA-256 is %s, expected %s; %s to install the right one",
			kind, real, ErrRefused, now.SHA256, want, SetupHint)
	}
	return Found{Path: real, SHA256: now.SHA256, Locked: locked}, nil
}

// Record registers the file as the installed plug-in: it hashes it, refuses it if a lock says otherwise, and writes
// link and stamp.
func Record(home string, kind Kind, file string) error {
	real, err := filepath.EvalSymlinks(file)
	if err != nil {
		return fmt.Errorf("the XLA %s plug-in cannot be found: %w", kind, err)
	}
	info, err := os.Stat(real)
	if err != nil {
		return fmt.Errorf("the XLA %s plug-in cannot be read: %w", kind, err)
	}
	sum, err := Hash(real)
	if err != nil {
		return fmt.Errorf("the XLA %s plug-in cannot be read: %w", kind, err)
	}
	if lock, ok := Locked(kind); ok && sum != lock.SHA256 {
		return fmt.Errorf("the XLA %s plug-in %s is %w: its SHA-256 is %s, expected %s of %s %s; remove %s and %s",
			kind, real, ErrRefused, sum, lock.SHA256, lock.Package, lock.Version, filepath.Join(home, "python"), SetupHint)
	}
	if err := os.MkdirAll(Dir(home), 0o755); err != nil {
		return fmt.Errorf("cannot create the folder for plug-ins: %w", err)
	}
	link := Link(home, kind)
	fresh := link + ".new" // whoever installs has the lock, so that one that is there was left by a process that was killed
	_ = os.Remove(fresh)
	if err := os.Symlink(real, fresh); err != nil {
		return fmt.Errorf("cannot link the XLA %s plug-in: %w", kind, err)
	}
	if err := os.Rename(fresh, link); err != nil {
		_ = os.Remove(fresh)
		return fmt.Errorf("cannot link the XLA %s plug-in: %w", kind, err)
	}
	return writeStamp(home, kind, stamp{Path: real, Size: info.Size(), MTime: info.ModTime().Unix(), SHA256: sum})
}

func writeStamp(home string, kind Kind, s stamp) error {
	data, err := json.MarshalIndent(s, "", "\t")
	if err != nil {
		return err
	}
	if err := atomicfile.Write(stampPath(home, kind), append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("cannot record the hash of the XLA %s plug-in: %w", kind, err)
	}
	return nil
}

// Hash returns the SHA-256 of a file, in lower-case hexadecimal.
func Hash(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
