import numpy as np

from LaMoDSlicerLib.Display.MaterialMotion import MaterialMotion


class MaterialPoints:
    """Points of the wall at end-diastole, evenly spread."""

    @staticmethod
    def spread(motion: MaterialMotion, k: int, spacingMm: float) -> np.ndarray:
        """int [N, 2] (column, row): the wall pixels of slice k that are nearest to a grid of the wanted spacing."""
        rows, columns = np.nonzero(motion.myocardium[k])
        cells = np.column_stack([columns, rows]) * motion.spacingMm(k) / spacingMm
        cell, offset = np.floor(cells), np.abs(cells - np.floor(cells) - 0.5).max(axis=1)
        nearestFirst = np.argsort(offset, kind="stable")
        _, first = np.unique(cell[nearestFirst], axis=0, return_index=True)
        chosen = nearestFirst[first]
        return np.column_stack([columns[chosen], rows[chosen]])
