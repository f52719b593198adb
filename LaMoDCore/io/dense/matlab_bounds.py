"""Check the sizes in a MATLAB v5 file before SciPy reads it: SciPy allocates what the headers claim.

A file is a sequence of elements, each with a tag (type, number of bytes). Compressed elements contain one element;
matrix elements contain flags, dimensions, a name and data, and cells and structures contain further matrices
(MathWorks, "MAT-File Format").
"""

from __future__ import annotations

import math
import struct
import zlib
from pathlib import Path

from LaMoDCore.runtime.bounded_reads import damaged, gibibytes, inflated_size, read_file
from LaMoDCore.runtime.errors import LaMoDInputError

_HEADER = 128
_MATRIX, _COMPRESSED = 14, 15
_CELL, _STRUCT, _OBJECT, _SPARSE = 1, 2, 3, 5
_NUMERIC = range(4, 16)
#: Largest sum of the inflated elements, nesting of cells and structures, and number of matrices.
_LARGEST, _DEEPEST, _MOST_MATRICES = 1 << 29, 40, 500_000


def read_bounded_mat(path: Path) -> bytes:
    """The bytes of a MATLAB v5 file whose sizes are all plausible.

    Raises:
        LaMoDInputError: it is too large, or a size in it cannot be right.
    """
    data = read_file(path, _LARGEST)
    order = {b"IM": "<", b"MI": ">"}.get(data[126:128])
    if order is None or data[:8] == b"\x89HDF\r\n\x1a\n" or len(data) < _HEADER:
        return data  # not of this version: SciPy reports it
    try:
        _check(memoryview(data), order)
    except (struct.error, zlib.error, IndexError, OverflowError, ValueError) as error:
        raise damaged(path, f"its contents contradict each other ({error})") from None
    except LaMoDInputError as error:
        raise LaMoDInputError(path, error.reason, error.remedy) from None
    return data


def _check(data: memoryview, order: str) -> None:
    place, inflated = _HEADER, 0
    remaining = [_MOST_MATRICES]
    while place + 8 <= len(data):
        kind, size, start = _tag(data, place, order)
        end = start + size
        if end > len(data):
            raise ValueError("an element is longer than the file")
        body = data[start:end]
        if kind == _COMPRESSED:
            inflated += inflated_size(body, _LARGEST - inflated)
            if inflated > _LARGEST:
                text = f"it inflates to more than {gibibytes(_LARGEST)}"
                raise LaMoDInputError("", text, "save only the DENSE series in the workspace")
            inside = memoryview(zlib.decompressobj().decompress(body, _LARGEST))
            kind, body, _ = _next(inside, 0, order)
        else:
            end += -size % 8
        place = end
        if kind == _MATRIX:
            _check_matrix(body, order, 0, remaining)


def _tag(data: memoryview, place: int, order: str) -> tuple[int, int, int]:
    """Type and bytes of the element at a place, and where its data begin."""
    (first,) = struct.unpack_from(order + "I", data, place)
    if first >> 16:  # a small element: size and type share four bytes
        return first & 0xFFFF, first >> 16, place + 4
    (size,) = struct.unpack_from(order + "I", data, place + 4)
    return first, size, place + 8


def _next(data: memoryview, place: int, order: str) -> tuple[int, memoryview, int]:
    """Type and data of the element at a place, and the place of the next."""
    kind, size, start = _tag(data, place, order)
    if size > len(data) - start:
        raise ValueError("an element is longer than the one that contains it")
    end = start + size
    small = start == place + 4
    return kind, data[start:end], place + 8 if small else end + (-size % 8 if kind != _COMPRESSED else 0)


def _check_matrix(body: memoryview, order: str, depth: int, remaining: list[int]) -> None:
    remaining[0] -= 1
    if remaining[0] < 0:
        raise ValueError(f"it has more than {_MOST_MATRICES} matrices")
    if depth > _DEEPEST:
        raise ValueError(f"its cells and structures are nested more than {_DEEPEST} deep")
    if not len(body):
        return  # an empty matrix
    _, flags, place = _next(body, 0, order)
    kind = struct.unpack_from(order + "I", flags)[0] & 0xFF
    if kind not in (_CELL, _STRUCT, _OBJECT, _SPARSE, *_NUMERIC):
        return  # function handles and others, which SciPy skips
    _, dims, place = _next(body, place, order)
    sizes = struct.unpack(f"{order}{len(dims) // 4}i", dims[: len(dims) // 4 * 4])
    if not 2 <= len(sizes) <= 32 or min(sizes) < 0:
        raise ValueError(f"a matrix has the dimensions {sizes[:8]}")
    count = math.prod(sizes)
    _, _, place = _next(body, place, order)  # its name
    left = len(body) - place
    if kind == _SPARSE:
        if max(sizes) > _LARGEST // 8:
            raise ValueError(f"a sparse matrix has the dimensions {sizes[:8]}")
        return
    if kind in _NUMERIC:
        if count > left:
            raise ValueError(f"a matrix of {count} numbers has {left} bytes")
        return
    fields, place = _fields(body, place, kind, order)
    if count * max(fields, 1) * 8 > len(body) - place + 8:
        raise ValueError(f"a structure or cell of {count} entries has {len(body) - place} bytes")
    for _ in range(count * fields):
        kind, inner, place = _next(body, place, order)
        if kind == _MATRIX:
            _check_matrix(inner, order, depth + 1, remaining)


def _fields(body: memoryview, place: int, kind: int, order: str) -> tuple[int, int]:
    """Number of matrices in each entry of a cell, structure or object, and where they begin."""
    if kind == _CELL:
        return 1, place
    if kind == _OBJECT:
        _, _, place = _next(body, place, order)  # the name of its class
    _, length, place = _next(body, place, order)
    _, names, place = _next(body, place, order)
    each = struct.unpack_from(order + "i", length)[0]
    if not 0 < each <= 64 or len(names) // each > 1000:
        raise ValueError("the field names of a structure are damaged")
    return len(names) // each, place
