from dataclasses import dataclass
from typing import Any

from LaMoDSlicerLib.Heart.HeartSeries import HeartSeries

LEVELS = ("automatic", "base", "mid", "apex")
#: Entries of the column “Level”: a long-axis slice has a view instead of a level.
CHOICES = (*LEVELS, "four_chamber", "two_chamber", "three_chamber")


@dataclass(frozen=True, eq=False)
class SliceRow:
    """One slice of the heart, as the table shows it.

    Attributes:
        series: to which it belongs.
        depth: index of the slice in the series' volume.
        grid: its LaMoDCore SliceGrid, or None if the series cannot be read.
        isUsed: whether the prediction uses it.
        number: its number from the base among the used slices, or 0.
        proposal: the level or view proposed from its position; empty if it is not known.
        frames: number of frames.
        rrMs: length of the cycle, or None if the data contain no times.
        drawn: number of frames with contours.
        problem: why it cannot be used; empty if it can.
        remark: why it is not used unless a person decides so; empty otherwise.
        isLongAxis: whether it is a long-axis slice, which is measured and not predicted.
    """

    series: HeartSeries
    depth: int
    grid: Any
    isUsed: bool
    number: int
    proposal: str
    frames: int
    rrMs: float | None
    drawn: int
    problem: str = ""
    remark: str = ""
    isLongAxis: bool = False

    @property
    def level(self) -> str:
        """One of `CHOICES`: the level or view that a person chose, or automatic."""
        return self.series.levels.get(self.depth, LEVELS[0])

    @property
    def chosenLevel(self) -> str:
        """The level or view that a person chose; empty if none was chosen."""
        return self.series.levels.get(self.depth, "")

    @property
    def finalLevel(self) -> str:
        """The level or view for the prediction: chosen or proposed; empty if it is not known."""
        return self.chosenLevel or self.proposal
