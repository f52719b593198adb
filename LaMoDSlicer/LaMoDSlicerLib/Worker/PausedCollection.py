"""Keeps Python's cyclic garbage collector out of threads that compute.

The collector runs in whichever thread allocates. In a thread, it could delete wrappers of Qt and VTK objects, which
only the thread of the user interface may do. All functions are called from that thread.
"""

import gc
import threading
from types import SimpleNamespace

import qt

#: Time after which a thread that was not waited for is looked at again.
RETRY_MS = 500


#: The threads that may be running, and whether the collector was turned off for them.
_state = SimpleNamespace(threads=frozenset(), isPaused=False)


def start(thread: threading.Thread) -> None:
    """Start a thread, and collect no garbage until `resume` finds that all of them have ended."""
    if gc.isenabled():
        gc.disable()
        _state.isPaused = True
    _state.threads |= {thread}
    thread.start()


def resume() -> None:
    """Collect garbage again, unless a thread is running."""
    _state.threads = frozenset(thread for thread in _state.threads if thread.is_alive())
    if _state.isPaused and not _state.threads:
        _state.isPaused = False
        gc.enable()


def resumeLater() -> None:
    """`resume` when a thread that is no longer waited for has ended."""
    resume()
    if _state.threads:
        qt.QTimer.singleShot(RETRY_MS, resumeLater)
