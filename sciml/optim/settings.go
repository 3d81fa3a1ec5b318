package optim

import (
	"fmt"
	"math"

	"github.com/gosciml/gosciml/sciml/internal/device"
)

// Zero acts as the number 0 where a setting that is 0 takes its default: Adam{Beta1: optim.Zero} has no momentum. It is
// the smallest positive number, and vanishes in every sum.
const Zero = math.SmallestNonzeroFloat64

// setting is a number among the fields of a method or a schedule, and what is expected of it.
type setting struct {
	name     string
	value    float64
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

func counted(name string, v int) setting {
	return setting{name, float64(v), v >= 1, "at least 1"}
}
