"""displacement/frame_NNN.nrrd: the motion as vector images that ITK reads as displacement fields.

Each holds u(X) = φ(X) − X of one frame at the reference frame's pixels, three components in LPS mm, finite
everywhere.
It carries points of the reference frame to that frame: an ITK DisplacementFieldTransform made of it does so
too.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from LaMoDCore.heart.case import StrainResult
from LaMoDCore.heart.geometry import Array
from LaMoDCore.io.images.nrrd import format_vector, write_nrrd
from LaMoDCore.io.results.stack import volumes_of

FOLDER = "displacement"


def write_displacement(result: StrainResult, folder: Path) -> list[str]:
    """Write one vector image a frame (and slice, where they form no stack); returns the files' names."""
    (folder / FOLDER).mkdir()
    names = []
    for volume in volumes_of(result.case):
        directions = " ".join(format_vector(volume.ijk_to_lps[:3, axis]) for axis in range(3))
        fields = [
            "space: left-posterior-superior",
            f"space directions: none {directions}",
            "kinds: vector domain domain domain",
            f"space origin: {format_vector(volume.ijk_to_lps[:3, 3])}",
        ]
        for frame in range(result.case.frames):
            slices = [_vectors_lps(result, z, frame) for z in volume.slices]
            image = np.stack(slices).astype(np.float32)  # [Z, H, W, 3]
            name = f"{FOLDER}/frame_{frame:03d}{volume.suffix}.nrrd"
            write_nrrd(folder / name, image, fields, {"units": "mm", "vector space": "LPS"})
            names.append(name)
    return names


def _vectors_lps(result: StrainResult, index: int, frame: int) -> Array:
    """u of one slice and frame, [H, W, 3] in LPS mm."""
    displacement = result.motion.slices[index].displacement_mm[frame]
    return result.case.slices[index].grid.vectors_to_lps(np.moveaxis(displacement, 0, -1))
