package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/sciml/optim"
)

// TestTasks: the targets, and what a training of one is told.
func TestTasks(t *testing.T) {
	titles := map[string]string{
		"convection": "convection, β = 40", "reaction": "reaction, ρ = 5", "wave-beta5": "wave, c = 2, T = 1, β = 5", "wave": "wave, c = 1, T = 2",
		"burgers": "Burgers, ν = 0.01/π", "helmholtz": "Helmholtz, a = (1, 4), k = 1",
	}
	known := map[string]bool{}
	for _, task := range tasks {
		if known[task.key] || len(task.targets) == 0 {
			t.Errorf("%s: another task, or one without targets", task.key)
		}
		known[task.key] = true
		for i, goal := range task.targets {
			if !(goal.error > 0 && goal.error < 1 && goal.seconds > 0) || i > 0 && (goal.error >= task.targets[i-1].error) {
				t.Errorf("%s: targets %v, want errors that fall", task.key, task.targets)
			}
		}
		if n := task.seeds(3); n != 3 && !(task.once && n == 1) {
			t.Errorf("%s: %d seeds of 3", task.key, n)
		}
		w, err := task.training("adam", 3)
		if err != nil {
			t.Fatal(err)
		}
		if w.problem.Key != task.key || w.method != "adam" || w.seed != 3 || titles[task.key] != "" && titles[task.key] != w.problem.Name {
			t.Errorf("%s: the training is %s (%q) with %s, seed %d", task.key, w.problem.Key, w.problem.Name, w.method, w.seed)
		}
		want := map[string]string{"poisson2d": " -hidden 32"}[task.key]
		if w.overrides != want || want != "" && !slices.Equal(w.problem.Suggested.Hidden, task.hidden) {
			t.Errorf("%s: hidden %v, overrides %q", task.key, w.problem.Suggested.Hidden, w.overrides)
		}
	}
	chosen, err := chosenTasks("poisson2d,burgers", 0.5)
	if err != nil || len(chosen) != 2 {
		t.Fatal(chosen, err)
	}
	if w, err := chosen[1].training(auto, 1); err != nil || w.seconds != 150 || w.until != 1e-8 || chosen[1].targets[0].seconds != 7.5 {
		t.Errorf("Burgers at half the time has %v s until %v, targets %v (%v)", w.seconds, w.until, chosen[1].targets, err)
	}
	if all, err := chosenTasks("", 1); err != nil || len(all) != len(tasks) || tasks[2].targets[0].seconds != 15 {
		t.Errorf("all are %v, %v", all, err)
	}
}

func TestVerdict(t *testing.T) {
	r := row{ErrorAt: []float64{1, 2, 3, 4}, Errors: []float64{1e-1, 1e-3, 1e-2, 1e-4}}
	for _, c := range []struct {
		goal    target
		reached bool
		seconds float64
	}{
		{target{1e-3, 2}, true, 2}, // the first time, though the error grows again; both limits belong to it
		{target{9e-4, 5}, true, 4}, {target{9e-4, 3.9}, false, 4}, {target{1e-5, 9}, false, math.NaN()},
	} {
		v := r.verdict(c.goal)
		if got := float64(v.SecondsToTarget); v.Reached != c.reached || got != c.seconds && !(math.IsNaN(got) && math.IsNaN(c.seconds)) {
			t.Errorf("%v: reached %v after %v s, want %v after %v s", c.goal, v.Reached, got, c.reached, c.seconds)
		}
	}
}

// TestKeepErrors: the measurement at the end is one too, what is not finite is none.
func TestKeepErrors(t *testing.T) {
	r := row{Seconds: 3, RelativeL2: 1e-3, curve: curve{errorAt: []float64{0, 1, 2}, error: []float64{1, math.Inf(1), 0.5}}}
	r.keepErrors()
	if !slices.Equal(r.ErrorAt, []float64{0, 2, 3}) || !slices.Equal(r.Errors, []float64{1, 0.5, 1e-3}) {
		t.Errorf("kept %v at %v", r.Errors, r.ErrorAt)
	}
	failed := row{Seconds: 3, RelativeL2: number(math.NaN())}
	if failed.keepErrors(); failed.Errors != nil {
		t.Errorf("kept %v of a training without any", failed.Errors)
	}
}

