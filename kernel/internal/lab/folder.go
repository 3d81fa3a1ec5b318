//go:build unix

package lab

import (
	"fmt"
	"os"

	"github.com/gosciml/gosciml/kernel/internal/place"
)

// Unsavable says in a sentence why notebooks in a folder can be run but not saved, and what to do; it is empty if they can be
// saved.
func Unsavable(folder string) string {
	info, err := os.Stat(folder)
	if err != nil || place.Writable(folder) {
		return ""
	}
	owner, _ := place.Owner(info)
	if owner == os.Getuid() {
		return fmt.Sprintf("the folder %s is read-only, so notebooks in it can be run but not saved: give a folder that can be written to (in a container, mount one there)", folder)
	}
	return fmt.Sprintf("the folder %s belongs to user %d and cannot be written to by user %d, so notebooks in it can be run but not saved: run as user %[2]d (in a container, with --user %[2]d), or give another folder",
		folder, owner, os.Getuid())
}
