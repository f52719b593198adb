"""Read a file or folder of any supported format as frame stacks; the first bytes determine the format."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.io.dicom.file import is_dicom_file
from LaMoDCore.io.dicom.reader import read_dicom
from LaMoDCore.io.images.frame_stack import FrameStack
from LaMoDCore.io.images.meta_image import read_meta_image
from LaMoDCore.io.images.nifti import read_nifti
from LaMoDCore.io.images.planes import with_slice_axis
from LaMoDCore.io.images.seq_nrrd import read_seq_nrrd
from LaMoDCore.runtime.bounded_reads import check_size
from LaMoDCore.runtime.errors import LaMoDInputError

#: File types of a folder with one volume per frame.
VOLUME_SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")
_FORMATS = "NIfTI (.nii, .nii.gz), NRRD (.nrrd, .seq.nrrd), MetaImage (.mha, .mhd) or DICOM"


def read_images(path: str | Path, planes: Sequence[SliceGrid] = ()) -> tuple[FrameStack, ...]:
    """Read a file or folder: one stack, or for DICOM one stack per slice position.

    Args:
        path: file or folder.
        planes: in a DICOM study, only slices near these planes are decoded; all by default.

    Raises:
        LaMoDInputError: nothing can be used.
    """
    path = Path(path)
    try:
        if not path.exists():
            raise LaMoDInputError(path, "there is no such file or folder", "check the path")
        if path.is_dir():
            return _read_folder(path, planes)
        return (with_slice_axis(read_file_stack(path)),) if not is_dicom_file(path) else read_dicom([path], planes)
    except (OSError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise LaMoDInputError(path, f"it cannot be read ({reason})", "check the file and the disk") from error


def read_file_stack(path: Path) -> FrameStack:
    """Read one file that is not DICOM."""
    with path.open("rb") as handle:
        head = handle.read(352)
    name = path.name.lower()
    if head.startswith(b"NRRD"):
        return read_seq_nrrd(path)
    if head[:2] == b"\x1f\x8b" or head[:4] in (
        b"\x5c\x01\0\0",
        b"\0\0\x01\x5c",
        b"\x1c\x02\0\0",
        b"\0\0\x02\x1c",
    ):
        return read_nifti(path)
    if name.endswith((".nrrd", ".nhdr")):
        return read_seq_nrrd(path)
    if name.endswith((".nii", ".nii.gz")):
        return read_nifti(path)
    if name.endswith((".mha", ".mhd")):
        return read_meta_image(path)
    raise LaMoDInputError(path, "it is not an image that LaMoD reads", f"use {_FORMATS}")


def _read_folder(path: Path, planes: Sequence[SliceGrid]) -> tuple[FrameStack, ...]:
    files = sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith("."))
    volumes = [p for p in files if p.name.lower().endswith(VOLUME_SUFFIXES)]
    if volumes:
        return (with_slice_axis(_volumes_as_frames(path, sorted(volumes, key=natural_key))),)
    dicom = dicom_files(path)
    if not dicom:
        raise LaMoDInputError(path, "there is no image in this folder", f"use {_FORMATS}")
    return read_dicom(dicom, planes)


def dicom_files(path: Path) -> list[Path]:
    """Every DICOM file in a folder and its subfolders, or the file itself."""
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    return [p for p in files if p.is_file() and is_dicom_file(p)]


def is_dicom(path: Path) -> bool:
    """Whether a file is DICOM, or a folder contains DICOM and no other volumes."""
    if not path.is_dir():
        return is_dicom_file(path)
    named = [p for p in path.iterdir() if p.name.lower().endswith(VOLUME_SUFFIXES)]
    return not named and bool(dicom_files(path))


def natural_key(path: Path) -> tuple[tuple[int, int, str], ...]:
    """Sort key that puts frame 2 before frame 10."""
    parts = re.findall(r"\d+|\D+", path.name)
    return tuple((0, int(p), "") if p.isdigit() else (1, 0, p) for p in parts)


def _volumes_as_frames(folder: Path, files: list[Path]) -> FrameStack:
    stacks = [read_file_stack(file) for file in files]
    first = stacks[0]
    total = 0
    for file, stack in zip(files, stacks, strict=True):
        if stack.frames.shape[0] != 1:
            raise LaMoDInputError(
                file,
                f"it has {stack.frames.shape[0]} frames, in a folder that should have one volume per frame",
                "name the 4-D files instead of the folder",
            )
        if stack.frames.shape != first.frames.shape:
            raise LaMoDInputError(
                file,
                f"it is {_size(stack)} and {files[0].name} is {_size(first)}",
                "give every frame the same grid, and only the frames to the folder",
            )
        if not same_affine(stack.ijk_to_lps, first.ijk_to_lps):
            raise LaMoDInputError(
                file, f"its position differs from that of {files[0].name}", "give every frame the same grid"
            )
        total += stack.frames.nbytes
        check_size(folder, total)
    return FrameStack(
        name=folder.name,
        frames=np.concatenate([stack.frames for stack in stacks]),
        ijk_to_lps=first.ijk_to_lps,
        has_orientation=first.has_orientation,
        metadata=first.metadata,
        notes=tuple(dict.fromkeys(replace(note, source=folder.name) for stack in stacks for note in stack.notes)),
    )


def _size(stack: FrameStack) -> str:
    return " × ".join(str(s) for s in stack.frames.shape[:0:-1])


def same_affine(first: Array, second: Array, tolerance_mm: float = 1e-2) -> bool:
    """Whether two affines agree, over a few hundred pixels."""
    return bool(
        np.allclose(first[:3, 3], second[:3, 3], atol=tolerance_mm)
        and np.allclose(first[:3, :3], second[:3, :3], atol=tolerance_mm / 256)
    )
