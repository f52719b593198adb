"""State and tooltip of each frame in the strip, from the check, the review and the acceptances."""

from typing import Any

from slicer.i18n import tr as _

from LaMoDSlicerLib.Contours.AcceptanceRecord import AcceptanceRecord
from LaMoDSlicerLib.Contours.FrameStrip import FrameStrip


def contentsOf(
    slices: list[Any], report: Any, acceptance: AcceptanceRecord, carried: dict[str, list[int]]
) -> tuple[list[list[str]], list[list[str]]]:
    """States and tooltips by slice and frame.

    Args:
        slices: the checked LaMoDCore CineSlices.
        report: the LaMoDCore ContourReport.
        acceptance: of single frames.
        carried: frames whose contours were carried, by slice name.
    """
    from LaMoDCore.contours.review import review_of

    states, tips = [], []
    for k, (slice_, review) in enumerate(zip(slices, review_of(slices), strict=True)):
        rowStates, rowTips = [], []
        for t, light in enumerate(report.lights(k)):
            accepted = acceptance.of(slice_.name, t, slice_.myocardium[t])
            state = light.value
            lines = [f"{slice_.name}, " + _("frame {t}: {state}").format(t=t + 1, state=state)]
            if state == "good" and t in carried.get(slice_.name, []):
                state = "carried"
                lines.append(_("Carried from other frames, not drawn."))
            elif review is not None:
                state = _automaticState(state, review.status[t])
                lines += _automaticLines(review, t)
            lines += [finding.text for finding in report.of(k, t)]
            if accepted is not None:
                state = "accepted"
                lines.append(_("Accepted by {who}, {when}").format(who=accepted["who"], when=accepted["when"]))
            rowStates.append(state)
            rowTips.append("\n".join(lines))
        states.append(rowStates)
        tips.append(rowTips)
    return states, tips


def _automaticState(light: str, status: str) -> str:
    """State of a frame that was drawn automatically; a finding hides the status until the frame is accepted."""
    if status == "reviewed":
        return status
    return light if light != "good" or status not in FrameStrip.STATES else status


def _automaticLines(review: Any, frame: int) -> list[str]:
    origin, status = review.origin, review.status[frame]
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
