//go:build unix

package chapters

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/tutorials/chapter"
)

// A text may change, be parted anew, and go: what cells have computed stays, to the byte. Code may not.
func TestRetext(t *testing.T) {
	c := Course{Texts: t.TempDir(), Notebooks: t.TempDir()}
	write := func(text string) *chapter.Chapter {
		t.Helper()
		if err := os.WriteFile(filepath.Join(c.Texts, "90-a.md"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		all, err := chapter.All(c.Texts)
		if err != nil {
			t.Fatal(err)
		}
		return all[0]
	}
	const begin = "# 90 · A\n\n> One.\n>\n> **Afterwards you can**\n>\n> - a;\n> - b;\n> - c.\n>\n> **You should know** it.\n>\n> **It takes** 1 minute on two cores and 100 MB of memory.\n\n"
	const cells = "```go\nfmt.Println(1 < 2)\n```\n\nIt is 1<!-- ≈ \"it\" ±1% -->.\n\n```go\n2\n```\n"
	path := filepath.Join(c.Notebooks, "90-a.ipynb")
	notebook := `{
 "cells": [
  {
   "cell_type": "markdown",
   "id": "old",
   "metadata": {},
   "source": [
    "# 90 · of before"
   ]
  },
  {
   "cell_type": "code",
   "execution_count": 1,
   "id": "one",
   "metadata": {},
   "outputs": [
    {
     "name": "stdout",
     "output_type": "stream",
     "text": [
      "it 1 <&> 1e-07\\n"
     ]
    }
   ],
   "source": [
    "fmt.Println(1 < 2)"
   ]
  },
  {
   "cell_type": "code",
   "execution_count": 2,
   "id": "two",
   "metadata": {},
   "outputs": [],
   "source": [
    "2"
   ]
  }
 ],
 "metadata": {},
 "nbformat": 4,
 "nbformat_minor": 5
}
`
	if err := os.WriteFile(path, []byte(notebook), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := c.Retext(write(begin + cells)); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, computed := range []string{notebook[strings.Index(notebook, `   "execution_count": 1`) : strings.Index(notebook, `   "cell_type": "code",
   "execution_count": 2`)-5], `"> One.\n"`, `"It is 1<!-- ≈ \"it\" ±1% -->."`} {
		if !bytes.Contains(got, []byte(computed)) {
			t.Errorf("the notebook lacks %s\nit is\n%s", computed, got)
		}
	}
	if err := c.Retext(write(begin + cells)); err != nil {
		t.Fatal(err)
	}
	if again, _ := os.ReadFile(path); !bytes.Equal(got, again) {
		t.Errorf("twice is not once:\n%s", again)
	}
	for text, want := range map[string]string{
		strings.Replace(cells, "1 < 2", "1 > 2", 1):     "the code of this cell is not in",
		cells + "\n```go\n3\n```\n":                     "the code of this cell is not in",
		"```go\nfmt.Println(1 < 2)\n```\n":              "has 2 cells of code",
		strings.Replace(cells, "It is 1", "It is 2", 1): "the text says 2",
	} {
		if err := c.Retext(write(begin + text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}
