//go:build unix

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gosciml/gosciml/kernel/internal/chapters"
	"github.com/gosciml/gosciml/kernel/internal/headless"
	"github.com/gosciml/gosciml/kernel/internal/place"
	"github.com/gosciml/gosciml/tutorials/chapter"
)

func runChapters(ctx context.Context, args []string) error {
	flags := newFlags("chapters")
	texts := flags.String("from", "", "`folder` of the texts, instead of the clone's tutorials")
	notebooks := flags.String("o", "", "`folder` of the notebooks, instead of the clone's notebooks")
	check := flags.Bool("check", false, "execute nothing: compare the notebooks that are there with the texts, and with the numbers that those quote")
	text := flags.Bool("text", false, "execute nothing: put the texts as they are now into notebooks whose code has not changed, and make the glossary")
	site := flags.String("html", "", "write pages of HTML to this `folder`, which open from disk and need no network")
	verbose := flags.Bool("v", false, "show what the cells print")
	timeout := flags.Duration("timeout", 30*time.Minute, "longest time for one cell, 0 for no limit")
	names, err := parse(flags, args, -1)
	if err != nil {
		return err
	}
	if *timeout < 0 {
		return misuse("chapters got -timeout %v, expected a time such as 30m, or 0 for no limit", *timeout)
	}
	p, err := here()
	if err != nil {
		return err
	}
	course := chapters.Course{Texts: *texts, Notebooks: *notebooks}
	if course.Texts == "" {
		course.Texts = filepath.Join(p.Clone, "tutorials")
	}
	if course.Notebooks == "" {
		course.Notebooks = filepath.Join(p.Clone, "notebooks")
	}
	all, chosen, err := course.Choose(names)
	if err != nil {
		return err
	}
	if *site != "" {
		if err := prepareBriefly(ctx, p); err != nil {
			return err
		}
		if err := chapters.PrepareSite(ctx, p, *site, os.Stderr); err != nil {
			return err
		}
	}
	if *check && *text {
		return misuse("chapters got -check and -text, expected one of them")
	}
	if *text {
		failed := 0
		for _, ch := range chosen {
			failed += tell(ch, "", course.Retext(ch))
		}
		if err := course.WriteGlossary(p, all); err != nil {
			return err
		}
		if err := verdict(failed, len(chosen)); err != nil {
			return err
		}
	} else if *check {
		failed := 0
		for _, ch := range chosen {
			failed += tell(ch, "", course.Check(ch))
		}
		if err := verdict(failed, len(chosen)); err != nil {
			return err
		}
		if err := chapter.CheckGlossary(all, course.Notebooks); err != nil {
			return err
		}
	} else if err := makeAll(ctx, p, course, all, chosen, *timeout, *verbose); err != nil {
		return err
	}
	if *site == "" {
		return nil
	}
	if err := course.WriteSite(ctx, p, all, *site); err != nil {
		return err
	}
	fmt.Println("open", filepath.Join(*site, "index.html"))
	return nil
}

// makeAll makes the notebooks of the chosen chapters, one after the other, also after one that fails, and the glossary of all.
func makeAll(ctx context.Context, p place.Place, course chapters.Course, all, chosen []*chapter.Chapter, timeout time.Duration, verbose bool) error {
	var err error
	jobs := make([]*headless.Job, len(chosen))
	for i, ch := range chosen {
		if jobs[i], err = course.Prepare(ch); err != nil {
			return err
		}
	}
	if err := prepareBriefly(ctx, p); err != nil {
		return err
	}
	out := io.Writer(io.Discard)
	if verbose {
		out = os.Stdout
	}
	failed, seconds := 0, 0.0
	for i, ch := range chosen {
		made, err := course.Make(ctx, p, ch, jobs[i], timeout, out)
		failed += tell(ch, fmt.Sprintf("%5.0f s %6.0f MB  ", made.Seconds, float64(made.Memory)/1e6), err)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		seconds += made.Seconds
	}
	if len(chosen) > 1 {
		fmt.Printf("%-56s %5.0f s\n", "together", seconds)
	}
	if err := course.WriteGlossary(p, all); err != nil {
		return err
	}
	return verdict(failed, len(chosen))
}

// tell prints the line of a chapter and what is wrong with it, and returns 1 if something is.
func tell(ch *chapter.Chapter, figures string, err error) int {
	name := []rune(ch.Number + " · " + ch.Title)
	if len(name) > 56 {
		name = append(name[:55], '…')
	}
	result := "ok"
	if err != nil {
		result = "FAILED\n    " + strings.ReplaceAll(err.Error(), "\n", "\n    ")
	}
	fmt.Printf("%-56s %s%s\n", string(name), figures, result)
	if err != nil {
		return 1
	}
	return 0
}

func verdict(failed, of int) error {
	if failed > 0 {
		return fmt.Errorf("%d of %d chapters failed", failed, of)
	}
	return nil
}
