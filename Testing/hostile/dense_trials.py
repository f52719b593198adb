"""DENSE workspaces, arrays and DICOM: bombs, wrong shapes, types and settings."""

from __future__ import annotations

import io
import json
import random
import shutil
import struct
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from bombs import zlib_zeros
from image_trials import mutate
from trial import Trial

_WORDS = ("dense", "x", "--out", "out", "--progress", "none")
_WORKSPACE = ("dense", "x.dns", "--out", "out", "--progress", "none")


def trials(valid: Path) -> Iterator[Trial]:
    yield from _settings()
    yield from _arrays()
    yield from _workspaces()
    yield from _dicom()


def _scan(change: Callable[[Path, random.Random], None], folder: Path, valid: Path, rng: random.Random) -> None:
    shutil.copytree(valid / "arrays", folder / "x")
    change(folder / "x", rng)


def _settings() -> Iterator[Trial]:
    def update(changes: dict[str, Any], path: Path, rng: random.Random) -> None:
        file = path / "dense.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))

    def text(content: str | bytes, path: Path, rng: random.Random) -> None:
        (path / "dense.json").write_bytes(content.encode() if isinstance(content, str) else content)

    values: dict[str, list[Any]] = {
        "ke_cycles_per_mm": [None, "much", -1, 0, 1e300, float("nan"), [0.1], [0.1, "x"], {}, True],
        "scale": ["x", float("inf"), [], 0],
        "spacing_mm": [None, 4, [1], [0, 0], [float("nan"), 1], ["a", "b"], [1, 2, 3]],
        "frame_times_ms": ["x", [1, 2], [1] * 6, [float("nan")] * 6, [1, 2, 3, 4, 5, "x"], [[1], [2]], {}],
        "frame_ms": ["x", -5, 1e9, float("nan")],
        "rr_ms": ["x", -5, float("inf"), [900]],
        "phase_units": [5, None, "furlongs", []],
        "negate": ["yes", [1], [True, False, True], {}],
        "level": [None, 3, "top", []],
        "ijk_to_lps": [None, 5, [[1]], np.zeros((4, 4)).tolist(), np.full((4, 4), float("nan")).tolist()],
        "magnitude": [5, "", "../../../etc/passwd", "/dev/zero", ".", "no.npy", []],
        "mask": [5, "/dev/null", "dense.json"],
        "name": [5, "x" * 5000, "\x1b[2J", "=1+1"],
        "unknown": [1],
    }
    for key, wrong in values.items():
        for number, value in enumerate(wrong):
            codes = (0, 1) if key in ("name", "negate", "ke_cycles_per_mm", "rr_ms", "level", "scale") else (1,)
            quick = number == 0 and key in ("ijk_to_lps", "frame_times_ms")
            yield Trial(
                "dense.json",
                f"{key} {number}",
                _WORDS,
                partial(_scan, partial(update, {key: value})),
                codes,
                ("out",),
                quick=quick,
            )
    for name, content in {
        "empty": "", "a list": "[]", "not JSON": "{", "deep": "[" * 200_000, "deep objects": '{"a":' * 100_000,
        "integer of 10000 digits": '{"rr_ms": ' + "9" * 10_000 + "}", "integer of 4000 digits": '{"rr_ms": ' + "9" * 4000 + "}",
        "not UTF-8": b"\xff\xfe{}", "null characters": '{"name": "\\u0000"}', "half a surrogate": '{"name": "\\ud800"}',
        "10 million values": "[" + "0," * 9_999_999 + "0]",
    }.items():  # fmt: skip
        yield Trial(
            "dense.json", name, _WORDS, partial(_scan, partial(text, content)), (1,), ("out",), quick=name == "deep"
        )


def npy(shape: tuple[int, ...], descr: Any = "<f8", body: bytes = b"") -> bytes:
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, {"descr": descr, "fortran_order": False, "shape": shape})
    return stream.getvalue() + body


