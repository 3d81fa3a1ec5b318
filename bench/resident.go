package main

import (
	"bytes"
	"fmt"
	"os"
	"sync/atomic"
	"time"
)

// Figures of /proc/PID/status: the resident memory of a process, and its high-water mark.
const (
	residentNow  = "VmRSS"
	residentPeak = "VmHWM"
)

// resident reads the resident memory of a process from Linux's /proc. It allocates nothing, so that the garbage collector,
// on which the memory of a run depends, runs as often as without it. It is for one goroutine at a time.
type resident struct {
	status *os.File
	text   [8192]byte
}

// openResident opens the figures of a process, of this one for "self". It fails where there is no /proc of Linux.
func openResident(pid string) (*resident, error) {
	f, err := os.Open("/proc/" + pid + "/status")
	if err != nil {
		return nil, fmt.Errorf("reading the memory of a process: %w", err)
	}
	return &resident{status: f}, nil
}

// bytes is the figure of that name.
func (r *resident) bytes(name string) (int64, error) {
	n, err := r.status.ReadAt(r.text[:], 0)
	if n == 0 {
		return 0, fmt.Errorf("reading %s: %w", r.status.Name(), err)
	}
	return figure(r.text[:n], name)
}

func (r *resident) close() { r.status.Close() }

// figure finds a line such as "VmRSS:	    2280 kB" in the text of /proc/PID/status and returns the bytes.
func figure(text []byte, name string) (int64, error) {
	for line := range bytes.Lines(text) {
		if len(line) <= len(name) || line[len(name)] != ':' || string(line[:len(name)]) != name {
			continue
		}
		value := bytes.TrimSpace(line[len(name)+1:])
		digits, ok := bytes.CutSuffix(value, []byte(" kB"))
		ok = ok && len(digits) > 0
		n := int64(0)
		for _, d := range digits { // strconv would allocate
			ok = ok && '0' <= d && d <= '9'
			n = 10*n + int64(d-'0')
		}
		if !ok {
			return 0, fmt.Errorf("%s is %q, expected a number of kB", name, value)
		}
		return n << 10, nil
	}
	return 0, fmt.Errorf("there is no %s in the figures of a process, expected those of /proc/PID/status on Linux", name)
}

// highWater is the most resident memory of this process since the last reset. Linux keeps it itself, to
// within some hundred kilobytes, as its counters are. Where a process may not reset what Linux keeps, as in some containers, it
// is the largest of samples.
type highWater struct {
	own     *resident
	clear   *os.File // nil where samples are taken
	sampled atomic.Int64
	done    chan struct{} // ends the sampling
}

// sampleEvery is the time between two samples.
const sampleEvery = 2 * time.Millisecond

func openHighWater() (*highWater, error) {
	own, err := openResident("self")
	if err != nil {
		return nil, err
	}
	h := &highWater{own: own}
	if h.clear, err = os.OpenFile("/proc/self/clear_refs", os.O_WRONLY, 0); err == nil {
		if h.reset() == nil {
			return h, nil
		}
		h.clear.Close()
		h.clear = nil
	}
	return h, h.sample()
}

// sample starts sampling.
func (h *highWater) sample() error {
	r, err := openResident("self")
	if err != nil {
		return err
	}
	h.done = make(chan struct{})
	go func() {
		defer r.close()
		tick := time.NewTicker(sampleEvery)
		defer tick.Stop()
		for {
			select {
			case <-h.done:
				return
			case <-tick.C:
				if now, err := r.bytes(residentNow); err == nil {
					h.add(now)
				}
			}
		}
	}()
	return nil
}

// add keeps a sample if it is the largest.
func (h *highWater) add(now int64) {
	for {
		before := h.sampled.Load()
		if now <= before || h.sampled.CompareAndSwap(before, now) {
			return
		}
	}
}

// reset begins anew at the memory of now.
func (h *highWater) reset() error {
	if h.clear == nil {
		h.sampled.Store(0)
		return nil
	}
	// "5" resets the high-water mark: see proc_pid_clear_refs(5).
	_, err := h.clear.WriteAt([]byte("5"), 0)
	return err
}

// peak is the most since the last reset.
func (h *highWater) peak() (int64, error) {
	if h.clear != nil {
		return h.own.bytes(residentPeak)
	}
	now, err := h.own.bytes(residentNow)
	if err != nil {
		return 0, err
	}
	h.add(now)
	return h.sampled.Load(), nil
}

// how says where the figures come from.
func (h *highWater) how() string {
	if h.clear != nil {
		return "high-water mark of Linux"
	}
	return fmt.Sprintf("samples every %v", sampleEvery)
}

func (h *highWater) close() {
	if h.done != nil {
		close(h.done)
	}
	if h.clear != nil {
		h.clear.Close()
	}
	h.own.close()
}
