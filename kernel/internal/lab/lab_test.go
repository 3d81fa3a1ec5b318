//go:build unix

package lab

import (
	"net"
	"strings"
	"testing"
)

func TestFreePortGoesOnWhenOneIsTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := l.Addr().(*net.TCPAddr).Port
	port, err := FreePort("127.0.0.1", taken)
	if err != nil || port <= taken {
		t.Errorf("FreePort(%d) = %d, %v, want a later port", taken, port, err)
	}
}

func TestFreePortNamesWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		ip   string
		port int
		want string
	}{{"127.0.0.1", 0, "0"}, {"127.0.0.1", 70000, "70000"}, {"203.0.113.7", 8888, "203.0.113.7"}} {
		if _, err := FreePort(c.ip, c.port); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("FreePort(%s, %d): %v, want an error that names %s", c.ip, c.port, err, c.want)
		}
	}
}

func TestTailKeepsTheEndThenPassesOn(t *testing.T) {
	var log tail
	_, _ = log.Write([]byte(strings.Repeat("x", 10000)))
	_, _ = log.Write([]byte("the end\n"))
	if text := log.text(); !strings.HasSuffix(text, "the end") || len(text) > 8192 {
		t.Errorf("kept %d bytes, ending in %q", len(text), text[len(text)-10:])
	}
	var later strings.Builder
	log.passOn(&later)
	_, _ = log.Write([]byte("more"))
	if later.String() != "more" {
		t.Errorf("passed on %q", &later)
	}
}
