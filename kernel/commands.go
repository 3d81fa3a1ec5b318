//go:build unix

package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/gosciml/gosciml/kernel/internal/doctor"
	"github.com/gosciml/gosciml/kernel/internal/headless"
	"github.com/gosciml/gosciml/kernel/internal/lab"
	"github.com/gosciml/gosciml/kernel/internal/place"
	"github.com/gosciml/gosciml/kernel/internal/setup"
)

// here is the place that commands work on, with this process settled in it.
func here() (place.Place, error) {
	p, err := place.Find()
	if err != nil {
		return p, err
	}
	s, err := place.Settle(p.Home)
	if err != nil {
		return p, err
	}
	p.Own = s.Own
	if s.Replaced != "" {
		fmt.Fprintf(os.Stderr, "gosciml: user %d cannot write to the home directory %s, so %s takes its place\n", os.Getuid(), s.Replaced, os.Getenv("HOME"))
	}
	return p, nil
}

func runSetup(ctx context.Context, args []string) error {
	flags := newFlags("setup")
	cuda := flags.Bool("cuda", false, "install XLA's plug-in for NVIDIA GPUs too, with its CUDA libraries (about 4 GB)")
	quiet := flags.Bool("quiet", false, "show no progress")
	if _, err := parse(flags, args, 0); err != nil {
		return err
	}
	p, err := here()
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
	} else if err := setup.Elsewhere(p); err != nil {
		return err
	}
	if err := prepare(ctx, p, o); err != nil {
		return err
	}
	config, err := p.Load()
	if err != nil {
		return err
	}
	if err := config.Usable(); err != nil {
		return err
	}
	return config.UseBuildCache(p.Own)
}

func runLab(ctx context.Context, args []string) error {
	flags := newFlags("lab")
	var o lab.Options
	noBrowser := flags.Bool("no-browser", false, "only print the address")
	flags.IntVar(&o.Port, "port", 8888, "port to listen on; if it is taken, the next free one")
	flags.StringVar(&o.IP, "ip", "127.0.0.1", "address to listen on; 0.0.0.0, or :: for IPv6, lets other machines in (with the token)")
	folder, err := parse(flags, args, 1)
	if err != nil {
		return err
	}
	if err := o.Check(); err != nil {
		return misuse("%v", err)
	}
	p, err := here()
	if err != nil {
		return err
	}
	o.Browser = !*noBrowser
	if len(folder) == 0 {
		o.Folder = filepath.Join(p.Clone, "notebooks")
		if err := os.MkdirAll(o.Folder, 0o755); err != nil {
			return fmt.Errorf("there is no folder for notebooks: %w; give another one: lab FOLDER", err)
		}
	} else {
		o.Folder = folder[0]
		if info, err := os.Stat(o.Folder); err != nil || !info.IsDir() {
			return misuse("lab got %q, expected a folder with notebooks", o.Folder)
		}
	}
	if note := lab.Unsavable(o.Folder); note != "" {
		fmt.Fprintln(os.Stderr, "gosciml:", note)
	}
	if err := prepareBriefly(ctx, p); err != nil {
		return err
	}
	return lab.Run(ctx, p, o, os.Stdout)
}

func runDoctor(ctx context.Context, args []string) error {
	if _, err := parse(newFlags("doctor"), args, 0); err != nil {
		return err
	}
	p, err := here()
	if err != nil {
		return err
	}
	return doctor.Run(ctx, p, os.Stdout)
}

func runUninstall(_ context.Context, args []string) error {
	if _, err := parse(newFlags("uninstall"), args, 0); err != nil {
		return err
	}
	p, err := here()
	if err != nil {
		return err
	}
	return setup.Uninstall(p, os.Stdout)
}

func runLatency(ctx context.Context, args []string) error {
	flags := newFlags("latency")
	n := flags.Int("n", 10, "how often to run each cell")
	if _, err := parse(flags, args, 0); err != nil {
		return err
	}
	if *n < 1 {
		return misuse("latency got -n %d, expected at least 1", *n)
	}
	p, err := here()
	if err != nil {
		return err
	}
	if err := prepareBriefly(ctx, p); err != nil {
		return err
	}
	return headless.Latency(ctx, p, *n, io.Writer(os.Stdout))
}
