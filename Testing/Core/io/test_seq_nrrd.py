"""The sequence NRRD: what is written reads back in SimpleITK, and what Slicer wrote over the years is read."""

import gzip

import numpy as np
import pytest
import SimpleITK as sitk
from heart_files import stack_affine

from LaMoDCore.io.images.seq_nrrd import read_seq_nrrd, write_seq_nrrd
from LaMoDCore.runtime.blocks import Blocks
from LaMoDCore.runtime.errors import LaMoDInputError

AFFINE = stack_affine((6, 7), (1.3, 1.5), slices=2)
TIMES = np.arange(9) * 31.3
PIXELS = np.random.default_rng(0).integers(0, 200, (9, 2, 6, 7))
DIRECTIONS = " ".join(f"({c[0]!r},{c[1]!r},{c[2]!r})" for c in AFFINE[:3, :3].T.tolist())
ORIGIN = "({!r},{!r},{!r})".format(*AFFINE[:3, 3].tolist())


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
def test_round_trip_and_same_bytes(tmp_path, dtype):
    frames = PIXELS.astype(dtype)
    for name in ("a.seq.nrrd", "b.seq.nrrd"):
        write_seq_nrrd(tmp_path / name, frames, AFFINE, TIMES, rr_ms=800.0, metadata={"a key": "a value"})
    assert (tmp_path / "a.seq.nrrd").read_bytes() == (tmp_path / "b.seq.nrrd").read_bytes()
    stack = read_seq_nrrd(tmp_path / "a.seq.nrrd")
    np.testing.assert_array_equal(stack.frames, frames)
    assert stack.frames.dtype == dtype
    np.testing.assert_array_equal(stack.ijk_to_lps, AFFINE)
    np.testing.assert_array_equal(stack.frame_times_ms, TIMES)
    assert stack.rr_ms == 800.0
    assert stack.metadata["a key"] == "a value"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.seq.nrrd", "b.seq.nrrd"]


def test_a_file_without_compression_reads_back(tmp_path):
    for dtype in ("int16", "float32"):
        frames = PIXELS.astype(dtype)
        write_seq_nrrd(tmp_path / "raw.seq.nrrd", frames, AFFINE, TIMES, compress=False)
        assert (tmp_path / "raw.seq.nrrd").stat().st_size > frames.nbytes
        np.testing.assert_array_equal(read_seq_nrrd(tmp_path / "raw.seq.nrrd").frames, frames)
        assert sitk.ReadImage(str(tmp_path / "raw.seq.nrrd")).GetNumberOfComponentsPerPixel() == len(frames)


def test_slices_that_are_made_one_by_one_give_the_same_bytes(tmp_path):
    frames = PIXELS.astype(np.float32)
    slices = np.moveaxis(frames, 0, -1)
    write_seq_nrrd(tmp_path / "whole.seq.nrrd", frames, AFFINE, TIMES)
    write_seq_nrrd(
        tmp_path / "blocks.seq.nrrd", Blocks(slices.shape, slices.dtype, lambda: iter(slices)), AFFINE, TIMES
    )
    np.testing.assert_array_equal(read_seq_nrrd(tmp_path / "blocks.seq.nrrd").frames, frames)
    assert (tmp_path / "blocks.seq.nrrd").read_bytes() == (tmp_path / "whole.seq.nrrd").read_bytes()


def test_simpleitk_reads_geometry_and_frames(tmp_path):
    write_seq_nrrd(tmp_path / "a.seq.nrrd", PIXELS.astype(np.int16), AFFINE, TIMES)
    image = sitk.ReadImage(str(tmp_path / "a.seq.nrrd"))
    assert image.GetSize() == (7, 6, 2)
    assert image.GetNumberOfComponentsPerPixel() == 9
    np.testing.assert_array_equal(np.moveaxis(sitk.GetArrayFromImage(image), -1, 0), PIXELS)
    for index in ((0, 0, 0), (3, 1, 0), (2, 5, 1)):
        point = image.TransformIndexToPhysicalPoint(index)
        np.testing.assert_allclose(point, (AFFINE @ [*index, 1])[:3], atol=1e-9)


def nrrd(path, header, voxels, encoding="gzip"):
    text = "NRRD0005\n" + "\n".join(header) + f"\nencoding: {encoding}\n\n"
    data = np.ascontiguousarray(voxels).tobytes()
    path.write_bytes(text.encode() + (gzip.compress(data) if encoding == "gzip" else data))
    return path


def header(*lines, sizes="9 7 6 2", kinds="list domain domain domain", directions=f"none {DIRECTIONS}"):
    return [
        "type: short",
        "dimension: 4",
        "space: left-posterior-superior",
        f"sizes: {sizes}",
        f"space directions: {directions}",
        f"kinds: {kinds}",
        "endian: little",
        f"space origin: {ORIGIN}",
        *lines,
    ]


LIST_FIRST = np.moveaxis(PIXELS, 0, -1).astype("<i2")


