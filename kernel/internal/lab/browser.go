//go:build unix

package lab

import (
	"fmt"
	"html"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"github.com/gosciml/gosciml/kernel/internal/place"
	"github.com/gosciml/gosciml/sciml/backend/install"
)

// openBrowser opens a browser at an address with a token, and returns what removes its traces. The browser is given a
// page of the user's alone that leads there, since other users can read arguments. JupyterLab would do the same, but with
// the name of this machine where it listens on all addresses, and that name may lead elsewhere.
func openBrowser(p place.Place, address string, log io.Writer) (forget func()) {
	page := filepath.Join(p.Jupyter("runtime"), fmt.Sprintf("lab-%d-open.html", os.Getpid()))
	text := fmt.Sprintf("<!DOCTYPE html>\n<meta charset=\"utf-8\">\n<meta http-equiv=\"refresh\" content=\"0; url=%[1]s\">\n"+
		"<title>JupyterLab</title>\n<a href=\"%[1]s\">JupyterLab</a>\n", html.EscapeString(address))
	if err := place.WriteFile(page, []byte(text), 0o600); err != nil {
		return func() {} // the address has been printed
	}
	cmd := exec.Command(install.VenvPython(p.Home), "-c", "import pathlib, sys, webbrowser; webbrowser.open(pathlib.Path(sys.argv[1]).as_uri())", page)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a ctrl-C in the terminal is not for the browser
	if cmd.Start() == nil {
		go func() { _ = cmd.Wait() }()
	}
	return func() { _ = os.Remove(page) }
}
