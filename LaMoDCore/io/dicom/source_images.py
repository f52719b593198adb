"""The images to which a segmentation object refers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydicom.dataset import Dataset

from LaMoDCore.io.dicom.frame import DicomFrame
from LaMoDCore.io.dicom.series import SAME_SLICE_MM, DicomSeries
from LaMoDCore.io.images.frame_stack import ImageKey


def named_images(dataset: Dataset, groups: Sequence[Dataset]) -> list[ImageKey]:
    """Keys of the images on which a frame was drawn, without duplicates.

    They are listed in the frame's derivation macro (PS3.3 C.7.6.16.2.6). An object that was drawn on a single image may
    name it for all of its frames instead.

    Args:
        dataset: the segmentation object.
        groups: functional groups of the frame, then the shared ones.
    """
    for group in groups:
        found = [
            key
            for derivation in group.get("DerivationImageSequence") or []
            for source in derivation.get("SourceImageSequence") or []
            for key in _keys(source)
        ]
        if found:
            return list(dict.fromkeys(found))
    whole = [key for item in dataset.get("SourceImageSequence") or [] for key in _keys(item)]
    whole = whole or [
        key
        for series in dataset.get("ReferencedSeriesSequence") or []
        for item in series.get("ReferencedInstanceSequence") or []
        for key in _keys(item)
    ]
    found = list(dict.fromkeys(whole))
    return found if len(found) == 1 else []


def _keys(reference: Dataset) -> list[ImageKey]:
    uid = str(reference.get("ReferencedSOPInstanceUID", ""))
    numbers = reference.get("ReferencedFrameNumber")
    if numbers is None or numbers == "":
        return [(uid, 0)] if uid else []
    # pydicom gives one number, or its own list type for several
    listed = [numbers] if isinstance(numbers, int | str) else list(numbers)
    return [(uid, int(number) - 1) for number in listed] if uid else []


class ImageIndex:
    """Finds images by their keys, and the slice to which each belongs."""

    def __init__(self, series: Sequence[DicomSeries]) -> None:
        self._slices = [group for one in series if not one.is_segmentation for group in one.positions]
        self._place = {frame.key: (n, frame) for n, group in enumerate(self._slices) for frame in group}

    def find(self, key: ImageKey) -> DicomFrame | None:
        """The image with a key."""
        place = self._place.get(key)
        return None if place is None else place[1]

    def slice_of(self, key: ImageKey) -> int:
        """Number of the slice that contains an image.

        Raises:
            KeyError: the image is not in the index.
        """
        return self._place[key][0]

    def frames_of_slice(self, number: int) -> tuple[DicomFrame, ...]:
        """The images of a slice."""
        return self._slices[number]

    def in_plane(self, keys: Sequence[ImageKey], frame: DicomFrame) -> list[ImageKey]:
        """Of several images to which a frame refers, those known to lie in its plane; otherwise all."""
        if len(keys) < 2:
            return list(keys)
        normal = frame.ijk_to_lps[:3, 2] / np.linalg.norm(frame.ijk_to_lps[:3, 2])
        near = []
        for key in keys:
            image = self.find(key)
            if image is None:
                continue
            away = (image.ijk_to_lps[:3, 3] - frame.ijk_to_lps[:3, 3]) @ normal
            if abs(away) <= SAME_SLICE_MM:
                near.append(key)
        return near or list(keys)
