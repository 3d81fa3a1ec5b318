package diagnose_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/sciml/diagnose"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

// history is one of n iterations whose losses a function gives.
func history(n int, loss func(k float64) float64) optim.History {
	var h optim.History
	for k := range n {
		h.Records = append(h.Records, optim.Record{Iteration: k, Loss: loss(float64(k)), Phase: "Adam"})
	}
	return h
}

// TestExplainEvidence: what a history and a few numbers tell without an objective.
func TestExplainEvidence(t *testing.T) {
	still := history(400, func(k float64) float64 { return 1e-2 + math.Exp(-k/10) })
	falls := history(400, func(k float64) float64 { return math.Exp(-k / 40) })
	terms := func(first, last map[string]float64) optim.History {
		h := history(400, func(k float64) float64 { return 1e-2 + math.Exp(-k/10) })
		h.Records[0].Terms, h.Records[300].Terms = first, last
		return h
	}
	slabs := func(residuals ...float64) (all []diagnose.Slab) {
		for i, r := range residuals {
			all = append(all, diagnose.Slab{From: float64(i), To: float64(i + 1), Residual: r, Rate: 1})
		}
		return all
	}
	batches := history(400, func(k float64) float64 { return 1e-2 * (1.5 + math.Sin(k)) })
	for i := range batches.Records {
		if i%10 != 0 {
			batches.Records[i].Batch = 4
		}
	}
	for name, c := range map[string]struct {
		evidence diagnose.Evidence
		want     diagnose.Kind
	}{
		"nothing":                   {diagnose.Evidence{}, diagnose.Unfinished},
		"an error below the target": {diagnose.Evidence{Result: optim.Result{History: still}, Error: 5e-4}, diagnose.Good},
		"one above it":              {diagnose.Evidence{Result: optim.Result{History: still}, Error: 5e-4, Target: 1e-4}, diagnose.Plateau},
		"residuals that fell":       {diagnose.Evidence{Result: optim.Result{History: still}, HeldOut: 5e-4, HeldOutFirst: 1}, diagnose.Good},
		"residuals that fell, and an error": {diagnose.Evidence{Result: optim.Result{History: still}, HeldOut: 5e-4, HeldOutFirst: 1, Error: 0.3},
			diagnose.WrongSolution},
		"at rest":              {diagnose.Evidence{Result: optim.Result{History: still}}, diagnose.Plateau},
		"falling":              {diagnose.Evidence{Result: optim.Result{History: falls}}, diagnose.Unfinished},
		"ended by an error":    {diagnose.Evidence{Result: optim.Result{History: still, Status: optim.Failed, Message: "no"}, Error: 1e-9}, diagnose.Unfinished},
		"NaN":                  {diagnose.Evidence{Result: optim.Result{History: still, Status: optim.NonFinite}}, diagnose.Diverged},
		"NaN from the start":   {diagnose.Evidence{Result: optim.Result{History: history(3, func(float64) float64 { return math.NaN() })}}, diagnose.Diverged},
		"growing":              {diagnose.Evidence{Result: optim.Result{History: history(400, func(k float64) float64 { return math.Exp(k / 20) })}}, diagnose.Diverged},
		"without a gradient":   {diagnose.Evidence{Result: optim.Result{History: history(1, func(float64) float64 { return 1 }), Status: optim.Stationary}}, diagnose.NoGradient},
		"an energy":            {diagnose.Evidence{Result: optim.Result{History: history(400, func(k float64) float64 { return -k })}}, diagnose.Unclear},
		"overfitted":           {diagnose.Evidence{Result: optim.Result{History: falls}, Trained: 1e-3, HeldOut: 1e-1, HeldOutFirst: 1}, diagnose.Overfitted},
		"as elsewhere":         {diagnose.Evidence{Result: optim.Result{History: still}, Trained: 1e-1, HeldOut: 1.5e-1, HeldOutFirst: 1}, diagnose.Plateau},
		"batches that scatter": {diagnose.Evidence{Result: optim.Result{History: batches}}, diagnose.Noise},
		"an ignored term": {diagnose.Evidence{Result: optim.Result{History: terms(map[string]float64{"a": 1, "b": 1e-6}, map[string]float64{"a": 1e-4, "b": 1e-6})}},
			diagnose.Ignored},
		"one that is small enough": {diagnose.Evidence{Result: optim.Result{History: terms(map[string]float64{"a": 1, "b": 1e-6}, map[string]float64{"a": 1e-4, "b": 1e-6})},
			Terms: []diagnose.Term{{"a", 1e-4}, {"b", 1e-6}}}, diagnose.Plateau},
		"one that matters": {diagnose.Evidence{Result: optim.Result{History: terms(map[string]float64{"a": 1, "b": 1e-6}, map[string]float64{"a": 1e-4, "b": 1e-6})},
			Terms: []diagnose.Term{{"a", 1e-4}, {"b", 1}}}, diagnose.Ignored},
		"one that matters most": {diagnose.Evidence{Result: optim.Result{History: terms(map[string]float64{"a": 1, "b": 1e-6}, map[string]float64{"a": 1e-3, "b": 1e-6})},
			Terms: []diagnose.Term{{"a", 1e-3}, {"b", 1e-2}}}, diagnose.Ignored},
		"one that falls along": {diagnose.Evidence{Result: optim.Result{History: terms(map[string]float64{"a": 1, "b": 1e-6}, map[string]float64{"a": 1e-4, "b": 1e-9})}},
			diagnose.Plateau},
		"violated in the beginning": {diagnose.Evidence{Result: optim.Result{History: still}, Slabs: slabs(0.5, 0.3, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02)}, diagnose.WrongSolution},
		"violated everywhere":       {diagnose.Evidence{Result: optim.Result{History: still}, Slabs: slabs(0.5, 0.3, 0.4, 0.3, 0.5, 0.4, 0.3, 0.5)}, diagnose.Plateau},
		"hardly violated":           {diagnose.Evidence{Result: optim.Result{History: still}, Slabs: slabs(5e-2, 3e-2, 0, 0, 0, 0, 0, 0)}, diagnose.Plateau},
		"violated, and right":       {diagnose.Evidence{Result: optim.Result{History: still}, Error: 2e-3, Slabs: slabs(0.5, 0.3, 0.02, 0.02, 0.02, 0.02, 0.02, 0.02)}, diagnose.Plateau},
		"exact, without a residual": {diagnose.Evidence{Result: optim.Result{History: still}, Slabs: slabs(0, 0, 0, 0)}, diagnose.Plateau},
	} {
		x, err := diagnose.Explain(t.Context(), c.evidence)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := x.Primary().Kind; got != c.want {
			t.Errorf("%s: explained as %s, want %s", name, x, c.want)
		}
		if text := x.String(); strings.Contains(text, "NaN") && !strings.HasPrefix(name, "NaN") || strings.Contains(text, "Inf") || strings.Contains(text, "%!") {
			t.Errorf("%s: explained as %s", name, text)
		}
		if len(x.Unseen) == 0 {
			t.Errorf("%s: all is seen without an objective", name)
		}
	}
}

