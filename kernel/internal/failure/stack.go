package failure

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// most frames and goroutines that are shown: what is beyond helps nobody.
const (
	mostFrames     = 20
	mostGoroutines = 5
)

// useful are the goroutines with frames in cells, or else the first.
func (t Told) useful(list []goroutine) []goroutine {
	var useful []goroutine
	for _, g := range list {
		for _, f := range g.frames {
			if f.program {
				useful = append(useful, g)
				break
			}
		}
	}
	if len(useful) == 0 && len(list) > 0 {
		useful = list[:1]
	}
	return useful
}

// stacks adds the stacks of goroutines, as far as they say more than the place that has been shown.
func (t Told) stacks(e *Error, c *crash, shown place) {
	useful := t.useful(c.goroutines)
	for i, g := range useful {
		if i == mostGoroutines {
			e.add("", fmt.Sprintf("… and %d goroutines more", len(useful)-i))
			break
		}
		title := "stack:"
		if len(useful) > 1 {
			title = "goroutine " + g.id + " " + waits(g.state) + ":"
		}
		g.frames = slices.DeleteFunc(slices.Clone(g.frames), hidden)
		if i == 0 && len(g.frames) > 0 && shown.known() && t.placeOf(g.frames[0]) == shown {
			g.frames = g.frames[1:]
			if len(useful) == 1 {
				title = "called by:"
				if len(g.frames) == 1 && g.frames[0].creator {
					title = "" // the line says it
				}
			} else {
				title = "goroutine " + g.id + ", the one above, " + waits(g.state) + ":"
			}
		}
		lines := t.stack(g)
		if len(lines) == 0 && len(useful) == 1 {
			return
		}
		if len(lines) == 0 {
			title = strings.TrimSuffix(title, ":")
		}
		e.add("")
		if title != "" {
			e.add(bold + title + reset)
		}
		for _, line := range lines {
			if title != "" {
				line = "    " + line
			}
			e.add(line)
		}
	}
}

// waits says in words what a goroutine does.
func waits(state string) string {
	switch state {
	case "running", "runnable":
		return "runs"
	case "chan send":
		return "waits to send on a channel"
	case "chan receive":
		return "waits to receive from a channel"
	case "chan send (nil chan)":
		return "waits to send on a channel that is nil"
	case "chan receive (nil chan)":
		return "waits to receive from a channel that is nil"
	case "select", "select (no cases)":
		return "waits in " + state
	case "sleep":
		return "sleeps"
	case "sync.WaitGroup.Wait":
		return "waits for a sync.WaitGroup"
	case "sync.Cond.Wait":
		return "waits for a sync.Cond"
	}
	if lock, ok := strings.CutSuffix(state, ".Lock"); ok {
		return "waits for a " + lock
	}
	return "waits (" + state + ")"
}

// stack gives a line for each frame that helps. Frames that repeat, as of a function that calls itself, are counted.
func (t Told) stack(g goroutine) []string {
	var lines []string
	var last string
	again := 0
	flush := func() {
		switch {
		case again > 0 && g.elided: // the runtime has left out most, so the number would be wrong
			lines = append(lines, "… the same again and again")
		case again > 0:
			lines = append(lines, fmt.Sprintf("… the same %d times more", again))
		}
		again = 0
	}
	for _, f := range g.frames {
		line := t.frameLine(f)
		if line == last {
			again++
			continue
		}
		flush()
		lines = append(lines, line)
		last = line
	}
	flush()
	if len(lines) > mostFrames {
		half := mostFrames / 2
		rest := len(lines) - 2*half
		lines = append(append(append([]string{}, lines[:half]...), fmt.Sprintf("… %d more", rest)), lines[len(lines)-half:]...)
	}
	return lines
}

func (t Told) frameLine(f frame) string {
	name := functionName(f.function)
	started := ""
	if f.creator {
		started = "started by "
	}
	if !f.program {
		return fmt.Sprintf("%s%s, %s/%s:%d", started, name, packageOf(f.function), path.Base(f.file), f.line)
	}
	p := t.placeOf(f)
	if !p.known() {
		return started + name + ", in the program around the cells"
	}
	line := started + p.String() + inFunction(name)
	if text := strings.TrimSpace(p.text); text != "" {
		line += ": " + text
	}
	return line
}

// inFunction names the function a place is in, unless that is what runs a cell's statements.
func inFunction(name string) string {
	if name = strings.TrimPrefix(name, "main."); name == "" || name == "main" || name == "init" || closure.MatchString(name) {
		return ""
	}
	return ", in " + name
}

// closure matches the compiler's names for functions without one.
var closure = regexp.MustCompile(`^(?:func\d+|\d+|gowrap\d+)(?:\.|$)`)

// hidden says whether a frame belongs to the machinery that calls or ends every program.
func hidden(f frame) bool {
	if f.program {
		return false
	}
	pkg := packageOf(f.function)
	return pkg == "" || pkg == "runtime" || pkg == "testing" || pkg == "sync" || strings.HasPrefix(pkg, "runtime/") || strings.HasPrefix(pkg, "internal/")
}

// packageOf is the import path of a frame's function.
func packageOf(function string) string {
	dir, base := "", function
	if i := strings.LastIndex(cutTypes(function), "/"); i >= 0 {
		dir, base = function[:i+1], function[i+1:]
	}
	name, _, ok := strings.Cut(base, ".")
	if !ok {
		return "" // panic
	}
	return strings.ReplaceAll(dir+name, "%2e", ".")
}

// cutTypes leaves out type arguments, which may hold paths.
func cutTypes(function string) string {
	if i := strings.IndexByte(function, '['); i >= 0 {
		return function[:i]
	}
	return function
}

var programPackage = regexp.MustCompile(`^(?:main|gonb_[0-9a-f]+)\.`)

// functionName is a function as code calls it: graph.MustExecOnce, and without a package where it is the program's own.
func functionName(function string) string {
	if i := strings.LastIndex(cutTypes(function), "/"); i >= 0 {
		function = function[i+1:]
	}
	return programPackage.ReplaceAllString(strings.ReplaceAll(function, "%2e", "."), "")
}
