"""Drives a kernel the way JupyterLab does, and exits with a message at the first thing that is not as promised."""

import os
import queue
import re
import signal
import sys
import time

from jupyter_client.manager import start_new_kernel

LIMIT = 120


class Session:
    def __init__(self, folder):
        self.manager, self.client = start_new_kernel(kernel_name="gosciml", cwd=folder)

    def run(self, code, meanwhile=None):
        """Executes a cell; returns its status, printed text, and displayed data joined."""
        msg_id = self.client.execute(code)
        text, shown, stderr, deadline = [], [], [], time.time() + LIMIT
        while True:
            if time.time() > deadline:
                sys.exit(f"no answer within {LIMIT} s to:\n{code}")
            try:
                msg = self.client.get_iopub_msg(timeout=1)
            except queue.Empty:
                continue
            if msg["parent_header"].get("msg_id") != msg_id:
                continue
            kind, content = msg["msg_type"], msg["content"]
            if kind == "stream":
                (text if content["name"] == "stdout" else stderr).append(content["text"])
                if meanwhile and "ready" in "".join(text):
                    meanwhile()
                    meanwhile = None
            elif kind in ("display_data", "execute_result"):
                shown.append("\n".join(f"{mime} {data}" for mime, data in content["data"].items()))
            elif kind == "status" and content["execution_state"] == "idle":
                break
        reply = self.client.get_shell_msg(timeout=LIMIT)
        return reply["content"]["status"], "".join(text), "\n".join(shown), "".join(stderr)


def check(condition, *what):
    if not condition:
        sys.exit("FAILED: " + "\n".join(str(w) for w in what))


def alive(s, after):
    status, text, _, _ = s.run('%%\nfmt.Println("alive")')
    check(status == "ok" and text == "alive\n", f"after {after} the kernel does not answer:", status, text)
    print("the kernel lives on after", after)


def gone(what, pids, seconds=10):
    end = time.time() + seconds
    while time.time() < end:
        left = [p for p in pids if running(p)]
        if not left:
            print("nothing is left of", what)
            return
        time.sleep(0.1)
    sys.exit(f"FAILED: after {what} these processes are left: {left}")


def running(pid):
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def family(tmp):
    """The processes that have the kernel's temporary folder in their environment."""
    pids = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            try:
                with open(f"/proc/{name}/environ", "rb") as f:
                    if f"TMPDIR={tmp}\0".encode() in f.read():
                        pids.append(int(name))
            except OSError:
                pass
    return pids


def main():
    s = Session(sys.argv[1])
    status, text, _, err = s.run("""
import (
	"fmt"
	"os"
	"github.com/gomlx/gomlx/core/graph"
	"gonum.org/v1/gonum/optimize"
	"gonum.org/v1/plot"
	"github.com/gosciml/gosciml/sciml"
	"github.com/gosciml/gosciml/sciml/backend"
)

%%
var _ sciml.Options
var _ optimize.Settings
_ = plot.New()
b, err := backend.Open()
if err != nil {
	panic(err)
}
y := graph.MustExecOnce(b, func(x *graph.Node) *graph.Node { return graph.Add(x, x) }, []float64{21})
fmt.Println(b.Name(), y.Value(), os.Getenv("GOMLX_BACKEND"))
""")
    check(status == "ok", "the first cell failed:", text, err)
    check("[42]" in text, "the first cell printed", text)
    if "pure Go" not in err:
        check("xla [42] xla:cpu" in text, "XLA did not compute:", text, err)
    print("the first cell imports GoMLX, gonum, gonum/plot and sciml:", text.strip())

    status, _, shown, err = s.run("%%\nx := 1\nfmt.Println(x)\nnope()\n")
    check(status == "error", "a compile error passed")
    check(re.search(r"Cell\[\d+\]: Line 4", shown) and "undefined: nope" in shown,
          "the compile error does not show its line:", shown, err)
    alive(s, "a compile error")

    status, _, _, err = s.run('func fails() {\n\tpanic("on purpose")\n}\n\n%%\nfails()')
    # GoNB adds the lines of cells to a trace piece by piece as it arrives, and misses what is cut in two.
    check(status == "error" and "on purpose" in err and re.search(r"main\.go:\d+", err), "a panic does not show:", status, err)
    alive(s, "a panic")

    status, _, _, _ = s.run("%%\nos.Exit(3)")
    check(status == "error", "os.Exit(3) passed")
    alive(s, "os.Exit")

    interrupted = time.time()
    status, text, _, err = s.run('%%\nfmt.Println("ready")\ntime.Sleep(time.Minute)', meanwhile=s.manager.interrupt_kernel)
    check(status == "error" and time.time() - interrupted < 30, "an interrupt did not end the cell:", status, text, err)
    alive(s, "an interrupt")

    code = "%%\nstrings.Repe"
    for _ in range(30):  # gopls reads the module first
        s.client.complete(code, len(code))
        matches = s.client.get_shell_msg(timeout=LIMIT)["content"].get("matches", [])
        if any("Repeat" in m for m in matches):
            break
        time.sleep(1)
    check(any("Repeat" in m for m in matches), "completion of strings.Repe offers", matches)
    print("completion works:", matches)

    code = 'import "github.com/gomlx/gomlx/core/graph"\n\n%%\n_ = graph.ReduceAllSum\n'
    s.client.inspect(code, code.index("ReduceAllSum") + 3)
    content = s.client.get_shell_msg(timeout=LIMIT)["content"]
    told = str(content.get("data", {}))
    check(content.get("found") and "ReduceAllSum" in told, "inspection of graph.ReduceAllSum tells", content)
    print("inspection works")

    _, text, _, _ = s.run('%%\nfmt.Println(os.Getenv("TMPDIR"))')
    tmp = text.strip()
    pids = family(tmp)
    check(len(pids) >= 2, "expected GoNB and gopls at least, found", pids)
    s.client.execute('%%\ntime.Sleep(time.Hour)')
    time.sleep(3)
    os.kill(s.manager.provisioner.pid, signal.SIGKILL)
    gone("a killed kernel", pids + family(tmp))
    for _ in range(50):
        if not os.path.exists(tmp):
            break
        time.sleep(0.1)
    check(not os.path.exists(tmp), "the killed kernel left", tmp)
    s.client.stop_channels()


main()
