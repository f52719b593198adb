"""Sizes in MATLAB files are checked before SciPy allocates memory."""

import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat
from test_dense_reading import workspace

from LaMoDCore.io.dense import matlab_bounds
from LaMoDCore.io.dense.matlab_bounds import read_bounded_mat
from LaMoDCore.io.dense.reader import read_dense
from LaMoDCore.runtime.errors import LaMoDInputError


def element(kind: int, body: bytes) -> bytes:
    return struct.pack("<II", kind, len(body)) + body + bytes(-len(body) % 8)


def matrix(kind: int, dims: tuple[int, ...], body: bytes) -> bytes:
    sizes = struct.pack(f"<{len(dims)}i", *dims)
    return element(14, element(6, struct.pack("<II", kind, 0)) + element(5, sizes) + element(1, b"seq") + body)


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x0100) + b"IM" + data)
    return path


def nested(depth: int) -> bytes:
    data = matrix(6, (1, 1), element(9, bytes(8)))
    for _ in range(depth):
        data = matrix(1, (1, 1), data)
    return data


@pytest.mark.parametrize("compression", [False, True])
def test_valid_files_pass(tmp_path: Path, compression: bool) -> None:
    cells = np.array([1, "x", {"b": [1, 2, 3]}], dtype=object)
    content = {"a": np.zeros((3, 4)), "c": cells, "s": {"x": 1, "y": "text"}, "e": np.zeros((0, 0)), "i": np.eye(9)}
    savemat(tmp_path / "x.mat", content, do_compression=compression)
    assert read_bounded_mat(tmp_path / "x.mat") == (tmp_path / "x.mat").read_bytes()
    write(tmp_path / "y.mat", nested(30))
    read_bounded_mat(tmp_path / "y.mat")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (struct.pack("<II", 14, 0xFFFFFFF0) + bytes(100), "longer than the file"),
        (matrix(6, (30000, 30000), element(9, bytes(64))), "900000000 numbers"),
        (matrix(1, (30000, 30000), bytes(64)), "900000000 entries"),
        (matrix(1, (2**31 - 1,) * 3, bytes(64)), "entries"),
        (matrix(2, (30000, 30000), element(5, struct.pack("<i", 8)) + element(1, b"abc".ljust(8, b"\0"))), "entries"),
        (matrix(6, (-4, 4), element(9, bytes(64))), "dimensions"),
        (matrix(6, (1,) * 40, element(9, bytes(64))), "dimensions"),
        (matrix(5, (2**31 - 1, 2**31 - 1), bytes(64)), "sparse"),
        (nested(60), "nested more than 40"),
        (struct.pack("<II", 15, 90) + b"x" * 90, "contradict"),
    ],
)
def test_false_sizes_are_refused(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(LaMoDInputError, match=reason):
        read_bounded_mat(write(tmp_path / "x.dns", data))


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matlab_bounds, "_LARGEST", 1 << 22)
    packed = zlib.compress(bytes(1 << 23))
    with pytest.raises(LaMoDInputError, match="inflates to more than"):
        read_bounded_mat(write(tmp_path / "x.dns", struct.pack("<II", 15, len(packed)) + packed))


@pytest.mark.parametrize(
    ("part", "key", "value"),
    [
        ("dns", "PhaIndex", "abc"), ("dns", "Scale", {"a": 1}), ("dns", "EncFreq", [np.inf] * 3),
        ("seq", "PixelSpacing", "x"),
        ("seq", "ImagePositionPatient", [np.inf, 0, 0]), ("seq", "ImageOrientationPatient", [5.0] * 6),
    ],
)  # fmt: skip
def test_fields_of_a_workspace_are_checked(tmp_path: Path, part: str, key: str, value: object) -> None:
    def change(content: dict) -> None:  # type: ignore[type-arg]
        for each in content[part] if isinstance(content[part], np.ndarray) else [content[part]]:
            each[key] = value

    with pytest.raises(LaMoDInputError):
        read_dense(workspace(tmp_path / "x.dns", change))
