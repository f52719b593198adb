from typing import Any

import numpy as np

from LaMoDSlicerLib.Results.ResultNumbers import ResultNumbers
from LaMoDSlicerLib.Scene.FrameFollower import FrameFollower


class LinkedBrowsers:
    """Synchronises sequence browsers by cardiac phase."""

    def __init__(self) -> None:
        self._follower = FrameFollower(self._onFrame)
        self._phases = np.zeros(0)
        self._followers: list[tuple[Any, np.ndarray]] = []

    def link(self, leader: Any, leaderPhases: np.ndarray, followers: list[tuple[Any, np.ndarray]]) -> None:
        """Let browsers follow a leading browser.

        Args:
            leader: the browser that leads.
            leaderPhases: [T], fractions of the cycle.
            followers: browsers with their phases.
        """
        self._phases = leaderPhases
        self._followers = [(browser, phases) for browser, phases in followers if browser is not leader]
        self._follower.follow(leader if self._followers else None)
        if self._followers:
            self._onFrame(self._follower.frame)

    def release(self) -> None:
        self.link(None, np.zeros(0), [])

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

    def _onFrame(self, frame: int) -> None:
        if frame >= len(self._phases):
            return
        for browser, phases in self._followers:
            if browser.GetScene() is not None:
                browser.SetSelectedItemNumber(self.nearest(self._phases[frame], phases))
