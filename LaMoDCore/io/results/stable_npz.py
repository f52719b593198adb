"""numpy's .npz with the same bytes for the same arrays: no time stamps and no platform-dependent entries."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from LaMoDCore.heart.geometry import Array


def write_stable_npz(path: Path, arrays: Iterable[tuple[str, Array]]) -> None:
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
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.asanyarray(array, order="C"), allow_pickle=False)
            archive.writestr(entry, buffer.getbuffer(), compresslevel=3)
