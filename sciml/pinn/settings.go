package pinn

import (
	"fmt"
	"strconv"
)

// Setting is an option, in words, that must not change within a training.
type Setting struct{ Name, Value string }

// Settings are those of the options that a training depends on, with the names of the fields, so that a resumed one can be
// compared with what it began with. What schemes and methods have as parameters is not among them, nor is the seed.
func (o Options) Settings() []Setting {
	refiner, weighting, form, sampler := "none", "none", "", ""
	if o.Refiner != nil {
		refiner = fmt.Sprintf("%s every %d iterations", o.Refiner.Name(), o.RefineEvery)
	}
	if o.Weighting != nil {
		weighting = fmt.Sprintf("%s every %d iterations", o.Weighting.Name(), o.WeightEvery)
	}
	if o.Form != nil {
		form = o.Form.Name()
	}
	if o.Sampler != nil {
		sampler = o.Sampler.Name()
	}
	return []Setting{
		{"Form", form},
		{"Interior", strconv.Itoa(o.Interior)},
		{"Boundary", strconv.Itoa(o.Boundary)},
		{"Sampler", sampler},
		{"Active", strconv.Itoa(o.Active)},
		{"Refiner", refiner},
		{"Soft", strconv.FormatBool(o.Soft)},
		{"BoundaryWeight", fmt.Sprint(o.BoundaryWeight)},
		{"Weights", fmt.Sprint(o.Weights)},
		{"Weighting", weighting},
		{"Laplacians", o.Laplacians.String()},
		{"PseudoTime", o.PseudoTime.String()},
		{"Metric", o.Metric.String()},
		{"DType", o.DType.String()},
	}
}
