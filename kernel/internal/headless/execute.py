"""Executes a notebook and tells on file descriptor 3, one JSON object a line, how it goes.

Usage: execute.py SOURCE TARGET FOLDER TIMEOUT METADATA AFTER, with the time in seconds, 0 for no limit, and in JSON the notebook's
metadata and the texts of cells that are executed after the notebook's own and not saved. What has been computed is saved
in any case, in another place if TARGET cannot be written any more. Exit status: 0 if all cells passed, 1 if one failed, 2 if the
kernel died or did not start, 3 if TARGET was not written, 130 if interrupted.
"""

import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time

import nbformat
from jupyter_client.kernelspec import NoSuchKernel
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

events = os.fdopen(3, "w", encoding="utf-8")
metadata = json.loads(sys.argv[5])


def tell(event, **fields):
    print(json.dumps({"event": event, **fields}), file=events, flush=True)


class Client(NotebookClient):
    """Tells of printed text when it comes, not at the end of the cell."""

    def output(self, outs, msg, display_id, cell_index):
        content = msg["content"]
        last = outs[-1] if outs and msg["msg_type"] == "stream" and not self.clear_before_next_output else None
        if last and last["output_type"] == "stream" and last["name"] == content["name"]:
            last["text"] += content["text"]  # one output, as JupyterLab shows and saves it
            out = last
        else:
            out = super().output(outs, msg, display_id, cell_index)
        if msg["msg_type"] == "stream":  # what has been told will be saved, even if a signal comes now
            tell("text", stream=content["name"], text=content["text"])
        return out


def clean(nb):
    """Leaves nothing in the notebook that would differ when it is executed again elsewhere."""
    nb.cells = [cell for cell in nb.cells if "after" not in cell.metadata]
    nb.metadata = nbformat.from_dict(metadata)
    for cell in nb.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", []):
            if output.output_type == "stream" and output.name == "stderr":
                output.text = re.sub(r"\S*/gonb_[0-9a-f]+/main", "main", output.text)


def save(nb, target):
    """Replaces the file in one piece: a link stays one, and permissions stay. One that was killed has left its part to the next."""
    clean(nb)
    target = os.path.realpath(target)
    fresh = target + ".part"
    with open(fresh, "w", encoding="utf-8") as f:
        nbformat.write(nb, f)
    if os.path.exists(target):
        shutil.copymode(target, fresh)
    os.replace(fresh, target)


def rescue(nb, reason):
    """Saves where there may be room, what could not be saved where it belongs."""
    try:
        descriptor, path = tempfile.mkstemp(prefix="gosciml-", suffix=".ipynb")
        os.close(descriptor)
        save(nb, path)
    except OSError:
        path = ""
    tell("unsaved", value=str(reason), text=path)


def stop(*_):
    raise KeyboardInterrupt


def main():
    source, target, folder, timeout = sys.argv[1:5]
    signal.signal(signal.SIGTERM, stop)
    with open(source, encoding="utf-8") as f:
        nb = nbformat.read(f, as_version=4)
    nb.nbformat_minor = max(nb.nbformat_minor, 5)
    for cell in nb.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    for text in json.loads(sys.argv[6]):
        nb.cells.append(nbformat.v4.new_code_cell(text, metadata={"after": True}))
    client = Client(
        nb,
        kernel_name="gosciml",
        timeout_func=lambda _: float(timeout) or None,
        record_timing=False,
        store_widget_state=False,
        resources={"metadata": {"path": folder}},
        shutdown_kernel="graceful",
    )
    code = [i for i, cell in enumerate(nb.cells) if cell.cell_type == "code" and cell.source.strip()]
    own = sum("after" not in nb.cells[i].metadata for i in code)
    status, number, index = 0, 0, 0
    try:
        with client.setup_kernel():
            for number, index in enumerate(code, 1):
                cell = nb.cells[index]
                tell("start", number=number, total=own, index=index)
                begin = time.monotonic()
                client.execute_cell(cell, index, execution_count=number)
                tell("end", seconds=time.monotonic() - begin)
            # Cells may be dropped when a kernel is not ready: never report those as passed.
            skipped = [i for i in code if nb.cells[i].execution_count is None]
            if skipped:
                tell("failed", index=skipped[0], value="the cell was not executed", seconds=0)
                status = 1
    except CellExecutionError as err:
        tell("failed", index=index, value=err.evalue,
             seconds=time.monotonic() - begin)
        status = 1
    except CellTimeoutError:
        tell("failed", index=index, value=f"the cell ran longer than {timeout} s, the limit that -timeout sets",
             seconds=time.monotonic() - begin)
        status = 1
    except (DeadKernelError, NoSuchKernel, RuntimeError) as err:
        tell("kernel", index=index, value=re.sub(r"\s+", " ", str(err)))
        status = 2
    except KeyboardInterrupt:
        tell("stopped", index=index)
        status = 130
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        try:
            save(nb, target)
        except OSError as err:
            rescue(nb, err)
            status = 3
    return status


sys.exit(main())
