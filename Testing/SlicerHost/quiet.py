"""Waits until nothing is scheduled in the application any more, instead of waiting for a time.

How much of its work the application has done after some tenths of a second depends on the machine and on what else runs
there. What it has still to do does not: timers, posted events, views to be drawn.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from PySide6 import QtCore, QtGui

from Testing.SlicerHost import pythonqt
from Testing.SlicerHost.views import View

#: A timer that waits longer than this waits for the person to pause, and moves nothing meanwhile.
LONGEST_MS = 300


def scheduled() -> list[str]:
    """Names of the receivers of the module's timers that are about to fire once."""
    return [
        pythonqt.receivers_of(timer)
        for timer in pythonqt.living_timers()
        if timer.isActive() and timer.isSingleShot() and QtCore.QTimer.interval(timer) <= LONGEST_MS
    ]


def steps() -> list[str]:
    """Names of the receivers of the module's timers that do a job step by step, whenever the application is idle."""
    timers = [timer for timer in pythonqt.living_timers() if timer.isActive() and not timer.isSingleShot()]
    return [pythonqt.receivers_of(timer) for timer in timers if QtCore.QTimer.interval(timer) == 0]


def undrawn() -> list[str]:
    """Names of the views that are about to be drawn."""
    return [view.title() for view in View.living() if view.is_waiting()]


def process() -> None:
    """Handle all events, including those that the X server has already sent."""
    QtGui.QGuiApplication.sync()


def wait(seconds: float = 60, drawn: bool = True) -> None:
    """Handle events until nothing is scheduled; what a process in the background does is not waited for.

    Args:
        seconds: the longest time.
        drawn: wait also until the views are drawn and the jobs in steps are done.

    Raises:
        AssertionError: something is scheduled again and again.
    """
    end = time.monotonic() + seconds
    passes = 0
    while passes < 2:  # an event may have scheduled something that was handled in the same pass
        process()
        left: Iterable[str] = [*scheduled(), *steps(), *undrawn()] if drawn else scheduled()
        passes = 0 if left else passes + 1
        if left:
            assert time.monotonic() < end, f"after {seconds} s the application still waits for {', '.join(left)}"
            QtCore.QThread.msleep(2)
