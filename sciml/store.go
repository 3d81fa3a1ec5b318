package sciml

import (
	"fmt"

	"github.com/gomlx/compute/dtypes"

	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/internal/sealed"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

const solutionKind = "solution 2"

// Save writes the solution to a file, with its history, for Load. It fails for a network that cannot be stored.
func (s *Solution) Save(path string) error {
	payload, err := s.GobEncode()
	if err != nil {
		return err
	}
	if err := sealed.Write(path, solutionKind, payload); err != nil {
		return fmt.Errorf("sciml: %w", err)
	}
	return nil
}

// Load reads a file of Solution.Save and attaches the solution to the problem it was trained on, which is code and not
// in the file. It says by name what is wrong with a file that is no solution (optim.ErrOtherKind), truncated or damaged
// (optim.ErrDamaged), and fails when the problem has another name.
func Load(path string, problem *pde.Problem) (*Solution, error) {
	payload, err := sealed.Read(path, solutionKind)
	if err != nil {
		return nil, fmt.Errorf("sciml: %w", err)
	}
	s := new(Solution)
	if err := s.GobDecode(payload); err != nil {
		return nil, fmt.Errorf("%w, from %s", err, path)
	}
	return s.For(problem)
}

// savedModel is what is stored of a model: everything but the problem's code and what only training needs.
type savedModel struct {
	Problem string
	Network []byte // of nn.Marshal
	Soft    bool
	DType   dtypes.DType
	Seed    uint64
	// Coefficients say what the parameters at the end of θ mean; nil in files of versions before there was a choice.
	Coefficients []savedCoefficient
}

// savedCoefficient is how a parameter becomes a coefficient of a problem.
type savedCoefficient struct {
	Name   string
	Scale  float64
	Log    bool
	Bounds [2]float64
}

func saveCoefficients(problem *pde.Problem) []savedCoefficient {
	var all []savedCoefficient
	for _, c := range problem.Coefficients {
		all = append(all, savedCoefficient{c.Name, c.Scale, c.Log, c.Bounds})
	}
	return all
}

// fits reports a coefficient of the problem that is not the one that was trained.
func (s *savedModel) fits(problem *pde.Problem) error {
	if s.Coefficients == nil {
		return nil
	}
	now := saveCoefficients(problem)
	if len(now) != len(s.Coefficients) {
		return fmt.Errorf("problem %q has %d coefficients, expected %d as in training", problem.Name, len(now), len(s.Coefficients))
	}
	for i, then := range s.Coefficients {
		if now[i] != then {
			return fmt.Errorf("coefficient %d of problem %q is %q with Scale %v, Log %v and Bounds %v, expected %q with Scale %v, Log %v and Bounds %v as in training",
				i, problem.Name, now[i].Name, now[i].Scale, now[i].Log, now[i].Bounds, then.Name, then.Scale, then.Log, then.Bounds)
		}
	}
	return nil
}

func saveModel(m *pinn.Model) (savedModel, error) {
	options := m.Options()
	saved := savedModel{Problem: m.Problem().Name, Soft: !m.Exact(), DType: options.DType, Seed: options.Seed,
		Coefficients: saveCoefficients(m.Problem())}
	var err error
	saved.Network, err = nn.Marshal(m.Network())
	return saved, err
}

// For attaches a decoded solution to the problem it was trained on, so that it can be evaluated, by the back end that
// backend.Open gives. It fails when the problem has another name.
func (s *Solution) For(problem *pde.Problem) (*Solution, error) {
	if s == nil || s.saved == nil && s.model == nil {
		return nil, s.ready()
	}
	if err := problem.Check(); err != nil {
		return nil, err
	}
	of := s.problemName()
	if problem.Name != of {
		return nil, fmt.Errorf("sciml: the solution is one of %q, and cannot be attached to %q", of, problem.Name)
	}
	if s.model != nil {
		return s, nil
	}
	if err := s.saved.fits(problem); err != nil {
		return nil, fmt.Errorf("sciml: the solution cannot be attached: %w", err)
	}
	network, err := nn.Unmarshal(s.saved.Network)
	if err != nil {
		return nil, err
	}
	b, err := backend.Open()
	if err != nil {
		return nil, err
	}
	// The loss is for training: any that the problem has will do, and there need not be many points.
	model, err := pinn.New(b, problem, network, pinn.Options{
		Form: anyForm(problem), Interior: 16, Boundary: 4, FixedPoints: true, Soft: s.saved.Soft, DType: s.saved.DType, Seed: s.saved.Seed,
	})
	if err != nil {
		return nil, err
	}
	if len(s.Result.Theta) != model.NumParams() {
		return nil, fmt.Errorf("sciml: the solution has %d parameters, expected %d for %s on %q", len(s.Result.Theta), model.NumParams(), network, problem.Name)
	}
	return &Solution{Method: s.Method, Result: s.Result, model: model, windows: s.windows, steps: s.steps, left: s.left}, nil
}

// anyForm is a form that the problem has.
func anyForm(problem *pde.Problem) pinn.Form {
	switch {
	case len(problem.Equations) > 0:
		return pinn.StrongForm{}
	case problem.Energy != nil:
		return pinn.DeepRitz{}
	}
	return pinn.Variational{Tests: 1, Nodes: 1}
}

// encoded is the form of a Solution in a gob.
type encoded struct {
	Method string
	Result optim.Result
	Model  savedModel
	Terms  []Term // where they were asked for
	// Windows are those of time, where there are any.
	Windows []Window
	// Steps are those of a path.
	Steps []Step
}

// GobEncode implements gob.GobEncoder.
func (s *Solution) GobEncode() ([]byte, error) {
	if s == nil || s.saved == nil && s.model == nil {
		return nil, s.ready()
	}
	e := encoded{Method: s.Method, Result: s.Result, Terms: s.left.known(), Windows: s.windows, Steps: s.steps}
	if s.saved != nil {
		e.Model = *s.saved
	} else {
		var err error
		if e.Model, err = saveModel(s.model); err != nil {
			return nil, fmt.Errorf("sciml: a solution cannot be saved without its network: %w", err)
		}
	}
	data, err := sealed.Encode(e)
	if err != nil {
		return nil, fmt.Errorf("sciml: saving a solution: %w", err)
	}
	return data, nil
}

// GobDecode implements gob.GobDecoder.
func (s *Solution) GobDecode(data []byte) error {
	e, err := sealed.Decode[encoded](data)
	if err != nil {
		return fmt.Errorf("sciml: loading a solution: %w", err)
	}
	*s = Solution{Method: e.Method, Result: e.Result, windows: e.Windows, steps: e.Steps, saved: &e.Model, left: &ending{loaded: true, terms: e.Terms}}
	return nil
}
