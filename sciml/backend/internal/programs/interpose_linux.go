//go:build cgo && linux

package programs

/*
#cgo LDFLAGS: -ldl
#include <stdlib.h>
#include "pjrt.h"
*/
import "C"

import (
	"errors"
	"sync/atomic"
	"time"
	"unsafe"
)

// active is the cache of the plug-in that was interposed.
var active atomic.Pointer[Cache]

// Interpose has a plug-in look into the cache before it compiles. It can be done once in a process, before the plug-in is opened: what
// is open may have read other flags than those in the cache's key. The error says why a plug-in cannot; then nothing has changed.
func Interpose(plugin string, c *Cache) error {
	name := C.CString(plugin)
	defer C.free(unsafe.Pointer(name))
	if !active.CompareAndSwap(nil, c) {
		return errors.New("a plug-in keeps its programs already")
	}
	if wrong := C.gosciml_interpose(name); wrong != nil {
		active.Store(nil)
		return errors.New(C.GoString(wrong))
	}
	return nil
}

//export gosciml_compile
func gosciml_compile(args *C.compile_args) unsafe.Pointer {
	c := active.Load()
	program := args.program
	code := unsafe.Slice((*byte)(unsafe.Pointer(program.code)), int(program.code_size))
	options := unsafe.Slice((*byte)(unsafe.Pointer(args.options)), int(args.options_size))
	format := unsafe.Slice((*byte)(unsafe.Pointer(program.format)), int(program.format_size))
	key := c.key(format, code, options)
	made := Program{Name: nameOf(code), Key: key}
	begin := time.Now()
	if bytes := c.read(key); bytes != nil {
		failure := C.gosciml_load(args, (*C.char)(unsafe.Pointer(unsafe.SliceData(bytes))), C.size_t(len(bytes)))
		if failure == nil {
			made.Loaded, made.Bytes, made.Seconds = true, len(bytes), time.Since(begin).Seconds()
			c.note(made)
			return nil
		}
		C.gosciml_forget(failure)
		c.drop(key)
	}
	begin = time.Now()
	failure := C.gosciml_compile_originally(args)
	made.Seconds = time.Since(begin).Seconds()
	if failure != nil {
		return failure
	}
	var bytes *C.char
	var size C.size_t
	var handle unsafe.Pointer
	var release C.release
	if wrong := C.gosciml_serialize(args.executable, &bytes, &size, &handle, &release); wrong != nil {
		C.gosciml_forget(wrong) // it runs all the same
	} else {
		made.Bytes = int(size)
		c.write(key, C.GoBytes(unsafe.Pointer(bytes), C.int(size)))
		C.gosciml_release(release, handle)
	}
	c.note(made)
	return nil
}
