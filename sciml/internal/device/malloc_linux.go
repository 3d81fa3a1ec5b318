//go:build linux && cgo

package device

/*
__attribute__((weak)) int mallopt(int parameter, int value); // not in every C library

static void returnAtOnce(int bytes) {
	if (mallopt) mallopt(-3, bytes); // M_MMAP_THRESHOLD
}
*/
import "C"

// returnAtOnce has the C library give memory of that many bytes or more back to the system as soon as it is freed.
func returnAtOnce(bytes int) { C.returnAtOnce(C.int(bytes)) }
