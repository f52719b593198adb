"""Landmarks of long-axis views that a person placed: point lists of Slicer (.mrk.json) with annulus and apex."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.long_axis.checks import annulus_fault, apex_fault
from LaMoDCore.heart.long_axis.view import LongAxisView
from LaMoDCore.heart.long_axis.wall_lines import WallLines, with_landmarks
from LaMoDCore.io.contours.curves import IN_PLANE_MM
from LaMoDCore.io.long_axis.markups import read_frames
from LaMoDCore.runtime.errors import LaMoDInputError

_REMEDY = "label its points with their frame, as in “annulus 0” and “apex 0”, and remove others"


@dataclass(frozen=True, eq=False)
class Landmarks:
    """Landmarks of one frame, LPS mm.

    Attributes:
        annulus_lps: [2, 3] both points of the mitral annulus; None if they are not given.
        apex_lps: [3] the apex; None if it is not given.
    """

    annulus_lps: Array | None = None
    apex_lps: Array | None = None

    @property
    def points_lps(self) -> Array:
        """[N, 3]: all of them."""
        apex = np.empty((0, 3)) if self.apex_lps is None else self.apex_lps[None]
        return np.concatenate([np.empty((0, 3)) if self.annulus_lps is None else self.annulus_lps, apex])


def read_landmarks(path: Path) -> dict[int, Landmarks]:
    """The landmarks of a point list by frame, counted from 0; points are labelled “annulus 0” and “apex 0”.

    Raises:
        LaMoDInputError: the file is not readable, has no landmarks, or has other points, whose frame and meaning are
            not known.
    """
    frames = read_frames(path)
    found = {
        frame: Landmarks(np.stack(each.annulus) if each.annulus else None, each.apex)
        for frame, each in frames.items()
        if each.annulus or each.apex is not None
    }
    if not found:
        reason = "it contains no points of the mitral annulus or the apex"
        raise LaMoDInputError(path, reason, _REMEDY)
    others = [label for each in frames.values() for label in each.others]
    if others:
        raise LaMoDInputError(path, f"its point “{others[0]}” is neither annulus nor apex", _REMEDY)
    return found


def with_landmark_files(views: Sequence[LongAxisView], paths: Sequence[Path]) -> list[LongAxisView]:
    """The views with the landmarks of files, each of which belongs to the view in whose plane all its points lie.

    Args:
        views: on which contours are complete.
        paths: point lists.

    Raises:
        LaMoDInputError: a file cannot be read, or its points lie in the plane of no view or do not fit its contours.
    """
    found = list(views)
    for path in paths:
        landmarks = read_landmarks(path)
        points = np.concatenate([each.points_lps for each in landmarks.values()])
        away = [float(np.abs(view.grid.distance_mm(points)).max()) for view in found]
        nearest = int(np.argmin(away))
        if away[nearest] > IN_PLANE_MM:
            raise LaMoDInputError(
                path, "its points lie in the plane of no long-axis view", "give the contours of the view, or move them"
            )
        found[nearest] = _placed(found[nearest], landmarks, path)
    return found


def _placed(view: LongAxisView, landmarks: dict[int, Landmarks], path: Path) -> LongAxisView:
    endo, epi, annulus = view.endo_mm.copy(), view.epi_mm.copy(), view.annulus_mm.copy()
    for frame, each in landmarks.items():
        if not 0 <= frame < view.frames:
            raise LaMoDInputError(
                path, f"it has points of frame {frame}, but the view has {view.frames} frames", "remove them"
            )
        given = None if each.annulus_lps is None else view.plane_mm(each.annulus_lps)
        apex = None if each.apex_lps is None else view.plane_mm(each.apex_lps)
        fault = "" if given is None else annulus_fault(view.endo_mm[frame], given)
        if not fault and apex is not None:
            fault = apex_fault(view.endo_mm[frame], view.epi_mm[frame], apex)
        if fault:
            raise LaMoDInputError(path, f"frame {frame}: {fault}", "place two annulus points and the apex")
        lines = with_landmarks(WallLines(endo[frame], epi[frame], annulus[frame]), given, apex)
        endo[frame], epi[frame], annulus[frame] = lines.endo_mm, lines.epi_mm, lines.annulus_mm
    return replace(view, endo_mm=endo, epi_mm=epi, annulus_mm=annulus)
