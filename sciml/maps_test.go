package sciml_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

func TestGrid(t *testing.T) {
	s := solve(t, pde.Poisson2D(), small(t, pureGo(t)))
	grid, err := s.Grid("", 5)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(grid.X, []float64{0, 0.25, 0.5, 0.75, 1}) || !slices.Equal(grid.Y, grid.X) || len(grid.U) != 25 {
		t.Fatalf("the nodes are %v by %v with %d values", grid.X, grid.Y, len(grid.U))
	}
	u, err := s.At([]float64{0.75, 0.25})
	if err != nil {
		t.Fatal(err)
	}
	if got := grid.U[1*5+3]; got != u[0][0] {
		t.Errorf("u at (0.75, 0.25) is %v on the grid and %v at the point", got, u[0][0])
	}
	if _, err := s.Grid("", 1); err == nil || !strings.Contains(err.Error(), "1×1") {
		t.Errorf("a grid of one node: %v", err)
	}
	if _, err := s.Maps(context.Background()); err != nil {
		t.Errorf("maps: %v", err)
	}
	if _, err := sciml.Convergence("a title", s, s); err != nil {
		t.Errorf("convergence: %v", err)
	}
	if _, err := sciml.Convergence("a title", s, nil); err == nil || !strings.Contains(err.Error(), "solution 1") {
		t.Errorf("convergence of nil: %v", err)
	}
	if _, err := sciml.Convergence("a title"); err == nil {
		t.Error("convergence of nothing gives a figure")
	}
}

// untrained is the network as it starts, with a hidden layer of four.
func untrained(t *testing.T, p *pde.Problem) *sciml.Solution {
	t.Helper()
	p.Suggested.Hidden = []int{4}
	return solve(t, p, sciml.Options{Backend: pureGo(t), Method: optim.Adam{}, Iterations: 1, Loss: pinn.Options{Interior: 10, Boundary: 4}})
}

func svg(t *testing.T, s *sciml.Solution, unknown ...string) string {
	t.Helper()
	figure, err := s.Maps(context.Background(), unknown...)
	if err != nil {
		t.Fatal(err)
	}
	picture, err := figure.SVG()
	if err != nil {
		t.Fatal(err)
	}
	return string(picture)
}

// TestWhatMapsShow looks for the texts in the pictures.
func TestWhatMapsShow(t *testing.T) {
	without := pde.Poisson2D()
	without.Exact = nil
	lshape, err := pde.Over(pde.LShape(), "t", 0, 4)
	if err != nil {
		t.Fatal(err)
	}
	threeCoordinates := pde.Poisson2D()
	threeCoordinates.Name = "three coordinates"
	threeCoordinates.Coordinates, threeCoordinates.Domain, threeCoordinates.Ansatz = []string{"x", "y", "t"}, lshape, nil
	for _, c := range []struct {
		problem *pde.Problem
		unknown []string
		texts   []string
		none    string
	}{
		{pde.Poisson1D(), nil, []string{"Poisson 1D, Adam", "solution", "network", "absolute error", "|u − solution|"}, "reference"},
		{pde.Poisson2D(), nil, []string{"Poisson 2D, Adam", "reference", "|difference|", ">x<", ">y<"}, "at y"},
		{without, nil, []string{"Poisson 2D, Adam"}, "reference"},
		{pde.Heat1D(), nil, []string{">x<", ">t<", "reference"}, "at t"},
		{threeCoordinates, nil, []string{"x, at y = 0", ">t<", "reference"}, "middle"},
		{pde.Heat(4), nil, []string{"x1, with x2 to x4 in the middle", ">t<"}, "at x2"},
		{pde.Kovasznay(40), []string{"p"}, []string{"Kovasznay flow, Re = 40: p, Adam"}, ": u"},
		{pde.InverseDiffusion(), []string{"a"}, []string{": a, Adam", "|a − solution|"}, "|u"},
	} {
		picture := svg(t, untrained(t, c.problem), c.unknown...)
		for _, text := range c.texts {
			if !strings.Contains(picture, text) {
				t.Errorf("%s: the picture does not show %q", c.problem.Name, text)
			}
		}
		if strings.Contains(picture, c.none) {
			t.Errorf("%s: the picture shows %q", c.problem.Name, c.none)
		}
	}
}

