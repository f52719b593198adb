"""Read a file or folder of any supported format as frame stacks; the first bytes determine the format."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.io.dicom.file import is_dicom_file
from LaMoDCore.io.dicom.reader import read_dicom
from LaMoDCore.io.dicom.series import DicomSeries, find_series
from LaMoDCore.io.files.other_kinds import other_kind
from LaMoDCore.io.files.volume_times import times_of_volumes, with_sidecar_times, with_volume_times
from LaMoDCore.io.images.frame_stack import FrameStack
from LaMoDCore.io.images.meta_image import read_meta_image
from LaMoDCore.io.images.natural_order import natural_key
from LaMoDCore.io.images.nifti import is_nifti, read_nifti
from LaMoDCore.io.images.planes import with_slice_axis
from LaMoDCore.io.images.segment_nrrd import SEGMENTS_KEY, on_one_grid
from LaMoDCore.io.images.seq_nrrd import read_seq_nrrd
from LaMoDCore.io.images.stated_geometry import without_false_position
from LaMoDCore.runtime.bounded_reads import check_size, is_gzip, read_start
from LaMoDCore.runtime.errors import LaMoDInputError

#: File types of a folder with one volume per frame.
VOLUME_SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")
_FORMATS = "NIfTI (.nii, .nii.gz), NRRD (.nrrd, .seq.nrrd), MetaImage (.mha, .mhd) or DICOM"


def read_images(
    path: str | Path, planes: Sequence[SliceGrid] = (), pictures: Sequence[DicomSeries] = ()
) -> tuple[FrameStack, ...]:
    """Read a file or folder: one stack, or for DICOM one stack per slice position.

    Args:
        path: file or folder.
        planes: in a DICOM study, only slices near these planes are decoded; all by default.
        pictures: DICOM series elsewhere to which a segmentation may refer, as from `dicom_series`.

    Raises:
        LaMoDInputError: nothing can be used.
    """
    path = Path(path)
    try:
        if not path.exists():
            raise LaMoDInputError(path, "there is no such file or folder", "check the path")
        if path.is_dir():
            return _read_folder(path, planes, pictures)
        if is_dicom_file(path):
            return read_dicom([path], planes, pictures)
        return (_placed(with_sidecar_times(read_file_stack(path), path)),)
    except (OSError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise LaMoDInputError(path, f"it cannot be read ({reason})", "check the file and the disk") from error


def _placed(stack: FrameStack) -> FrameStack:
    return without_false_position(with_slice_axis(stack))


def read_file_stack(path: Path) -> FrameStack:
    """Read one file that is not DICOM."""
    head = read_start(path, 352)
    name = path.name.lower()
    if head.startswith(b"NRRD"):
        return read_seq_nrrd(path)
    kind = other_kind(path)
    if kind is not None:
        raise LaMoDInputError(path, kind.what, kind.remedy)
    if is_gzip(head) or is_nifti(head):
        return read_nifti(path)
    if name.endswith((".nrrd", ".nhdr")):
        return read_seq_nrrd(path)
    if name.endswith((".nii", ".nii.gz")):
        return read_nifti(path)
    if name.endswith((".mha", ".mhd")):
        return read_meta_image(path)
    raise LaMoDInputError(path, "it is not an image that LaMoD reads", f"use {_FORMATS}")


def _read_folder(path: Path, planes: Sequence[SliceGrid], pictures: Sequence[DicomSeries]) -> tuple[FrameStack, ...]:
    files = sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith("."))
    volumes = [p for p in files if p.name.lower().endswith(VOLUME_SUFFIXES)]
    if volumes:
        return (_placed(_volumes_as_frames(path, sorted(volumes, key=natural_key))),)
    dicom = dicom_files(path)
    if not dicom:
        raise _without_images(path, files)
    return read_dicom(dicom, planes, pictures)


def _without_images(folder: Path, files: Sequence[Path]) -> LaMoDInputError:
    """The error for a folder without images: it names the first file of a known other kind."""
    for file in files:
        kind = other_kind(file)
        if kind is not None:
            what = kind.what.removeprefix("it is ").removeprefix("it contains ").removeprefix("the file is ")
            return LaMoDInputError(folder, f"there is no image in this folder ({file.name}: {what})", kind.remedy)
    return LaMoDInputError(folder, "there is no image in this folder", f"use {_FORMATS}")


def dicom_files(path: Path) -> list[Path]:
    """Every DICOM file in a folder and its subfolders, or the file itself."""
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    return [p for p in files if p.is_file() and is_dicom_file(p)]


def dicom_series(paths: Sequence[Path]) -> tuple[DicomSeries, ...]:
    """The series of the DICOM files in files and folders; their headers are read, not their images."""
    return find_series([file for path in paths if path.exists() for file in dicom_files(path)])[0]


def is_dicom(path: Path) -> bool:
    """Whether a file is DICOM, or a folder contains DICOM and no other volumes."""
    if not path.is_dir():
        return is_dicom_file(path)
    named = [p for p in path.iterdir() if p.name.lower().endswith(VOLUME_SUFFIXES)]
    return not named and bool(dicom_files(path))


def _volumes_as_frames(folder: Path, files: list[Path]) -> FrameStack:
    stacks = [read_file_stack(file) for file in files]
    files, stacks, notes = _segmentations_only(folder, files, stacks)
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
    joined = FrameStack(
        name=folder.name,
        frames=np.concatenate([stack.frames for stack in stacks]),
        ijk_to_lps=first.ijk_to_lps,
        has_orientation=first.has_orientation,
        metadata=first.metadata,
        other_ijk_to_lps=first.other_ijk_to_lps,
        transform_names=first.transform_names,
        notes=tuple(dict.fromkeys(replace(each, source=folder.name) for stack in stacks for each in stack.notes))
        + notes,
    )
    return with_volume_times(joined, times_of_volumes(files, folder.name))


def _segmentations_only(
    folder: Path, files: list[Path], stacks: list[FrameStack]
) -> tuple[list[Path], list[FrameStack], tuple[Note, ...]]:
    """If there are segmentations of Slicer: these on one grid, without the images next to them, which a note counts."""
    kept = [k for k, stack in enumerate(stacks) if SEGMENTS_KEY in stack.metadata]
    if not kept:
        return files, stacks, ()
    chosen = [files[k] for k in kept]
    left_out = len(files) - len(kept)
    text = f"{left_out} image file(s) next to the segmentations were left out."
    notes = (note("files_left_out", text, source=folder.name),) if left_out else ()
    return chosen, on_one_grid([stacks[k] for k in kept], chosen), notes


def _size(stack: FrameStack) -> str:
    return " × ".join(str(s) for s in stack.frames.shape[:0:-1])


def same_affine(first: Array, second: Array, tolerance_mm: float = 1e-2) -> bool:
    """Whether two affines agree, over a few hundred pixels."""
    return bool(
        np.allclose(first[:3, 3], second[:3, 3], atol=tolerance_mm)
        and np.allclose(first[:3, :3], second[:3, :3], atol=tolerance_mm / 256)
    )
