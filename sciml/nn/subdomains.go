package nn

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml/internal/usercode"
)

// subdomains are boxes with weights of their own.
type subdomains struct {
	copies
	overlap float64
	edges   [][]float64
}

// Subdomains divides space and time between networks of the same kind, each with weights of its own, on boxes that overlap: the networks of a
// finite-basis PINN (Moseley, Markham and Nissen-Meyer 2023, "Finite basis physics-informed neural networks", arXiv 2107.07871),
//
//	u(x) = Σⱼ ωⱼ(x) Nⱼ(ξⱼ(x)),   Σⱼ ωⱼ = 1,
//
// as one network, which any optimizer takes but optim.KFAC, as layers of all boxes are batched products. There are edges for each coordinate, at least two that grow; the boxes lie between them, the last
// coordinate counting fastest, and reach as far as there is no other box. At an edge between two boxes one passes to the other over a zone as wide
// as overlap times the shorter of the two, at most 1; there ω is a polynomial of degree nine, so that u has four continuous
// derivatives. With the overlap 0 boxes end at their edges, the later one having the edge, and u jumps there, unless conditions say otherwise: see
// pde.Interface. ξⱼ stretches a box with its zones to the whole, from the first to the last edge of each coordinate, which is what the network sees: so
// it may be what sciml.DefaultNetwork makes for the whole domain, and it sees coordinates that are not cut, such as periodic ones, as they are.
//
//	network, _ := nn.NewMLP(nn.Tanh, 2, 16, 16, 1)
//	boxes, _ := nn.Subdomains(network, 0.5, []float64{-1, -0.5, 0, 0.5, 1}, []float64{0, 1}) // four in x
//
// θ has the weights of the boxes, one after the other; they start from different values. MLPs in many boxes are computed where points may be in them, 2ᵈ boxes for a point in d
// coordinates that are cut; other networks, and few boxes, at all points. Several levels are
// a Sum of such networks. It returns an error for a network that is nil, edges that are not finite or do not grow, another number of them than
// inputs, and an overlap below 0 or above 1.
func Subdomains(network Network, overlap float64, edges ...[]float64) (Network, error) {
	const who = "nn.Subdomains"
	if usercode.Nil(network) {
		return nil, errors.New(who + ": the network is nil")
	}
	if err := CheckNetwork(network); err != nil {
		return nil, usercode.First(fmt.Errorf("%s: %w", who, err))
	}
	if !(overlap >= 0 && overlap <= 1) {
		return nil, fmt.Errorf("%s: the overlap is %v, expected a number from 0 to 1, of the shorter of two boxes", who, overlap)
	}
	if len(edges) != network.Inputs() {
		return nil, fmt.Errorf("%s: there are edges for %d coordinates, expected as many as the network has inputs, %d", who, len(edges), network.Inputs())
	}
	own, boxes, err := checkEdges(who, edges)
	if err != nil {
		return nil, err
	}
	return &subdomains{copies{network, boxes, "box"}, overlap, own}, nil
}

// checkEdges copies the edges of boxes along each coordinate, and counts the boxes.
func checkEdges(who string, edges [][]float64) (own [][]float64, boxes int, err error) {
	own, boxes = make([][]float64, len(edges)), 1
	for i, e := range edges {
		if len(e) < 2 {
			return nil, 0, fmt.Errorf("%s: coordinate %d has the edges %v, expected at least 2: where it begins and ends", who, i, e)
		}
		for k, v := range e {
			if math.IsNaN(v) || math.IsInf(v, 0) || k > 0 && v <= e[k-1] {
				return nil, 0, fmt.Errorf("%s: the edges of coordinate %d are %v, expected finite numbers that grow", who, i, e)
			}
		}
		if boxes > most/(len(e)-1) {
			return nil, 0, fmt.Errorf("%s: there are more than %d boxes", who, most)
		}
		own[i], boxes = slices.Clone(e), boxes*(len(e)-1)
	}
	return own, boxes, nil
}

// counts are the numbers of boxes along each coordinate.
func counts(edges [][]float64) []int {
	all := make([]int, len(edges))
	for i, e := range edges {
		all[i] = len(e) - 1
	}
	return all
}

// Init implements Network.
func (s *subdomains) Init(seed uint64) []float64 { return s.differently(seed) }

// Apply implements Network.
func (s *subdomains) Apply(theta, x *graph.Node) *graph.Node {
	checkTheta(s.String(), theta, s.NumParams())
	checkInput(s.String(), x, s.Inputs())
	if s.near() {
		return s.nearby(theta, x)
	}
	return s.sum(theta, func(from, to int, network func(x *graph.Node) *graph.Node) *graph.Node {
		return s.parts(x, from, to, network)
	})
}

