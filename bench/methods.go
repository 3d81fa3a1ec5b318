package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/optim/search"
)

// named is a method by its name on the command line.
type named struct {
	name string
	make func() optim.Method
}

// methods in the order of the tables: from the simplest on.
var methods = []named{
	{"default", func() optim.Method { return nil }}, // sciml.Solve chooses
	{"gd", func() optim.Method { return optim.GradientDescent{Rate: 1e-4} }},
	{"bb", func() optim.Method { return optim.BarzilaiBorwein{Search: search.NonMonotone{}} }},
	{"momentum", func() optim.Method { return optim.Momentum{Rate: 1e-5} }},
	{"nesterov", func() optim.Method { return optim.Nesterov{Rate: 1e-5, Restart: optim.GradientRestart} }},
	{"cg-pr", func() optim.Method { return optim.NonlinearCG{Formula: optim.PolakRibierePlus} }},
	{"cg-hz", func() optim.Method { return optim.NonlinearCG{Formula: optim.CGDescent} }},
	{"adagrad", func() optim.Method { return optim.Adagrad{Rate: 1e-2} }},
	{"rmsprop", func() optim.Method { return optim.RMSProp{Rate: 1e-3} }},
	{"adam", func() optim.Method { return optim.Adam{Rate: 5e-3} }},
	{"adam-cosine", func() optim.Method { return optim.Adam{Rate: 5e-3, Schedule: optim.Cosine{Total: 10000}} }},
	{"amsgrad", func() optim.Method { return optim.Adam{Rate: 5e-3, AMSGrad: true} }},
	{"lion", func() optim.Method { return optim.Lion{Rate: 1e-4} }},
	{"muon", func() optim.Method { return optim.Muon{} }},
	{"sgd", func() optim.Method { return optim.SGD{Rate: 1e-5, Batches: objective.Batches{Size: 256}} }},
	{"svrg", func() optim.Method { return optim.SVRG{Rate: 1e-5, Batches: objective.Batches{Size: 256}} }},
	{"minibatch-adam", func() optim.Method {
		return optim.MiniBatch{Method: optim.Adam{Rate: 2e-3}, Batches: objective.Batches{Size: 256}}
	}},
	{"lbfgs", func() optim.Method { return optim.LBFGS{Memory: 50} }},
	{"lbfgs-hz", func() optim.Method { return optim.LBFGS{Memory: 50, Search: search.HagerZhang{}} }},
	{"bfgs", func() optim.Method { return optim.BFGS{} }},
	{"ssbfgs", func() optim.Method { return optim.SSBFGS{} }},
	{"ssbroyden", func() optim.Method { return optim.SSBroyden{} }},
	{"sr1", func() optim.Method { return optim.SR1{} }},
	{"lsr1", func() optim.Method { return optim.LSR1{} }},
	{"newton-cg", func() optim.Method { return optim.NewtonTrustRegion{} }},
	{"engd", func() optim.Method { return optim.ENGD{} }},
	{"nncg", func() optim.Method { return afterAdam(optim.NNCG{}) }},
	{"gn-cg", func() optim.Method { return optim.NewtonCG{Matrix: objective.GaussNewtonMatrix} }},
	{"subsampled-newton", func() optim.Method { return optim.SubsampledNewton{Matrix: objective.GaussNewtonMatrix} }},
	{"kfac", func() optim.Method { return optim.KFAC{Quadratic: true} }},
	{"spring", func() optim.Method { return optim.SPRING{} }},
	{"sketched-gn", func() optim.Method { return optim.SketchedGaussNewton{} }},
	{"shampoo", func() optim.Method { return optim.Shampoo{} }},
	{"soap", func() optim.Method { return optim.SOAP{Rate: 1e-2} }},
	{"nystrom-lbfgs", func() optim.Method {
		return optim.Preconditioned{Method: optim.LBFGS{Memory: 50}, By: optim.NystromPreconditioner{}}
	}},
	{"block-lbfgs", func() optim.Method {
		return optim.Preconditioned{Method: optim.LBFGS{Memory: 50}, By: optim.BlockDiagonal{}}
	}},
	{"kronecker-lbfgs", func() optim.Method {
		return optim.Preconditioned{Method: optim.LBFGS{Memory: 50}, By: optim.Kronecker{}}
	}},
	{"lm", func() optim.Method { return optim.LevenbergMarquardt{} }},
	{"lm-geodesic", func() optim.Method { return optim.LevenbergMarquardt{Geodesic: true} }},
	{"lm-subspace", func() optim.Method { return optim.LevenbergMarquardt{Geodesic: true, Columns: 450, AdaptEvery: 10} }},
	{"adam+lm", func() optim.Method { return afterAdam(optim.LevenbergMarquardt{}) }},
	{"adam+lm-geodesic", func() optim.Method { return afterAdam(optim.LevenbergMarquardt{Geodesic: true}) }},
	{"adam+lbfgs", func() optim.Method { return afterAdam(optim.LBFGS{Memory: 50}) }},
	{"adam+ssbroyden", func() optim.Method { return afterAdam(optim.SSBroyden{}) }},
}

func afterAdam(m optim.Method) optim.Method {
	until := optim.AnyOf{optim.Iterations(1000), optim.Stalled{}}
	return optim.Hybrid{{Method: optim.Adam{Rate: 5e-3}, Until: until}, {Method: m}}
}

// auto is another name of "default", the method that sciml.Solve chooses.
const auto = "auto"

// method makes the method of a name.
func method(name string) (optim.Method, error) {
	if name == auto {
		name = "default"
	}
	i := slices.IndexFunc(methods, func(m named) bool { return m.name == name })
	if i < 0 {
		return nil, fmt.Errorf("-method is %q, expected one of %q", name, methodNames())
	}
	return methods[i].make(), nil
}

func methodNames() []string {
	names := make([]string, len(methods))
	for i, m := range methods {
		names[i] = m.name
	}
	return names
}

// chosenMethods are names separated by commas; the fallback when there are none.
func chosenMethods(text string, fallback []string) ([]string, error) {
	if text == "" {
		return fallback, nil
	}
	names := strings.Split(text, ",")
	for _, name := range names {
		if _, err := method(name); err != nil {
			return nil, err
		}
	}
	return names, nil
}
