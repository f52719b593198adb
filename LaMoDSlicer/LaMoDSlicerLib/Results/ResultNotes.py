from collections.abc import Iterable
from typing import Any

from slicer.i18n import tr as _

from LaMoDSlicerLib.Results.ResultHeadline import outOfDate
from LaMoDSlicerLib.Results.ResultNumbers import ResultNumbers


class ResultNotes:
    """The notes of a result as text: warnings, assumptions, and facts that apply to every result.

    Slices are named by number, frames count from 1; no file or series is named.

    Args:
        numbers: of the result.
        isOutOfDate: whether the contours changed after the prediction.
    """

    #: Half width of an interval beyond which a segment is named, percentage points.
    WIDE = 4.0

    def __init__(self, numbers: ResultNumbers, isOutOfDate: bool = False) -> None:
        self._numbers, self._isOutOfDate = numbers, isOutOfDate

    def warnings(self) -> list[str]:
        """Errors, automatic contours, slices unlike the training data, uncertain segments, other warnings."""
        wide = self._wideSegments()
        # the names of the uncertain segments make the note about the samples redundant
        redundant = {"samples_disagree"} if wide else set()
        unlike = [n for n in self._numbers.notes if n.code == "unlike_training"]
        automatic = [n for n in self._numbers.notes if n.code == "contours_automatic"]
        others = [n for n in self._numbers.notes if n.code not in {"unlike_training", "contours_automatic", *redundant}]
        return [
            *([outOfDate()] if self._isOutOfDate else []),
            *self._lines(others, "error"),
            *self._lines(automatic, "error", "warning"),
            *self._lines(unlike, "error", "warning"),
            *wide,
            *self._lines(others, "warning"),
        ]

    def assumptions(self) -> list[str]:
        """Assumptions about the input that are usually right."""
        return self.noteLines("info")

    def noteLines(self, *severities: str) -> list[str]:
        """One line per group of equal notes of these severities, the most severe first."""
        return self._lines(self._numbers.notes, *severities)

    def facts(self) -> list[str]:
        """Statements that apply to every result of this kind."""
        facts = [self._uncertainty()]
        if self._numbers.summary.get("provenance", {}).get("model_sha256"):  # predicted, not measured
            text = _(
                "Computed from the contours alone: a scar that does not change them is not detected; rotation is "
                "inferred."
            )
            facts.append(text)
        return [*facts, _("GCS: mean Ecc of the slices given. GLS: not available from short axis.")]

    def html(self, most: int = 4) -> str:
        """For a label: up to `most` warnings in bold and the number of the others, then the facts."""
        warnings = self.warnings()
        lines = [f"<b>{_escaped(text)}</b>" for text in warnings[:most]]
        if len(warnings) > most:
            lines.append(_("… and {count} more: hover for all.").format(count=len(warnings) - most))
        if not warnings:
            lines.append(_("No warnings. This does not prove that the result is right."))
        return "<br>".join([*lines, *map(_escaped, self.facts())])

    def plain(self) -> str:
        """All lines, for a tooltip or a file."""
        return "\n".join([*self.warnings(), *self.assumptions(), *self.facts()])

    def _lines(self, notes: Iterable[Any], *severities: str) -> list[str]:
        from LaMoDCore.heart.notes import grouped

        several = len(self._numbers.slices) > 1
        return [_line(group, several) for group in grouped(n for n in notes if n.severity in severities)]

    def _wideSegments(self) -> list[str]:
        found = []
        for slice_ in self._numbers.slices:
            if not slice_.hasInterval:
                continue
            half = 50.0 * (slice_.peakInterval()[:, 1] - slice_.peakInterval()[:, 0])
            wide = [f"{slice_.segmentNames[s]} ±{half[s]:.0f}" for s in range(len(half)) if half[s] > self.WIDE]
            if wide:
                text = _("{slice}: uncertainty of peak Ecc above ±{limit:.0f} percentage points: {segments}.")
                found.append(text.format(slice=slice_.label, limit=self.WIDE, segments=", ".join(wide)))
        return found

    def _uncertainty(self) -> str:
        slices = self._numbers.slices
        if not any(s.hasInterval for s in slices):
            return _("One sample gives no uncertainty. Predict with 8 samples or more (Advanced) to estimate it.")
        if all(s.calibrated for s in slices if s.hasInterval):
            return _("Bands and ±: 90 % intervals, calibrated on synthetic hearts; not tested on real hearts.")
        text = _(
            "Bands and ±: 1.645 SD of the model's {count} samples, uncalibrated: the error against a measurement may "
            "be much larger."
        )
        return text.format(count=self._numbers.samples)


def remedies() -> dict[str, str]:
    """Note code -> what to do in this module, where that differs from the remedy of the note."""
    # fmt: off
    return {
        "contours_automatic": _("Review them in the Contours section."),
        "contours_carried": _("Check the carried frames in the Contours section."),
        "contours_unsure": _("Check the contours of these frames in the Contours section."),
        "cycle_not_closed": _("Load all frames of one beat, with their times."),
        "insertion_from_cine": _("Place the point under “RV insertion” if segments matter."),
        "labels_by_shape": _("If this is wrong, select the segment or label under “Myocardium”."),
        "levels_proposed": _("If this is wrong, select the level under “Level”."),
        "motion_folds": _("Check the contours of this slice in the Contours section."),
        "reference_frame_found": _("If this is wrong, let the sequence start at end-diastole."),
        "ring_open_at_reference": _("Close the ring in the Segment Editor, unless the outflow tract opens it."),
        "rr_contradicted": _("Load the cine with its frame times, for example from DICOM files."),
        "rr_too_short": _("Load the cine with its frame times, for example from DICOM files."),
        "rv_insertion_assumed": _("Place the point under “RV insertion”, or find it in the Contours section."),
        "segments_empty": _("Check the contours and the RV insertion in the Contours section."),
        "several_cines": _("Select the cine on which the masks were drawn under “Cine”."),
        "slice_left_out": _("Correct its contours in the Segment Editor and predict again."),
        "version_1_note": _("Predict again to see them."),
    }
    # fmt: on


def _line(group: Any, several: bool) -> str:
    """One group of notes; slices are named if the result has `several`."""
    from LaMoDCore.heart.notes import number_list

    places = []
    if group.slices and several:
        places.append(
            (_("Slice {n}") if len(group.slices) == 1 else _("Slices {n}")).format(n=number_list(group.slices))
        )
    if group.frames:
        frames = number_list([frame + 1 for frame in group.frames])
        named = _("frame {n}") if len(group.frames) == 1 else _("frames {n}")
        places.append(named.format(n=frames))
    remedy = remedies().get(group.note.code, group.note.remedy)
    text = " ".join(part for part in (group.note.text, remedy) if part)
    place = ", ".join(places)
    return f"{place[0].upper()}{place[1:]}: {text}" if place else text


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