// TestSlices: any coordinates can be fixed, pictures say where, and values are those at the points.
func TestSlices(t *testing.T) {
	lshape, err := pde.Over(pde.LShape(), "t", 0, 4)
	if err != nil {
		t.Fatal(err)
	}
	inTime := pde.Poisson2D()
	inTime.Name, inTime.Coordinates, inTime.Domain, inTime.Ansatz = "L in time", []string{"x", "y", "t"}, lshape, nil
	l, heat, flow := untrained(t, inTime), untrained(t, pde.Heat1D()), untrained(t, pde.Heat(4))
	for _, c := range []struct {
		solution *sciml.Solution
		at       map[string]float64
		texts    []string
		none     string
	}{
		{heat, map[string]float64{"t": 0.25}, []string{"x, at t = 0.25", "network", "solution"}, ">t<"},
		{heat, map[string]float64{"x": 1}, []string{"t, at x = 1"}, ">x<"},
		{l, map[string]float64{"t": 1}, []string{"x, at t = 1", ">y<"}, ">t<"},
		{l, map[string]float64{"y": -0.5}, []string{"x, at y = -0.5", ">t<"}, ">y<"},
		{l, map[string]float64{"y": -0.5, "t": 4.0000000001}, []string{"x, at y = -0.5, t = 4"}, ">t<"},
		{flow, map[string]float64{"t": 0.5}, []string{"x1, at t = 0.5, with x2 to x3 in the middle", ">x4<"}, ">t<"},
		{flow, map[string]float64{"x1": 0.5, "x3": 0.1}, []string{"x2, at x1 = 0.5, x3 = 0.1, x4 = 0.5", ">t<"}, "middle"},
		{flow, map[string]float64{"x3": 0.1}, []string{"x1, at x3 = 0.1, with x2, x4 in the middle", ">t<"}, ">x2<"},
	} {
		figure, err := c.solution.MapsAt(context.Background(), c.at)
		if err != nil {
			t.Errorf("at %v: %v", c.at, err)
			continue
		}
		picture, err := figure.SVG()
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range c.texts {
			if !strings.Contains(string(picture), text) {
				t.Errorf("at %v: the picture does not show %q", c.at, text)
			}
		}
		if strings.Contains(string(picture), c.none) {
			t.Errorf("at %v: the picture shows %q", c.at, c.none)
		}
	}
	grid, err := l.GridAt(map[string]float64{"y": -0.5}, "u", 5)
	if err != nil {
		t.Fatal(err)
	}
	u, err := l.At([]float64{-0.5, -0.5, 3})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(grid.Y, []float64{0, 1, 2, 3, 4}) || grid.U[3*5+1] != u[0][0] || !math.IsNaN(grid.U[3*5+4]) {
		t.Errorf("the grid is %v, want %v at x = -0.5, t = 3, and nothing at x = 1", grid, u)
	}
	for word, at := range map[string]map[string]float64{
		`no coordinate "z", expected some of ["x" "y" "t"]`:            {"z": 1},
		"a slice at t = 5 was asked for, expected t between 0 and 4":   {"t": 5},
		"a slice at t = NaN was asked for":                             {"t": math.NaN()},
		"where all coordinates":                                        {"x": 0, "y": 0, "t": 0},
		"no node of the slice at x = 0.5, y = -0.5 is in the domain o": {"x": 0.5, "y": -0.5},
	} {
		if _, err := l.MapsAt(context.Background(), at); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("maps at %v: error %v, want one that mentions %q", at, err, word)
		}
	}
	if _, err := l.GridAt(map[string]float64{"x": 0, "y": 0}, "", 5); err == nil || !strings.Contains(err.Error(), "2 of them fixed, expected two that are not") {
		t.Errorf("a grid of one coordinate: %v", err)
	}
}

// TestMapsOfUnknowns: maps are of the unknowns that were asked for, in that order, or of all that are compared.
func TestMapsOfUnknowns(t *testing.T) {
	p := pde.Kovasznay(40)
	s := untrained(t, p)
	for _, c := range []struct{ compare, asked, want []string }{
		{nil, nil, []string{"u", "v", "p"}},
		{[]string{"v", "u"}, nil, []string{"v", "u"}},
		{[]string{"v"}, []string{"p"}, []string{"p"}},
		{nil, []string{"p", "u"}, []string{"p", "u"}},
	} {
		p.Compare = c.compare
		var got []string
		for _, title := range regexp.MustCompile(`>Kovasznay flow, Re = 40: (.), Adam<`).FindAllStringSubmatch(svg(t, s, c.asked...), -1) {
			got = append(got, title[1])
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("the maps of %q where %q are compared are those of %q", c.asked, c.compare, got)
		}
	}
	for word, names := range map[string][]string{`no unknown "w", expected one of ["u" "v" "p"]`: {"u", "w"}, `["u" "v" "u"] were asked for, expected each of them once`: {"u", "v", "u"}} {
		if _, err := s.Maps(context.Background(), names...); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("maps of %q: error %v, want one that mentions %q", names, err, word)
		}
	}
}

