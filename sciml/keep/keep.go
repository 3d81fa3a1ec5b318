// Package keep keeps values that took time to compute, so that they need not
// be computed again.
//
// In a GoNB notebook every cell is a program of its own: declarations are
// remembered from cell to cell, values are not. One cell trains and keeps,
// later cells fetch:
//
//	%%
//	sol, err := keep.Value("poisson", opts, func() (Solution, error) { return train(opts) })
//
//	%%
//	sol, err := keep.Fetch[Solution]("poisson")
//
// A declared function that calls Value serves every later cell, whatever came
// first:
//
//	func solution() (Solution, error) { return keep.Value("poisson", opts, train) }
//
// Value computes again when the options or the code that made the value have
// changed; Fetch refuses a value whose code has changed, and says what did.
//
// # What counts as the code
//
// The function given to Value, every top-level function, method, type,
// variable and constant of its package that it reaches, the statements that set
// the variables it uses and the conditions these stand under, the packages it
// imports from directories under development (its own module, a workspace, a
// replaced module), and the versions of the other modules that it imports
// from. Comments, formatting and the order of declarations do not count.
//
// Names are resolved as the compiler does, though without the types of imported
// packages. These may call any exported method of a value that they get, or that
// an interface holds: of its type all of them count. Otherwise a method counts
// where it is called.
//
// What the function reads at run time, such as files, flags, the arguments of
// the enclosing function, or what others write through a pointer, is not seen:
// put it into the options. Where the source cannot be read, because the program
// runs on another machine, the executable as a whole counts as the code.
//
// # Where values are kept
//
// In $GOSCIML_KEEP_DIR if set, else in gosciml/keep below the user's cache
// directory, in a folder for the notebook, or for the working directory of a
// program. Each value is a file of its own with a checksum, replaced at once:
// a crash, a full disk or a second program leaves the old value or the new one.
// An empty file beside it is locked by the program that computes the value.
package keep

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"reflect"
	"runtime"
	"sort"
	"strings"
	"sync"
	"time"

	"github.com/gosciml/gosciml/internal/filelock"
)

// Log receives the line that each call of Value writes to say whether it
// computes, and why. Nil means standard output; set it to io.Discard to
// silence it.
var Log io.Writer

// Value returns the value kept under name if it was made by the same code with
// the same options. Otherwise it calls make, keeps the result and returns it.
// Either way it writes one line to Log that says which, and why.
//
// Options may be nil or any value made of basic types, slices, maps, structs
// and pointers; a function or channel in it is an error, as it cannot be
// compared. T must survive encoding/gob: a struct with unexported fields, which
// gob would lose, is an error unless T has a GobEncode or MarshalBinary method.
// Both errors come before make is called.
//
// Of several programs that want one value, one computes it and the others wait
// for that; when it fails or dies, the next one computes. An interrupt ends the
// wait with an error. Nobody waits where files cannot be locked, or where the
// value could not be kept.
//
// An error of make is returned with its value, and nothing is kept. When the
// result cannot be saved, a warning is written to standard error, before make
// is called if the place cannot be written to, or afterwards if it is another
// reason, a full disk for example. The value is returned without an error: it is
// good, but must be computed again next time.
func Value[T any](name string, options any, make func() (T, error)) (T, error) {
	var zero T
	want := header{Name: name, Type: typeName[T]()}
	if name == "" {
		return zero, errors.New("keep: Value: the name is empty; give each value a name of its own")
	}
	if make == nil {
		return zero, fmt.Errorf("keep: Value: make of %q is nil; give the function that computes the value", name)
	}
	if err := encodable(reflect.TypeFor[T]()); err != nil {
		return zero, fmt.Errorf("keep: %q cannot be kept: %w", name, err)
	}
	var err error
	if want.Options, err = describe(options); err != nil {
		return zero, fmt.Errorf("keep: the options of %q cannot be compared: %w", name, err)
	}
	_, file, line, _ := runtime.Caller(1)
	want.Code = codeOf(placeOf(reflect.ValueOf(make).Pointer()), place{file, line, wholeDeclaration})

	path, err := pathOf(name)
	if err != nil {
		return zero, err
	}
	value, why := kept[T](path, want)
	if why == "" {
		return value, nil
	}
	unkept := savable(path)
	if unkept == nil {
		unlock, err := claim(path, name)
		if err != nil {
			return zero, err
		}
		defer unlock()
		// By now another program may have made it.
		if value, why = kept[T](path, want); why == "" {
			return value, nil
		}
	}
	say("%s: %s", name, why)
	if unkept != nil {
		fmt.Fprintf(os.Stderr, "keep: %q cannot be kept, and will have to be computed again next time: %v\n", name, unkept)
	}

	start := time.Now()
	value, err = make()
	if err != nil {
		return value, err
	}
	want.Took, want.Made = time.Since(start), time.Now()
	if err := save(path, want, value); err != nil && unkept == nil {
		fmt.Fprintf(os.Stderr, "keep: %q could not be kept and will be computed again next time: %v\n", name, err)
	}
	return value, nil
}