func TestSpread(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	for _, c := range []struct {
		values []float64
		want   string
	}{
		{[]float64{30, 10, 20}, "20 (10–30)"},
		{[]float64{10, 40, 20, 30}, "20 (10–40)"},
		{[]float64{inf, 30, nan, 10, 20}, "30 (10–30)"},
		{[]float64{inf, 30, inf, 10}, "30 (10–30)"}, // half of them are enough
		{[]float64{inf, 30, inf, 10, inf}, "— (10–30)"},
		{[]float64{inf, 30, inf}, "— (30)"},
		{[]float64{7.25}, "7.2"}, {[]float64{inf, inf}, "—"}, {nil, "—"},
	} {
		if got := spreadOf(c.values).text(seconds); got != c.want {
			t.Errorf("%v: %s, want %s", c.values, got, c.want)
		}
	}
	if got := spreadOf([]float64{2e-5, 1e-6, nan}).text(errorText); got != "2.0e-05 (1.0e-06–2.0e-05)" {
		t.Errorf("errors: %s", got)
	}
}

func TestStopReasons(t *testing.T) {
	time, stopped := row{Status: "time limit reached"}, row{Status: optim.CallbackStopped.String()}
	if got := stopReasons([]row{time, stopped, stopped}); got != "target reached (2), time limit reached (1)" {
		t.Errorf("%q", got)
	}
	if got := stopReasons([]row{time}); got != "time limit reached" {
		t.Errorf("%q", got)
	}
}

// TestAgainstAdam compares ends, or where a run stopped at its target.
func TestAgainstAdam(t *testing.T) {
	adam := row{
		Problem: "p", Method: "adam", Seed: 1, Seconds: 100, RelativeL2: 1e-4, Status: "time limit reached",
		ErrorAt: []float64{10, 20, 30, 100}, Errors: []float64{1e-1, 1e-2, 2e-2, 1e-4},
	}
	for name, c := range map[string]struct {
		mine  row
		adams float64
		worse bool
	}{
		"better at the end":           {row{Seconds: 99, RelativeL2: 9e-5, Status: "time limit reached"}, 1e-4, false},
		"equal":                       {row{Seconds: 101, RelativeL2: 1e-4, Status: "time limit reached"}, 1e-4, false},
		"worse":                       {row{Seconds: 99, RelativeL2: 2e-4, Status: "time limit reached"}, 1e-4, true},
		"no error":                    {row{Seconds: 99, RelativeL2: number(math.NaN()), Status: "loss became NaN or infinite"}, 1e-4, true},
		"could not use its time":      {row{Seconds: 25, RelativeL2: 2e-4, Status: "no further decrease"}, 1e-4, true},
		"at its target":               {row{Seconds: 25, RelativeL2: 9e-3, Status: optim.CallbackStopped.String()}, 1e-2, false},
		"worse at its target":         {row{Seconds: 25, RelativeL2: 2e-2, Status: optim.CallbackStopped.String()}, 1e-2, true},
		"before Adam was measured":    {row{Seconds: 5, RelativeL2: 1, Status: optim.CallbackStopped.String()}, math.Inf(1), false},
		"at its target, after Adam's": {row{Seconds: 150, RelativeL2: 9e-5, Status: optim.CallbackStopped.String()}, 1e-4, false},
	} {
		c.mine.Problem, c.mine.Method, c.mine.Seed = "p", auto, 1
		other := adam
		other.Seed, other.RelativeL2 = 2, 0
		got := againstAdam([]row{other, c.mine, adam})
		if len(got) != 1 || got[0].adams != c.adams || got[0].worse() != c.worse {
			t.Errorf("%s: %+v, want Adam's %v, worse %v", name, got, c.adams, c.worse)
		}
	}
	if got := againstAdam([]row{adam}); got != nil {
		t.Errorf("without the other: %v", got)
	}
}

