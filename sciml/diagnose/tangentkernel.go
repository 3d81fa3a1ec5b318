package diagnose

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/mat"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/objective"
)

// TangentKernel is Θ = 2JJᵀ at one θ in full (Jacot, Gabriel and Hongler 2018; of physics-informed losses Wang, Yu and Perdikaris
// 2022, whose blocks K_uu, K_ur and K_rr are Block), with its eigenvalues and the residual in its modes. Gradient descent with the
// step α takes r to r − αΘr, to first order in α: the part of r along the eigenvector qᵢ becomes the (1 − αλᵢ)-fold at each step.
type TangentKernel struct {
	// Matrix is Θ, shape [M, M], in the order of Residual.
	Matrix *mat.SymDense
	// Residual is r at θ, length M, scaled as in the loss: f = ‖r‖².
	Residual []float64
	// Values are the eigenvalues, largest first, and Vectors, shape [M, M], has the eigenvectors qᵢ in its columns.
	Values  []float64
	Vectors *mat.Dense
	// Rows are the places of the residuals among all those of the objective, ascending.
	Rows []int
	// Terms say which rows of Matrix and Residual belong to which term of the loss, in this order; nil where that is not known.
	Terms []TermRows

	all       int // residuals of the objective
	epsilon   float64
	ctx       context.Context
	residuals func(theta []float64) ([]float64, error) // of these rows at another θ
}

// TermRows are the rows of a term: from From to before To.
type TermRows struct {
	Name     string
	From, To int
}

// maxKernel is the largest order of a TangentKernel: its eigenvectors take some minutes.
const maxKernel = 4096

// NewTangentKernel is the kernel of all residuals of an objective at θ, or of some rows of them. Residuals come in the order of
// Objective.Terms where those have residuals of their own, one term after the other, and otherwise as the objective has them. It
// fails for objectives without residuals, as energies and plain functions are (ErrUnsuitable), for more than 4,096 rows
// (ErrTooLarge; Kernel takes products alone), for rows that are not ascending or not there, and for a θ of another length
// than Objective.Dim or with numbers that are not finite.
func NewTangentKernel(ctx context.Context, obj *objective.Objective, theta []float64, rows ...int) (*TangentKernel, error) {
	obj, at, err := placed(ctx, obj, theta)
	if err != nil {
		return nil, err
	}
	if err := obj.NeedResidual("a TangentKernel"); err != nil {
		return nil, err
	}
	obj, terms, err := byTerms(obj)
	if err != nil {
		return nil, err
	}
	linearizer, err := objective.NewLinearizer(obj, 0)
	if err != nil {
		return nil, err
	}
	m := linearizer.Rows()
	k := &TangentKernel{Rows: rows, all: m, ctx: ctx, epsilon: device.Epsilon(obj.Precision())}
	if len(rows) == 0 {
		for i := range m {
			k.Rows = append(k.Rows, i)
		}
	}
	for i, row := range k.Rows {
		if row < 0 || row >= m || i > 0 && row <= k.Rows[i-1] {
			return nil, fmt.Errorf("diagnose: row %d of the tangent kernel is residual %d, expected ascending numbers from 0 to %d", i, row, m-1)
		}
	}
	if len(k.Rows) > maxKernel {
		return nil, objective.TooLarge("diagnose: the tangent kernel has %d rows, expected at most %d; choose some of the rows, or take Kernel, which needs products alone", len(k.Rows), maxKernel)
	}
	k.residuals = func(theta []float64) ([]float64, error) {
		if err := checkTheta(obj, theta); err != nil {
			return nil, err
		}
		at, err := linearizer.At(theta)
		if err != nil {
			return nil, err
		}
		all, err := at.Residual()
		if err != nil {
			return nil, err
		}
		some := make([]float64, len(k.Rows))
		for i, row := range k.Rows {
			some[i] = all[row]
		}
		return some, allFinite("the residual", some)
	}
	if k.Residual, err = k.residuals(theta); err != nil {
		return nil, err
	}
	if k.Matrix, err = kernelOf(ctx, linearizer.AtDevice(at), k.Rows, m, obj.Dim); err != nil {
		return nil, err
	}
	k.Terms = within(terms, k.Rows)
	return k, k.decompose()
}

// byTerms is the objective with its residuals term by term, and where each term has them.
func byTerms(obj *objective.Objective) (*objective.Objective, []TermRows, error) {
	if obj.Terms == nil || obj.Terms.Residuals == nil {
		return obj, nil, nil
	}
	names, residuals := obj.Terms.Names, obj.Terms.Residuals
	sizes, err := objective.Trace(obj, func(theta *graph.Node, data []*graph.Node) []int {
		var sizes []int
		for _, r := range residuals(theta, data) {
			sizes = append(sizes, r.Shape().Size())
		}
		return sizes
	})
	if err != nil {
		return nil, nil, err
	}
	if len(sizes) != len(names) {
		return nil, nil, fmt.Errorf("diagnose: Objective.Terms.Residuals builds %d parts, expected one for each of the names %q", len(sizes), names)
	}
	terms, end := make([]TermRows, len(sizes)), 0
	for i, size := range sizes {
		terms[i] = TermRows{names[i], end, end + size}
		end += size
	}
	own := *obj
	own.Residual = func(theta *graph.Node, data []*graph.Node) *graph.Node {
		return objective.Flatten(residuals(theta, data))
	}
	if obj.Pieces != nil {
		own.Pieces = residuals
	}
	return &own, terms, nil
}