def test_list_axis_last_as_slicer_now_writes(tmp_path):
    lines = [
        'units: "" "" "" "s"',
        "axis 3 index type:=numeric",
        "axis 3 index values:=" + " ".join(str(t / 1000) for t in TIMES),
    ]
    head = header(*lines, sizes="7 6 2 9", kinds="domain domain domain list", directions=f"{DIRECTIONS} none")
    stack = read_seq_nrrd(nrrd(tmp_path / "a.seq.nrrd", head, PIXELS.astype("<i2")))
    np.testing.assert_array_equal(stack.frames, PIXELS)
    np.testing.assert_allclose(stack.frame_times_ms, TIMES)
    np.testing.assert_allclose(stack.ijk_to_lps, AFFINE)


def test_ras_and_pynrrd_directions(tmp_path):
    signs = np.diag([-1.0, -1.0, 1.0, 1.0])
    ras = signs @ AFFINE
    vectors = " ".join(f"({c[0]},{c[1]},{c[2]})" for c in ras[:3, :3].T.tolist())
    head = header(directions=f"(nan,nan,nan) {vectors}")
    head[2] = "space: right-anterior-superior"
    head[7] = "space origin: ({},{},{})".format(*ras[:3, 3].tolist())
    stack = read_seq_nrrd(nrrd(tmp_path / "a.seq.nrrd", head, LIST_FIRST, encoding="raw"))
    np.testing.assert_allclose(stack.ijk_to_lps, AFFINE)
    np.testing.assert_array_equal(stack.frames, PIXELS)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["axis 0 index type:=numeric", "axis 0 index values:=" + " ".join(map(str, range(9)))], None),
        (
            ["MultiVolume.FrameLabels:=" + ",".join(map(str, TIMES)), "MultiVolume.FrameIdentifyingDICOMTagUnits:=ms"],
            TIMES,
        ),
        (["axis 0 index values:=" + " ".join(str(t) for t in TIMES)], TIMES),
        (
            ['units: "ms" "" "" ""', "axis 0 index values:=" + " ".join(f"{t:.6f}".replace(".", "%2E") for t in TIMES)],
            TIMES,
        ),
    ],
    ids=["frame numbers are no times", "older multi-volume", "no unit", "URL-encoded"],
)
def test_index_values(tmp_path, lines, expected):
    stack = read_seq_nrrd(nrrd(tmp_path / "a.seq.nrrd", header(*lines), LIST_FIRST))
    if expected is None:
        assert stack.frame_times_ms is None
    else:
        np.testing.assert_allclose(stack.frame_times_ms, expected)


def test_rewritten_by_itk(tmp_path):
    write_seq_nrrd(tmp_path / "a.seq.nrrd", PIXELS.astype(np.int16), AFFINE, TIMES)
    sitk.WriteImage(sitk.ReadImage(str(tmp_path / "a.seq.nrrd")), str(tmp_path / "b.nrrd"), True)
    stack = read_seq_nrrd(tmp_path / "b.nrrd")
    np.testing.assert_array_equal(stack.frames, PIXELS)
    np.testing.assert_allclose(stack.ijk_to_lps, AFFINE)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda h: [*h[:3], "sizes: 9 7 6 20", *h[4:]], "truncated"),
        (lambda h: [*h[:3], "sizes: 90000 70000 60000 2", *h[4:]], "GiB"),
        (lambda h: [*h[:3], "sizes: 9 7 6", *h[4:]], "4 axes"),
        (lambda h: ["type: block", *h[1:]], "block"),
        (lambda h: [*h[:2], "space: scanner-xyz", *h[3:]], "scanner-xyz"),
        (lambda h: [*h, "Segment0_ID:=Segment_1"], "layers"),
        (lambda h: [*h, "axis 0 index values:=0 1 2"], "index values"),
        (lambda h: [*h, "data file: /etc/passwd"], "not in one file next to it"),
        (lambda h: [*h[:5], "kinds: 3-vector domain domain domain", *h[6:]], "3-vector"),
    ],
)
def test_inconsistent_headers(tmp_path, change, words):
    with pytest.raises(LaMoDInputError, match=words):
        read_seq_nrrd(nrrd(tmp_path / "a.seq.nrrd", change(header()), LIST_FIRST))


def test_writer_refuses_what_does_not_fit(tmp_path):
    with pytest.raises(ValueError, match="frame_times_ms"):
        write_seq_nrrd(tmp_path / "a.seq.nrrd", PIXELS.astype(np.int16), AFFINE, TIMES[:3])
    with pytest.raises(ValueError, match="float32"):
        write_seq_nrrd(tmp_path / "a.seq.nrrd", PIXELS.astype(np.float64), AFFINE, TIMES)
    with pytest.raises(ValueError, match="line break"):
        write_seq_nrrd(tmp_path / "a.seq.nrrd", PIXELS.astype(np.int16), AFFINE, TIMES, metadata={"k": "a\nb"})
    assert not list(tmp_path.iterdir())
