"""Strain from motion: the deformation gradient, Green–Lagrange strain, segments, curves and indices."""

from LaMoDCore.strain.analysis import end_systole, slice_strain
from LaMoDCore.strain.gradient import GradientOperator, gradient_operator
from LaMoDCore.strain.quality import quality_notes
from LaMoDCore.strain.segments import SegmentMap, label_segments
from LaMoDCore.strain.summary import summarise
from LaMoDCore.strain.tensor import StrainFields, compute_strain

__all__ = [
    "GradientOperator",
    "SegmentMap",
    "StrainFields",
    "compute_strain",
    "end_systole",
    "gradient_operator",
    "label_segments",
    "quality_notes",
    "slice_strain",
    "summarise",
]
