"""Write new labels with the format, header, geometry and voxel type of an existing file."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.heart.ring.mask import epicardial_region
from LaMoDCore.io.files.image_file import VOLUME_SUFFIXES
from LaMoDCore.io.files.labels import LabelMap
from LaMoDCore.io.files.volume_times import times_of_volumes
from LaMoDCore.io.images.natural_order import natural_key
from LaMoDCore.io.images.nifti import is_nifti, read_nifti_header
from LaMoDCore.io.images.nrrd import GZIP_LEVEL, parse_header
from LaMoDCore.io.images.seq_nrrd import axes_of, frame_order
from LaMoDCore.runtime.atomic import replaced_file
from LaMoDCore.runtime.bounded_reads import inflate, is_gzip, read_file
from LaMoDCore.runtime.errors import LaMoDInputError

_ELSEWHERE = "save the contours as a new file (.seq.nrrd or DICOM SEG)"


def relabelled(labels: Array, myocardium: Array, meaning: LabelMap) -> Array:
    """Labels of a slice with a new myocardium.

    Args:
        labels: int [T, H, W] as in the file.
        myocardium: bool [T, H, W], the new one.
        meaning: the meaning of the labels.

    Returns:
        Labels in which pixels removed from the myocardium are cavity if the ring surrounds them (and the file labels
        the cavity), otherwise background; all other structures are unchanged.
    """
    new = np.array(labels)
    wanted = np.asarray(myocardium, dtype=bool)
    wall = meaning.is_myocardium(new)
    left = wall & ~wanted
    new[left] = 0
    new[wanted & ~wall] = meaning.myocardium
    if meaning.cavity is not None:
        changed = np.flatnonzero((left | (wanted & ~wall)).any(axis=(1, 2)))
        for t in changed:
            inside = epicardial_region(wanted[t]) & ~wanted[t]
            new[t][(new[t] == meaning.cavity) & ~inside] = 0
            new[t][inside & (new[t] == 0)] = meaning.cavity
    return new


def write_like(source: str | Path, target: str | Path, frames: Array) -> None:
    """Write label frames as a file, or as a folder with one volume per frame, like the source, which does not change.

    Args:
        source: NIfTI, NRRD (also .seq.nrrd), or a folder of these.
        target: a new file or folder of the same kind.
        frames: int [T, Z, H, W], in the order of `read_images`.

    Raises:
        LaMoDInputError: the target exists, or the format of the source cannot be written.
        ValueError: the frames do not have the shape of the source.
    """
    source, target = Path(source), Path(target)
    if target.exists():
        raise LaMoDInputError(target, "it exists", "name a new file; the original is kept")
    if not source.is_dir():
        _write_file(source, target, frames)
        return
    files = sorted((p for p in source.iterdir() if p.name.lower().endswith(VOLUME_SUFFIXES)), key=natural_key)
    if not files:
        raise LaMoDInputError(source, "it is DICOM, which cannot be written in place", _ELSEWHERE)
    if len(files) != len(frames):
        raise ValueError(f"{len(frames)} frames for {len(files)} files")
    found = times_of_volumes(files, source.name)
    if found is not None:
        files = [files[k] for k in found.order]
    target.mkdir(parents=True)
    for file, frame in zip(files, frames, strict=True):
        _write_file(file, target / file.name, frame[None])


def _write_file(source: Path, target: Path, frames: Array) -> None:
    data = read_file(source)
    if data.startswith(b"NRRD"):
        content = _nrrd(data, frames, source)
    elif is_gzip(data) or is_nifti(data):
        content = _nifti(data, frames, source)
        if target.name.lower().endswith(".gz"):  # as the name promises, whether the source is compressed or not
            content = _gzip(content)
    else:
        raise LaMoDInputError(source, "its format cannot be written", _ELSEWHERE)
    with replaced_file(target) as temporary:
        temporary.write_bytes(content)


def _nifti(data: bytes, frames: Array, source: Path) -> bytes:
    compressed = is_gzip(data)
    head = zlib.decompressobj(wbits=31).decompress(data, 1024) if compressed else data[:1024]
    header = read_nifti_header(head, source)
    count = int(np.prod(header.sizes))
    plain = bytes(inflate(data, header.vox_offset + count * header.dtype.itemsize, source)) if compressed else data
    if frames.size != count:
        raise ValueError(f"{frames.size} voxels for a file of {count}")
    slope = header.slope if header.slope not in (0.0,) and np.isfinite(header.slope) else 1.0
    values = (frames.reshape(-1) - (header.intercept if np.isfinite(header.intercept) else 0.0)) / slope
    voxels = _as_type(values, header.dtype, source).tobytes()
    return plain[: header.vox_offset] + voxels + plain[header.vox_offset + len(voxels) :]


def _nrrd(data: bytes, frames: Array, source: Path) -> bytes:
    header = parse_header(data, source)
    if header.data_file:
        raise LaMoDInputError(source, "its voxels lie in a separate file", _ELSEWHERE)
    axes = axes_of(header)
    order = axes.array_order(len(header.sizes))
    in_file_order = tuple(header.sizes[::-1][axis] for axis in order)
    stored = None if axes.time is None else frame_order(header, axes.time, source)
    if stored is not None:
        frames = frames[np.argsort(stored)]
    if frames.size != int(np.prod(header.sizes)):
        raise ValueError(f"{frames.size} voxels for a file of {int(np.prod(header.sizes))}")
    voxels = frames.reshape(in_file_order).transpose(np.argsort(order))
    payload = _as_type(voxels, header.dtype, source).tobytes()
    text = data[: header.data_offset]
    if header.encoding in ("gzip", "gz"):
        return text + _gzip(payload)
    if header.encoding != "raw" or header.line_skip or header.byte_skip:
        raise LaMoDInputError(source, f"its encoding is '{header.encoding}'", _ELSEWHERE)
    return text + payload


def _as_type(values: Array, dtype: np.dtype, source: Path) -> Array:
    rounded = np.rint(values) if dtype.kind in "iu" else values
    kept = np.ascontiguousarray(rounded).astype(dtype)
    if not np.array_equal(kept.astype(np.float64), np.asarray(rounded, dtype=np.float64)):
        raise LaMoDInputError(source, "its voxel type cannot hold these labels", _ELSEWHERE)
    return kept


def _gzip(data: bytes) -> bytes:
    packer = zlib.compressobj(level=GZIP_LEVEL, wbits=31)  # a gzip header without a time stamp: reproducible bytes
    return packer.compress(data) + packer.flush()
