package optim_test

import (
	"math"
	"slices"
	"testing"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/autodiff"
	"github.com/gosciml/gosciml/sciml/objective"
	"github.com/gosciml/gosciml/sciml/optim"
)

// plainKFAC makes steps of KFAC with dense matrices. The objective has one piece with derivatives, and others.
type plainKFAC struct {
	optim.KFAC
	obj *objective.Objective
	// For each layer, by its first entry, and kind of piece: the averages of A and G.
	factors map[int]*[2][2]*mat.Dense
	entries map[int][]int
	last    []float64 // direction, or step
}

// read computes the factors at θ, joined to one product for all pieces without derivatives, r and J.
func (p *plainKFAC) read(t *testing.T, theta []float64) (r *mat.VecDense, j *mat.Dense, factors map[int]*[2][2]*mat.Dense) {
	t.Helper()
	var kinds []int
	var blocks []autodiff.Kronecker
	inputs := []any{tensors.FromValue(slices.Clone(theta))}
	for _, d := range p.obj.Data {
		inputs = append(inputs, tensors.FromFlatDataAndDimensions(tensors.MustCopyFlatData[float64](d), d.Shape().Dimensions...))
	}
	out, err := graph.CallOnceN(pureGo(t), func(in []*graph.Node) []*graph.Node {
		var rs, js, nodes []*graph.Node
		for i, piece := range p.obj.Pieces(in[0], in[1:]) {
			rs, js = append(rs, graph.Reshape(piece, piece.Shape().Size())), append(js, autodiff.Jacobian(piece, in[0]))
			for _, k := range autodiff.KroneckerFactors(piece, in[0]) {
				blocks, kinds = append(blocks, k), append(kinds, min(i, 1))
				nodes = append(nodes, k.Inputs, k.Outputs)
			}
		}
		return append([]*graph.Node{graph.Concatenate(rs, 0), graph.Concatenate(js, 0)}, nodes...)
	}, inputs...)
	if err != nil {
		t.Fatal(err)
	}
	dense := func(x *tensors.Tensor) *mat.Dense {
		return mat.NewDense(x.Shape().Dimensions[0], x.Shape().Dimensions[1], tensors.MustCopyFlatData[float64](x))
	}
	rv := tensors.MustCopyFlatData[float64](out[0])
	sums, ofA, ofG := map[int]*[2][2]*mat.Dense{}, map[int]*[2]float64{}, map[int]*[2]float64{}
	p.entries = map[int][]int{}
	for i, k := range blocks {
		a, g := dense(out[2+2*i]), dense(out[3+2*i])
		first, kind := k.Entries[0], kinds[i]
		p.entries[first] = k.Entries
		if sums[first] == nil {
			sums[first], ofA[first], ofG[first] = &[2][2]*mat.Dense{}, &[2]float64{}, &[2]float64{}
		}
		if sums[first][kind][0] == nil {
			sums[first][kind] = [2]*mat.Dense{new(mat.Dense), new(mat.Dense)}
			sums[first][kind][0].Scale(0, a)
			sums[first][kind][1].Scale(0, g)
		}
		trA, trG := mat.Trace(a), mat.Trace(g)
		a.Scale(trG, a)
		g.Scale(trA, g)
		sums[first][kind][0].Add(sums[first][kind][0], a)
		sums[first][kind][1].Add(sums[first][kind][1], g)
		ofA[first][kind] += trA * trG
		ofG[first][kind] += trG
	}
	for first, kindsOf := range sums {
		for kind, product := range kindsOf {
			if product[0] != nil {
				// Biases that a piece does not depend on are zeros.
				inputs := len(p.entries[first]) / product[1].RawMatrix().Rows
				padded := mat.NewDense(inputs, inputs, nil)
				padded.Copy(product[0])
				product[0].CloneFrom(padded)
				product[0].Scale(1/ofG[first][kind], product[0])
				product[1].Scale(ofG[first][kind]/ofA[first][kind], product[1])
			}
		}
	}
	return mat.NewVecDense(len(rv), rv), dense(out[1]), sums
}

