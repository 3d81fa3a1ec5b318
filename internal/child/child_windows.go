// Package child runs commands that end with this process, however it ends, with all that they have started.
package child

import "os/exec"

// Start starts a command and returns the function that waits for its end. On Windows nothing watches over it.
func Start(cmd *exec.Cmd) (wait func() error, err error) { return cmd.Wait, cmd.Start() }
