package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
)

// target is a relative L2 error, and the seconds within which a training is to reach it, compilation included.
type target struct{ error, seconds float64 }

func (t target) String() string { return fmt.Sprintf("%s in %.4g s", power(t.error), t.seconds) }

// power is an error in few digits: 1e-7.
func power(v float64) string {
	return strings.ReplaceAll(strconv.FormatFloat(v, 'e', -1, 64), "e-0", "e-")
}

// task is a problem with its targets, all of one training.
type task struct {
	key     string
	hidden  []int // widths of the hidden layers; nil for those that the problem suggests
	targets []target
	// once is a task that takes long, and whose error is far from the target: one seed shows that as well as several.
	once bool
}

// seeds is the number of seeds that are trained when so many are asked for.
func (t task) seeds(asked int) int {
	if t.once {
		return 1
	}
	return asked
}

// tasks of the command accuracy. What a training uses besides is what the problem suggests.
var tasks = []task{
	{key: "poisson2d", hidden: []int{32}, targets: []target{{1e-7, 5}}},
	{key: "heat1d", targets: []target{{1e-7, 10}}},
	{key: "burgers", targets: []target{{1e-5, 15}, {1e-7, 240}, {1e-8, 300}}},
	{key: "burgers-nu0.01", targets: []target{{1e-10, 300}}},
	{key: "allen-cahn", targets: []target{{1e-5, 150}, {1e-6, 300}}},
	{key: "convection", targets: []target{{1e-4, 180}}},
	{key: "reaction", targets: []target{{1e-4, 180}}},
	{key: "wave-beta5", targets: []target{{1e-4, 180}}},
	{key: "wave", targets: []target{{1e-5, 300}}},
	{key: "helmholtz", targets: []target{{1e-7, 180}, {1e-8, 180}}},
	{key: "poisson5d", targets: []target{{1e-5, 180}, {1e-6, 120}}},
	{key: "poisson10d", targets: []target{{1e-4, 300}}},
	{key: "poisson100d", targets: []target{{1e-2, 600}}},
	{key: "kdv-two-solitons", targets: []target{{1e-6, 300}}},
	{key: "kdv-cosine", targets: []target{{1e-4, 300}}},
	{key: "kuramoto-sivashinsky-t0.5", targets: []target{{1e-4, 600}}},
	{key: "kuramoto-sivashinsky-t1", targets: []target{{1e-3, 1800}}, once: true},
	{key: "schrodinger", targets: []target{{1e-5, 120}}},
	{key: "gray-scott", targets: []target{{1e-3, 600}}, once: true},
	{key: "plate", targets: []target{{1e-7, 60}}},
	{key: "kovasznay", targets: []target{{1e-7, 120}}},
	{key: "cavity-re100", targets: []target{{1e-3, 180}}},
	{key: "cavity-re1000", targets: []target{{1e-2, 600}}},
	{key: "cavity-re3200", targets: []target{{2e-2, 1200}}},
	{key: "cavity-smooth-re100", targets: []target{{1e-3, 180}}},
	{key: "cavity-smooth-re1000", targets: []target{{1e-2, 600}}},
}

// chosenTasks are those of keys that are separated by commas, all when there are none, with their times multiplied.
func chosenTasks(keys string, scale float64) ([]task, error) {
	wanted, known := map[string]bool{}, make([]string, len(tasks))
	for i, t := range tasks {
		wanted[t.key], known[i] = keys == "", t.key
	}
	if keys != "" {
		for _, key := range strings.Split(keys, ",") {
			if _, ok := wanted[key]; !ok {
				return nil, fmt.Errorf("accuracy: -problem is %q, expected some of %q, separated by commas", keys, known)
			}
			wanted[key] = true
		}
	}
	var chosen []task
	for _, t := range tasks {
		if wanted[t.key] {
			chosen = append(chosen, t.scaled(scale))
		}
	}
	return chosen, nil
}

func (t task) scaled(scale float64) task {
	targets := make([]target, len(t.targets))
	for i, goal := range t.targets {
		targets[i] = target{goal.error, scale * goal.seconds}
	}
	t.targets = targets
	return t
}

// budget is the longest time, in seconds.
func (t task) budget() float64 {
	longest := 0.
	for _, goal := range t.targets {
		longest = max(longest, goal.seconds)
	}
	return longest
}

// hardest is the target of the lowest error.
func (t task) hardest() target {
	lowest := t.targets[0]
	for _, goal := range t.targets {
		if goal.error < lowest.error {
			lowest = goal
		}
	}
	return lowest
}

// training is the one to measure.
func (t task) training(method string, seed uint64) (training, error) {
	p, err := pde.Named(t.key)
	if err != nil {
		return training{}, err
	}
	wanted := training{problem: p, method: method, seed: seed, seconds: t.budget(), until: t.hardest().error}
	if t.hidden != nil {
		p.Suggested.Hidden = t.hidden
		wanted.overrides = " -hidden " + strings.Trim(strings.ReplaceAll(fmt.Sprint(t.hidden), " ", ","), "[]")
	}
	return wanted, nil
}

// verdict says how a training did on a target.
type verdict struct {
	Target float64 `json:"target"`
	Within float64 `json:"target_seconds"`
	// Reached means in time. SecondsToTarget is the time of the first measurement with an error that is not above the
	// target's, even if that was too late; NaN when there is none.
	Reached         bool   `json:"reached"`
	SecondsToTarget number `json:"seconds_to_target"`
}

// verdict looks a target up in the course of a training.
func (r row) verdict(t target) verdict {
	v := verdict{Target: t.error, Within: t.seconds, SecondsToTarget: number(math.NaN())}
	for i, e := range r.Errors {
		if e <= t.error {
			v.SecondsToTarget, v.Reached = number(r.ErrorAt[i]), r.ErrorAt[i] <= t.seconds
			break
		}
	}
	return v
}

// stoppedBy is the reason for which a training of a task ended, in words: only an error that is low enough makes the
// callback stop one.
func (r row) stoppedBy() string {
	if r.stoppedAtTarget() {
		return "target reached"
	}
	return r.Status
}

func (r row) stoppedAtTarget() bool { return r.Status == optim.CallbackStopped.String() }
