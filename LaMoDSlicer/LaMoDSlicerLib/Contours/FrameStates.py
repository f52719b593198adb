"""The state of every frame: of the check, of automatic and carried contours, and of what a person accepted."""

from typing import Any

from slicer.i18n import tr as _

from LaMoDSlicerLib.Contours.ContourCheck import ContourCheck
from LaMoDSlicerLib.Contours.FrameState import FrameState
from LaMoDSlicerLib.Inputs.AcceptanceRecord import AcceptanceRecord
from LaMoDSlicerLib.Inputs.CarriedRecord import CarriedRecord
from LaMoDSlicerLib.Inputs.ContourOriginRecord import ContourOriginRecord
from LaMoDSlicerLib.Widgets import Numbering

#: States that a person should look at.
TO_REVIEW = ("repair", "look", "unsure")
#: States whose acceptance can be withdrawn.
ACCEPTED = ("accepted", "reviewed")


def statesOf(check: ContourCheck) -> list[list[FrameState]]:
    """The state of each frame of each slice, from base to apex.

    Args:
        check: a complete check.

    Raises:
        InputError: the record of automatic contours cannot be read.
    """
    contours = check.contours
    acceptance = AcceptanceRecord(contours.holder())
    record = CarriedRecord(contours.holder())
    frames = contours.numberOfFrames
    origins = ContourOriginRecord(contours.masksNode).onGrid(contours.frames.geometry, frames)
    states = []
    for k, depth in enumerate(contours.depths):
        carried = record.ofDigests(depth, check.digests[k])
        origin = origins[depth] if origins else None
        lights = check.report.lights(k)
        row = []
        for t in range(frames):
            accepted = acceptance.ofDigest(depth, t, check.digests[k][t])
            status = "" if origin is None else origin.status[t] if check.isDrawn[k][t] else "none"
            row.append(_stateOf(check, (k, t), lights[t].value, t in carried, accepted, (origin, status)))
        states.append(row)
    return states


def _stateOf(
    check: ContourCheck,
    place: tuple[int, int],
    light: str,
    isCarried: bool,
    accepted: dict[str, str] | None,
    automatic: tuple[Any, str],
) -> FrameState:
    k, t = place
    origin, status = automatic
    state = light
    lines = []
    if state == "good" and isCarried:
        state = "carried"
    elif status:
        state = _automaticState(light, status)
    if accepted is not None and light != "repair":
        state = "accepted"
    name = Numbering.capitalized(check.report.slice_names[k])
    lines.append(_("{slice}, {frame}: {state}").format(slice=name, frame=Numbering.frame(t), state=wordOf(state)))
    if isCarried:
        lines.append(_("Carried from other frames, not drawn."))
    if status:
        lines += _automaticLines(origin, t, status)
    lines += [finding.text for finding in check.report.of(k, t)]
    if state == "accepted" and accepted is not None:
        lines.append(_("Accepted by {who}, {when}").format(who=accepted["who"], when=accepted["when"]))
    isAutomatic = status in ("automatic", "unsure") and state != "accepted"
    return FrameState(state, "\n".join(lines), isCarried, isAutomatic, light == "repair")


def wordOf(state: str) -> str:
    """The word of a state."""
    return {
        "good": _("good"),
        "look": _("look at it"),
        "repair": _("repair it"),
        "accepted": _("accepted"),
        "carried": _("carried, not drawn"),
        "automatic": _("automatic"),
        "unsure": _("automatic, unsure"),
        "reviewed": _("automatic, reviewed"),
        "edited": _("automatic, edited"),
    }[state]


def _automaticState(light: str, status: str) -> str:
    """State of a frame that was drawn automatically; a finding hides the status until the frame is accepted."""
    if status == "reviewed" and light != "repair":
        return status
    return status if light == "good" and status in ("automatic", "unsure", "reviewed", "edited") else light


def _automaticLines(origin: Any, frame: int, status: str) -> list[str]:
    if status == "none":
        return [_("No automatic contour.")]
    words = {
        "automatic": _("Drawn automatically by {engine}, confidence {confidence:.2f}."),
        "unsure": _("Drawn automatically by {engine}, unsure (confidence {confidence:.2f})."),
        "reviewed": _("Drawn automatically by {engine}, reviewed (confidence {confidence:.2f})."),
        "edited": _("Drawn automatically by {engine}, then changed by a person."),
    }
    lines = [words[status].format(engine=origin.engine, confidence=origin.confidence[frame])]
    if origin.volume_only_because:
        text = _("This slice is used for volumes only and not checked: {reason}.")
        lines.append(text.format(reason=origin.volume_only_because))
    return lines
