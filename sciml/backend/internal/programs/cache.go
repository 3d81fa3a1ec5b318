// Package programs keeps compiled XLA programs on disk, so that another process need not compile them again. It stands between
// go-xla and a PJRT plug-in: see Interpose.
package programs

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/gosciml/gosciml/internal/atomicfile"
)

// Cache is a folder of programs for one plug-in on one kind of processor. Others may be read besides: what set-up put there.
type Cache struct {
	folders []string // to read from; the first is also written to
	most    int64    // bytes in the first
	what    string   // all that makes code differ besides the program

	mu   sync.Mutex
	made []Program
	full bool // writing has failed
}

// Program is one that this process has compiled or loaded.
type Program struct {
	Name    string
	Key     string  // of its file
	Loaded  bool    // from the cache
	Seconds float64 // that compiling or loading took
	Bytes   int     // of its code
}

// Most is the size that a cache is held to, in bytes, where nobody says otherwise.
const Most = 1 << 30

const (
	magic  = "gosciml program 2\n"
	suffix = ".xla"
)

// New is a cache in folders, at least one, of which the first need not be there. Plugin is the hash of the plug-in, and what is everything else that
// code depends on, such as flags.
func New(folders []string, most int64, plugin string, what ...string) (*Cache, error) {
	processor, err := Processor()
	if err != nil {
		return nil, err
	}
	return &Cache{folders: folders, most: most, what: strings.Join(append([]string{magic, plugin, processor}, what...), "\x00")}, nil
}

// Folder is the one that is written to.
func (c *Cache) Folder() string { return c.folders[0] }

// key names a program by everything that its code depends on.
func (c *Cache) key(parts ...[]byte) string {
	h := sha256.New()
	h.Write([]byte(c.what))
	for _, part := range parts {
		var size [8]byte
		binary.LittleEndian.PutUint64(size[:], uint64(len(part)))
		h.Write(size[:])
		h.Write(part)
	}
	return hex.EncodeToString(h.Sum(nil)[:20])
}

// read is the code of a program, nil when it is not there. A damaged file is removed.
func (c *Cache) read(key string) []byte {
	for i, folder := range c.folders {
		path := filepath.Join(folder, key+suffix)
		if !trusted(folder) || !trusted(path) {
			continue
		}
		data, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		body, err := unseal(key, data)
		if err != nil {
			_ = os.Remove(path)
			continue
		}
		if i == 0 {
			used(path)
		}
		return body
	}
	return nil
}

// used notes that a program was, for those that are used least to go first.
func used(path string) {
	if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > time.Hour {
		_ = os.Chtimes(path, time.Time{}, time.Now())
	}
}

// seal is the checksum of a program under its name: one that came under another's would run in its place.
func seal(key string, body []byte) []byte {
	h := sha256.New()
	h.Write([]byte(key))
	h.Write([]byte{0})
	h.Write(body)
	return h.Sum(nil)
}

func unseal(key string, data []byte) ([]byte, error) {
	head := len(magic) + sha256.Size
	if len(data) < head || !bytes.HasPrefix(data, []byte(magic)) {
		return nil, errors.New("it is no program")
	}
	if !bytes.Equal(seal(key, data[head:]), data[len(magic):head]) {
		return nil, errors.New("it is damaged, or another one")
	}
	return data[head:], nil
}

// drop removes a program that the plug-in does not take.
func (c *Cache) drop(key string) {
	for _, folder := range c.folders {
		_ = os.Remove(filepath.Join(folder, key+suffix))
	}
}

// write keeps a program, unless the disk does not take it. Then nothing else is written in this process.
func (c *Cache) write(key string, body []byte) {
	c.mu.Lock()
	full := c.full
	c.mu.Unlock()
	if full || int64(len(body)) > c.most/4 {
		return
	}
	folder := c.Folder()
	err := os.MkdirAll(folder, 0o700)
	if err == nil && !trusted(folder) {
		err = fmt.Errorf("%s belongs to somebody else, or others can write to it", folder)
	}
	if err == nil {
		err = atomicfile.Write(filepath.Join(folder, key+suffix), slices.Concat([]byte(magic), seal(key, body), body), 0o600)
	}
	if err == nil {
		err = Bound(folder, c.most)
	}
	if err != nil {
		c.mu.Lock()
		c.full = true
		c.mu.Unlock()
	}
}

func (c *Cache) note(p Program) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made = append(c.made, p)
}

// Made lists the programs that this process has compiled or loaded, in the order in which that ended.
func (c *Cache) Made() []Program {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.made)
}

// Size is the number of programs in a folder, and of bytes.
func Size(folder string) (programs int, size int64, err error) {
	files, err := list(folder)
	for _, f := range files {
		size += f.size
	}
	return len(files), size, err
}

type file struct {
	path string
	size int64
	used time.Time
}

func list(folder string) ([]file, error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var files []file
	for _, e := range entries {
		if info, err := e.Info(); err == nil && strings.HasSuffix(e.Name(), suffix) && info.Mode().IsRegular() {
			files = append(files, file{filepath.Join(folder, e.Name()), info.Size(), info.ModTime()})
		}
	}
	return files, nil
}

// leftover matches what a process that was killed may leave of a program.
var leftover = regexp.MustCompile(`^\.?[0-9a-f]{40}\.xla.+$`)

// Bound removes the programs that were not used for longest until the others take no more than so many bytes.
func Bound(folder string, most int64) error {
	files, err := list(folder)
	if err != nil {
		return err
	}
	size := int64(0)
	for _, f := range files {
		size += f.size
	}
	if size <= most {
		return nil
	}
	atomicfile.Sweep(folder, leftover)
	slices.SortFunc(files, func(a, b file) int { return a.used.Compare(b.used) })
	for _, f := range files {
		if size <= most*9/10 { // and some more, so that the next one need not
			break
		}
		if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) { // another process may be at it
			return err
		}
		size -= f.size
	}
	return nil
}

// moduleName finds the name of a program in its text.
var moduleName = regexp.MustCompile(`module @("[^"]*"|[^ {]+)`)

// nameOf is what a program is called, as XLA sees it, without the number at the end that GoMLX adds.
func nameOf(code []byte) string {
	m := moduleName.FindSubmatch(code[:min(len(code), 500)])
	if m == nil {
		return ""
	}
	return strings.Trim(string(m[1]), `"`)
}

// Writable reports whether a folder can be written to, or made, without making it.
func Writable(folder string) bool {
	for dir := folder; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		switch {
		case err == nil:
			return info.IsDir() && allowed(dir) && (dir != folder || trusted(dir))
		case !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir):
			return false
		}
	}
}
