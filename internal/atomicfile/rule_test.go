package atomicfile

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// otherwise are the files that may write files in another way: a link and a folder are renamed, and what is in a folder of a
// process goes with it.
var otherwise = []string{
	"internal/atomicfile/atomicfile.go", "kernel/internal/setup/golang.go", "kernel/internal/supervise/supervise.go", "sciml/backend/internal/plugin/plugin.go",
}

// TestOneWriter: whatever else writes files would leave halves of them, lose permissions, or replace links.
func TestOneWriter(t *testing.T) {
	const root = "../.."
	writes := regexp.MustCompile(`os\.(WriteFile|Create|CreateTemp|Rename)\(|O_TRUNC`)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && strings.HasPrefix(d.Name(), "."), d.IsDir() && d.Name() == "examples":
			return filepath.SkipDir
		case !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if found := writes.Find(text); found != nil && !slices.Contains(otherwise, filepath.ToSlash(name)) {
			t.Errorf("%s has %s, expected atomicfile.Write", name, found)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
