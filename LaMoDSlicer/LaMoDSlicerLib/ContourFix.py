import enum
from dataclasses import replace
from typing import Any

import numpy as np
from slicer.i18n import tr as _

from LaMoDSlicerLib.CoreLibrary import CoreLibrary


class ContourFix(enum.Enum):
    """What can be mended safely by a click."""

    ISLANDS = "islands"
    HOLES = "holes"
    SMOOTH = "smooth"
    MISSING = "missing"

    def label(self) -> str:
        """For the selector."""
        return {
            ContourFix.ISLANDS: _("Drop islands"),
            ContourFix.HOLES: _("Fill holes"),
            ContourFix.SMOOTH: _("Smooth in space and time"),
            ContourFix.MISSING: _("Fill missing frames"),
        }[self]

    def apply(self, slice_: Any, keep: tuple[int, ...]) -> Any:
        """The slice, mended; a LaMoDCore CineSlice.

        Args:
            slice_: as it is.
            keep: end-diastole and end-systole, which smoothing leaves alone.
        """
        CoreLibrary.makeImportable()
        from LaMoDCore.contours import fixes
        from LaMoDCore.ring import cavity

        if self is ContourFix.SMOOTH:
            mended = fixes.smooth(slice_, keep)
        else:
            mend = {
                ContourFix.ISLANDS: fixes.drop_islands,
                ContourFix.HOLES: fixes.fill_holes,
                ContourFix.MISSING: fixes.fill_missing,
            }[self]
            mended = mend(slice_)
        changed = (mended != slice_.myocardium).any(axis=(1, 2))
        cavities = slice_.cavity.copy()
        for t in np.flatnonzero(changed):
            cavities[t] = cavity(mended[t])
        return replace(slice_, myocardium=mended, cavity=cavities)
