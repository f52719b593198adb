"""The wall of one frame as three lines from the first to the second end of the wall over the apex."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.long_axis.open_curve import resampled, smoothed

#: Intervals of each line from an end of the wall to the apex.
INTERVALS = 32
#: A stretch of the epicardium that lacks points for longer than this is drawn parallel to the endocardium.
GAP_MM = 12.0
_BRIDGE_STEP_MM = 3.0
#: Length of the end of the endocardium that gives the wall's direction.
_END_MM = 12.0


@dataclass(frozen=True, eq=False)
class WallLines:
    """One frame. Positions are in-plane mm (x, y) = pixel × spacing; P = 2 × `INTERVALS` + 1.

    Attributes:
        endo_mm, epi_mm: [P, 2], at equal distances from each end to the apex, which is point `INTERVALS`.
        annulus_mm: [2, 2], where the mitral valve is attached: the ends of the endocardium, unless points are given.
    """

    endo_mm: Array
    epi_mm: Array
    annulus_mm: Array


def wall_lines(
    endo_mm: Array, epi_mm: Array, *, annulus_mm: Array | None = None, apex_mm: Array | None = None, traced: bool = True
) -> WallLines:
    """Lines of a frame from contours that are ordered from the first to the second end of the wall.

    Args:
        endo_mm, epi_mm: [N, 2], [M, 2]. If the epicardium runs the other way, it is turned.
        annulus_mm: [2, 2] given points, in any order.
        apex_mm: [2] given point, of either contour.
        traced: whether the contours have the steps of pixels, which are smoothed.

    Returns:
        the lines; the epicardium ends opposite to the ends of the endocardium.
    """
    ends = endo_mm[[0, -1]]
    if _apart(epi_mm[[0, -1]], ends) > _apart(epi_mm[[-1, 0]], ends):
        epi_mm = epi_mm[::-1]
    endo = smoothed(endo_mm) if traced else endo_mm
    epi_mm = with_bridges(epi_mm, endo)[0]
    epi = _opposite(endo, smoothed(epi_mm) if traced else epi_mm)
    points = endo[[0, -1]]
    if annulus_mm is not None:
        points = annulus_mm if _apart(annulus_mm, points) <= _apart(annulus_mm[::-1], points) else annulus_mm[::-1]
    middle = endo[[0, -1]].mean(axis=0)
    return WallLines(_halves(endo, middle, apex_mm), _halves(epi, middle, apex_mm), np.array(points, dtype=np.float64))


def with_landmarks(lines: WallLines, annulus_mm: Array | None = None, apex_mm: Array | None = None) -> WallLines:
    """The lines of a frame with other landmarks; the ends of the wall stay where they were drawn.

    Args:
        lines: of the frame.
        annulus_mm: [2, 2] points of the mitral annulus, in any order; None to keep those of `lines`.
        apex_mm: [2] the apex, of either contour; None to keep it.
    """
    endo, epi, points = lines.endo_mm, lines.epi_mm, lines.annulus_mm
    if apex_mm is not None:
        middle = endo[[0, -1]].mean(axis=0)
        endo, epi = _halves(endo, middle, apex_mm), _halves(epi, middle, apex_mm)
    if annulus_mm is not None:
        ends = endo[[0, -1]]
        points = annulus_mm if _apart(annulus_mm, ends) <= _apart(annulus_mm[::-1], ends) else annulus_mm[::-1]
    return WallLines(endo, epi, np.array(points, dtype=np.float64))


def with_bridges(epi_mm: Array, endo_mm: Array) -> tuple[Array, float]:
    """The epicardium [M, 2] with missing stretches drawn at the distance of its neighbours from the endocardium.

    Next to the right ventricle some programs store the epicardium as part of the right ventricle's contour.

    Args:
        epi_mm: ordered as the endocardium.
        endo_mm: [N, 2], smooth.

    Returns:
        the contour, and the length of the missing stretches in mm.
    """
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(endo_mm, axis=0), axis=1))])
    tangent = np.gradient(endo_mm, axis=0)
    normal = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1) / np.linalg.norm(tangent, axis=1, keepdims=True)
    apart = np.linalg.norm(epi_mm[:, None] - endo_mm[None], axis=-1)
    nearest = np.argmin(apart, axis=1)
    thickness = apart[np.arange(len(epi_mm)), nearest]
    side = np.sign(((epi_mm - endo_mm[nearest]) * normal[nearest]).sum(axis=1).sum())
    place = along[nearest]

    def parallel(start: float, stop: float, first: float, last: float) -> Array:
        count = max(1, round((stop - start) / _BRIDGE_STEP_MM) - 1)
        places = np.linspace(start, stop, count + 2)[1:-1]
        at = np.searchsorted(along, places).clip(0, len(along) - 1)
        return np.asarray(endo_mm[at] + side * normal[at] * np.linspace(first, last, count + 2)[1:-1, None])

    parts: list[Array] = []
    missing = 0.0
    if place[0] > GAP_MM:
        parts.append(parallel(-_BRIDGE_STEP_MM, float(place[0]), float(thickness[0]), float(thickness[0])))
        missing += float(place[0])
    for k, point in enumerate(epi_mm):
        parts.append(point[None])
        if k + 1 == len(epi_mm) or np.linalg.norm(epi_mm[k + 1] - point) <= GAP_MM:
            continue
        if place[k + 1] - place[k] > GAP_MM / 2:
            parts.append(parallel(*place[[k, k + 1]].tolist(), *thickness[[k, k + 1]].tolist()))
            missing += float(place[k + 1] - place[k])
    if along[-1] - place[-1] > GAP_MM:
        end = float(along[-1])
        parts.append(parallel(float(place[-1]), end + _BRIDGE_STEP_MM, float(thickness[-1]), float(thickness[-1])))
        missing += end - float(place[-1])
    return np.concatenate(parts), missing


def _apart(first: Array, second: Array) -> float:
    return float(np.linalg.norm(first - second, axis=1).sum())


def _halves(line: Array, middle: Array, apex_mm: Array | None) -> Array:
    """The line at equal distances from each end to the apex: the given point, or the point farthest from the valve."""
    away = np.linalg.norm(line - middle, axis=1) if apex_mm is None else -np.linalg.norm(line - apex_mm, axis=1)
    apex = int(np.clip(np.argmax(away), 1, len(line) - 2))
    first, second = resampled(line[: apex + 1], INTERVALS + 1), resampled(line[apex:], INTERVALS + 1)
    return np.concatenate([first, second[1:]])


def _opposite(endo: Array, epi: Array) -> Array:
    """The epicardium, cut or continued straight so that both ends lie opposite to those of the endocardium."""
    line = epi
    for _ in range(2):
        end = endo[0]
        along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(endo, axis=0), axis=1))])
        inside = endo[min(int(np.searchsorted(along, _END_MM)), len(endo) - 1)]
        outward = (end - inside) / max(float(np.linalg.norm(end - inside)), 1e-9)
        beyond = (line - end) @ outward
        inner = int(np.argmax(beyond < 0)) if (beyond < 0).any() else 0
        if 0 < inner < len(line) // 3:
            share = beyond[inner - 1] / (beyond[inner - 1] - beyond[inner])
            crossing = line[inner - 1] + share * (line[inner] - line[inner - 1])
            line = np.concatenate([crossing[None], line[inner:]])
        elif inner == 0 and -GAP_MM <= beyond[0] < -1e-6:
            line = np.concatenate([(line[0] - beyond[0] * outward)[None], line])
        endo, line = endo[::-1], line[::-1]
    return line
