//go:build unix

package setup

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestChildrenEnd: what set-up starts must end with it, however that ends, so that it is started by package child.
func TestChildrenEnd(t *testing.T) {
	starts := regexp.MustCompile(`(cmd|command\(.*\)|Command(Context)?\(.*\))\.(Run|Start|Output|CombinedOutput)\(\)`)
	for _, folder := range []string{".", "../headless", "../../../sciml/backend/install"} {
		files, err := filepath.Glob(filepath.Join(folder, "*.go"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no files in %s, error %v", folder, err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if found := starts.FindString(string(text)); found != "" {
				t.Errorf("%s has %s, expected child.Run, Output or Start", name, found)
			}
		}
	}
}
