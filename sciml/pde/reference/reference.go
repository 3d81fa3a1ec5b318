// Package reference computes solutions of partial differential equations that have no closed form, to compare trained
// networks with: spectral methods at resolutions whose error is far below that of any network.
//
// A solution is known at any point of its domain. Points are (x, t), space first and time last, or (x, y). What takes
// long to compute is kept on disk, in $GOSCIML_HOME/references if that variable is set, else in gosciml/references
// below the user's cache directory, under a checksum: a damaged file is computed anew. A directory that cannot be
// written only means that the next program computes again.
package reference

// Field is a solution known at any point of a domain: one value for each unknown. It may be called from several
// goroutines at once.
type Field func(point []float64) []float64
