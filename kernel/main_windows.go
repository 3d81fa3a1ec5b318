package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, "gosciml: the kernel works on Linux and macOS, not on Windows itself: use the Windows Subsystem for Linux")
	os.Exit(1)
}
