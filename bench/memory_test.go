package main

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"os/exec"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

// TestWidthFor: the network has as many parameters as are asked for, within one in a hundred.
func TestWidthFor(t *testing.T) {
	for _, parameters := range []int{leastParameters, 12_345, 100_000, 999_999, 2_000_000, 4_000_000, 50_000_000} {
		got := parametersOf(widthFor(parameters))
		if off := math.Abs(float64(got-parameters)) / float64(parameters); off > 0.01 {
			t.Errorf("for %d parameters there are %d, off by %.2g", parameters, got, off)
		}
	}
	for w := 100; w < 2000; w++ {
		if got := widthFor(parametersOf(w)); got != w {
			t.Fatalf("for the parameters of width %d the width is %d", w, got)
		}
	}
}

func TestFigure(t *testing.T) {
	text := []byte("Name:\tbench\nVmPeak:\t    3776 kB\nVmHWM:\t    2281 kB\nVmRSS:\t    2280 kB\nRssAnon:\t none\nThreads:\t7\n")
	for name, want := range map[string]int64{residentNow: 2280 << 10, residentPeak: 2281 << 10} {
		if got, err := figure(text, name); err != nil || got != want {
			t.Errorf("%s is %d (%v), want %d", name, got, err, want)
		}
	}
	for name, word := range map[string]string{"VmSwap": "no VmSwap", "VmRS": "no VmRS", "RssAnon": `is "none"`, "Threads": `is "7"`} {
		if _, err := figure(text, name); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v, want an error that says %q", name, err, word)
		}
	}
	if n := testing.AllocsPerRun(10, func() { _, _ = figure(text, residentNow) }); n > 0 {
		t.Errorf("reading a figure allocates %v times", n)
	}
}

func onLinux(t *testing.T) {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the memory of a process is read from Linux's /proc")
	}
}

