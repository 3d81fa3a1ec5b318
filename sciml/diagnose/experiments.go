package diagnose

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/internal/usercode"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

// rounded is the mean change of the loss, relative to it, when each parameter is rounded once more, each time otherwise.
func rounded(obj *objective.Objective, theta []float64) (float64, error) {
	e, err := objective.NewEvaluator(obj)
	if err != nil {
		return 0, err
	}
	loss, _, err := e.At(theta)
	if err != nil {
		return 0, err
	}
	rng := rand.New(rand.NewPCG(1, 2))
	const tries = 8
	change, other := 0.0, make([]float64, len(theta))
	for range tries {
		for i, v := range theta {
			other[i] = v * (1 + device.Epsilon(obj.Precision())*(2*rng.Float64()-1))
		}
		there, _, err := e.At(other)
		if err != nil {
			return 0, err
		}
		change += math.Abs(there-loss) / tries
	}
	return change / math.Abs(loss), nil
}

// trial is what a few steps of a curvature method make of a result.
type trial struct {
	method     string
	iterations int
	gain       float64 // decades of the loss, and no more than those of the squared held-out residual
	from, to   float64 // losses
}

// trialTime is the most that an experiment takes, compilation included.
const trialTime = time.Minute

// try goes on from a θ by so many steps of Levenberg–Marquardt, or ten times as many of L-BFGS where that is not possible.
func (e *Evidence) try(ctx context.Context, given *objective.Objective, theta []float64, steps int) (trial, error) {
	obj := *given
	obj.Adaptation, obj.Remarks, obj.Terms = nil, nil, nil
	columns := 0
	if obj.Dim > 600 {
		columns = obj.Dim / 3
	}
	methods := []struct {
		optim.Method
		steps int
	}{{optim.LevenbergMarquardt{Geodesic: true, Columns: columns, MaxMemory: 1 << 30}, steps}, {optim.LBFGS{}, 10 * steps}}
	for i, m := range methods {
		r, err := optim.Minimize(ctx, &obj, theta, m.Method, optim.Options{MaxIterations: m.steps, MaxTime: trialTime})
		if i == 0 && (errors.Is(err, objective.ErrUnsuitable) || errors.Is(err, objective.ErrTooLarge)) {
			continue
		}
		if err != nil {
			return trial{}, err
		}
		if err := ctx.Err(); err != nil {
			return trial{}, err
		}
		t := trial{method: m.Name(), iterations: r.Iterations, to: r.Loss}
		if len(r.History.Records) > 0 {
			t.from = r.History.Records[0].Loss
		}
		if !(t.from > 0 && t.to >= 0) {
			return trial{}, fmt.Errorf("the loss went from %.3g to %.3g, of which there is no ratio", t.from, t.to)
		}
		t.gain = math.Log10(t.from / math.Max(t.to, math.SmallestNonzeroFloat64))
		if e.HeldOutAt != nil && known(e.HeldOut) && obj.Precision() == e.Objective.Precision() {
			there := 0.0
			if err := usercode.Call("Evidence.HeldOutAt", func() (err error) { there, err = e.HeldOutAt(ctx, r.Theta); return err }); err != nil {
				return trial{}, err
			}
			t.gain = math.Min(t.gain, 2*math.Log10(e.HeldOut/there))
		}
		return t, nil
	}
	return trial{}, errors.New("no method suits the loss")
}

// spread is the ratio of the largest curvature to the smallest that some Lanczos steps see, in the space that gradients go through.
func spread(obj *objective.Objective, theta []float64) (float64, error) {
	matrix := objective.GaussNewtonMatrix
	if obj.Residual == nil && obj.Pieces == nil {
		matrix = objective.HessianMatrix
	}
	c, err := objective.NewCurvature(obj, matrix)
	if err != nil {
		return 0, err
	}
	e, err := objective.NewEvaluator(obj)
	if err != nil {
		return 0, err
	}
	_, gradient, err := e.At(theta)
	if err != nil {
		return 0, err
	}
	at, err := c.At(theta)
	if err != nil {
		return 0, err
	}
	values, err := at.RitzValues(gradient, min(lanczosSteps, obj.Dim))
	if err != nil {
		return 0, err
	}
	if len(values) == 0 || !(values[0] > 0) {
		return 0, errors.New("no curvature is above zero")
	}
	least, rounding := values[0], float64(obj.Dim)*device.Epsilon(obj.Precision())*values[0]
	for _, v := range values {
		if v = math.Abs(v); v > rounding {
			least = math.Min(least, v)
		}
	}
	return values[0] / least, nil
}

// lanczosSteps take a product each.
const lanczosSteps = 30

// double is an objective in float64, with the data as they are; nil where it has data that cannot be read.
func double(obj *objective.Objective) *objective.Objective {
	in := *obj
	in.DType, in.Data = dtypes.Float64, slices.Clone(obj.Data)
	for i, d := range obj.Data {
		if d.DType() != dtypes.Float32 {
			continue
		}
		values, err := tensors.CopyFlatData[float32](d)
		if err != nil {
			return nil
		}
		wide := make([]float64, len(values))
		for k, v := range values {
			wide[k] = float64(v)
		}
		in.Data[i] = tensors.FromFlatDataAndDimensions(wide, d.Shape().Dimensions...)
	}
	return &in
}
