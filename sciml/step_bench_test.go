package sciml_test

import (
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/optim"
	"github.com/gosciml/gosciml/sciml/pde"
)

// BenchmarkStep prints where the time of a step of Levenberg–Marquardt goes, as Auto starts with it: milliseconds in each program,
// for each step that was taken. What is refused counts for the next one.
//
//	go test -run - -bench Step ./sciml
func BenchmarkStep(b *testing.B) {
	for _, problem := range []*pde.Problem{pde.Poisson2D(), pde.Burgers(0.01 / math.Pi), pde.KdVCosine(), pde.KuramotoSivashinsky(0.2), pde.Kovasznay(40), pde.Cavity(100)} {
		b.Run(problem.Key, func(b *testing.B) {
			watched := backendtest.Watch(backendtest.Best(b))
			spent := map[string]time.Duration{}
			watched.Around = func(program string, run func()) {
				start := time.Now()
				run()
				spent[program] += time.Since(start)
			}
			network, err := sciml.DefaultNetwork(problem, false)
			if err != nil {
				b.Fatal(err)
			}
			method := optim.LevenbergMarquardt{Geodesic: true, Columns: (network.NumParams() + 2) / 3, AdaptEvery: 10, Seed: 1}
			const compiling, steps = 2, 10
			for b.Loop() {
				var start time.Time
				_, err := sciml.Solve(b.Context(), problem, sciml.Options{
					Method: method, Seed: 1, Backend: watched, Iterations: compiling + steps, MonitorEvery: 1 << 30,
					OnProgress: func(h *optim.History) error {
						if h.Last().Iteration == compiling {
							clear(spent)
							start = time.Now()
						}
						return nil
					},
				})
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(1e3*time.Since(start).Seconds()/steps, "ms/step")
			}
			for _, program := range slices.Sorted(maps.Keys(spent)) {
				if ms := 1e3 * spent[program].Seconds() / steps; ms > 1 {
					name, _, _ := strings.Cut(program, "#") // the number of its graph
					b.ReportMetric(ms, "ms/"+strings.ReplaceAll(name, " ", "-"))
				}
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}