// measured is a row of a task that reached its targets, given as seconds in their order, or not where that is NaN.
func measured(t *testing.T, task task, method string, seed uint64, times ...float64) row {
	t.Helper()
	w, err := task.training(method, seed)
	if err != nil {
		t.Fatal(err)
	}
	r := row{
		Problem: task.key, Title: w.problem.Name, Method: method, Seed: seed, Seconds: w.seconds, Budget: w.seconds, Until: w.until,
		Overrides: w.overrides, Status: optim.TimeLimit.String(), RelativeL2: 3e-3, ErrorAt: []float64{0}, Errors: []float64{1},
		Network: "scale → MLP 2-32-1", Parameters: 129, Optimizer: strings.ToUpper(method), Points: "900", Weights: "1", Source: "a paper",
	}
	for i, at := range times {
		if math.IsNaN(at) {
			continue
		}
		e := 0.9 * task.targets[i].error
		r.ErrorAt, r.Errors = append(r.ErrorAt, at), append(r.Errors, e)
		if task.targets[i] == task.hardest() {
			r.Seconds, r.Status, r.RelativeL2 = at, optim.CallbackStopped.String(), number(e)
		}
	}
	return r
}

// burgers are rows of three seeds: only the first reaches the second target, the last is late for the first.
func burgers(t *testing.T) (task, []row) {
	t.Helper()
	chosen := []task{{key: "burgers", targets: []target{{1e-5, 120}, {1e-7, 900}}}}
	first := measured(t, chosen[0], auto, 1, 70, 700)
	first.Events = []event{{Iteration: 1000, Seconds: 12.6, Text: "goes on with | another"}}
	rows := []row{first, measured(t, chosen[0], auto, 2, 80, math.NaN()), measured(t, chosen[0], auto, 3, 130, math.NaN())}
	for seed := uint64(1); seed <= 3; seed++ {
		rows = append(rows, measured(t, chosen[0], "adam", seed))
	}
	rows[4].RelativeL2 = 1e-3 // seed 2
	return chosen[0], rows
}

func TestAccuracyPage(t *testing.T) {
	one, rows := burgers(t)
	path := filepath.Join(t.TempDir(), "page.md")
	f := accuracyFlags{problem: "burgers", method: "auto,adam", seeds: 3, scale: 1, out: "bench-results"}
	if err := writeAccuracyPage(path, []task{one}, []string{auto, "adam"}, rows, f); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	title := "Burgers, ν = 0.01/π (`burgers`)"
	for _, want := range []string{
		"    go run ./bench accuracy -problem burgers -method auto,adam -markdown " + path + "\n",
		"| " + title + " | 1e-5 in 120 s | `auto` | 2 of 3 | 80 (70–80) | 3.0e-03 (9.0e-08–3.0e-03) | time limit reached (2), target reached (1) |\n",
		"| " + title + " | 1e-7 in 900 s | `auto` | 1 of 3 | — (700) | 3.0e-03 (9.0e-08–3.0e-03) | time limit reached (2), target reached (1) |\n",
		"| " + title + " | 1e-7 in 900 s | `adam` | 0 of 3 | — | 3.0e-03 (1.0e-03–3.0e-03) | time limit reached (3) |\n",
		"| No run ends worse than Adam with the same time | 2 of 3 runs | `burgers`, seed 2: 3.0e-03 against 1.0e-03 |\n",
		"| " + title + " | MLP 2-32-1, P = 129 | 900 | 1 |\n", "| `adam` | ADAM |\n",
		"### " + title + "\n\nSeed 1:\n\n| iteration | seconds | decision |\n|---|---|---|\n| 1000 | 13 | goes on with \\| another |\n",
		"into `bench-results/accuracy/`", "- `burgers`: a paper\n",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not say %q:\n%s", want, page)
		}
	}
	if strings.Contains(page, "those of the real table") {
		t.Error("the page speaks of a scale that is 1")
	}
	f.scale = 0.5
	if err := writeAccuracyPage(path, []task{one}, []string{"adam"}, rows[3:], f); err != nil {
		t.Fatal(err)
	}
	if data, err = os.ReadFile(path); err != nil {
		t.Fatal(err)
	}
	if page = string(data); !strings.Contains(page, "0.5 times those of the real table") || strings.Contains(page, "decided") || strings.Contains(page, "ends worse") {
		t.Errorf("the page of Adam alone at another scale:\n%s", page)
	}
}

