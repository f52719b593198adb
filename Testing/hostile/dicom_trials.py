"""DICOM files with bombs, absurd sizes, deep sequences, wrong codestreams and random changes."""

from __future__ import annotations

import random
import shutil
import struct
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from bombs import raw_zeros
from image_trials import mutate, with_model, words_of
from trial import Trial

_DEFLATED = "1.2.840.10008.1.2.1.99"
_JPEG, _JPEG_LS, _JPEG_2000, _RLE = (
    "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.5",
)  # fmt: skip


def trials(valid: Path) -> Iterator[Trial]:
    yield from _bombs()
    yield from _values()
    yield from _mutants()


def _folder(change: Callable[[Path, random.Random], None], folder: Path, valid: Path, rng: random.Random) -> None:
    """The valid series as folder `x`, with one file changed."""
    with_model(folder, valid)
    shutil.copytree(valid / "dicom", folder / "x")
    change(sorted((folder / "x").iterdir())[0], rng)


def _only(
    change: Callable[[Path, random.Random], None], source: str, folder: Path, valid: Path, rng: random.Random
) -> None:
    """One changed file as `x`."""
    with_model(folder, valid)
    path = sorted((valid / "dicom").iterdir())[0] if source == "dicom" else valid / source
    shutil.copy(path, folder / "x")
    change(folder / "x", rng)


def _both(kind: str, name: str, change: Callable[[Path, random.Random], None], codes: tuple[int, ...] = (0, 1, 3),
          quick: bool = False, source: str = "dicom") -> Iterator[Trial]:  # fmt: skip
    yield Trial(kind, f"{name}, alone", words_of("info", "x"), partial(_only, change, source), codes, quick=quick)
    if source == "dicom":
        yield Trial(kind, f"{name}, in a series", words_of("cine", "x"), partial(_folder, change), (0, 1, 3))
    else:
        yield Trial(
            kind, f"{name}, predict", words_of("predict", "x"), partial(_only, change, source), (0, 1), ("out",)
        )


def _bombs() -> Iterator[Trial]:
    def deflated(megabytes: int, path: Path, rng: random.Random) -> None:
        import pydicom

        dataset = pydicom.dcmread(path)
        dataset.file_meta.TransferSyntaxUID = _DEFLATED
        # one element of unknown meaning with the zeros
        head = struct.pack("<HH2sHI", 0x0009, 0x1001, b"OB", 0, megabytes << 20)
        body = raw_zeros(megabytes, head)
        from pydicom.filebase import DicomBytesIO
        from pydicom.filewriter import write_file_meta_info

        stream = DicomBytesIO()
        stream.write(b"\0" * 128 + b"DICM")
        write_file_meta_info(stream, dataset.file_meta)
        path.write_bytes(stream.getvalue() + body)

    for megabytes in (100, 600, 3000):
        yield from _both("deflated DICOM", f"{megabytes} MB", partial(deflated, megabytes), quick=megabytes == 600)

    def claims(length: int, path: Path, rng: random.Random) -> None:
        data = path.read_bytes()
        path.write_bytes(data[:-8] + struct.pack("<HH2sHI", 0x7FE1, 0x1001, b"OB", 0, length) + b"few")

    for length in (0x7FFFFFFF, 0xFFFFFFFE):
        yield from _both("DICOM sizes", f"an element of {length} bytes", partial(claims, length), quick=True)

    def nested(depth: int, path: Path, rng: random.Random) -> None:
        item = struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
        sequence = struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF)
        path.write_bytes(path.read_bytes()[:400] + (sequence + item) * depth)

    for depth in (100, 5000, 100_000):
        yield from _both("DICOM sizes", f"sequences {depth} deep", partial(nested, depth))

    def elements(path: Path, rng: random.Random) -> None:
        more = b"".join(struct.pack("<HH2sH", 0x7FE1, n, b"LO", 0) for n in range(1, 60_000))
        path.write_bytes(path.read_bytes() + more)

    yield from _both("DICOM sizes", "60000 elements", elements)


def _set(changes: dict[str, Any], path: Path, rng: random.Random) -> None:
    import warnings

    import pydicom

    warnings.simplefilter("ignore")
    pydicom.config.settings.writing_validation_mode = pydicom.config.IGNORE
    dataset = pydicom.dcmread(path)
    for name, value in changes.items():
        if value is None:
            if name in dataset:
                delattr(dataset, name)
        else:
            setattr(dataset, name, value)
    dataset.save_as(path)


def encapsulated(syntax: str, frames: list[bytes], changes: dict[str, Any], path: Path, rng: random.Random) -> None:
    """The image as compressed frames."""
    import pydicom
    from pydicom.encaps import encapsulate

    dataset = pydicom.dcmread(path)
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = encapsulate(frames)
    dataset["PixelData"].is_undefined_length = True
    for name, value in changes.items():
        setattr(dataset, name, value)
    dataset.save_as(path)


def jpeg_header(rows: int, columns: int, marker: int = 0xC0) -> bytes:
    return b"\xff\xd8\xff" + bytes([marker]) + struct.pack(">HBHHB", 11, 8, rows, columns, 1) + b"\1\x11\0" + bytes(64)


