package optim

import (
	"bytes"
	"encoding/gob"
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
)

// saved is a tensor as bytes, bit for bit, in a checkpoint.
type saved struct {
	DType string
	Dims  []int
	Bytes []byte
}

func save(t *tensors.Tensor) (saved, error) {
	s := saved{DType: t.DType().String(), Dims: t.Shape().Dimensions}
	err := t.ConstBytes(func(data []byte) { s.Bytes = bytes.Clone(data) })
	if err != nil {
		return s, fmt.Errorf("optim: reading a tensor of shape %s from the device: %w", t.Shape(), err)
	}
	return s, nil
}

func saveAll(all []*tensors.Tensor) ([]saved, error) {
	out := make([]saved, len(all))
	for i, t := range all {
		var err error
		if out[i], err = save(t); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// restore makes the tensor again; it must have the given shape.
func (s saved) restore(want shapes.Shape) (*tensors.Tensor, error) {
	dtype, err := dtypes.DTypeString(s.DType)
	if err != nil {
		return nil, fmt.Errorf("optim: a stored tensor has the unknown type %q", s.DType)
	}
	if shape := shapes.Make(dtype, s.Dims...); !shape.Equal(want) {
		return nil, fmt.Errorf("optim: a stored tensor has shape %s, expected %s", shape, want)
	}
	t := tensors.FromShape(want)
	fits := true
	err = t.MutableBytes(func(data []byte) {
		if fits = len(data) == len(s.Bytes); fits {
			copy(data, s.Bytes)
		}
	})
	if err == nil && !fits {
		err = fmt.Errorf("optim: a stored tensor of shape %s has %d bytes", want, len(s.Bytes))
	}
	return t, err
}

// restoreAll makes tensors again, each of the shape of the one it replaces.
func restoreAll(all []saved, like []*tensors.Tensor) ([]*tensors.Tensor, error) {
	if len(all) != len(like) {
		return nil, fmt.Errorf("optim: %d stored tensors, expected %d", len(all), len(like))
	}
	out := make([]*tensors.Tensor, len(all))
	for i, s := range all {
		var err error
		if out[i], err = s.restore(like[i].Shape()); err != nil {
			return nil, err
		}
	}
	return out, nil
}

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
