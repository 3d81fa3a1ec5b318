//go:build unix

// Command kernel sets up and runs the Jupyter kernel of GoSciML. It is started in a clone of the module:
//
//	go run ./kernel lab         set up what is missing and open JupyterLab
//	go run ./kernel run FILE…   execute notebooks, or chapters in Markdown, without a browser
//	go run ./kernel chapters    make and check the notebooks of the chapters
//	go run ./kernel doctor      say what is installed and what is wrong
//	go run ./kernel setup       set up only
//	go run ./kernel latency     measure how fast cells come back
//	go run ./kernel uninstall   remove what was set up
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/gosciml/gosciml/kernel/internal/headless"
	"github.com/gosciml/gosciml/kernel/internal/supervise"
)

const usage = `usage: go run ./kernel COMMAND

  lab [-no-browser] [-port N] [-ip ADDRESS] [FOLDER]       set up what is missing and open JupyterLab
  run [-o OUT.ipynb] [-p NAME=VALUE]… [-timeout D] FILE…   execute notebooks or Markdown chapters
  chapters [-check|-text] [-html FOLDER] [NAME…]           make the chapters' notebooks and check them; write them as HTML
  doctor                                                   say what is installed and what is wrong
  setup [-cuda] [-quiet]                                   set up only
  latency [-n N]                                           measure how fast cells come back
  uninstall                                                remove what was set up

COMMAND -h tells more of one of them.
`

func main() {
	if len(os.Args) < 2 {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	name, args := os.Args[1], os.Args[2:]
	// These are called by programs. The first two handle signals themselves.
	switch name {
	case "kernel":
		if len(args) != 1 {
			fail(errors.New("kernel is started by Jupyter, with the path of a connection file"))
		}
		status, err := supervise.Kernel(args[0])
		if err != nil {
			fail(err)
		}
		os.Exit(status)
	case "warden":
		if err := supervise.Warden(args); err != nil {
			fail(err)
		}
		return
	case "parameters":
		if err := tellParameters(os.Stdin, os.Stdout); err != nil {
			fail(err)
		}
		return
	}

	commands := map[string]func(context.Context, []string) error{
		hubCommand: runHub,
		"lab":      runLab, "run": runRun, "chapters": runChapters, "doctor": runDoctor, "setup": runSetup, "latency": runLatency, "uninstall": runUninstall,
	}
	command, ok := commands[name]
	if !ok {
		if name == "help" || name == "-h" || name == "-help" || name == "--help" {
			fmt.Print(usage)
			return
		}
		fmt.Fprintf(os.Stderr, "there is no command %q\n\n%s", name, usage)
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	if err := command(unlessOrphaned(ctx), args); err != nil {
		stop()
		if errors.Is(err, flag.ErrHelp) {
			return
		}
		fail(err)
	}
}

func fail(err error) {
	if !errors.Is(err, headless.ErrFailed) {
		fmt.Fprintln(os.Stderr, "gosciml:", err)
	}
	if errors.Is(err, errMisuse) {
		os.Exit(2)
	}
	os.Exit(1)
}
