from typing import Any

import numpy as np
from slicer.i18n import tr as _

from LaMoDSlicerLib.Results.ResultNumbers import ResultNumbers


class IndexTable:
    """Numbers of the whole heart and of each slice, with unit, frame and definition.

    Args:
        numbers: of the result.
        firstFrame: number of the first frame: 1 on screen, 0 in files.
    """

    def __init__(self, numbers: ResultNumbers, firstFrame: int = 1) -> None:
        self._numbers, self._firstFrame = numbers, firstFrame

    @property
    def titles(self) -> list[str]:
        when = _("When (frames from {first})").format(first=self._firstFrame)
        return [_("Number"), _("Value"), when, _("Definition")]

    def rows(self) -> list[tuple[str, str, str, str]]:
        """Cells in the order of `titles`. Unknown values are omitted, except for GLS, listed as not available."""
        numbers = self._numbers
        heart, indices = numbers.summary["global"], numbers.summary["indices"]
        extent = _("all slices") if len(numbers.slices) > 1 else _("the slice")
        atEs = self._when(numbers.endSystole)
        rows = [
            (
                _("GCS, peak"),
                self._percent(heart["gcs_peak"]),
                self._when(heart["gcs_peak_frame"]),
                _("minimum mean Ecc over {extent}, whole wall, Green–Lagrange").format(extent=extent),
            ),
            (
                _("GCS at end-systole"),
                self._percent(heart["gcs_es"]),
                atEs,
                _("in the frame with the smallest cavity area"),
            ),
            (_("Time to peak GCS"), self._unit(heart["gcs_time_to_peak_ms"], "ms"), "", _("from end-diastole")),
            (
                _("GRS, peak"),
                self._percent(heart["grs_peak"]),
                self._when(heart["grs_peak_frame"]),
                _("maximum mean Err over {extent}, whole wall").format(extent=extent),
            ),
            (
                _("GCS rate, systolic"),
                self._unit(heart.get("gcs_systolic_rate_per_s"), "1/s", 2),
                _("systole"),
                _("fastest shortening of the mean curve"),
            ),
            (
                _("GCS rate, early diastolic"),
                self._unit(heart.get("gcs_early_diastolic_rate_per_s"), "1/s", 2),
                _("first half of diastole"),
                _("fastest lengthening of the mean curve"),
            ),
            (
                _("SD of time to peak"),
                self._unit(indices["sd_time_to_peak_ms"], "ms"),
                "",
                _("standard deviation (n − 1) over the segments"),
            ),
            (
                _("Twist, inferred"),
                self._unit(indices["twist_es_degrees"], "°", 1),
                atEs,
                _("{slices} rotation; {basis}").format(slices=self._twistSlices(), basis=indices["twist_basis"]),
            ),
            (
                _("Torsion, inferred"),
                self._unit(indices["torsion_es_degrees"], "°", 1),
                atEs,
                _("twist × mean epicardial radius / distance; {basis}").format(basis=indices["twist_basis"]),
            ),
        ]
        rows += self._functionRows()
        for slice_ in numbers.slices:
            rows += self._sliceRows(slice_.summary, slice_.label, atEs)
        rows.append((_("GLS"), _("not available"), "", _("not available from short axis")))
        rows += self._contourRows()
        return [row for row in rows if "–" not in row[1]]

    def _twistSlices(self) -> str:
        """The slices whose rotations are subtracted."""
        slices = self._numbers.slices
        first, last = self._numbers.summary["indices"].get("twist_slices") or (1, len(slices))
        if (slices[first - 1].level, slices[last - 1].level) == ("base", "apex"):
            return _("apical − basal")
        return _("slice {last} − slice {first}").format(last=last, first=first)

    def _functionRows(self) -> list[tuple[str, str, str, str]]:
        """Volumes and ejection fraction, or one row with the reason if the slices do not cover the ventricle."""
        found = self._numbers.summary.get("function")
        if not found:  # written by LaMoD 1.x
            return []
        if found.get("edv_ml") is None:
            return [(_("EF and LV volumes"), _("not available"), "", found.get("incomplete") or "")]
        ef = None if found["ef"] is None else 100 * found["ef"]
        pool = _("sum over the slices of blood pool area × slice height")
        return [
            (_("EF"), self._unit(ef, "%"), "", _("ejection fraction: stroke volume / EDV")),
            (_("EDV"), self._unit(found["edv_ml"], "ml"), self._when(found["ed_frame"]), _("largest volume: ") + pool),
            (_("ESV"), self._unit(found["esv_ml"], "ml"), self._when(found["es_frame"]), _("smallest volume: ") + pool),
            (_("Stroke volume"), self._unit(found["stroke_volume_ml"], "ml"), "", _("EDV − ESV")),
            (
                _("Cardiac output"),
                self._unit(found["cardiac_output_l_min"], "l/min", 1),
                "",
                _("stroke volume × 60 / R–R interval"),
            ),
            (
                _("LV mass"),
                self._unit(found["mass_g"], "g"),
                self._when(found["ed_frame"]),
                _("wall volume × 1.05 g/ml; papillary muscles as drawn"),
            ),
            (
                _("Peak ejection rate"),
                self._unit(found["peak_ejection_rate_ml_s"], "ml/s"),
                _("systole"),
                _("steepest fall of the volume"),
            ),
            (
                _("Peak filling rate"),
                self._unit(found["peak_filling_rate_ml_s"], "ml/s"),
                _("diastole"),
                _("steepest rise of the volume"),
            ),
        ]

    def _contourRows(self) -> list[tuple[str, str, str, str]]:
        """Engine, review and licence of automatic contours; empty if a person drew them."""
        contours = self._numbers.summary.get("provenance", {}).get("contours")
        if not contours:
            return []
        value = _("automatic, reviewed") if contours.get("reviewed") else _("automatic, not reviewed")
        text = _("drawn by {engine}; {licence}").format(engine=contours["engine"], licence=contours["licence"])
        return [(_("Contours"), value, "", text)]

    def _sliceRows(self, part: dict[str, Any], label: str, atEs: str) -> list[tuple[str, str, str, str]]:
        indices = part["indices"]
        rows = [
            (
                _("{slice}: CURE").format(slice=label),
                self._unit(indices["cure"], "", 2),
                _("systole"),
                _("circumferential uniformity of Ecc; 1 if all sectors are equal"),
            ),
            (
                _("{slice}: rotation, inferred").format(slice=label),
                self._unit(indices["rotation_es_degrees"], "°", 1),
                atEs,
                _("counter-clockwise positive, seen from the apex; {basis}").format(basis=indices["rotation_basis"]),
            ),
            (
                _("{slice}: in-plane area change").format(slice=label),
                self._unit(part["global"]["jacobian_es"], "×", 2),
                atEs,
                _("mean det F: area of the wall in the slice, not its volume"),
            ),
        ]
        for layer, values in (part.get("layers") or {}).items():
            rows.append(
                (
                    _("{slice}: Ecc, {layer}").format(slice=label, layer=layer.replace("_", " ")),
                    self._percent(values["ecc_es"]),
                    atEs,
                    _("mean over a third of the wall"),
                )
            )
        return rows

    def _when(self, frame: int | None) -> str:
        if frame is None:
            return ""
        return _("frame {frame}, {time:.0f} ms").format(
            frame=frame + self._firstFrame, time=self._numbers.slices[0].timesMs[frame]
        )

    @staticmethod
    def _percent(value: float | None) -> str:
        return "–" if value is None or not np.isfinite(value) else f"{100 * value:+.1f} %".replace("-", "−")

    @staticmethod
    def _unit(value: float | None, unit: str, digits: int = 0) -> str:
        if value is None or not np.isfinite(value):
            return "–"
        return f"{value:.{digits}f} {unit}".strip().replace("-", "−").replace(" °", "°")
