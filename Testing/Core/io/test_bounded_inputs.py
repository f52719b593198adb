"""Headers that ask for more than there is: NRRD, NIfTI, MetaImage and DICOM."""

import os
import struct
import time
import zlib
from pathlib import Path

import heart_files as heart
import pydicom
import pytest
from pydicom.encaps import encapsulate

from LaMoDCore.io.dicom.codestream import size_of
from LaMoDCore.io.dicom.file import is_dicom_file, read_dataset
from LaMoDCore.io.dicom.pixels import decode_pixels
from LaMoDCore.io.files.image_file import read_images
from LaMoDCore.runtime.errors import LaMoDInputError

SHAPE = (30, 32)
AFFINE = heart.stack_affine(SHAPE, (4.0, 4.0), slices=1)
LABELS = heart.heart_labels(AFFINE, SHAPE, slices=1, frames=12)


@pytest.fixture
def image(tmp_path):
    heart.write_dicom_frames(tmp_path / "dicom", heart.heart_cine(LABELS)[:1], AFFINE)
    return next((tmp_path / "dicom").iterdir())


def nrrd(path: Path, **fields: str) -> Path:
    stored = {"type": "uint8", "dimension": "3", "sizes": "4 4 4", "encoding": "raw", **fields}
    text = "\n".join(["NRRD0005", *(f"{name.replace('_', ' ')}: {value}" for name, value in stored.items())])
    path.write_bytes(text.encode() + b"\n\n" + bytes(64))
    return path


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"sizes": "9" * 4000 + " 4 4"}, "4000 digits"),
        ({"sizes": "4294967296 4294967296 4294967296"}, "far more than"),
        ({"sizes": "4 4 4000"}, "but there are 64"),
        ({"line_skip": "5"}, "fewer than the 5 lines"),
        ({"encoding": "ascii", "sizes": "1000 1000 100"}, "as text"),
        ({"data_file": "/dev/zero"}, "not in one file next to it"),
    ],
)
def test_nrrd_headers(tmp_path, fields, reason):
    with pytest.raises(LaMoDInputError, match=reason):
        read_images(nrrd(tmp_path / "x.nrrd", **fields))


def test_labels_without_an_end_take_no_quadratic_time(tmp_path):
    began = time.process_time()
    read_images(nrrd(tmp_path / "x.nrrd", labels='"' + '\\"' * 400_000, sizes="4 4 4"))
    assert time.process_time() - began < 2


def test_a_meta_image_needs_a_spacing_per_axis(tmp_path):
    text = "NDims = 3\nDimSize = 4 4 4\nElementSpacing = 2\nElementType = MET_UCHAR\nElementDataFile = LOCAL\n"
    (tmp_path / "x.mha").write_bytes(text.encode() + bytes(64))
    with pytest.raises(LaMoDInputError, match="1 spacings for 3 axes"):
        read_images(tmp_path / "x.mha")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes in folders")
def test_a_pipe_is_no_dicom_and_no_image(tmp_path):
    os.mkfifo(tmp_path / "x.nii")
    assert not is_dicom_file(tmp_path / "x.nii")
    with pytest.raises(LaMoDInputError, match="a pipe"):
        read_images(tmp_path / "x.nii")


def deflated(image: Path, megabytes: int) -> Path:
    dataset = pydicom.dcmread(image)
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
    dataset.save_as(image)
    if megabytes:  # the same file with zeros after its data set
        data = image.read_bytes()
        start = 144 + struct.unpack_from("<I", data, 140)[0]
        packer = zlib.compressobj(9, wbits=-15)
        more = struct.pack("<HH2sHI", 0x7FE1, 0x1001, b"OB", 0, megabytes << 20)
        whole = zlib.decompress(data[start:], -15) + more
        packed = packer.compress(whole) + b"".join(packer.compress(bytes(1 << 20)) for _ in range(megabytes))
        image.write_bytes(data[:start] + packed + packer.flush())
    return image


def test_deflated_dicom_is_read_up_to_a_limit(image):
    assert decode_pixels(deflated(image, 0)).shape == (1, *SHAPE)
    with pytest.raises(LaMoDInputError, match="inflates to more than 256 MiB"):
        read_dataset(deflated(image, 300), pixels=False)


def jpeg(rows: int, columns: int, marker: int) -> bytes:
    return b"\xff\xd8\xff\xe0\0\x04ab\xff" + bytes([marker]) + struct.pack(">HBHH", 11, 8, rows, columns) + bytes(9)


def test_the_size_of_a_codestream_is_read():
    assert size_of(jpeg(30, 32, 0xC0)) == (30, 32)
    assert size_of(jpeg(65500, 2, 0xF7)) == (65500, 2)
    assert size_of(b"\xff\x4f\xff\x51" + struct.pack(">HHIIII", 41, 0, 32, 30, 0, 0)) == (30, 32)
    assert size_of(b"\xff\xd8\xff") is None
    assert size_of(b"text") is None


@pytest.mark.parametrize(
    ("syntax", "frame"),
    [
        ("1.2.840.10008.1.2.4.50", jpeg(65500, 65500, 0xC0)),
        ("1.2.840.10008.1.2.4.80", jpeg(65500, 65500, 0xF7)),
        ("1.2.840.10008.1.2.4.90", b"\xff\x4f\xff\x51" + struct.pack(">HHIIII", 41, 0, 2**31, 2**31, 0, 0)),
        ("1.2.840.10008.1.2.5", struct.pack("<16I", 1, 64, *([0] * 14)) + b"\x81\0" * 10_000),
    ],
)
def test_compressed_images_of_another_size_are_not_decoded(image, syntax, frame):
    dataset = pydicom.dcmread(image)
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.PixelData = encapsulate([frame])
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(image)
    with pytest.raises(LaMoDInputError, match="its compressed image"):
        decode_pixels(image)


@pytest.mark.parametrize("changes", [{"Rows": 65535, "Columns": 65535}, {"NumberOfFrames": "2000000000"}])
def test_absurd_sizes_are_refused(image, changes):
    dataset = pydicom.dcmread(image)
    for name, value in changes.items():
        setattr(dataset, name, value)
    dataset.save_as(image)
    with pytest.raises(LaMoDInputError):
        decode_pixels(image)
