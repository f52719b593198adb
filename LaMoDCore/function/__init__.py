"""Left-ventricular function from short-axis masks: volumes, ejection fraction, mass, wall thickness."""

from __future__ import annotations

from LaMoDCore.function.thickness import SegmentThickness, wall_thickness
from LaMoDCore.function.ventricle import VentricleSlice, ventricle_of
from LaMoDCore.function.volumes import LVFunction, left_ventricular_function, volume_curve

__all__ = [
    "LVFunction",
    "SegmentThickness",
    "VentricleSlice",
    "left_ventricular_function",
    "ventricle_of",
    "volume_curve",
    "wall_thickness",
]
