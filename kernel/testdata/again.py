"""Runs all cells of a notebook, twice in one session and once more after a restart of the kernel, and prints what keep says each time."""

import sys

import nbformat
from nbclient import NotebookClient
from nbclient.util import run_sync

notebook = nbformat.read(sys.argv[1], as_version=4)
client = NotebookClient(notebook, timeout=600, kernel_name="gosciml", resources={"metadata": {"path": sys.argv[2]}})


def run_all(name):
    for index, cell in enumerate(notebook.cells):
        client.execute_cell(cell, index)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            for line in output.get("text", "").splitlines():
                if ": kept (" in line or line.endswith(("computing", "computing again")):
                    print(f"{name}: {line}", flush=True)


with client.setup_kernel():
    run_all("first")
    run_all("second")
    run_sync(client.km.restart_kernel)(now=True)
    run_sync(client.kc.wait_for_ready)(timeout=60)
    run_all("restarted")
