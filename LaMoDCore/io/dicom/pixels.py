"""The pictures of a DICOM file, decoded and rescaled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from LaMoDCore.heart.geometry import Array
from LaMoDCore.io.dicom.file import parsing_dicom, read_dataset
from LaMoDCore.io.dicom.frame import DicomFrame
from LaMoDCore.io.dicom.header import first_item, integer, lookup
from LaMoDCore.runtime.bounded_reads import check_size, damaged, first_words
from LaMoDCore.runtime.errors import LaMoDInputError

_PIXEL_KEYWORDS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")


def frame_pixels(frame: DicomFrame, cache: dict[Path, Array]) -> Array:
    """One picture [H, W] with its rescale slope; multi-frame files are decoded once and kept in ``cache``."""
    if frame.index is None:
        return decode_pixels(frame.file)[0]
    if frame.file not in cache:
        cache.clear()
        cache[frame.file] = decode_pixels(frame.file)
    pixels = cache[frame.file]
    if frame.index >= pixels.shape[0]:
        raise damaged(frame.file, f"it promises more frames than the {pixels.shape[0]} it holds")
    return np.asarray(pixels[frame.index])


def decode_pixels(file: Path) -> Array:
    """The stored pictures [N, H, W] of one file, scaled.

    Raises:
        LaMoDInputError: no pictures, colour, or a compression that cannot be decoded here.
    """
    dataset = read_dataset(file, pixels=True)
    with parsing_dicom(file):
        if not any(keyword in dataset for keyword in _PIXEL_KEYWORDS):
            raise LaMoDInputError(file, "it holds no picture", "choose the series with the images")
        if (integer(dataset.get("SamplesPerPixel")) or 1) != 1:
            raise LaMoDInputError(file, "it is a colour picture", "choose the original series, not a screenshot")
        rows, columns = integer(dataset.get("Rows")) or 0, integer(dataset.get("Columns")) or 0
        count = integer(dataset.get("NumberOfFrames")) or 1
        slope, intercept = _rescale(dataset)
        check_size(file, rows * columns * count * 4)
        pixels = _stored_pixels(dataset, file)
    pixels = pixels.reshape((-1, *pixels.shape[-2:])) if pixels.ndim >= 2 else pixels
    if pixels.shape != (count, rows, columns):
        raise damaged(file, f"its picture is {pixels.shape} where its header says {(count, rows, columns)}")
    return pixels if (slope, intercept) == (1.0, 0.0) else pixels * np.float32(slope) + np.float32(intercept)


def _stored_pixels(dataset: Dataset, file: Path) -> Array:
    try:
        return np.asarray(dataset.pixel_array)
    except Exception as error:  # pydicom raises whatever the bytes lead it to
        if not _is_compressed(dataset):  # ITK would fill up what a cut-off picture lacks
            raise damaged(file, f"its picture cannot be decoded ({first_words(error)})") from error
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
    import SimpleITK as sitk

    reader = sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(file))
    try:
        return np.asarray(sitk.GetArrayFromImage(reader.Execute()))
    except RuntimeError:
        raise LaMoDInputError(
            file,
            f"its picture cannot be decoded ({first_words(first)})",
            "the file is cut off or compressed in a way that is not read here: export it uncompressed",
        ) from first
