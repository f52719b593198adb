"""Write contours as DICOM Segmentation objects (PS3.3 A.51) with highdicom: a series with one object per frame.

highdicom accepts each plane position once per object, so the frames of a cine slice become instances of one series, in
their order. Each refers to the image on which it was drawn, from which readers take its time.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from LaMoDCore import __version__
from LaMoDCore.heart.case import CineSlice
from LaMoDCore.heart.geometry import SliceGrid
from LaMoDCore.io.dicom.file import read_dataset
from LaMoDCore.io.dicom.frame import frames_of
from LaMoDCore.io.dicom.series import find_series
from LaMoDCore.io.dicom.time_order import sort_in_time
from LaMoDCore.io.files.image_file import dicom_files
from LaMoDCore.io.images.planes import same_pixels
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.output.new_folder import new_folder

#: Structure -> segment label, SNOMED CT code and meaning.
_SEGMENTS: dict[str, tuple[str, str, str]] = {
    "myocardium": ("LV myocardium", "74281007", "Myocardium"),
    "cavity": ("LV cavity", "87878005", "Left ventricle"),
    "right_ventricle": ("RV cavity", "53085002", "Right ventricle"),
}


def write_dicom_segmentation(
    folder: str | Path, slice_: CineSlice, pictures: Sequence[str | Path], *, algorithm: str | None = None
) -> list[Path]:
    """Write the structures of a slice over the cycle; frames without contours have no object.

    Args:
        folder: the new folder.
        slice_: the contours, on the pixels of the images.
        pictures: the DICOM files of the cine, one per frame, in any order; they are sorted in time as on reading.
        algorithm: name of the segmentation algorithm; None if a person drew the contours.

    Returns:
        The files.

    Raises:
        LaMoDInputError: highdicom is not installed, the images do not match the slice, or the folder exists.
    """
    try:
        import highdicom as hd
    except ImportError as error:
        raise LaMoDInputError(
            "DICOM SEG", "writing it needs the package highdicom", "install it: pip install 'lamod[dicom]'"
        ) from error
    datasets = _pictures_of(slice_, pictures)
    structures = {name: getattr(slice_, name) for name in _SEGMENTS if getattr(slice_, name) is not None}
    descriptions = [_description(hd, number, name, algorithm) for number, name in enumerate(structures, 1)]
    series, files = hd.UID(), []
    with new_folder(folder, "a segmentation series", "write_dicom_segmentation") as temporary:
        for t, dataset in enumerate(datasets):
            pixels = np.stack([masks[t] for masks in structures.values()], axis=-1).astype(np.uint8)
            if not pixels.any():
                continue
            segmentation = hd.seg.Segmentation(
                source_images=[dataset],
                pixel_array=pixels[None],
                segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
                segment_descriptions=descriptions,
                series_instance_uid=series,
                series_number=int(dataset.get("SeriesNumber") or 0) + 1000,
                sop_instance_uid=hd.UID(),
                instance_number=t + 1,
                manufacturer="LaMoD",
                manufacturer_model_name="LaMoD",
                software_versions=__version__,
                device_serial_number="0",
                series_description="LV contours",
            )
            files.append(Path(folder) / f"frame_{t:03d}.dcm")
            segmentation.save_as(temporary / files[-1].name)
    return files


def pictures_in_plane(slice_: CineSlice, paths: Sequence[str | Path]) -> list[Path]:
    """Find the DICOM files of the cine on whose pixels a slice was drawn, in files, folders or a study.

    Raises:
        LaMoDInputError: no series has the slice's plane, pixels and number of frames.
    """
    found, _ = find_series([file for path in paths for file in dicom_files(Path(path))])
    for series in found:
        for frames in () if series.is_segmentation else series.positions:
            grid = SliceGrid(frames[0].shape, frames[0].ijk_to_lps)
            if len(frames) == slice_.frames and same_pixels(grid, slice_.grid):
                return [frame.file for frame in sort_in_time(frames, series.title)[0]]
    raise LaMoDInputError(
        slice_.name, "the DICOM images on which it was drawn were not found", "give the cine's DICOM files with --cine"
    )


def _pictures_of(slice_: CineSlice, pictures: Sequence[str | Path]) -> list[Any]:
    import pydicom

    frames = [frame for p in pictures for frame in frames_of(read_dataset(Path(p), pixels=False), Path(p))]
    datasets = [pydicom.dcmread(frame.file) for frame in sort_in_time(frames, slice_.name)[0]] if frames else []
    fits = len(datasets) == slice_.frames and all((d.Rows, d.Columns) == slice_.grid.shape for d in datasets)
    if not fits:
        raise LaMoDInputError(
            slice_.name,
            f"its {slice_.frames} frames of {slice_.grid.shape} pixels are not those of the {len(datasets)} images",
            "give the DICOM files on which the contours were drawn, one file per frame",
        )
    return datasets


def _description(hd: Any, number: int, name: str, algorithm: str | None) -> Any:
    label, code, meaning = _SEGMENTS[name]
    kinds = hd.seg.SegmentAlgorithmTypeValues
    automatic = algorithm is not None
    return hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=label,
        segmented_property_category=hd.sr.CodedConcept("123037004", "SCT", "Anatomical Structure"),
        segmented_property_type=hd.sr.CodedConcept(code, "SCT", meaning),
        algorithm_type=kinds.SEMIAUTOMATIC if automatic else kinds.MANUAL,
        algorithm_identification=_algorithm(hd, algorithm) if algorithm is not None else None,
    )


def _algorithm(hd: Any, name: str) -> Any:
    family = hd.sr.CodedConcept("123109", "DCM", "Manual Processing")
    return hd.AlgorithmIdentificationSequence(name=name, version=__version__, family=family)
