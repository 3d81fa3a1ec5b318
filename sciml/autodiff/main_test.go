package autodiff_test

import (
	"flag"
	"os"
	"testing"
)

// TestMain has XLA compile fast rather than well: these tests compile hundreds of small graphs and run each once, which
// takes a fifth of the time that way. Benchmarks, other plug-ins (which may not know the flags) and flags set by the
// user are left alone.
func TestMain(m *testing.M) {
	flag.Parse()
	if flag.Lookup("test.bench").Value.String() == "" && os.Getenv("GOMLX_BACKEND") == "" && os.Getenv("XLA_FLAGS") == "" {
		os.Setenv("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true --xla_cpu_use_fusion_emitters=false")
	}
	os.Exit(m.Run())
}
