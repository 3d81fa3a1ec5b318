//go:build unix

package chapters

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/kernel/internal/place"
	"github.com/gosciml/gosciml/tutorials/chapter"
)

const testdata = "../../../tutorials/chapter/testdata"

func TestChoose(t *testing.T) {
	folder := t.TempDir()
	for _, name := range []string{"01-a", "02-b", "11-c"} {
		if err := os.WriteFile(filepath.Join(folder, name+".md"), []byte("# "+name[:2]+" · "+name+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c := Course{Texts: folder}
	for names, want := range map[string]string{
		"": "01-a 02-b 11-c", "02": "02-b", "2": "02-b", "11-c 01": "11-c 01-a", "tutorials/02-b.md": "02-b", "notebooks/02-b.ipynb": "02-b",
	} {
		all, chosen, err := c.Choose(strings.Fields(names))
		if err != nil || len(all) != 3 {
			t.Fatal(err)
		}
		var got []string
		for _, ch := range chosen {
			got = append(got, ch.Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("of %q are chosen %q, want %q", names, got, want)
		}
	}
	if _, _, err := c.Choose([]string{"03"}); err == nil || !strings.Contains(err.Error(), `"03"`) || !strings.Contains(err.Error(), "02-b") {
		t.Errorf("a chapter that is not there: %v", err)
	}
}

func TestASolutionNeedsACheckThatFindsItRight(t *testing.T) {
	ch := &chapter.Chapter{File: "90-a.md"}
	e := chapter.Exercise{Name: "2", Solution: chapter.Solution{Line: 7}}
	for printed, want := range map[string]string{
		"rate 3\n✓ Exercise 2: right\n":      "",
		"":                                   "printed no line that begins with ✓",
		"it is ✓\n":                          "printed no line that begins with ✓",
		"✗ Exercise 2: look\n":               "found wrong: ✗ Exercise 2: look",
		"✓ Exercise 2a\n✗ Exercise 2b: no\n": "found wrong: ✗ Exercise 2b",
	} {
		switch err := solved(ch, e, printed); {
		case want == "" && err != nil, want != "" && (err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "90-a.md:7: ")):
			t.Errorf("printing %q: %v, want %q", printed, err, want)
		}
	}
}

func TestExcess(t *testing.T) {
	ch := &chapter.Chapter{Box: chapter.Box{Minutes: 1, Memory: 1e9}}
	if err := excess(ch, Made{Seconds: 100, Memory: 1.2e9}); err != nil {
		t.Error(err)
	}
	if err := excess(ch, Made{Seconds: 200, Memory: 2e9}); err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("both beyond the box: %v", err)
	}
	if err := excess(&chapter.Chapter{}, Made{Seconds: 1e6, Memory: 1e12}); err != nil {
		t.Errorf("without a box: %v", err)
	}
}

// What is written is found to be up to date, and no longer when a chapter changes.
func TestGlossary(t *testing.T) {
	p, err := place.Find()
	if err != nil {
		t.Fatal(err)
	}
	all, err := chapter.All(testdata)
	if err != nil {
		t.Fatal(err)
	}
	c := Course{Texts: testdata, Notebooks: t.TempDir()}
	if err := chapter.CheckGlossary(all, c.Notebooks); err == nil {
		t.Error("a glossary that is not there passes")
	}
	if err := c.WriteGlossary(p, all); err != nil {
		t.Fatal(err)
	}
	if err := chapter.CheckGlossary(all, c.Notebooks); err != nil {
		t.Error(err)
	}
	all[0].Terms[0].Meaning += " And more."
	if err := chapter.CheckGlossary(all, c.Notebooks); err == nil {
		t.Error("a glossary from before passes")
	}
	all[0].Terms = nil
	if err := chapter.CheckGlossary(all, t.TempDir()); err != nil {
		t.Errorf("without terms none is needed, and still: %v", err)
	}
}
