"""Contours that touch: endocardium and epicardium, or opposite walls that split the cavity."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from LaMoDCore.contours.checks.places import cavity_parts_of, places_of
from LaMoDCore.contours.findings import Fault, Finding, Light, finding
from LaMoDCore.heart.cycle.shapes import SliceShapes
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.shape import RingShape

#: Shorter stretches of a wall one pixel thick are staircase artefacts of rasterisation.
MIN_LENGTH_MM = 4.0


def check_walls_touch(drawn: SliceShapes) -> list[Finding]:
    found = []
    for t, shape in enumerate(drawn.shapes):
        if len(shape.cavity_parts) > 1:
            parts = len(shape.cavity_parts)
            text = f"Opposite walls touch and split the cavity into {parts} parts."
            places = places_of(drawn, shape, _between_parts(shape))
            found.append(finding(drawn, Fault.WALLS_TOUCH, Light.LOOK, t, text, parts, 2, "parts", places))
            continue
        length = shape.touching_pixels * float(np.mean(shape.spacing_mm))
        if length >= MIN_LENGTH_MM:
            text = f"Endocardium and epicardium touch: the wall is a single pixel thick over {length:.0f} mm."
            places = places_of(drawn, shape, [shape.touching_region])
            found.append(finding(drawn, Fault.WALLS_TOUCH, Light.LOOK, t, text, length, MIN_LENGTH_MM, "mm", places))
    return found


def _between_parts(shape: RingShape) -> list[Array]:
    """The nearest pixels of the largest part of the cavity and of each other part, bool [H, W] each."""
    largest, *others = cavity_parts_of(shape)
    nearest = ndimage.distance_transform_edt(~largest, return_distances=True, return_indices=True)
    distances, indices = nearest
    found = []
    for part in others:
        row, column = np.unravel_index(int(np.argmin(np.where(part, distances, np.inf))), part.shape)
        region = np.zeros_like(part)
        region[row, column] = region[tuple(indices[:, row, column])] = True
        found.append(region)
    return found
