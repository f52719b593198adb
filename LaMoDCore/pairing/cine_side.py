"""The cine slices of one person with their contours: given, drawn by a contour engine, or from cases of a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDCore.contours.automatic.draw import case_of
from LaMoDCore.contours.automatic.heart_contours import contour_study
from LaMoDCore.contours.automatic.study import LeftOut, read_short_axis_study
from LaMoDCore.heart.case import Case
from LaMoDCore.heart.contour_convention import ContourConvention
from LaMoDCore.heart.geometry import Array, SliceGrid
from LaMoDCore.io.case.reader import case_on_pictures, load_case
from LaMoDCore.io.dataset.folder import DatasetCase, read_case_folder
from LaMoDCore.io.dicom.series import DicomSeries, find_series
from LaMoDCore.io.files.describe import holds_masks
from LaMoDCore.pairing.contents import Contents
from LaMoDCore.pairing.planes import center_lps
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.progress import SILENT, Progress

GIVEN, AUTOMATIC, GUESSED = "given", "automatic", "guessed"


@dataclass(frozen=True)
class CineOptions:
    """How the cine is read.

    Attributes:
        engine: name or folder of the contour engine for cines without contours.
        fast: run the engine in one orientation per frame.
        labels: meaning of the labels in masks; identified by topology if None.
        rv_insertion_lps: anterior RV insertion of the person, if it was given.
        levels: levels of the slices from base to apex, if they were given.
        contour_convention: convention of all contours; None for that of the engine or of the cases, else auto.
    """

    engine: str
    fast: bool = False
    labels: str | None = None
    rv_insertion_lps: tuple[float, float, float] | None = None
    levels: tuple[str, ...] | None = None
    contour_convention: ContourConvention | None = None


@dataclass(frozen=True, eq=False)
class CinePlane:
    """One cine slice with contours on every frame.

    Attributes:
        case: the slice as a case of a dataset, without id.
        located: whether its position in the patient is known.
    """

    case: DatasetCase
    located: bool

    @property
    def grid(self) -> SliceGrid:
        return self.case.grid

    @property
    def heart_lps(self) -> Array:
        """[3]: centre of the ventricle at end-diastole."""
        return center_lps(self.case.masks[self.case.reference_frame, 0], self.grid)


def read_cine_planes(
    contents: Contents, options: CineOptions, progress: Progress = SILENT
) -> tuple[tuple[CinePlane, ...], tuple[LeftOut, ...]]:
    """The cine slices of a person, from base to apex, and the series that are not used.

    Masks in the folder are the contours; without any, a contour engine draws them.

    Raises:
        LaMoDInputError: there is no cine, it cannot be read, or its contours or the given levels cannot be used.
    """
    try:
        return _read(contents, options, progress)
    except LaMoDInputError as error:
        if error.source != "--levels":
            raise
        raise LaMoDInputError("the levels in --about", error.reason, error.remedy) from error


def _read(
    contents: Contents, options: CineOptions, progress: Progress
) -> tuple[tuple[CinePlane, ...], tuple[LeftOut, ...]]:
    if contents.cases:
        if options.levels is not None:
            raise LaMoDInputError("--levels", "cases of a dataset have their own", "leave them out for this person")
        return tuple(plane for folder in contents.cases for plane in _of_case_folder(folder, options)), ()
    series = find_series(contents.dicom)[0] if contents.dicom else ()
    masks, pictures = _masks_and_pictures(contents, series)
    if not masks:
        if not pictures:
            raise LaMoDInputError(contents.root, "there is neither a cine nor a mask in it", "name a cine study")
        heart = contour_study(pictures, engine=options.engine, per_frame=1 if options.fast else 2, progress=progress)
        case = case_of(
            heart,
            rv_insertion_lps=options.rv_insertion_lps,
            levels=options.levels,
            contour_convention=options.contour_convention,
        )
        return _of_case(case), heart.left_out
    if not pictures:
        case = load_case(
            list(masks),
            labels=options.labels,
            rv_insertion_lps=options.rv_insertion_lps,
            levels=options.levels,
            contour_convention=options.contour_convention,
        )
        return _of_case(case), ()
    study = read_short_axis_study(pictures)
    case = case_on_pictures(
        masks,
        study.slices,
        series=series,
        labels=options.labels,
        rv_insertion_lps=options.rv_insertion_lps,
        levels=options.levels,
        contour_convention=options.contour_convention,
    )
    return _of_case(case), study.left_out


def _masks_and_pictures(contents: Contents, series: Sequence[DicomSeries]) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Mask files, segmentations among them, and image files."""
    segmentations = {frame.file for one in series if one.is_segmentation for frame in one.frames}
    masks = [path for path in contents.volumes if holds_masks(path)]
    pictures = [path for path in contents.volumes if path not in masks]
    pictures += [path for path in contents.dicom if path not in segmentations]
    return (*masks, *sorted(segmentations)), tuple(pictures)


