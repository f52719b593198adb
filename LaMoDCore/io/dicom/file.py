"""One DICOM file: whether it is one, and its dataset, with every complaint of the parser turned into a sentence."""

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
    """Whether a file carries the DICOM mark after its preamble."""
    try:
        with path.open("rb") as handle:
            return handle.read(132)[128:] == b"DICM"
    except OSError:
        return False


def read_dataset(path: Path, *, pixels: bool) -> Dataset:
    """Parse one file; every complaint of the parser becomes a sentence.

    Raises:
        LaMoDInputError: the file is no readable DICOM.
    """
    check_size(path, path.stat().st_size)
    with parsing_dicom(path):
        return pydicom.dcmread(path, stop_before_pixels=not pixels)


@contextmanager
def parsing_dicom(path: Path) -> Iterator[None]:
    """Turn whatever pydicom raises into a sentence; it decodes an element only when that is asked for.

    Raises:
        LaMoDInputError: the file is no readable DICOM.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # values that break the standard's limits are usual
            yield
    except LaMoDInputError:
        raise
    except Exception as error:
        raise damaged(path, f"it cannot be read as DICOM ({first_words(error)})") from error
