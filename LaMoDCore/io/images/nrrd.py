"""Read and write the NRRD format, as far as images of the heart use it (teem.sourceforge.net/nrrd/format.html)."""

from __future__ import annotations

import bz2
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.runtime.atomic import replaced_file
from LaMoDCore.runtime.blocks import Blocks
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
from LaMoDCore.runtime.errors import LaMoDInputError

_TYPES = {
    "int8": ("signed char", "int8", "int8_t"),
    "uint8": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "int16": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "uint16": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "int32": ("int", "signed int", "int32", "int32_t"),
    "uint32": ("uint", "unsigned int", "uint32", "uint32_t"),
    "int64": ("longlong", "long long", "long long int", "signed long long", "int64", "int64_t"),
    "uint64": ("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"),
    "float32": ("float",),
    "float64": ("double",),
}
NUMPY_TYPE = {name: dtype for dtype, names in _TYPES.items() for name in names}
NRRD_TYPE = {"uint8": "uint8", "int16": "int16", "float32": "float"}

#: Patient axes of each space, as signs to LPS.
_SPACE_TO_LPS = {
    "left-posterior-superior": (1.0, 1.0, 1.0),
    "lps": (1.0, 1.0, 1.0),
    "right-anterior-superior": (-1.0, -1.0, 1.0),
    "ras": (-1.0, -1.0, 1.0),
    "left-anterior-superior": (1.0, -1.0, 1.0),
    "las": (1.0, -1.0, 1.0),
}
_TIME_SPACES = ("left-posterior-superior-time", "right-anterior-superior-time", "left-anterior-superior-time")

_MAX_HEADER = 1 << 20
_MAX_AXES = 6
_LONGEST_LABELS = 4096
#: Values of a text-encoded image, each of which takes far more memory than its voxel.
_MOST_TEXT_VALUES = 1 << 23


@dataclass(frozen=True)
class NrrdHeader:
    """The fields of a NRRD header that are used; axes in file order, the fastest first."""

    dtype: np.dtype
    sizes: tuple[int, ...]
    encoding: str
    kinds: tuple[str, ...]
    directions: tuple[tuple[float, ...] | None, ...]
    space: str
    origin: tuple[float, ...]
    spacings: tuple[float, ...]
    labels: tuple[str, ...]
    units: tuple[str, ...]
    data_file: str
    line_skip: int
    byte_skip: int
    metadata: Mapping[str, str]
    data_offset: int


def parse_header(data: bytes, source: Path) -> NrrdHeader:
    """Parse the text before the first empty line.

    Raises:
        LaMoDInputError: it is not a NRRD header, or is inconsistent.
    """
    if not data.startswith(b"NRRD000"):
        raise damaged(source, "it does not begin like a NRRD file")
    end = re.search(rb"\r?\n\r?\n", data[:_MAX_HEADER])
    text = data[: end.start() if end else _MAX_HEADER].decode("latin-1")
    fields: dict[str, str] = {}
    metadata: dict[str, str] = {}
    for line in text.splitlines()[1:]:
        if line.startswith("#"):
            continue
        pair = re.match(r"([^:]+):=(.*)", line)
        if pair:
            metadata[pair[1].strip()] = pair[2].strip()
            continue
        name, separator, value = line.partition(": ")
        if separator:
            fields[name.strip().lower()] = value.strip()
    with parsing(source, "its NRRD header"):
        return _header_of(fields, metadata, end.end() if end else len(data), source)


def _header_of(fields: dict[str, str], metadata: dict[str, str], offset: int, source: Path) -> NrrdHeader:
    for name in ("type", "dimension", "sizes", "encoding"):
        if name not in fields:
            raise damaged(source, f"its NRRD header has no field '{name}'")
    dimension = small_integer(fields["dimension"])
    sizes = tuple(small_integer(s) for s in fields["sizes"].split())
    if not 1 <= dimension <= _MAX_AXES or len(sizes) != dimension or min(sizes) < 1:
        raise damaged(source, f"its NRRD header gives {dimension} axes with sizes '{fields['sizes']}'")
    if fields["type"].lower() not in NUMPY_TYPE:
        raise LaMoDInputError(source, f"its voxels are of type '{fields['type']}'", "export integers or floats")
    dtype = np.dtype(NUMPY_TYPE[fields["type"].lower()])
    dtype = dtype.newbyteorder(">" if fields.get("endian", "little").lower() == "big" else "<")
    return NrrdHeader(
        dtype=dtype,
        sizes=sizes,
        encoding=fields["encoding"].lower(),
        kinds=_per_axis(fields.get("kinds", "").lower().split(), dimension, "???"),
        directions=_directions(fields.get("space directions", ""), dimension),
        space=fields.get("space", "").lower(),
        origin=_vector(fields.get("space origin", "")) or (),
        spacings=tuple(_number(s) for s in _per_axis(fields.get("spacings", "").split(), dimension, "nan")),
        labels=_per_axis(_quoted(fields.get("labels", "")), dimension, ""),
        units=_per_axis(_quoted(fields.get("units", "")), dimension, ""),
        data_file=fields.get("data file", fields.get("datafile", "")),
        line_skip=small_integer(fields.get("line skip", fields.get("lineskip", "0"))),
        byte_skip=small_integer(fields.get("byte skip", fields.get("byteskip", "0"))),
        metadata=metadata,
        data_offset=offset,
    )


