"""Strain pixel by pixel and frame by frame: the slow reference implementation for tests and benchmarks."""

from __future__ import annotations

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.strain.frame import ventricle_center


def strain_reference(
    displacement_mm: Array, myocardium: Array, spacing_mm: tuple[float, float], radius_mm: float = 8.0
) -> tuple[Array, Array]:
    """Compute Ecc and Err [T, H, W] by one cubic least-squares fit for every pixel of every frame.

    Args:
        displacement_mm: [T, 2, H, W].
        myocardium: bool [H, W]; every neighbourhood must have enough pixels for a cubic.
        spacing_mm: (dx, dy).
        radius_mm: radius of the neighbourhood.
    """
    dx, dy = spacing_mm
    rows, columns = np.nonzero(myocardium)
    x, y = columns * dx, rows * dy
    center = np.array(ventricle_center(myocardium)) * spacing_mm
    shape = (len(displacement_mm), *myocardium.shape)
    ecc, err = np.full(shape, np.nan), np.full(shape, np.nan)
    for frame, field in enumerate(displacement_mm):
        for row, column in zip(rows, columns, strict=True):
            px, py = x - column * dx, y - row * dy
            near = px**2 + py**2 <= radius_mm**2
            px, py = px[near], py[near]
            basis = np.stack([px**i * py**j for i in range(4) for j in range(4 - i)], axis=1)
            values = field[:, rows[near], columns[near]].T
            fit = np.linalg.lstsq(basis, values, rcond=None)[0]
            gradient = np.eye(2) + np.stack((fit[4], fit[1]), axis=1)  # rows 4 and 1: x¹y⁰ and x⁰y¹
            strain = 0.5 * (gradient.T @ gradient - np.eye(2))
            radial = np.array([column * dx, row * dy]) - center
            radial /= np.linalg.norm(radial)
            across = np.array([radial[1], -radial[0]])
            ecc[frame, row, column] = across @ strain @ across
            err[frame, row, column] = radial @ strain @ radial
    return ecc, err
