package sciml_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/gomlx/gomlx/core/graph"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/backend"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/nn"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
	"github.com/gosciml/gosciml/sciml/pinn"
)

// TestCompiledPrograms: a run is the same to the last bit without a cache, with one that fills, and with one that is full, from which every
// program then comes; and one whose files are all damaged is as good as none.
func TestCompiledPrograms(t *testing.T) {
	if os.Getenv(backend.CacheEnv) != "" && os.Getenv("SCIML_CACHE_TEST") != "" {
		network, err := nn.NewMLP(nn.Tanh, 2, 6, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range []optim.Method{optim.Auto{}, optim.Adam{}} {
			s, err := sciml.Solve(t.Context(), pde.Poisson2D(), sciml.Options{
				Network: network, Method: m, Iterations: 5, Seed: 1, Loss: pinn.Options{Interior: 30},
			})
			if err != nil {
				t.Fatal(err)
			}
			fmt.Printf("%s %x %v\n", m.Name(), sha256.Sum256(fmt.Append(nil, s.Result.Theta)), s.Result.Loss)
		}
		// A second back end of the same plug-in is told of, too.
		second, err := backend.OpenConfig("xla:cpu")
		if err != nil {
			t.Fatal(err)
		}
		before := len(backend.Programs())
		if _, err := graph.CallOnce(second, func(x *graph.Node) *graph.Node { return graph.MulScalar(x, 2.5) }, []float32{1, 2}); err != nil {
			t.Fatal(err)
		}
		if more := len(backend.Programs()) - before; os.Getenv(backend.CacheEnv) != "off" && more != 1 {
			t.Errorf("%d programs of a second back end are told of, want 1", more)
		}
		loaded := 0
		for _, p := range backend.Programs() {
			if p.Loaded {
				loaded++
			}
			if p.Bytes == 0 || p.Name == "" {
				t.Errorf("a program %+v", p)
			}
		}
		fmt.Printf("loaded %d of %d\n", loaded, len(backend.Programs()))
		return
	}
	if backendtest.Best(t).Name() != "xla" || backend.Inspect().WhyNoCache != "" {
		t.Skip("no cache here: ", backend.Inspect().WhyNoCache)
	}
	folder := t.TempDir()
	run := func(where string) (numbers, loaded string) {
		t.Helper()
		cmd := exec.Command(os.Args[0], "-test.run=TestCompiledPrograms")
		cmd.Env = append(os.Environ(), "SCIML_CACHE_TEST=1", backend.CacheEnv+"="+where)
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		numbers, loaded, _ = strings.Cut(string(out), "loaded ")
		loaded, _, _ = strings.Cut(loaded, "\n")
		return numbers, loaded
	}
	without, none := run("off")
	cold, first := run(folder)
	warm, second := run(folder)
	if cold != without || warm != without {
		t.Errorf("without\n%s\ncold\n%s\nwarm\n%s", without, cold, warm)
	}
	var of, all int
	if _, err := fmt.Sscanf(second, "%d of %d", &of, &all); err != nil || of != all || all == 0 || none != "0 of 0" || first == second {
		t.Errorf("loaded: %s without, %s cold, %s warm", none, first, second)
	}
	files, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range files {
		path := folder + "/" + f.Name()
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			data = data[:len(data)/2]
		} else {
			data = bytes.Replace(data, data[len(data)/2:len(data)/2+8], []byte("12345678"), 1)
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if damaged, loaded := run(folder); damaged != without || loaded != first { // what two methods share is compiled once
		t.Errorf("damaged\n%s, loaded %s", damaged, loaded)
	}
}
