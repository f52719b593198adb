"""Cine DENSE: unwrap phase images and compute Lagrangian displacement of the myocardium.

    images = read_dense("scan.dns")[0]
    motion = analyse_dense(images)
    motion.displacement_mm     # [T + 1, 2, H, W] mm, frame 0 is the encoding instant

Reading (`read_dense`) and analysis (`analyse_dense`) are separate, so simulated images are analysed like scans.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from LaMoDCore.runtime.lazy import lazy_exports

if TYPE_CHECKING:
    from LaMoDCore.dense.analysis import DenseMotion, DenseOptions, analyse_dense
    from LaMoDCore.io.dense.images import DenseImages
    from LaMoDCore.io.dense.reader import read_dense

__all__ = ["DenseImages", "DenseMotion", "DenseOptions", "analyse_dense", "read_dense"]

__getattr__ = lazy_exports(
    __name__,
    {
        "DenseImages": "LaMoDCore.io.dense.images",
        "DenseMotion": "LaMoDCore.dense.analysis",
        "DenseOptions": "LaMoDCore.dense.analysis",
        "analyse_dense": "LaMoDCore.dense.analysis",
        "read_dense": "LaMoDCore.io.dense.reader",
    },
)
