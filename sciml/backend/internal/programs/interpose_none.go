//go:build !cgo || !linux

package programs

import "errors"

// Interpose fails: only on Linux is it known how.
func Interpose(string, *Cache) error { return errors.New("it is known on Linux only") }
