package optim

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/gosciml/gosciml/sciml/internal/device"
)

// Zero acts as the number 0 where a setting that is 0 takes its default: Adam{Beta1: optim.Zero} has no momentum. It is
// the smallest positive number, and vanishes in every sum.
const Zero = math.SmallestNonzeroFloat64

// setting is a field of a method, a schedule or the Options, and what is expected of it.
type setting struct {
	name     string
	value    any // as the error shows it
	fits     bool
	expected string
}

// checkSettings reports the first setting of the owner that does not fit.
func checkSettings(owner string, all ...setting) error {
	for _, s := range all {
		if !s.fits {
			return fmt.Errorf("optim: %s.%s is %v, expected %s", owner, s.name, s.value, s.expected)
		}
	}
	return nil
}

func positive(name string, v float64) setting {
	return setting{name, v, v > 0 && device.Finite(v), "a finite number above 0"}
}

func notNegative(name string, v float64) setting {
	return setting{name, v, v >= 0 && device.Finite(v), "a finite number, at least 0"}
}

// fraction is a decay rate, or another part of a whole.
func fraction(name string, v float64) setting {
	return setting{name, v, v >= 0 && v < 1, "a number, at least 0 and below 1"}
}

// forcing is the relative residual at which conjugate gradients stop.
func forcing(v float64) setting {
	return setting{"Forcing", v, v > 0 && v < 1, "a number between 0 and 1"}
}

func counted(name string, n int) setting {
	return setting{name, n, n >= 1, "at least 1"}
}

// upTo is a count of what is built, or kept, for each.
func upTo(name string, n, most int) setting {
	return setting{name, n, n >= 1 && n <= most, fmt.Sprintf("at least 1 and at most %d", most)}
}

// several is a count that makes sense only from 2 on.
func several(name string, n int) setting {
	return setting{name, n, n >= 2, "at least 2 (or 0 for the default)"}
}

// optional is a count where 0 stands for something else.
func optional(name string, n int, zero string) setting {
	return setting{name, n, n >= 0, "at least 1 (or 0 for " + zero + ")"}
}

// optionalTime is a time where 0 stands for something else.
func optionalTime(name string, d time.Duration, zero string) setting {
	return setting{name, d, d >= 0, "a positive duration (or 0 for " + zero + ")"}
}

// memory is a bound on what matrices need.
func memory(bytes int64) setting {
	return setting{"MaxMemory", fmt.Sprintf("%d bytes", bytes), bytes >= 0, "at least 1 (or 0 for the default)"}
}

// choice is one of some constants, which have these names and count from 0. It is shown as a number: one that is none of
// them has no name.
func choice[E ~int](name string, v E, names ...string) setting {
	last := len(names) - 1
	return setting{name, int(v), v >= 0 && int(v) <= last, strings.Join(names[:last], ", ") + " or " + names[last]}
}
