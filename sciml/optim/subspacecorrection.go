package optim

import (
	"cmp"
	"errors"
	"fmt"

	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/device"
	"github.com/gosciml/gosciml/sciml/internal/usercode"
	"github.com/gosciml/gosciml/sciml/objective"
)

// SubspaceCorrection corrects θ in subspaces, by a minimization in each, and goes on with a method on all parameters; then again. Xu 1992,
// "Iterative methods by space decomposition and subspace correction", tells of linear problems why that is both, multigrid and domain
// decomposition. For networks it is
//
//   - a Schwarz method, where the subspaces are the layers or the subdomains' networks: quasi-Newton preconditioned by nonlinear local
//     minimizations, all from one iterate (Additive) or one after the other (Kopaničáková, Kothari, Karniadakis and Krause 2023, "Enhancing
//     training of physics-informed neural networks using domain-decomposition based preconditioning strategies", arXiv 2306.17648);
//   - with a network for the whole domain as one more subspace, the first one, a Schwarz method of two levels (arXiv 2406.10997);
//   - a multilevel method, where the subspace is a coarser level, by fewer parameters (Columns, Aggregation), by a share of the points, or both: the
//     V-cycle of Nash's MG/OPT and of the recursive methods of Gratton, Kopaničáková and Toint (arXiv 2507.11513) with any method as smoother; and
//     with LevenbergMarquardt in Columns or an Aggregation multilevel Levenberg–Marquardt (Calandra, Gratton, Riccietti and Vasseur, arXiv
//     1904.04685). A coarser level may have a SubspaceCorrection as its Method, and so levels of its own: one for a V-cycle, repeated for a W-cycle.
//
// A round of corrections comes first, and then again after every so many Iterations of the Method; together they count as one iteration, and
// evaluations of a share of the samples as that share. Within a subspace the loss is f(θ + Cz) as a function of z, from z = 0 on; of a share of
// samples it is objective.Coarse, which has the gradient of all samples at the start. A correction that is exact is taken as it is. One from a share of the samples,
// and the sum of several, is taken as far as the best of the lengths 1, ½, ¼, … 1/128 says, or not at all, so that f falls with every
// round that counts. A round that is interrupted goes on where it was; a correction that is interrupted is made again.
//
// The zero value lacks Subspaces. Losses that are plain functions are not for it.
type SubspaceCorrection struct {
	// Method works on all parameters between the rounds, and is told of corrections in a way that keeps what it has learned, if it can; LBFGS{} when nil.
	Method Method
	// Iterations is the number of iterations of Method between two rounds; 10 when zero.
	Iterations int
	// Subspaces are corrected in this order. Required, at least one.
	Subspaces []Subspace
	// Additive has all corrections of a round begin from the same iterate, beside each other where there are cores, and adds them up; otherwise each begins where the one before it
	// ended.
	Additive bool
}

// Subspace is what a SubspaceCorrection corrects in, and how.
type Subspace struct {
	// By says which changes of θ there are; all when nil.
	By Prolongation
	// Share is the share of the samples that the loss is made of, above 0 and at most 1; all when zero. With fewer the loss is no sum of squares, and
	// the objective needs Samples.
	Share float64
	// Method minimizes; LBFGS{} when nil. In a part of the parameters, or in Columns or an Aggregation, it may be any, but for a method such as KFAC that needs
	// to know the layers.
	Method Method
	// Iterations is the number of its iterations; 10 when zero.
	Iterations int
}

// Parts are the subspaces of consecutive groups of parameters, such as the networks of nn.Subdomains or the layers of a network, with one method
// for each of them: the parts of a Schwarz method. Groups are the numbers of parameters, in their order in θ.
func Parts(groups []int, method Method, iterations int) []Subspace {
	all, from := make([]Subspace, len(groups)), 0
	for i, size := range groups {
		all[i] = Subspace{By: Part{from, from + size}, Method: method, Iterations: iterations}
		from += size
	}
	return all
}

