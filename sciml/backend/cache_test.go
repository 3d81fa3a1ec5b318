package backend

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/gosciml/gosciml/sciml/backend/internal/programs"
)

// TestWhetherProgramsAreKept: each reason not to is told, and names what to change.
func TestWhetherProgramsAreKept(t *testing.T) {
	if _, err := programs.Processor(); err != nil {
		t.Skip(err)
	}
	cpu, folder := choice{kind: "cpu", sha256: "hash"}, filepath.Join(t.TempDir(), "programs")
	for _, c := range []struct {
		name, where, flags, why string
		of                      choice
	}{
		{"in a folder", folder, "--xla_cpu_enable_fast_math=false", "", cpu},
		{"off", "off", "", CacheEnv, cpu},
		{"a relative folder", "programs", "", "absolute", cpu},
		{"dumps", folder, "--xla_dump_to=" + folder, "XLA_FLAGS", cpu},
		{"a plug-in for CUDA", folder, "", "for the CPU", choice{kind: "cuda", sha256: "hash"}},
		{"a plug-in whose hash nobody knows", folder, "", "set-up installs", choice{kind: "cpu"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv(CacheEnv, c.where)
			t.Setenv("XLA_FLAGS", c.flags)
			_, err := newCache(c.of)
			if c.why == "" && err != nil || c.why != "" && (err == nil || !strings.Contains(err.Error(), c.why)) {
				t.Errorf("error %v, want %q in it", err, c.why)
			}
		})
	}
}
