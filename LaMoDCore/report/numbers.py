"""The numbers of the page: each with its unit, its frame and its definition."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LaMoDCore.case import StrainResult
from LaMoDCore.geometry import Array
from LaMoDCore.report.style import percent


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        name: what is measured.
        value: with its unit.
        when: frame and time, or "".
        definition: how it is defined, in words.
    """

    name: str
    value: str
    when: str
    definition: str


def whole_heart_curve(result: StrainResult, name: str) -> Array:
    """[T]: mean of a strain over the myocardium of all slices, each slice weighted by its reference area."""
    areas = [
        s.myocardium.sum() * np.prod(c.grid.spacing_mm) for c, s in zip(result.case.slices, result.slices, strict=True)
    ]
    curves = [np.asarray(s.global_curves[name], dtype=np.float64) for s in result.slices]
    return np.asarray(np.average(np.stack(curves), axis=0, weights=areas))


def peak(curve: Array, sign: int) -> tuple[float, int]:
    """The extreme value of a curve [T] towards `sign`, and its frame; (nan, −1) where all is unknown."""
    signed = np.where(np.isfinite(curve), sign * np.asarray(curve, dtype=np.float64), -np.inf)
    frame = int(np.argmax(signed))
    return (float(curve[frame]), frame) if np.isfinite(signed[frame]) else (float("nan"), -1)


def segment_peaks(result: StrainResult, name: str = "ecc", sign: int = -1) -> tuple[list[Array], list[Array]]:
    """Per slice: each segment's peak [S] and the time from end-diastole to it [S] in ms."""
    values, times = [], []
    for cine, strain in zip(result.case.slices, result.slices, strict=True):
        found = [peak(curve, sign) for curve in np.asarray(strain.segment_curves[name])]
        values.append(np.array([v for v, _ in found]))
        times.append(np.array([_since_ed(result, cine.frame_times_ms, cine.rr_ms, f) for _, f in found]))
    return values, times


def table_rows(result: StrainResult) -> list[Row]:
    """The page's table."""
    first = result.case.slices[0]
    times, rr = first.frame_times_ms, first.rr_ms

    def when(frame: int) -> str:
        if frame < 0:
            return ""
        return f"frame {frame}, {times[frame]:.0f} ms"

    ecc, err = whole_heart_curve(result, "ecc"), whole_heart_curve(result, "err")
    gcs, gcs_frame = peak(ecc, -1)
    grs, grs_frame = peak(err, +1)
    es = result.es_frame
    to_peak = _since_ed(result, times, rr, gcs_frame)
    walls = [s.myocardium for s in result.slices]
    jacobian = [
        s.fields["jacobian"][es][w] for s, w in zip(result.slices, walls, strict=True) if "jacobian" in s.fields
    ]
    motion = [np.hypot(*s.displacement_mm[es][:, w]) for s, w in zip(result.slices, walls, strict=True)]
    extent = "all slices" if len(walls) > 1 else "the slice"
    rows = [
        Row("GCS, peak", f"{percent(gcs)} %", when(gcs_frame), f"most negative mean Ecc over {extent}"),
        Row(
            "GCS at end-systole",
            f"{percent(ecc[es])} %",
            when(es),
            "ES: least total cavity area in the masks",
        ),
        Row(
            "Time to peak GCS",
            f"{to_peak:.0f} ms" if gcs_frame >= 0 else "–",
            "",
            f"from end-diastole; R–R {rr:.0f} ms",
        ),
        Row("GRS, peak", f"{percent(grs)} %", when(grs_frame), f"most positive mean Err over {extent}"),
        Row(
            "Mean displacement",
            f"{np.concatenate(motion).mean():.1f} mm",
            when(es),
            "in-plane |u| from end-diastole",
        ),
    ]
    area = _known(jacobian)
    if area.size:
        row = Row("In-plane area change", f"× {area.mean():.2f}", when(es), "mean det F; 1.15–1.3 is usual")
        rows.append(row)
    peaks, peak_times = (_known(each) for each in segment_peaks(result))
    if peaks.size:
        extremes = f"{percent(peaks.min())} … {percent(peaks.max())} %"
        rows.append(Row("Segments' peak Ecc", extremes, "", "strongest … weakest segment"))
        dispersion = f"{peak_times.std():.0f} ms"
        rows.append(Row("Dispersion of time to peak", dispersion, "", "SD of the segments' times to peak Ecc"))
    rows.append(Row("GLS", "not available", "", "short-axis slices do not show it"))
    return rows


def _known(arrays: list[Array]) -> Array:
    values = np.concatenate(arrays) if arrays else np.empty(0)
    return np.asarray(values[np.isfinite(values)])


def _since_ed(result: StrainResult, times_ms: Array, rr_ms: float, frame: int) -> float:
    if frame < 0:
        return float("nan")
    return float((times_ms[frame] - times_ms[result.case.reference_frame]) % rr_ms)
