"""Guide-point files (GPFile_NNN.txt) of biventricular modelling: 3-D contour points, one file per frame.

Tab-separated columns x, y, z (LPS mm), contour type, frameID (which series), weight, time frame. The epicardium is
``SAX_LV_EPICARDIAL`` together with ``SAX_RV_SEPTUM``, because next to the right ventricle the outer contour of the left
one is the right side of the septum. ``RV_INSERT`` gives the two insertion points.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.io.contours.curves import FrameCurves, in_order_about_center
from LaMoDCore.io.images.natural_order import natural_key
from LaMoDCore.runtime.bounded_reads import read_text
from LaMoDCore.runtime.errors import LaMoDInputError

_ENDO, _EPI, _SEPTUM, _INSERT = "SAX_LV_ENDOCARDIAL", "SAX_LV_EPICARDIAL", "SAX_RV_SEPTUM", "RV_INSERT"
#: Limits of a file in bytes, of the points of a contour, and of their coordinates in mm.
_LARGEST_FILE, _MOST_POINTS, _FARTHEST_MM = 1 << 26, 5000, 1e5
_COLUMNS = ("x", "y", "z", "contour type", "frameID", "time frame")


@dataclass(frozen=True, eq=False)
class GuidePoints:
    """The points of one series over time.

    Attributes:
        points_lps: points [N, 3] in LPS mm by time frame and contour type.
    """

    points_lps: Mapping[int, Mapping[str, Array]]

    def curves(self, grid: SliceGrid) -> dict[int, FrameCurves]:
        """Closed contours of every frame with endocardium and epicardium; see `masks_of_curves`."""
        result = {}
        for frame, kinds in self.points_lps.items():
            if _ENDO not in kinds or _EPI not in kinds:
                continue
            outer = np.concatenate([kinds[name] for name in (_EPI, _SEPTUM) if name in kinds])
            result[frame] = FrameCurves(in_order_about_center(kinds[_ENDO], grid), in_order_about_center(outer, grid))
        return result

    def insertions_lps(self, frame: int) -> Array | None:
        """Both RV insertion points [2, 3] of a frame: as given, else the ends of the septum's points, else None."""
        kinds = self.points_lps.get(frame, {})
        if _INSERT in kinds and len(kinds[_INSERT]) >= 2:
            return kinds[_INSERT][:2]
        return None if _SEPTUM not in kinds else ends_of_arc(kinds[_SEPTUM])


def ends_of_arc(points_lps: Array) -> Array:
    """The two points [2, 3] of an open arc [N, 3] with the largest distance."""
    distances = np.linalg.norm(points_lps[:, None] - points_lps[None], axis=-1)
    first, last = np.unravel_index(int(np.argmax(distances)), distances.shape)
    return np.asarray(points_lps[[first, last]])


def read_guide_points(path: str | Path) -> dict[int, GuidePoints]:
    """Read a guide-point file, or a folder with one file per frame: the points of each series by its frameID.

    Raises:
        LaMoDInputError: there is no such file, or it is not a table of guide points.
    """
    path = Path(path)
    files = sorted(path.glob("*.txt"), key=natural_key) if path.is_dir() else [path]
    if not files or not files[0].is_file():
        raise LaMoDInputError(path, "there is no guide-point file", "give a GPFile or a folder of GPFiles")
    found: dict[int, dict[int, dict[str, list[list[float]]]]] = {}
    of_file: dict[int, dict[int, dict[str, list[list[float]]]]] = {}
    for number, file in enumerate(files):
        try:
            lines = read_text(file, _LARGEST_FILE).splitlines()
            rows = list(csv.DictReader(lines, delimiter="\t"))
        except csv.Error as error:
            raise LaMoDInputError(file, "it is not a table of guide points", "give a GPFile") from error
        if not rows or any(name not in rows[0] for name in _COLUMNS):
            raise LaMoDInputError(file, "it is not a table of guide points", f"it needs columns {', '.join(_COLUMNS)}")
        for row in rows:
            try:
                point = [float(row[axis]) for axis in "xyz"]
                series, frame = int(float(row["frameID"])), int(float(row["time frame"]))
                if not max(abs(value) for value in point) < _FARTHEST_MM:
                    raise ValueError("the point is not in a patient")
            except (TypeError, ValueError, OverflowError) as error:
                raise LaMoDInputError(file, "a row has no numbers for its point", "export it again") from error
            points = found.setdefault(series, {}).setdefault(frame, {}).setdefault(row["contour type"], [])
            points.append(point)
            of_file.setdefault(series, {}).setdefault(number, {}).setdefault(row["contour type"], []).append(point)
            if len(points) > _MOST_POINTS:
                raise LaMoDInputError(file, f"a contour has more than {_MOST_POINTS} points", "export it again")
    for series, frames in of_file.items():
        if len(files) > 1 and len(frames) == len(files) and len(found[series]) == 1:
            found[series] = frames  # a column that is not filled in: the files are the frames
    return {
        series: GuidePoints({t: {kind: np.array(p) for kind, p in kinds.items()} for t, kinds in frames.items()})
        for series, frames in found.items()
    }
