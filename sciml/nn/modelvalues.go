package nn

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"
	"github.com/gomlx/gomlx/ml/model"
)

// Init implements Network: the initial values that the model's own initializers give in a new store whose random
// generator has the seed. The same seed gives the same θ on the same back end. The model's store is left as it is.
//
// It panics if the back end fails, which FromModel tried.
func (m *Model) Init(seed uint64) []float64 {
	if m == nil || m.build == nil {
		return nil
	}
	theta, err := m.initial(seed)
	if err != nil {
		panic(fmt.Errorf("nn: initial values of %s: %w", m, err))
	}
	return theta
}

func (m *Model) initial(seed uint64) ([]float64, error) {
	fresh := model.NewStore()
	for path, value := range m.store.IterParams() {
		fresh.SetParam(path, value)
	}
	if err := fresh.SetRNGStateFromSeed(int64(seed)); err != nil {
		return nil, err
	}
	other := &Model{backend: m.backend, store: fresh, build: m.build, dtype: m.dtype, inputs: m.inputs, scope: m.scope}
	if err := other.discover(); err != nil {
		return nil, err
	}
	if err := fresh.InitializeVariables(m.backend, nil); err != nil {
		return nil, err
	}
	theta := make([]float64, m.params)
	for k, b := range m.blocks {
		v := fresh.GetVariable(m.trained[k].Path())
		if v == nil || v.Shape().Size() != b.Size() {
			return nil, fmt.Errorf("in a new store the model function makes no variable %q of shape %v, as it did in its own", m.trained[k].Path(), b.Dims)
		}
		if err := read(v, theta[b.Offset:b.Offset+b.Size()]); err != nil {
			return nil, err
		}
	}
	return theta, nil
}

// Theta returns the values of the model's variables in its store: where training goes on for a model that was trained
// before or loaded from a checkpoint. It returns an error if the store has lost one.
func (m *Model) Theta() ([]float64, error) {
	theta := make([]float64, m.params)
	for k, b := range m.blocks {
		if err := read(m.trained[k], theta[b.Offset:b.Offset+b.Size()]); err != nil {
			return nil, fmt.Errorf("nn: the parameters of %s: %w", m, err)
		}
	}
	return theta, nil
}

// Write gives the model's variables in its store the values θ, rounded to their type. The store is then that of an
// ordinary GoMLX model. It returns an error if theta has another length than NumParams.
func (m *Model) Write(theta []float64) error {
	if len(theta) != m.params {
		return fmt.Errorf("nn: theta has %d entries, expected %d for %s", len(theta), m.params, m)
	}
	for k, b := range m.blocks {
		value, err := converted(tensors.FromFlatDataAndDimensions(theta[b.Offset:b.Offset+b.Size()], b.Dims...), m.dtype)
		if err == nil {
			err = m.trained[k].SetValue(value)
		}
		if err != nil {
			return fmt.Errorf("nn: writing the variable %q of %s: %w", m.trained[k].Path(), m, err)
		}
	}
	return nil
}

// read copies the value of a variable.
func read(v *model.Variable, to []float64) error {
	value, err := v.Value()
	if err == nil {
		value, err = converted(value, dtypes.Float64)
	}
	if err != nil {
		return fmt.Errorf("the value of the variable %q: %w", v.Path(), err)
	}
	flat, err := tensors.CopyFlatData[float64](value)
	if err != nil {
		return fmt.Errorf("the value of the variable %q: %w", v.Path(), err)
	}
	copy(to, flat)
	return nil
}

// converted copies a tensor of float64 or float32 to either.
func converted(t *tensors.Tensor, to dtypes.DType) (*tensors.Tensor, error) {
	if t.DType() == to {
		return t.Clone()
	}
	if to == dtypes.Float32 {
		flat, err := tensors.CopyFlatData[float64](t)
		if err != nil {
			return nil, err
		}
		return tensors.FromFlatDataAndDimensions(rounded[float64, float32](flat), t.Shape().Dimensions...), nil
	}
	flat, err := tensors.CopyFlatData[float32](t)
	if err != nil {
		return nil, err
	}
	return tensors.FromFlatDataAndDimensions(rounded[float32, float64](flat), t.Shape().Dimensions...), nil
}

func rounded[From, To float32 | float64](from []From) []To {
	to := make([]To, len(from))
	for i, v := range from {
		to[i] = To(v)
	}
	return to
}
