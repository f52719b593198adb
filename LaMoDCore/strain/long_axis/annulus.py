"""Motion of the annulus along the long axis."""

from __future__ import annotations

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.long_axis.view import LongAxisView


def annulus_displacement_mm(view: LongAxisView, reference: int) -> Array:
    """Displacement of both annulus points towards the apex, along the long axis of the reference frame: [2, T] mm."""
    middle, apex = view.annulus_mm[reference].mean(axis=0), view.apex_mm[reference]
    axis = (apex - middle) / np.linalg.norm(apex - middle)
    return np.asarray(((view.annulus_mm - view.annulus_mm[reference]) @ axis).T)


def mapse_mm(view: LongAxisView, reference: int) -> Array:
    """[2]: largest displacement of each annulus point towards the apex (mitral annular plane systolic excursion)."""
    return np.asarray(annulus_displacement_mm(view, reference).max(axis=1))
