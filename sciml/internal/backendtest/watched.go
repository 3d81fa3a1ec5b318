package backendtest

import (
	"fmt"
	"sync"

	"github.com/gomlx/compute"
	"github.com/gomlx/compute/dtypes"
	"github.com/gomlx/compute/shapes"
)

// Watched is a back end that knows which of its buffers nobody has freed: a garbage collector that frees them some day does
// not count. It can be made to fail.
type Watched struct {
	compute.Backend
	// Fail, unless it is nil, hears of each run of a program by its name; an error is that of the run.
	Fail func(program string) error
	// Building, unless it is nil, hears of each program before its graph is built and compiled, and may hold that up.
	Building func(program string)
	// Around, unless it is nil, hears of each run of a program by its name, and calls run, which returns when it is over.
	Around func(program string, run func())

	mu   sync.Mutex
	live map[*watchedBuffer]bool
}

// Watch begins to watch a back end. Tensors that it was given before are another back end's.
func Watch(b compute.Backend) *Watched { return &Watched{Backend: b, live: map[*watchedBuffer]bool{}} }

// Live counts the buffers there are of at least so many bytes, by what made them: the name of a program, or "host".
func (w *Watched) Live(bytes int64) map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := map[string]int{}
	for b := range w.live {
		if b.bytes >= bytes {
			all[b.by]++
		}
	}
	return all
}

// watchedBuffer is one of them.
type watchedBuffer struct {
	compute.Buffer
	of    *Watched
	by    string
	bytes int64
}

func (w *Watched) watch(b compute.Buffer, shape shapes.Shape, by string) compute.Buffer {
	w.mu.Lock()
	defer w.mu.Unlock()
	mine := &watchedBuffer{Buffer: b, of: w, by: by, bytes: shape.ByteSize()}
	w.live[mine] = true
	return mine
}

func (w *Watched) forget(b *watchedBuffer) (was bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	was = w.live[b]
	delete(w.live, b)
	return was
}

func (b *watchedBuffer) Backend() compute.Backend { return b.of }

func (b *watchedBuffer) Finalize() error {
	if !b.of.forget(b) {
		return fmt.Errorf("backendtest: a buffer of %s is freed twice", b.by)
	}
	return b.Buffer.Finalize()
}

// BufferFromFlatData implements compute.Backend.
func (w *Watched) BufferFromFlatData(device compute.DeviceNum, flat any, shape shapes.Shape) (compute.Buffer, error) {
	b, err := w.Backend.BufferFromFlatData(device, flat, shape)
	if err != nil {
		return nil, err
	}
	return w.watch(b, shape, "host"), nil
}

// NewSharedBuffer implements compute.Backend.
func (w *Watched) NewSharedBuffer(device compute.DeviceNum, shape shapes.Shape) (compute.Buffer, any, error) {
	b, flat, err := w.Backend.NewSharedBuffer(device, shape)
	if err != nil {
		return nil, nil, err
	}
	return w.watch(b, shape, "host"), flat, nil
}

// Builder implements compute.Backend.
func (w *Watched) Builder(name string) compute.Builder {
	if w.Building != nil {
		w.Building(name)
	}
	return &watchedBuilder{Builder: w.Backend.Builder(name), of: w}
}

type watchedBuilder struct {
	compute.Builder
	of *Watched
}

// Compile implements compute.Builder.
func (b *watchedBuilder) Compile() (compute.Executable, error) {
	e, err := b.Builder.Compile()
	if err != nil {
		return nil, err
	}
	return &watchedProgram{Executable: e, of: b.of, name: b.Name()}, nil
}

type watchedProgram struct {
	compute.Executable
	of   *Watched
	name string
}

// Execute implements compute.Executable.
func (p *watchedProgram) Execute(inputs []compute.Buffer, donate []bool, device compute.DeviceNum) ([]compute.Buffer, error) {
	if p.of.Fail != nil {
		if err := p.of.Fail(p.name); err != nil {
			return nil, err
		}
	}
	own := make([]compute.Buffer, len(inputs))
	for i, b := range inputs {
		mine := b.(*watchedBuffer)
		own[i] = mine.Buffer
		if len(donate) > 0 && donate[i] {
			p.of.forget(mine)
		}
	}
	var out []compute.Buffer
	var err error
	if p.of.Around == nil {
		out, err = p.Executable.Execute(own, donate, device)
	} else {
		p.of.Around(p.name, func() {
			out, err = p.Executable.Execute(own, donate, device)
			waitFor(out)
		})
	}
	shapes := p.Outputs()
	for i, b := range out {
		out[i] = p.of.watch(b, shapes[i], p.name)
	}
	return out, err
}

// waitFor waits until the outputs of a program are there, by reading the smallest that is of floating-point numbers.
func waitFor(out []compute.Buffer) {
	var least compute.Buffer
	var flat any
	size := 0
	for _, b := range out {
		s, err := b.Shape()
		if err != nil || least != nil && s.Size() >= size {
			continue
		}
		switch s.DType {
		case dtypes.Float64:
			flat = make([]float64, s.Size())
		case dtypes.Float32:
			flat = make([]float32, s.Size())
		default:
			continue
		}
		least, size = b, s.Size()
	}
	if least != nil {
		_ = least.ToFlatData(flat)
	}
}
