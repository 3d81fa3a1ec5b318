package nn_test

import (
	"math"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/nn"
)

// quarters are four boxes of different lengths in x, and two in y.
var quarters = [][]float64{{-1, -0.4, 0, 0.8, 1}, {0, 1, 3}}

// valuesOf are those of a network at points, with some of its derivatives in columns after them.
func valuesOf(t *testing.T, network nn.Network, theta []float64, points [][]float64, derivatives ...[]int) [][]float64 {
	t.Helper()
	out, err := graph.CallOnceN(backendtest.Best(t), func(theta, x *graph.Node) []*graph.Node {
		u := autodiff.Of(network.Apply(theta, x), x)
		columns := []*graph.Node{u.U()}
		for _, d := range derivatives {
			columns = append(columns, u.Partial(d...))
		}
		return []*graph.Node{graph.Concatenate(columns, 1)}
	}, theta, points)
	if err != nil {
		t.Fatal(err)
	}
	return out[0].Value().([][]float64)
}

// TestSubdomainsAreOneTogether: what all networks have in common the whole has, everywhere, also beyond the edges.
func TestSubdomainsAreOneTogether(t *testing.T) {
	mlp := must(nn.NewMLP(nn.Tanh, 2, 3, 1))
	boxes := must(nn.Subdomains(mlp, 0.7, quarters...))
	if boxes.NumParams() != 8*mlp.NumParams() || len(boxes.Blocks()) != 8*len(mlp.Blocks()) {
		t.Fatalf("%s has %d parameters in %d blocks, want eight times those of the network", boxes, boxes.NumParams(), len(boxes.Blocks()))
	}
	theta := make([]float64, boxes.NumParams())
	for i := mlp.NumParams() - 1; i < len(theta); i += mlp.NumParams() {
		theta[i] = 2.5 // the last bias
	}
	var points [][]float64
	for i := range 60 {
		points = append(points, []float64{-1.5 + 3*float64(i)/59, -0.5 + 4*math.Mod(float64(i)*0.618, 1)})
	}
	for i, v := range valuesOf(t, boxes, theta, points, []int{0}, []int{1}, []int{0, 1}, []int{0, 0}) {
		if math.Abs(v[0]-2.5) > 1e-14 {
			t.Fatalf("at %v it is %g, want 2.5", points[i], v[0])
		}
		for _, d := range v[1:] {
			if math.Abs(d) > 1e-9 {
				t.Fatalf("at %v a constant has the derivatives %v", points[i], v[1:])
			}
		}
	}
	if first := boxes.Init(3); slices.Equal(first[:mlp.NumParams()], first[mlp.NumParams():2*mlp.NumParams()]) || !slices.Equal(first, boxes.Init(3)) {
		t.Error("boxes begin alike, or differently for the same seed")
	}
}

// TestSubdomainsFormula: outside of all zones it is the network of the box, which sees the box with its zones stretched to the whole; at the
// edge between two it is the mean of both.
func TestSubdomainsFormula(t *testing.T) {
	mlp := must(nn.NewMLP(nn.Tanh, 2, 4, 2))
	boxes := must(nn.Subdomains(mlp, 0.5, quarters[0], []float64{0, 3}))
	theta, p := boxes.Init(1), mlp.NumParams()
	// Zones between boxes are half as wide as the shorter one: 0.2 at -0.4 and at 0, 0.1 at 0.8.
	box := func(k int, x, begin, end float64) []float64 {
		return valuesOf(t, mlp, theta[k*p:(k+1)*p], [][]float64{{-1 + 2*(x-begin)/(end-begin), 2.2}})[0]
	}
	mean := func(a, b []float64) []float64 { return []float64{(a[0] + b[0]) / 2, (a[1] + b[1]) / 2} }
	for x, want := range map[float64][]float64{
		-0.7:  box(0, -0.7, -1, -0.3),
		-0.2:  box(1, -0.2, -0.5, 0.1),
		0.5:   box(2, 0.5, -0.1, 0.85),
		0.95:  box(3, 0.95, 0.75, 1),
		-1.25: box(0, -1.25, -1, -0.3), // the first goes on before the first edge
		-0.4:  mean(box(0, -0.4, -1, -0.3), box(1, -0.4, -0.5, 0.1)),
		0.8:   mean(box(2, 0.8, -0.1, 0.85), box(3, 0.8, 0.75, 1)),
	} {
		got := valuesOf(t, boxes, theta, [][]float64{{x, 2.2}})[0]
		for i := range want {
			if math.Abs(got[i]-want[i]) > 1e-13 {
				t.Errorf("at x = %g it is %v, want %v", x, got, want)
				break
			}
		}
	}
}

