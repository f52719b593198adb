from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from slicer.i18n import tr as _

from LaMoDSlicerLib.LongAxis import LongAxisText, ViewNames
from LaMoDSlicerLib.Results.ResultHeadline import outOfDate
from LaMoDSlicerLib.Results.ResultNumbers import ResultNumbers
from LaMoDSlicerLib.Widgets.PanelWords import inPanel


@dataclass(frozen=True)
class ResultRemark:
    """One remark about a result.

    Attributes:
        severity: "outOfDate", "error", "warning" or "info".
        code: of the notes; remarks with the same code are of one kind.
        text: the remark.
        remedy: what to do, or empty.
        slices: counted from 1; empty where the whole result is meant.
        frames: counted from 0; empty where all frames are meant.
    """

    severity: str
    code: str
    text: str
    remedy: str = ""
    slices: tuple[int, ...] = ()
    frames: tuple[int, ...] = ()

    def state(self) -> str:
        """Sign and word of the severity."""
        return {
            "outOfDate": _("↻ Out of date"),
            "error": _("✕ Error"),
            "warning": _("⚠ Warning"),
        }.get(self.severity, _("ℹ Note"))

    def cells(self) -> list[str]:
        """State; slices, and frames counted from 1; text and remedy, for a table."""
        from LaMoDCore.heart.notes import number_list

        places = [_("all")]
        if self.slices:
            text = _("slice {n}") if len(self.slices) == 1 else _("slices {n}")
            places = [text.format(n=number_list(self.slices))]
        if self.frames:
            text = _("frame {n}") if len(self.frames) == 1 else _("frames {n}")
            places.append(text.format(n=number_list([frame + 1 for frame in self.frames])))
        return [self.state(), ", ".join(places), " → ".join(filter(None, [self.text, self.remedy]))]


