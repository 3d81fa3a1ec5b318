package reference

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"os"
	"path/filepath"
	"sync"

	"github.com/gosciml/gosciml/sciml/internal/sealed"
	"github.com/gosciml/gosciml/sciml/internal/usercode"
)

// kind is what the files are; its number changes with the format, and with the methods that made the numbers.
const kind = "reference 1"

// memory holds what this process has computed or read.
var memory = struct {
	sync.Mutex
	of map[string]*shared
}{of: map[string]*shared{}}

// shared is a reference that is computed by one caller while the others wait.
type shared struct {
	turn   chan struct{} // Holds one token while somebody computes.
	values []float64
}

// kept returns the numbers that belong to a key: from memory, from disk, or by computing and storing them. The key
// names the problem with everything that the numbers depend on. Callers share the slice and must not write to it. When
// ctx is done, only its own caller gives up.
func kept(ctx context.Context, key string, count int, compute func(ctx context.Context) ([]float64, error)) ([]float64, error) {
	if err := usercode.CheckContext("reference", ctx); err != nil {
		return nil, err
	}
	memory.Lock()
	s := memory.of[key]
	if s == nil {
		s = &shared{turn: make(chan struct{}, 1)}
		memory.of[key] = s
	}
	memory.Unlock()
	select {
	case s.turn <- struct{}{}: // also when ctx is done: what is there costs nothing
	default:
		select {
		case s.turn <- struct{}{}:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	defer func() { <-s.turn }()
	if s.values != nil {
		return s.values, nil
	}
	path := pathOf(key)
	if values := load(path, key, count); values != nil {
		s.values = values
		return values, nil
	}
	values, err := compute(ctx)
	if err != nil {
		return nil, err
	}
	s.values = values
	_ = store(path, key, values) // Not kept: the next program computes again, which is all the harm done.
	return values, nil
}

// pathOf returns the file for a key, or "" when there is no directory to keep it in.
func pathOf(key string) string {
	dir := os.Getenv("GOSCIML_HOME")
	if dir == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			return ""
		}
		dir = filepath.Join(cache, "gosciml")
	}
	if !filepath.IsAbs(dir) {
		return ""
	}
	sum := sha256.Sum256([]byte(kind + "\n" + key))
	return filepath.Join(dir, "references", hex.EncodeToString(sum[:12]))
}

// payload is the key, the number of values (8 bytes) and the values; numbers are little-endian.
func payload(key string, values []float64) []byte {
	data := head(key, len(values))
	for _, v := range values {
		data = binary.LittleEndian.AppendUint64(data, math.Float64bits(v))
	}
	return data
}

// head returns what precedes the values.
func head(key string, count int) []byte {
	return binary.LittleEndian.AppendUint64([]byte(key+"\n"), uint64(count))
}

// store writes a file in one piece: another process finds all of it or nothing.
func store(path, key string, values []float64) error {
	if path == "" {
		return errors.New("there is no directory")
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return sealed.Write(path, kind, payload(key, values))
}

// load returns the values in a file, or nil unless it is whole and belongs to the key.
func load(path, key string, count int) []float64 {
	data, err := sealed.Read(path, kind)
	start := head(key, count)
	if err != nil || len(data) != len(start)+8*count || !bytes.HasPrefix(data, start) {
		return nil
	}
	values := make([]float64, count)
	for i := range values {
		values[i] = math.Float64frombits(binary.LittleEndian.Uint64(data[len(start)+8*i:]))
	}
	return values
}