// Name implements Method.
func (m SubspaceCorrection) Name() string {
	how := fmt.Sprintf("%d subspaces, %s", len(m.Subspaces), combined(m.Additive))
	if len(m.Subspaces) == 1 {
		how = m.Subspaces[0].name()
	}
	return fmt.Sprintf("%s with corrections (%s)", m.method().Name(), how)
}

// combined says how corrections go together.
func combined(additive bool) string {
	if additive {
		return "added up"
	}
	return "one after the other"
}

func (s Subspace) name() string {
	name := "all parameters"
	if !usercode.Nil(s.By) {
		name = s.By.Name()
	}
	if s.Share != 0 && s.Share != 1 {
		name += fmt.Sprintf(", %.3g of the samples", s.Share)
	}
	return name + ", " + s.method().Name()
}

func (m SubspaceCorrection) method() Method { return cmp.Or[Method](m.Method, LBFGS{}) }

func (s Subspace) method() Method { return cmp.Or[Method](s.Method, LBFGS{}) }

// Start implements Method. It fails when a setting of its own, of a method or of a prolongation is out of its range, when the objective is a
// plain function, or lacks what a method or a prolongation needs.
func (m SubspaceCorrection) Start(obj *objective.Objective, theta *tensors.Tensor) (_ Stepper, err error) {
	if err := checkSettings("SubspaceCorrection", optional("Iterations", m.Iterations, "the default")); err != nil {
		return nil, err
	}
	if len(m.Subspaces) == 0 {
		return nil, errors.New("optim: SubspaceCorrection.Subspaces is empty, expected at least one; Parts makes them of groups of parameters")
	}
	if err := obj.NeedGraph("SubspaceCorrection", "a graph to put the subspaces into"); err != nil {
		return nil, err
	}
	s := &correctionStepper{obj: obj, method: m.method(), every: cmp.Or(m.Iterations, 10), additive: m.Additive, due: true}
	defer func() {
		if err != nil {
			s.Stop()
		}
	}()
	if s.relay, err = startRelay(theta); err != nil {
		return nil, err
	}
	if err := s.compile(); err != nil {
		return nil, err
	}
	for i, sub := range m.Subspaces {
		if err := s.add(sub, theta); err != nil {
			return nil, fmt.Errorf("%w (subspace %d of the SubspaceCorrection)", err, i)
		}
	}
	if s.active, err = s.method.Start(obj, theta); err != nil {
		return nil, err
	}
	return s, nil
}

// add makes what corrects in a subspace. Those that differ in the tensors of C alone share it, as many at a time as there are cores.
func (s *correctionStepper) add(sub Subspace, theta *tensors.Tensor) error {
	if err := checkSettings("Subspace", optional("Iterations", sub.Iterations, "the default"),
		setting{"Share", sub.Share, sub.Share >= 0 && sub.Share <= 1, "a number above 0 and at most 1 (or 0 for all samples)"}); err != nil {
		return err
	}
	own := subspace{name: sub.name()}
	var variables objective.Variables
	if by := sub.By; by != nil {
		if usercode.Nil(by) {
			return fmt.Errorf("optim: Subspace.By is a nil %T, expected a prolongation, or nil without a type", by)
		}
		err := usercode.Call("Subspace.By", func() (err error) { variables, own.tensors, err = by.Of(s.obj); return err })
		if err != nil {
			return err
		}
		s.masters = append(s.masters, own.tensors...)
		s.kept.Hold(s.masters)
	}
	own.team = s.teamFor(sub, variables)
	if most := s.most(); len(own.team.solvers) < most {
		solver, err := newLocalSolver(s.obj, own.team, theta, own.tensors)
		if err != nil {
			return err
		}
		own.team.solvers = append(own.team.solvers, solver)
	}
	own.solver = own.team.solvers[own.team.members%len(own.team.solvers)]
	own.team.members++
	s.subspaces = append(s.subspaces, own)
	return nil
}

// falls reports whether a loss is below another one, which may be unknown.
func falls(loss, from float64) bool {
	return device.Finite(loss) && (loss < from || !device.Finite(from))
}