class ResultNotes:
    """The notes of a result as text: warnings, assumptions, and facts that apply to every result.

    Slices are named by number, frames count from 1; no file or series is named.

    Args:
        numbers: of the result.
        isOutOfDate: whether the contours changed after the prediction.
    """

    #: Half width of an interval beyond which a segment is named, percentage points.
    WIDE = 4.0
    #: Most slices whose numbers are listed in one line of the box; more are counted.
    NAMED_SLICES = 3

    def __init__(self, numbers: ResultNumbers, isOutOfDate: bool = False) -> None:
        self._numbers, self._isOutOfDate = numbers, isOutOfDate

    def warnings(self) -> list[str]:
        """Errors, automatic contours, slices unlike the training data, uncertain segments, other warnings."""
        several = len(self._numbers.slices) > 1
        return [
            outOfDate() if remark.severity == "outOfDate" else _sentence(remark, several)
            for remark in self.remarks()
            if remark.severity != "info"
        ]

    def remarks(self) -> list[ResultRemark]:
        """Warnings in the order of `warnings`, then assumptions and facts; equal ones of several slices are one."""
        wide = self._wideSegments()
        # the names of the uncertain segments make the note about the samples redundant
        redundant = {"samples_disagree"} if wide else set()
        unlike = [n for n in self._numbers.notes if n.code == "unlike_training"]
        automatic = [n for n in self._numbers.notes if n.code == "contours_automatic"]
        others = [n for n in self._numbers.notes if n.code not in {"unlike_training", "contours_automatic", *redundant}]
        return [
            *([self._outOfDate()] if self._isOutOfDate else []),
            *_remarks(others, "error"),
            *_remarks(automatic, "error", "warning"),
            *_remarks(unlike, "error", "warning"),
            *wide,
            *_remarks(others, "warning"),
            *_remarks(self._numbers.notes, "info"),
            *(ResultRemark("info", "", text) for text in self.facts()),
        ]

    @staticmethod
    def _outOfDate() -> ResultRemark:
        text = _("The contours changed after this prediction.")
        return ResultRemark("outOfDate", "outOfDate", text, _("Predict again."))

    def assumptions(self) -> list[str]:
        """Assumptions about the input that are usually right."""
        return self.noteLines("info")

    def noteLines(self, *severities: str) -> list[str]:
        """One line per group of equal notes of these severities, the most severe first."""
        return self._lines(self._numbers.notes, *severities)

    def facts(self) -> list[str]:
        """Statements that apply to every result of this kind."""
        facts = list(filter(None, [self._uncertainty(), self._convention()]))
        if self._numbers.summary.get("provenance", {}).get("model_sha256"):  # predicted, not measured
            text = _(
                "Computed from the contours alone: a scar that does not change them is not detected; rotation is "
                "inferred."
            )
            facts.append(text)
        longAxis = self._numbers.summary.get("long_axis")
        if longAxis:
            return [*facts, _("GCS: mean Ecc of the slices given."), f"{LongAxisText.definition(longAxis)}."]
        return [*facts, _("GCS: mean Ecc of the slices given. GLS: not available from short axis.")]

    def _convention(self) -> str:
        """The contour convention that was given or inferred; empty for results that do not store it."""
        from LaMoDCore.io.results.strain_json import conventions_of
        from LaMoDCore.report.convention import convention_line

        return convention_line(conventions_of(self._numbers.summary))

    def html(self) -> str:
        """For a box: how many remarks there are, one line per kind of warning, then the facts.

        Remarks of one kind about several slices are counted, "8 slices: …"; remedies and places are in the table.
        """
        kinds: dict[tuple[str, str], list[ResultRemark]] = {}
        for remark in self.remarks():
            if remark.severity != "info":
                kinds.setdefault((remark.severity, remark.code), []).append(remark)
        lines = [f"<b>{_escaped(self.summary())}</b>"]
        for kind in kinds.values():
            lines.append(f"<b>{kind[0].state()}</b>: {_escaped(self._counted(kind))}")
        if not kinds:
            lines.append(_("This does not prove that the result is right."))
        return "<br>".join([*lines, *map(_escaped, self.facts())])

    def summary(self) -> str:
        """How many kinds of errors, warnings and notes there are, with their signs."""
        groups = {"outOfDate": 0, "error": 0, "warning": 0, "info": 0}
        for severity, _code in dict.fromkeys((r.severity, r.code or r.text) for r in self.remarks()):
            groups[severity] += 1
        words = [
            *([_("↻ out of date")] if groups["outOfDate"] else []),
            *([_plural(groups["error"], _("✕ {n} error"), _("✕ {n} errors"))] if groups["error"] else []),
            _plural(groups["warning"], _("⚠ {n} warning"), _("⚠ {n} warnings"))
            if groups["warning"]
            else _("✓ no warnings"),
            _plural(groups["info"], _("ℹ {n} note"), _("ℹ {n} notes")),
        ]
        return " · ".join(words)

    def _counted(self, kind: list[ResultRemark]) -> str:
        """One line about remarks of one kind."""
        from LaMoDCore.heart.notes import CODES

        slices = sorted({number for remark in kind for number in remark.slices})
        first = kind[0]
        if len(kind) == 1 and len(slices) <= self.NAMED_SLICES:
            return _placed(first, len(self._numbers.slices) > 1, first.text)
        if len(kind) == 1:
            text = first.text
        elif first.code in CODES:
            text = CODES[first.code].meaning
        else:
            text = f"{self._wideText()}."
        if len(slices) > self.NAMED_SLICES:
            return _("{count} slices: {text}").format(count=len(slices), text=text)
        return _placed(ResultRemark("", "", "", slices=tuple(slices)), len(self._numbers.slices) > 1, text)

    def plain(self) -> str:
        """All lines, for a tooltip or a file."""
        return "\n".join([*self.warnings(), *self.assumptions(), *self.facts()])

    def _lines(self, notes: Iterable[Any], *severities: str) -> list[str]:
        several = len(self._numbers.slices) > 1
        return [_sentence(remark, several) for remark in _remarks(notes, *severities)]

    def _wideSegments(self) -> list[ResultRemark]:
        """One remark per slice with uncertain segments: half the widths of their intervals."""
        found = []
        for slice_ in self._numbers.slices:
            if not slice_.hasInterval:
                continue
            half = 50.0 * (slice_.peakInterval()[:, 1] - slice_.peakInterval()[:, 0])
            wide = [f"{slice_.segmentNames[s]} ±{half[s]:.0f}" for s in range(len(half)) if half[s] > self.WIDE]
            if wide:
                text = f"{self._wideText()}: {', '.join(wide)}."
                found.append(ResultRemark("warning", "wideIntervals", text, slices=(slice_.number,)))
        return found

    def _wideText(self) -> str:
        text = _("Peak Ecc of some segments is uncertain by more than ±{limit:.0f} percentage points")
        return text.format(limit=self.WIDE)

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
        "convention_contradicted": _("Check “Contour convention” under Advanced, or set it to “Automatic”."),
        "convention_not_used": _("Tick “Refine with diffusion” under Advanced, and select a model with this input."),
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


def _remarks(notes: Iterable[Any], *severities: str) -> list[ResultRemark]:
    """One remark per group of equal notes of these severities, the most severe first."""
    from LaMoDCore.heart.notes import grouped

    found = []
    for group in grouped(n for n in notes if n.severity in severities):
        note = group.note
        text, remedy = ViewNames.onScreen(inPanel(note.text)), inPanel(remedies().get(note.code, note.remedy))
        found.append(ResultRemark(note.severity, note.code, text, remedy, group.slices, group.frames))
    return found


def _sentence(remark: ResultRemark, several: bool) -> str:
    """A remark with place and remedy; slices are named if the result has `several`."""
    return _placed(remark, several, " ".join(part for part in (remark.text, remark.remedy) if part))


def _placed(remark: ResultRemark, several: bool, text: str) -> str:
    """A text after the slices and frames that it concerns."""
    from LaMoDCore.heart.notes import number_list

    places = []
    if remark.slices and several:
        named = _("Slice {n}") if len(remark.slices) == 1 else _("Slices {n}")
        places.append(named.format(n=number_list(remark.slices)))
    if remark.frames:
        named = _("frame {n}") if len(remark.frames) == 1 else _("frames {n}")
        places.append(named.format(n=number_list([frame + 1 for frame in remark.frames])))
    place = ", ".join(places)
    return f"{place[0].upper()}{place[1:]}: {text}" if place else text


def _plural(count: int, one: str, many: str) -> str:
    return (one if count == 1 else many).format(n=count)


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