// parts are what some boxes add, shape [to − from, N, outputs].
func (s *subdomains) parts(x *graph.Node, from, to int, network func(x *graph.Node) *graph.Node) *graph.Node {
	k, n := to-from, x.Shape().Dimensions[0]
	var local []*graph.Node
	var share *graph.Node
	for i, edges := range s.edges {
		v := graph.BroadcastToDims(graph.ExpandAxes(column(x, i), 0), k, n, 1)
		if len(edges) == 2 {
			local = append(local, v)
			continue
		}
		of := func(number func(z zone) float64) *graph.Node {
			return each(x, k, n, func(k int) float64 { return number(s.zone(from+k, i)) })
		}
		begin, end := of(func(z zone) float64 { return z.begin }), of(func(z zone) float64 { return z.end })
		first, last := edges[0], edges[len(edges)-1]
		stretched := graph.Div(graph.Sub(v, begin), graph.Sub(end, begin))
		local = append(local, graph.AddScalar(graph.MulScalar(stretched, last-first), first))
		ramp := func(which func(z zone) [2]float64) *graph.Node {
			slope, shift := of(func(z zone) float64 { return which(z)[0] }), of(func(z zone) float64 { return which(z)[1] })
			return s.step(graph.Add(graph.Mul(v, slope), shift))
		}
		along := graph.Mul(ramp(func(z zone) [2]float64 { return z.rise }), graph.OneMinus(ramp(func(z zone) [2]float64 { return z.fall })))
		if share == nil {
			share = along
		} else {
			share = graph.Mul(share, along)
		}
	}
	u := network(graph.Concatenate(local, 2))
	if share == nil {
		return u
	}
	return graph.Mul(u, graph.BroadcastToShape(share, u.Shape()))
}

// zone is a box along one coordinate, with the zones where it passes to its neighbours: where it begins and ends, and the slopes and shifts of what
// goes from 0 to 1 where it comes and where it goes. Where there is no neighbour it has come, or never goes.
type zone struct {
	begin, end float64
	rise, fall [2]float64
}

// zone gives that of box k along coordinate i.
func (s *subdomains) zone(k, i int) zone {
	for _, later := range s.edges[i+1:] {
		k /= len(later) - 1
	}
	return s.along(k%(len(s.edges[i])-1), i)
}

// along gives the zone of the k-th interval of coordinate i.
func (s *subdomains) along(k, i int) zone {
	edges := s.edges[i]
	z := zone{edges[k], edges[k+1], [2]float64{0, 1}, [2]float64{0, -1}}
	passing := func(k int) (half float64, ramp [2]float64) { // at edge k
		width := s.overlap * math.Min(edges[k]-edges[k-1], edges[k+1]-edges[k])
		if width == 0 { // above 0 from the edge on
			return 0, [2]float64{1, -edges[k]}
		}
		return width / 2, [2]float64{1 / width, 0.5 - edges[k]/width}
	}
	var half float64
	if k > 0 {
		half, z.rise = passing(k)
		z.begin -= half
	}
	if k+2 < len(edges) {
		half, z.fall = passing(k + 1)
		z.end += half
	}
	return z
}

// step goes from 0 to 1 as t does, with four derivatives that vanish at both ends; without an overlap it is 1 from 0 on.
func (s *subdomains) step(t *graph.Node) *graph.Node {
	if s.overlap == 0 {
		return graph.Where(graph.GreaterOrEqual(t, graph.ZerosLike(t)), graph.OnesLike(t), graph.ZerosLike(t))
	}
	t = graph.ClipScalar(t, 0, 1)
	p := graph.AddScalar(graph.MulScalar(t, 70), -315)
	for _, c := range []float64{540, -420, 126} {
		p = graph.AddScalar(graph.Mul(p, t), c)
	}
	square := graph.Square(t)
	return graph.Mul(p, graph.Mul(graph.Square(square), t))
}

func (s *subdomains) piecewiseLinear() bool { return PiecewiseLinear(s.Network) && s.number == 1 }

// String implements Network.
func (s *subdomains) String() string {
	return fmt.Sprintf("%d boxes %v of %s", s.number, counts(s.edges), s.Network)
}

// subdomainsData is the stored form.
type subdomainsData struct {
	Overlap float64
	Edges   [][]float64
	Network nested
}

// Specification implements Specified.
func (s *subdomains) Specification() (kind string, data any) {
	return kindSubdomains, subdomainsData{s.overlap, s.edges, nested{s.Network}}
}