// TestExplainFunction: an objective without residuals, data and terms is tried by what suits it: an ill-conditioned quadratic that
// gradient descent does not get down.
func TestExplainFunction(t *testing.T) {
	obj, err := objective.FromFunction(2, func(theta, gradient []float64) float64 {
		gradient[0], gradient[1] = 2e4*theta[0], 2*theta[1]
		return 1e4*theta[0]*theta[0] + theta[1]*theta[1]
	})
	if err != nil {
		t.Fatal(err)
	}
	r, err := optim.Minimize(t.Context(), obj, []float64{1, 1}, optim.GradientDescent{Rate: 5e-5}, optim.Options{MaxIterations: 400})
	if err != nil {
		t.Fatal(err)
	}
	x, err := diagnose.Explain(t.Context(), diagnose.Evidence{Result: *r, Objective: obj})
	if err != nil {
		t.Fatal(err)
	}
	if x.Primary().Kind != diagnose.Plateau || !strings.Contains(x.Primary().Words, "L-BFGS") {
		t.Errorf("explained as %s, want a plateau, after a trial of L-BFGS", x)
	}
}

// TestExplainRefuses: evidence that makes no sense is named, and a context that is done ends it.
func TestExplainRefuses(t *testing.T) {
	for want, e := range map[string]diagnose.Evidence{
		"Evidence.HeldOut is -1": {HeldOut: -1},
		"Evidence.Target is -2":  {Target: -2},
		"Evidence.Error is NaN":  {Error: math.NaN()},
		"Objective.Backend":      {Objective: &objective.Objective{}},
	} {
		if _, err := diagnose.Explain(t.Context(), e); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v", want, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := diagnose.Explain(ctx, diagnose.Evidence{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a canceled context: %v", err)
	}
}
