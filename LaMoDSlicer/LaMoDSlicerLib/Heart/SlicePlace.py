from dataclasses import dataclass
from typing import Any

import numpy as np

from LaMoDSlicerLib.Heart.HeartSeries import HeartSeries
from LaMoDSlicerLib.Heart.SeriesFacts import SeriesFacts


@dataclass(frozen=True, eq=False)
class SlicePlace:
    """A slice before the table is ordered.

    Attributes:
        series: to which it belongs.
        depth: index of the slice in the series' volume.
        facts: of the series.
        grid: its LaMoDCore SliceGrid, or None if the series cannot be read.
    """

    series: HeartSeries
    depth: int
    facts: SeriesFacts
    grid: Any

    @property
    def wall(self) -> np.ndarray | None:
        """bool [H, W]: the myocardium in the first frame in which it is drawn, or None."""
        return self.facts.walls.get(self.depth)
