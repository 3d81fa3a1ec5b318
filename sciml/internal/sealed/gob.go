package sealed

import (
	"bytes"
	"encoding/gob"
)

// Encode returns a value as encoding/gob writes it, which keeps every bit of a float64, but the sign of a zero in a struct.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// Decode returns a new value. There is no way to decode into one that is there already: gob leaves out zeros, and what was
// set before would stay. It does not tell empty slices and maps in a struct from nil.
func Decode[T any](data []byte) (T, error) {
	var v T
	if err := gob.NewDecoder(bytes.NewReader(data)).Decode(&v); err != nil {
		var zero T // not half a value
		return zero, err
	}
	return v, nil
}
