"""Read NIfTI-1 and NIfTI-2 images (https://nifti.nimh.nih.gov/nifti-1/), with every size checked.

The header's RAS axes are converted to LPS. Times come from ``pixdim[4]``, or ``pixdim[5]`` if
time is on the fifth axis, and ``xyzt_units``.
"""

from __future__ import annotations

import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.io.images.frame_stack import FrameStack
from LaMoDCore.io.images.frame_times import regular_times
from LaMoDCore.io.images.stated_geometry import is_no_geometry, with_other_transform
from LaMoDCore.runtime.bounded_reads import check_size, damaged, inflate, is_gzip, parsing, read_file, truncated
from LaMoDCore.runtime.errors import LaMoDInputError

_DTYPES = {
    2: "u1",
    4: "i2",
    8: "i4",
    16: "f4",
    64: "f8",
    256: "i1",
    512: "u2",
    768: "u4",
    1024: "i8",
    1280: "u8",
}
_OTHER_TYPES = {1: " (bits)", 32: " (complex)", 128: " (RGB colours)", 1792: " (complex)", 2304: " (RGBA colours)"}
_MM_PER_UNIT = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}
_MS_PER_UNIT = {8: 1000.0, 16: 1.0, 24: 0.001}
_ORIENTED = ("sform", "qform")
_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True)
class NiftiHeader:
    """The header fields that are used: ``dim[1:]`` as sizes, ``pixdim``, both transforms."""

    dtype: np.dtype
    sizes: tuple[int, ...]
    pixdim: tuple[float, ...]
    vox_offset: int
    slope: float
    intercept: float
    units: int
    qform_code: int
    sform_code: int
    quatern: tuple[float, ...]
    sform: Array


def read_nifti(path: str | Path) -> FrameStack:
    """Read a .nii or .nii.gz of 2 to 5 dimensions as frames [T, Z, H, W].

    Raises:
        LaMoDInputError: the file is missing, damaged, too large, or holds vectors or colours.
    """
    path = Path(path)
    data = read_file(path)
    compressed = is_gzip(data)
    head = _head(data, path) if compressed else data[:1024]
    with parsing(path, "its NIfTI header"):
        header = read_nifti_header(head, path)
    count = math.prod(header.sizes)
    expected = count * header.dtype.itemsize
    check_size(path, expected)
    total = header.vox_offset + expected
    body = inflate(data, total, path) if compressed else data
    if len(body) < total:
        raise truncated(path, max(len(body) - header.vox_offset, 0), expected)
    voxels = np.frombuffer(body, dtype=header.dtype, count=count, offset=header.vox_offset)
    voxels = voxels.astype(header.dtype.newbyteorder("="), copy=False)
    if _is_scaled(header):
        check_size(path, count * 4)
        voxels = voxels * np.float32(header.slope) + np.float32(header.intercept)
    sizes = header.sizes + (1,) * (5 - len(header.sizes))
    step = header.pixdim[4]
    if sizes[3] == 1 and sizes[4] > 1:  # some writers put time on the fifth axis
        sizes = (*sizes[:3], sizes[4], 1)
        step = step if header.pixdim[5] in (0.0, 1.0) else header.pixdim[5]
    if sizes[4] > 1:
        raise LaMoDInputError(
            path, f"each of its voxels holds {sizes[4]} values", "save a labelmap: one value per voxel"
        )
    unit = _MS_PER_UNIT.get(header.units & 56)
    times = regular_times(step, sizes[3], unit, path.name)
    notes = [times.note] if times.note else []
    with np.errstate(all="ignore"):  # `check_grid` refuses a matrix that overflows
        (name, affine), *others = _transforms(header)
    stack = FrameStack(
        name=path.name,
        frames=np.ascontiguousarray(voxels.reshape(sizes[3::-1])),
        ijk_to_lps=affine,
        frame_times_ms=times.times_ms,
        has_orientation=name in _ORIENTED,
        notes=tuple(notes),
        time_problem=times.problem,
    )
    if not others or not np.isfinite(affine).all():
        return stack
    return with_other_transform(stack, name, *others[0])


def _head(data: bytes, path: Path) -> bytes:
    try:
        return zlib.decompressobj(wbits=31).decompress(data, 1024)
    except zlib.error as error:
        raise damaged(path, "its compressed data are damaged") from error


def is_nifti(head: bytes) -> bool:
    """Whether bytes are the beginning of an uncompressed NIfTI file, whatever its name: they hold the header's size."""
    return head[:4] in (b"\x5c\x01\0\0", b"\0\0\x01\x5c", b"\x1c\x02\0\0", b"\0\0\x02\x1c")


def read_nifti_header(head: bytes, path: Path) -> NiftiHeader:
    """Parse the first bytes of a NIfTI-1 or -2 file, decompressed."""
    for order in "<>":
        size = struct.unpack_from(order + "i", head)[0] if len(head) >= 4 else 0
        if size == 348 and len(head) >= 348:
            return _nifti1(head, order, path)
        if size == 540 and len(head) >= 540:
            return _nifti2(head, order, path)
    raise damaged(path, "it does not begin like a NIfTI file")


def _nifti1(head: bytes, order: str, path: Path) -> NiftiHeader:
    if head[344:347] not in (b"n+1", b"ni1"):
        raise damaged(path, "it is an Analyze image or has no NIfTI magic number")
    if head[344:347] == b"ni1":
        raise LaMoDInputError(path, "its voxels lie in a separate .img file", "save it as one .nii.gz")
    return _header(
        path,
        order,
        dim=struct.unpack_from(order + "8h", head, 40),
        datatype=struct.unpack_from(order + "h", head, 70)[0],
        pixdim=struct.unpack_from(order + "8f", head, 76),
        offset=struct.unpack_from(order + "f", head, 108)[0],
        scaling=struct.unpack_from(order + "2f", head, 112),
        units=head[123],
        codes=struct.unpack_from(order + "2h", head, 252),
        quatern=struct.unpack_from(order + "6f", head, 256),
        sform=struct.unpack_from(order + "12f", head, 280),
    )


