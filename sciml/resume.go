package sciml

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/gosciml/gosciml/sciml/internal/sealed"
	"github.com/gosciml/gosciml/sciml/internal/usercode"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// Resume continues an unfinished training from the file of Options.Checkpoint, with the same problem and options, as if
// it had not been interrupted: on the same machine the result is the same, bit for bit. The seed, and the network if
// the options have none, are taken from the file. Limits of iterations and time count from the beginning of the
// training, so that one that came to its end goes on with larger ones.
//
// It fails for a file that is no checkpoint, truncated or damaged, and says which option differs from what the training
// began with: the problem, the method, the network, numbers of points, forms, weights and so on, by their names. What
// methods and schemes have as parameters is not compared.
func Resume(ctx context.Context, path string, problem *pde.Problem, options Options) (*Solution, error) {
	if err := usercode.CheckContext("sciml", ctx); err != nil {
		return nil, err
	}
	if err := problem.Check(); err != nil {
		return nil, err
	}
	if options.Start != nil || options.From != nil {
		return nil, errors.New("sciml: Options.Start or From is set, but a resumed training goes on from its checkpoint, expected neither; LoadCheckpoint and Solve begin another from it")
	}
	from, err := readUnfinished(path)
	if err != nil {
		return nil, err
	}
	if of := from.training.problem(); of != problem.Name {
		return nil, fmt.Errorf("sciml: the checkpoint %s is one of %q, and cannot be resumed with %q", path, of, problem.Name)
	}
	if err := from.training.Model.fits(problem); err != nil {
		return nil, fmt.Errorf("sciml: the checkpoint %s cannot be resumed: %w", path, err)
	}
	if began, now := from.training.Parts, partsOf(problem); began != nil && !slices.Equal(now, began) {
		return nil, fmt.Errorf("sciml: the checkpoint %s cannot be resumed: problem %q has the equations and conditions %q, expected %q, with which its training began", path, problem.Name, now, began)
	}
	options.Seed = from.training.Model.Seed
	if options.Network == nil {
		if len(from.training.Model.Network) == 0 {
			return nil, from.withoutNetwork("expected it in Options.Network")
		}
		if options.Network, err = nn.Unmarshal(from.training.Model.Network); err != nil {
			return nil, fmt.Errorf("sciml: the checkpoint %s: %w", path, err)
		}
		options.Subdomains = Subdomains{} // which that network has
	}
	return solve(ctx, problem, options, from)
}

// unfinished is a training to go on with.
type unfinished struct {
	path       string
	checkpoint *optim.Checkpoint
	training   savedTraining
}

func readUnfinished(path string) (*unfinished, error) {
	checkpoint, err := optim.LoadCheckpoint(path)
	if err != nil {
		return nil, err
	}
	u := &unfinished{path: path, checkpoint: checkpoint}
	if u.training, err = sealed.Decode[savedTraining](checkpoint.Extra); err != nil {
		return nil, fmt.Errorf("sciml: the checkpoint %s was not made by Solve: %w", path, err)
	}
	return u, nil
}

func (u *unfinished) withoutNetwork(then string) error {
	return fmt.Errorf("sciml: the checkpoint %s has no network, because that could not be stored, %s", u.path, then)
}

// savedTraining is what Solve adds to a checkpoint.
type savedTraining struct {
	Model    savedModel
	Settings []pinn.Setting
	// Parts are the names of the equations and conditions of the problem; nil in files of versions before they were compared.
	Parts []string
	// Before is the course of the trainings before the present one, where it is one of several, and one of these two is there.
	Before    optim.Result
	Evolution *evolutionState
	Path      *pathState
}

// problem is the name of the one that is to be solved.
func (s *savedTraining) problem() string {
	if s.Path != nil {
		return s.Path.Problem
	}
	return s.Model.Problem
}

// partsOf are the names of the equations and conditions of a problem.
func partsOf(problem *pde.Problem) []string {
	var names []string
	for _, e := range problem.Equations {
		names = append(names, e.Name)
	}
	for _, c := range problem.Conditions {
		names = append(names, c.Name)
	}
	return names
}

// settings are those of a training. Without a comparison, a changed one would be ignored or rule from the middle on.
func settings(m *pinn.Model, method optim.Method, of *course) []pinn.Setting {
	list := []pinn.Setting{{Name: "Method", Value: method.Name()}, {Name: "Network", Value: m.Network().String()}}
	for _, name := range []string{"Windows", "Continuation"} {
		s := pinn.Setting{Name: name, Value: "none"}
		if of != nil && of.setting().Name == name {
			s = of.setting()
		}
		list = append(list, s)
	}
	for _, s := range m.Options().Settings() {
		list = append(list, pinn.Setting{Name: "Loss." + s.Name, Value: s.Value})
	}
	return list
}

// check compares the settings of a model and method with those that the training began with.
func (u *unfinished) check(m *pinn.Model, method optim.Method, of *course) error {
	now := settings(m, method, of)
	if len(u.training.Settings) != len(now) {
		return fmt.Errorf("sciml: the checkpoint %s has %d settings, expected %d: it was made by another version of this package", u.path, len(u.training.Settings), len(now))
	}
	for i, began := range u.training.Settings {
		if now[i] != began {
			advice := ""
			if began.Name == "Method" {
				advice = "; to go on with another, give what LoadCheckpoint reads to Solve in Options.From"
			}
			return fmt.Errorf("sciml: Options.%s is %s, expected %s, with which the training of the checkpoint %s began%s", now[i].Name, now[i].Value, began.Value, u.path, advice)
		}
	}
	return nil
}

// marshalTraining is for Options.CheckpointExtra. A checkpoint serves its purpose even without a network.
func marshalTraining(m *pinn.Model, method optim.Method, of *course) ([]byte, error) {
	saved, err := saveModel(m)
	if err != nil {
		saved.Network = nil
	}
	training := savedTraining{Model: saved, Parts: partsOf(m.Problem())}
	if of != nil {
		training.Before, training.Parts = of.sum, partsOf(of.problem)
		of.save(&training)
	}
	training.Settings = settings(m, method, of)
	data, err := sealed.Encode(training)
	if err != nil {
		return nil, fmt.Errorf("sciml: storing a training: %w", err)
	}
	return data, nil
}