def _arrays() -> Iterator[Trial]:
    def write(data: bytes, path: Path, rng: random.Random) -> None:
        (path / "phase_x.npy").write_bytes(data)

    def saved(values: Any, path: Path, rng: random.Random) -> None:
        np.save(path / "phase_x.npy", values, allow_pickle=True)

    size = (6, 20, 24)
    for name, change in {
        "shape of 8 EB": partial(write, npy((10**6, 10**6, 10**6))),
        "shape of 100 GB": partial(write, npy((100, 10**4, 10**4))),
        "negative shape": partial(write, npy((-1, 5, 5), body=bytes(1000))),
        "shape of 5000 digits": partial(
            write,
            b"\x93NUMPY\1\0"
            + struct.pack("<H", 5100)
            + (b"{'descr':'<f8','fortran_order':False,'shape':(" + b"9" * 5000 + b",)}").ljust(5099)
            + b"\n",
        ),
        "header of a megabyte": partial(write, b"\x93NUMPY\2\0" + struct.pack("<I", 1 << 20) + b"(" * (1 << 20)),
        "code in its header": partial(
            write, b"\x93NUMPY\1\0" + struct.pack("<H", 40) + b"__import__('os').system('touch owned')  \n"
        ),
        "objects": partial(saved, np.array([{}] * 8, dtype=object)),
        "text": partial(saved, np.full(size, "x")),
        "complex numbers": partial(saved, np.ones(size, complex)),
        "dates": partial(saved, np.zeros(size, "datetime64[s]")),
        "fields": partial(saved, np.zeros(size, [("a", "f4")])),
        "nothing": partial(saved, np.zeros((0, 20, 24))),
        "a number": partial(saved, np.array(3.0)),
        "one frame": partial(saved, np.zeros((1, 20, 24))),
        "nan": partial(saved, np.full(size, np.nan)),
        "huge numbers": partial(saved, np.full(size, 1e300)),
        "truncated": partial(write, npy(size, body=bytes(100))),
        "version 9": partial(write, b"\x93NUMPY\x09\0" + bytes(200)),
        "empty": partial(write, b""),
    }.items():
        yield Trial(
            "NumPy arrays",
            name,
            _WORDS,
            partial(_scan, change),
            (1,),
            ("out",),
            quick=name in ("objects", "shape of 100 GB"),
        )


def element(kind: int, body: bytes) -> bytes:
    return struct.pack("<II", kind, len(body)) + body + bytes(-len(body) % 8)


def matrix(kind: int, dims: tuple[int, ...], body: bytes, name: bytes = b"seq") -> bytes:
    """A matrix element of class `kind`."""
    flags = element(6, struct.pack("<II", kind, 0))
    sizes = element(5, struct.pack(f"<{len(dims)}i", *dims))
    return element(14, flags + sizes + element(1, name) + body)


def mat(*elements: bytes) -> bytes:
    return b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x0100) + b"IM" + b"".join(elements)


def compressed(data: bytes) -> bytes:
    packed = zlib.compress(data, 9)
    return struct.pack("<II", 15, len(packed)) + packed


