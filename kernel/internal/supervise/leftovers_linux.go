package supervise

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// processes lists all processes.
func processes() []process {
	var list []process
	names, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil
	}
	for _, name := range names {
		data, err := os.ReadFile(filepath.Join(name, "stat"))
		if err != nil {
			continue
		}
		// The name, in parentheses, may contain more of them, and spaces.
		end := bytes.LastIndexByte(data, ')')
		number, command, _ := strings.Cut(string(data[:max(end, 0)]), " (")
		fields := strings.Fields(string(data[end+1:]))
		pid, err := strconv.Atoi(number)
		if err != nil || len(fields) < 22 {
			continue
		}
		p := process{pid: pid, name: command}
		p.parent, _ = strconv.Atoi(fields[1])
		p.session, _ = strconv.Atoi(fields[3])
		pages, _ := strconv.ParseUint(fields[21], 10, 64)
		p.memory = pages * uint64(os.Getpagesize())
		list = append(list, p)
	}
	return list
}

// leftovers lists the processes of GoNB's session, and those that name the kernel's temporary folder in their
// command line: gopls has a process group of its own.
func leftovers(session int, tmp string) []int {
	var pids []int
	for _, p := range processes() {
		if p.pid == os.Getpid() {
			continue
		}
		command, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.pid), "cmdline"))
		if p.session == session || bytes.Contains(command, []byte(tmp+"/")) {
			pids = append(pids, p.pid)
		}
	}
	return pids
}
