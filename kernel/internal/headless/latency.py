"""Measures, through the real kernel, how long things take.

Usage: latency.py N FOLDER. A JSON list of what to measure comes on standard input, each with a name, a kind (see kinds
below), the source of its cell where there is one, and the greatest number of runs. Results go to file descriptor 3, one
a line. What fails is told, too, and the rest goes on.
"""

import json
import os
import queue
import re
import statistics
import sys
import time

import nbformat
from jupyter_client import KernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

out = os.fdopen(3, "w", encoding="utf-8")
n, folder = int(sys.argv[1]), sys.argv[2]
LONGEST = 300  # seconds for one cell
PATIENCE = 60  # seconds for an answer of a kernel


class Client(NotebookClient):
    """Notes when the first figure of a cell comes."""

    def output(self, outs, msg, display_id, cell_index):
        if self.shown is None and msg["msg_type"] in ("display_data", "execute_result"):
            self.shown = time.perf_counter()
        return super().output(outs, msg, display_id, cell_index)


def client():
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("")])
    return Client(nb, kernel_name="gosciml", record_timing=False, timeout=LONGEST,
                  resources={"metadata": {"path": folder}})


def fresh(source):
    """An unchanged program is not linked again, which no reader who edits a cell would see."""
    return source.replace("RUN_ID", str(time.time_ns()))


def run(c, source):
    """Executes a cell; returns its seconds, those to its first figure (None without one), and what it printed."""
    c.nb.cells[0].source, c.shown = fresh(source), None
    begin = time.perf_counter()
    cell = c.execute_cell(c.nb.cells[0], 0)
    seconds = time.perf_counter() - begin
    text = "".join(o.text for o in cell.outputs if o.output_type == "stream")
    return seconds, c.shown and c.shown - begin, text


def said(pattern, text):
    """The seconds that a cell has measured itself."""
    found = re.search(pattern + r" ([0-9.]+) s", text)
    return float(found.group(1)) if found else None


def need(value, complaint):
    if value is None:
        raise RuntimeError(complaint)
    return value


def of_cell(take):
    """Measures a cell in a kernel where it has run before."""
    def measure(source, runs):
        c = client()
        with c.setup_kernel():
            run(c, source)  # compiles what was not compiled before
            return [take(*run(c, source)) for _ in range(runs)]
    return measure


def to_first_plot(source, runs):
    """From the start of a kernel until its first cell is done, which draws a figure."""
    times = []
    for _ in range(runs):
        c = client()
        begin = time.perf_counter()
        with c.setup_kernel():
            _, shown, _ = run(c, source)
            times.append(time.perf_counter() - begin)
            need(shown, "the cell that plots showed no figure")
    return times


class Kernel:
    """A kernel without a notebook, and the seconds since it was started."""

    def __enter__(self):
        self.manager = KernelManager(kernel_name="gosciml")
        self.begin = time.perf_counter()
        self.manager.start_kernel(cwd=folder)
        self.channels = self.manager.client()
        self.channels.start_channels()
        return self

    def __exit__(self, *_):
        self.channels.stop_channels()
        self.manager.shutdown_kernel()
        self.manager.cleanup_resources()

    def since(self):
        return time.perf_counter() - self.begin

    def wait(self, get, wanted, complaint):
        """Returns the first message that is wanted."""
        end = time.perf_counter() + PATIENCE
        while time.perf_counter() < end:
            try:
                msg = get(timeout=1)
            except queue.Empty:
                continue
            if wanted(msg):
                return msg
        raise RuntimeError(complaint)

    def idle_within(self, seconds):
        """Asks the kernel who it is, and waits a while for it to be idle."""
        if self.since() > PATIENCE:
            raise RuntimeError("the kernel never was idle")
        self.channels.kernel_info()
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            try:
                msg = self.channels.get_iopub_msg(timeout=left)
            except queue.Empty:
                break
            if msg["msg_type"] == "status" and msg["content"]["execution_state"] == "idle":
                return True
        return False

    def idle(self, of):
        self.wait(self.channels.get_iopub_msg,
                  lambda m: m["msg_type"] == "status" and m["content"]["execution_state"] == "idle"
                  and of == m["parent_header"].get("msg_id"), "the kernel never was idle")


def to_idle(_, runs):
    """From the start of a kernel until it says that it is idle, asked for nothing but who it is, as by JupyterLab."""
    times = []
    for _ in range(runs):
        with Kernel() as k:
            while not k.idle_within(1):  # what is told before the client listens is lost: asked again, as clients do
                pass
            times.append(k.since())
    return times


CODE = 'import "fmt"\n\n%%\nfmt.Pri'


def to_completion(_, runs):
    """From the start of a kernel until fmt.Pri is completed, asked again as long as there is no answer with something."""
    times = []
    for _ in range(runs):
        with Kernel() as k:
            k.channels.wait_for_ready(timeout=PATIENCE)
            matches = []
            while not any("Print" in m for m in matches):
                asked = k.channels.complete(CODE, len(CODE))
                reply = k.wait(k.channels.get_shell_msg, lambda m: m["parent_header"].get("msg_id") == asked,
                               "the kernel does not complete")
                matches = reply["content"].get("matches") or []
                if k.since() > PATIENCE:
                    raise RuntimeError(f"the kernel completes fmt.Pri by {matches}")
            times.append(k.since())
    return times


def interrupted(source, runs):
    """From an interrupt while a cell compiles until the kernel is idle; the cell would end by itself."""
    times = []
    with Kernel() as k:
        k.channels.wait_for_ready(timeout=PATIENCE)
        k.idle(k.channels.execute(fresh(source)))  # compiles what was not compiled before
        for _ in range(runs):
            asked = k.channels.execute(fresh(source))
            time.sleep(0.2)
            begin = time.perf_counter()
            k.manager.interrupt_kernel()
            k.idle(asked)
            times.append(time.perf_counter() - begin)
    return times


kinds = {
    "cell": of_cell(lambda seconds, shown, text: seconds - (said("training took", text) or 0)),
    "value": of_cell(lambda seconds, shown, text: need(shown and seconds, "the cell showed no value")),
    "frame": of_cell(lambda seconds, shown, text: need(shown, "the cell showed no figure")),
    "said": of_cell(lambda seconds, shown, text: need(said("measured", text), "the cell printed no time")),
    "first plot": to_first_plot,
    "idle": to_idle,
    "completion": to_completion,
    "interrupt": interrupted,
}

for what in json.load(sys.stdin):
    result = {"index": what["index"]}
    try:
        times = kinds[what["kind"]](what["source"], min(n, what["most"]))
        result |= {"median": statistics.median(times), "least": min(times), "most": max(times), "runs": len(times)}
    except (CellExecutionError, RuntimeError, TimeoutError) as err:
        result["failed"] = (getattr(err, "evalue", "") or str(err)).strip().split("\n")[0]
    print(json.dumps(result), file=out, flush=True)
