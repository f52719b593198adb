"""GLS and MAPSE of two real long-axis cines against an independent calculation from the raw contour points.

    python -m experiments.evaluation.real_long_axis

The independent calculation chains the raw points by nearest neighbours from an annulus point, fits one smoothing spline
(FITPACK) and measures its length; MAPSE is the displacement of the raw annulus points. It shares no code with the
library. Also: contours of end-diastole and end-systole alone, carried with the cine; levels of two short-axis series.
"""

from __future__ import annotations

import csv
import time

import numpy as np
from scipy.interpolate import splev, splprep

from experiments.paths import REAL_DATA
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.long_axis.carrying import carry_lines
from LaMoDCore.heart.long_axis.open_curve import length_mm
from LaMoDCore.heart.long_axis.view import stacked
from LaMoDCore.heart.long_axis.wall_lines import WallLines
from LaMoDCore.io import load_case
from LaMoDCore.io.long_axis.reader import load_long_axis
from LaMoDCore.strain.long_axis.short_axis import slice_positions
from LaMoDCore.strain.long_axis.summary import long_axis_summary

_FOLDER = REAL_DATA / "cine_biv_me"
#: Points farther than this from the last one of a chain are not of the wall; weight of the smoothing spline per point.
_STEP_MM, _SPLINE_MM = 12.0, 0.4


def raw_points(series: str, frame: int) -> dict[str, Array]:
    points: dict[str, list[list[float]]] = {}
    with (_FOLDER / f"guidepoints_long_axis/GPFile_{frame:03d}.txt").open(newline="") as handle:
        for row in csv.DictReader(handle, delimiter="\t"):
            if row["frameID"] == series:
                points.setdefault(row["contour type"], []).append([float(row[axis]) for axis in "xyz"])
    return {kind: np.array(values) for kind, values in points.items()}


def chained(points: Array, start: Array) -> Array:
    left = list(points)
    path = [left.pop(int(np.argmin(np.linalg.norm(points - start, axis=1))))]
    while left:
        away = np.linalg.norm(np.array(left) - path[-1], axis=1)
        if away.min() > _STEP_MM:
            break
        path.append(left.pop(int(np.argmin(away))))
    return np.array(path)


def spline_length(path: Array) -> float:
    distinct = path[np.concatenate([[True], np.linalg.norm(np.diff(path, axis=0), axis=1) > 1e-3])]
    spline, _ = splprep(distinct.T, s=len(distinct) * _SPLINE_MM**2)
    curve = np.array(splev(np.linspace(0, 1, 2000), spline)).T
    return float(np.linalg.norm(np.diff(curve, axis=0), axis=1).sum())


def independent(series: str, frames: int) -> tuple[Array, Array]:
    """Endocardial strain [T] and MAPSE [2] from the raw points."""
    lengths, valves, axis = [], [], np.zeros(3)
    for t in range(frames):
        points = raw_points(series, t)
        endo, valve = points["LAX_LV_ENDOCARDIAL"], points["MITRAL_VALVE"]
        if valves and np.linalg.norm(valve - valves[-1]) > np.linalg.norm(valve[::-1] - valves[-1]):
            valve = valve[::-1]
        valves.append(valve)
        lengths.append(spline_length(max((chained(endo, point) for point in valve), key=len)))
        if t == 0:
            middle = valve.mean(axis=0)
            apex = endo[int(np.argmax(np.linalg.norm(endo - middle, axis=1)))]
            axis = (apex - middle) / np.linalg.norm(apex - middle)
    moved = (np.array(valves) - valves[0]) @ axis
    return np.array(lengths) / lengths[0] - 1, moved.max(axis=0)


def main() -> None:
    began = time.perf_counter()
    cines = [_FOLDER / "dicom/Se6", _FOLDER / "dicom/Se7"]
    case = load_long_axis([_FOLDER / "guidepoints_long_axis"], cine=cines)
    summary = long_axis_summary(case.views)
    print(f"two views read and measured in {time.perf_counter() - began:.2f} s")
    for note in case.notes:
        print(f"  {note.severity}: {note.text}")
    print("GLS, per cent:", {k: round(100 * summary["gls"][k], 1) for k in ("endocardial", "mid_wall", "epicardial")})
    for series, view, part in zip(("7", "8"), case.views, summary["views"], strict=True):
        strain, mapse = independent(series, view.frames)
        own = np.array(part["curves"]["endocardial"])
        print(f"{part['view']}: endocardial peak {100 * own.min():.1f}, independent {100 * strain.min():.1f}, "
              f"largest difference of the curves {100 * np.abs(own - strain).max():.1f}; "
              f"MAPSE {np.round(sorted(part['mapse_mm'].values()), 1)}, independent {np.round(np.sort(mapse), 1)}; "
              f"drift {100 * part['drift']['endocardial']:.1f}; mid-wall {100 * min(part['curves']['mid_wall']):.1f}, "
              f"epicardial {100 * min(part['curves']['epicardial']):.1f}")  # fmt: skip
        es = int(np.argmin(own))
        drawn = {t: WallLines(view.endo_mm[t], view.epi_mm[t], view.annulus_mm[t]) for t in (0, es)}
        assert view.cine is not None
        carried = length_mm(stacked(carry_lines(drawn, view.cine, view.grid.spacing_mm))[0])
        off = np.abs(carried / carried[0] - 1 - own)
        print(
            f"  carried from frames 0 and {es}: mean |difference| {100 * off.mean():.1f}, at most {100 * off.max():.1f}"
        )
    masks = [_FOLDER / f"{name}_labels.nii.gz" for name in ("Se3", "Se4")]
    for place in slice_positions(load_case(masks), case.views):
        print(f"short-axis slice: {place.depth_mm:.0f} mm below the annulus, {100 * place.fraction:.0f} %, "
              f"{place.level}; {place.from_axis_mm:.0f} mm from the axis")  # fmt: skip


if __name__ == "__main__":
    main()
