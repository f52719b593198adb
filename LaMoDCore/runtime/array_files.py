"""Read .npy, .npz and .zip files of untrusted origin: declared sizes are checked before memory is allocated."""

from __future__ import annotations

import io
import math
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from LaMoDCore.runtime.bounded_reads import MAX_BYTES, check_regular, first_words, read_file
from LaMoDCore.runtime.errors import LaMoDInputError

#: Size of the list of files at the end of an archive, bytes; archives of LaMoD have a dozen files.
_LARGEST_LISTING = 1 << 20
_END_OF_ARCHIVE, _LOCATOR_64 = b"PK\x05\x06", b"PK\x06\x07"
#: Deflate packs at most 1032 bytes into one.
_LARGEST_RATIO = 1040
_FAULTS = (
    OSError, ValueError, EOFError, KeyError, TypeError, OverflowError, RuntimeError, NotImplementedError,
    RecursionError, MemoryError, struct.error, zlib.error, zipfile.BadZipFile, zipfile.LargeZipFile,
)  # fmt: skip


def read_npy(path: Path, remedy: str = "save it with numpy.save") -> npt.NDArray[Any]:
    """The array of a .npy file, of numbers or booleans.

    Raises:
        LaMoDInputError: it is not such a file, or its header promises more than the file holds.
    """
    data = read_file(path)
    with _reading(path, remedy):
        return _array(io.BytesIO(data), len(data))


def read_npz(
    path: Path,
    names: Sequence[str] | None = None,
    remedy: str = "write it again",
    *,
    leave_out: Collection[str] = (),
) -> dict[str, Any]:
    """Arrays of a .npz file by name.

    Args:
        path: the file.
        names: the wanted arrays, all of which must exist; every array of the file by default.
        leave_out: arrays that are not read, of those.
        remedy: end of an error's message.

    Raises:
        LaMoDInputError: it is not such a file, an array is missing, contains objects, or is larger than its data.
    """
    with open_archive(path, remedy) as archive, _reading(path, remedy):
        inside = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
        wanted = [name for name in (inside if names is None else names) if name not in leave_out]
        missing = [name for name in wanted if name not in inside]
        if missing:
            raise LaMoDInputError(path, f"it lacks {missing[0]!r}", f"give {', '.join(wanted)}")
        if sum(check_member(path, inside[name]) for name in wanted) > MAX_BYTES:
            raise LaMoDInputError(path, "its arrays together take more than 1 GiB", "split it into smaller cases")
        found = {}
        for name in wanted:
            with archive.open(inside[name]) as stream:
                found[name] = _array(stream, inside[name].file_size)
        return found


def check_member(path: Path, info: zipfile.ZipInfo, most: int = MAX_BYTES) -> int:
    """The size of a file in an archive.

    Raises:
        LaMoDInputError: it is larger than `most`, or larger than its compressed data can be.
    """
    if info.file_size > most or info.file_size > info.compress_size * _LARGEST_RATIO + 4096:
        raise LaMoDInputError(
            path,
            f"its file {info.filename} has {info.file_size / 1024**2:.0f} MiB",
            "the file is damaged: copy it again",
        )
    return info.file_size


@contextmanager
def open_archive(path: Path, remedy: str) -> Iterator[zipfile.ZipFile]:
    """Open a .zip or .npz file whose list of files is short.

    Raises:
        LaMoDInputError: it is not a readable archive; also for an exception of the archive within the block.
    """
    size = check_regular(path)
    with _reading(path, remedy, "it is not a readable archive"):
        with path.open("rb") as stream:
            stream.seek(max(0, size - (1 << 16) - 64))
            tail = stream.read()
        place = tail.rfind(_END_OF_ARCHIVE)
        if place < 0 or len(tail) < place + 22:
            raise zipfile.BadZipFile("it has no list of files")
        (listing,) = struct.unpack_from("<I", tail, place + 12)
        if listing > _LARGEST_LISTING or tail[max(0, place - 20) :].startswith(_LOCATOR_64):
            raise zipfile.BadZipFile("its list of files is too long")
        with zipfile.ZipFile(path) as archive:
            yield archive


def _array(stream: IO[bytes], size: int) -> npt.NDArray[Any]:
    """The array of a .npy stream of `size` bytes."""
    version = np.lib.format.read_magic(stream)
    if version == (1, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    elif version == (2, 0):
        shape, fortran, dtype = np.lib.format.read_array_header_2_0(stream)
    else:
        raise ValueError(f"its version is {version}")
    if dtype.kind not in "biuf":
        raise ValueError(f"it contains {dtype}, not numbers")
    count = math.prod(int(n) for n in shape)
    if any(n < 0 for n in shape) or count * dtype.itemsize > size:
        raise ValueError("its header promises more numbers than it holds")
    data = stream.read(count * dtype.itemsize)
    if len(data) < count * dtype.itemsize:
        raise EOFError("it is truncated")
    values = np.frombuffer(bytearray(data), dtype=dtype, count=count)
    return values.reshape(shape[::-1]).T if fortran else values.reshape(shape)


@contextmanager
def _reading(path: Path, remedy: str, fault: str = "it cannot be read") -> Iterator[None]:
    try:
        yield
    except LaMoDInputError:
        raise
    except _FAULTS as error:
        raise LaMoDInputError(path, f"{fault} ({first_words(error)})", remedy) from error
