//go:build unix

package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
)

// errMisuse marks errors in how a command was called; the program ends with status 2 then.
var errMisuse = errors.New("wrong usage")

type misuseError struct{ text string }

func (e misuseError) Error() string        { return e.text }
func (e misuseError) Is(target error) bool { return target == errMisuse }

func misuse(format string, values ...any) error {
	return misuseError{fmt.Sprintf(format, values...)}
}

// newFlags returns the flags of a command, for parse.
func newFlags(name string) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(&strings.Builder{}) // we tell what is wrong
	flags.Usage = func() {}
	return flags
}

// parse reads flags and what is between and behind them, so that `run chapter.md -o notebook.ipynb` works. No more
// arguments than most may be there, unless that is negative. Asked for help it prints that and returns
// flag.ErrHelp.
func parse(flags *flag.FlagSet, args []string, most int) (rest []string, err error) {
	for {
		err := flags.Parse(args)
		if errors.Is(err, flag.ErrHelp) {
			help(flags)
			return nil, err
		}
		if err != nil {
			return nil, misuse("%s: %v; `go run ./kernel %[1]s -h` tells its usage", flags.Name(), err)
		}
		if flags.NArg() == 0 {
			break
		}
		rest, args = append(rest, flags.Arg(0)), flags.Args()[1:]
	}
	if most >= 0 && len(rest) > most {
		return nil, misuse("%s got %q, expected %s; `go run ./kernel %[1]s -h` tells its usage", flags.Name(), rest[most],
			map[int]string{0: "no argument", 1: "no more than one argument"}[most])
	}
	return rest, nil
}

// help prints the usage of a command and its flags.
func help(flags *flag.FlagSet) {
	for line := range strings.Lines(usage) {
		line = strings.TrimSpace(line)
		if call, does, _ := strings.Cut(line, "   "); call == flags.Name() || strings.HasPrefix(call, flags.Name()+" ") {
			fmt.Printf("usage: go run ./kernel %s\n\n%s\n", call, strings.TrimSpace(does))
		}
	}
	flags.SetOutput(os.Stdout)
	flags.PrintDefaults()
}
