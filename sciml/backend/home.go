package backend

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// HomeEnv names the environment variable that moves the data directory of GoSciML elsewhere.
const HomeEnv = "GOSCIML_HOME"

// Home returns the data directory of GoSciML, in which plug-ins, the Python environment and the tools of the kernel
// are installed: $GOSCIML_HOME if set, else "gosciml" in the user's data directory ($XDG_DATA_HOME or
// ~/.local/share; ~/Library/Application Support on macOS; %LocalAppData% on Windows). The directory need not exist.
func Home() (string, error) {
	if dir := os.Getenv(HomeEnv); dir != "" {
		if !filepath.IsAbs(dir) {
			return "", fmt.Errorf("%s is %q, expected an absolute path: set it to one, or unset it", HomeEnv, dir)
		}
		return filepath.Clean(dir), nil
	}
	return DefaultHome()
}

// DefaultHome returns what Home returns where $GOSCIML_HOME is not set.
func DefaultHome() (string, error) {
	switch runtime.GOOS {
	case "windows":
		if dir := os.Getenv("LocalAppData"); dir != "" {
			return filepath.Join(dir, "gosciml"), nil
		}
	case "darwin", "ios":
		if dir, err := os.UserHomeDir(); err == nil {
			return filepath.Join(dir, "Library", "Application Support", "gosciml"), nil
		}
	default:
		if dir := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(dir) {
			return filepath.Join(dir, "gosciml"), nil
		}
		if dir, err := os.UserHomeDir(); err == nil {
			return filepath.Join(dir, ".local", "share", "gosciml"), nil
		}
	}
	return "", fmt.Errorf("there is no home directory to keep data in: set HOME, or %s to an absolute path", HomeEnv)
}
