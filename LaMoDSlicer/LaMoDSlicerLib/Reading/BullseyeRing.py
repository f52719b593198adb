from dataclasses import dataclass

import numpy as np

from LaMoDSlicerLib.Reading.BullseyeQuantity import BullseyeQuantity
from LaMoDSlicerLib.Reading.Reading import Reading


@dataclass(frozen=True, eq=False)
class BullseyeRing:
    """One ring of a bullseye.

    Attributes:
        label: the level or the slice.
        names: the walls, in the order of the values.
        values: [S].
        slices: indices of the reading's slices that it shows.
    """

    label: str
    names: tuple[str, ...]
    values: np.ndarray
    slices: tuple[int, ...]

    LEVELS = ("base", "mid", "apex")

    @classmethod
    def ofReading(cls, reading: Reading, quantity: BullseyeQuantity, perSlice: bool = False) -> list["BullseyeRing"]:
        """Rings from the outermost (base) inwards: AHA-16 where base, mid and apex are there, else one a slice.

        Args:
            reading: the result.
            quantity: what each segment shows; over several slices of a level, their mean.
            perSlice: one ring a slice in any case.
        """
        slices = reading.slices
        values = [quantity.valuesOf(s) for s in slices]
        if perSlice or {s.level for s in slices} != set(cls.LEVELS):
            return [
                cls(f"{s.number} {s.level}", s.segmentNames, v, (i,))
                for i, (s, v) in enumerate(zip(slices, values, strict=True))
            ]
        rings = []
        for level in cls.LEVELS:
            members = tuple(i for i, s in enumerate(slices) if s.level == level)
            mean = np.nanmean([values[i] for i in members], axis=0)
            rings.append(cls(level, slices[members[0]].segmentNames, mean, members))
        return rings
