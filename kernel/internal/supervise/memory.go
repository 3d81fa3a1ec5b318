//go:build unix

package supervise

import (
	"path/filepath"
	"time"
)

// PeakMemory looks five times a second, until stop is closed, how much memory the programs of cells have that kernels below a process run,
// and returns the most that it has seen, in bytes: the sum of what is resident of a program and of those that it has started.
// What compiles cells, and the language server, are not counted.
func PeakMemory(ancestor int, stop <-chan struct{}) (peak uint64) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return peak
		case <-tick.C:
			peak = max(peak, programMemory(processes(), ancestor))
		}
	}
}

func programMemory(all []process, ancestor int) (sum uint64) {
	children := map[int][]process{}
	for _, p := range all {
		children[p.parent] = append(children[p.parent], p)
	}
	var whole func(p process) uint64
	whole = func(p process) uint64 {
		sum := p.memory
		for _, c := range children[p.pid] {
			sum += whole(c)
		}
		return sum
	}
	var walk func(pid int, inGoNB bool)
	walk = func(pid int, inGoNB bool) {
		for _, p := range children[pid] {
			switch {
			case !inGoNB:
				walk(p.pid, filepath.Base(p.name) == "gonb")
			case roleOf(p) == program:
				sum += whole(p)
			}
		}
	}
	walk(ancestor, false)
	return sum
}