// TestSubdomainsWithoutOverlap: it is the network of the box, which sees that stretched to the whole, with its derivatives; an edge belongs to the later
// one, and the last to the last.
func TestSubdomainsWithoutOverlap(t *testing.T) {
	mlp := must(nn.NewMLP(nn.Tanh, 2, 4, 1))
	boxes := must(nn.Subdomains(mlp, 0, quarters...))
	theta, p := boxes.Init(1), mlp.NumParams()
	for k, c := range []struct{ x, y, stretchX, stretchY, localX, localY float64 }{
		{-0.7, 0.5, 2 / 0.6, 3, 0, 1.5}, {-0.4, 1, 2 / 0.4, 1.5, -1, 0}, {1, 3, 2 / 0.2, 1.5, 1, 3}, {1.1, -1, 2 / 0.2, 3, 2, -3},
	} {
		box := []int{0, 3, 7, 6}[k]
		got := valuesOf(t, boxes, theta, [][]float64{{c.x, c.y}}, []int{0}, []int{0, 1})[0]
		want := valuesOf(t, mlp, theta[box*p:(box+1)*p], [][]float64{{c.localX, c.localY}}, []int{0}, []int{0, 1})[0]
		for i, factor := range []float64{1, c.stretchX, c.stretchX * c.stretchY} {
			if math.Abs(got[i]-factor*want[i]) > 1e-12 {
				t.Errorf("at %g, %g number %d is %g, want %g times %g", c.x, c.y, i, got[i], factor, want[i])
			}
		}
	}
}

// TestSubdomainsAreSmooth: four derivatives are continuous where zones begin and end.
func TestSubdomainsAreSmooth(t *testing.T) {
	boxes := must(nn.Subdomains(must(nn.NewMLP(nn.Tanh, 1, 4, 1)), 0.5, quarters[0]))
	const beside = 1e-6
	for _, x := range []float64{-0.5, -0.3, -0.1, 0.1, 0.75, 0.85} {
		v := valuesOf(t, boxes, boxes.Init(2), [][]float64{{x - beside}, {x + beside}}, []int{0}, []int{0, 0}, []int{0, 0, 0}, []int{0, 0, 0, 0}, []int{0, 0, 0, 0, 0})
		for d := range 5 {
			change := 2 * beside * (math.Abs(v[0][d+1]) + math.Abs(v[1][d+1])) // what there is without a jump
			if jump := math.Abs(v[1][d] - v[0][d]); jump > 1.1*change+1e-9 {
				t.Errorf("at %g derivative %d jumps from %g to %g", x, d, v[0][d], v[1][d])
			}
		}
	}
}

// TestSubdomainsTogether: networks that are computed for all boxes together give what they give in turn, with their derivatives, and the graph does
// not grow with their number.
func TestSubdomainsTogether(t *testing.T) {
	mlp := must(nn.NewMLP(nn.Tanh, 2, 5, 4, 2))
	scaled := must(nn.Amplified(must(nn.Mapped(mlp, must(nn.Scale([]float64{-1, 0}, []float64{1, 3})))), 2, 0.5))
	points := [][]float64{{0.3, 0.2}, {-0.42, 1.1}, {0.79, 0.9}, {0.02, 2.4}}
	wanted := [][]int{{0}, {1}, {0, 0}, {0, 1}, {0, 0, 1}}
	one, other := must(nn.Subdomains(scaled, 0.9, quarters...)), must(nn.Subdomains(unspecified{scaled}, 0.9, quarters...))
	want := valuesOf(t, other, one.Init(1), points, wanted...)
	for i, row := range valuesOf(t, one, one.Init(1), points, wanted...) {
		for k, v := range row {
			if math.Abs(v-want[i][k]) > 1e-11*(1+math.Abs(v)) {
				t.Fatalf("at %v number %d is %g together and %g in turn", points[i], k, v, want[i][k])
			}
		}
	}
	operations := func(boxes int) (made int) {
		edges := make([]float64, boxes+1)
		for i := range edges {
			edges[i] = float64(i)
		}
		network := must(nn.Subdomains(scaled, 0.5, edges, []float64{0, 3}))
		if _, err := graph.CallOnceN(backendtest.Best(t), func(theta, x *graph.Node) []*graph.Node {
			u := autodiff.Of(network.Apply(theta, x), x).Partial(0, 0)
			made = int(u.Id())
			return []*graph.Node{u}
		}, network.Init(1), points); err != nil {
			t.Fatal(err)
		}
		return made
	}
	if few, many := operations(8), operations(60); many != few {
		t.Errorf("eight boxes take %d operations and sixty %d", few, many)
	}
}

