"""Progress and remaining time of a run, from the measured pace of its stages."""

from __future__ import annotations

from collections.abc import Sequence


class Pace:
    """Estimates the remaining time of a run of several stages whose steps take different times.

    Args:
        steps: number of steps of every stage.
    """

    def __init__(self, steps: Sequence[int]) -> None:
        self._steps = list(steps)
        self._began: dict[int, tuple[int, float]] = {}

    def steps_before(self, stage: int) -> int:
        """Number of steps of all earlier stages."""
        return sum(self._steps[:stage])

    def at(self, stage: int, done: int, seconds: float) -> tuple[float, float | None]:
        """Share of all steps that is done, and seconds left (None at the first step that is timed).

        Args:
            stage: current stage.
            done: its completed steps.
            seconds: time spent on the run.
        """
        total = max(1, sum(self._steps))
        fraction = (self.steps_before(stage) + done) / total
        first, began = self._began.setdefault(stage, (done, seconds))
        if done == first:
            return fraction, None
        left = total - self.steps_before(stage) - done
        return fraction, left * (seconds - began) / (done - first)
