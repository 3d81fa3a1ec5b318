//go:build unix

package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gosciml/gosciml/kernel/internal/doctor"
	"github.com/gosciml/gosciml/kernel/internal/headless"
	"github.com/gosciml/gosciml/kernel/internal/lab"
	"github.com/gosciml/gosciml/kernel/internal/place"
	"github.com/gosciml/gosciml/kernel/internal/setup"
)

func runSetup(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("setup", flag.ContinueOnError)
	cuda := flags.Bool("cuda", false, "install XLA's plug-in for NVIDIA GPUs too, with its CUDA libraries (about 4 GB)")
	quiet := flags.Bool("quiet", false, "show no progress")
	if err := flags.Parse(args); err != nil {
		return flag.ErrHelp
	}
	p, err := place.Find()
	if err != nil {
		return err
	}
	o := setup.Options{CUDA: *cuda, Log: os.Stderr}
	if *quiet {
		o.Log = nil
	}
	return prepare(ctx, p, o)
}

// prepare sets up, after naming what only the system can provide.
func prepare(ctx context.Context, p place.Place, o setup.Options) error {
	for _, m := range setup.Missing() {
		fmt.Fprintln(os.Stderr, "gosciml:", m)
	}
	return setup.Run(ctx, p, o)
}

// prepareBriefly sets up, and shows progress only where there is something to do: commands that are used all day
// should not print a report each time.
func prepareBriefly(ctx context.Context, p place.Place) error {
	o := setup.Options{Log: os.Stderr}
	if setup.Ready(ctx, p) {
		o.Log = nil
	}
	return prepare(ctx, p, o)
}

func runLab(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("lab", flag.ContinueOnError)
	var o lab.Options
	noBrowser := flags.Bool("no-browser", false, "only print the address")
	flags.IntVar(&o.Port, "port", 8888, "port to listen on; if it is taken, the next free one")
	flags.StringVar(&o.IP, "ip", "127.0.0.1", "address to listen on; 0.0.0.0 lets other machines in (with the token)")
	if err := flags.Parse(args); err != nil {
		return flag.ErrHelp
	}
	p, err := place.Find()
	if err != nil {
		return err
	}
	o.Browser = !*noBrowser
	o.Folder = filepath.Join(p.Clone, "notebooks")
	switch flags.NArg() {
	case 0:
		if err := os.MkdirAll(o.Folder, 0o755); err != nil {
			return err
		}
	case 1:
		o.Folder = flags.Arg(0)
		if info, err := os.Stat(o.Folder); err != nil || !info.IsDir() {
			return fmt.Errorf("lab got %q, expected a folder with notebooks", o.Folder)
		}
	default:
		return fmt.Errorf("lab got %d folders, expected at most one; flags come before it", flags.NArg())
	}
	if err := prepareBriefly(ctx, p); err != nil {
		return err
	}
	return lab.Run(ctx, p, o, os.Stdout)
}

func runRun(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	target := flags.String("o", "", "write the executed notebook to this `file` instead of in place")
	timeout := flags.Duration("timeout", 30*time.Minute, "longest time for one cell, 0 for no limit")
	files, err := parseMixed(flags, args)
	if err != nil {
		return flag.ErrHelp
	}
	if len(files) == 0 {
		return fmt.Errorf("run got no file, expected notebooks (.ipynb) or chapters (.md)")
	}
	if *target != "" && len(files) > 1 {
		return fmt.Errorf("run got -o and %d files, expected one file with -o", len(files))
	}
	for _, file := range files {
		if ext := strings.ToLower(filepath.Ext(file)); ext != ".ipynb" && ext != ".md" {
			return fmt.Errorf("run got %q, expected a notebook (.ipynb) or a chapter (.md)", file)
		}
		if _, err := os.Stat(file); err != nil {
			return fmt.Errorf("run cannot read its file: %w", err)
		}
		if err := headless.CheckTarget(executed(file, *target)); err != nil {
			return err
		}
	}
	p, err := place.Find()
	if err != nil {
		return err
	}
	if err := prepareBriefly(ctx, p); err != nil {
		return err
	}
	for _, file := range files {
		to := executed(file, *target)
		start := time.Now()
		fmt.Println(file, "→", to)
		if err := headless.Run(ctx, p, file, to, *timeout, os.Stdout); err != nil {
			return err
		}
		fmt.Printf("%s: all cells passed in %.1f s\n", to, time.Since(start).Seconds())
	}
	return nil
}

// executed is where the executed notebook of a file goes: to target, or in place when that is empty.
func executed(file, target string) string {
	if target != "" {
		return target
	}
	return strings.TrimSuffix(file, filepath.Ext(file)) + ".ipynb"
}

// parseMixed lets flags come after file names too: `run chapter.md -o notebook.ipynb`.
func parseMixed(flags *flag.FlagSet, args []string) (files []string, err error) {
	for {
		if err := flags.Parse(args); err != nil {
			return nil, err
		}
		rest := flags.Args()
		if len(rest) == 0 {
			return files, nil
		}
		files, args = append(files, rest[0]), rest[1:]
	}
}

func runDoctor(ctx context.Context, args []string) error {
	p, err := place.Find()
	if err != nil {
		return err
	}
	return doctor.Run(ctx, p, os.Stdout)
}

func runUninstall(_ context.Context, args []string) error {
	p, err := place.Find()
	if err != nil {
		return err
	}
	return setup.Uninstall(p, os.Stdout)
}

func runLatency(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("latency", flag.ContinueOnError)
	n := flags.Int("n", 10, "how often to run each cell")
	if err := flags.Parse(args); err != nil {
		return flag.ErrHelp
	}
	if *n < 1 {
		return fmt.Errorf("latency got -n %d, expected at least 1", *n)
	}
	p, err := place.Find()
	if err != nil {
		return err
	}
	if err := prepareBriefly(ctx, p); err != nil {
		return err
	}
	return headless.Latency(ctx, p, *n, io.Writer(os.Stdout))
}
