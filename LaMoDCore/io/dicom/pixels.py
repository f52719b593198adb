"""Decode and rescale the images of a DICOM file."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.io.dicom.codestream import check_compressed_frames
from LaMoDCore.io.dicom.file import parsing_dicom, read_dataset
from LaMoDCore.io.dicom.frame import DicomFrame
from LaMoDCore.io.dicom.header import first_item, integer, lookup
from LaMoDCore.runtime.bounded_reads import check_size, damaged, first_words
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.streams import without_library_messages

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_PIXEL_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


def frame_pixels(frame: DicomFrame, cache: dict[Path, Array]) -> Array:
    """One rescaled image [H, W]; multi-frame files are decoded once and kept in ``cache``."""
    if frame.index is None:
        return np.asarray(decode_pixels(frame.file)[0])
    if frame.file not in cache:
        cache.clear()
        cache[frame.file] = decode_pixels(frame.file)
    pixels = cache[frame.file]
    if frame.index >= pixels.shape[0]:
        raise damaged(frame.file, f"its header specifies more frames than the {pixels.shape[0]} in the file")
    return np.asarray(pixels[frame.index])


def decode_pixels(file: Path) -> Array:
    """The rescaled images [N, H, W] of one file.

    Raises:
        LaMoDInputError: it has no images, is in colour, or has a compression that cannot be decoded.
    """
    dataset = read_dataset(file, pixels=True)
    with parsing_dicom(file):
        if not any(keyword in dataset for keyword in _PIXEL_KEYWORDS):
            raise LaMoDInputError(file, "it has no image", "choose the series with the images")
        if (integer(dataset.get("SamplesPerPixel")) or 1) != 1:
            raise LaMoDInputError(file, "it is a colour image", "choose the original series, not a screenshot")
        rows, columns = integer(dataset.get("Rows")) or 0, integer(dataset.get("Columns")) or 0
        count = integer(dataset.get("NumberOfFrames")) or 1
        slope, intercept = _rescale(dataset)
        # in MONOCHROME1, the highest value is black; labels have no brightness
        is_mask = str(dataset.get("Modality", "")) == "SEG"
        inverted = str(dataset.get("PhotometricInterpretation", "")) == "MONOCHROME1" and not is_mask
        pixels = stored_pixels(dataset, file)
    pixels = pixels.reshape((-1, *pixels.shape[-2:])) if pixels.ndim >= 2 else pixels
    if pixels.shape != (count, rows, columns):
        raise damaged(file, f"its image is {pixels.shape}, but its header specifies {(count, rows, columns)}")
    if inverted:
        highest = (1 << (integer(dataset.get("BitsStored")) or 8 * pixels.dtype.itemsize)) - 1
        pixels = (-1 if pixels.dtype.kind == "i" else highest) - pixels
    return pixels if (slope, intercept) == (1.0, 0.0) else pixels * np.float32(slope) + np.float32(intercept)


def stored_pixels(dataset: Dataset, file: Path) -> Array:
    """The values of a data set's images as stored, [H, W] or [N, H, W].

    Raises:
        LaMoDInputError: they are too large, do not fit the header, or cannot be decoded.
    """
    with parsing_dicom(file):
        sides = [integer(dataset.get(name)) or 0 for name in ("Rows", "Columns")]
        frames = integer(dataset.get("NumberOfFrames")) or 1
        if min(*sides, frames) < 1:
            raise damaged(file, f"its header specifies {frames} images of {sides[0]} × {sides[1]} pixels")
        check_size(file, math.prod(sides) * frames * 4)
        if _is_compressed(dataset):
            check_compressed_frames(dataset, file)
    try:
        with without_library_messages():
            return np.asarray(dataset.pixel_array)
    except Exception as error:  # pydicom raises exceptions of many types
        if not _is_compressed(dataset):  # ITK would fill in the missing part of a truncated image
            raise damaged(file, f"its image cannot be decoded ({first_words(error)})") from error
        return _decode_with_simpleitk(file, error)


def _rescale(dataset: Dataset) -> tuple[float, float]:
    groups = [dataset]
    shared = first_item(dataset, "SharedFunctionalGroupsSequence")
    if shared is not None:
        groups.append(shared)
    slope = lookup(groups, ("PixelValueTransformationSequence", "RescaleSlope"), ("", "RescaleSlope"))
    intercept = lookup(groups, ("PixelValueTransformationSequence", "RescaleIntercept"), ("", "RescaleIntercept"))
    return slope or 1.0, intercept or 0.0


def _is_compressed(dataset: Dataset) -> bool:
    syntax = getattr(getattr(dataset, "file_meta", None), "TransferSyntaxUID", None)
    return syntax is not None and bool(syntax.is_compressed)


def _decode_with_simpleitk(file: Path, first: BaseException) -> Array:
    import SimpleITK

    sitk: Any = SimpleITK  # without type hints
    reader = sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(file))
    try:
        with without_library_messages():
            return np.asarray(sitk.GetArrayFromImage(reader.Execute()))
    except RuntimeError:
        raise LaMoDInputError(
            file,
            f"its image cannot be decoded ({first_words(first)})",
            "the file is truncated or has an unsupported compression: export it uncompressed",
        ) from first
