"""Which series of a study are short-axis cines, and why each other one is left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from toy_cine import contracting, write_cine

from LaMoDCore.contours.automatic.study import read_short_axis_study
from LaMoDCore.runtime.errors import LaMoDInputError
from Testing.Core.io.heart_files import (
    RR_MS,
    heart_cine,
    heart_labels,
    stack_affine,
    write_dicom_frames,
    write_enhanced,
)

SHAPE = (24, 28)
FRAMES = 8
TIMES = np.arange(FRAMES) * RR_MS / FRAMES
AFFINE = stack_affine(SHAPE, (5.0, 5.0), slices=1)


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    """[T, 1, H, W]."""
    return heart_cine(heart_labels(AFFINE, SHAPE, slices=1, frames=FRAMES))


def moved(depth_mm: float) -> np.ndarray:
    affine = AFFINE.copy()
    affine[:3, 3] += depth_mm * affine[:3, 2] / np.linalg.norm(affine[:3, 2])
    return affine


def long_axis() -> np.ndarray:
    affine = AFFINE.copy()
    x, y, z = (affine[:3, k] / np.linalg.norm(affine[:3, k]) for k in range(3))
    affine[:3, :3] = np.stack([5.0 * x, 5.0 * z, -8.0 * y], axis=1)
    affine[:3, 3] -= 5.0 * z * SHAPE[0] / 2
    return affine


class Study:
    """A folder to which series are added."""

    def __init__(self, folder: Path, pictures: np.ndarray) -> None:
        self.folder, self.pictures = folder, pictures

    def add(self, number: int, description: str, affine=None, *, frames: int = FRAMES, edit=None, **tags) -> None:
        def changed(dataset, t, k):
            for key, value in tags.items():
                setattr(dataset, key, value)
            return None if edit is None else edit(dataset, t, k)

        write_dicom_frames(
            self.folder / str(number),
            self.pictures[:frames],
            AFFINE if affine is None else affine,
            number=number,
            description=description,
            times=TIMES,
            series=f"{self.folder.name} {number}",
            edit=changed,
        )

    def read(self, **options):
        return read_short_axis_study([self.folder], **options)


@pytest.fixture
def study(tmp_path: Path, pictures: np.ndarray) -> Study:
    return Study(tmp_path / "study", pictures)


def colour(dataset, _t, _k):
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "RGB", 0
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit = 7
    dataset.PixelData = bytes(3 * SHAPE[0] * SHAPE[1])


OTHERS = [
    ("AAHeart_Scout", {}, "localiser"),
    ("3-plane loc", {}, "localiser"),
    ("localizer_BH", {}, "localiser"),
    ("cine_trufi_4CH", {"affine": long_axis()}, "not a short-axis view"),
    ("LGE_PSIR_SAX", {}, "late enhancement"),
    ("DE_mag sax", {}, "late enhancement"),
    ("LateGad sax", {}, "late enhancement"),
    ("sax_tagging_mid", {}, "tagging"),
    ("cSPAMM sax", {}, "tagging"),
    ("cine_DENSE_sax", {}, "DENSE"),
    ("MOLLI sax", {}, "mapping"),
    ("perf sax", {}, "perfusion"),
    ("sax", {"ImageType": ["ORIGINAL", "PRIMARY", "P"]}, "phase images"),
    ("sax", {"ImageType": ["ORIGINAL", "PRIMARY", "OTHER"], "ComplexImageComponent": "PHASE"}, "phase images"),
    ("sax", {"SequenceName": "fl2d1_v150in"}, "flow"),
    ("sax", {"Modality": "CT"}, "modality CT, not MR"),
    ("sax", {"frames": 1}, "single images, no cine"),
    ("sax", {"frames": 6}, "6 frames; a cine needs 8"),
    ("sax screen capture", {"edit": colour}, "colour images"),
]


def test_other_series_of_a_study_are_left_out_with_the_reason(study):
    study.add(50, "cine_trufi_retro SAX")
    for number, (description, options, _) in enumerate(OTHERS):
        study.add(60 + number, description, **options)
    found = study.read()
    assert len(found.slices) == 1
    np.testing.assert_array_equal(found.slices[0].frames, study.pictures)
    reasons = {left.title.split()[1]: left.reason for left in found.left_out}
    assert reasons == {str(60 + number): reason for number, (*_, reason) in enumerate(OTHERS)}


@pytest.mark.parametrize("description", ["cine sax lateral wall", "Vantage cine", "SA_stack_1", "retro_cine_localised"])
def test_words_that_only_resemble_another_kind_do_not_count(study, description):
    study.add(50, description)
    assert len(study.read().slices) == 1


def test_a_study_without_a_short_axis_cine_lists_the_reasons(study):
    study.add(1, "scout")
    study.add(2, "sax", frames=6)
    study.add(3, "4CH", long_axis())
    with pytest.raises(LaMoDInputError, match="no short-axis cine series") as raised:
        study.read()
    text = str(raised.value)
    assert "1 × localiser" in text
    assert "6 frames; a cine needs 8" in text
    assert "not a short-axis view" in text
    assert "\n" not in text


def times(date: str, clock: str) -> dict[str, str]:
    return {"AcquisitionDate": date, "AcquisitionTime": clock}


@pytest.mark.parametrize(
    ("first", "second", "used"),
    [
        ({}, {}, 12),
        (times("20260101", "101500"), times("20260101", "100000"), 11),
        (times("20260101", "101500"), {}, 12),
        (times("20260101", "101500"), times("20260101", "101500"), 12),
    ],
    ids=["higher number", "later time", "time of one only", "same time"],
)
def test_the_later_of_two_series_of_one_plane_is_used(study, first, second, used):
    study.add(11, "sax", **first)
    study.add(12, "sax repeated", **second)
    study.add(13, "sax", moved(8.0), **first)
    found = study.read()
    assert len(found.slices) == 2
    (left,) = found.left_out
    assert left.reason == "1 slice(s) repeated by a later series"
    assert f"series {23 - used}" in left.title
    (chosen,) = study.read(series="11").slices
    assert "series 11" in chosen.name


def test_the_later_of_two_files_of_one_plane_is_used(tmp_path):
    first = write_cine(tmp_path / "a.nii.gz", [contracting()])
    second = write_cine(tmp_path / "b.nii.gz", [contracting(0.8)])
    found = read_short_axis_study([first, second])
    assert [stack.name for stack in found.slices] == ["b.nii.gz"]
    assert [(left.title, left.reason) for left in found.left_out] == [("a.nii.gz", "b.nii.gz shows the same plane")]


@pytest.mark.parametrize("description", ["sax", "scout"])
def test_several_patients_in_one_folder_are_refused(study, description):
    study.add(11, "sax")
    study.add(12, description, moved(8.0), PatientID="another")
    with pytest.raises(LaMoDInputError, match="its series are of 2 patients"):
        study.read()
    assert len(study.read(series="11").slices) == 1


def test_two_examinations_are_refused_but_not_two_parts_of_one(study):
    study.add(11, "sax", StudyInstanceUID="1.2.3", StudyDate="20250101")
    study.add(12, "sax", moved(8.0), StudyInstanceUID="1.2.4", StudyDate="20250101")
    assert len(study.read().slices) == 2
    study.add(13, "sax", moved(16.0), StudyInstanceUID="1.2.5", StudyDate="20260101")
    with pytest.raises(LaMoDInputError, match="of 3 examinations"):
        study.read()


def test_a_chosen_series_that_cannot_be_used_is_refused_with_the_reason(study):
    study.add(11, "sax")
    study.add(12, "sax screen capture", moved(8.0), edit=colour)
    study.add(13, "sax", moved(16.0), frames=6)
    for series, reason in (("12", "colour images"), ("13", "6 frames"), ("14", "no such series")):
        with pytest.raises(LaMoDInputError, match=reason):
            study.read(series=series)


def test_a_chosen_cine_is_used_whatever_its_description(study):
    study.add(11, "sax")
    study.add(12, "sax dynamic", moved(8.0))
    (stack,) = study.read(series="12").slices
    assert "series 12" in stack.name


def test_a_multi_frame_file_is_split_into_its_slices(tmp_path, pictures):
    both = np.concatenate([pictures, pictures], axis=1)
    write_enhanced(tmp_path / "enhanced.dcm", both, stack_affine(SHAPE, (5.0, 5.0), slices=2), times=TIMES)
    assert len(read_short_axis_study([tmp_path]).slices) == 2
