"""A process for the next prediction that has imported LaMoDCore already, which takes seconds.

One is started after a successful prediction. It runs a single command, so that no state passes from one prediction to
the next, and ends when Slicer does, since its standard input is closed then.
"""

import json
import os
import subprocess
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import qt

from LaMoDSlicerLib.Worker import CoreLibrary

#: A process that is not used ends after this time, to release its memory.
IDLE_MINUTES = 10
#: Time after which a process is started, so that its imports do not delay the display of the result.
DELAY_MS = 3000
#: The process may take a core while the user reads the result.
NICENESS = 10
#: Environment variable that, set to "0", keeps no process.
VARIABLE = "LAMOD_WARM_WORKER"
_STANDBY = ("-m", "LaMoDCore.cli.standby")
_COMMAND = ("-m", "LaMoDCore", "predict")


#: The waiting process, its environment, the timer that ends it, and the one that will start it.
_standby = SimpleNamespace(process=None, environment={}, timer=None, starter=None)


def isPrediction(command: list[str]) -> bool:
    """Whether a command could run in such a process."""
    return tuple(command[1:4]) == _COMMAND


def prepareSoon(options: Mapping[str, Any]) -> None:
    """`prepare` once the result is displayed, unless the next prediction starts or `discard` is called before."""
    _stopStarter()
    if os.environ.get(VARIABLE) != "0":
        _standby.starter = qt.QTimer()
        _standby.starter.setSingleShot(True)
        _standby.starter.connect("timeout()", lambda: prepare(options))
        _standby.starter.start(DELAY_MS)


def prepare(options: Mapping[str, Any]) -> None:
    """Start a process, unless one is waiting.

    Args:
        options: arguments of Popen for a worker, with "env".
    """
    if _standby.process is not None and _standby.process.poll() is None:
        return
    piped = {**options, "stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    try:
        _standby.process = subprocess.Popen([CoreLibrary.python(), *_STANDBY], **piped)
    except OSError:  # the next prediction starts its own process
        return
    if hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, _standby.process.pid, NICENESS)
    _standby.environment = options["env"]
    _standby.timer = qt.QTimer()
    _standby.timer.setSingleShot(True)
    _standby.timer.connect("timeout()", discard)
    _standby.timer.start(60_000 * IDLE_MINUTES)


def take(command: list[str], options: Mapping[str, Any]) -> subprocess.Popen | None:
    """Let the waiting process run a command; None if there is none, or if it cannot run this command.

    Args:
        command: program and arguments.
        options: arguments with which Popen would start it.
    """
    if not isPrediction(command):
        return None
    _stopStarter()
    process = _standby.process
    if process is None:
        return None
    if process.poll() is not None or command[0] != process.args[0] or options["env"] != _standby.environment:
        discard()  # the settings have changed: it would run with the former ones
        return None
    _forget()
    try:
        with process.stdin:
            process.stdin.write(json.dumps(command[3:]) + "\n")
    except OSError:  # it has just ended
        return None
    return process


def discard() -> None:
    """End the waiting process, if there is one, or start none; returns at once."""
    _stopStarter()
    process = _standby.process
    _forget()
    if process is not None:
        process.kill()
        process.stdin.close()
        process.stdout.close()


def _stopStarter() -> None:
    if _standby.starter is not None:
        _standby.starter.stop()
    _standby.starter = None


def _forget() -> None:
    if _standby.timer is not None:
        _standby.timer.stop()
    _standby.process = _standby.timer = None