def _quoted(text: str) -> list[str]:
    # the time to search for an end that does not exist grows with the square of the length
    return re.findall(r'"((?:[^"\\]|\\.)*)"', text[:_LONGEST_LABELS])


def _per_axis(values: list[str], dimension: int, missing: str) -> tuple[str, ...]:
    return tuple(values) if len(values) == dimension else (missing,) * dimension


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _vector(text: str) -> tuple[float, ...] | None:
    inside = re.fullmatch(r"\(([^()]*)\)", text.strip())
    return tuple(float(v) for v in inside[1].split(",")) if inside else None


def _directions(text: str, dimension: int) -> tuple[tuple[float, ...] | None, ...]:
    entries = re.findall(r"none|\([^()]*\)", text)
    if len(entries) != dimension:
        return (None,) * dimension
    vectors = [_vector(entry) for entry in entries]
    # pynrrd writes the direction of a list axis as nan, nan, nan
    return tuple(None if v is None or np.isnan(v).any() else v for v in vectors)


def read_voxels(header: NrrdHeader, data: bytes, source: Path) -> Array:
    """The voxels with axes in reverse file order (numpy's C order), native byte order.

    Raises:
        LaMoDInputError: there are fewer bytes than the header specifies, or the encoding is not supported.
    """
    count = int(np.prod([int(s) for s in header.sizes], dtype=object))
    expected = count * header.dtype.itemsize
    check_size(source, expected)
    payload: bytes | bytearray | memoryview = _payload(header, data, source)
    if header.encoding == "raw":
        payload = payload[len(payload) - expected :] if header.byte_skip == -1 else payload
        if len(payload) < expected:
            raise truncated(source, len(payload), expected)
    elif header.encoding in ("gzip", "gz"):
        payload = inflate(payload, expected, source)
    elif header.encoding in ("bzip2", "bz2"):
        try:
            payload = bz2.BZ2Decompressor().decompress(payload, max_length=expected)
        except (OSError, ValueError, EOFError) as error:
            raise damaged(source, "its compressed data are damaged") from error
        if len(payload) < expected:
            raise truncated(source, len(payload), expected)
    elif header.encoding in ("ascii", "text", "txt"):
        if count > _MOST_TEXT_VALUES:
            raise LaMoDInputError(source, f"it has {count} values as text", "save it as raw or gzip")
        with parsing(source, "its text-encoded image"):
            values = np.array(bytes(payload).split(None, count)[:count], dtype=np.float64)
        if values.size < count:
            raise truncated(source, values.size, count)
        return values[:count].astype(header.dtype.newbyteorder("=")).reshape(header.sizes[::-1])
    else:
        raise LaMoDInputError(source, f"its encoding is '{header.encoding}'", "save it as raw or gzip")
    voxels = np.frombuffer(payload, dtype=header.dtype, count=count).reshape(header.sizes[::-1])
    return voxels.astype(header.dtype.newbyteorder("="), copy=False)


def _payload(header: NrrdHeader, data: bytes, source: Path) -> memoryview:
    name, place = header.data_file, 0 if header.data_file else header.data_offset
    data = read_file(neighbour_file(source, name)) if name else data
    for _ in range(max(header.line_skip, 0)):
        place = data.find(b"\n", place) + 1
        if place == 0:
            raise damaged(source, f"it has fewer than the {header.line_skip} lines to skip")
    return memoryview(data)[place + max(header.byte_skip, 0) :]


