"""Strain and motion on the deformed wall of each frame, as codes of one byte that the page's script colours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from LaMoDCore.heart.case import SliceStrain
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.spatial import deformed_wall
from LaMoDCore.report.html.view import View

#: Finest distance between the values, mm.
_FINEST_MM = 1.2
#: Values of all quantities, frames and slices of a page.
_MOST_VALUES = 3_500_000
#: The wall is extended by this many values, because the page clips it at its outline.
_EXTENSION = 3.0
_MARGIN = 3
#: The codes 1 to 255; 0 is unknown.
_LEVELS = 254


@dataclass(frozen=True, eq=False)
class Overlay:
    """Values of one slice on a lattice of the view.

    Attributes:
        origin_mm: position (x, y) of the first value in the view.
        step_mm: distance (x, y) between values.
        codes: quantity -> uint8 [T, h, w]: 0 unknown, otherwise ``low + (code − 1) / 254 · (high − low)``.
        limits: quantity -> (low, high), in the unit of the quantity.
        segment: uint8 [T, h, w], 0 = none.
    """

    origin_mm: tuple[float, float]
    step_mm: tuple[float, float]
    codes: Mapping[str, Array]
    limits: Mapping[str, tuple[float, float]]
    segment: Array


def quantities_of(strain: SliceStrain) -> dict[str, Array]:
    """Material fields [T, H, W] that the page shows: Ecc and Err in per cent, the length of the displacement in mm."""
    length = np.hypot(strain.displacement_mm[:, 0], strain.displacement_mm[:, 1])
    return {"ecc": 100 * strain.fields["ecc"], "err": 100 * strain.fields["err"], "displacement": length}


def slice_overlay(strain: SliceStrain, fields: Mapping[str, Array], view: View, slices: int) -> Overlay:
    """Push the fields of one slice forward to its deformed wall.

    Args:
        strain: the slice.
        fields: `quantities_of` it.
        view: where it is shown.
        slices: number of slices of the page, which share its size.
    """
    spacing = view.grid.spacing_mm
    wall = deformed_wall(strain.displacement_mm, strain.myocardium, spacing)
    top, bottom = _range(wall.row)
    left, right = _range(wall.column)
    frames = wall.shape[0]
    area_mm2 = (bottom - top) * (right - left) * spacing[0] * spacing[1]
    coarsest = np.sqrt(area_mm2 * frames * len(fields) * slices / _MOST_VALUES)
    stride_x, stride_y = (max(1, round(max(_FINEST_MM, coarsest) / step)) for step in spacing)

    def image(values: Array) -> Array:
        found = np.full((frames, bottom - top, right - left), np.nan, dtype=np.float32)
        found[wall.frame, wall.row - top, wall.column - left] = values
        found = found[:, ::stride_y, ::stride_x]
        return found[:, :, ::-1] if view.is_mirrored else found

    images = {name: image(wall.values(field, strain.myocardium)) for name, field in fields.items()}
    segment = image(_nearest_segment(strain, wall.point))
    images, segment = _extended(images, segment)
    columns = segment.shape[2]
    first = left + (columns - 1) * stride_x if view.is_mirrored else left
    x, y = view.points([first, top])
    codes, limits = {}, {}
    for name, values in images.items():
        limits[name] = _limits(values)
        codes[name] = _coded(values, *limits[name])
    step = (stride_x * spacing[0], stride_y * spacing[1])
    return Overlay((float(x), float(y)), step, codes, limits, np.nan_to_num(segment).astype(np.uint8))


def decoded(overlay: Overlay, name: str) -> Array:
    """The values [T, h, w] of the codes of a quantity; NaN where they are unknown."""
    codes = overlay.codes[name].astype(np.float64)
    low, high = overlay.limits[name]
    return np.where(codes > 0, low + (codes - 1) / _LEVELS * (high - low), np.nan)


def _range(index: Array) -> tuple[int, int]:
    """First index and the one after the last, with a margin; they may lie outside the slice."""
    return (int(index.min()) - _MARGIN, int(index.max()) + _MARGIN + 1) if index.size else (0, 1)


def _nearest_segment(strain: SliceStrain, points: Array) -> Array:
    """Segment number of material points (x, y) [2, P] in pixels: that of the nearest pixel with a segment."""
    labels = np.asarray(strain.segment)
    if not labels.any():
        return np.zeros(points.shape[1], dtype=np.float32)
    nearest = ndimage.distance_transform_edt(labels == 0, return_distances=False, return_indices=True)
    filled = labels[tuple(nearest)]
    column, row = (
        np.clip(np.rint(axis).astype(int), 0, size - 1) for axis, size in zip(points, labels.shape[::-1], strict=True)
    )
    return np.asarray(filled[row, column], dtype=np.float32)


def _extended(images: Mapping[str, Array], segment: Array) -> tuple[dict[str, Array], Array]:
    """Images [T, h, w] with the nearest known value in a narrow strip around the known ones."""
    extended = {name: image.copy() for name, image in images.items()}
    wider = segment.copy()
    for frame in range(len(segment)):
        known = np.isfinite(segment[frame])
        if not known.any():
            continue
        distance, (row, column) = ndimage.distance_transform_edt(~known, return_indices=True)
        strip = ~known & (distance <= _EXTENSION)
        source = row[strip], column[strip]
        wider[frame][strip] = segment[frame][source]
        for image in extended.values():
            image[frame][strip] = image[frame][source]
    return extended, wider


def _limits(values: Array) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    if not finite.size or finite.min() == finite.max():
        return (float(finite[0]), float(finite[0]) + 1.0) if finite.size else (0.0, 1.0)
    return float(finite.min()), float(finite.max())


def _coded(values: Array, low: float, high: float) -> Array:
    share = np.clip((values - low) / (high - low), 0, 1)
    return np.where(np.isfinite(values), 1 + np.rint(_LEVELS * np.nan_to_num(share)), 0).astype(np.uint8)
