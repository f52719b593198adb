"""displacement/frame_NNN.nrrd: the motion as vector images that ITK reads as displacement fields.

Each holds u(X) = φ(X) − X of one frame at the reference frame's pixels, three components in LPS mm, finite
everywhere.
It carries points of the reference frame to that frame: an ITK DisplacementFieldTransform made of it does so
too.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from LaMoDCore.case import StrainResult
from LaMoDCore.io.nrrd_file import format_vector, write_nrrd
from LaMoDCore.io.results.stack import volumes_of

FOLDER = "displacement"


def write_displacement(result: StrainResult, folder: Path) -> list[str]:
    """Write one vector image a frame (and slice, where they form no stack); returns the files' names."""
    (folder / FOLDER).mkdir()
    names = []
    for volume in volumes_of(result.case):
        slices = [
            result.case.slices[z].grid.vectors_to_lps(np.moveaxis(result.motion.slices[z].displacement_mm, 1, -1))
            for z in volume.slices
        ]
        vectors = np.stack(slices, axis=1).astype(np.float32)  # [T, Z, H, W, 3]
        directions = " ".join(format_vector(volume.ijk_to_lps[:3, axis]) for axis in range(3))
        fields = [
            "space: left-posterior-superior",
            f"space directions: none {directions}",
            "kinds: vector domain domain domain",
            f"space origin: {format_vector(volume.ijk_to_lps[:3, 3])}",
        ]
        for frame, image in enumerate(vectors):
            name = f"{FOLDER}/frame_{frame:03d}{volume.suffix}.nrrd"
            write_nrrd(folder / name, image, fields, {"units": "mm", "vector space": "LPS"})
            names.append(name)
    return names
