package device

import (
	"bytes"
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
)

// Saved is a tensor as bytes, bit for bit, in a checkpoint.
type Saved struct {
	DType string
	Dims  []int
	Bytes []byte
}

// Save reads a tensor from the device.
func Save(t *tensors.Tensor) (Saved, error) {
	s := Saved{DType: t.DType().String(), Dims: t.Shape().Dimensions}
	defer leaveOnDevice(t)()
	err := t.ConstBytes(func(data []byte) { s.Bytes = bytes.Clone(data) })
	if err != nil {
		return s, fmt.Errorf("device: reading a tensor of shape %s from the device: %w", t.Shape(), err)
	}
	return s, nil
}

// SaveAll reads all of them.
func SaveAll(all []*tensors.Tensor) ([]Saved, error) {
	out := make([]Saved, len(all))
	for i, t := range all {
		var err error
		if out[i], err = Save(t); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Restore makes the tensor again; it must have the given shape.
func (s Saved) Restore(want shapes.Shape) (*tensors.Tensor, error) {
	dtype, err := dtypes.DTypeString(s.DType)
	if err != nil {
		return nil, fmt.Errorf("device: a stored tensor has the unknown type %q", s.DType)
	}
	if shape := shapes.Make(dtype, s.Dims...); !shape.Equal(want) {
		return nil, fmt.Errorf("device: a stored tensor has shape %s, expected %s", shape, want)
	}
	t := tensors.FromShape(want)
	fits := true
	err = t.MutableBytes(func(data []byte) {
		if fits = len(data) == len(s.Bytes); fits {
			copy(data, s.Bytes)
		}
	})
	if err == nil && !fits {
		err = fmt.Errorf("device: a stored tensor of shape %s has %d bytes", want, len(s.Bytes))
	}
	return t, err
}

// RestoreAll makes tensors again, each of the shape of the one it replaces.
func RestoreAll(all []Saved, like []*tensors.Tensor) ([]*tensors.Tensor, error) {
	if len(all) != len(like) {
		return nil, fmt.Errorf("device: %d stored tensors, expected %d", len(all), len(like))
	}
	out := make([]*tensors.Tensor, len(all))
	for i, s := range all {
		var err error
		if out[i], err = s.Restore(like[i].Shape()); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Rows makes a tensor of some entries along the first axis of another one.
func Rows(t *tensors.Tensor, from, to int) (*tensors.Tensor, error) {
	all, err := Save(t)
	if err != nil {
		return nil, err
	}
	row := len(all.Bytes) / all.Dims[0]
	shape := t.Shape().Clone()
	shape.Dimensions[0] = to - from
	part := Saved{DType: all.DType, Dims: shape.Dimensions, Bytes: all.Bytes[from*row : to*row]}
	return part.Restore(shape)
}
