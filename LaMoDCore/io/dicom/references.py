"""The images to which a DICOM object refers as its sources."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from LaMoDCore.io.images.frame_stack import ImageKey

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


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