// within are the terms that have some of the rows, by their places among these.
func within(terms []TermRows, rows []int) []TermRows {
	var some []TermRows
	for _, t := range terms {
		from, _ := slices.BinarySearch(rows, t.From)
		to, _ := slices.BinarySearch(rows, t.To)
		if from < to {
			some = append(some, TermRows{t.Name, from, to})
		}
	}
	return some
}

// kernelOf is 2JJᵀ for some rows of J: all at once, or from a product with Jᵀ for each row.
func kernelOf(ctx context.Context, at *objective.Linearization, rows []int, all, dim int) (*mat.SymDense, error) {
	if len(rows) == all {
		half, err := at.Kernel()
		if err == nil {
			half.ScaleSym(2, half)
			return half, allFinite("the tangent kernel", half.RawSymmetric().Data)
		}
		if !errors.Is(err, objective.ErrUnsuitable) && !errors.Is(err, objective.ErrTooLarge) {
			return nil, err
		}
	}
	j, unit, adjoint := mat.NewDense(len(rows), dim, nil), make([]float64, all), at.Adjoint()
	for i, row := range rows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		unit[row] = 1
		if err := adjoint(j.RawRowView(i), unit); err != nil {
			return nil, err
		}
		unit[row] = 0
	}
	if err := allFinite("the Jacobian", j.RawMatrix().Data); err != nil {
		return nil, err
	}
	k := mat.NewSymDense(len(rows), nil)
	k.SymOuterK(2, j)
	return k, nil
}

func (k *TangentKernel) decompose() error {
	eigen, err := eigenOf(k.ctx, "tangent kernel", k.Matrix)
	if err != nil {
		return err
	}
	k.Values, k.Vectors = eigen.Values, eigen.Vectors
	return nil
}

func (k *TangentKernel) check() error {
	if k == nil || k.Matrix == nil || k.Vectors == nil {
		return errors.New("diagnose: the TangentKernel is nil or a literal, expected one of NewTangentKernel")
	}
	return nil
}

// Term is the kernel of one term alone, with its own eigenvalues: K_rr of an equation, K_uu of a condition. It fails for a name that no
// term has.
func (k *TangentKernel) Term(name string) (*TangentKernel, error) {
	t, err := k.term(name)
	if err != nil {
		return nil, err
	}
	own := &TangentKernel{
		Matrix:   mat.NewSymDense(t.To-t.From, nil),
		Residual: k.Residual[t.From:t.To],
		Rows:     k.Rows[t.From:t.To],
		Terms:    []TermRows{{name, 0, t.To - t.From}},
		all:      k.all, ctx: k.ctx, epsilon: k.epsilon,
		residuals: func(theta []float64) ([]float64, error) {
			r, err := k.residuals(theta)
			if err != nil {
				return nil, err
			}
			return r[t.From:t.To], nil
		},
	}
	own.Matrix.CopySym(k.Matrix.SliceSym(t.From, t.To))
	return own, own.decompose()
}

// Block is 2J_aJ_bᵀ of two terms a and b, shape [rows of a, rows of b]: how the residuals of a move when gradient descent works on those
// of b. It fails for a name that no term has.
func (k *TangentKernel) Block(a, b string) (*mat.Dense, error) {
	of, err := k.term(a)
	if err != nil {
		return nil, err
	}
	by, err := k.term(b)
	if err != nil {
		return nil, err
	}
	block := mat.NewDense(of.To-of.From, by.To-by.From, nil)
	block.Apply(func(i, j int, _ float64) float64 { return k.Matrix.At(of.From+i, by.From+j) }, block)
	return block, nil
}

func (k *TangentKernel) term(name string) (TermRows, error) {
	if err := k.check(); err != nil {
		return TermRows{}, err
	}
	names := make([]string, len(k.Terms))
	for i, t := range k.Terms {
		if t.Name == name {
			return t, nil
		}
		names[i] = t.Name
	}
	if len(names) == 0 {
		return TermRows{}, objective.Unsuitable("diagnose: the kernel has no term %q, as the residuals of the objective's terms are not known", name)
	}
	return TermRows{}, fmt.Errorf("diagnose: the kernel has no term %q, expected one of %q", name, names)
}

// Mode is the eigenvector qᵢ of Values[i], a function on the points of the residuals, length M; nil where there is none.
func (k *TangentKernel) Mode(i int) []float64 {
	if k.check() != nil || i < 0 || i >= len(k.Values) {
		return nil
	}
	return mat.Col(nil, i, k.Vectors)
}

// Spectrum is that of the kernel.
func (k *TangentKernel) Spectrum() (*Spectrum, error) {
	if err := k.check(); err != nil {
		return nil, err
	}
	ascending := slices.Clone(k.Values)
	slices.Reverse(ascending)
	return exactSpectrum("tangent kernel", ascending, true, k.epsilon), nil
}
