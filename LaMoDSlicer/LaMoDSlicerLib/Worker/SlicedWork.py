import threading
import time
from collections.abc import Callable, Generator
from typing import Any

import qt

from LaMoDSlicerLib.Worker import PausedCollection

#: Steps of a long computation. A step that only computes is yielded as a function: it runs in a thread, without the
#: scene, Qt and VTK, and its value is sent back. Between other steps Slicer handles its events. The return value is the
#: result.
Steps = Generator[Callable[[], Any] | None, Any, Any]


def completed(steps: Steps) -> Any:
    """Do all steps at once; returns their result."""
    value = None
    while True:
        try:
            compute = steps.send(value)
        except StopIteration as end:
            return end.value
        value = compute() if compute is not None else None


class SlicedWork:
    """Does the steps of a long computation from a timer, so that Slicer stays responsive.

    Args:
        steps: each takes less than a tenth of a second, unless it is a function for the thread.
        onDone: called with the result.
        onError: called with an exception of a step.
    """

    #: Steps are done one after the other until this time has passed; then Slicer handles its events.
    SLICE_S = 0.03
    #: While a thread computes, the timer waits this long for it: Python threads in Slicer run only while Python runs.
    YIELD_S = 0.004
    #: Longest time that `cancel` waits for the thread.
    PATIENCE_S = 2.0

    def __init__(self, steps: Steps, onDone: Callable[[Any], None], onError: Callable[[Exception], None]) -> None:
        self._steps: Steps | None = steps
        self._onDone, self._onError = onDone, onError
        self._thread: threading.Thread | None = None
        self._computed: list[tuple[Any, Exception | None]] = []
        self._timer = qt.QTimer()
        self._timer.setInterval(0)
        self._timer.connect("timeout()", self._onTimeout)

    @property
    def isRunning(self) -> bool:
        return self._steps is not None

    def start(self) -> None:
        """Begin with the next events."""
        self._timer.start()

    def cancel(self) -> None:
        """Stop without a result. A thread that is computing is waited for, because it may read files."""
        steps = self._end()
        if self._thread is not None:
            self._thread.join(self.PATIENCE_S)
            self._thread = None
            PausedCollection.resumeLater()
        if steps is not None:
            steps.close()

    def _end(self) -> Steps | None:
        steps, self._steps = self._steps, None
        if steps is not None:
            self._timer.stop()
            self._timer.disconnect("timeout()", self._onTimeout)
        return steps

    def _onTimeout(self) -> None:
        deadline = time.monotonic() + self.SLICE_S
        while self._steps is not None and (self._thread is None or self._hasComputed()):
            self._step()
            if time.monotonic() >= deadline:
                return

    def _hasComputed(self) -> bool:
        """Whether the thread has ended; gives it some time."""
        self._thread.join(self.YIELD_S)
        if self._thread.is_alive():
            return False
        PausedCollection.resume()
        return True

    def _step(self) -> None:
        try:
            value, error = self._computed.pop() if self._thread is not None else (None, None)
            self._thread = None
            compute = self._steps.throw(error) if error is not None else self._steps.send(value)
        except StopIteration as end:
            self._end()
            self._onDone(end.value)
        except Exception as error:
            self._end()  # otherwise the timer would continue
            self._onError(error)
        else:
            if compute is not None and self._steps is not None:
                self._thread = threading.Thread(target=self._compute, args=(compute,), daemon=True)
                PausedCollection.start(self._thread)

    def _compute(self, compute: Callable[[], Any]) -> None:
        try:
            self._computed.append((compute(), None))
        except Exception as error:
            self._computed.append((None, error))
