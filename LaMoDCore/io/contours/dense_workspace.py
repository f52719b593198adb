"""Read the contours of a DENSEanalysis workspace (.dns)."""

from __future__ import annotations

from pathlib import Path

from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.ring.mask import cavity
from LaMoDCore.io.dense.workspace import read_workspace
from LaMoDCore.runtime.errors import LaMoDInputError


def read_workspace_contours(path: str | Path) -> tuple[CineSlice, ...]:
    """Read every short-axis slice with contours; its magnitude images are used as the cine.

    Raises:
        LaMoDInputError: it is not a workspace, or has no contours.
    """
    import numpy as np

    slices = []
    for images in read_workspace(Path(path)):
        if images.myocardium is None:
            continue
        slices.append(
            CineSlice(
                name=images.name,
                grid=images.grid,
                myocardium=images.myocardium,
                frame_times_ms=images.frame_times_ms,
                rr_ms=images.rr_ms,
                level=images.level,
                cavity=np.stack([cavity(plane) for plane in images.myocardium]),
                cine=images.magnitude,
            )
        )
    if not slices:
        raise LaMoDInputError(path, "the workspace contains no contours", "draw them in DENSEanalysis, or give masks")
    return tuple(slices)
