from dataclasses import dataclass
from typing import Any

import numpy as np
from slicer.i18n import tr as _

from LaMoDSlicerLib.LongAxis import ViewNames
from LaMoDSlicerLib.Results.ResultNumbers import ResultNumbers
from LaMoDSlicerLib.Widgets import Numbering


@dataclass(frozen=True)
class IndexValue:
    """A number with its unit, or a text instead of a number.

    Attributes:
        number: in the unit; NaN if it is unknown or replaced by the text.
        unit: "" for a plain number.
        digits: decimals on screen.
        isSigned: whether a plus sign is shown.
        text: shown instead of a number.
    """

    number: float
    unit: str = ""
    digits: int = 0
    isSigned: bool = False
    text: str = ""

    @property
    def isKnown(self) -> bool:
        return bool(self.text) or bool(np.isfinite(self.number))

    def onScreen(self) -> list[str]:
        """Value and unit."""
        if self.text:
            return [self.text, ""]
        text = Numbering.signed(self.number, self.digits)
        return [text if self.isSigned else text.removeprefix("+"), self.unit]

    def cells(self) -> list[str]:
        """Value and unit in a file, with ASCII signs."""
        return [self.text or f"{self.number:.{self.digits + 2}f}", "" if self.text else self.unit]


@dataclass(frozen=True)
class IndexMoment:
    """When a number was taken.

    Attributes:
        text: a part of the cycle, or empty.
        frame: counted from 0, or None.
        timeMs: of the frame.
    """

    text: str = ""
    frame: int | None = None
    timeMs: float = 0.0

    def onScreen(self) -> str:
        """With frames counted from 1."""
        if self.frame is None:
            return self.text
        return _("frame {frame}, {time:.0f} ms").format(frame=self.frame + 1, time=self.timeMs)

    def cells(self) -> list[str]:
        """Part of the cycle, frame counted from 0, and time in a file."""
        return [self.text, *(["", ""] if self.frame is None else [str(self.frame), f"{self.timeMs:.2f}"])]


_Entry = tuple[str, IndexValue, IndexMoment, str]


