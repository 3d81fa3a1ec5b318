//go:build unix

package setup

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/gosciml/gosciml/kernel/internal/place"
)

// Uninstall removes what set-up made, for all clones that share the data directory, and says what. The data directory
// itself goes only if nothing else is left in it; Go's caches belong to the user and stay.
func Uninstall(p place.Place, say io.Writer) error {
	var paths []string
	for _, name := range []string{"python", "plugins", "go-xla", "programs", "tools", "clones", "jupyter", "setup.lock", "install.lock"} {
		paths = append(paths, filepath.Join(p.Home, name))
	}
	if user, err := place.UserSpec(); err == nil && ours(user, p.Home) {
		paths = append(paths, user)
	}
	removed := 0
	for _, path := range paths {
		if _, err := os.Lstat(path); err != nil {
			continue
		}
		if err := os.RemoveAll(path); err != nil {
			return fmt.Errorf("cannot remove %s: %w", path, err)
		}
		fmt.Fprintln(say, "removed", path)
		removed++
	}
	if left, err := os.ReadDir(p.Home); err == nil && len(left) == 0 && os.Remove(p.Home) == nil {
		fmt.Fprintln(say, "removed", p.Home)
	} else if err == nil && len(left) > 0 {
		fmt.Fprintf(say, "kept %s, which holds %s\n", p.Home, left[0].Name())
	}
	if removed == 0 {
		fmt.Fprintln(say, "nothing was installed in", p.Home)
	}
	fmt.Fprintln(say, "Go's module and build caches are shared with your other work and were left alone.")
	return nil
}

// ours tells whether a kernelspec starts a program of the data directory.
func ours(dir, home string) bool {
	var s spec
	data, err := os.ReadFile(filepath.Join(dir, "kernel.json"))
	return err == nil && json.Unmarshal(data, &s) == nil && len(s.Argv) > 0 &&
		strings.HasPrefix(s.Argv[0], home+string(filepath.Separator))
}
