from typing import Any

import numpy as np
from slicer.i18n import tr as _

from LaMoDSlicerLib.LongAxis import LongAxisText
from LaMoDSlicerLib.Results.ResultNumbers import ResultNumbers
from LaMoDSlicerLib.Widgets import Numbering


def outOfDate() -> str:
    """Sentence about a result whose contours were changed, replaced or removed after the prediction."""
    return _("Out of date: the contours changed after this prediction. Predict again.")


class ResultHeadline:
    """The main numbers of a result in a few lines.

    Args:
        numbers: of the result.
        isOutOfDate: whether the contours changed after the prediction.
    """

    def __init__(self, numbers: ResultNumbers, isOutOfDate: bool = False) -> None:
        self._numbers, self._isOutOfDate = numbers, isOutOfDate

    def html(self) -> str:
        """For a label: strain, ejection fraction, definition of GLS, interval of GCS, volumes, segments, contours."""
        heart = self._numbers.summary.get("global", {})
        function = self._numbers.summary.get("function") or {}
        longAxis = self._numbers.summary.get("long_axis")
        main = [
            *([LongAxisText.gls(longAxis)] if longAxis else []),
            _("GCS {value}").format(value=_percent(heart.get("gcs_peak"), signed=True)),
            _("GRS {value}").format(value=_percent(heart.get("grs_peak"), signed=True)),
        ]
        if function.get("ef") is not None:
            main.append(_("EF {value}").format(value=_percent(function["ef"], signed=False)))
        first = "<b>" + " &nbsp; ".join(main) + "</b>"
        if self.whyNoFunction():
            first += " &nbsp; " + _("EF: not available")
        definition = LongAxisText.definition(longAxis) if longAxis else ""
        lines = [
            first,
            definition,
            self._intervalLine(),
            self._functionLine(function),
            self._segmentsLine(),
            self.contours(),
        ]
        if self._isOutOfDate:
            lines.insert(0, f"<b>↻ {outOfDate()}</b>")
        return "<br>".join(filter(None, lines))

    def whyNoFunction(self) -> str:
        """Why ejection fraction and volumes are unknown; empty if they are known."""
        reason = (self._numbers.summary.get("function") or {}).get("incomplete")
        return _("EF and volumes: not available; {reason}.").format(reason=reason) if reason else ""

    def _intervalLine(self) -> str:
        names = {"gcs_peak": _("GCS"), "grs_peak": _("GRS")}
        found = {name: self._numbers.globalInterval(name) for name in names}
        known = {name: interval for name, interval in found.items() if interval is not None}
        if not known:
            return _("No intervals: predicted with one sample") if self._numbers.samples == 1 else ""
        isBound = any(interval.is_bound for interval in known.values())
        text = _("90 % at most: {limits}") if isBound else _("90 %: {limits}")  # as in the report
        limits = [f"{names[name]} {_limits(interval)}" for name, interval in known.items()]
        return text.format(limits=", ".join(limits) + "\u00a0%")

    def _segmentsLine(self) -> str:
        """The segments that shorten most and least."""
        found = []
        for slice_ in self._numbers.slices:
            peaks = slice_.segmentValues("ecc_extreme")
            for s, (name, peak) in enumerate(zip(slice_.segmentNames, peaks, strict=False)):
                if np.isfinite(peak):
                    segment = Numbering.segment(s + 1, name).replace(" ", "\u00a0")  # not broken over two lines
                    found.append((float(peak), f"{segment}, {slice_.level}"))
        if not found:
            return ""
        (most, strongest), (least, weakest) = min(found), max(found)
        text = _("Strongest {strongest} {most}; weakest {weakest} {least}")
        return text.format(
            strongest=strongest, most=_percent(most, signed=True), weakest=weakest, least=_percent(least, signed=True)
        )

    @staticmethod
    def _functionLine(function: dict[str, Any]) -> str:
        if function.get("edv_ml") is not None:
            text = _("EDV {edv:.0f} ml, ESV {esv:.0f} ml, stroke volume {sv:.0f} ml, mass {mass:.0f} g")
            return text.format(
                edv=function["edv_ml"],
                esv=function["esv_ml"],
                sv=function["stroke_volume_ml"],
                mass=function["mass_g"],
            )
        return ""

    def contours(self) -> str:
        """Engine and review of automatic contours; empty if a person drew them."""
        contours = self._numbers.summary.get("provenance", {}).get("contours")
        if not contours:
            return ""
        if contours.get("reviewed"):
            return _("Contours drawn automatically by {engine}, reviewed.").format(engine=contours["engine"])
        return _("Contours drawn automatically by {engine}, not reviewed.").format(engine=contours["engine"])


def _limits(interval: Any) -> str:
    """Limits of a LaMoDCore GlobalInterval in per cent, without the sign."""
    low, high = (_percent(value, signed=True).removesuffix("\u00a0%") for value in (interval.low, interval.high))
    return _("{low} to {high}").format(low=low, high=high)


def _percent(value: float | None, signed: bool) -> str:
    """A fraction in per cent with a minus sign (U+2212); the space before the unit does not break."""
    if value is None:
        return "–"
    return (Numbering.signed(100 * value) if signed else f"{100 * value:.0f}") + "\u00a0%"
