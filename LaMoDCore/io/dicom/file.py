"""Recognise and parse one DICOM file; exceptions of the parser become LaMoDInputErrors."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset

from LaMoDCore.runtime.bounded_reads import check_size, damaged, first_words
from LaMoDCore.runtime.errors import LaMoDInputError


def is_dicom_file(path: Path) -> bool:
    """Whether a file has the DICOM prefix after its preamble."""
    try:
        with path.open("rb") as handle:
            return handle.read(132)[128:] == b"DICM"
    except OSError:
        return False


def read_dataset(path: Path, *, pixels: bool) -> Dataset:
    """Parse one file.

    Raises:
        LaMoDInputError: it cannot be read as DICOM.
    """
    check_size(path, path.stat().st_size)
    with parsing_dicom(path):
        return pydicom.dcmread(path, stop_before_pixels=not pixels)


@contextmanager
def parsing_dicom(path: Path) -> Iterator[None]:
    """Turn exceptions of pydicom, which decodes each element on access, into LaMoDInputErrors.

    Raises:
        LaMoDInputError: the file cannot be read as DICOM.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # values outside the standard's limits are common
            yield
    except LaMoDInputError:
        raise
    except Exception as error:
        raise damaged(path, f"it cannot be read as DICOM ({first_words(error)})") from error
