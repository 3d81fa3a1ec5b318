package device

import (
	"fmt"
	"runtime"
	"slices"
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

// Free releases tensors at once; those that were freed before, and nil, are left out.
func Free(all []*tensors.Tensor) {
	for _, t := range all {
		if t != nil && t.Ok() {
			if outstanding.Add(-t.ByteSize()) < 0 { // some never were counted, as they come from the host
				outstanding.Store(0)
			}
			t.MustFinalizeAll()
		}
	}
}

// Copy makes a tensor of its own.
func Copy(t *tensors.Tensor) (*tensors.Tensor, error) {
	defer leaveOnDevice(t)()
	copied, err := t.LocalClone()
	if err != nil {
		return nil, fmt.Errorf("device: copying a tensor of shape %s: %w", t.Shape(), err)
	}
	return copied, nil
}

// outstanding counts the bytes that programs gave and nobody has freed since the last garbage collection that it caused.
var outstanding atomic.Int64

// mostOutstanding is the size of outputs, in bytes, after which the collector is asked to free those that nobody refers to:
// the sizes of the tensors themselves, a few words each, do not make it run.
const mostOutstanding = 256 << 20

// account notes the outputs of a program.
func account(out []*tensors.Tensor) {
	size := int64(0)
	for _, t := range out {
		size += t.ByteSize()
	}
	if outstanding.Add(size) > mostOutstanding {
		outstanding.Store(0)
		runtime.GC()
	}
}

// manyBytes is the size from which a tensor that came from the host does not stay there as well.
const manyBytes = 1 << 20

// upload drops the copies on the host of large inputs, which by now are on the device.
func upload(inputs []*tensors.Tensor) {
	for _, t := range inputs {
		if t.ByteSize() >= manyBytes && t.HasLocal() && t.IsOnAnyDevice() {
			t.FinalizeLocal()
		}
	}
}
