package backend

import "os"

// nvidiaDevices are the files an NVIDIA driver creates, natively and under WSL, once it has found a GPU.
var nvidiaDevices = []string{"/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg"}

func gpuPresent() bool {
	for _, name := range nvidiaDevices {
		if _, err := os.Stat(name); err == nil {
			return true
		}
	}
	return false
}
