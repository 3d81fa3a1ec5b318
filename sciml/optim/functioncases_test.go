package optim_test

import (
	"gonum.org/v1/gonum/optimize/functions"
)

// testFunction is one of gonum's functions.
type testFunction interface {
	Func(x []float64) float64
	Grad(gradient, x []float64)
}

// functionCase is a function and a start of gonum's own tests.
type functionCase struct {
	name  string
	f     testFunction
	start []float64
	// tolerance is for the norm of the gradient; 1e-6 when zero.
	tolerance float64
	// minima are the known ones in this dimension that the function does not list. That of Biggs EXP5 is a local one, where
	// the Hessian has eigenvalues from 2e-4 to 10; most methods end there, SciPy's L-BFGS-B among them.
	minima []float64
	// scipy are the evaluations, until the norm of the gradient at an iterate is not above the tolerance, of BFGS and
	// L-BFGS-B in SciPy 1.17.1 (minimize with jac=True, norm=2, maxiter=2000, for L-BFGS-B ftol=gtol=0 and a callback, the
	// defaults otherwise) calling these functions of gonum; 0 where that was not reached.
	scipy [2]int
	// only are the methods that are to solve it, as in gonum's tests; all when empty.
	only string
}

func (c functionCase) gradientTolerance() float64 {
	if c.tolerance == 0 {
		return 1e-6
	}
	return c.tolerance
}

