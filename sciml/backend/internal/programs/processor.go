package programs

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
)

// Processor is what code for this machine depends on: its model, what it can do, and the number of its cores that this process may use.
func Processor() (string, error) {
	data, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "", errors.New("the kind of processor is not known here")
	}
	first, _, _ := strings.Cut(string(data), "\n\n")
	var told []string
	for line := range strings.Lines(first) {
		switch name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) {
		case "vendor_id", "cpu family", "model", "model name", "stepping", "flags", "Features", "CPU implementer", "CPU part", "CPU variant":
			told = append(told, strings.TrimSpace(value))
		}
	}
	if len(told) == 0 {
		return "", errors.New("the kind of processor is not known here")
	}
	return fmt.Sprintf("%s %s %d %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), strings.Join(told, "|")), nil
}
