//go:build unix

package lab

import (
	"net"
	"strings"
	"testing"
)

func TestFreePortGoesOnWhenOneIsTaken(t *testing.T) {
	for _, ip := range []string{"127.0.0.1", "::1", "::"} {
		l, err := listen(ip, 0)
		if err != nil && ip != "127.0.0.1" {
			t.Skipf("this machine has no IPv6: %v", err)
		}
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		taken := l.Addr().(*net.TCPAddr).Port
		port, err := freePort(ip, taken)
		if err != nil || port <= taken {
			t.Errorf("freePort(%s, %d) = %d, %v, want a later port", ip, taken, port, err)
		}
	}
}

func TestCheckNamesWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		ip   string
		port int
		want []string
	}{
		{"127.0.0.1", 0, []string{"-port 0", "1 to 65535"}},
		{"127.0.0.1", -1, []string{"-port -1", "1 to 65535"}},
		{"127.0.0.1", 70000, []string{"-port 70000", "1 to 65535"}},
		{"", 8888, []string{`-ip ""`, "127.0.0.1", "0.0.0.0"}},
		{"203.0.113.7", 8888, []string{`-ip "203.0.113.7"`, "of this machine", "127.0.0.1"}},
		{"2001:db8::7", 8888, []string{`-ip "2001:db8::7"`, "of this machine", "127.0.0.1"}},
		{"[::1]", 8888, []string{`-ip "[::1]"`, "of this machine"}},
		{"no such host", 8888, []string{`-ip "no such host"`, "of this machine"}},
	} {
		err := Options{IP: c.ip, Port: c.port}.Check()
		if err == nil {
			t.Errorf("-ip %q -port %d passed", c.ip, c.port)
			continue
		}
		for _, w := range c.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("-ip %q -port %d: the error lacks %q: %v", c.ip, c.port, w, err)
			}
		}
	}
	for _, ip := range []string{"127.0.0.1", "0.0.0.0", "localhost"} {
		if err := (Options{IP: ip, Port: 8888}).Check(); err != nil {
			t.Errorf("-ip %s: %v", ip, err)
		}
	}
}

func TestReachable(t *testing.T) {
	for ip, want := range map[string]string{
		"127.0.0.1": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1", "0:0::0": "::1", "::1": "::1", "localhost": "localhost", "fd00::2": "fd00::2",
	} {
		if got := reachable(ip); got != want {
			t.Errorf("reachable(%s) = %s, want %s", ip, got, want)
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
