"""Long-axis contours in guide-point files: ``LAX_LV_ENDOCARDIAL``, ``LAX_LV_EPICARDIAL``, ``MITRAL_VALVE``.

The septal epicardium is ``LAX_RV_SEPTUM`` where the file has it. ``APEX_POINT`` lies on the epicardium.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.long_axis.checks import annulus_fault, apex_fault
from LaMoDCore.heart.long_axis.points import in_order, without_pieces_at_valve
from LaMoDCore.heart.long_axis.wall_lines import WallLines, wall_lines, with_bridges
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.io.contours.drawn_cine import cine_of_contours
from LaMoDCore.io.contours.guide_points import GuidePoints, read_guide_points
from LaMoDCore.io.files.timing import timing_of
from LaMoDCore.io.images.frame_stack import FrameStack
from LaMoDCore.io.long_axis.drawn import DrawnView
from LaMoDCore.runtime.errors import LaMoDInputError

_ENDO, _EPI, _SEPTUM, _VALVE, _APEX = (
    "LAX_LV_ENDOCARDIAL",
    "LAX_LV_EPICARDIAL",
    "LAX_RV_SEPTUM",
    "MITRAL_VALVE",
    "APEX_POINT",
)
_FEWEST_POINTS = 5
#: A shorter stretch without points is not worth a note.
_NOTED_GAP_MM = 15.0


def read_long_axis_points(
    path: Path, cines: Sequence[FrameStack], notes: list[Note], rr_ms: float | None = None
) -> list[DrawnView]:
    """The long-axis slices of a guide-point file or folder, each on the cine in its plane.

    Raises:
        LaMoDInputError: there are none, no cine lies in the plane, or points are missing or do not fit.
    """
    found = []
    for number, points in sorted(read_guide_points(path).items()):
        frames = {t: kinds for t, kinds in points.points_lps.items() if _ENDO in kinds}
        if frames:
            found.append(_read(number, GuidePoints(frames), cines, path, notes, rr_ms))
    if not found:
        raise LaMoDInputError(path, f"it has no long-axis contours ({_ENDO})", "give the folder with the GPFiles")
    return found


def _read(
    number: int, points: GuidePoints, cines: Sequence[FrameStack], path: Path, notes: list[Note], rr_ms: float | None
) -> DrawnView:
    every = np.concatenate([kinds[_ENDO] for kinds in points.points_lps.values()])
    cine, more = cine_of_contours(every, points.points_lps, cines)
    if cine is None:
        reason = f"the contours of series {number} lie in the plane of no cine" if cines else "it has no pixel grid"
        raise LaMoDInputError(path, reason, "give the long-axis cine of the contours")
    notes += more
    grid = cine.slice_grid(0)
    scale = np.array(grid.spacing_mm)
    lines, gap = {}, 0.0
    for frame, kinds in sorted(points.points_lps.items()):
        if not 0 <= frame < cine.frames.shape[0]:
            raise LaMoDInputError(
                path,
                f"it has contours of frame {frame}, but the cine has {cine.frames.shape[0]} frames",
                "give the cine of the contours",
            )
        plane = {kind: grid.lps_to_pixel(lps) * scale for kind, lps in kinds.items()}
        lines[frame], missing = _lines(plane, frame, path)
        gap = max(gap, missing)
    if gap > _NOTED_GAP_MM:
        text = (
            f"Up to {gap:.0f} mm of the epicardium of a long-axis view have no points, as next to the right ventricle; "
            "they were drawn parallel to the endocardium."
        )
        notes.append(note("long_axis_gap_bridged", text, source=f"series {number}"))
    timing = timing_of(cine, None, path, rr_ms)
    notes += timing.notes
    images = np.ascontiguousarray(cine.frames[:, 0], dtype=np.float32)
    return DrawnView(
        f"series {number}", grid, lines, timing.frame_times_ms, timing.rr_ms, images, located=cine.is_located
    )


def _lines(plane: dict[str, Array], frame: int, path: Path) -> tuple[WallLines, float]:
    """The lines of a frame, and the length of the epicardium without points."""
    outer = [plane[kind] for kind in (_EPI, _SEPTUM) if kind in plane]
    if not outer or len(plane[_ENDO]) < _FEWEST_POINTS or sum(map(len, outer)) < _FEWEST_POINTS:
        raise LaMoDInputError(path, f"frame {frame} has too few contour points", "export the contours again")
    epi_points = np.concatenate(outer)
    valve = plane.get(_VALVE, np.empty((0, 2)))
    if len(valve) == 0:
        raise LaMoDInputError(path, f"frame {frame} has no {_VALVE} points", "export the annulus points too")
    endo = in_order(plane[_ENDO], valve.mean(axis=0))
    fault = annulus_fault(endo, valve)
    if fault:
        raise LaMoDInputError(path, f"frame {frame}: {fault}", "correct its MITRAL_VALVE and APEX_POINT points")
    endo = without_pieces_at_valve(endo, valve)
    epi = without_pieces_at_valve(in_order(epi_points, valve.mean(axis=0)), valve)
    apex = plane[_APEX][0] if _APEX in plane else None
    fault = "" if apex is None else apex_fault(endo, epi, apex)
    if fault:
        raise LaMoDInputError(path, f"frame {frame}: {fault}", f"correct its {_APEX} point, or remove it")
    lines = wall_lines(endo, epi, annulus_mm=valve, apex_mm=apex)
    return lines, with_bridges(epi, lines.endo_mm)[1]
