"""A process that imports what a prediction needs, then waits for one command on the standard input.

    python -m LaMoDCore.cli.standby

Its line is a JSON list, the words after `lamod`; the process runs that command and ends with its exit code. At the end
of the input it ends without a command, so it never outlives the program that started it. The Slicer module keeps such
a process for the next prediction.
"""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from importlib import import_module

from LaMoDCore.runtime.threads import limit_blas_threads

#: What `lamod predict` imports, most of it late.
MODULES = (
    "LaMoDCore.cli.predict",
    "LaMoDCore.io.case.reader",
    "LaMoDCore.prediction.predict",
    "LaMoDCore.prediction.long_axis",
    "LaMoDCore.prediction.writer",
    "scipy.interpolate",
    "scipy.spatial",
)


def main() -> int:
    """Import the modules, then run the command of one line of the standard input; 0 without a line."""
    limit_blas_threads()
    try:
        for name in MODULES:
            with suppress(ImportError):  # the command says what is missing
                import_module(name)
        line = sys.stdin.readline()
    except KeyboardInterrupt:
        return 130
    if not line.strip():
        return 0
    from LaMoDCore.cli.program import main as program

    sys.argv = ["lamod", *map(str, json.loads(line))]
    return program()


if __name__ == "__main__":
    sys.exit(main())
