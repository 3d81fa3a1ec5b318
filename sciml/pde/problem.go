// Package pde states boundary-value problems for physics-informed training, with reference solutions to compare to.
//
// A problem is a domain, equations and conditions whose residuals vanish at the solution, and, where one is known,
// the exact or a reference solution. Residuals are graph-building functions of the unknowns and their derivatives:
//
//	heat := pde.Equation{Name: "heat", Residual: func(u *pde.Fields) *graph.Node {
//		return graph.Sub(u.D("t"), u.D("x", "x"))
//	}}
//
// is ∂u/∂t = ∂²u/∂x². A residual has one row for each point: shape [N] or [N, components]. Conditions are made by
// Dirichlet, Neumann, Robin, Periodic, Initial, InitialRate, Measured, MeasuredMeans, Integral and BoundaryIntegral, or written
// as residuals themselves; Robust makes one less sensitive to outliers.
//
// Catalogue lists the problems that come with the package.
package pde

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
)

// Field is a solution that can be computed at any point of a domain: one value for each unknown.
type Field = func(point []float64) []float64

// Function builds a function of points: from shape [N, d] to [N, 1], or to [N] which is as good.
type Function = func(x *graph.Node) *graph.Node

// Ansatz builds u, shape [N, m], at points x of shape [N, d] from a network, which maps points of that shape to [N, m] and
// may be taken at other points as well: at their mirror images (see Odd), or on the boundary.
type Ansatz = func(x *graph.Node, network Function) *graph.Node

// Problem is a differential equation on a domain with its conditions. Only Coordinates, Unknowns, Domain and Equations
// are required.
type Problem struct {
	// Name identifies the problem, with its parameters; Key is short, for command lines, such as "burgers".
	Name, Key string
	// Coordinates and Unknowns name the entries of x and of u, for example {"x", "t"} and {"u"}. Time, where there is
	// any, is called "t". Coordinates that the domain names have the same names, in the same order.
	Coordinates, Unknowns []string
	// Coefficients are unknown numbers that are found along with u: an inverse problem.
	Coefficients []Coefficient
	// Domain is where the equations hold; its boundary is where the conditions hold.
	Domain Domain
	// Equations hold in the interior, Conditions on the boundary or at points of their own. Their names differ; a loss
	// calls those without one "equation 0", "condition 0" and so on.
	Equations  []Equation
	Conditions []Condition

	// Ansatz makes of any network a function that satisfies conditions exactly, such as lift + distance·network: see
	// DistanceAndLift. Nil when there is none.
	Ansatz Ansatz
	// Periods has a period for each coordinate, 0 for none, that a network is to have exactly: its input becomes
	// cos(2πx/p), sin(2πx/p). Nil when there are none.
	Periods []float64
	// Exactly names the conditions, and equations if there are any, that Ansatz and Periods satisfy. The others are penalized. When
	// nil, all those conditions count that are found to be satisfied for random networks.
	Exactly []string

	// Energy builds the density, shape [N] or [N, 1], whose mean over the domain is least at the solution (deep Ritz,
	// E and Yu 2018), given that u satisfies the conditions. Nil when there is none.
	Energy func(u *Fields) *graph.Node
	// Weak states equations in variational form. Nil when there is none.
	Weak []WeakForm

	// Exact is the exact solution. Nil when it has no closed form.
	Exact Field
	// Reference computes a numerical solution to compare to, or takes it from a cache; it may take minutes. Nil when
	// there is none, or Exact is there.
	Reference func(ctx context.Context) (Field, error)
	// Compare names the unknowns whose error is measured; nil means all.
	Compare []string
	// Suggested is a set-up that works for the problem.
	Suggested Setup
	// Source says where the problem is taken from.
	Source string

	refused error // why the catalogue could not make it from its parameters
}

// Setup is what suits a problem: sizes of networks and point sets. Zero fields leave the choice to the defaults.
type Setup struct {
	// Hidden are the widths of the hidden layers, Activation their activation by its name in package nn, such as "sin".
	Hidden     []int
	Activation string
	// Rank asks for a separable network of so many products (nn.Separable), with Hidden for each coordinate; 0 for an MLP. It suits
	// a solution in many dimensions that is a sum of few products of functions of one coordinate, or nearly so.
	Rank int
	// Stretch has a number for each coordinate, whose interval is scaled to [−Stretch, Stretch] before it enters the
	// network: above 1 where the solution oscillates much. Coordinates with a period are not scaled. Nil means ones.
	Stretch []float64
	// Amplify multiplies what the network gives at first, and its changes with it. Above 1 a network is closer to a linear function of its
	// parameters, below 1 it learns more by its hidden layers; which one suits is found by trying. When zero it is 1, unless
	// unknowns are seen to be of another size; otherwise nobody looks at sizes.
	Amplify float64
	// Harmonics is the number of harmonics of each coordinate with a period that the network sees: more than one where the solution
	// has steep fronts or short waves. 0 for one.
	Harmonics int
	// Interior and Boundary are the numbers of collocation points of each equation and each condition.
	Interior, Boundary int
	// BoundaryWeight multiplies the penalties of the conditions.
	BoundaryWeight float64
	// Windows is the number of windows of time that an evolution is trained in, one after the other; 0 for one.
	Windows int
	// Path is a way to the problem through others; see Along. Nil for none.
	Path *Path
	// Resample is the number of iterations after which the points are moved to where the residual is large; 0 for never.
	Resample int
}

