package optim

import (
	"bytes"
	"encoding/gob"
	"fmt"
)

// encode and decode are gob, which keeps every bit of a float64.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(v); err != nil {
		return nil, fmt.Errorf("optim: encoding the state of a run: %w", err)
	}
	return b.Bytes(), nil
}

func decode(data []byte, v any) error {
	if err := gob.NewDecoder(bytes.NewReader(data)).Decode(v); err != nil {
		return fmt.Errorf("optim: decoding the state of a run: %w", err)
	}
	return nil
}
