// Command bench measures: solutions of the catalogue's problems, the time to their target errors, and optimizers against
// each other.
//
//	go run ./bench problems                              # every problem, two minutes each
//	go run ./bench problems -problem burgers -json       # one of them, as a line of JSON
//	go run ./bench accuracy                              # errors and times against the targets, three seeds each: hours
//	go run ./bench accuracy -problem burgers -seeds 1 -json
//	go run ./bench optimizers                            # every method, on test functions, Poisson and Burgers
//	go run ./bench rates                                 # measured rates of convergence next to theory
//	go run ./bench compile                               # the programs of a first step, cold and warm
//	go run ./bench metrics                               # Gauss–Newton methods in L², H¹ and no metric
//	go run ./bench memory                                # what optimizers need for millions of parameters; Linux
//
// Every command prints what it measured on standard output, and how far it is on standard error. Figures depend on the
// machine; within one run they may be compared. Every training begins without compiled programs, unless GOSCIML_COMPILE_CACHE is
// set: so that times do not depend on what ran before.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"sort"

	"github.com/gosciml/gosciml/sciml/backend"
)

// commands by name.
var commands = map[string]func(ctx context.Context, args []string) error{
	"accuracy":   accuracy,
	"compile":    compileCommand,
	"memory":     memory,
	"metrics":    metrics,
	"optimizers": optimizers,
	"problems":   problems,
	"rates":      rates,
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	err := keepCold()
	if err == nil {
		err = run(ctx, os.Args[1:])
	}
	if cold != "" {
		_ = os.RemoveAll(cold)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// cold is the folder for the programs of one training, which may use one several times; empty where the environment says another.
var cold string

// keepCold has programs kept there.
func keepCold() (err error) {
	if _, given := os.LookupEnv(backend.CacheEnv); given {
		return nil
	}
	if cold, err = os.MkdirTemp("", "gosciml-bench"); err != nil {
		return err
	}
	return os.Setenv(backend.CacheEnv, cold)
}

// forgetPrograms makes the next training compile all of its programs.
func forgetPrograms() error {
	if cold == "" {
		return nil
	}
	if err := os.RemoveAll(cold); err != nil {
		return err
	}
	return os.MkdirAll(cold, 0o700)
}

// coldOrWarm says, for tables, what a time contains of compiling.
func coldOrWarm() string {
	if keepsPrograms() {
		return fmt.Sprintf("Times are warm: %s is %q, and programs that were compiled before were loaded from there.",
			backend.CacheEnv, os.Getenv(backend.CacheEnv))
	}
	return "Times are cold: every training began without compiled programs."
}

// keepsPrograms reports whether compiled programs are kept, which makes times shorter.
func keepsPrograms() bool { return cold == "" && os.Getenv(backend.CacheEnv) != "off" }

func run(ctx context.Context, args []string) error {
	var names []string
	for name := range commands {
		names = append(names, name)
	}
	sort.Strings(names)
	if len(args) == 0 {
		return fmt.Errorf("no command was given, expected one of %v; -h after it tells its flags", names)
	}
	command := commands[args[0]]
	if command == nil {
		return fmt.Errorf("there is no command %q, expected one of %v", args[0], names)
	}
	return command(ctx, args[1:])
}
