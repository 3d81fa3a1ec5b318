//go:build unix && !linux

package supervise

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// processes lists all processes.
func processes() []process {
	out, err := exec.Command("ps", "-axo", "pid=,ppid=,rss=,comm=").Output()
	if err != nil {
		return nil
	}
	var list []process
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		if len(fields) < 4 {
			continue
		}
		pid, _ := strconv.Atoi(fields[0])
		parent, _ := strconv.Atoi(fields[1])
		kB, _ := strconv.ParseUint(fields[2], 10, 64)
		list = append(list, process{pid: pid, parent: parent, memory: kB << 10, name: strings.Join(fields[3:], " ")})
	}
	return list
}

// leftovers lists the processes that name the kernel's temporary folder in their command line: gopls has a process
// group of its own.
func leftovers(_ int, tmp string) []int {
	out, err := exec.Command("ps", "-axo", "pid=,command=").Output()
	if err != nil {
		return nil
	}
	var pids []int
	for line := range strings.Lines(string(out)) {
		number, command, _ := strings.Cut(strings.TrimSpace(line), " ")
		if pid, err := strconv.Atoi(number); err == nil && pid != os.Getpid() && strings.Contains(command, tmp+"/") {
			pids = append(pids, pid)
		}
	}
	return pids
}
