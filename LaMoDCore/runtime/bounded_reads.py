"""Read untrusted files: every size is checked before memory is allocated."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from LaMoDCore.runtime.errors import LaMoDInputError

#: Size of the largest file, and of the largest decoded image, that is read into memory.
MAX_BYTES = 1024**3

_CHUNK = 1 << 20


def check_size(source: Path, number_of_bytes: int) -> None:
    """Refuse an image whose voxels would not fit under :data:`MAX_BYTES`.

    Raises:
        LaMoDInputError: the image is too large.
    """
    if number_of_bytes > MAX_BYTES:
        raise LaMoDInputError(
            source,
            f"its image takes {number_of_bytes / 1024**3:.1f} GiB, more than the {MAX_BYTES / 1024**3:.0f} "
            "GiB that LaMoD reads into memory",
            "crop it to the heart, store masks as 8-bit integers, or split it into slices",
        )


def read_file(path: Path) -> bytes:
    """The bytes of a regular file no larger than :data:`MAX_BYTES`.

    Raises:
        LaMoDInputError: the file is missing, not a regular file, unreadable, empty or too large.
    """
    path = Path(path)
    if not path.exists():
        raise LaMoDInputError(path, "there is no such file", "check the path")
    if not path.is_file():
        raise LaMoDInputError(path, "it is not a regular file", "name an image file or a folder of images")
    try:
        size = path.stat().st_size
        if size == 0:
            raise LaMoDInputError(path, "the file is empty", "export it again")
        if size > MAX_BYTES:
            check_size(path, size)
        return path.read_bytes()
    except OSError as error:
        reason = f"it cannot be read ({error.strerror or error})"
        raise LaMoDInputError(path, reason, "check the file's permissions and the disk") from error


def inflate(data: bytes, expected: int, source: Path) -> bytes:
    """Decompress gzip or zlib data that should contain ``expected`` bytes, and never more than that.

    Raises:
        LaMoDInputError: the stream is damaged or ends before ``expected`` bytes.
    """
    check_size(source, expected)
    parts: list[bytes] = []
    produced = 0
    while data and produced < expected:
        decoder = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        while not decoder.eof and produced < expected:
            try:
                part = decoder.decompress(data, min(_CHUNK, expected - produced))
            except zlib.error as error:
                raise damaged(source, "its compressed data are damaged") from error
            data = decoder.unconsumed_tail
            if not part and not data and not decoder.eof:
                break
            parts.append(part)
            produced += len(part)
        if not decoder.eof:
            break
        data = decoder.unused_data
        if data[:2] != b"\x1f\x8b":  # only another gzip member continues the stream
            break
    if produced < expected:
        raise truncated(source, produced, expected)
    return b"".join(parts)


def truncated(source: Path, found: int, expected: int) -> LaMoDInputError:
    """The error for a file with less data than its header specifies."""
    return LaMoDInputError(
        source,
        f"its header specifies {expected} bytes of image, but there are {found}",
        "the file is truncated or its header is wrong: export or copy it again",
    )


def damaged(source: Path | str, reason: str) -> LaMoDInputError:
    """The error for a file whose contents do not match its format."""
    return LaMoDInputError(source, reason, "the file is damaged or not of this format: export it again")


def neighbour_file(source: Path, name: str) -> Path:
    """The data file next to a header; references to other places on the disk are refused.

    Raises:
        LaMoDInputError: the name contains folders or a pattern, or is not a file name.
    """
    plain = bool(name) and len(name) < 200 and name.isprintable() and Path(name).name == name
    if not plain or name.upper().startswith("LIST") or "%" in name:
        raise LaMoDInputError(
            source,
            "its voxels are not in one file next to it",
            "save it as a single file with its data inside",
        )
    return source.parent / name


@contextmanager
def parsing(source: Path | str, what: str) -> Iterator[None]:
    """Turn exceptions of a parser of untrusted bytes into a LaMoDInputError.

    Args:
        source: the file.
        what: the parsed part, such as "its NRRD header".
    """
    try:
        yield
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, struct.error, EOFError) as error:
        raise damaged(source, f"{what} cannot be parsed ({first_words(error)})") from error


def first_words(error: BaseException) -> str:
    """The beginning of another library's error message, to be part of a sentence."""
    text = (str(error).splitlines() or [""])[0].strip().rstrip(".")[:100] or type(error).__name__
    return "".join(character if character.isprintable() else "?" for character in text)


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, or of a folder's file names and contents in sorted order."""
    digest = hashlib.sha256()
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    for file in files:
        if path.is_dir():
            digest.update(file.relative_to(path).as_posix().encode())
        with file.open("rb") as handle:
            while chunk := handle.read(_CHUNK):
                digest.update(chunk)
    return digest.hexdigest()
