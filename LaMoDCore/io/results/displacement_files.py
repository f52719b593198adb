"""displacement/frame_NNN.nrrd: the motion as vector images that ITK reads as displacement fields.

Each holds u(X) = φ(X) − X of one frame at the pixels of the reference frame: three components in LPS mm, finite
everywhere. An ITK DisplacementFieldTransform made of it carries points of the reference frame to that frame.
Where the slices do not form one regular stack, the files are ``frame_NNN_sliceN.nrrd``, slices counted from 1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from LaMoDCore.heart.case import StrainResult
from LaMoDCore.heart.geometry import Array
from LaMoDCore.io.images.nrrd import affine_of, format_vector, parse_header, read_voxels, write_nrrd
from LaMoDCore.io.results.stack import volumes_of
from LaMoDCore.runtime.bounded_reads import read_file
from LaMoDCore.runtime.errors import LaMoDInputError

FOLDER = "displacement"
_NAME = re.compile(r"frame_(\d{3,})(?:_slice(\d+))?\.nrrd")


@dataclass(frozen=True, eq=False)
class DisplacementVolume:
    """The displacement of all slices that share one file per frame.

    Attributes:
        displacement_mm: float32 [T, Z, H, W, 3] LPS.
        ijk_to_lps: [4, 4].
        slice: counted from 1; None for the volume of all slices.
    """

    displacement_mm: Array
    ijk_to_lps: Array
    slice: int | None = None


def write_displacement(result: StrainResult, folder: Path) -> list[str]:
    """Write one vector image per frame (and per slice, if they do not form a stack); returns the names of the files."""
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
            write_nrrd(folder / name, image, fields, {"units": "mm", "vector space": "LPS"}, runs_only=True)
            names.append(name)
    return names


def read_displacement(folder: str | Path) -> tuple[DisplacementVolume, ...]:
    """Read what `write_displacement` wrote.

    Args:
        folder: the result's folder, which contains the folder ``displacement``.

    Returns:
        One volume, or one per slice in the slices' order; none where the folder ``displacement`` does not exist.

    Raises:
        LaMoDInputError: a frame is missing or damaged.
    """
    home = Path(folder) / FOLDER
    found: dict[int, dict[int, Path]] = {}
    for path in sorted(home.glob("frame_*.nrrd")):
        name = _NAME.fullmatch(path.name)
        if name:
            found.setdefault(int(name[2] or 0), {})[int(name[1])] = path
    return tuple(_read_volume(frames, number or None) for number, frames in sorted(found.items()))


def _read_volume(frames: dict[int, Path], number: int | None) -> DisplacementVolume:
    images = []
    affine = np.eye(4)
    for frame in range(len(frames)):
        if frame not in frames:
            raise LaMoDInputError(next(iter(frames.values())).parent, f"frame {frame} is missing", "predict again")
        path = frames[frame]
        data = read_file(path)
        header = parse_header(data, path)
        if len(header.sizes) != 4 or header.sizes[0] != 3:
            raise LaMoDInputError(path, "it is not an image of three-component vectors", "predict again")
        affine, _ = affine_of(header, (1, 2, 3), path)
        images.append(read_voxels(header, data, path))
        if images[-1].shape != images[0].shape:
            raise LaMoDInputError(path, "its size differs from that of the other frames", "predict again")
    return DisplacementVolume(np.stack(images), affine, number)


def _vectors_lps(result: StrainResult, index: int, frame: int) -> Array:
    """u of one slice and frame, [H, W, 3] in LPS mm."""
    displacement = result.motion.slices[index].displacement_at(frame)
    return result.case.slices[index].grid.vectors_to_lps(np.moveaxis(displacement, 0, -1))