class IndexTable:
    """Numbers of the whole heart and of each slice, with unit, frame and definition.

    Args:
        numbers: of the result.
    """

    #: Columns of the file. Frames count from 0.
    FILE_TITLES = ("number", "value", "unit", "phase", "frame", "time [ms]", "definition")

    def __init__(self, numbers: ResultNumbers) -> None:
        self._numbers = numbers

    @property
    def titles(self) -> list[str]:
        return [_("Number"), _("Value"), _("Unit"), _("When (frames from 1)"), _("Definition")]

    def rows(self) -> list[list[str]]:
        """Cells in the order of `titles`. Unknown values are omitted, except for GLS, listed as not available if so."""
        return [[name, *value.onScreen(), when.onScreen(), text] for name, value, when, text in self._entries()]

    def fileRows(self) -> list[list[str]]:
        """Cells in the order of `FILE_TITLES`: numbers without units and with ASCII signs."""
        return [[name, *value.cells(), *when.cells(), text] for name, value, when, text in self._entries()]

    def _entries(self) -> list[_Entry]:
        numbers = self._numbers
        heart, indices = numbers.summary["global"], numbers.summary["indices"]
        longAxis = numbers.summary.get("long_axis")
        extent = _("all slices") if len(numbers.slices) > 1 else _("the slice")
        atEs = self._when(numbers.endSystole)
        rows = [
            *(self._longAxisRows(longAxis) if longAxis else []),
            (
                _("GCS, peak"),
                self._percent(heart["gcs_peak"]),
                self._when(heart["gcs_peak_frame"]),
                _("minimum mean Ecc over {extent}, whole wall, Green–Lagrange").format(extent=extent),
            ),
            *self._limitRows("gcs_peak", _("GCS, peak")),
            (
                _("GCS at end-systole"),
                self._percent(heart["gcs_es"]),
                atEs,
                _("in the frame with the smallest cavity area"),
            ),
            (
                _("Time to peak GCS"),
                self._unit(heart["gcs_time_to_peak_ms"], "ms"),
                IndexMoment(),
                _("from end-diastole"),
            ),
            (
                _("GRS, peak"),
                self._percent(heart["grs_peak"]),
                self._when(heart["grs_peak_frame"]),
                _("maximum mean Err over {extent}, whole wall").format(extent=extent),
            ),
            *self._limitRows("grs_peak", _("GRS, peak")),
            (
                _("GCS rate, systolic"),
                self._unit(heart.get("gcs_systolic_rate_per_s"), "1/s", 2),
                IndexMoment(_("systole")),
                _("fastest shortening of the mean curve"),
            ),
            (
                _("GCS rate, early diastolic"),
                self._unit(heart.get("gcs_early_diastolic_rate_per_s"), "1/s", 2),
                IndexMoment(_("first half of diastole")),
                _("fastest lengthening of the mean curve"),
            ),
            (
                _("SD of time to peak"),
                self._unit(indices["sd_time_to_peak_ms"], "ms"),
                IndexMoment(),
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
        if not longAxis:
            text = _("not available from short axis: add contours of long-axis slices")
            rows.append((_("GLS"), self._text(_("not available")), IndexMoment(), text))
        rows += self._contourRows()
        return [row for row in rows if row[1].isKnown]

    def _longAxisRows(self, found: dict[str, Any]) -> list[_Entry]:
        """GLS of each line, and MAPSE and length of each view, of drawn long-axis contours."""
        lines = {"mid_wall": _("mid-wall"), "endocardial": _("endocardial"), "epicardial": _("epicardial")}
        text = _("systolic peak of the length of the {line} line, L / L_ED − 1; mean of {count} long-axis views, drawn")
        rows: list[_Entry] = []
        for key, line in lines.items():
            time = found["gls"][f"{key}_time_to_peak_ms"]
            when = IndexMoment("" if time is None else _("{time:.0f} ms after ED").format(time=time))
            name, count = _("GLS, {line}").format(line=line), len(found["views"])
            rows.append((name, self._percent(found["gls"][key]), when, text.format(line=line, count=count)))
            limits = zip((_("lower limit"), _("upper limit")), found["gls"]["interval"][key], strict=True)
            if key == "mid_wall":
                interval = _("90 % interval: errors of synthetic readers")
                rows += [
                    (_("{name}: {limit}").format(name=name, limit=limit), self._percent(value), IndexMoment(), interval)
                    for limit, value in limits
                ]
        for part in found["views"]:
            view = ViewNames.textOf(part["view"])
            for wall, value in part["mapse_mm"].items():
                name = _("MAPSE, {view}, {wall}").format(view=view, wall=wall)
                text = _("largest displacement of the annulus point towards the apex")
                rows.append((name, self._unit(value, "mm"), IndexMoment(), text))
        return rows

    def _limitRows(self, name: str, title: str) -> list[_Entry]:
        """Limits of the 90 % interval of a number; none if there is no interval."""
        interval = self._numbers.globalInterval(name)
        if interval is None:
            return []
        text = _("90 % interval, calibrated on synthetic hearts")
        if interval.is_bound:
            text = _("90 % interval at most: the widest that the intervals of the segments permit")
        limits = ((_("{number}: lower limit"), interval.low), (_("{number}: upper limit"), interval.high))
        return [(row.format(number=title), self._percent(limit), IndexMoment(), text) for row, limit in limits]

    def _twistSlices(self) -> str:
        """The slices whose rotations are subtracted."""
        slices = self._numbers.slices
        first, last = self._numbers.summary["indices"].get("twist_slices") or (1, len(slices))
        if (slices[first - 1].level, slices[last - 1].level) == ("base", "apex"):
            return _("apical − basal")
        return _("slice {last} − slice {first}").format(last=last, first=first)

    def _functionRows(self) -> list[_Entry]:
        """Volumes and ejection fraction, or one row with the reason if the slices do not cover the ventricle."""
        found = self._numbers.summary.get("function")
        if not found:  # written by LaMoD 1.x
            return []
        if found.get("edv_ml") is None:
            reason = found.get("incomplete") or ""
            return [(_("EF and LV volumes"), self._text(_("not available")), IndexMoment(), reason)]
        ef = None if found["ef"] is None else 100 * found["ef"]
        pool = _("sum over the slices of blood pool area × slice height")
        return [
            (_("EF"), self._unit(ef, "%"), IndexMoment(), _("ejection fraction: stroke volume / EDV")),
            (_("EDV"), self._unit(found["edv_ml"], "ml"), self._when(found["ed_frame"]), _("largest volume: ") + pool),
            (_("ESV"), self._unit(found["esv_ml"], "ml"), self._when(found["es_frame"]), _("smallest volume: ") + pool),
            (_("Stroke volume"), self._unit(found["stroke_volume_ml"], "ml"), IndexMoment(), _("EDV − ESV")),
            (
                _("Cardiac output"),
                self._unit(found["cardiac_output_l_min"], "l/min", 1),
                IndexMoment(),
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
                IndexMoment(_("systole")),
                _("steepest fall of the volume"),
            ),
            (
                _("Peak filling rate"),
                self._unit(found["peak_filling_rate_ml_s"], "ml/s"),
                IndexMoment(_("diastole")),
                _("steepest rise of the volume"),
            ),
        ]

    def _contourRows(self) -> list[_Entry]:
        """Engine, review and licence of automatic contours; empty if a person drew them."""
        contours = self._numbers.summary.get("provenance", {}).get("contours")
        if not contours:
            return []
        value = _("automatic, reviewed") if contours.get("reviewed") else _("automatic, not reviewed")
        text = _("drawn by {engine}; {licence}").format(engine=contours["engine"], licence=contours["licence"])
        return [(_("Contours"), self._text(value), IndexMoment(), text)]

    def _sliceRows(self, part: dict[str, Any], label: str, atEs: IndexMoment) -> list[_Entry]:
        indices = part["indices"]
        rows = [
            (
                _("{slice}: CURE").format(slice=label),
                self._unit(indices["cure"], "", 2),
                IndexMoment(_("systole")),
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

    def _when(self, frame: int | None) -> IndexMoment:
        return IndexMoment() if frame is None else IndexMoment("", frame, float(self._numbers.slices[0].timesMs[frame]))

    @staticmethod
    def _text(text: str) -> IndexValue:
        return IndexValue(float("nan"), text=text)

    @staticmethod
    def _percent(value: float | None) -> IndexValue:
        return IndexValue(float("nan") if value is None else 100 * value, "%", 1, isSigned=True)

    @staticmethod
    def _unit(value: float | None, unit: str, digits: int = 0) -> IndexValue:
        return IndexValue(float("nan") if value is None else value, unit, digits)
