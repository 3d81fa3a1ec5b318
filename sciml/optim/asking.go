package optim

import "context"

// asking asks for a change of the objective every so many iterations, and makes a remark with the first, which becomes an
// event of the history.
type asking struct {
	Stepper
	every int
	made  int
	text  string
	told  bool
}

// Advance implements Stepper. It returns where it asks.
func (a *asking) Advance(ctx context.Context, n int, goal Goal) (Progress, error) {
	if a.every > 0 {
		n = min(n, a.every-a.made%a.every)
	}
	p, err := a.Stepper.Advance(ctx, n, goal)
	a.made += p.Iterations
	p.Adapt = p.Adapt || a.every > 0 && p.Iterations > 0 && a.made%a.every == 0
	if !a.told && a.text != "" {
		if p.Message != "" {
			p.Message = "; " + p.Message
		}
		p.Message, a.told = a.text+p.Message, true
	}
	return p, err
}

func (a *asking) stop() { stopStepper(a.Stepper) }

// savedAsking is the state of asking.
type savedAsking struct {
	Inner []byte
	Made  int
	Told  bool
}

// Save implements Stepper.
func (a *asking) Save() ([]byte, error) {
	inner, err := a.Stepper.Save()
	if err != nil {
		return nil, err
	}
	return encode(savedAsking{Inner: inner, Made: a.made, Told: a.told})
}

// Restore implements Stepper.
func (a *asking) Restore(data []byte) error {
	var s savedAsking
	if err := decode(data, &s); err != nil {
		return err
	}
	if err := a.Stepper.Restore(s.Inner); err != nil {
		return err
	}
	a.made, a.told = s.Made, s.Told
	return nil
}
