from dataclasses import dataclass
from typing import Any

from slicer.i18n import tr as _


@dataclass(frozen=True)
class SliceReview:
    """The contours of one slice. Frames are counted from 0.

    Attributes:
        depth: index of the slice in the masks' volume.
        number: on screen, counted from 1 at the base.
        frames: number of frames.
        empty: frames without contours.
        carried: frames whose contours were carried from drawn ones.
        automatic: frames that were drawn automatically and that no person accepted or changed.
        toReview: frames that a person should look at.
        toRepair: those of them from which strain cannot be computed.
        fault: why no strain can be computed from the slice, a LaMoDCore SliceFault; None if it can.
    """

    depth: int
    number: int
    frames: int
    empty: tuple[int, ...]
    carried: tuple[int, ...]
    automatic: tuple[int, ...]
    toReview: tuple[int, ...]
    toRepair: tuple[int, ...]
    fault: Any = None

    def contoursText(self) -> str:
        """How the contours were drawn, for a cell of a table."""
        if len(self.empty) == self.frames:
            return _("none")
        parts = []
        if self.automatic:
            whole = len(self.automatic) == self.frames
            text = _("automatic") if whole else _("automatic {n} of {all}")
            parts.append(text.format(n=len(self.automatic), all=self.frames))
        if self.carried:
            parts.append(_("carried {n} of {all}").format(n=len(self.carried), all=self.frames))
        if self.empty:
            parts.append(_("{n} empty").format(n=len(self.empty)))
        return ", ".join(parts) or _("drawn")

    def reviewText(self) -> str:
        """Number of frames to review, for a cell of a table, with a sign for its severity."""
        if not self.toReview:
            return _("✓ none")
        return (_("✕ {n}") if self.toRepair else _("? {n}")).format(n=len(self.toReview))

    def reviewTip(self) -> str:
        """The number of frames to review in words, for a tooltip."""
        if not self.toReview:
            return _("No frame to review")
        if self.toRepair:
            text = _("Frames to review: {n}, of which {repair} must be repaired; see the Contours section")
            return text.format(n=len(self.toReview), repair=len(self.toRepair))
        return _("Frames to review: {n}; see the Contours section").format(n=len(self.toReview))