// known are the values of the known minima in this dimension.
func (c functionCase) known() []float64 {
	all := c.minima
	for _, m := range c.f.(interface{ Minima() []functions.Minimum }).Minima() {
		if len(m.X) == len(c.start) {
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

// functionCases are those of Moré, Garbow and Hillstrom (1981, "Testing unconstrained optimization software") and related
// ones that gonum has, with the starts of its tests of methods that use gradients. What is left out: starts of dimension
// 1000 and 10000, which differ from that of dimension 100 in size alone.
var functionCases = []functionCase{
	{name: "Beale", f: functions.Beale{}, start: []float64{1, 1}, scipy: [2]int{17, 16}},
	{name: "Beale, near", f: functions.Beale{}, start: []float64{3.00001, 0.50001}, scipy: [2]int{5, 8}},
	{name: "Biggs EXP2", f: functions.BiggsEXP2{}, start: []float64{1, 2}, scipy: [2]int{17, 14}},
	{name: "Biggs EXP2, near", f: functions.BiggsEXP2{}, start: []float64{1.00001, 10.00001}, scipy: [2]int{4, 6}},
	{name: "Biggs EXP3", f: functions.BiggsEXP3{}, start: []float64{1, 2, 1}, scipy: [2]int{22, 24}},
	{name: "Biggs EXP3, near", f: functions.BiggsEXP3{}, start: []float64{1.00001, 10.00001, 3.00001}, scipy: [2]int{15, 17}},
	{name: "Biggs EXP4", f: functions.BiggsEXP4{}, start: []float64{1, 2, 1, 1}, scipy: [2]int{39, 36}},
	{name: "Biggs EXP4, near", f: functions.BiggsEXP4{}, start: []float64{1.00001, 10.00001, 1.00001, 5.00001}, scipy: [2]int{5, 7}},
	{name: "Biggs EXP5", f: functions.BiggsEXP5{}, start: []float64{1, 2, 1, 1, 1}, minima: []float64{0.0026499877314}, scipy: [2]int{63, 57}},
	{name: "Biggs EXP5, near", f: functions.BiggsEXP5{}, start: []float64{1.00001, 10.00001, 1.00001, 5.00001, 4.00001}, scipy: [2]int{5, 6}},
	{name: "Biggs EXP6", f: functions.BiggsEXP6{}, start: []float64{1, 2, 1, 1, 1, 1}, scipy: [2]int{47, 44}},
	{name: "Biggs EXP6, near", f: functions.BiggsEXP6{}, start: []float64{1.00001, 10.00001, 1.00001, 5.00001, 4.00001, 3.00001}, scipy: [2]int{5, 5}},
	{name: "Box 3D", f: functions.Box3D{}, start: []float64{0, 10, 20}, scipy: [2]int{29, 39}},
	{name: "Box 3D, near", f: functions.Box3D{}, start: []float64{1.00001, 10.00001, 1.00001}, scipy: [2]int{5, 8}},
	{name: "Box 3D, near the line", f: functions.Box3D{}, start: []float64{100.00001, 100.00001, 0.00001}, scipy: [2]int{3, 3}},
	{name: "Brown and Dennis", f: functions.BrownAndDennis{}, start: []float64{25, 5, -5, -1}, tolerance: 1e-3, scipy: [2]int{35, 21}},
	{name: "Brown badly scaled", f: functions.BrownBadlyScaled{}, start: []float64{1, 1}, scipy: [2]int{27, 27}},
	{name: "Brown badly scaled, near", f: functions.BrownBadlyScaled{}, start: []float64{1.000001e6, 2.01e-6}, scipy: [2]int{12, 13}},
	{name: "Gaussian", f: functions.Gaussian{}, start: []float64{0.4, 1, 0}, scipy: [2]int{6, 10}},
	{name: "Gaussian 2", f: functions.Gaussian{}, start: []float64{0.398, 1, 0}, scipy: [2]int{6, 9}},
	{name: "Gulf", f: functions.GulfResearchAndDevelopment{}, start: []float64{5, 2.5, 0.15}, scipy: [2]int{46, 58}},
	{name: "Gulf, near", f: functions.GulfResearchAndDevelopment{}, start: []float64{50.00001, 25.00001, 1.50001}, scipy: [2]int{5, 9}},
	{name: "Gulf, near 2", f: functions.GulfResearchAndDevelopment{}, start: []float64{99.89529, 60.61453, 9.16124}, scipy: [2]int{3, 4}},
	{name: "Gulf, near 3", f: functions.GulfResearchAndDevelopment{}, start: []float64{201.66258, 60.61633, 10.22489}, scipy: [2]int{1, 1}},
	{name: "helical valley", f: functions.HelicalValley{}, start: []float64{-1, 0, 0}, scipy: [2]int{35, 34}},
	{name: "helical valley, near", f: functions.HelicalValley{}, start: []float64{1.00001, 0.00001, 0.00001}, scipy: [2]int{7, 14}},
	{name: "penalty I, 10", f: functions.PenaltyI{}, start: []float64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, scipy: [2]int{122, 69}},
	{name: "penalty I, 4 near", f: functions.PenaltyI{}, start: repeat(4, 0.250007), scipy: [2]int{3, 4}},
	{name: "penalty I, 10 near", f: functions.PenaltyI{}, start: repeat(10, 0.1581), scipy: [2]int{3, 4}},
	{name: "penalty II, 4", f: functions.PenaltyII{}, start: repeat(4, 0.5), scipy: [2]int{493, 418}},
	{name: "penalty II, 4 near", f: functions.PenaltyII{}, start: []float64{0.19999, 0.19131, 0.4801, 0.51884}, scipy: [2]int{5, 7}},
	{name: "penalty II, 10", f: functions.PenaltyII{}, start: repeat(10, 0.5), scipy: [2]int{710, 208}},
	{name: "penalty II, 10 near", f: functions.PenaltyII{}, start: []float64{0.19998, 0.01035, 0.01960, 0.03208, 0.04993, 0.07651, 0.11862, 0.19214, 0.34732, 0.36916}, scipy: [2]int{5, 10}},
	{name: "Powell badly scaled", f: functions.PowellBadlyScaled{}, start: []float64{0, 1}, scipy: [2]int{195, 0}},
	{name: "Powell badly scaled, near", f: functions.PowellBadlyScaled{}, start: []float64{1.09815e-05, 9.10614}, scipy: [2]int{3, 3}},
	{name: "Powell singular, 4", f: functions.ExtendedPowellSingular{}, start: []float64{3, -1, 0, 3}, scipy: [2]int{33, 42}},
	{name: "Powell singular, 8", f: functions.ExtendedPowellSingular{}, start: []float64{3, -1, 0, 3, 3, -1, 0, 3}, scipy: [2]int{79, 48}},
	{name: "Rosenbrock", f: functions.ExtendedRosenbrock{}, start: []float64{-1.2, 1}, scipy: [2]int{40, 45}},
	{name: "Rosenbrock, near", f: functions.ExtendedRosenbrock{}, start: []float64{1.00001, 1.00001}, scipy: [2]int{5, 11}},
	{name: "Rosenbrock, 3", f: functions.ExtendedRosenbrock{}, start: []float64{-1.2, 1, -1.2}, scipy: [2]int{34, 43}},
	{name: "Rosenbrock, 3 near", f: functions.ExtendedRosenbrock{}, start: []float64{1.00001, 1.00001, 1.00001}, scipy: [2]int{11, 15}},
	{name: "Rosenbrock, 3 far", f: functions.ExtendedRosenbrock{}, start: []float64{-120, 100, 50}, scipy: [2]int{501, 140}},
	{name: "Rosenbrock, 4", f: functions.ExtendedRosenbrock{}, start: []float64{-1.2, 1, -1.2, 1}, scipy: [2]int{48, 47}},
	{name: "Rosenbrock, 4 near", f: functions.ExtendedRosenbrock{}, start: []float64{1.00001, 1.00001, 1.00001, 1.00001}, scipy: [2]int{12, 16}},
	{name: "Rosenbrock from 1e4", f: functions.ExtendedRosenbrock{}, start: []float64{1e4, 1e4}, scipy: [2]int{0, 502}, only: "BFGS, L-BFGS, nonlinear CG"},
	{name: "Rosenbrock from 1e5", f: functions.ExtendedRosenbrock{}, start: []float64{1e5, 1e5}, scipy: [2]int{0, 1066}, only: "BFGS, L-BFGS"},
	{name: "Rosenbrock from 1e7", f: functions.ExtendedRosenbrock{}, start: []float64{1e7, 1e6}, scipy: [2]int{0, 2213}, only: "L-BFGS"},
	{name: "sphere, 5", f: functions.Sphere{}, start: []float64{0.00001, 1.00001, 2.00001, 3.00001, 4.00001}, minima: []float64{0}, scipy: [2]int{4, 3}},
	{name: "sphere, 10", f: functions.Sphere{}, start: []float64{0.00001, 1.00001, 2.00001, 3.00001, 4.00001, 5.00001, 6.00001, 7.00001, 8.00001, 9.00001}, minima: []float64{0}, scipy: [2]int{4, 4}},
	{name: "trigonometric, 10", f: functions.Trigonometric{}, start: repeat(10, 0.1), scipy: [2]int{29, 33}},
	{name: "trigonometric, 10 near", f: functions.Trigonometric{}, start: []float64{0.042964, 0.043976, 0.045093, 0.046338, 0.047744, 0.049354, 0.051237, 0.195209, 0.164977, 0.060148}, scipy: [2]int{3, 4}},
	{name: "variably dimensioned, 2", f: functions.VariablyDimensioned{}, start: variably(2), scipy: [2]int{8, 7}},
	{name: "variably dimensioned, 2 near", f: functions.VariablyDimensioned{}, start: repeat(2, 1.00001), scipy: [2]int{5, 6}},
	{name: "variably dimensioned, 10", f: functions.VariablyDimensioned{}, start: variably(10), scipy: [2]int{22, 20}},
	{name: "variably dimensioned, 10 near", f: functions.VariablyDimensioned{}, start: repeat(10, 1.00001), scipy: [2]int{7, 13}},
	{name: "variably dimensioned, 100", f: functions.VariablyDimensioned{}, start: variably(100), minima: []float64{0}, scipy: [2]int{41, 38}},
	{name: "Watson, 6", f: functions.Watson{}, start: repeat(6, 0), scipy: [2]int{40, 60}},
	{name: "Watson, 6 near", f: functions.Watson{}, start: []float64{-0.01572, 1.01243, -0.23299, 1.26043, -1.51372, 0.99299}, scipy: [2]int{9, 10}},
	{name: "Watson, 9", f: functions.Watson{}, start: repeat(9, 0), scipy: [2]int{90, 264}},
	{name: "Watson, 9 near", f: functions.Watson{}, start: []float64{-1.53070e-05, 0.99978, 0.01476, 0.14634, 1.00082, -2.61773, 4.10440, -3.14361, 1.05262}, scipy: [2]int{10, 19}},
	{name: "Wood", f: functions.Wood{}, start: []float64{-3, -1, -3, -1}, scipy: [2]int{105, 113}},
}
