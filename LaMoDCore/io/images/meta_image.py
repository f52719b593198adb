"""Read MetaImage files (.mha, or .mhd with a data file next to it), as ITK-SNAP and others write them.

ITK is not used, because it prints error messages and fills in the missing part of a truncated file. The format is
described in https://itk.org/Wiki/ITK/MetaIO/Documentation. Its space is LPS; each row of TransformMatrix is an axis.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.io.images.frame_stack import FrameStack
from LaMoDCore.io.images.frame_times import FileTimes, regular_times
from LaMoDCore.runtime.bounded_reads import (
    check_size,
    damaged,
    inflate,
    neighbour_file,
    parsing,
    read_file,
    small_integer,
    truncated,
)

_DTYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG": "i4",
    "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
_MAX_HEADER_LINES = 200


def read_meta_image(path: str | Path) -> FrameStack:
    """Read a scalar MetaImage of two to four axes as frames [T, Z, H, W].

    Raises:
        LaMoDInputError: the file is missing, damaged or too large, or contains vectors.
    """
    path = Path(path)
    data = read_file(path)
    fields, offset = _fields(data, path)
    with parsing(path, "its MetaImage header"):
        sizes = [small_integer(s) for s in fields["DimSize"].split()]
        element = fields["ElementType"]
        channels = small_integer(fields.get("ElementNumberOfChannels", "1"))
        msb = fields.get("BinaryDataByteOrderMSB", fields.get("ElementByteOrderMSB", "False"))
        affine = _affine(fields, len(sizes))
        spacing = _numbers(fields, ("ElementSpacing",)) or [1.0] * len(sizes)
    if len(spacing) != len(sizes):
        raise damaged(path, f"its header gives {len(spacing)} spacings for {len(sizes)} axes")
    if not 2 <= len(sizes) <= 4 or min(sizes) < 1 or element not in _DTYPES or channels != 1:
        raise damaged(path, f"it is not a scalar image of two to four axes ({element}, sizes {sizes})")
    if min(spacing) <= 0:
        sizes_mm = " ".join(f"{s:g}" for s in spacing)
        raise damaged(path, f"its ElementSpacing {sizes_mm} is not positive")
    dtype = np.dtype(_DTYPES[element]).newbyteorder(">" if msb.lower() == "true" else "<")
    expected = math.prod(sizes) * dtype.itemsize
    check_size(path, expected)
    payload: bytes | bytearray | memoryview = _payload(fields, memoryview(data)[offset:], path)
    if fields.get("CompressedData", "False").lower() == "true":
        payload = inflate(payload, expected, path)
    if len(payload) < expected:
        raise truncated(path, len(payload), expected)
    voxels = np.frombuffer(payload, dtype=dtype, count=math.prod(sizes)).astype(dtype.newbyteorder("="), copy=False)
    frames = voxels.reshape((1,) * (4 - len(sizes)) + tuple(sizes[::-1]))
    times = regular_times(spacing[3], frames.shape[0], None, path.name) if len(sizes) == 4 else FileTimes()
    return FrameStack(
        name=path.name,
        frames=frames,
        ijk_to_lps=affine,
        frame_times_ms=times.times_ms,
        notes=(times.note,) if times.note else (),
        time_problem=times.problem,
    )


def _fields(data: bytes, path: Path) -> tuple[dict[str, str], int]:
    """The header's fields up to ElementDataFile, which is always the last, and the offset of its end."""
    fields: dict[str, str] = {}
    offset = 0
    for _ in range(_MAX_HEADER_LINES):
        end = data.find(b"\n", offset, offset + 4096)
        if end < 0:
            break
        name, separator, value = data[offset:end].decode("latin-1").partition("=")
        offset = end + 1
        if separator:
            fields[name.strip()] = value.strip()
        if name.strip() == "ElementDataFile":
            break
    missing = [name for name in ("NDims", "DimSize", "ElementType", "ElementDataFile") if name not in fields]
    if missing:
        raise damaged(path, f"its MetaImage header has no field '{missing[0]}'")
    return fields, offset


def _payload(fields: dict[str, str], rest: memoryview, path: Path) -> bytes | memoryview:
    name = fields["ElementDataFile"]
    if name == "LOCAL":
        return rest
    return read_file(neighbour_file(path, name))


def _numbers(fields: dict[str, str], names: tuple[str, ...]) -> list[float] | None:
    for name in names:
        if name in fields:
            return [float(v) for v in fields[name].split()]
    return None


def _affine(fields: dict[str, str], dimension: int) -> Array:
    axes = min(dimension, 3)
    matrix = _numbers(fields, ("TransformMatrix", "Rotation", "Orientation"))
    directions = np.eye(dimension) if matrix is None else np.array(matrix).reshape(dimension, dimension)
    spacing = np.array(_numbers(fields, ("ElementSpacing",)) or [1.0] * dimension)
    origin = np.array(_numbers(fields, ("Offset", "Position", "Origin")) or [0.0] * dimension)
    affine = np.eye(4)
    affine[:axes, :axes] = directions[:axes, :axes].T * spacing[:axes]
    affine[:axes, 3] = origin[:axes]
    return affine
