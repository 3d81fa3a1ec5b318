package optim

import (
	"context"
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
	"github.com/gosciml/gosciml/sciml/objective"
)

// named are options whose functions return an error that names them where they panic, or panic with one.
func (o Options) named() Options {
	if monitor := o.Monitor; monitor != nil {
		o.Monitor = func(ctx context.Context, theta *tensors.Tensor) (metrics map[string]float64, err error) {
			err = usercode.Call("Options.Monitor", func() (err error) { metrics, err = monitor(ctx, theta); return err })
			return metrics, err
		}
	}
	if remark := o.Remark; remark != nil {
		o.Remark = func(ctx context.Context, theta *tensors.Tensor, h *History) (text string, err error) {
			err = usercode.Call("Options.Remark", func() (err error) { text, err = remark(ctx, theta, h); return err })
			return text, err
		}
	}
	if report := o.OnProgress; report != nil {
		o.OnProgress = func(h *History) error {
			return usercode.Call("Options.OnProgress", func() error { return report(h) })
		}
	}
	if extra := o.CheckpointExtra; extra != nil {
		o.CheckpointExtra = func() (data []byte, err error) {
			err = usercode.Call("Options.CheckpointExtra", func() (err error) { data, err = extra(); return err })
			return data, err
		}
	}
	if o.Until != nil {
		o.Until = guardedCriterion{"Options.Until", o.Until}
	}
	return o
}

// guarded is what f returns, or an error where it panics. Its own code knows better whose panic it is, where it can.
func guarded(f func() (*Result, error)) (r *Result, err error) {
	err = usercode.Call("", func() (err error) { r, err = f(); return err })
	return r, usercode.First(err)
}

// guardedAdaptation panics with an error that names it where an adaptation panics, or makes no sense.
type guardedAdaptation struct{ objective.Adaptation }

const adaptationName = "Objective.Adaptation"

// Every implements objective.Adaptation.
func (a guardedAdaptation) Every() int {
	return usercode.Build(adaptationName, func() int {
		n := a.Adaptation.Every()
		if n < 1 {
			panic(fmt.Errorf("optim: Every of %T is %d, expected at least 1", a.Adaptation, n))
		}
		return n
	})
}

// Begin implements objective.Adaptation.
func (a guardedAdaptation) Begin() objective.Adapter {
	return guardedAdapter{usercode.Build(adaptationName, func() objective.Adapter {
		adapter := a.Adaptation.Begin()
		if usercode.Nil(adapter) {
			panic(fmt.Errorf("optim: Begin of %T gives a nil Adapter", a.Adaptation))
		}
		return adapter
	})}
}

// guardedAdapter returns an error that names it where an adapter panics.
type guardedAdapter struct{ objective.Adapter }

// Adapt implements objective.Adapter.
func (a guardedAdapter) Adapt(ctx context.Context, now objective.Iterate) (data []*tensors.Tensor, err error) {
	err = usercode.Call(adaptationName, func() (err error) { data, err = a.Adapter.Adapt(ctx, now); return err })
	return data, err
}

// Save implements objective.Adapter.
func (a guardedAdapter) Save() (saved []byte, err error) {
	err = usercode.Call(adaptationName, func() (err error) { saved, err = a.Adapter.Save(); return err })
	return saved, err
}

// Load implements objective.Adapter.
func (a guardedAdapter) Load(saved []byte) error {
	return usercode.Call(adaptationName, func() error { return a.Adapter.Load(saved) })
}

// guardedCriterion panics with an error of that name where its criterion panics.
type guardedCriterion struct {
	name string
	Criterion
}

func (g guardedCriterion) check() error { return checkCriterion(g.Criterion) }

// Met implements Criterion.
func (c guardedCriterion) Met(phase []Record) (met bool, why string) {
	met = usercode.Build(c.name, func() bool { met, why = c.Criterion.Met(phase); return met })
	return met, why
}

// Next implements Criterion.
func (c guardedCriterion) Next(made int) int {
	return usercode.Build(c.name, func() int { return c.Criterion.Next(made) })
}

// nameOf is the name of a method, which is for errors when it has none.
func nameOf(m Method) (name string, err error) {
	err = usercode.Call(fmt.Sprintf("Name of the method %T", m), func() error { name = m.Name(); return nil })
	return name, err
}
