"""Whether two DICOM files with the same SOP instance UID contain the same object."""

from __future__ import annotations

from pathlib import Path

from LaMoDCore.io.dicom.file import parsing_dicom, read_dataset

#: Elements that distinguish images, besides their pixels; anonymisers may give all files of a series one UID.
_DISTINCT = (
    "InstanceNumber",
    "TriggerTime",
    "AcquisitionTime",
    "ContentTime",
    "TemporalPositionIdentifier",
    "ImagePositionPatient",
    "PerFrameFunctionalGroupsSequence",
    "PixelData",
)


def is_copy(first: Path, second: Path) -> bool:
    """Whether the pixels, positions, times and references of two files are equal.

    Raises:
        LaMoDInputError: one of them cannot be read.
    """
    one, other = read_dataset(first, pixels=True), read_dataset(second, pixels=True)
    with parsing_dicom(second):
        return all(one.get(name) == other.get(name) for name in _DISTINCT)
