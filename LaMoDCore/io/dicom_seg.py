"""DICOM Segmentation (SEG) objects, PS3.3 A.51: binary, fractional or labelmap frames, back to labels over time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydicom.dataset import Dataset

from LaMoDCore.errors import LaMoDInputError
from LaMoDCore.geometry import Array
from LaMoDCore.io.dicom_series import (
    DicomFrame,
    DicomSeries,
    decode_pixels,
    group_by_position,
    read_dataset,
    sort_in_time,
)
from LaMoDCore.io.frame_stack import FrameStack

_MYOCARDIUM = ("myocard", "lv wall", "left ventricular wall")
_RIGHT = ("right ventric", "rv")
_CAVITY = ("left ventric", "lv", "blood pool", "cavity")


def read_segmentation(series: DicomSeries, pictures: Sequence[DicomSeries] = ()) -> tuple[FrameStack, ...]:
    """Read a segmentation series: one stack of labels [T, 1, H, W] a slice position.

    The time of a frame is its own (cardiac synchronisation, temporal position), else that of the picture it was
    drawn on, where that picture is given too, else its place in the file.

    Args:
        series: the segmentation's frames.
        pictures: other series, to which the segmentation may refer.

    Raises:
        LaMoDInputError: frames that do not fit together.
    """
    raise NotImplementedError
