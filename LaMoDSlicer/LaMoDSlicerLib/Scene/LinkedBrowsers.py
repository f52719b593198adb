from typing import Any

import numpy as np

from LaMoDSlicerLib.Results.ResultNumbers import ResultNumbers
from LaMoDSlicerLib.Scene.FrameFollower import FrameFollower


class LinkedBrowsers:
    """Keeps sequence browsers at the same cardiac phase: whichever of them changes its frame, the others follow."""

    def __init__(self) -> None:
        self._linked: list[tuple[Any, np.ndarray, FrameFollower]] = []
        self._isFollowing = False

    def link(self, browsers: list[tuple[Any, np.ndarray]]) -> None:
        """Synchronise these browsers instead of earlier ones; at once, to the first one.

        Args:
            browsers: each with its phases [T], fractions of the cycle.
        """
        if self._areLinked(browsers):
            return
        self.release()
        if len(browsers) < 2:
            return
        for browser, phases in browsers:
            follower = FrameFollower(lambda frame, leader=browser: self._onFrame(leader, frame))
            follower.follow(browser)
            self._linked.append((browser, phases, follower))
        self._onFrame(browsers[0][0], browsers[0][0].GetSelectedItemNumber())

    def release(self) -> None:
        """Synchronise nothing."""
        for _browser, _phases, follower in self._linked:
            follower.follow(None)
        self._linked = []

    def _areLinked(self, browsers: list[tuple[Any, np.ndarray]]) -> bool:
        return len(browsers) == len(self._linked) and all(
            known is browser and np.array_equal(knownPhases, phases)
            for (known, knownPhases, _follower), (browser, phases) in zip(self._linked, browsers, strict=True)
        )

    @staticmethod
    def phasesOf(numbers: ResultNumbers, index: int) -> np.ndarray:
        """[T]: phases of a slice from end-diastole, as fractions of the cycle."""
        slice_ = numbers.slices[index]
        return np.mod((slice_.timesMs - slice_.timesMs[numbers.referenceFrame]) / slice_.rrMs, 1.0)

    @staticmethod
    def nearest(phase: float, phases: np.ndarray) -> int:
        """The frame with the nearest phase; phases are periodic."""
        distance = np.abs(phases - phase)
        return int(np.argmin(np.minimum(distance, 1.0 - distance)))

    def _onFrame(self, leader: Any, frame: int) -> None:
        if self._isFollowing:
            return
        phases = next((phases for browser, phases, _follower in self._linked if browser is leader), np.zeros(0))
        if not 0 <= frame < len(phases):
            return
        self._isFollowing = True
        try:
            for browser, others, _follower in self._linked:
                if browser is not leader and browser.GetScene() is not None:
                    browser.SetSelectedItemNumber(self.nearest(phases[frame], others))
        finally:
            self._isFollowing = False
