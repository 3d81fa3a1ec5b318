"""Measures, through the real kernel, how long cells take. Usage: latency.py N SECONDS_TO_FIRST_PLOT_RUNS FOLDER.

Cells come as a JSON list of [name, source, limit] on standard input; results go to file descriptor 3, one a line.
"""

import json
import os
import re
import statistics
import sys
import time

import nbformat
from nbclient import NotebookClient

out = os.fdopen(3, "w", encoding="utf-8")
n, starts, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
cells = json.load(sys.stdin)


def client():
    nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("") for _ in cells])
    return NotebookClient(nb, kernel_name="gosciml", record_timing=False, timeout=300,
                          resources={"metadata": {"path": folder}})


def run(c, index, source):
    """Returns the seconds a cell takes beyond those it says its training took."""
    # An unchanged program is not linked again, which no reader who edits a cell would see.
    c.nb.cells[index].source = f'{source}\nos.Setenv("RUN", "{time.time_ns()}")\n'
    begin = time.perf_counter()
    cell = c.execute_cell(c.nb.cells[index], index)
    seconds = time.perf_counter() - begin
    text = "".join(o.text for o in cell.outputs if o.output_type == "stream")
    took = re.search(r"training took ([0-9.]+) s", text)
    return seconds - (float(took.group(1)) if took else 0), any(o.output_type != "stream" for o in cell.outputs)


def tell(name, times, limit):
    print(json.dumps({"name": name, "median": statistics.median(times), "least": min(times), "most": max(times),
                      "runs": len(times), "limit": limit}), file=out, flush=True)


c = client()
with c.setup_kernel():
    for index, (name, source, limit) in enumerate(cells):
        run(c, index, source)  # compiles what was not compiled before
        times = [run(c, index, source)[0] for _ in range(n)]
        tell(name, times, limit)

first = []
for _ in range(starts):
    c = client()
    begin = time.perf_counter()
    with c.setup_kernel():
        seconds, shown = run(c, 0, cells[1][1])
        first.append(time.perf_counter() - begin)
        if not shown:
            sys.exit("the cell that plots showed no figure")
tell("kernel start to first plot", first, 3)
