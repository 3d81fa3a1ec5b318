package linalg

// BestOnDevice says whether Cholesky, once compiled, is faster than SPD for a matrix of order n that is on the device. This
// holds for XLA on a CPU, where both have the same cores (BenchmarkCholesky: host/device was 0.5 at n = 50, 0.8 at 100, 1.2
// at 150, 2.0 at 300, 2.2 at 600 and 1.4 to 2.0 at 1341). Compilation takes as long as dozens of solutions or more, so that a
// few are better on the host at any order; so are all on the pure-Go back end.
func BestOnDevice(n int) bool { return n >= 150 }
