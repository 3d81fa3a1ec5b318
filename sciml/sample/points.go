package sample

import (
	"fmt"
	"math"
	"slices"
)

// Points are N points of R^Dim in row-major order, with outer unit normals where they lie on a boundary.
type Points struct {
	N, Dim  int
	Coords  []float64 // length N·Dim
	Normals []float64 // length N·Dim, or nil in the interior
	// Weights are the relative weights of the points in a mean, length N and 1 on average; nil when all are 1. A point of
	// weight 0 is in reserve: see Reserve.
	Weights []float64
}

// At is point n.
func (p *Points) At(n int) []float64 { return p.Coords[n*p.Dim : (n+1)*p.Dim] }

// clone is a copy that shares nothing.
func (p *Points) clone() *Points {
	return &Points{N: p.N, Dim: p.Dim, Coords: slices.Clone(p.Coords), Normals: slices.Clone(p.Normals), Weights: slices.Clone(p.Weights)}
}

// Reserve is a copy of points of which only the first few are active, each with weight N/active. The others are put in
// reserve for RAR and RARD to activate: they are copies of active ones, in turn, with weight 0. The number of points is
// then the same before and after points are added, and a program compiled for it serves all along. It returns an error
// unless 1 ≤ active ≤ N.
func Reserve(points *Points, active int) (*Points, error) {
	if points == nil {
		return nil, fmt.Errorf("sample.Reserve: the points are nil")
	}
	if active < 1 || active > points.N {
		return nil, fmt.Errorf("sample.Reserve: %d active points were asked for, expected from 1 to %d, the number of points", active, points.N)
	}
	reserved := points.clone()
	reserved.Weights = make([]float64, points.N)
	for k := range points.N {
		if k < active {
			reserved.Weights[k] = float64(points.N) / float64(active)
			continue
		}
		copy(reserved.At(k), points.At(k%active))
		if points.Normals != nil {
			copy(reserved.Normals[k*points.Dim:(k+1)*points.Dim], points.Normals[k%active*points.Dim:])
		}
	}
	return reserved, nil
}

// inReserve are the numbers of the points of weight 0. It fails unless the other weights are all the same.
func (p *Points) inReserve() ([]int, error) {
	if p.N == 0 || p.Weights == nil {
		return nil, nil
	}
	if len(p.Weights) != p.N {
		return nil, fmt.Errorf("%d weights of %d points, expected as many", len(p.Weights), p.N)
	}
	var reserve []int
	active := slices.Max(p.Weights)
	for k, w := range p.Weights {
		switch {
		case w == 0:
			reserve = append(reserve, k)
		case !(w > 0) || math.Abs(w-active) > 1e-9*active:
			return nil, fmt.Errorf("point %d has weight %v and another one %v, expected 0 or the same for all", k, w, active)
		}
	}
	return reserve, nil
}