// step goes from θ to the next iterate.
func (p *plainKFAC) step(t *testing.T, theta []float64) {
	t.Helper()
	r, j, fresh := p.read(t, theta)
	if p.factors == nil {
		p.factors = fresh
	} else { // both averages have weight 1 by now, up to the factor that makes them averages: of two, (β, 1)/(1+β)
		for first, kinds := range fresh {
			for kind, product := range kinds {
				for f, now := range product {
					if now != nil {
						old := p.factors[first][kind][f]
						old.Scale(p.Decay, old)
						old.Add(old, now)
						old.Scale(1/(1+p.Decay), old)
					}
				}
			}
		}
	}
	var g mat.VecDense
	g.MulVec(j.T(), r)
	largest := 0.0
	blocks := map[int]*mat.Dense{}
	for first, kinds := range p.factors {
		diagonal := 0.0
		for _, product := range kinds {
			if product[0] != nil {
				diagonal += largestOf(product[0]) * largestOf(product[1])
			}
		}
		largest = math.Max(largest, diagonal)
		blocks[first] = nil
	}
	lambda := p.Damping * largest
	step := make([]float64, len(theta))
	for first := range blocks {
		one, two := p.factors[first][0], p.factors[first][1]
		n := len(p.entries[first])
		block := mat.NewDense(n, n, nil)
		if one[0] == nil {
			one, two = two, one
		}
		var product, sum mat.Dense
		product.Kronecker(one[0], one[1])
		damped := func(a *mat.Dense, by float64) *mat.Dense {
			d := mat.DenseCopyOf(a)
			for i := range d.RawMatrix().Rows {
				d.Set(i, i, d.At(i, i)+by)
			}
			return d
		}
		if two[0] == nil {
			block.Copy(damped(&product, lambda))
		} else {
			a, g := two[0], two[1]
			pi := math.Sqrt(mat.Trace(a) / float64(a.RawMatrix().Rows) / (mat.Trace(g) / float64(g.RawMatrix().Rows)))
			sum.Kronecker(damped(a, pi*math.Sqrt(lambda)), damped(g, math.Sqrt(lambda)/pi))
			block.Add(&product, &sum)
		}
		right := mat.NewVecDense(n, nil)
		for i, e := range p.entries[first] {
			right.SetVec(i, -g.AtVec(e))
		}
		var x mat.VecDense
		if err := x.SolveVec(block, right); err != nil {
			t.Fatal(err)
		}
		for i, e := range p.entries[first] {
			step[e] = x.AtVec(i)
		}
	}
	s := mat.NewVecDense(len(step), step)
	if !(mat.Dot(s, &g) < 0) {
		t.Errorf("the direction goes up, by %v", mat.Dot(s, &g))
	}
	switch {
	case p.Quadratic: // the minimizer over the plane of both, by least squares: rows J and √λ·I
		directions := []*mat.VecDense{s}
		if p.last != nil {
			directions = append(directions, mat.NewVecDense(len(step), p.last))
		}
		rows, n := r.Len(), len(step)
		system, right := mat.NewDense(rows+n, len(directions), nil), mat.NewVecDense(rows+n, nil)
		for i := range rows {
			right.SetVec(i, -r.AtVec(i))
		}
		for c, d := range directions {
			var jd mat.VecDense
			jd.MulVec(j, d)
			for i := range rows {
				system.Set(i, c, jd.AtVec(i))
			}
			for i := range n {
				system.Set(rows+i, c, math.Sqrt(lambda)*d.AtVec(i))
			}
		}
		var c mat.VecDense
		if err := c.SolveVec(system, right); err != nil {
			t.Fatal(err)
		}
		s.ScaleVec(c.AtVec(0), s)
		if p.last != nil {
			s.AddScaledVec(s, c.AtVec(1), directions[1])
		}
	case p.last != nil:
		s.AddScaledVec(s, p.Momentum, mat.NewVecDense(len(step), p.last))
		if !(mat.Dot(s, &g) < 0) {
			t.Fatal("the test needs momentum that goes down")
		}
	}
	p.last = slices.Clone(step)
	for i := range theta {
		theta[i] += step[i]
	}
}

func largestOf(a *mat.Dense) float64 {
	largest := 0.0
	for i := range a.RawMatrix().Rows {
		largest = math.Max(largest, a.At(i, i))
	}
	return largest
}
