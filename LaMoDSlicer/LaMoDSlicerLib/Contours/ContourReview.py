"""Which frames of masks a person should look at, per slice; kept until the masks change."""

from types import SimpleNamespace
from typing import Any

from LaMoDSlicerLib.Contours import FrameStates
from LaMoDSlicerLib.Contours.ContourCheck import ContourCheck
from LaMoDSlicerLib.Contours.ContourSlices import ContourSlices
from LaMoDSlicerLib.Contours.SliceReview import SliceReview
from LaMoDSlicerLib.Inputs.InputError import InputError
from LaMoDSlicerLib.Inputs.MaskSource import MaskSource

#: ID of the masks, their cine and structures -> the last check. Two parts of the panel may check masks with and without
#: a cine; each keeps its own check, so that they do not start each other's again.
_checks: dict[tuple[str, Any], ContourCheck] = {}
_MAX_CHECKS = 32


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
    key = masksNode.GetID(), _stateOf(masksNode, cineNode, myocardium)
    _checks.pop(key, None)  # so that it becomes the newest entry
    if len(_checks) >= _MAX_CHECKS:
        del _checks[next(iter(_checks))]
    _checks[key] = check
    return check


def _stateOf(masksNode: Any, cineNode: Any, myocardium: str) -> Any:
    structures = MaskSource(masksNode).structuresWith(myocardium)
    return tuple(sorted(structures.items())), None if cineNode is None else cineNode.GetID()


def _knownCheck(masksNode: Any, cineNode: Any, myocardium: str) -> ContourCheck | None:
    check = _checks.get((masksNode.GetID(), _stateOf(masksNode, cineNode, myocardium)))
    return check if check is not None and check.isOfMasksNow() else None


def forget(masksNode: Any = None) -> None:
    """Discard the check of masks; without masks all checks, because their scene was closed."""
    if masksNode is None:
        _checks.clear()
    else:
        for key in [key for key in _checks if key[0] == masksNode.GetID()]:
            del _checks[key]


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
                fault=check.faults[k],
            )
        )
    return tuple(reviews)
