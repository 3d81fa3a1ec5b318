// Package sealed writes and reads files that tell what they are and whether they are whole: a line with the kind and
// version, the length and SHA-256 of the payload, and the payload.
package sealed

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/gosciml/gosciml/internal/atomicfile"
)

// ErrDamaged is what errors.Is finds in an error about a file that is truncated or whose content has changed.
var ErrDamaged = errors.New("the file is damaged")

// ErrOtherKind is what errors.Is finds in an error about a file that is something else, or of another version.
var ErrOtherKind = errors.New("the file is of another kind")

// about is an error of one of these kinds, without their words.
type about struct {
	error
	kind error
}

func (e about) Is(target error) bool { return target == e.kind }

func damaged(format string, args ...any) error { return about{fmt.Errorf(format, args...), ErrDamaged} }

// noun is a kind without its version.
func noun(kind string) string { return strings.TrimRight(kind, " 0123456789") }

func magic(kind string) []byte { return []byte("GoSciML " + kind + "\n") }

// Write replaces the file at path by a new one, as atomicfile.Write does. Kind is what the file is, with a version, such as
// "checkpoint 1".
func Write(path, kind string, payload []byte) error {
	sum := sha256.Sum256(payload)
	length := binary.BigEndian.AppendUint64(nil, uint64(len(payload)))
	if err := atomicfile.Write(path, bytes.Join([][]byte{magic(kind), length, sum[:], payload}, nil), 0o666); err != nil {
		return fmt.Errorf("writing the %s %s: %w", noun(kind), path, err)
	}
	return nil
}

// Check reports that a file of that kind, whatever its version, could not be written to path: see atomicfile.Check. It also refuses to
// replace a file that is something else, which is likely to be somebody's by mistake (ErrOtherKind).
func Check(path, kind string) error {
	if err := atomicfile.Check(path); err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil // there is none, or none that tells
	}
	defer f.Close()
	start := []byte("GoSciML " + noun(kind))
	there := make([]byte, len(start))
	n, _ := io.ReadFull(f, there)
	if n > 0 && !bytes.HasPrefix(start, there[:n]) {
		return about{fmt.Errorf("the file there is no %s, and would be replaced: it starts with %q", noun(kind), there[:n]), ErrOtherKind}
	}
	return nil
}

// Read returns the payload of a file of that kind. It says by name what is wrong with one that is something else,
// truncated or damaged.
func Read(path, kind string) ([]byte, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the %s: %w", noun(kind), err)
	}
	start := magic(kind)
	head := len(start) + 8 + sha256.Size
	switch {
	case len(content) >= len(start) && !bytes.HasPrefix(content, start):
		return nil, about{fmt.Errorf("%s is not a %s: it starts with %q, expected %q", path, kind, content[:len(start)], start), ErrOtherKind}
	case len(content) < head:
		return nil, damaged("the %s %s is truncated: it has %d bytes, expected at least %d", kind, path, len(content), head)
	}
	payload := content[head:]
	if length := binary.BigEndian.Uint64(content[len(start):]); uint64(len(payload)) != length {
		return nil, damaged("the %s %s is truncated or damaged: %d bytes follow its head, expected %d", kind, path, len(payload), length)
	}
	if sum := sha256.Sum256(payload); !bytes.Equal(sum[:], content[head-sha256.Size:head]) {
		return nil, damaged("the %s %s is damaged: its SHA-256 is not the one it was written with", kind, path)
	}
	return payload, nil
}
