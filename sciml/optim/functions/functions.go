// Package functions has the classical test problems of unconstrained optimization, with starts and known minima: those
// of Moré, Garbow and Hillstrom (1981, "Testing unconstrained optimization software") and related ones that gonum has.
package functions

import (
	"slices"

	"gonum.org/v1/gonum/optimize/functions"
)

// Function is a smooth function of a vector with its gradient.
type Function interface {
	Func(x []float64) float64
	Grad(gradient, x []float64)
}

// Case is a function and a start of gonum's own tests.
type Case struct {
	Name  string
	F     Function
	Start []float64
	// Tolerance is for the norm of the gradient; 1e-6 when zero: see GradientTolerance.
	Tolerance float64
	// Minima are the known ones in this dimension that the function does not list. That of Biggs EXP5 is a local one, where
	// the Hessian has eigenvalues from 2e-4 to 10; most methods end there, SciPy's L-BFGS-B among them.
	Minima []float64
	// SciPy are the evaluations, until the norm of the gradient at an iterate is not above the tolerance, of BFGS and
	// L-BFGS-B in SciPy 1.17.1 (minimize with jac=True, norm=2, maxiter=2000, for L-BFGS-B ftol=gtol=0 and a callback, the
	// defaults otherwise) calling these functions of gonum; 0 where that was not reached.
	SciPy [2]int
	// Only are the methods that are to solve it, as in gonum's tests; all when empty.
	Only string
}

// GradientTolerance is the norm of the gradient at which a method is done.
func (c Case) GradientTolerance() float64 {
	if c.Tolerance == 0 {
		return 1e-6
	}
	return c.Tolerance
}

// Known are the values of the known minima in this dimension.
func (c Case) Known() []float64 {
	if c.F == nil {
		return slices.Clone(c.Minima)
	}
	all := slices.Clone(c.Minima)
	for _, m := range c.F.(interface{ Minima() []functions.Minimum }).Minima() {
		if len(m.X) == len(c.Start) {
			all = append(all, m.F)
		}
	}
	return all
}

// variably is the standard start of the variably dimensioned function.
func variably(n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = float64(n-i-1) / float64(n)
	}
	return x
}

func repeat(n int, v float64) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = v
	}
	return x
}