def _nifti2(head: bytes, order: str, path: Path) -> NiftiHeader:
    if head[4:7] != b"n+2":
        raise LaMoDInputError(path, "its voxels lie in a separate .img file", "save it as one .nii.gz")
    return _header(
        path,
        order,
        dim=struct.unpack_from(order + "8q", head, 16),
        datatype=struct.unpack_from(order + "h", head, 12)[0],
        pixdim=struct.unpack_from(order + "8d", head, 104),
        offset=float(struct.unpack_from(order + "q", head, 168)[0]),
        scaling=struct.unpack_from(order + "2d", head, 176),
        units=struct.unpack_from(order + "i", head, 500)[0],
        codes=struct.unpack_from(order + "2i", head, 344),
        quatern=struct.unpack_from(order + "6d", head, 352),
        sform=struct.unpack_from(order + "12d", head, 400),
    )


def _header(
    path: Path,
    order: str,
    *,
    dim: tuple[int, ...],
    datatype: int,
    pixdim: tuple[float, ...],
    offset: float,
    scaling: tuple[float, ...],
    units: int,
    codes: tuple[int, ...],
    quatern: tuple[float, ...],
    sform: tuple[float, ...],
) -> NiftiHeader:
    axes = dim[0]
    while 5 < axes <= 7 and dim[axes] == 1:  # further axes of size 1 hold nothing
        axes -= 1
    dim = (axes, *dim[1:])
    if not 2 <= dim[0] <= 5 or min(dim[1 : dim[0] + 1]) < 1:
        raise damaged(path, f"its header gives {dim[0]} axes with sizes {list(dim[1 : max(1, min(dim[0], 7)) + 1])}")
    if datatype not in _DTYPES:
        raise LaMoDInputError(
            path,
            f"its voxels are of NIfTI type {datatype}{_OTHER_TYPES.get(datatype, '')}, not plain numbers",
            "export integers or floats",
        )
    if not np.isfinite(offset) or not 0 <= offset <= 1 << 24:
        raise damaged(path, f"its voxels should begin at byte {offset}")
    return NiftiHeader(
        dtype=np.dtype(order + _DTYPES[datatype]),
        sizes=tuple(int(d) for d in dim[1 : dim[0] + 1]),
        pixdim=pixdim,
        vox_offset=int(offset),
        slope=scaling[0],
        intercept=scaling[1],
        units=units,
        qform_code=codes[0],
        sform_code=codes[1],
        quatern=quatern,
        sform=np.array(sform, dtype=np.float64).reshape(3, 4),
    )


def _is_scaled(header: NiftiHeader) -> bool:
    slope, intercept = header.slope, header.intercept
    usable = math.isfinite(slope) and math.isfinite(intercept) and slope != 0
    return usable and (slope, intercept) != (1.0, 0.0)


def _transforms(header: NiftiHeader) -> list[tuple[str, Array]]:
    """Names and ``ijk_to_lps`` [4, 4] of the header's transforms, the one that is used by default first.

    The sform precedes the qform, unless it is an identity matrix with unit pixels and the qform is not. If there is
    no qform, the pixel sizes (pixdim) may contradict the sform.
    """
    scale = np.diag([_MM_PER_UNIT.get(header.units & 7, 1.0)] * 3 + [1.0])
    sizes = np.abs(np.array(header.pixdim[1:4], dtype=np.float64))
    sizes[~np.isfinite(sizes) | (sizes == 0)] = 1.0
    found: list[tuple[str, Array]] = []
    if header.sform_code > 0 and abs(np.linalg.det(header.sform[:, :3])) > 1e-9:
        affine = np.eye(4)
        affine[:3] = header.sform
        found.append(("sform", _RAS_TO_LPS @ scale @ affine))
    if header.qform_code > 0:
        found.append(("qform", _RAS_TO_LPS @ scale @ _qform(header)))
    found.sort(key=lambda transform: is_no_geometry(transform[1]))
    if len(found) == 1 and found[0][0] == "sform":
        lengths = np.linalg.norm(found[0][1][:3, :3], axis=0)
        used = slice(0, 3 if len(header.sizes) > 2 and header.sizes[2] > 1 else 2)
        scaled = np.array(found[0][1])
        scaled[:3, used] *= ((scale[0, 0] * sizes) / lengths)[used]
        if is_no_geometry(found[0][1]) and not is_no_geometry(scaled):
            return [("pixel sizes", scale @ np.diag([*sizes, 1.0]))]
        if not (header.pixdim[1:3] == (1.0, 1.0) or 0.0 in header.pixdim[1:3]):
            found.append(("pixel sizes", scaled))
    return found or [("pixel sizes", scale @ np.diag([*sizes, 1.0]))]


def _qform(header: NiftiHeader) -> Array:
    """The quaternion transform, method 2 of nifti1.h, in RAS."""
    b, c, d = header.quatern[:3]
    a = math.sqrt(max(0.0, 1.0 - (b * b + c * c + d * d)))
    rotation = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    handedness = -1.0 if header.pixdim[0] < 0 else 1.0
    affine = np.eye(4)
    affine[:3, :3] = rotation * np.array([header.pixdim[1], header.pixdim[2], header.pixdim[3] * handedness])
    affine[:3, 3] = header.quatern[3:6]
    return affine
