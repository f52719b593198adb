"""A few numbers of a cohort that change when the generator does, to protect frozen cohorts."""

from __future__ import annotations

import numpy as np

from LaMoDCore.phantom.cohort.build import plane_cases
from LaMoDCore.phantom.cohort.recipe import CohortRecipe


def fingerprint(recipe: CohortRecipe, subjects: int = 7) -> dict[str, list[float]]:
    """Anatomy, motion and drawn masks of the first subjects, one entry per subject, rounded to 4 digits.

    Returns:
        wall_mm2: area of the second plane's wall at end-diastole, mm².
        displacement_mm: mean |u| at mid-wall at end-systole.
        ecc: mean circumferential strain at mid-wall at end-systole.
        rotation_deg: epicardial rotation at end-systole.
        drawn_px: pixels of the (last) case's drawn masks over all frames.
    """
    theta = np.arange(90) * 2 * np.pi / 90
    rows = []
    for index in range(min(subjects, recipe.count)):
        plane = recipe.subject(index).slices()[1]
        drawn = plane_cases(recipe, index, 1, plane, "case")[-1].masks
        endo, epi = plane.parameters.shape.endo(theta), plane.parameters.shape.epi(theta)
        middle = 0.5 * (endo + epi)
        xy = np.stack([middle * np.cos(theta), -middle * np.sin(theta)], -1)
        phase = [plane.subject.timing.end_systole]
        moved = plane.displacement_mm(phase, xy)[0]
        rows.append(
            (
                np.pi * float(np.mean(epi**2 - endo**2)),
                float(np.linalg.norm(moved, axis=-1).mean()),
                float(plane.strain(phase, xy).ecc.mean()),
                plane.parameters.rotation_epi_deg,
                float(drawn.sum()),
            )
        )
    names = ("wall_mm2", "displacement_mm", "ecc", "rotation_deg", "drawn_px")
    return {name: [round(row[k], 4) for row in rows] for k, name in enumerate(names)}
