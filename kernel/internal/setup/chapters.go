package setup

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/gosciml/gosciml/kernel/internal/headless"
	"github.com/gosciml/gosciml/kernel/internal/place"
	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/keep"
	"github.com/gosciml/gosciml/sciml/optim"
)

// fewIterations are enough for a run to compile what it needs.
const fewIterations = 2

// chapters runs the first chapter of the clone with few iterations, so that the XLA programs it needs are compiled when a reader comes to
// it, and those that the others share with it. All of them would take minutes. What it computes is thrown away, and a cell that wants a
// better result ends it: that is for the reader's run to say.
func chapters(ctx context.Context, p place.Place, detail io.Writer) error {
	report := backend.Inspect()
	if report.Cache == "" {
		return nil
	}
	notebooks, err := filepath.Glob(filepath.Join(p.Clone, "notebooks", "[0-9][0-9]-*.ipynb"))
	if err != nil || len(notebooks) == 0 {
		return err
	}
	first := notebooks[0] // Glob sorts
	// Not of the folder: whoever uses this set-up with one of their own, as in a container, reads the programs of the data directory as well.
	key, err := keyOf([]string{first, filepath.Join(p.Clone, "go.mod")}, report.SHA256)
	if err != nil {
		return err
	}
	return stamped(filepath.Join(p.Dir(), "chapters.stamp"), key, func() error {
		fmt.Fprintln(detail, "compiling the programs of the first chapter, for its trainings to start at once")
		scratch, err := os.MkdirTemp("", "gosciml-chapters-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(scratch)
		job, err := headless.Prepare(first, filepath.Join(scratch, filepath.Base(first)), nil)
		if err != nil {
			return nil // a notebook of the user's that is none
		}
		job.Env = []string{
			fmt.Sprintf("%s=%d", optim.MostIterationsEnv, fewIterations), keep.DirEnv + "=" + filepath.Join(scratch, "keep"),
			backend.CacheEnv + "=" + report.Cache,
		}
		if _, err := job.Run(ctx, p, time.Minute, io.Discard); ctx.Err() != nil {
			return err
		}
		return nil
	})
}
