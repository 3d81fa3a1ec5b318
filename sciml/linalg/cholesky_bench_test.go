package linalg_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/gomlx/gomlx/core/graph"
	"github.com/gomlx/gomlx/core/tensors"

	"github.com/gosciml/gosciml/sciml/internal/backendtest"
	"github.com/gosciml/gosciml/sciml/linalg"
)

// BenchmarkCholesky factorizes a matrix that is on the device and solves with it once, there and on the host in turns. It
// reports the shortest times and their ratio: above 1, Cholesky is faster than SPD. Compilation is counted by itself. The
// host's time has the copy of the matrix in it.
func BenchmarkCholesky(b *testing.B) {
	backend := backendtest.Best(b)
	for _, n := range []int{50, 100, 150, 200, 300, 400, 600, 800, 1341} {
		b.Run(fmt.Sprintf("n=%d", n), func(b *testing.B) {
			values := gaussian(n, n, 120)
			values.Scale(0.5/math.Sqrt(float64(n)), values)
			values.Add(values, values.T())
			values.Add(values, diagonal(n, 3)) // the spectrum is between 1 and 5
			matrix, right := tensor(values), tensors.FromValue(gaussianVector(n, 121))
			exec, err := graph.NewExec(backend, func(in []*graph.Node) []*graph.Node {
				return []*graph.Node{linalg.Cholesky(in[0]).Solve(in[1])}
			})
			if err != nil {
				b.Fatal(err)
			}
			onDevice := func() time.Duration {
				start := time.Now()
				out, err := exec.Call(matrix, right)
				if err == nil {
					_, err = tensors.CopyFlatData[float64](out[0])
				}
				if err != nil {
					b.Fatal(err)
				}
				return time.Since(start)
			}
			x, flat := make([]float64, n), gaussianVector(n, 121)
			onHost := func() time.Duration {
				start := time.Now()
				a, err := tensors.CopyFlatData[float64](matrix)
				if err != nil {
					b.Fatal(err)
				}
				s, err := linalg.NewSPD(n, a)
				if err == nil {
					err = s.Solve(x, flat)
				}
				if err != nil {
					b.Fatal(err)
				}
				return time.Since(start)
			}
			compile := onDevice()
			device, host := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
			for b.Loop() {
				device, host = min(device, onDevice()), min(host, onHost())
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(compile.Seconds(), "s/compile")
			b.ReportMetric(1e3*device.Seconds(), "ms/device")
			b.ReportMetric(1e3*host.Seconds(), "ms/host")
			b.ReportMetric(float64(host)/float64(device), "host/device")
		})
	}
}
