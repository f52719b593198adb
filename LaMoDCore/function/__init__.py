"""Left-ventricular function from short-axis masks: volumes, ejection fraction, mass, wall thickness."""

from __future__ import annotations

from LaMoDCore.function.thickness import SegmentThickness, wall_thickness
from LaMoDCore.function.ventricle import ventricle_of, whole_ventricle
from LaMoDCore.function.volumes import LVFunction, left_ventricular_function, volume_curve
from LaMoDCore.heart.ventricle import VentricleSlice

__all__ = [
    "LVFunction",
    "SegmentThickness",
    "VentricleSlice",
    "left_ventricular_function",
    "ventricle_of",
    "volume_curve",
    "wall_thickness",
    "whole_ventricle",
]
