package child

import (
	"bytes"
	"os/exec"
)

// Run is cmd.Run for a command of Start.
func Run(cmd *exec.Cmd) error {
	wait, err := Start(cmd)
	if err != nil {
		return err
	}
	return wait()
}

// Output is cmd.Output for a command of Start, without its standard error.
func Output(cmd *exec.Cmd) ([]byte, error) {
	var out bytes.Buffer
	cmd.Stdout = &out
	err := Run(cmd)
	return out.Bytes(), err
}
