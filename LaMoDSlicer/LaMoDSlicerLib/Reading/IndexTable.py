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
                _("apical − basal rotation; {basis}").format(basis=indices["twist_basis"]),
            ),
            (
                _("Torsion, inferred"),
                self._unit(indices["torsion_es_degrees"], "°", 1),
                atEs,
                _("twist × mean epicardial radius / distance; {basis}").format(basis=indices["twist_basis"]),
            ),
        ]
        for slice_ in numbers.slices:
            rows += self._sliceRows(slice_.summary, slice_.label, atEs)
        rows.append((_("GLS"), _("not available"), "", _("not available from short axis")))
        return [row for row in rows if "–" not in row[1]]

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
