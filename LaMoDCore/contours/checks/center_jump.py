"""Contours whose centre differs from the frames before and after, or from the slices above and below."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from LaMoDCore.contours.findings import Fault, Finding, Light, finding
from LaMoDCore.heart.cycle.shapes import SliceShapes, expected_from_neighbours

#: A jump of 4 mm is a fault. The centre of a mask is accurate to a fraction of a pixel and the heart itself moves, so
#: the limit is slightly lower.
JUMP_MM = 4.0
LIMIT_MM = 0.85 * JUMP_MM


def check_center_jump(drawn: SliceShapes) -> list[Finding]:
    centers = drawn.measure("center_mm")
    jump = np.linalg.norm(centers - expected_from_neighbours(centers, drawn.closes), axis=1)
    return [
        finding(
            drawn,
            Fault.CENTER_JUMP,
            Light.LOOK,
            t,
            f"The centre of the ring is {jump[t]:.1f} mm away from its position in the frames before and after.",
            jump[t],
            LIMIT_MM,
            "mm",
        )
        for t in np.flatnonzero(jump >= LIMIT_MM)
    ]


def check_center_along_heart(slices: Sequence[SliceShapes]) -> list[Finding]:
    """Compare each slice's centre at end-diastole with the line between the centres above and below it, in LPS mm.

    One finding per slice, at end-diastole: a slice scanned in another breath-hold is shifted in every frame.
    """
    centers = [_center_lps(drawn) for drawn in slices]
    found = []
    for above, drawn, below in zip(range(len(slices)), slices[1:-1], range(2, len(slices)), strict=False):
        here, first, last = centers[above + 1], centers[above], centers[below]
        normal = drawn.slice.grid.normal
        first_depth, last_depth, depth = first @ normal, last @ normal, here @ normal
        if not np.isfinite([first_depth, last_depth, depth]).all() or abs(last_depth - first_depth) < 1e-6:
            continue
        share = np.clip((depth - first_depth) / (last_depth - first_depth), 0.0, 1.0)
        jump = float(np.linalg.norm((np.eye(3) - np.outer(normal, normal)) @ (here - first - share * (last - first))))
        if jump >= JUMP_MM:
            text = f"The centre of the ring is {jump:.1f} mm off the line between the slices above and below."
            frame = drawn.reference_frame
            found.append(finding(drawn, Fault.CENTER_JUMP, Light.LOOK, frame, text, jump, JUMP_MM, "mm"))
    return found


def _center_lps(drawn: SliceShapes) -> np.ndarray:
    center = drawn.measure("center_mm")[drawn.reference_frame]
    return drawn.slice.grid.pixel_to_lps(center / np.array(drawn.slice.grid.spacing_mm))
