"""Interrupt six commands by three signals at three moments each, and check what they leave behind.

    python -m Testing.signals [--only train,phantom]

Every run has files of somebody else next to its output. After each signal no process may run on, no file may be half
written, and an older output must be unchanged; the next run must succeed and leave no temporary folder. Linux only.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

from Testing.signals.commands import commands, make_inputs
from Testing.signals.runs import MOMENTS, SIGNALS, interrupt


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", metavar="A,B", help="these commands only")
    parser.add_argument("--signals", default=",".join(SIGNALS), metavar="A,B", help="these signals only")
    arguments = parser.parse_args()
    chosen = [name for name in arguments.only.split(",") if name]
    began, runs, bad = time.monotonic(), 0, 0
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        make_inputs(home)
        for verb, command in commands(home).items():
            for name in arguments.signals.split(",") if not chosen or verb in chosen else ():
                for moment in MOMENTS:
                    runs += 1
                    outcome = interrupt(command, name, moment, home / f"run{runs}")
                    bad += bool(outcome.faults)
                    state = "; ".join(outcome.faults) or "ok"
                    print(f"{verb} {name} {moment}: exit code {outcome.code}, {state}", flush=True)
    print(f"{runs} runs, {bad} with faults; {time.monotonic() - began:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
