package keep

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/gosciml/gosciml/internal/atomicfile"
	"github.com/gosciml/gosciml/sciml/internal/sealed"
)

// header says what a file holds and what it was made from.
type header struct {
	Name    string
	Type    string
	Made    time.Time
	Took    time.Duration
	Options []string // As described by describe.
	Code    pieces
}

// DirEnv names the environment variable with the folder that values are kept in, for all notebooks and programs that see it.
const DirEnv = "GOSCIML_KEEP_DIR"

// magic begins every file; its number changes with the format.
const magic = "gosciml keep 2\n"

const suffix = ".keep"

// A file is magic, length of header (8 bytes), header as JSON, value as gob,
// and the SHA-256 of all that.

// boxed holds the value while it is encoded: on its own, gob would lose a zero, and it panics on a pointer to a pointer
// whose target encodes itself.
type boxed[T any] struct{ Value T }

// formerly are the names of what earlier versions left when they were killed.
var formerly = regexp.MustCompile(`^\.new-[0-9]+$`)

// savable makes the folder of a file, and reports whether the file can be written.
func savable(path string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	atomicfile.Sweep(filepath.Dir(path), formerly)
	return atomicfile.Check(path)
}

func save[T any](path string, h header, value T) error {
	head, err := json.Marshal(h)
	if err != nil {
		return err
	}
	var buf bytes.Buffer
	buf.WriteString(magic)
	_ = binary.Write(&buf, binary.LittleEndian, uint64(len(head))) // Cannot fail.
	buf.Write(head)
	data, err := sealed.Encode(&boxed[T]{value})
	if err != nil {
		return fmt.Errorf("a %s cannot be encoded: %w", h.Type, err)
	}
	buf.Write(data)
	sum := sha256.Sum256(buf.Bytes())
	buf.Write(sum[:])

	return atomicfile.Write(path, buf.Bytes(), 0o600)
}

// typeError says that a file holds a value of another type.
type typeError struct{ was string }

func (e *typeError) Error() string { return "it was kept as " + e.was }

// load reads a file that holds a value of type T, called typ. The error of a
// missing file is fs.ErrNotExist.
func load[T any](path, typ string) (header, T, error) {
	var value T
	data, err := os.ReadFile(path)
	if err != nil {
		return header{}, value, err
	}
	body, err := verified(data)
	if err != nil {
		return header{}, value, fmt.Errorf("the file %s %w", path, err)
	}
	h, rest, err := splitHeader(body)
	if err != nil {
		return h, value, fmt.Errorf("the file %s %w", path, err)
	}
	if h.Type != typ {
		return h, value, &typeError{h.Type}
	}
	box, err := sealed.Decode[boxed[T]](rest)
	if err != nil {
		return h, value, fmt.Errorf("type %s has changed since (%w)", typ, err)
	}
	return h, box.Value, nil
}

// verified checks and removes the checksum.
func verified(data []byte) ([]byte, error) {
	if !bytes.HasPrefix(data, []byte(magic)) {
		return nil, errors.New("is not one of this version of keep")
	}
	n := len(data) - sha256.Size
	if n < len(magic) {
		return nil, errors.New("is truncated")
	}
	if sum := sha256.Sum256(data[:n]); !bytes.Equal(sum[:], data[n:]) {
		return nil, errors.New("is truncated or damaged (its checksum does not match)")
	}
	return data[:n], nil
}

func splitHeader(body []byte) (h header, rest []byte, err error) {
	body = body[len(magic):]
	if len(body) < 8 {
		return h, nil, errors.New("is truncated")
	}
	n := binary.LittleEndian.Uint64(body)
	if n > uint64(len(body)-8) {
		return h, nil, errors.New("is truncated")
	}
	if err := json.Unmarshal(body[8:8+n], &h); err != nil {
		return h, nil, fmt.Errorf("has an unreadable header: %w", err)
	}
	return h, body[8+n:], nil
}

// readEntry reads the header of a file only: values may be large.
func readEntry(dir string, d fs.DirEntry) (Entry, bool) {
	if !strings.HasSuffix(d.Name(), suffix) {
		return Entry{}, false
	}
	f, err := os.Open(filepath.Join(dir, d.Name()))
	if err != nil {
		return Entry{}, false
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Entry{}, false
	}
	start := make([]byte, len(magic)+8)
	if _, err := io.ReadFull(f, start); err != nil || !bytes.HasPrefix(start, []byte(magic)) {
		return Entry{}, false
	}
	n := binary.LittleEndian.Uint64(start[len(magic):])
	if n > uint64(info.Size()) {
		return Entry{}, false
	}
	head := make([]byte, n)
	var h header
	if _, err := io.ReadFull(f, head); err != nil || json.Unmarshal(head, &h) != nil {
		return Entry{}, false
	}
	return Entry{Name: h.Name, Type: h.Type, Made: h.Made, Took: h.Took, Size: info.Size()}, true
}

// scope returns the notebook that runs this program, else the working directory.
func scope() (path string, notebook bool, err error) {
	path = os.Getenv("JPY_SESSION_NAME") // Set by Jupyter for its kernels.
	notebook = path != ""
	if path, err = filepath.Abs(path); err != nil {
		return "", false, fmt.Errorf("keep: the working directory is not known: %w", err)
	}
	return path, notebook, nil
}

func scopeName() string {
	if dir := os.Getenv(DirEnv); dir != "" {
		return "GOSCIML_KEEP_DIR " + dir
	}
	path, notebook, err := scope()
	switch {
	case err != nil:
		return "this directory"
	case notebook:
		return "notebook " + filepath.Base(path)
	}
	return "directory " + path
}

// directory returns the folder of the running notebook or program. It may not exist yet.
func directory() (string, error) {
	if dir := os.Getenv(DirEnv); dir != "" {
		return dir, nil
	}
	path, _, err := scope()
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("keep: there is no place for kept values (%w); set GOSCIML_KEEP_DIR to a folder", err)
	}
	return filepath.Join(cache, "gosciml", "keep", fileName(filepath.Base(path), path)), nil
}

func pathOf(name string) (string, error) {
	dir, err := directory()
	if err != nil {
		return "", err
	}
	return filepath.Join(dir, fileName(name, name)+suffix), nil
}

// fileName makes a readable and unique file name: what of text is harmless in
// any file system, and a hash of identity.
func fileName(text, identity string) string {
	clean := strings.Map(func(r rune) rune {
		if r == '-' || r == '.' || '0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' {
			return r
		}
		return '_'
	}, text)
	if len(clean) > 40 {
		clean = clean[:40]
	}
	sum := sha256.Sum256([]byte(identity))
	return clean + "-" + hex.EncodeToString(sum[:6])
}