// TestHighWater: the mark rises with memory that is used, stays when that is given back, and falls with a reset.
func TestHighWater(t *testing.T) {
	onLinux(t)
	kept, err := openHighWater()
	if err != nil {
		t.Fatal(err)
	}
	own, err := openResident("self")
	if err != nil {
		t.Fatal(err)
	}
	sampled := &highWater{own: own}
	if err := sampled.sample(); err != nil {
		t.Fatal(err)
	}
	const much, little = 64 << 20, 16 << 20
	for _, h := range []*highWater{kept, sampled} {
		defer h.close()
		peak := func() int64 {
			t.Helper()
			p, err := h.peak()
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		debug.FreeOSMemory()
		if err := h.reset(); err != nil {
			t.Fatal(err)
		}
		start := peak()
		block := bytes.Repeat([]byte{1}, much)
		high := peak()
		runtime.KeepAlive(block)
		block = nil
		debug.FreeOSMemory()
		if high < start+much-little || peak() < high-little {
			t.Errorf("%s: from %d the mark goes to %d and %d, want %d more and no fall", h.how(), start, high, peak(), much)
		}
		if err := h.reset(); err != nil {
			t.Fatal(err)
		}
		if p := peak(); p > high-much+little {
			t.Errorf("%s: after a reset the mark is %d, want %d less than %d", h.how(), p, much, high)
		}
	}
}

// TestStages: where the parts of a run begin.
func TestStages(t *testing.T) {
	for records, want := range map[int]int{0: 0, 1: 0, 2: 0, 3: 1, 49: 1, 50: 2, 99: 2, 100: 3, 149: 3, 150: 4, 200: 4, 201: 4} {
		if got := stageOf(records, 50); got != want {
			t.Errorf("after %d records the stage is %d, want %d", records, got, want)
		}
	}
	r := memoryRow{Before: 100}
	for stage, memory := range []int64{190, 130, 140, 110, 120, 150} {
		r.peaked(stage, memory)
		r.peaked(stage, 105)
	}
	if r.First != 90 || r.Later != 50 || r.Peak != 90 || r.Quarters != [4]int64{30, 40, 10, 20} {
		t.Errorf("of the stages there remains %+v", r)
	}
}

// judged is a row with these figures in θ.
func judged(method string, first, later, growth, target float64, stopped string) memoryRow {
	const theta = 1000
	r := memoryRow{Method: method, Parameters: 125, Theta: theta, First: int64(first * theta), Later: int64(later * theta), Stopped: stopped}
	r.Peak = max(r.First, r.Later)
	r.Quarters = [4]int64{0, theta, theta, theta + int64(growth*theta)}
	r.judge(target)
	return r
}

func TestMemoryVerdicts(t *testing.T) {
	for _, c := range []struct {
		r            memoryRow
		peak, growth bool
	}{
		{judged("a", 3, 12, 2, 12, ""), true, true},
		{judged("a", 13, 11, 0, 12, ""), false, true}, // the first iterations count as well
		{judged("a", 3, 12.1, 0, 12, ""), false, true},
		{judged("a", 3, 8, 2.1, 12, ""), true, false},
		{judged("a", 3, 8, -2, 12, ""), true, true},
		{judged("a", 3, 1000, 0, 0, ""), true, true},
		{judged("a", 3, 8, 0, 12, "killed"), false, false},
		{judged("a", 3, 8, 0, 0, "killed"), false, false},
	} {
		if c.r.PeakMet != c.peak || c.r.GrowthMet != c.growth {
			t.Errorf("%+v: want %v and %v", c.r, c.peak, c.growth)
		}
	}
	good, big, growing := judged("good", 3, 8, 0, 12, ""), judged("big", 3, 70, 0, 60, ""), judged("growing", 3, 8, 3, 0, "")
	if text, missed := memoryVerdict([]memoryRow{good}); text != "All targets are met." || missed != 0 {
		t.Errorf("%q, %d", text, missed)
	}
	text, missed := memoryVerdict([]memoryRow{good, big, growing, judged("late", 1, 1, 0, 0, "killed")})
	const want = "Met: peak of good at P = 125, growth of good at P = 125, growth of big at P = 125. " +
		"Missed: peak of big at P = 125, growth of growing at P = 125, late at P = 125 (stopped)."
	if text != want || missed != 3 {
		t.Errorf("%q, %d, want %q, 3", text, missed, want)
	}
}

// TestMemoryTable: every line has as many columns as the head, and JSON as many lines as rows, without figures that are
// not known.
func TestMemoryTable(t *testing.T) {
	var out bytes.Buffer
	if err := printMemoryHead(&out); err != nil {
		t.Fatal(err)
	}
	for _, r := range []memoryRow{judged("adam", 3, 8.04, 0.123, 12, ""), judged("sgd", 3, 8, 0, 0, "above the limit of 12 GiB")} {
		if err := r.print(&out); err != nil {
			t.Fatal(err)
		}
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	head := strings.Fields(strings.ReplaceAll(lines[len(lines)-3], "at most", "at-most"))
	for i, want := range [][]string{
		{"adam", "125", "0", "0.0", "0-MB", "0-MB", "3.0", "8.0", "12", "0.12", "2.0", "met"},
		{"sgd", "125", "0", "0.0", "0-MB", "0-MB", "3.0", "8.0", "–", "–", "2.0", "missed;", "stopped:", "above", "the", "limit", "of", "12", "GiB"},
	} {
		line := lines[len(lines)-2+i]
		if got := strings.Fields(strings.ReplaceAll(line, " MB", "-MB")); !slices.Equal(got, want) || len(head) != 11 {
			t.Errorf("a line is %q under %q, want %q", got, head, want)
		}
	}

	out.Reset()
	if err := printJSON(&out, judged("sgd", 3, 8, 0, 0, "killed")); err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(out.Bytes(), &fields); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{
		"method": "sgd", "parameters": 125.0, "theta_bytes": 1000.0, "peak_theta": 8.0, "growth_theta": nil, "peak_target": nil,
		"growth_target": 2.0, "peak_met": false, "growth_met": false, "stopped": "killed",
	} {
		if got, ok := fields[name]; !ok || got != want {
			t.Errorf("%q is %v (%v) in %s, want %v", name, got, ok, out.String(), want)
		}
	}
}

func TestBadMemoryArguments(t *testing.T) {
	for word, args := range map[string][]string{
		`an argument "adam"`:         {"adam"},
		`-method is "adam,muon"`:     {"-method", "adam,muon"},
		`-parameters is "9999"`:      {"-parameters", "9999"},
		`-parameters is "1e6"`:       {"-parameters", "1e6"},
		`-parameters is "20000,"`:    {"-parameters", "20000,"},
		"-iterations is 16":          {"-iterations", "16"},
		"-iterations is 50":          {"-iterations", "50"},
		"-limit is 0":                {"-limit", "0"},
		"-limit is NaN":              {"-limit", "NaN"},
		"there is an argument \"x\"": {memoryChild, "x"},
	} {
		if err := run(context.Background(), append([]string{"memory"}, args...)); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%q: %v, want an error that mentions %q", args, err, word)
		}
	}
	if f, err := parseMemory(nil); err != nil || len(f.runs) != 8 {
		t.Errorf("without flags there are %d runs (%v), want four methods for two sizes", len(f.runs), err)
	}
}

// TestWatch: a process that takes too much memory ends, and so does one that prints something else than rows.
func TestWatch(t *testing.T) {
	onLinux(t)
	shell := func(script string) *exec.Cmd { return exec.CommandContext(t.Context(), "sh", "-c", script) }
	const rows = `echo '{"method":"m","iterations":1}'; echo '{"method":"m","iterations":2}'; `
	r, err := watch(shell(rows+"exit 0"), 1<<40)
	if err != nil || r.Iterations != 2 || r.Stopped != "" {
		t.Errorf("of two rows there is %+v (%v)", r, err)
	}
	r, err = watch(shell(rows+"exit 3"), 1<<40)
	if err != nil || r.Iterations != 2 || r.Stopped != "exit status 3" {
		t.Errorf("of two rows and a failure there is %+v (%v)", r, err)
	}
	r, err = watch(shell(rows+`printf '{"method":'`), 1<<40)
	if err != nil || r.Iterations != 2 {
		t.Errorf("of two rows and a piece there is %+v (%v)", r, err)
	}
	for word, cmd := range map[string]*exec.Cmd{
		"exit status 3":  shell("exit 3"),
		"without a word": shell("exit 0"),
		"reading what":   shell("echo nothing; exec sleep 1000"),
	} {
		if _, err := watch(cmd, 1<<40); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("the error is %v, want one that says %q", err, word)
		}
	}
	// The process has printed its rows by the time it is a sleep without end; then 1 byte is too little.
	cmd := shell(rows + "exec sleep 1000")
	r, err = watch(cmd, 1)
	if r.Method == "" { // it was ended before it had said anything
		if err == nil || !strings.Contains(err.Error(), "above the limit") {
			t.Errorf("above the limit: %v", err)
		}
	} else if err != nil || !strings.HasPrefix(r.Stopped, "above the limit") || r.Peak == 0 {
		t.Errorf("above the limit there is %+v (%v)", r, err)
	}
}

// TestMemoryRun makes a small run in this process: rows come as the run goes on, and the last one is whole.
func TestMemoryRun(t *testing.T) {
	onLinux(t)
	f, err := parseMemory([]string{"-method", "adam", "-parameters", "10000", "-iterations", "20"})
	if err != nil {
		t.Fatal(err)
	}
	var rows []memoryRow
	if err := f.runs[0].measure(t.Context(), func(r memoryRow) error {
		rows = append(rows, r)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if first := rows[0]; first.Before <= 0 || first.Iterations != 0 {
		t.Errorf("at the start there is %+v", first)
	}
	last := rows[len(rows)-1]
	if last.Iterations != 20 || last.Stopped != "" || last.Peak < last.Quarters[3] || last.Parameters != parametersOf(98) || last.Theta != 8*int64(last.Parameters) {
		t.Errorf("at the end there is %+v", last)
	}
}
