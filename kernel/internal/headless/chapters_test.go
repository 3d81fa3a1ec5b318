package headless

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A chapter's notebook is made from its text: whoever changes one has to execute it again.
func TestNotebooksAreThoseOfTheTutorials(t *testing.T) {
	const root = "../../.."
	chapters, err := filepath.Glob(filepath.Join(root, "tutorials", "*.md"))
	if err != nil || len(chapters) == 0 {
		t.Fatalf("found the chapters %v, %v, expected at least one", chapters, err)
	}
	for _, chapter := range chapters {
		name := strings.TrimSuffix(filepath.Base(chapter), ".md")
		converted := filepath.Join(t.TempDir(), name+".ipynb")
		data, _, err := convert(chapter)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(converted, data, 0o644); err != nil {
			t.Fatal(err)
		}
		want, got := sources(t, converted), sources(t, filepath.Join(root, "notebooks", name+".ipynb"))
		if len(want) != len(got) {
			t.Errorf("notebooks/%s.ipynb has %d cells and tutorials/%s.md %d: execute the chapter again", name, len(got), name, len(want))
			continue
		}
		for i := range want {
			if want[i] != got[i] {
				t.Errorf("cell %d of notebooks/%s.ipynb differs from tutorials/%s.md: execute the chapter again", i, name, name)
			}
		}
	}
}

// sources returns the text of each cell.
func sources(t *testing.T, path string) []string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var notebook struct {
		Cells []struct{ Source any }
	}
	if err := json.Unmarshal(data, &notebook); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	var texts []string
	for _, c := range notebook.Cells {
		switch s := c.Source.(type) {
		case string:
			texts = append(texts, s)
		case []any:
			var b strings.Builder
			for _, line := range s {
				b.WriteString(line.(string))
			}
			texts = append(texts, b.String())
		}
	}
	return texts
}
