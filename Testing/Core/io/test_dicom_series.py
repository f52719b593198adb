"""DICOM cines as exported by hospitals: sorted, completed with notes, or refused with an error."""

import shutil

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from heart_files import (
    FRAMES,
    TIMES_MS,
    heart_cine,
    heart_labels,
    stack_affine,
    write_dicom_frames,
    write_enhanced,
)
from pydicom.uid import RLELossless

from LaMoDCore.io.dicom.series import find_series, read_slices
from LaMoDCore.io.files.describe import describe
from LaMoDCore.io.files.image_file import read_images
from LaMoDCore.runtime.errors import LaMoDInputError

AFFINE = stack_affine((40, 44), (3.0, 2.6), slices=2)
CINE = heart_cine(heart_labels(AFFINE, (40, 44), slices=2))


def test_sorted_by_position_and_trigger_time(tmp_path):
    write_dicom_frames(tmp_path / "d", CINE, AFFINE)
    stacks = read_images(tmp_path / "d")
    assert len(stacks) == 2
    for k, stack in enumerate(stacks):
        np.testing.assert_array_equal(stack.frames[:, 0], CINE[:, k])
        np.testing.assert_allclose(stack.frame_times_ms, TIMES_MS)
        assert stack.rr_ms == 800
        np.testing.assert_allclose(stack.ijk_to_lps[:3, 3], AFFINE[:3, 3] + k * AFFINE[:3, 2], atol=1e-6)
        np.testing.assert_allclose(stack.ijk_to_lps[:3, :2], AFFINE[:3, :2], atol=1e-6)
        assert stack.notes == ()


def test_enhanced_multi_frame_is_the_same(tmp_path):
    write_enhanced(tmp_path / "e.dcm", CINE, AFFINE)
    stacks = read_images(tmp_path / "e.dcm")
    for k, stack in enumerate(stacks):
        np.testing.assert_array_equal(stack.frames[:, 0], CINE[:, k])
        np.testing.assert_allclose(stack.frame_times_ms, TIMES_MS)
        assert stack.rr_ms == 800


def test_a_missing_frame_and_a_duplicate(tmp_path):
    write_dicom_frames(tmp_path / "d", CINE[:, :1], AFFINE, edit=lambda ds, t, k: t != 7)
    file = next((tmp_path / "d").iterdir())
    shutil.copy(file, tmp_path / "d" / "copy.dcm")
    (stack,) = read_images(tmp_path / "d")
    assert stack.frames.shape[0] == FRAMES - 1
    np.testing.assert_allclose(stack.frame_times_ms, np.delete(TIMES_MS, 7))
    assert any("1 duplicate" in note.text for note in stack.notes)
    assert any("1 frame(s) seem to be missing" in note.text for note in stack.notes)


def test_the_same_image_under_two_names(tmp_path):
    write_dicom_frames(tmp_path / "d", CINE[:, :1], AFFINE)

    def renamed(ds, t, k):
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = f"1.2.3.{t}"

    write_dicom_frames(tmp_path / "d", CINE[:, :1], AFFINE, edit=renamed)
    (stack,) = read_images(tmp_path / "d")
    np.testing.assert_array_equal(stack.frames[:, 0], CINE[:, 0])
    assert any(note.code == "dicom_repeated_time" for note in stack.notes)


def test_two_series_with_the_same_number_are_distinguished(tmp_path):
    write_dicom_frames(tmp_path / "d", CINE[:, :1], AFFINE, series="one")
    write_dicom_frames(tmp_path / "d", CINE[:, :1] + 1, AFFINE, series="two")
    stacks = read_images(tmp_path / "d")
    assert [s.frames.shape[0] for s in stacks] == [FRAMES, FRAMES]
    assert sorted(float(s.frames[0, 0, 0, 0] - CINE[0, 0, 0, 0]) for s in stacks) == [0, 1]


@pytest.mark.parametrize("order", ["TemporalPositionIdentifier", "AcquisitionNumber", "InstanceNumber"])
def test_without_trigger_times(tmp_path, order):
    def edit(ds, t, k):
        ds.InstanceNumber = 1
        setattr(ds, order, t + 1)

    write_dicom_frames(tmp_path / "d", CINE[:, :1], AFFINE, trigger=False, edit=edit)
    (stack,) = read_images(tmp_path / "d")
    np.testing.assert_array_equal(stack.frames[:, 0], CINE[:, 0])
    assert stack.frame_times_ms is None
    assert any("no trigger times" in note.text for note in stack.notes)


def test_varying_intervals_keep_their_times(tmp_path):
    times = TIMES_MS + 9 * np.sin(np.arange(FRAMES))
    write_dicom_frames(tmp_path / "d", CINE[:, :1], AFFINE, times=times - times[0])
    (stack,) = read_images(tmp_path / "d")
    np.testing.assert_allclose(stack.frame_times_ms, times - times[0], atol=1e-3)
    assert any("varies" in note.text for note in stack.notes)


