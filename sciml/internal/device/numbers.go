package device

import (
	"math"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/tensors"
)

// Number reads a scalar of either precision.
func Number(t *tensors.Tensor) float64 {
	if t.DType() == dtypes.Float32 {
		return float64(tensors.ToScalar[float32](t))
	}
	return tensors.ToScalar[float64](t)
}

// Numbers reads a vector of either precision.
func Numbers(t *tensors.Tensor) ([]float64, error) {
	defer leaveOnDevice(t)()
	if t.DType() != dtypes.Float32 {
		return tensors.CopyFlatData[float64](t)
	}
	flat, err := tensors.CopyFlatData[float32](t)
	if err != nil {
		return nil, err
	}
	out := make([]float64, len(flat))
	for i, v := range flat {
		out[i] = float64(v)
	}
	return out, nil
}

// leaveOnDevice returns what frees the copy on the host that reading a tensor makes, unless it is there already.
func leaveOnDevice(t *tensors.Tensor) func() {
	if t.HasLocal() || !t.IsOnAnyDevice() {
		return func() {}
	}
	return t.FinalizeLocal
}

// Vector makes a tensor of shape [len(values)], in either precision.
func Vector(dtype dtypes.DType, values []float64) *tensors.Tensor {
	return Filled(shapes.Make(dtype, len(values)), values)
}

// Filled makes a tensor of any shape from its entries in row-major order. In single precision they are rounded.
func Filled(shape shapes.Shape, values []float64) *tensors.Tensor {
	if shape.DType != dtypes.Float32 {
		return made(tensors.FromFlatDataAndDimensions(values, shape.Dimensions...))
	}
	narrow := make([]float32, len(values))
	for i, v := range values {
		narrow[i] = float32(v)
	}
	return made(tensors.FromFlatDataAndDimensions(narrow, shape.Dimensions...))
}

// Scalar makes a tensor without axes.
func Scalar(dtype dtypes.DType, value float64) *tensors.Tensor {
	if dtype == dtypes.Float32 {
		return tensors.FromScalar(float32(value))
	}
	return tensors.FromScalar(value)
}

// Zeros makes a tensor of zeros for each shape.
func Zeros(all []shapes.Shape) []*tensors.Tensor {
	out := make([]*tensors.Tensor, len(all))
	for i, s := range all {
		out[i] = made(tensors.FromShape(s))
	}
	return out
}

// Finite reports whether v is neither NaN nor infinite.
func Finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// AllFinite reports whether there is neither NaN nor infinity among the values.
func AllFinite(values []float64) bool {
	for _, v := range values {
		if !Finite(v) {
			return false
		}
	}
	return true
}

// Epsilon is the rounding unit of a floating-point type.
func Epsilon(dtype dtypes.DType) float64 {
	if dtype == dtypes.Float32 {
		return 0x1p-23
	}
	return 0x1p-52
}
