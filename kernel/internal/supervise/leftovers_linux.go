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
		head, rest, ok := cutLast(string(data), ")")
		if !ok {
			continue
		}
		number, command, _ := strings.Cut(head, " (")
		fields := strings.Fields(rest)
		pid, err := strconv.Atoi(number)
		if err != nil || len(fields) < 2 {
			continue
		}
		parent, _ := strconv.Atoi(fields[1])
		list = append(list, process{pid: pid, parent: parent, name: command})
	}
	return list
}

// cutLast cuts at the last separator: a name in parentheses may contain more.
func cutLast(s, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(s, separator); i >= 0 {
		return s[:i], s[i+len(separator):], true
	}
	return s, "", false
}

// leftovers lists the processes of GoNB's session, and those that name the kernel's temporary folder in their
// command line: gopls has a process group of its own.
func leftovers(session int, tmp string) []int {
	var pids []int
	names, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil
	}
	for _, name := range names {
		pid, err := strconv.Atoi(filepath.Base(name))
		if err != nil || pid == os.Getpid() {
			continue
		}
		command, _ := os.ReadFile(filepath.Join(name, "cmdline"))
		if bytes.Contains(command, []byte(tmp+"/")) || sessionOf(name) == session {
			pids = append(pids, pid)
		}
	}
	return pids
}

// sessionOf reads the session of a process from its status line, in which the name in parentheses may contain spaces.
func sessionOf(dir string) int {
	data, err := os.ReadFile(filepath.Join(dir, "stat"))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(data[bytes.LastIndexByte(data, ')')+1:]), " ")
	if fields := strings.Fields(rest); len(fields) > 3 {
		session, _ := strconv.Atoi(fields[3])
		return session
	}
	return 0
}