// TestDecisions: of hundreds, as many windows of time make, the page has the first ones and says how many there were besides.
func TestDecisions(t *testing.T) {
	_, rows := burgers(t)
	rows[0].Events = make([]event, mostDecisions+3)
	var page strings.Builder
	decisions(&page, rows[:1])
	if lines := strings.Count(page.String(), "\n| 0 |"); lines != mostDecisions || !strings.HasSuffix(page.String(), "\n3 more decisions followed.\n") {
		t.Errorf("there are %d lines, want %d and a sentence:\n%s", lines, mostDecisions, page.String())
	}
}

// TestAccuracyJSON: what other programs read.
func TestAccuracyJSON(t *testing.T) {
	one, rows := burgers(t)
	for i, want := range []map[string]any{
		{"problem": "burgers", "method": "auto", "seed": 1., "seconds": 700., "target": 1e-7, "target_seconds": 900., "reached": true, "seconds_to_target": 700.},
		{"seed": 2., "seconds": 900., "relative_l2": 3e-3, "status": "time limit reached", "reached": false, "seconds_to_target": nil},
	} {
		var out bytes.Buffer
		if err := one.show(&out, rows[i], true); err != nil {
			t.Fatal(err)
		}
		var fields map[string]any
		if err := json.Unmarshal(out.Bytes(), &fields); err != nil {
			t.Fatal(err)
		}
		for name, value := range want {
			if got, ok := fields[name]; !ok || got != value {
				t.Errorf("%q is %v, want %v, in %s", name, got, value, out.String())
			}
		}
		events, ok := fields["events"].([]any)
		if !ok || len(events) != len(rows[i].Events) {
			t.Errorf("events are %v", fields["events"])
		}
		if len(events) > 0 && fmt.Sprint(events[0]) != "map[iteration:1000 seconds:12.6 text:goes on with | another]" {
			t.Errorf("the event is %v", events[0])
		}
		targets, ok := fields["targets"].([]any)
		if !ok || len(targets) != 2 || fmt.Sprint(targets[0]) != fmt.Sprintf("map[reached:true seconds_to_target:%d target:1e-05 target_seconds:120]", 70+10*i) {
			t.Errorf("targets are %v", fields["targets"])
		}
		if fields["errors"] != nil || strings.Count(out.String(), "\n") != 1 {
			t.Errorf("not one short line: %q", out.String())
		}
	}
	var out bytes.Buffer
	if err := one.show(&out, rows[2], false); err != nil || !strings.Contains(out.String(), "time limit reached") ||
		!strings.Contains(out.String(), "1e-5 in 120 s: 130, 1e-7 in 900 s: —\n") {
		t.Errorf("a line of the table: %q (%v)", out.String(), err)
	}
}