// Equation is a residual that vanishes in the interior.
type Equation struct {
	Name     string
	Residual func(u *Fields) *graph.Node
}

// WeakForm is an equation tested with functions v that vanish on the boundary: ∫ flux·∇v + source·v dx = 0 for all v.
// For −∇·(a∇u) = f the flux is a∇u and the source −f.
type WeakForm struct {
	Name string
	// Terms builds the flux (shape [N, d]) and the source (shape [N, 1]; nil for none).
	Terms func(u *Fields) (flux, source *graph.Node)
}

// Check reports the first thing missing or inconsistent in the problem.
func (p *Problem) Check() error {
	if p == nil {
		return errors.New("pde: the problem is nil")
	}
	return usercode.Call(fmt.Sprintf("Domain of problem %q", p.Name), p.check) // the rest of what is the user's has names of its own
}

func (p *Problem) check() error {
	switch {
	case p.refused != nil:
		return p.refused
	case p.Domain == nil:
		return fmt.Errorf("pde: problem %q has no Domain", p.Name)
	case CheckDomain(p.Domain) != nil:
		return usercode.First(fmt.Errorf("%w, in problem %q", CheckDomain(p.Domain), p.Name))
	case len(p.Coordinates) != p.Domain.Dim():
		return fmt.Errorf("pde: problem %q names %d coordinates %q, expected %d as its domain has", p.Name, len(p.Coordinates), p.Coordinates, p.Domain.Dim())
	case len(p.Unknowns) == 0:
		return fmt.Errorf("pde: problem %q names no unknowns, expected at least one", p.Name)
	case len(p.Equations) == 0 && p.Energy == nil && len(p.Weak) == 0:
		return fmt.Errorf("pde: problem %q has no equations, expected at least one (or an Energy, or a Weak form)", p.Name)
	case p.Periods != nil && len(p.Periods) != len(p.Coordinates):
		return fmt.Errorf("pde: problem %q has %d Periods, expected one for each of its %d coordinates", p.Name, len(p.Periods), len(p.Coordinates))
	}
	for _, period := range p.Periods {
		if !(period >= 0) || math.IsInf(period, 0) {
			return fmt.Errorf("pde: a period of problem %q is %v, expected a finite number above 0 (or 0 for none)", p.Name, period)
		}
	}
	if s := p.Suggested.Stretch; s != nil && (len(s) != len(p.Coordinates) || !positive(s...)) {
		return fmt.Errorf("pde: Suggested.Stretch of problem %q is %v, expected a finite number above 0 for each of its %d coordinates", p.Name, s, len(p.Coordinates))
	}
	if err := distinct(p.Name, "coordinates", p.Coordinates); err != nil {
		return err
	}
	if err := distinct(p.Name, "unknowns", p.Unknowns); err != nil {
		return err
	}
	if err := p.checkOrder(); err != nil {
		return err
	}
	if err := p.checkCoefficients(); err != nil {
		return err
	}
	if err := p.checkTerms(); err != nil {
		return err
	}
	for i, name := range p.Compare {
		if index(p.Unknowns, name) < 0 {
			return fmt.Errorf("pde: Compare of problem %q names %q, expected some of its unknowns %q", p.Name, name, p.Unknowns)
		}
		if index(p.Compare[:i], name) >= 0 {
			return fmt.Errorf("pde: Compare of problem %q names %q twice, expected each unknown at most once", p.Name, name)
		}
	}
	if err := p.Suggested.check(p.Name); err != nil {
		return err
	}
	return p.checkExact()
}

// check reports numbers that are none of a set-up. Names of activations are for package nn to know.
func (s Setup) check(problem string) error {
	for i, width := range s.Hidden {
		if width < 1 {
			return fmt.Errorf("pde: Suggested.Hidden of problem %q is %v, expected widths of at least 1, but entry %d is %d", problem, s.Hidden, i, width)
		}
	}
	for _, count := range []struct {
		field string
		value int
	}{{"Rank", s.Rank}, {"Interior", s.Interior}, {"Boundary", s.Boundary}, {"Resample", s.Resample}, {"Windows", s.Windows}, {"Harmonics", s.Harmonics}} {
		if count.value < 0 {
			return fmt.Errorf("pde: Suggested.%s of problem %q is %d, expected at least 1 (or 0 for the default)", count.field, problem, count.value)
		}
	}
	if a := s.Amplify; !(a >= 0) || math.IsInf(a, 0) {
		return fmt.Errorf("pde: Suggested.Amplify of problem %q is %v, expected a finite number above 0 (or 0 for 1)", problem, a)
	}
	if w := s.BoundaryWeight; !(w >= 0) || math.IsInf(w, 0) {
		return fmt.Errorf("pde: Suggested.BoundaryWeight of problem %q is %v, expected a finite number above 0 (or 0 for the default)", problem, w)
	}
	if s.Path != nil {
		return s.Path.check(problem)
	}
	return nil
}

