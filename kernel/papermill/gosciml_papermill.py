"""Lets papermill give parameters to notebooks of the kernel "Go (SciML)".

The kernel's own program writes the cell, as for `run -p`: it knows the types that the notebook declares.
"""

import json
import subprocess

from jupyter_client.kernelspec import KernelSpecManager
from papermill.engines import NBClientEngine as Engine  # noqa: F401, what the entry point names
from papermill.exceptions import PapermillException
from papermill.models import Parameter
from papermill.translators import Translator, papermill_translators

KERNEL = "gosciml"


def ask(source, parameters=()):
    """Asks the kernel's program what a cell declares, and for the cell that declares it anew."""
    program = KernelSpecManager().get_kernel_spec(KERNEL).argv[0]
    question = json.dumps({"source": source, "values": [{"name": n, "value": v} for n, v in parameters]})
    answer = subprocess.run([program, "parameters"], input=question, capture_output=True, text=True, encoding="utf-8")
    if answer.returncode:
        raise PapermillException(answer.stderr.strip())
    return json.loads(answer.stdout)


class GoTranslator(Translator):
    """Remembers the cell tagged "parameters" that papermill lets it inspect, and writes the next one after it."""

    def __init__(self):
        self.source = ""

    def inspect(self, parameters_cell):
        self.source = parameters_cell.source
        return [Parameter(d["name"], d["type"] or "None", d["value"], "") for d in ask(self.source)["declared"]]

    def codify(self, parameters, comment="Parameters"):
        source, self.source = self.source, ""  # the next notebook may have no such cell
        return ask(source, [(name, text(value)) for name, value in parameters.items()])["cell"]


def text(value):
    """A value of papermill as one would write it after `run -p`; lists are written as Go code, in a string."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise PapermillException(f"a parameter was given as {value!r}, expected text, a number or a bool; "
                             "anything else as Go code in a text, such as -r widths '[]int{8, 8}'")


papermill_translators.register(KERNEL, GoTranslator())
