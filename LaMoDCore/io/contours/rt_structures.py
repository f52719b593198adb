"""Read endocardium and epicardium from a DICOM RT structure set (RTSTRUCT, PS3.3 A.19) on the images of its cine.

Each contour is a closed polygon in LPS mm and refers to the image on which it was drawn, which gives slice and frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.io.contours.curves import FrameCurves
from LaMoDCore.io.contours.markups import contour_kind
from LaMoDCore.io.dicom.file import is_dicom_file, parsing_dicom, read_dataset
from LaMoDCore.io.images.frame_stack import FrameStack, ImageKey
from LaMoDCore.runtime.errors import LaMoDInputError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

RT_STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"
_REMEDY = "export the contours as a DICOM segmentation (SEG), NIfTI or NRRD labelmap with all frames"


def is_rt_structure_set(path: Path) -> bool:
    """Whether a file is a DICOM RT structure set."""
    if not is_dicom_file(path):
        return False
    try:
        return str(read_dataset(path, pixels=False).get("SOPClassUID", "")) == RT_STRUCTURE_SET
    except LaMoDInputError:
        return False


def read_rt_structures(path: Path, cines: Sequence[FrameStack]) -> dict[int, dict[int, FrameCurves]]:
    """Read the contours of the left ventricle.

    Args:
        path: the file.
        cines: slices of the cine, read from DICOM.

    Returns:
        Both contours by index into `cines` and by frame; frames with one of them only are left out.

    Raises:
        LaMoDInputError: no region is named as the ventricle's contour, or none refers to the images.
    """
    place = {key: (index, t) for index, cine in enumerate(cines) for t, key in enumerate(cine.images)}
    dataset = read_dataset(path, pixels=False)
    with parsing_dicom(path):
        names = {
            int(region.ROINumber): str(region.get("ROIName", ""))
            for region in dataset.get("StructureSetROISequence") or []
        }
        regions = [
            (contour_kind(names.get(int(region.ReferencedROINumber), "")), region.get("ContourSequence") or [])
            for region in dataset.get("ROIContourSequence") or []
        ]
        drawn = [(kind, contour) for kind, contours in regions if kind is not None for contour in contours]
        found: dict[int, dict[int, dict[str, Array]]] = {}
        for kind, contour in drawn:
            where = place.get(_image_of(contour))
            if where is None:
                continue
            points = np.array([float(v) for v in contour.ContourData]).reshape(-1, 3)
            kinds = found.setdefault(where[0], {}).setdefault(where[1], {})
            kinds[_free(kind, kinds)] = points
    if not drawn:
        listing = ", ".join(f"'{name}'" for name in sorted(names.values())[:6]) or "none"
        raise LaMoDInputError(
            path,
            f"none of its regions ({listing}) is named as endocardium or epicardium of the left ventricle",
            "name them so, or export them as a labelmap",
        )
    pairs = {
        index: {t: _pair(kinds) for t, kinds in frames.items() if len(kinds) == 2} for index, frames in found.items()
    }
    pairs = {index: frames for index, frames in pairs.items() if frames}
    if not pairs:
        reason = "its contours refer to no image of the cine" if not found else "no frame has both contours"
        raise LaMoDInputError(path, reason, f"give the DICOM cine on which they were drawn, or {_REMEDY}")
    return pairs


def _image_of(contour: Dataset) -> ImageKey:
    from pydicom.dataset import Dataset

    image = (contour.get("ContourImageSequence") or [Dataset()])[0]
    number = image.get("ReferencedFrameNumber")
    first = number[0] if isinstance(number, list | tuple) else number
    return str(image.get("ReferencedSOPInstanceUID", "")), int(first) - 1 if first else 0


def _free(kind: str, kinds: dict[str, Array]) -> str:
    """The kind of a contour; two contours of one kind are the inner and the outer one of a wall drawn as a ring."""
    other = {"epi": "endo", "endo": "epi"}[kind]
    return other if kind in kinds and other not in kinds else kind


def _pair(kinds: dict[str, Array]) -> FrameCurves:
    """The larger contour is the epicardium."""
    first, second = kinds["endo"], kinds["epi"]
    extents = [float(np.ptp(points, axis=0).max()) for points in (first, second)]
    return FrameCurves(first, second) if extents[0] <= extents[1] else FrameCurves(second, first)
