from typing import Any

from slicer.i18n import tr as _

from LaMoDSlicerLib.Results.ResultNumbers import ResultNumbers


def outOfDate() -> str:
    """Sentence about a result whose contours changed after the prediction."""
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
        """For a label: strain, ejection fraction, volumes or why they are unknown, and origin of the contours."""
        heart = self._numbers.summary.get("global", {})
        function = self._numbers.summary.get("function") or {}
        main = [_("GCS {value}").format(value=_percent(heart.get("gcs_peak"), signed=True))]
        main += [_("GRS {value}").format(value=_percent(heart.get("grs_peak"), signed=True))]
        lines = [self._functionLine(function)]
        if function.get("ef") is not None:
            main.append(_("EF {value}").format(value=_percent(function["ef"], signed=False)))
        lines.append(self.contours())
        if self._isOutOfDate:
            lines.append(f"<b>{outOfDate()}</b>")
        return "<br>".join(["<b>" + " &nbsp; ".join(main) + "</b>", *filter(None, lines)])

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
        if function.get("incomplete"):
            return _("EF and volumes: not available; {reason}.").format(reason=function["incomplete"])
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
