package optim

import (
	"fmt"
	"math"
	"slices"

	"github.com/gomlx/compute/shapes"
	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// blockForm is a form that the block of 2JᵀJ for some entries of θ is kept in, and that of its inverse root.
type blockForm interface {
	// dims are the dimensions of the tensors of the root.
	dims() [][]int
	// identity are the entries of those for the unit matrix.
	identity() [][]float64
	// multiply builds the product of the root and z.
	multiply(z *graph.Node, c []*graph.Node) *graph.Node
	// curvature builds from the columns of J, shape [M, entries], what decompose is given.
	curvature(columns *graph.Node) []*graph.Node
	decompose(curvature [][]float64) (blockSpectrum, error)
}

// blockSpectrum is a block of 2JᵀJ, decomposed.
type blockSpectrum interface {
	// largest is the largest eigenvalue.
	largest() float64
	// root returns the tensors of M^(−1/2), where M is the block plus a shift; the least and the largest eigenvalue of M,
	// and the number of eigenvalues of the block above the shift.
	root(shift float64) (c [][]float64, low, high float64, rank int)
}

// placedForm is the form of the entries of θ from offset on.
type placedForm struct {
	blockForm
	offset, size int
}

// blockRoot makes C block by block from the Jacobian.
type blockRoot struct {
	obj     *objective.Objective
	shift   float64 // in units of the largest eigenvalue of all blocks
	forms   []placedForm
	program *device.Program
}

// startBlocks prepares the forms, which follow on each other in θ. Name is that of the preconditioner.
func startBlocks(obj *objective.Objective, name string, shift float64, forms []placedForm, maxMemory int64) (Root, error) {
	if err := obj.NeedResidual(name); err != nil {
		return nil, err
	}
	rows, err := obj.JacobianSize()
	if err != nil {
		return nil, fmt.Errorf("optim: %s: %w", name, err)
	}
	numbers := 2 * float64(rows) * float64(obj.Dim)
	for _, f := range forms {
		for _, dims := range f.dims() {
			size := 4.0
			for _, d := range dims {
				size *= float64(d)
			}
			numbers += size
		}
	}
	if err := needMemory(obj, name, fmt.Sprintf("the Jacobian of %d residuals, and blocks", rows), numbers, maxMemory); err != nil {
		return nil, err
	}
	r := &blockRoot{obj: obj, shift: shift, forms: forms}
	r.program, err = device.NewProgram(obj.Compiler(), "curvature of blocks", func(in []*graph.Node) []*graph.Node {
		_, j := obj.BuildLinearization(in[0], in[1:])
		var all []*graph.Node
		for _, f := range forms {
			all = append(all, f.curvature(graph.Slice(j, graph.AxisRange(), graph.AxisRange(f.offset, f.offset+f.size)))...)
		}
		return all
	})
	return r, err
}

// Shapes implements Root.
func (r *blockRoot) Shapes() []shapes.Shape {
	var all []shapes.Shape
	for _, f := range r.forms {
		for _, dims := range f.dims() {
			all = append(all, shapes.Make(r.obj.Precision(), dims...))
		}
	}
	return all
}

// Identity implements Root.
func (r *blockRoot) Identity() []*tensors.Tensor {
	var all [][]float64
	for _, f := range r.forms {
		all = append(all, f.identity()...)
	}
	return r.tensors(all)
}

func (r *blockRoot) tensors(values [][]float64) []*tensors.Tensor {
	all := make([]*tensors.Tensor, len(values))
	for i, shape := range r.Shapes() {
		all[i] = device.Filled(shape, values[i])
	}
	return all
}

// Multiply implements Root.
func (r *blockRoot) Multiply(z *graph.Node, c []*graph.Node) *graph.Node {
	var parts []*graph.Node
	for _, f := range r.forms {
		n := len(f.dims())
		parts = append(parts, f.multiply(graph.Slice(z, graph.AxisRange(f.offset, f.offset+f.size)), c[:n]))
		c = c[n:]
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return graph.Concatenate(parts, 0)
}

// At implements Root.
func (r *blockRoot) At(theta *tensors.Tensor, _ int) (RootAt, error) {
	curvature, err := r.curvature(theta)
	if err != nil {
		return RootAt{}, err
	}
	at, err := r.fromCurvature(curvature)
	at.Evaluations = 1
	return at, err
}

// curvature is what the forms' curvature is at theta.
func (r *blockRoot) curvature(theta *tensors.Tensor) ([][]float64, error) {
	out, err := r.program.Call([]*tensors.Tensor{theta}, r.obj.Data)
	if err != nil {
		return nil, err
	}
	defer device.Free(out)
	curvature := make([][]float64, len(out))
	for i, t := range out {
		if curvature[i], err = device.Numbers(t); err != nil {
			return nil, err
		}
	}
	return curvature, nil
}

// spectra are those of the forms, none where the curvature is NaN or infinite, and their largest eigenvalue.
func (r *blockRoot) spectra(curvature [][]float64) (spectra []blockSpectrum, largest float64, err error) {
	if slices.ContainsFunc(curvature, func(values []float64) bool { return !device.AllFinite(values) }) {
		return nil, 0, nil
	}
	spectra = make([]blockSpectrum, len(r.forms))
	for i, f := range r.forms {
		n := len(f.dims())
		if spectra[i], err = f.decompose(curvature[:n]); err != nil {
			return nil, 0, err
		}
		largest, curvature = math.Max(largest, spectra[i].largest()), curvature[n:]
	}
	return spectra, largest, nil
}

// fromCurvature makes C of what the forms' curvature was.
func (r *blockRoot) fromCurvature(curvature [][]float64) (at RootAt, err error) {
	spectra, largest, err := r.spectra(curvature)
	if err != nil || spectra == nil {
		return at, err
	}
	if largest == 0 { // no curvature at all
		at.Tensors, at.Condition, at.Norm = r.Identity(), 1, 1
		return at, nil
	}
	shift := shiftFor(r.shift, largest, r.obj.Precision())
	var c [][]float64
	least, most := math.Inf(1), 0.0
	for _, s := range spectra {
		root, low, high, rank := s.root(shift)
		c = append(c, root...)
		at.Rank += rank
		least, most = math.Min(least, low), math.Max(most, high)
	}
	at.Tensors, at.Condition, at.Norm = r.tensors(c), most/least, 1/math.Sqrt(least)
	return at, nil
}

// unitMatrix is the unit matrix of order n, row by row.
func unitMatrix(n int) []float64 {
	out := make([]float64, n*n)
	for i := range n {
		out[i*n+i] = 1
	}
	return out
}
