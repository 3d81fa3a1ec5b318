// Package backendtest runs tests on the back ends that GoSciML computes with.
package backendtest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/gomlx/compute"

	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/backend/install"
)

// xla installs the plug-in on a fresh machine, once in a process (the installer locks out other processes).
var xla = sync.OnceValues(func() (compute.Backend, error) {
	if config := os.Getenv(backend.ConfigEnv); config == "go" {
		return nil, fmt.Errorf("%s is %q", backend.ConfigEnv, config)
	} else if config != "" {
		return backend.OpenConfig(config)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	if err := install.CPU(ctx, os.Stderr); err != nil {
		return nil, err
	}
	return backend.OpenConfig("xla:cpu")
})

// Each runs f as one subtest on XLA and one on the pure-Go back end. Where XLA cannot be had its subtest is skipped
// and says why. GOMLX_BACKEND=go leaves XLA out; another value chooses which XLA plug-in is used.
func Each(t *testing.T, f func(t *testing.T, b compute.Backend)) {
	t.Helper()
	t.Run("xla", func(t *testing.T) {
		b, err := xla()
		if errors.Is(err, install.ErrHash) {
			t.Fatal(err) // no reason to go on without it
		}
		if err != nil {
			t.Skipf("not tested on XLA: %v", err)
		}
		f(t, b)
	})
	t.Run("go", func(t *testing.T) { f(t, pureGo(t)) })
}

// Best returns XLA, or the pure-Go back end where XLA cannot be had (the test's log then says why).
func Best(t testing.TB) compute.Backend {
	t.Helper()
	b, err := xla()
	if err != nil {
		t.Logf("testing in pure Go: %v", err)
		return pureGo(t)
	}
	return b
}

func pureGo(t testing.TB) compute.Backend {
	t.Helper()
	b, err := backend.OpenConfig("go")
	if err != nil {
		t.Fatalf("the pure-Go back end cannot be opened: %v", err)
	}
	return b
}
