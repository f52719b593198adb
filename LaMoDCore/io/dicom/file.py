"""Recognise and parse one DICOM file; exceptions of the parser become LaMoDInputErrors."""

from __future__ import annotations

import io
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from LaMoDCore.runtime.bounded_reads import (
    check_regular,
    check_size,
    damaged,
    first_words,
    inflated_size,
    is_regular,
    read_start,
)
from LaMoDCore.runtime.errors import LaMoDInputError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

#: Largest data set that the deflated transfer syntax may inflate to; it is used for headers and short series.
_LARGEST_INFLATED = 1 << 28
#: Reads of more than this are checked against the rest of the file, because a buffer of that size comes first.
_LARGE_READ = 1 << 16


class _BoundedFile(io.BufferedReader):
    """A file for pydicom, which reads as many bytes as an element's header claims, and inflates all of the file."""

    def __init__(self, path: Path, size: int) -> None:
        super().__init__(io.FileIO(path))
        self._path, self._size = path, size

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or size < 0:  # pydicom reads a file to its end only to inflate it
            data = super().read()
            if inflated_size(data, _LARGEST_INFLATED, -zlib.MAX_WBITS) > _LARGEST_INFLATED:
                most = f"{_LARGEST_INFLATED >> 20} MiB"
                raise LaMoDInputError(self._path, f"it inflates to more than {most}", "export it uncompressed")
            return data
        return super().read(min(size, max(0, self._size - self.tell())) if size > _LARGE_READ else size)


def is_dicom_file(path: Path) -> bool:
    """Whether a file has the DICOM prefix after its preamble."""
    if not is_regular(path):
        return False
    try:
        return read_start(path, 132)[128:] == b"DICM"
    except LaMoDInputError:
        return False


def read_dataset(path: Path, *, pixels: bool) -> Dataset:
    """Parse one file.

    Raises:
        LaMoDInputError: it cannot be read as DICOM.
    """
    from pydicom import dcmread

    size = check_regular(path)
    check_size(path, size)
    with parsing_dicom(path), _BoundedFile(path, size) as stream:
        return dcmread(stream, stop_before_pixels=not pixels)


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