// TestMapsWithoutAReferenceOfAll: an unknown that the reference does not know is drawn alone.
func TestMapsWithoutAReferenceOfAll(t *testing.T) {
	for _, p := range []*pde.Problem{pde.Kovasznay(40), pde.InverseDiffusion()} {
		exact := p.Exact
		p.Exact = func(x []float64) []float64 { return append([]float64{math.NaN()}, exact(x)[1:]...) }
		p.Compare = p.Unknowns[1:2]
		s := untrained(t, p)
		for unknown, known := range map[string]bool{p.Unknowns[0]: false, p.Unknowns[1]: true} {
			picture := svg(t, s, unknown)
			if (strings.Contains(picture, ">reference<") || strings.Contains(picture, ">solution<")) != known {
				t.Errorf("%s: whether the maps of %q show a reference is not %v", p.Name, unknown, known)
			}
		}
	}
}

// TestMapsOfACanceledContext: it ends the computation of a reference, but what there is can be drawn.
func TestMapsOfACanceledContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	p := pde.Poisson2D()
	p.Exact = nil
	exact, computed := pde.Poisson2D().Exact, 0
	p.Reference = func(ctx context.Context) (pde.Field, error) {
		computed++
		return exact, ctx.Err()
	}
	s := untrained(t, p)
	if _, err := s.Maps(ctx); err != nil || computed != 1 {
		t.Errorf("maps after the training: %v, with the reference computed %d times", err, computed)
	}
	file := filepath.Join(t.TempDir(), "solution")
	if err := s.Save(file); err != nil {
		t.Fatal(err)
	}
	loaded, err := sciml.Load(file, p)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := loaded.Maps(ctx); !errors.Is(err, context.Canceled) || computed != 2 {
		t.Errorf("maps of a loaded solution: %v, with the reference computed %d times", err, computed)
	}
	if _, err := loaded.Maps(context.Background()); err != nil {
		t.Errorf("maps of a loaded solution: %v", err)
	}
}

// TestGridOfAnUnknown: a grid is of the unknown that was asked for, or of the first that is compared.
func TestGridOfAnUnknown(t *testing.T) {
	p := pde.Kovasznay(40)
	p.Compare = []string{"v", "u"}
	s := untrained(t, p)
	for name, column := range map[string]int{"u": 0, "v": 1, "p": 2, "": 1} {
		grid, err := s.Grid(name, 3)
		if err != nil {
			t.Fatal(err)
		}
		for i, got := range grid.U {
			if u, err := s.At([]float64{grid.X[i%3], grid.Y[i/3]}); err != nil || u[0][column] != got {
				t.Errorf("%q at node %d is %v on the grid and %v, %v at the point", name, i, got, u, err)
			}
		}
	}
	if _, err := s.Grid("w", 3); err == nil || !strings.Contains(err.Error(), `no unknown "w", expected one of ["u" "v" "p"]`) {
		t.Errorf("a grid of no unknown: %v", err)
	}
}

// TestGridOnTheLShape has values inside of the domain and none outside.
func TestGridOnTheLShape(t *testing.T) {
	p := pde.Poisson2D()
	p.Domain, p.Ansatz = pde.LShape(), nil
	s := untrained(t, p)
	grid, err := s.Grid("", 9)
	if err != nil {
		t.Fatal(err)
	}
	for j, y := range grid.Y {
		for i, x := range grid.X {
			u := grid.U[i+9*j]
			if math.IsNaN(u) != (x > 0 && y < 0) {
				t.Errorf("u at (%v, %v) is %v", x, y, u)
			} else if at, err := s.At([]float64{x, y}); !math.IsNaN(u) && (err != nil || at[0][0] != u) {
				t.Errorf("u at (%v, %v) is %v on the grid and %v, %v at the point", x, y, u, at, err)
			}
		}
	}
}

// TestExactToRounding draws a solution that has no error to show: u = x from a network of no hidden layers.
func TestExactToRounding(t *testing.T) {
	line, err := pde.NewBox([]string{"x"}, []float64{0}, []float64{1})
	if err != nil {
		t.Fatal(err)
	}
	affine, err := nn.NewMLP(nn.Tanh, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	p := &pde.Problem{
		Name: "identity", Coordinates: []string{"x"}, Unknowns: []string{"u"}, Domain: line,
		Equations: []pde.Equation{{Residual: func(u *pde.Fields) *graph.Node { return graph.Sub(u.U(), u.At("x")) }}},
		Ansatz: func(x *graph.Node, network pde.Function) *graph.Node {
			return graph.Add(x, graph.MulScalar(network(x), 1e-18))
		},
		Exact: slices.Clone[[]float64],
	}
	s := solve(t, p, sciml.Options{Backend: pureGo(t), Network: affine, Method: optim.Adam{}, Iterations: 1, Loss: pinn.Options{Interior: 4}})
	if picture := svg(t, s); !strings.Contains(picture, "network") || strings.Contains(picture, "absolute error") {
		t.Error("the picture does not show the solution alone")
	}
}

func TestPicturesAreReproducible(t *testing.T) {
	s := untrained(t, pde.Heat1D())
	if a, b := svg(t, s), svg(t, s); !bytes.Equal([]byte(a), []byte(b)) {
		t.Error("two pictures of one solution differ")
	}
}
