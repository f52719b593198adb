"""The DENSE slices of one person: images with or without contours, or cases that were analysed earlier."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from LaMoDCore.dense.output import DENSE_CONVENTION, is_dense_case
from LaMoDCore.heart.contour_convention import ContourConvention
from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.heart.notes import Note, note
from LaMoDCore.io.dataset.folder import DatasetCase, read_case_folder
from LaMoDCore.io.dense.arrays import read_arrays, split_reference
from LaMoDCore.io.dense.dicom import read_dense_slices
from LaMoDCore.io.dense.images import DenseImages
from LaMoDCore.io.dense.workspace import read_workspace
from LaMoDCore.io.dicom.file import parsing_dicom, read_dataset
from LaMoDCore.io.files.image_file import read_images
from LaMoDCore.io.files.labels import LabelMap, integer_labels, meaning_of_labels, parse_labels
from LaMoDCore.io.images.frame_stack import FrameStack
from LaMoDCore.io.images.planes import same_pixels
from LaMoDCore.pairing.cine_side import GIVEN, single_slices
from LaMoDCore.pairing.contents import Contents
from LaMoDCore.runtime.errors import LaMoDInputError

#: Masks whose plane differs from that of the images by less than this were drawn on them.
_SAME_PLANE_MM = 0.5
_ELSEWHERE = "it is in another frame of reference than the cine"
_SEGMENTATION_CLASSES = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")


@dataclass(frozen=True)
class DenseOptions:
    """How DENSE images are read.

    Attributes:
        ke: effective encoding frequency in cycles/mm; overrides the data.
        frame_ms: duration of a frame; overrides the data.
        rr_ms: R–R interval; overrides the data.
        labels: meaning of the labels in masks; identified by topology if None.
        contour_convention: convention of all contours; None for that of the cases, else tissue for contours that were
            drawn on DENSE images and auto for those of other cases.
    """

    ke: float | None = None
    frame_ms: float | None = None
    rr_ms: float | None = None
    labels: str | None = None
    contour_convention: ContourConvention | None = None

    def convention_of(self, case: DatasetCase | None = None) -> ContourConvention:
        """The convention of the contours of a case that was analysed earlier, or of new images."""
        if self.contour_convention is not None:
            return self.contour_convention
        details = {} if case is None else case.details or {}
        if case is None or (is_dense_case(details) and "contour_convention" not in details):
            return DENSE_CONVENTION
        return case.contour_convention


@dataclass(frozen=True, eq=False)
class DensePlane:
    """One DENSE slice: images to be analysed, a case that was analysed earlier, or the reason why it cannot be used.

    Attributes:
        grid: its pixels; None if they are unknown.
        located: whether its position in the patient is known.
        images: the images.
        case: the analysed case, without id.
        fault: why it cannot be used.
        missing: images that are missing, as in `SliceFault`.
        reason: why it cannot be used, as a clause without names; "" if `fault` is more precise.
    """

    grid: SliceGrid | None
    located: bool
    images: DenseImages | None = None
    case: DatasetCase | None = None
    fault: LaMoDInputError | None = None
    missing: str = ""
    reason: str = ""


def read_dense_planes(
    contents: Contents, options: DenseOptions, references: frozenset[str] = frozenset()
) -> tuple[DensePlane, ...]:
    """The DENSE slices of a person, from base to apex as far as their positions are known.

    Args:
        contents: the scans.
        options: how they are read.
        references: frames of reference of the cine. If only some DENSE series are in one of these, the others cannot be
            used, since their positions refer to another origin.

    Raises:
        LaMoDInputError: there are no DENSE data.
    """
    planes = [plane for folder in contents.cases for plane in _of_case_folder(folder, options)]
    for path in contents.workspaces:
        planes += _read(lambda path=path: read_workspace(path, **_scan(options)))  # type: ignore[misc]
    for path in contents.arrays:
        planes += _read(lambda path=path: read_arrays(path, **_scan(options)))  # type: ignore[misc]
    images, segmentations = _split(contents.dicom)
    if images and not (planes and not _has_dense(images)):
        elsewhere = _elsewhere(images, contents, references)
        planes += _of_dicom([file for file in images if file not in elsewhere], contents.root, options)
        for plane in _of_dicom(list(elsewhere), contents.root, options) if elsewhere else ():
            error = LaMoDInputError(contents.root, _ELSEWHERE, "use DENSE series of the examination of the cine")
            planes.append(replace(plane, images=None, fault=error, missing="", reason=_ELSEWHERE))
    if not planes:
        raise LaMoDInputError(
            contents.root, "there are no DENSE images in it", "name the folder of the DENSE series, or a .dns workspace"
        )
    stacks = _mask_stacks([*contents.volumes, *segmentations])
    planes = [_with_masks(plane, stacks, parse_labels(options.labels)) for plane in planes]
    return tuple(sorted(planes, key=_depth))


def _of_dicom(files: Sequence[Path], root: Path, options: DenseOptions) -> list[DensePlane]:
    found, faults = read_dense_slices(files, root, **_scan(options))
    unusable = [DensePlane(each.grid, each.grid is not None, fault=each.error, missing=each.missing) for each in faults]
    return [_of_images(each) for each in found] + unusable


def _elsewhere(images: Sequence[Path], contents: Contents, references: frozenset[str]) -> dict[Path, None]:
    """DENSE files of another frame of reference than the cine; {} if none is in that of the cine."""
    stated = {file: contents.identities[file].frames_of_reference for file in images if file in contents.identities}
    others = {file: None for file, own in stated.items() if references and own and not own & references}
    if not others:
        return {}
    others = {file: None for file in others if _has_dense([file])}
    inside = [file for file, own in stated.items() if own & references]
    return others if others and _has_dense(inside) else {}


def _scan(options: DenseOptions) -> dict[str, float | None]:
    return {"ke": options.ke, "frame_ms": options.frame_ms, "rr_ms": options.rr_ms}


def _depth(plane: DensePlane) -> tuple[bool, float]:
    if plane.grid is None or not plane.located:
        return True, 0.0
    return False, float(-plane.grid.view_sign * (plane.grid.center_lps @ plane.grid.normal))


def _read(read: Callable[[], Sequence[DenseImages]]) -> list[DensePlane]:
    try:
        return [_of_images(images) for images in read()]
    except LaMoDInputError as error:
        return [DensePlane(None, False, fault=error)]


def _of_images(images: DenseImages) -> DensePlane:
    located = all(each.code != "dense_position_unknown" for each in images.notes)
    plain = tuple(replace(each, source="") for each in images.notes)
    return DensePlane(images.grid, located, replace(images, notes=plain))


def _of_case_folder(folder: Path, options: DenseOptions) -> list[DensePlane]:
    data = read_case_folder(folder, pictures=True)
    if data.displacement_mm is None:
        error = LaMoDInputError(folder, "it has no displacement.npz", "give cases that `lamod dense` wrote")
        return [DensePlane(None, False, fault=error)]
    notes = (data.details or {}).get("notes")
    codes = [each.get("code") for each in notes if isinstance(each, dict)] if isinstance(notes, list) else []
    located = "dense_position_unknown" not in codes
    kept = {"source": "cine DENSE", "contours": (data.details or {}).get("contours", GIVEN)}
    if kept["contours"] not in (GIVEN, "guessed", "automatic"):
        kept["contours"] = GIVEN
    kept["contour_convention"] = options.convention_of(data)
    return [DensePlane(one.grid, located, case=one) for one in single_slices(data, kept)]


def _split(files: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """DICOM images, and segmentations."""
    segmentations = []
    for file in files:
        try:
            header = read_dataset(file, pixels=False)
            with parsing_dicom(file):
                if str(header.get("SOPClassUID", "")) in _SEGMENTATION_CLASSES:
                    segmentations.append(file)
        except LaMoDInputError:
            continue
    return [file for file in files if file not in segmentations], segmentations


def _has_dense(files: Sequence[Path]) -> bool:
    for file in files:
        header = read_dataset(file, pixels=False)
        with parsing_dicom(file):
            if str(header.get("ImageComments", "")).lower().startswith("dense"):
                return True
    return False


def _mask_stacks(paths: Sequence[Path]) -> list[tuple[FrameStack, Path]]:
    return [(stack, path) for path in paths for stack in read_images(path)]


def _with_masks(plane: DensePlane, stacks: Sequence[tuple[FrameStack, Path]], labels: LabelMap | None) -> DensePlane:
    """The plane with the masks that lie on its pixels, if it has none of its own."""
    if plane.images is None or plane.images.myocardium is not None:
        return plane
    for stack, path, k in _on_grid(stacks, plane):
        try:
            walls, notes = _walls(stack, k, path, labels)
            drawn, reference = split_reference(walls, plane.images.frames, str(path))
        except LaMoDInputError as error:
            return replace(plane, images=None, fault=error)
        images = replace(
            plane.images,
            myocardium=drawn,
            reference_myocardium=reference,
            notes=(*plane.images.notes, *(replace(each, source="") for each in notes)),
        )
        return replace(plane, images=images)
    return plane


def _on_grid(stacks: Sequence[tuple[FrameStack, Path]], plane: DensePlane) -> Iterator[tuple[FrameStack, Path, int]]:
    if plane.grid is None:
        return
    for stack, path in stacks:
        for k in range(stack.frames.shape[1]):
            grid = stack.slice_grid(k)
            if grid.shape != plane.grid.shape or not stack.frames[:, k].any():
                continue
            if grid.same_plane(plane.grid, _SAME_PLANE_MM) and same_pixels(grid, plane.grid):
                yield stack, path, k


def _walls(stack: FrameStack, k: int, path: Path, labels: LabelMap | None) -> tuple[Array, tuple[Note, ...]]:
    whole = integer_labels(stack.frames, path)
    meaning, guess = meaning_of_labels([whole], path, labels)
    return np.asarray(meaning.is_myocardium(whole[:, k])), (guess,) if guess else ()


def guessed_note() -> Note:
    """The note on a wall that was segmented on the magnitude images."""
    return note("dense_contours_guessed", "The myocardium was segmented automatically on the magnitude images.")
