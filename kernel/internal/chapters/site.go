//go:build unix

package chapters

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/gosciml/gosciml/internal/child"
	"github.com/gosciml/gosciml/kernel/internal/place"
	"github.com/gosciml/gosciml/sciml/backend/install"
	"github.com/gosciml/gosciml/tutorials/chapter"
)

var (
	//go:embed site/site.py
	siteScript string
	//go:embed site/style.css
	siteStyle string
	//go:embed site/requirements.txt
	siteRequirements []byte
)

// PrepareSite installs what pages need beyond JupyterLab, and finds out whether the folder for them can be written to.
func PrepareSite(ctx context.Context, p place.Place, folder string, log io.Writer) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("the site cannot be written: %w", err)
	}
	if !place.Writable(folder) {
		return fmt.Errorf("the site cannot be written: user %d cannot write to the folder %s", os.Getuid(), folder)
	}
	return install.Requirements(ctx, p.Home, "site", siteRequirements, log)
}

// WriteSite writes a folder of HTML with a page for each chapter, as its notebook is, with a list of them and the glossary. It opens from
// disk and loads nothing from elsewhere. Other files of the folder stay.
func (c Course) WriteSite(ctx context.Context, p place.Place, all []*chapter.Chapter, folder string) error {
	type page struct {
		Name     string  `json:"name"`
		Number   string  `json:"number"`
		Title    string  `json:"title"`
		Summary  string  `json:"summary"`
		Minutes  float64 `json:"minutes"`
		Memory   float64 `json:"memory"`
		Notebook string  `json:"notebook"`
	}
	var asked struct {
		Folder   string `json:"folder"`
		Style    string `json:"style"`
		Chapters []page `json:"chapters"`
		Glossary string `json:"glossary"`
	}
	var err error
	if asked.Glossary, err = chapter.Glossary(all, ".ipynb"); err != nil {
		return err
	}
	if asked.Folder, err = filepath.Abs(folder); err != nil {
		return err
	}
	asked.Style = siteStyle
	for _, ch := range all {
		notebook, err := filepath.Abs(c.notebookOf(ch))
		if err != nil {
			return err
		}
		asked.Chapters = append(asked.Chapters, page{ch.Name, ch.Number, ch.Title, ch.Box.Summary, ch.Box.Minutes, ch.Box.Memory, notebook})
	}
	question, err := json.Marshal(asked)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, install.VenvPython(p.Home), "-c", siteScript)
	cmd.Env = p.JupyterEnv(os.Environ())
	cmd.Stdin = bytes.NewReader(question)
	var said strings.Builder
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := child.Run(cmd); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("the site cannot be written: %w\n%s", err, lastLines(said.String(), 10))
	}
	return nil
}