def test_run_length_compression(tmp_path):
    write_dicom_frames(tmp_path / "d", CINE[:, :1], AFFINE, edit=lambda ds, t, k: ds.compress(RLELossless))
    (stack,) = read_images(tmp_path / "d")
    np.testing.assert_array_equal(stack.frames[:, 0], CINE[:, 0])


def test_jpeg_2000_through_simpleitk(tmp_path, monkeypatch):
    """If pydicom has no decoder, ITK's is used."""

    def no_decoder(self):
        raise RuntimeError("no decoder installed")

    monkeypatch.setattr(pydicom.FileDataset, "pixel_array", property(no_decoder))
    write_dicom_frames(tmp_path / "plain", CINE[:, :1], AFFINE)
    (tmp_path / "d").mkdir()
    for file in (tmp_path / "plain").iterdir():
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(file))
        image = reader.Execute()
        writer = sitk.ImageFileWriter()
        writer.KeepOriginalImageUIDOn()
        writer.SetUseCompression(True)
        writer.SetCompressor("JPEG2000")
        for key in reader.GetMetaDataKeys():
            image.SetMetaData(key, reader.GetMetaData(key))
        writer.SetFileName(str(tmp_path / "d" / f"{file.name}.dcm"))
        writer.Execute(image)
    syntax = pydicom.dcmread(next((tmp_path / "d").iterdir())).file_meta.TransferSyntaxUID
    assert syntax.is_compressed
    (stack,) = read_images(tmp_path / "d")
    np.testing.assert_array_equal(stack.frames[:, 0], CINE[:, 0])


def test_other_views_and_stills_are_distinguished(tmp_path):
    write_dicom_frames(tmp_path / "study" / "sax", CINE, AFFINE, series="sax")
    x, y, z = AFFINE[:3, :3].T
    long_axis = AFFINE.copy()
    long_axis[:3, :3] = np.stack([x, z / 16 * 3, y], axis=1)
    write_dicom_frames(tmp_path / "study" / "lax", CINE[:, :1], long_axis, series="lax", number=8, description="4ch")
    write_dicom_frames(tmp_path / "study" / "scout", CINE[:1], AFFINE, series="scout", number=1, description="scout")
    (tmp_path / "study" / "notes.txt").write_text("not DICOM")
    series, _ = find_series(p for p in (tmp_path / "study").rglob("*") if p.suffix != ".txt")
    kinds = {s.description: (s.is_cine, s.is_short_axis) for s in series}
    assert kinds == {"scout": (False, False), "cine_sax": (True, True), "4ch": (True, False)}
    text = "\n".join(describe(tmp_path / "study"))
    assert "1 short-axis cine series of 3" in text
    assert "Doe" not in text
    assert "MRN" not in text


def test_wrong_headers(tmp_path):
    def larger(ds, t, k):
        ds.Rows = 4000

    write_dicom_frames(tmp_path / "d", CINE[:, :1], AFFINE, edit=larger)
    with pytest.raises(LaMoDInputError, match=r"IM.*(decoded|image)"):
        read_images(tmp_path / "d")
    write_enhanced(tmp_path / "e.dcm", CINE, AFFINE)
    ds = pydicom.dcmread(tmp_path / "e.dcm")
    ds.NumberOfFrames = 500
    ds.save_as(tmp_path / "e.dcm")
    with pytest.raises(LaMoDInputError):
        read_images(tmp_path / "e.dcm")


def test_no_position_and_colour(tmp_path):
    def nowhere(ds, t, k):
        del ds.ImagePositionPatient

    write_dicom_frames(tmp_path / "d", CINE[:, :1], AFFINE, edit=nowhere)
    with pytest.raises(LaMoDInputError, match="position"):
        read_images(tmp_path / "d")

    def colour(ds, t, k):
        ds.SamplesPerPixel = 3

    write_dicom_frames(tmp_path / "c", CINE[:, :1], AFFINE, edit=colour)
    with pytest.raises(LaMoDInputError, match="colour"):
        read_images(tmp_path / "c")


def test_rescale_is_applied(tmp_path):
    def scaled(ds, t, k):
        ds.RescaleSlope, ds.RescaleIntercept = "2", "-7"

    write_dicom_frames(tmp_path / "d", CINE[:, :1], AFFINE, edit=scaled)
    series, _ = find_series((tmp_path / "d").iterdir())
    (stack,) = read_slices(series[0])
    np.testing.assert_array_equal(stack.frames[:, 0], 2.0 * CINE[:, 0] - 7)