// TestAccuracyPictures: a curve for each method, with all seeds; as many pictures as it takes.
func TestAccuracyPictures(t *testing.T) {
	one, rows := burgers(t)
	curves := one.curves([]string{"adam", auto, "none"}, rows)
	if len(curves) != 2 || curves[0].Name != "adam" || curves[1].Name != auto {
		t.Fatalf("curves are %v", curves)
	}
	nan := math.NaN()
	if got, want := fmt.Sprint(curves[1].X), fmt.Sprint([]float64{0, 70, 700, nan, 0, 80, nan, 0, 130}); got != want {
		t.Errorf("the curve is at %s, want %s", got, want)
	}
	if order := bestFirst(curves); !slices.Equal(order, []int{1, 0}) {
		t.Errorf("the order is %v", order)
	}
	names := []string{auto, "adam", "a", "b", "c", "d"}
	for _, name := range names[2:] {
		rows = append(rows, measured(t, one, name, 1, 20, nan))
	}
	folder := filepath.Join(t.TempDir(), "new")
	if err := one.draw(names, rows, folder); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil || len(files) != 2 || filepath.Base(files[0]) != "burgers-2.png" || filepath.Base(files[1]) != "burgers.png" {
		t.Errorf("pictures are %v, %v", files, err)
	}
	if err := one.draw(names, []row{{Problem: one.key, Method: auto}}, filepath.Join(folder, "none")); err != nil {
		t.Errorf("without any error: %v", err)
	}
}

// TestAccuracyCommand takes everything from results that are there, as a later run does: what is missing is trained for,
// and that would take minutes. The whole table makes the page of the documentation.
func TestAccuracyCommand(t *testing.T) {
	t.Chdir(t.TempDir())
	results, err := openStore("bench-results/accuracy.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for _, scale := range []float64{1, 0.5} {
		all, err := chosenTasks("", scale)
		if err != nil {
			t.Fatal(err)
		}
		for _, task := range all {
			for seed := uint64(1); seed <= wholeSeeds; seed++ {
				if err := results.add(measured(t, task, auto, seed, scale*task.targets[0].seconds)); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if err := os.Mkdir("docs", 0o755); err != nil {
		t.Fatal(err)
	}
	rows := func(seeds int) (n int) {
		for _, t := range tasks {
			n += t.seeds(seeds)
		}
		return n
	}
	for _, c := range []struct {
		args  []string
		lines int
		page  string // where it is written
	}{
		{[]string{"-problem", "burgers", "-method", "auto", "-seeds", "1", "-json"}, 1, ""},
		{[]string{"-problem", "wave,burgers", "-method", "default,auto", "-markdown", "two.md"}, 2*wholeSeeds + 1, "two.md"},
		{[]string{"-seeds", "2", "-pictures=false"}, rows(2) + 1, ""}, {[]string{"-scale", "0.5", "-pictures=false"}, rows(wholeSeeds) + 1, ""},
		{[]string{"-markdown", "", "-pictures=false"}, rows(wholeSeeds) + 1, ""},
		{[]string{"-json", "-pictures=false"}, rows(wholeSeeds), accuracyPage},
	} {
		if out := stdoutOf(t, append([]string{"accuracy"}, c.args...)); strings.Count(out, "\n") != c.lines {
			t.Errorf("%q prints, want %d lines:\n%s", c.args, c.lines, out)
		}
		for _, page := range []string{"two.md", accuracyPage} {
			_, err := os.Stat(page)
			if written := err == nil; written != (page == c.page) {
				t.Errorf("%q: there is a page %s: %v", c.args, page, written)
			}
			os.Remove(page)
		}
	}
	pictures, err := filepath.Glob("bench-results/accuracy/*")
	if err != nil || len(pictures) != 2 {
		t.Errorf("pictures are %v, %v, want those of wave and burgers", pictures, err)
	}
}

// stdoutOf is what a command prints.
func stdoutOf(t *testing.T, args []string) string {
	t.Helper()
	stdout := os.Stdout
	defer func() { os.Stdout = stdout }()
	f, err := os.Create(filepath.Join(t.TempDir(), "stdout"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	os.Stdout = f
	if err := run(t.Context(), args); err != nil {
		t.Fatal(err)
	}
	out, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}
