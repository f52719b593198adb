import enum
from typing import Any

from slicer.i18n import tr as _

from LaMoDSlicerLib.Worker.CoreLibrary import CoreLibrary


class ContourFix(enum.Enum):
    """What can be mended safely by a click; the values are LaMoDCore's names of the fixes."""

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
        from LaMoDCore.contours.repair import mend

        return mend(slice_, (self.value,), keep)
