"""Which frames of masks a person should look at, per slice; kept until the masks change."""

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from slicer.i18n import tr as _

from LaMoDSlicerLib.Contours import FrameStates
from LaMoDSlicerLib.Contours.ContourCheck import ContourCheck
from LaMoDSlicerLib.Contours.ContourSlices import ContourSlices
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Inputs.MaskSource import MaskSource

#: ID of the masks -> cine and structures of their last check, and the check.
_checks: dict[str, tuple[Any, ContourCheck]] = {}
_MAX_CHECKS = 32


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
    """

    depth: int
    number: int
    frames: int
    empty: tuple[int, ...]
    carried: tuple[int, ...]
    automatic: tuple[int, ...]
    toReview: tuple[int, ...]
    toRepair: tuple[int, ...]

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
            parts.append(_("none in {n} of {all}").format(n=len(self.empty), all=self.frames))
        return ", ".join(parts) or _("drawn")

    def reviewText(self) -> str:
        """Number of frames to review, for a cell of a table, with a sign for its severity."""
        if not self.toReview:
            return _("✓ none")
        if self.toRepair:
            return _("✕ {n} ({repair} to repair)").format(n=len(self.toReview), repair=len(self.toRepair))
        return _("? {n}").format(n=len(self.toReview))


def known(masksNode: Any, cineNode: Any = None, myocardium: str = "") -> tuple[SliceReview, ...] | None:
    """The review of each drawn slice of masks, from base to apex; None if they have not been checked as they are now.

    Args:
        masksNode: a segmentation or labelmap.
        cineNode: sequence browser or volume of the cine, or None.
        myocardium: segment ID or label; empty to identify it.
    """
    try:
        check = _knownCheck(masksNode, cineNode, myocardium)
        return None if check is None or check.report is None else _reviews(check)
    except InputError:
        return None


def checkOf(
    masksNode: Any, cineNode: Any = None, myocardium: str = "", numbers: dict[int, int] | None = None
) -> ContourCheck:
    """The check of masks as they are now, which may be incomplete: see `ContourCheck.step`.

    Args:
        masksNode, cineNode, myocardium: as for `known`.
        numbers: number on screen of each slice, by its index in the volume.

    Raises:
        InputError: the masks cannot be read.
    """
    check = _knownCheck(masksNode, cineNode, myocardium)
    if check is not None:
        own = zip(check.contours.depths, check.contours.numbers, strict=True)
        if all((numbers or {}).get(k, number) == number for k, number in own):
            return check
    parameters = SimpleNamespace(cine=cineNode, masks=masksNode, myocardium=myocardium)
    check = ContourCheck(ContourSlices(parameters, numbers=numbers))
    _checks.pop(masksNode.GetID(), None)  # so that it becomes the newest entry
    if len(_checks) >= _MAX_CHECKS:
        del _checks[next(iter(_checks))]
    _checks[masksNode.GetID()] = (_stateOf(masksNode, cineNode, myocardium), check)
    return check


def _stateOf(masksNode: Any, cineNode: Any, myocardium: str) -> Any:
    structures = MaskSource(masksNode).structuresWith(myocardium)
    return tuple(sorted(structures.items())), None if cineNode is None else cineNode.GetID()


def _knownCheck(masksNode: Any, cineNode: Any, myocardium: str) -> ContourCheck | None:
    state, check = _checks.get(masksNode.GetID(), (None, None))
    if check is None or state != _stateOf(masksNode, cineNode, myocardium) or not check.isOfMasksNow():
        return None
    return check


def forget(masksNode: Any = None) -> None:
    """Discard the check of masks; without masks all checks, because their scene was closed."""
    if masksNode is None:
        _checks.clear()
    else:
        _checks.pop(masksNode.GetID(), None)


def _reviews(check: ContourCheck) -> tuple[SliceReview, ...]:
    contours, reviews = check.contours, []
    for k, row in enumerate(FrameStates.statesOf(check)):
        reviews.append(
            SliceReview(
                depth=contours.depths[k],
                number=contours.numbers[k],
                frames=len(row),
                empty=tuple(t for t, drawn in enumerate(check.isDrawn[k]) if not drawn),
                carried=tuple(t for t, frame in enumerate(row) if frame.isCarried),
                automatic=tuple(t for t, frame in enumerate(row) if frame.isAutomatic),
                toReview=tuple(t for t, frame in enumerate(row) if frame.state in FrameStates.TO_REVIEW),
                toRepair=tuple(t for t, frame in enumerate(row) if frame.mustBeRepaired),
            )
        )
    return tuple(reviews)
