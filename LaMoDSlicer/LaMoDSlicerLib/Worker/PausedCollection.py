"""Keeps Python's cyclic garbage collector out of threads that compute.

The collector runs in whichever thread allocates. In a thread, it could delete wrappers of Qt and VTK objects, which
only the thread of the user interface may do. All functions are called from that thread.
"""

import gc
import threading

import qt

#: Time after which a thread that was not waited for is looked at again.
RETRY_MS = 500


class _State:
    """The threads that may be running, and whether the collector was turned off for them."""

    threads: frozenset[threading.Thread] = frozenset()
    isPaused = False


def start(thread: threading.Thread) -> None:
    """Start a thread, and collect no garbage until `resume` finds that all of them have ended."""
    if gc.isenabled():
        gc.disable()
        _State.isPaused = True
    _State.threads |= {thread}
    thread.start()


def resume() -> None:
    """Collect garbage again, unless a thread is running."""
    _State.threads = frozenset(thread for thread in _State.threads if thread.is_alive())
    if _State.isPaused and not _State.threads:
        _State.isPaused = False
        gc.enable()


def resumeLater() -> None:
    """`resume` when a thread that is no longer waited for has ended."""
    resume()
    if _State.threads:
        qt.QTimer.singleShot(RETRY_MS, resumeLater)
