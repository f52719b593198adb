"""Read untrusted files: every size is checked before memory is allocated."""

from __future__ import annotations

import hashlib
import os
import stat
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.runtime.plain_text import one_line

#: Size of the largest file, and of the largest decoded image, that is read into memory.
MAX_BYTES = 1024**3

_CHUNK = 1 << 20
#: Deflate packs at most 1032 bytes into one; a header that promises more than this per stored byte is wrong.
_LARGEST_RATIO = 1040
#: Programs that split a stream into members write far fewer, each of 64 KiB or more.
_MOST_MEMBERS = 100_000
_FIRST_STEP = 512
_MOST_DIGITS = 20
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def check_size(source: Path, number_of_bytes: int) -> None:
    """Refuse an image whose voxels would not fit under :data:`MAX_BYTES`.

    Raises:
        LaMoDInputError: the image is too large.
    """
    if number_of_bytes > MAX_BYTES:
        raise LaMoDInputError(
            source,
            f"its image takes {gibibytes(number_of_bytes)}, more than the {gibibytes(MAX_BYTES)} "
            "that LaMoD reads into memory",
            "crop it to the heart, store masks as 8-bit integers, or split it into slices",
        )


def gibibytes(number_of_bytes: int) -> str:
    """A size for a message, also one of thousands of digits."""
    return f"{number_of_bytes / 1024**3:.3g} GiB" if number_of_bytes < 1 << 80 else "far more than 2⁵⁰ GiB"


def is_regular(path: Path) -> bool:
    """Whether a path is a file with contents, so that opening it cannot block: no pipe, socket, device or folder."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):  # a ValueError for a name with a null character
        return False


def check_regular(path: Path) -> int:
    """The size in bytes of a regular file.

    Raises:
        LaMoDInputError: the file is missing, cannot be accessed, or is a pipe, socket, device or folder.
    """
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise LaMoDInputError(path, "there is no such file", "check the path") from None
    except OSError as error:
        raise _unreadable(path, error) from error
    if not stat.S_ISREG(found.st_mode):
        kind = _KINDS.get(stat.S_IFMT(found.st_mode), "not a file with contents")
        raise LaMoDInputError(path, f"it is {kind}, not a regular file", "name a file on the disk")
    return found.st_size


def read_file(path: Path, most: int = MAX_BYTES) -> bytes:
    """The bytes of a regular file no larger than `most`.

    Raises:
        LaMoDInputError: the file is missing, not a regular file, unreadable, empty or too large.
    """
    path = Path(path)
    size = check_regular(path)
    if size == 0:
        raise LaMoDInputError(path, "the file is empty", "export it again")
    if size > most:
        raise _too_large(path, size, most)
    try:
        with path.open("rb") as stream:
            data = stream.read(size)
    except OSError as error:
        raise _unreadable(path, error) from error
    return data


def read_start(path: Path, count: int) -> bytes:
    """The first bytes of a regular file, at most `count`; fewer if the file is shorter.

    Raises:
        LaMoDInputError: the file is missing, not a regular file or unreadable.
    """
    check_regular(path)
    try:
        with path.open("rb") as stream:
            return stream.read(count)
    except OSError as error:
        raise _unreadable(path, error) from error


def read_text(path: Path, most: int) -> str:
    """The text of a UTF-8 file no larger than `most` bytes, without a byte order mark.

    Raises:
        LaMoDInputError: see `read_file`; or it is not UTF-8.
    """
    try:
        return read_file(path, most).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise damaged(path, "it is not UTF-8 text") from error


def _too_large(path: Path, size: int, most: int) -> LaMoDInputError:
    return LaMoDInputError(
        path,
        f"it has {size / 1024**2:.0f} MiB, more than the {most / 1024**2:.0f} MiB that LaMoD reads of such a file",
        "export only what is needed",
    )


def _unreadable(path: Path, error: OSError) -> LaMoDInputError:
    reason = f"it cannot be read ({error.strerror or error})"
    return LaMoDInputError(path, reason, "check the file's permissions and the disk")


def is_gzip(head: bytes) -> bool:
    """Whether bytes are the beginning of a gzip file (RFC 1952)."""
    return head[:2] == b"\x1f\x8b"


def inflate(data: bytes | bytearray | memoryview, expected: int, source: Path) -> bytearray:
    """Decompress gzip or zlib data that should contain ``expected`` bytes, and never more than that.

    Time grows with the size of the data, however many gzip members it has.

    Raises:
        LaMoDInputError: the stream is damaged or ends before ``expected`` bytes.
    """
    check_size(source, expected)
    if expected > len(data) * _LARGEST_RATIO + _CHUNK:
        raise truncated(source, len(data), expected)
    found = bytearray(expected)  # the stored bytes can be as many
    view, target = memoryview(data), memoryview(found)
    position = members = size = 0
    while position < len(view) and size < expected:
        decoder = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
        step = _FIRST_STEP  # what follows a member is copied: short steps at first, as a member may be short
        try:
            while position < len(view) and not decoder.eof and size < expected:
                piece: bytes | memoryview = view[position : position + step]
                position, step = position + len(piece), min(2 * step, _CHUNK)
                room = part = 0
                while part == room and size < expected:
                    room = min(expected - size, _CHUNK)
                    inflated = decoder.decompress(piece, room)
                    piece, part = decoder.unconsumed_tail, len(inflated)
                    target[size : size + part] = inflated
                    size += part
        except zlib.error as error:
            raise damaged(source, "its compressed data are damaged") from error
        position -= len(decoder.unused_data)
        members += 1
        if members > _MOST_MEMBERS:
            raise damaged(source, f"it has more than {_MOST_MEMBERS} compressed parts")
        if bytes(view[position : position + 2]) != b"\x1f\x8b":  # only another gzip member continues the stream
            break
    if size < expected:
        raise truncated(source, size, expected)
    return found


def inflated_size(data: bytes | memoryview, most: int, wbits: int = zlib.MAX_WBITS) -> int:
    """Number of bytes of a compressed stream, counted without keeping them; more than `most` is not counted.

    Raises:
        zlib.error: the stream is damaged.
    """
    decoder = zlib.decompressobj(wbits)
    size, position = 0, 0
    while position < len(data) and not decoder.eof and size <= most:
        rest = data[position : position + _CHUNK]
        position += len(rest)
        size += len(decoder.decompress(rest, _CHUNK))
        while decoder.unconsumed_tail and size <= most:
            size += len(decoder.decompress(decoder.unconsumed_tail, _CHUNK))
    return size


def small_integer(text: str) -> int:
    """The whole number in a header; the time to convert digits grows with the square of their number.

    Raises:
        ValueError: it is not one, or has more digits than any size of a file.
    """
    if len(text.strip()) > _MOST_DIGITS:
        raise ValueError(f"a number has {len(text.strip())} digits")
    return int(text)


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
    return one_line(text)


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
