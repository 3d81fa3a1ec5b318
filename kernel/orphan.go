//go:build unix

package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// unlessOrphaned returns a context that is canceled when `go run`, having started this program, is killed: it would leave us
// running with nobody to stop us.
func unlessOrphaned(ctx context.Context) context.Context {
	parent := os.Getppid()
	if !startedByGo(ctx, parent) {
		return ctx
	}
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		defer cancel()
		for ctx.Err() == nil && os.Getppid() == parent {
			select {
			case <-ctx.Done():
			case <-time.After(500 * time.Millisecond):
			}
		}
	}()
	return ctx
}

func startedByGo(ctx context.Context, parent int) bool {
	name, err := exec.CommandContext(ctx, "ps", "-o", "comm=", "-p", strconv.Itoa(parent)).Output()
	if err != nil { // there need not be a ps on Linux
		name, err = os.ReadFile("/proc/" + strconv.Itoa(parent) + "/comm")
	}
	return err == nil && filepath.Base(strings.TrimSpace(string(name))) == "go"
}
