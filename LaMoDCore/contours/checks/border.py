"""Contours that reach the border of the image, which cuts off part of the heart."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from LaMoDCore.contours.checks.places import places_of
from LaMoDCore.contours.findings import Fault, Finding, Light, finding
from LaMoDCore.heart.cycle.shapes import SliceShapes
from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.shape import RingShape


def check_border(drawn: SliceShapes) -> list[Finding]:
    text = "The myocardium touches the border of the image."
    return [
        finding(drawn, Fault.BORDER, Light.REPAIR, t, text, 0, 1, "px", places_of(drawn, shape, _cut(drawn, shape)))
        for t, shape in enumerate(drawn.shapes)
        if shape.touches_border
    ]


def _cut(drawn: SliceShapes, shape: RingShape) -> list[Array]:
    """The runs of drawn pixels on the image's edge, bool [H, W] each."""
    rows, columns = np.indices(shape.mask.shape)
    y, x = rows + shape.corner_xy[1], columns + shape.corner_xy[0]
    height, width = drawn.slice.grid.shape
    edge = shape.mask & ((x == 0) | (y == 0) | (x == width - 1) | (y == height - 1))
    labels, count = ndimage.label(edge, structure=np.ones((3, 3), dtype=bool))
    return [labels == 1 + i for i in range(count)]