// Cases are those of Moré, Garbow and Hillstrom (1981, "Testing unconstrained optimization software") and related
// ones that gonum has, with the starts of its tests of methods that use gradients. What is left out: starts of dimension
// 1000 and 10000, which differ from that of dimension 100 in size alone.
var Cases = []Case{
	{Name: "Beale", F: functions.Beale{}, Start: []float64{1, 1}, SciPy: [2]int{17, 16}},
	{Name: "Beale, near", F: functions.Beale{}, Start: []float64{3.00001, 0.50001}, SciPy: [2]int{5, 8}},
	{Name: "Biggs EXP2", F: functions.BiggsEXP2{}, Start: []float64{1, 2}, SciPy: [2]int{17, 14}},
	{Name: "Biggs EXP2, near", F: functions.BiggsEXP2{}, Start: []float64{1.00001, 10.00001}, SciPy: [2]int{4, 6}},
	{Name: "Biggs EXP3", F: functions.BiggsEXP3{}, Start: []float64{1, 2, 1}, SciPy: [2]int{22, 24}},
	{Name: "Biggs EXP3, near", F: functions.BiggsEXP3{}, Start: []float64{1.00001, 10.00001, 3.00001}, SciPy: [2]int{15, 17}},
	{Name: "Biggs EXP4", F: functions.BiggsEXP4{}, Start: []float64{1, 2, 1, 1}, SciPy: [2]int{39, 36}},
	{Name: "Biggs EXP4, near", F: functions.BiggsEXP4{}, Start: []float64{1.00001, 10.00001, 1.00001, 5.00001}, SciPy: [2]int{5, 7}},
	{Name: "Biggs EXP5", F: functions.BiggsEXP5{}, Start: []float64{1, 2, 1, 1, 1}, Minima: []float64{0.0026499877314}, SciPy: [2]int{63, 57}},
	{Name: "Biggs EXP5, near", F: functions.BiggsEXP5{}, Start: []float64{1.00001, 10.00001, 1.00001, 5.00001, 4.00001}, SciPy: [2]int{5, 6}},
	{Name: "Biggs EXP6", F: functions.BiggsEXP6{}, Start: []float64{1, 2, 1, 1, 1, 1}, SciPy: [2]int{47, 44}},
	{Name: "Biggs EXP6, near", F: functions.BiggsEXP6{}, Start: []float64{1.00001, 10.00001, 1.00001, 5.00001, 4.00001, 3.00001}, SciPy: [2]int{5, 5}},
	{Name: "Box 3D", F: functions.Box3D{}, Start: []float64{0, 10, 20}, SciPy: [2]int{29, 39}},
	{Name: "Box 3D, near", F: functions.Box3D{}, Start: []float64{1.00001, 10.00001, 1.00001}, SciPy: [2]int{5, 8}},
	{Name: "Box 3D, near the line", F: functions.Box3D{}, Start: []float64{100.00001, 100.00001, 0.00001}, SciPy: [2]int{3, 3}},
	{Name: "Brown and Dennis", F: functions.BrownAndDennis{}, Start: []float64{25, 5, -5, -1}, Tolerance: 1e-3, SciPy: [2]int{35, 21}},
	{Name: "Brown badly scaled", F: functions.BrownBadlyScaled{}, Start: []float64{1, 1}, SciPy: [2]int{27, 27}},
	{Name: "Brown badly scaled, near", F: functions.BrownBadlyScaled{}, Start: []float64{1.000001e6, 2.01e-6}, SciPy: [2]int{12, 13}},
	{Name: "Gaussian", F: functions.Gaussian{}, Start: []float64{0.4, 1, 0}, SciPy: [2]int{6, 10}},
	{Name: "Gaussian 2", F: functions.Gaussian{}, Start: []float64{0.398, 1, 0}, SciPy: [2]int{6, 9}},
	{Name: "Gulf", F: functions.GulfResearchAndDevelopment{}, Start: []float64{5, 2.5, 0.15}, SciPy: [2]int{46, 58}},
	{Name: "Gulf, near", F: functions.GulfResearchAndDevelopment{}, Start: []float64{50.00001, 25.00001, 1.50001}, SciPy: [2]int{5, 9}},
	{Name: "Gulf, near 2", F: functions.GulfResearchAndDevelopment{}, Start: []float64{99.89529, 60.61453, 9.16124}, SciPy: [2]int{3, 4}},
	{Name: "Gulf, near 3", F: functions.GulfResearchAndDevelopment{}, Start: []float64{201.66258, 60.61633, 10.22489}, SciPy: [2]int{1, 1}},
	{Name: "helical valley", F: functions.HelicalValley{}, Start: []float64{-1, 0, 0}, SciPy: [2]int{35, 34}},
	{Name: "helical valley, near", F: functions.HelicalValley{}, Start: []float64{1.00001, 0.00001, 0.00001}, SciPy: [2]int{7, 14}},
	{Name: "penalty I, 10", F: functions.PenaltyI{}, Start: []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, SciPy: [2]int{122, 69}},
	{Name: "penalty I, 4 near", F: functions.PenaltyI{}, Start: repeat(4, 0.250007), SciPy: [2]int{3, 4}},
	{Name: "penalty I, 10 near", F: functions.PenaltyI{}, Start: repeat(10, 0.1581), SciPy: [2]int{3, 4}},
	{Name: "penalty II, 4", F: functions.PenaltyII{}, Start: repeat(4, 0.5), SciPy: [2]int{493, 418}},
	{Name: "penalty II, 4 near", F: functions.PenaltyII{}, Start: []float64{0.19999, 0.19131, 0.4801, 0.51884}, SciPy: [2]int{5, 7}},
	{Name: "penalty II, 10", F: functions.PenaltyII{}, Start: repeat(10, 0.5), SciPy: [2]int{710, 208}},
	{Name: "penalty II, 10 near", F: functions.PenaltyII{}, Start: []float64{0.19998, 0.01035, 0.01960, 0.03208, 0.04993, 0.07651, 0.11862, 0.19214, 0.34732, 0.36916}, SciPy: [2]int{5, 10}},
	{Name: "Powell badly scaled", F: functions.PowellBadlyScaled{}, Start: []float64{0, 1}, SciPy: [2]int{195, 0}},
	{Name: "Powell badly scaled, near", F: functions.PowellBadlyScaled{}, Start: []float64{1.09815e-05, 9.10614}, SciPy: [2]int{3, 3}},
	{Name: "Powell singular, 4", F: functions.ExtendedPowellSingular{}, Start: []float64{3, -1, 0, 3}, SciPy: [2]int{33, 42}},
	{Name: "Powell singular, 8", F: functions.ExtendedPowellSingular{}, Start: []float64{3, -1, 0, 3, 3, -1, 0, 3}, SciPy: [2]int{79, 48}},
	{Name: "Rosenbrock", F: functions.ExtendedRosenbrock{}, Start: []float64{-1.2, 1}, SciPy: [2]int{40, 45}},
	{Name: "Rosenbrock, near", F: functions.ExtendedRosenbrock{}, Start: []float64{1.00001, 1.00001}, SciPy: [2]int{5, 11}},
	{Name: "Rosenbrock, 3", F: functions.ExtendedRosenbrock{}, Start: []float64{-1.2, 1, -1.2}, SciPy: [2]int{34, 43}},
	{Name: "Rosenbrock, 3 near", F: functions.ExtendedRosenbrock{}, Start: []float64{1.00001, 1.00001, 1.00001}, SciPy: [2]int{11, 15}},
	{Name: "Rosenbrock, 3 far", F: functions.ExtendedRosenbrock{}, Start: []float64{-120, 100, 50}, SciPy: [2]int{501, 140}},
	{Name: "Rosenbrock, 4", F: functions.ExtendedRosenbrock{}, Start: []float64{-1.2, 1, -1.2, 1}, SciPy: [2]int{48, 47}},
	{Name: "Rosenbrock, 4 near", F: functions.ExtendedRosenbrock{}, Start: []float64{1.00001, 1.00001, 1.00001, 1.00001}, SciPy: [2]int{12, 16}},
	{Name: "Rosenbrock from 1e4", F: functions.ExtendedRosenbrock{}, Start: []float64{1e4, 1e4}, SciPy: [2]int{0, 502}, Only: "BFGS, L-BFGS, nonlinear CG"},
	{Name: "Rosenbrock from 1e5", F: functions.ExtendedRosenbrock{}, Start: []float64{1e5, 1e5}, SciPy: [2]int{0, 1066}, Only: "BFGS, L-BFGS"},
	{Name: "Rosenbrock from 1e7", F: functions.ExtendedRosenbrock{}, Start: []float64{1e7, 1e6}, SciPy: [2]int{0, 2213}, Only: "L-BFGS"},
	{Name: "sphere, 5", F: functions.Sphere{}, Start: []float64{0.00001, 1.00001, 2.00001, 3.00001, 4.00001}, Minima: []float64{0}, SciPy: [2]int{4, 3}},
	{Name: "sphere, 10", F: functions.Sphere{}, Start: []float64{0.00001, 1.00001, 2.00001, 3.00001, 4.00001, 5.00001, 6.00001, 7.00001, 8.00001, 9.00001}, Minima: []float64{0}, SciPy: [2]int{4, 4}},
	{Name: "trigonometric, 10", F: functions.Trigonometric{}, Start: repeat(10, 0.1), SciPy: [2]int{29, 33}},
	{Name: "trigonometric, 10 near", F: functions.Trigonometric{}, Start: []float64{0.042964, 0.043976, 0.045093, 0.046338, 0.047744, 0.049354, 0.051237, 0.195209, 0.164977, 0.060148}, SciPy: [2]int{3, 4}},
	{Name: "variably dimensioned, 2", F: functions.VariablyDimensioned{}, Start: variably(2), SciPy: [2]int{8, 7}},
	{Name: "variably dimensioned, 2 near", F: functions.VariablyDimensioned{}, Start: repeat(2, 1.00001), SciPy: [2]int{5, 6}},
	{Name: "variably dimensioned, 10", F: functions.VariablyDimensioned{}, Start: variably(10), SciPy: [2]int{22, 20}},
	{Name: "variably dimensioned, 10 near", F: functions.VariablyDimensioned{}, Start: repeat(10, 1.00001), SciPy: [2]int{7, 13}},
	{Name: "variably dimensioned, 100", F: functions.VariablyDimensioned{}, Start: variably(100), Minima: []float64{0}, SciPy: [2]int{41, 38}},
	{Name: "Watson, 6", F: functions.Watson{}, Start: repeat(6, 0), SciPy: [2]int{40, 60}},
	{Name: "Watson, 6 near", F: functions.Watson{}, Start: []float64{-0.01572, 1.01243, -0.23299, 1.26043, -1.51372, 0.99299}, SciPy: [2]int{9, 10}},
	{Name: "Watson, 9", F: functions.Watson{}, Start: repeat(9, 0), SciPy: [2]int{90, 264}},
	{Name: "Watson, 9 near", F: functions.Watson{}, Start: []float64{-1.53070e-05, 0.99978, 0.01476, 0.14634, 1.00082, -2.61773, 4.10440, -3.14361, 1.05262}, SciPy: [2]int{10, 19}},
	{Name: "Wood", F: functions.Wood{}, Start: []float64{-3, -1, -3, -1}, SciPy: [2]int{105, 113}},
}