def affine_of(header: NrrdHeader, axes: tuple[int, int, int], source: Path) -> tuple[Array, bool]:
    """``ijk_to_lps`` [4, 4] of three domain axes, and whether the file has an orientation.

    Raises:
        LaMoDInputError: the directions do not have three components, or the space is unknown.
    """
    affine = np.eye(4)
    vectors = [header.directions[axis] for axis in axes]
    if any(v is None for v in vectors):
        spacing = [abs(header.spacings[axis]) for axis in axes]  # without directions, the sign has no meaning
        affine[:3, :3] = np.diag([s if np.isfinite(s) and s > 0 else 1.0 for s in spacing])
        return affine, False
    # a file with directions but no space is read as LPS, as in ITK, which writes such files in 4-D
    space = (header.space.removesuffix("-time") if header.space in _TIME_SPACES else header.space) or "lps"
    if space not in _SPACE_TO_LPS:
        raise LaMoDInputError(
            source,
            f"its space is '{header.space}'",
            "save it in LPS or RAS, as Slicer does",
        )
    origin = header.origin if len(header.origin) >= 3 else (0.0, 0.0, 0.0)
    for column, vector in enumerate((*vectors, origin)):
        if vector is None or len(vector) < 3:
            raise damaged(source, "its space directions do not have three entries each")
        affine[:3, column] = vector[:3]
    affine[:3] *= np.array(_SPACE_TO_LPS[space])[:, None]
    return affine, True


def index_values(text: str) -> list[str]:
    """Slicer's index values of a sequence: separated by spaces, each URL-encoded."""
    return [unquote(value) for value in text.split()]


#: Level of zlib. Higher levels take several times as long for files that are hardly smaller.
GZIP_LEVEL = 1


def write_nrrd(
    path: Path,
    voxels: Array | Blocks,
    fields: list[str],
    metadata: Mapping[str, str],
    *,
    runs_only: bool = False,
    compress: bool = True,
) -> None:
    """Write one NRRD file atomically; the same voxels give the same bytes (gzip without a time stamp).

    Args:
        path: the file; its folder exists.
        voxels: axes in reverse file order (C order); uint8, int16 or float32. `Blocks` are made one by one.
        fields: header lines in addition to type, dimension, sizes, endian and encoding, in order.
        metadata: key-value pairs, written in the given order.
        runs_only: compress runs of equal bytes only; as small and twice as fast for real numbers that do not repeat.
        compress: False writes raw voxels, for files that are read once and deleted.
    """
    dtype = voxels.dtype.name
    if dtype not in NRRD_TYPE:
        raise ValueError(f"voxels must be {', '.join(NRRD_TYPE)}, got {dtype}")
    lines = [
        "NRRD0005",
        "# Complete NRRD file format specification at:",
        "# http://teem.sourceforge.net/nrrd/format.html",
        f"type: {NRRD_TYPE[dtype]}",
        f"dimension: {len(voxels.shape)}",
        f"sizes: {' '.join(str(s) for s in voxels.shape[::-1])}",
        *fields,
        "endian: little",
        f"encoding: {'gzip' if compress else 'raw'}",
        *(f"{key}:={value}" for key, value in metadata.items()),
    ]
    for line in lines:
        if "\n" in line or "\r" in line:
            raise ValueError("a NRRD header field cannot hold a line break")
    little = voxels.dtype.newbyteorder("<")
    # wbits 31 writes a gzip header whose time stamp is zero
    strategy = zlib.Z_RLE if runs_only else zlib.Z_DEFAULT_STRATEGY
    packer = zlib.compressobj(level=GZIP_LEVEL, wbits=31, strategy=strategy)
    with replaced_file(path) as temporary, temporary.open("wb") as handle:
        handle.write(("\n".join(lines) + "\n\n").encode("utf-8"))
        for block in voxels.make() if isinstance(voxels, Blocks) else [voxels]:
            flat = np.ascontiguousarray(block, dtype=little).reshape(-1)
            raw = flat.view(np.uint8).data
            handle.write(packer.compress(raw) if compress else raw)
        if compress:
            handle.write(packer.flush())


def replace_metadata(path: Path, changes: Mapping[str, str]) -> None:
    """Replace key-value pairs of a NRRD file's header; voxels and the other header lines keep their bytes.

    Args:
        path: a NRRD file with attached data.
        changes: new values; a key that the header lacks is appended.

    Raises:
        LaMoDInputError: the file has no NRRD header, or cannot be written.
        ValueError: a value contains a line break.
    """
    data = read_file(path)
    head, separator, voxels = data.partition(b"\n\n")
    if not separator or not head.startswith(b"NRRD"):
        raise damaged(path, "its header does not end")
    lines = head.decode("utf-8", errors="surrogateescape").split("\n")
    for key, value in changes.items():
        if "\n" in value or "\r" in value:
            raise ValueError("a NRRD header field cannot hold a line break")
        line = f"{key}:={value}"
        places = [n for n, existing in enumerate(lines) if existing.startswith(f"{key}:=")]
        if places:
            lines[places[0]] = line
        else:
            lines.append(line)
    with replaced_file(path) as temporary:
        temporary.write_bytes("\n".join(lines).encode("utf-8", errors="surrogateescape") + separator + voxels)


def format_vector(vector: Array) -> str:
    """A NRRD vector in the shortest digits that read back exactly."""
    return "(" + ",".join(repr(float(v) + 0.0) for v in vector) + ")"