// TestSubdomainsNearby: boxes that are computed where points may be in them alone give what they give everywhere, with their derivatives, at edges and
// middles of boxes and outside of all of them as well, and rows of the Jacobian that need no more than one pass.
func TestSubdomainsNearby(t *testing.T) {
	uneven := []float64{-1, -0.4, 0.1, 0.3, 1.2, 2}
	for _, c := range []struct {
		overlap float64
		edges   [][]float64
		points  [][]float64
	}{
		{1, [][]float64{uneven}, nil}, {0.3, [][]float64{uneven}, nil}, {0, [][]float64{uneven}, nil},
		{0.8, [][]float64{uneven, {0, 1, 2, 2.5, 4}}, nil}, {0.6, [][]float64{{0, 1}, uneven}, nil},
		{1, [][]float64{uneven, {0, 1}, {0, 0.5, 2}}, nil}, {0, [][]float64{uneven, {0, 1, 2}}, nil},
	} {
		d := len(c.edges)
		mlp := must(nn.NewMLP(nn.Tanh, d, 5, 4, 2))
		scaled := must(nn.Amplified(must(nn.Mapped(mlp, must(nn.Scale(make([]float64, d), slices.Repeat([]float64{2}, d))))), 2, 0.5))
		near, all := must(nn.Subdomains(scaled, c.overlap, c.edges...)), must(nn.Subdomains(unspecified{scaled}, c.overlap, c.edges...))
		points := [][]float64{}
		for n := range 60 {
			p := make([]float64, d)
			for i, e := range c.edges {
				switch k := (n * (3 + i)) % (2 * len(e)); {
				case k < len(e):
					p[i] = e[k]
				case k < 2*len(e)-1:
					p[i] = (e[k-len(e)] + e[k-len(e)+1]) / 2
				default:
					p[i] = e[0] - 0.3
				}
				if n >= 20 {
					p[i] = e[0] - 0.2 + (e[len(e)-1]-e[0]+0.4)*math.Mod(float64(n)*math.Sqrt(float64(2+i)), 1)
				}
			}
			points = append(points, p)
		}
		wanted := [][]int{{0}, {d - 1}, {0, 0}, {0, d - 1}}
		want := valuesOf(t, all, near.Init(1), points, wanted...)
		for i, row := range valuesOf(t, near, near.Init(1), points, wanted...) {
			for k, v := range row {
				if math.Abs(v-want[i][k]) > 1e-10*(1+math.Abs(v)) {
					t.Fatalf("overlap %g, edges %v: at %v number %d is %g nearby and %g everywhere", c.overlap, c.edges, points[i], k, v, want[i][k])
				}
			}
		}
		if _, err := graph.CallOnceN(backendtest.Best(t), func(theta, x *graph.Node) []*graph.Node {
			u := near.Apply(theta, x)
			cost, err := autodiff.JacobianCost(graph.Add(autodiff.Of(u, x).Laplacian(), u), theta)
			if err != nil || cost.Passes > 2 {
				t.Errorf("overlap %g, edges %v: the Jacobian takes %d passes, %v", c.overlap, c.edges, cost.Passes, err)
			}
			return []*graph.Node{u}
		}, near.Init(1), points); err != nil {
			t.Fatal(err)
		}
	}
}

// TestSum: the values are the sum, and parameters, blocks and seeds those of the networks one after the other.
func TestSum(t *testing.T) {
	coarse := must(nn.NewMLP(nn.Sine, 2, 3, 1))
	fine := must(nn.Subdomains(must(nn.NewMLP(nn.Tanh, 2, 4, 1)), 0.5, quarters...))
	both := must(nn.Sum(coarse, fine))
	if got := both.String(); got != "[MLP 2-3-1 sin + 8 boxes [4 2] of MLP 2-4-1 tanh]" {
		t.Errorf("it is called %s", got)
	}
	theta, p := both.Init(7), coarse.NumParams()
	if len(theta) != p+fine.NumParams() || !slices.Equal(theta[:p], coarse.Init(7)) {
		t.Fatal("the parameters are not those of the networks one after the other")
	}
	if name := both.Blocks()[len(coarse.Blocks())].Name; name != "2: box 1, layer 1 weights" {
		t.Errorf("the first block of the second network is called %s", name)
	}
	points := [][]float64{{0.3, 0.2}, {-0.42, 1.1}}
	a, b := valuesOf(t, coarse, theta[:p], points, []int{0}), valuesOf(t, fine, theta[p:], points, []int{0})
	for i, row := range valuesOf(t, both, theta, points, []int{0}) {
		for k, v := range row {
			if math.Abs(v-a[i][k]-b[i][k]) > 1e-13 {
				t.Errorf("at %v number %d is %g, want %g + %g", points[i], k, v, a[i][k], b[i][k])
			}
		}
	}
}