def jpeg_2000_header(rows: int, columns: int) -> bytes:
    return (
        b"\xff\x4f\xff\x51"
        + struct.pack(">HHIIIIIIIIH", 41, 0, columns, rows, 0, 0, columns, rows, 0, 0, 1)
        + b"\7\1\1"
        + bytes(64)
    )


def _values() -> Iterator[Trial]:
    for name, changes in {
        "65535 × 65535 pixels": {"Rows": 65535, "Columns": 65535},
        "no rows": {"Rows": 0},
        "2 billion frames": {"NumberOfFrames": "2000000000"},
        "frames of a long number": {"NumberOfFrames": "9" * 12},
        "negative frames": {"NumberOfFrames": "-3"},
        "64 bits": {"BitsAllocated": 64},
        "one bit": {"BitsAllocated": 1, "BitsStored": 1},
        "spacing of text": {"PixelSpacing": None},
        "spacing of zero": {"PixelSpacing": ["0", "0"]},
        "spacing of 1e30": {"PixelSpacing": ["1e30", "1e30"]},
        "position of 1e30": {"ImagePositionPatient": ["1e30", "0", "0"]},
        "orientation of zeros": {"ImageOrientationPatient": ["0"] * 6},
        "orientation of 1e30": {"ImageOrientationPatient": ["1e30"] * 6},
        "no trigger time": {"TriggerTime": None},
        "trigger time of 1e30": {"TriggerTime": "1e30"},
        "negative trigger time": {"TriggerTime": "-5000"},
        "slope of 1e30": {"RescaleSlope": "1e30", "RescaleIntercept": "-1e30"},
        "heart rate of zero": {"HeartRate": "0", "NominalInterval": "0"},
        "description with an escape sequence": {"SeriesDescription": "\x1b]0;x\x07\x1b[2Jcine"},
        "description from right to left": {"SeriesDescription": "cine\u202egpj"},
        "no pixels": {"PixelData": None},
        "no instance": {"SOPInstanceUID": None, "SeriesInstanceUID": None},
        "colour": {"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"},
    }.items():
        yield from _both(
            "DICOM values",
            name,
            partial(_set, changes),
            quick=name in ("65535 × 65535 pixels", "description with an escape sequence"),
        )
    rle = struct.pack("<16I", 1, 64, *([0] * 14))
    for name, syntax, frames, changes in (
        ("JPEG of 65500 × 65500", _JPEG, [jpeg_header(65500, 65500)], {}),
        ("JPEG-LS of 65500 × 65500", _JPEG_LS, [jpeg_header(65500, 65500, 0xF7)], {}),
        ("JPEG 2000 of 2 billion pixels per side", _JPEG_2000, [jpeg_2000_header(2**31 - 1, 2**31 - 1)], {}),
        ("JPEG of the right size without data", _JPEG, [jpeg_header(30, 32)], {"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}),
        ("JPEG 2000 of the right size without data", _JPEG_2000, [jpeg_2000_header(30, 32)], {}),
        ("run lengths of 20 MB", _RLE, [rle + b"\x81\0" * 10_000_000], {}),
        ("run lengths without segments", _RLE, [struct.pack("<16I", 0xFFFFFFFF, *([0xFFFFFFF0] * 15))], {}),
        ("an empty fragment", _JPEG, [bytes(2)], {}),
        ("200000 fragments", _JPEG, [b"\xff\xd8"] * 200_000, {"NumberOfFrames": "200000"}),
        ("a video", "1.2.840.10008.1.2.4.102", [b"\0\0\1\xb3" * 1000], {}),
    ):  # fmt: skip
        yield from _both(
            "compressed DICOM", name, partial(encapsulated, syntax, frames, changes), quick="65500" in name
        )
    for name, changes in {
        "segments without a number": {"SegmentSequence": None},
        "no groups": {"PerFrameFunctionalGroupsSequence": None},
        "fewer groups than frames": {"NumberOfFrames": "99999"},
        "fractional without a maximum": {"SegmentationType": "FRACTIONAL", "MaximumFractionalValue": 0},
        "labelmap of 65535 × 65535": {"SegmentationType": "LABELMAP", "Rows": 65535, "Columns": 65535},
        "type of nonsense": {"SegmentationType": "NONSENSE"},
    }.items():
        yield from _both("DICOM segmentation", name, partial(_set, changes), source="seg.dcm")


def _mutants() -> Iterator[Trial]:
    def changed(path: Path, rng: random.Random) -> None:
        path.write_bytes(mutate(path.read_bytes(), rng)[0])

    for number in range(30):
        source = ("dicom", "enhanced.dcm", "seg.dcm")[number % 3]
        reader = ("info", "check", "predict", "cine")[number % 4]
        name = f"{number} of {source}, {reader}"
        prepare = partial(_folder, changed) if source == "dicom" and number % 2 else partial(_only, changed, source)
        yield Trial("changed DICOM", name, words_of(reader, "x"), prepare, (0, 1, 3), ("out",), quick=number % 10 == 0)
