from typing import Any

import numpy as np
from slicer.i18n import tr as _

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
        """For a label: strain, ejection fraction, interval of GCS, volumes, extreme segments, contours."""
        heart = self._numbers.summary.get("global", {})
        function = self._numbers.summary.get("function") or {}
        main = [
            _("GCS {value}").format(value=_percent(heart.get("gcs_peak"), signed=True)),
            _("GRS {value}").format(value=_percent(heart.get("grs_peak"), signed=True)),
        ]
        if function.get("ef") is not None:
            main.append(_("EF {value}").format(value=_percent(function["ef"], signed=False)))
        first = "<b>" + " &nbsp; ".join(main) + "</b>"
        if self.whyNoFunction():
            first += " &nbsp; " + _("EF: not available")
        lines = [first, self._intervalLine(), self._functionLine(function), self._segmentsLine(), self.contours()]
        if self._isOutOfDate:
            lines.insert(0, f"<b>↻ {outOfDate()}</b>")
        return "<br>".join(filter(None, lines))

    def whyNoFunction(self) -> str:
        """Why ejection fraction and volumes are unknown; empty if they are known."""
        reason = (self._numbers.summary.get("function") or {}).get("incomplete")
        return _("EF and volumes: not available; {reason}.").format(reason=reason) if reason else ""

    def _intervalLine(self) -> str:
        interval = self.gcsInterval()
        if interval is None:
            return _("GCS without interval: predicted with one sample")
        low, high = (_percent(value, signed=True) for value in interval)
        return _("GCS, 90 % interval at most {low} to {high}").format(low=low.removesuffix(" %"), high=high)

    def gcsInterval(self) -> tuple[float, float] | None:
        """Limits of the 90 % interval of peak GCS, as fractions; None with one sample.

        GCS is the mean of the segments over all slices. The half-width is the mean of the segments' half-widths at
        the frame of peak GCS, weighted in the same way. It is the largest that these permit: it assumes that the
        errors of all segments agree.
        """
        heart = self._numbers.summary.get("global", {})
        peak, frame = heart.get("gcs_peak"), heart.get("gcs_peak_frame")
        slices = self._numbers.slices
        if peak is None or frame is None or not all(s.hasInterval for s in slices):
            return None
        halves, weights = [], []
        for slice_ in slices:
            half = 0.5 * (slice_.high["ecc"] - slice_.low["ecc"])[:, frame]
            affine = slice_.ijkToLps
            pixel = float(np.linalg.norm(np.cross(affine[:3, 0], affine[:3, 1])))
            pixels = slice_.segmentValues("pixels")
            area = pixels * pixel if pixels.shape == half.shape and np.isfinite(pixels).all() else np.ones_like(half)
            known = np.isfinite(half)
            halves.append(half[known])
            weights.append(area[known])
        if not sum(weight.sum() for weight in weights):
            return None
        half = float(np.average(np.concatenate(halves), weights=np.concatenate(weights)))
        return peak - half, peak + half

    def _segmentsLine(self) -> str:
        """The segments that shorten most and least."""
        found = []
        for slice_ in self._numbers.slices:
            peaks = slice_.segmentValues("ecc_extreme")
            for s, (name, peak) in enumerate(zip(slice_.segmentNames, peaks, strict=False)):
                if np.isfinite(peak):
                    found.append((float(peak), f"{Numbering.segment(s + 1, name)}, {slice_.level}"))
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


def _percent(value: float | None, signed: bool) -> str:
    if value is None:
        return "–"
    return (f"{100 * value:+.1f} %" if signed else f"{100 * value:.0f} %").replace("-", "−")
