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
        os.environ["GOSCIML_KEEP_DIR"] = os.path.join(folder, "keep")
        self.manager, self.client = start_new_kernel(kernel_name="gosciml", cwd=folder)

    def run(self, code, meanwhile=None, at_once=None):
        """Executes a cell; returns its status, printed text, displayed data joined, and what was printed on standard error.

        The reply and the error that was published are in self.reply and self.errors. Meanwhile is called when "ready" was printed, at_once right
        after the request.
        """
        msg_id = self.client.execute(code)
        if at_once:
            at_once()
        self.errors = []
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
            elif kind == "error":
                self.errors.append(content)
            elif kind == "status" and content["execution_state"] == "idle":
                break
        self.reply = self.client.get_shell_msg(timeout=LIMIT)["content"]
        return self.reply["status"], "".join(text), "\n".join(shown), "".join(stderr)


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

    status, text, shown, _ = s.run("x := 3\nfmt.Println(x)\nx * 2")
    check(status == "ok" and text == "3\n" and shown == "text/plain 6", "statements and a value gave", status, text, shown)
    status, _, shown, _ = s.run("func twice(x int) (int, error) { return 2 * x, nil }\nfunc nothing() {}\ntwice(21)")
    check(status == "ok" and shown == "text/plain 42", "a call at the end shows", status, shown, s.errors)
    status, text, shown, _ = s.run('nothings := func() { fmt.Println("done") }\nnothings()')
    check(status == "ok" and text == "done\n" and not shown, "a call without a value gave", status, text, shown, s.errors)
    count = s.reply["execution_count"]
    status, _, _, _ = s.run("1 + 1")
    check(s.reply["execution_count"] == count + 1, "a cell that was compiled twice counts as", s.reply)
    print("statements without %%, and the value at the end of a cell")

    def fails(code, name, *words, kind="error"):
        """Runs a cell that fails, and looks at the error that every client gets."""
        status, _, shown, err = s.run(code)
        check(status == "error" and len(s.errors) == 1 and not shown, "expected one error and no display:", code, status, s.errors, shown)
        error, trace = s.errors[0], re.sub(r"\x1b\[[0-9;]*m", "", "\n".join(s.errors[0]["traceback"]))
        check(all(s.reply[key] == error[key] for key in ("ename", "evalue", "traceback")), "the reply has another error:", s.reply, error)
        for word in words:
            check(word in trace, f"{word!r} is not in the traceback of", code, trace)
        check(error["ename"] == name and "gonb_" not in trace + err and "main.go" not in trace and "exit status" not in err,
              "the error is", error, err)
        check(trace.split("\n")[0].removeprefix("panic: ") in error["evalue"], "the first line does not say what:", error)

    fails("y := 1\nfmt.Println(y)\nnope()\n", "CompileError", "undefined: nope", "line 3", "nope()")
    fails("x", "CompileError", "undefined: x", "values do not outlive a cell", "keep.Value")
    fails('import "example.org/none"\n\nnone.F()', "ImportError", "GOSCIML_GOPROXY", "go get example.org/none")
    alive(s, "compile errors")
    fails('func failing() {\n\tpanic("on purpose")\n}\n\nfailing()', "Panic", "on purpose", "line 2")
    fails("var empty []int\n_ = 1\nempty[3] = 1", "Panic", "index out of range [3]", "line 3")
    alive(s, "a panic")
    fails("os.Exit(3)", "ExitStatus", "exit status 3")
    alive(s, "os.Exit")
    print("errors say what, where and why, in the reply too")

    s.client.execute('panic("first")')
    second = s.client.execute('fmt.Println("second")')
    replies = [s.client.get_shell_msg(timeout=LIMIT) for _ in range(2)]
    check([r["content"]["status"] for r in replies] == ["error", "aborted"] and replies[1]["parent_header"]["msg_id"] == second,
          "after a failed cell the next one gave", replies)
    alive(s, "an aborted cell")

    # "Run All" twice: the first cell's local has the name of a function that the second one declares.
    keeps = """func fitted() (int, error) {
	return keep.Value("fit", nil, func() (int, error) {
		train := 42
		return train, nil
	})
}

fitted()"""
    for expected in ("computing", "kept"):
        _, text, shown, _ = s.run(keeps)
        check(f"fit: {expected}" in text and shown == "text/plain 42", f"expected {expected}, got", text, shown, s.errors)
        s.run("func train() {}")
    print("what did not change stays kept")

    s.client.kernel_info()
    info = s.client.get_shell_msg(timeout=LIMIT)["content"]["language_info"]
    check(info == {"name": "go", "version": info["version"], "mimetype": "text/x-go", "file_extension": ".go", "codemirror_mode": "go",
                   "pygments_lexer": "go", "nbconvert_exporter": "script"}, "the language is", info)

    interrupted = time.time()
    status, text, _, err = s.run('%%\nfmt.Println("ready")\ntime.Sleep(time.Minute)', meanwhile=s.manager.interrupt_kernel)
    check(status == "error" and time.time() - interrupted < 30, "an interrupt did not end the cell:", status, text, err)
    check(s.reply["ename"] == "Interrupted" and len(s.errors) == 1, "an interrupt gave", s.reply)
    alive(s, "an interrupt")

    # Compiled anew each time: nothing of it can be in the build cache.
    slow = f'import "github.com/gosciml/gosciml/sciml"\n\nvar _ sciml.Options\n\nconst now = {time.time_ns()}\n\nfmt.Println("ran", now)'
    status, text, _, _ = s.run(slow, at_once=lambda: (time.sleep(0.1), s.manager.interrupt_kernel()))
    check(status == "error" and s.reply["ename"] == "Interrupted" and not text, "an interrupt while compiling gave", status, text, s.reply)
    alive(s, "an interrupt while compiling")

    status, text, _, err = s.run("""ctx, stop := sciml.Interruptible()
defer stop()
options := sciml.Options{Seed: 1, Iterations: 1_000_000, Method: optim.Adam{}, OnProgress: func(h *optim.History) error {
	if len(h.Records) > 1 && len(h.Records) < 1000 {
		fmt.Println("ready")
	}
	return nil
}}
s, err := sciml.Solve(ctx, pde.Poisson2D(), options)
fmt.Println("ended:", s.Result.Status, err)""", meanwhile=s.manager.interrupt_kernel)
    check(status == "ok" and "ended: canceled <nil>" in text and not err, "an interrupted training gave", status, text[-200:], err, s.errors)
    print("an interrupted training ends with what it has")

    code = "x := 3\nstrings.Repe"
    for _ in range(30):  # gopls reads the module first
        begin = time.time()
        s.client.complete(code, len(code))
        matches = s.client.get_shell_msg(timeout=LIMIT)["content"].get("matches", [])
        check(matches and time.time() - begin < 10, "a completion took", time.time() - begin, matches)
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
