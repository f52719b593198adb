import time
from collections.abc import Callable
from typing import Any

import numpy as np
import qt
from slicer.i18n import tr as _


class CinePlayer:
    """Plays a sequence browser in real time: one beat takes one R–R interval, whatever the intervals of the frames.

    Frames are left out where drawing is too slow, and the last one is shown until the beat ends.

    Args:
        onState: called when playing starts or stops.
        onError: called with a sentence for the user when an unexpected error has ended the playing.
    """

    INTERVAL_MS = 10
    #: Speeds relative to real time.
    SPEEDS = (1.0, 0.5, 0.25)

    def __init__(self, onState: Callable[[], None], onError: Callable[[str], None]) -> None:
        self._onState, self._onError = onState, onError
        self._browser: Any = None
        self._timesMs = np.zeros(1)
        self._rrMs = 1.0
        self._speed = 1.0
        self._startedAt = self._startPhaseMs = 0.0
        self._timer = qt.QTimer()
        self._timer.setInterval(self.INTERVAL_MS)
        self._timer.connect("timeout()", self._onTimeout)

    @property
    def isPlaying(self) -> bool:
        return self._browser is not None

    @property
    def speed(self) -> float:
        return self._speed

    def setSpeed(self, speed: float) -> None:
        """Set the speed relative to real time; it applies at once."""
        self._speed = speed
        if self.isPlaying:
            self.play(self._browser, self._timesMs, self._rrMs)

    def play(self, browserNode: Any, timesMs: np.ndarray, rrMs: float) -> None:
        """Play from the current frame on.

        Args:
            browserNode: the sequence browser.
            timesMs: [T] of the frames, increasing.
            rrMs: length of the beat.
        """
        browserNode.SetPlaybackActive(False)  # Slicer's own playback has another clock
        self._browser, self._timesMs, self._rrMs = browserNode, timesMs, rrMs
        frame = min(max(browserNode.GetSelectedItemNumber(), 0), len(timesMs) - 1)
        self._startPhaseMs, self._startedAt = float(timesMs[frame]), time.monotonic()
        self._timer.start()
        self._onState()

    def stop(self) -> None:
        """Stop at the current frame."""
        self._timer.stop()
        if self._browser is not None:
            self._browser = None
            self._onState()

    def frameAt(self, elapsedMs: float) -> int:
        """The frame that is shown after a time in ms since the start, at real-time speed."""
        first = float(self._timesMs[0])
        phase = first + np.mod(self._startPhaseMs + elapsedMs - first, max(self._rrMs, 1.0))
        return int(np.searchsorted(self._timesMs, phase + 1e-6, side="right")) - 1

    def _onTimeout(self) -> None:
        try:
            self._step()
        except Exception as error:  # the timer would repeat it without end
            self.stop()
            reason = (str(error) or type(error).__name__).rstrip(".")
            self._onError(_("Playback stopped because of an error: {error}. See the error log.").format(error=reason))
            raise

    def _step(self) -> None:
        """Show the frame that belongs to the current time."""
        browser = self._browser
        if browser is None or browser.GetScene() is None or browser.GetPlaybackActive():
            self.stop()
            return
        frame = self.frameAt(1000.0 * self._speed * (time.monotonic() - self._startedAt))
        if frame != browser.GetSelectedItemNumber():
            browser.SetSelectedItemNumber(frame)