// kept is the value in a file, or why it has to be computed.
func kept[T any](path string, want header) (T, string) {
	got, value, err := load[T](path, want.Type)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return value, "computing"
	case err != nil:
		return value, err.Error() + ": computing again"
	}
	if why := got.differs(want); why != "" {
		return value, why + ": computing again"
	}
	say("%s: kept (took %s, %s)", want.Name, duration(got.Took), ago(got.Made))
	return value, ""
}

// computing holds the files whose values this program computes.
var computing sync.Map

// claim waits while another program, or another part of this one, computes the value, until an interrupt. Where files cannot be locked nobody waits.
func claim(path, name string) (unlock func(), err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	release, err := filelock.Lock(ctx, path+".lock", func() {
		if _, here := computing.Load(path); here {
			say("%s: waiting for this program, which computes it already", name)
		} else {
			say("%s: waiting for another program, which computes it", name)
		}
	})
	if ctx.Err() != nil { // Even if the lock came in the same moment: whoever interrupts wants no computation to begin.
		if err == nil {
			release()
		}
		return nil, fmt.Errorf("keep: %q: interrupted while waiting for the program that computes it", name)
	}
	if err != nil {
		return func() {}, nil
	}
	computing.Store(path, true)
	return func() { computing.Delete(path); release() }, nil
}

// Fetch returns the value that Value has kept under name, made in an earlier
// cell or run. It is an error when there is none (the message names what there
// is), when it has another type, when a declaration that made it has changed
// since, or when its file is damaged. Declarations that the running program
// does not have are not compared, nor are the options.
func Fetch[T any](name string) (T, error) {
	var zero T
	path, err := pathOf(name)
	if err != nil {
		return zero, err
	}
	typ := typeName[T]()
	got, value, err := load[T](path, typ)
	var other *typeError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return zero, fmt.Errorf("keep: nothing is kept as %q for %s (%s); run the cell with keep.Value(%q, …) first", name, scopeName(), present(), name)
	case errors.As(err, &other):
		return zero, fmt.Errorf("keep: %q was kept as %s and is asked for as %s; write keep.Fetch[%s](%q), or run the cell with keep.Value(%q, …) again",
			name, other.was, typ, other.was, name, name)
	case err != nil:
		return zero, fmt.Errorf("keep: %q cannot be used: %w; run the cell with keep.Value(%q, …) again", name, err, name)
	}
	if _, file, _, ok := runtime.Caller(1); ok {
		if changed := changedSince(got.Code, file); changed != "" {
			return zero, fmt.Errorf("keep: %s has changed since %q was made; run the cell with keep.Value(%q, …) again", changed, name, name)
		}
	}
	return value, nil
}

// Forget removes the value kept under name. Forgetting what is not there is no error.
func Forget(name string) error {
	path, err := pathOf(name)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("keep: cannot forget %q: %w", name, err)
	}
	return nil
}

// Entry describes a kept value.
type Entry struct {
	Name string        // As given to Value.
	Type string        // The Go type of the value.
	Made time.Time     // When it was computed.
	Took time.Duration // How long that took.
	Size int64         // Bytes on disk.
}

// List returns what is kept for this notebook or working directory, by name.
// Files that cannot be read are left out.
func List() ([]Entry, error) {
	dir, err := directory()
	if err != nil {
		return nil, err
	}
	files, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("keep: cannot list what is kept: %w", err)
	}
	var entries []Entry
	for _, f := range files {
		if e, ok := readEntry(dir, f); ok {
			entries = append(entries, e)
		}
	}
	sort.Slice(entries, func(i, j int) bool { return entries[i].Name < entries[j].Name })
	return entries, nil
}

// present lists names for an error message.
func present() string {
	entries, err := List()
	if err != nil || len(entries) == 0 {
		return "nothing at all is kept there"
	}
	var names []string
	for _, e := range entries {
		names = append(names, fmt.Sprintf("%q", e.Name))
	}
	return "kept there: " + strings.Join(names, ", ")
}

func say(format string, args ...any) {
	log := Log
	if log == nil {
		log = os.Stdout
	}
	fmt.Fprintf(log, format+"\n", args...)
}

func duration(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < 2*time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%.0f min", d.Minutes())
}

func ago(t time.Time) string {
	switch d := time.Since(t); {
	case d < time.Minute:
		return "just now"
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days ago", int(d.Hours()/24))
	}
}

// typeName is the type as one writes it in Go: it serves in messages, too.
func typeName[T any]() string { return reflect.TypeFor[T]().String() }
