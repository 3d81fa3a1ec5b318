package sciml

import (
	"context"
	"errors"
	"math"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/diagnose"
	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// Explain says what limits the training and what to try next, in words, each finding with its figures; see diagnose.Explain. It
// looks at the history and the residuals, and where these do not tell, makes some steps of another method from the result, which takes
// seconds. Of a solution that was loaded less is known; the explanation says what. One in windows of time is looked at without such steps, since its
// network is as large as those of all windows together.
func (s *Solution) Explain(ctx context.Context) (*diagnose.Explanation, error) {
	e, err := s.Evidence(ctx)
	if err != nil {
		return nil, err
	}
	return diagnose.Explain(ctx, e)
}

// slabs is the number of parts that time is looked at in.
const slabs = 20

// Evidence is what Explain looks at, for who wants to add to it, such as another Target.
func (s *Solution) Evidence(ctx context.Context) (diagnose.Evidence, error) {
	if err := s.ready(); err != nil {
		return diagnose.Evidence{}, err
	}
	e := evidenceOf(&s.Result.History, s.Result.Metrics)
	e.Result = s.Result
	e.Precision = s.model.Options().DType
	if s.Result.Status == optim.NonFinite && math.IsInf(s.Result.Loss, 1) {
		return e, nil // there is no result to look at
	}
	if e.HeldOut > 0 {
		e.HeldOutAt = s.heldOutAt
	}
	parts, err := s.model.Slabs(ctx, s.Result.Theta, slabs)
	if err != nil {
		return e, err
	}
	for _, p := range parts {
		e.Slabs = append(e.Slabs, diagnose.Slab(p))
	}
	terms, err := s.Terms()
	if errors.Is(err, errLoaded) {
		return e, nil
	}
	if err != nil {
		return e, err
	}
	_, strong := s.model.Options().Form.(pinn.StrongForm)
	square := 0.0
	for _, t := range terms {
		e.Terms = append(e.Terms, diagnose.Term{Name: t.Name, Loss: t.Loss})
		if t.Equation {
			square += t.Loss
		}
	}
	if strong {
		e.Trained = math.Sqrt(square)
	}
	if !s.left.loaded && s.windows == nil {
		e.Start = s.model.Init
		e.Objective, err = s.model.ObjectiveOf(s.left.adapter)
	}
	return e, err
}

// ExplainSoFar explains a training that is running, from its history alone: for Options.OnProgress.
func ExplainSoFar(ctx context.Context, h *optim.History) (*diagnose.Explanation, error) {
	if h == nil {
		return nil, errors.New("sciml: the history is nil, expected that of a training")
	}
	var metrics map[string]float64
	for _, r := range h.Records {
		if r.Metrics != nil {
			metrics = r.Metrics
		}
	}
	e := evidenceOf(h, metrics)
	e.Result = optim.Result{History: *h, Loss: h.Last().Loss}
	return diagnose.Explain(ctx, e)
}

// evidenceOf is what was measured of a training.
func evidenceOf(h *optim.History, metrics map[string]float64) diagnose.Evidence {
	e := diagnose.Evidence{HeldOut: metrics[pinn.HeldOutResidual], Error: metrics[pinn.RelativeL2]}
	if _, first := h.Metric(pinn.HeldOutResidual); len(first) > 0 {
		e.HeldOutFirst = first[0]
	}
	return e
}

func (s *Solution) heldOutAt(ctx context.Context, theta []float64) (float64, error) {
	t := device.Vector(s.model.Options().DType, theta)
	defer device.Free([]*tensors.Tensor{t})
	metrics, err := s.model.Monitor(ctx, t)
	return metrics[pinn.HeldOutResidual], err
}
