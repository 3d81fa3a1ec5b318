//go:build unix && !linux

package place

func noexec(string) bool { return false }