def _of_case(case: Case) -> tuple[CinePlane, ...]:
    located = all(each.code != "orientation_unknown" for each in case.notes)
    planes = []
    for number, slice_ in enumerate(case.slices, start=1):
        origin = slice_.contour_origin
        details: dict[str, Any] = {"source": "cine", "contours": GIVEN if origin is None else AUTOMATIC}
        if origin is not None:
            details |= {
                "contour_engine": origin.engine,
                "contour_engine_sha256": origin.engine_sha256,
                "contours_reviewed": origin.is_reviewed,
            }
        notes = [each for each in case.notes if each.slice in (None, number)]
        details |= {"level_known": slice_.level_known, "contour_convention": slice_.contour_convention}
        details["notes"] = [replace(each, slice=None, source="").to_dict() for each in notes]
        insertion = case.insertion_of(slice_)
        found = DatasetCase(
            id="cine",
            masks=slice_.myocardium[:, None],
            ijk_to_lps=slice_.grid.ijk_to_lps,
            frame_times_ms=slice_.frame_times_ms,
            rr_ms=slice_.rr_ms,
            reference_frame=case.reference_frame,
            level=slice_.level,
            rv_insertion_lps=None if insertion is None else np.asarray(insertion, dtype=np.float64),
            cine=None if slice_.cine is None else _stored(slice_.cine)[:, None],
            details=details,
        )
        planes.append(CinePlane(found, located))
    return tuple(planes)


def _stored(pictures: Array) -> Array:
    """Pictures [T, H, W] as int16 if they are whole numbers of that range, as scanners store them."""
    whole = np.rint(pictures)
    fits = np.array_equal(whole, pictures) and whole.min() >= -32768 and whole.max() <= 32767
    return whole.astype(np.int16) if fits else pictures


def _of_case_folder(folder: Path, options: CineOptions) -> list[CinePlane]:
    data = read_case_folder(folder, pictures=True)
    if options.rv_insertion_lps is not None:
        data = replace(data, rv_insertion_lps=np.asarray(options.rv_insertion_lps, dtype=np.float64))
    convention = options.contour_convention or data.contour_convention
    details = {
        "source": "cine",
        "contours": GIVEN,
        "level_known": data.level_known,
        "contour_convention": convention,
    }
    return [CinePlane(one, located=True) for one in single_slices(data, details)]


def single_slices(data: DatasetCase, details: dict[str, Any]) -> list[DatasetCase]:
    """Every slice of a case as a case of its own, without the free text of the original."""
    slices = []
    for z, grid in enumerate(data.grids):
        one = slice(z, z + 1)
        slices.append(
            replace(
                data,
                masks=data.masks[:, one],
                ijk_to_lps=grid.ijk_to_lps,
                displacement_mm=None if data.displacement_mm is None else data.displacement_mm[:, one],
                valid=None if data.valid is None else data.valid[:, one],
                masks_true=None if data.masks_true is None else data.masks_true[:, one],
                cine=None if data.cine is None else data.cine[:, one],
                paired_with=None,
                details=dict(details),
            )
        )
    return slices