def _workspaces() -> Iterator[Trial]:
    def bomb(megabytes: int) -> bytes:
        size = megabytes << 20
        inner = element(6, struct.pack("<II", 6, 0)) + element(5, struct.pack("<2i", 1, size // 8)) + element(1, b"seq")
        head = struct.pack("<II", 14, len(inner) + 8 + size) + inner + struct.pack("<II", 9, size)
        packed = zlib_zeros(megabytes, head)
        return mat(struct.pack("<II", 15, len(packed)) + packed)

    def deep(depth: int) -> bytes:
        inner = b""
        for _ in range(depth):
            inner = matrix(1, (1, 1), inner, b"")
        return mat(matrix(1, (1, 1), inner))

    def raw(data: Callable[[], bytes], folder: Path, valid: Path, rng: random.Random) -> None:
        (folder / "x.dns").write_bytes(data())

    for name, data in {
        "3 GB in 3 MB": partial(bomb, 3000),
        "400 MB in 400 KB": partial(bomb, 400),
        "an element of 4 GB": lambda: mat(struct.pack("<II", 14, 0xFFFFFFF0) + bytes(100)),
        "a matrix of 4 GB": lambda: mat(matrix(6, (30000, 30000), element(9, bytes(64)))),
        "a cell of 900 million": lambda: mat(matrix(1, (30000, 30000), bytes(64))),
        "a structure of 900 million": lambda: mat(matrix(2, (30000, 30000), element(5, struct.pack("<i", 8)) + element(1, b"a".ljust(8, b"\0")))),
        "dims that overflow": lambda: mat(matrix(1, (2**31 - 1, 2**31 - 1, 2**31 - 1), bytes(64))),
        "negative dims": lambda: mat(matrix(6, (-4, 4), element(9, bytes(64)))),
        "100 dims": lambda: mat(matrix(6, (2,) * 100, element(9, bytes(64)))),
        "a sparse matrix of 4 billion": lambda: mat(matrix(5, (2**31 - 1, 2**31 - 1), bytes(64))),
        "cells 30 deep": partial(deep, 30), "cells 2000 deep": partial(deep, 2000),
        "a compressed element in a compressed one": lambda: mat(compressed(compressed(matrix(6, (1, 1), element(9, bytes(8)))))),
        "damaged compression": lambda: mat(struct.pack("<II", 15, 100) + b"x" * 100),
        "an empty compressed element": lambda: mat(struct.pack("<II", 15, 0)),
        "no elements": lambda: mat(), "version 7.3": lambda: b"MATLAB 7.3 MAT-file".ljust(124) + struct.pack("<H", 0x0200) + b"IM" + bytes(400),
        "200 bytes of zeros": lambda: bytes(200), "empty": lambda: b"",
    }.items():  # fmt: skip
        yield Trial(
            "MATLAB file",
            name,
            _WORKSPACE,
            partial(raw, data),
            (1,),
            ("out",),
            quick=name in ("3 GB in 3 MB", "a cell of 900 million", "cells 2000 deep"),
        )

    def altered(change: Callable[[dict[str, Any]], None], folder: Path, valid: Path, rng: random.Random) -> None:
        from test_dense_reading import workspace

        workspace(folder / "x.dns", change)

    def put(part: str, key: str, value: Any, content: dict[str, Any]) -> None:
        if part:
            for each in content[part] if isinstance(content[part], np.ndarray) else [content[part]]:
                each[key] = value
        else:
            content[key] = value

    for part, key, value in (
        ("", "seq", "text"), ("", "img", 5.0), ("", "dns", "x"), ("", "roi", "x"), ("", "img", np.zeros((3, 3))),
        ("dns", "PhaIndex", "abc"), ("dns", "PhaIndex", [1e9, 2, 3]), ("dns", "PhaIndex", [-1.0, -2.0, 0]),
        ("dns", "PhaIndex", [1.5, 2.5, 3.5]), ("dns", "PhaIndex", {"a": 1}), ("dns", "MagIndex", "x"),
        ("dns", "MagIndex", [np.inf, 1, 1]), ("dns", "Scale", "x"), ("dns", "Scale", [np.inf] * 3), ("dns", "Scale", {"a": 2}),
        ("dns", "EncFreq", [0.0, 0.0, 0.0]), ("dns", "EncFreq", [1e300] * 3), ("dns", "SwapFlag", "yes"),
        ("dns", "NegFlag", {"a": 1}), ("dns", "Name", "\x1b[2J=1+1"), ("dns", "Name", 5.0),
        ("seq", "PixelSpacing", "x"), ("seq", "PixelSpacing", [0.0, 0.0]), ("seq", "PixelSpacing", [np.nan, 1.0]),
        ("seq", "PixelSpacing", [1e300, 1e300]), ("seq", "ImagePositionPatient", "abc"),
        ("seq", "ImagePositionPatient", [np.inf, 0, 0]), ("seq", "ImageOrientationPatient", [0.0] * 6),
        ("seq", "ImageOrientationPatient", "abcdef"), ("seq", "SliceThickness", "x"), ("seq", "TriggerTime", "abc"),
        ("seq", "TriggerTime", [np.nan] * 6), ("seq", "NominalInterval", {"a": 1}), ("seq", "TranslationRC", [1e18, 1e18]),
        ("seq", "TranslationRC", "ab"), ("seq", "RepetitionTime", "x"), ("roi", "Position", "x"),
        ("roi", "Position", np.full((6, 2), np.nan)), ("roi", "SeqIndex", "x"), ("roi", "Type", 5.0), ("roi", "Name", 5.0),
    ):  # fmt: skip
        name = f"{part or 'top'}.{key} {str(value)[:24]!r}"
        change = partial(put, part, key, value)
        yield Trial(
            "workspace fields",
            name,
            _WORKSPACE,
            partial(altered, change),
            (0, 1),
            ("out",),
            quick=name.startswith("dns.PhaIndex 'abc"),
        )

    def changed(folder: Path, valid: Path, rng: random.Random) -> None:
        (folder / "x.dns").write_bytes(mutate((valid / "scan.dns").read_bytes(), rng)[0])

    for number in range(20):
        yield Trial("changed workspace", str(number), _WORKSPACE, changed, (0, 1), ("out",))


def _dicom() -> Iterator[Trial]:
    def scan(change: Callable[[Path, random.Random], None], folder: Path, valid: Path, rng: random.Random) -> None:
        shutil.copytree(valid / "dense-dicom", folder / "x")
        change(sorted((folder / "x").iterdir())[0], rng)

    from dicom_trials import _set

    for name, changes in {
        "65535 × 65535 pixels": {"Rows": 65535, "Columns": 65535},
        "2 billion frames": {"NumberOfFrames": "2000000000"},
        "comment with long numbers": {"ImageComments": "DENSE x-enc pha - Scale:1.0 EncFreq:0.1 Phs:" + "9" * 5000 + "/40 RCswap:0 RCSflip:0/0/0"},
        "comment with points": {"ImageComments": "DENSE x-enc pha - Scale:1...0 EncFreq:0.1 Phs:1/40 RCswap:0 RCSflip:0/0/0"},
        "no comment": {"ImageComments": None},
        "no pixels": {"PixelData": None},
        "no position": {"ImagePositionPatient": None},
        "orientation of zeros": {"ImageOrientationPatient": ["0"] * 6},
        "trigger time of text": {"TriggerTime": None},
    }.items():  # fmt: skip
        yield Trial(
            "DENSE DICOM", name, _WORDS, partial(scan, partial(_set, changes)), (0, 1), ("out",), quick="65535" in name
        )