func (p *Problem) checkTerms() error {
	var names []string
	for i, e := range p.Equations {
		if e.Residual == nil {
			return fmt.Errorf("pde: equation %d (%q) of problem %q has no Residual", i, e.Name, p.Name)
		}
		names = append(names, e.Name)
	}
	known := map[string]bool{}
	for _, patch := range p.Domain.Boundary() {
		known[patch.Name] = true
	}
	for i, c := range p.NamedConditions() {
		if err := c.check(p, known); err != nil {
			return usercode.First(fmt.Errorf("pde: condition %d (%q) of problem %q %w", i, c.Name, p.Name, err))
		}
		names = append(names, c.Name)
	}
	if err := distinct(p.Name, "equations or conditions", names); err != nil {
		return err
	}
	for i, w := range p.Weak {
		if w.Terms == nil {
			return fmt.Errorf("pde: weak form %d (%q) of problem %q has no Terms", i, w.Name, p.Name)
		}
	}
	if p.Exactly != nil && p.Ansatz == nil && !p.periodic() {
		return fmt.Errorf("pde: problem %q says that the conditions %q hold exactly, but has neither an Ansatz nor Periods", p.Name, p.Exactly)
	}
	for _, name := range p.Exactly {
		if index(names, name) < 0 {
			return fmt.Errorf("pde: Exactly of problem %q names %q, expected some of its equations and conditions %q", p.Name, name, names)
		}
	}
	return nil
}

func (p *Problem) checkExact() error {
	if p.Exact == nil {
		return nil
	}
	lo, hi := p.Domain.Bounds()
	middle := make([]float64, len(lo))
	for i := range lo {
		middle[i] = (lo[i] + hi[i]) / 2
	}
	var got int
	if err := usercode.Call(fmt.Sprintf("Exact of problem %q", p.Name), func() error { got = len(p.Exact(middle)); return nil }); err != nil {
		return err
	}
	if got != len(p.Unknowns) {
		return fmt.Errorf("pde: Exact of problem %q gives %d values, expected %d, one for each unknown", p.Name, got, len(p.Unknowns))
	}
	return nil
}

// Solution is the exact solution, or else the reference, or nil when there is neither. Computing a reference may take
// minutes, unless it is in its cache; ctx cancels that.
func (p *Problem) Solution(ctx context.Context) (Field, error) {
	if p == nil {
		return nil, errors.New("pde: the problem is nil")
	}
	if err := usercode.CheckContext("pde", ctx); err != nil {
		return nil, err
	}
	if p.Exact != nil || p.Reference == nil {
		return p.Exact, nil
	}
	var f Field
	err := usercode.Call(fmt.Sprintf("Reference of problem %q", p.Name), func() (err error) {
		f, err = p.Reference(ctx)
		return err
	})
	if err == nil && f == nil {
		err = errors.New("it is nil, expected a function of points")
	}
	if err != nil {
		return nil, usercode.First(fmt.Errorf("pde: the reference solution of %q: %w", p.Name, err))
	}
	return f, nil
}

// NamedConditions are the conditions with the names that they have in a loss: "condition 1" for the second one, if it has none, and
// "data of u 2" for the second set of Measured values of u.
func (p *Problem) NamedConditions() []Condition {
	if p == nil {
		return nil
	}
	named := slices.Clone(p.Conditions)
	var taken []string
	for _, c := range named {
		taken = append(taken, c.Name)
	}
	for i := range named {
		switch c := &named[i]; {
		case c.Name == "":
			c.Name = fmt.Sprintf("condition %d", i)
		case c.Name == c.numbered && index(taken, c.Name) < i:
			for k := 2; index(taken, c.Name) >= 0; k++ {
				c.Name = fmt.Sprintf("%s %d", c.numbered, k)
			}
			taken = append(taken, c.Name)
		}
	}
	return named
}

// Soft are the conditions, as NamedConditions, that are left to be penalized when Ansatz and Periods are used.
func (p *Problem) Soft() []Condition {
	if p == nil || p.Exactly == nil && (p.Ansatz != nil || p.periodic()) {
		return nil
	}
	var soft []Condition
	for _, c := range p.NamedConditions() {
		if index(p.Exactly, c.Name) < 0 {
			soft = append(soft, c)
		}
	}
	return soft
}

// periodic reports whether a coordinate has a period.
func (p *Problem) periodic() bool {
	return slices.ContainsFunc(p.Periods, func(period float64) bool { return period > 0 })
}

// distinct reports names that occur twice.
func distinct(problem, what string, names []string) error {
	seen := map[string]bool{}
	for _, name := range names {
		if name != "" && seen[name] { // terms may go without
			return fmt.Errorf("pde: two %s of problem %q are named %q, expected different names", what, problem, name)
		}
		seen[name] = true
	}
	return nil
}

// index is the place of a name, or −1.
func index(names []string, name string) int {
	for i, n := range names {
		if n == name {
			return i
		}
	}
	return -1
}
