"""numpy's .npz with the same bytes for the same arrays: no time stamps and no platform-dependent entries."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from LaMoDCore.heart.geometry import Array
from LaMoDCore.runtime.blocks import Blocks

#: Level of zlib. Higher levels take several times as long for files that are hardly smaller.
_LEVEL = 1
_LARGEST_ENTRY = 2**31


def write_stable_npz(path: Path, arrays: Iterable[tuple[str, Array | Blocks]]) -> None:
    """Write a compressed .npz that `numpy.load(path)` reads with its default ``allow_pickle=False``.

    Args:
        path: the file.
        arrays: (name, array of numbers or booleans), written in this order; each is released before the next one is
            requested.

    Raises:
        ValueError: an array of objects, which would need pickle.
    """
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays:
            if array.dtype.hasobject:
                raise ValueError(f"{name} is an array of objects, which cannot be stored without pickle")
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            entry._compresslevel = _LEVEL  # type: ignore[attr-defined]  # `open` has no argument for it
            size = int(np.prod(array.shape, dtype=np.int64)) * array.dtype.itemsize
            with archive.open(entry, "w", force_zip64=size >= _LARGEST_ENTRY) as file:
                header = {"descr": np.lib.format.dtype_to_descr(array.dtype), "fortran_order": False}
                np.lib.format.write_array_header_1_0(file, {**header, "shape": array.shape})
                for block in array.make() if isinstance(array, Blocks) else [array]:
                    file.write(np.ascontiguousarray(block, dtype=array.dtype).data.cast("B"))
