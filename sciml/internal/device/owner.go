package device

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/gomlx/gomlx/core/tensors"
)

// Owner frees what it no longer holds. The garbage collector does not see the memory of a device, so that what an
// iteration replaces would stay there for long. The zero value holds nothing.
type Owner struct{ held []*tensors.Tensor }

// Hold says which tensors are in use from now on. Those held before that are no longer among them are freed; one may be
// held in several places, and nil is none.
func (o *Owner) Hold(groups ...[]*tensors.Tensor) {
	now := make([]*tensors.Tensor, 0, len(o.held))
	for _, group := range groups {
		for _, t := range group {
			if t != nil {
				now = append(now, t)
			}
		}
	}
	for _, t := range o.held {
		if !slices.Contains(now, t) {
			Free([]*tensors.Tensor{t})
		}
	}
	o.held = now
}

// Release frees tensors that are not among those it holds.
func (o *Owner) Release(all []*tensors.Tensor) {
	for _, t := range all {
		if !slices.Contains(o.held, t) {
			Free([]*tensors.Tensor{t})
		}
	}
}

// Free releases tensors at once; those that were freed before, and nil, are left out.
func Free(all []*tensors.Tensor) {
	for _, t := range all {
		if t != nil && t.Ok() {
			if t.IsOnAnyDevice() && outstanding.Add(-t.ByteSize()) < 0 { // from before that collection
				outstanding.Store(0)
			}
			t.MustFinalizeAll()
		}
	}
}

// Copy makes a tensor of its own.
func Copy(t *tensors.Tensor) (*tensors.Tensor, error) {
	clone := t.LocalClone
	if t.IsShared() { // it never has to come to the host
		clone = t.Clone
	}
	defer leaveOnDevice(t)()
	copied, err := clone()
	if err != nil {
		return nil, fmt.Errorf("device: copying a tensor of shape %s: %w", t.Shape(), err)
	}
	Large(copied.ByteSize()) // it is an iterate, and more of that size will follow
	if copied.IsOnAnyDevice() {
		account([]*tensors.Tensor{copied})
	}
	return made(copied), nil
}

// outstanding counts the bytes that came to the device and that nobody has freed since the last garbage collection that it
// caused.
var outstanding atomic.Int64

// mostOutstanding is their size after which the collector is asked to free those that nobody refers to: the sizes of the
// tensors themselves, a few words each, do not make it run.
const mostOutstanding = 256 << 20

// account notes tensors that have come to the device, as outputs of a program or as inputs from the host.
func account(groups ...[]*tensors.Tensor) {
	size := int64(0)
	for _, group := range groups {
		for _, t := range group {
			size += t.ByteSize()
		}
	}
	if outstanding.Add(size) > mostOutstanding {
		outstanding.Store(0)
		runtime.GC()
	}
}

// manyBytes is the size from which it matters that a tensor made on the host leaves nothing there.
const manyBytes = 1 << 20

// made notes a tensor made on the host.
func made(t *tensors.Tensor) *tensors.Tensor {
	if size := t.ByteSize(); size >= manyBytes {
		fromHost.Add(size)
	}
	return t
}

// fromHost counts the bytes of large tensors made on the host since Go was last told to give memory back.
var fromHost atomic.Int64

const mostFromHost = 32 << 20

// upload drops the copies on the host of large inputs, which by now are on the device, and has Go give that memory back.
func upload(inputs []*tensors.Tensor) {
	for _, t := range inputs {
		if t.ByteSize() >= manyBytes && t.HasLocal() && t.IsOnAnyDevice() {
			t.FinalizeLocal()
		}
	}
	if fromHost.Load() > mostFromHost {
		fromHost.Store(0)
		debug.FreeOSMemory()
	}
}

// Large reports whether vectors of that many bytes are so large that memory counts for more than the time of a call. For those
// the C library, of which XLA on the CPU takes its memory, is told to give back at once what is freed: it would keep up to
// several dozen of megabytes for each thread, as parts that are too small for the next vector.
func Large(bytes int64) bool {
	if bytes < largeBytes {
		return false
	}
	returningAtOnce.Do(func() { returnAtOnce(largeBytes / 2) })
	return true
}

const largeBytes = 8 << 20

var returningAtOnce sync.Once
