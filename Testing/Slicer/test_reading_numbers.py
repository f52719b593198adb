"""What the reading room reads out of a result's files, and says of it: no window needed."""

from __future__ import annotations

import csv
import json
from types import SimpleNamespace

import numpy as np
import pytest

from LaMoDCore.heart.geometry import SliceGrid
from LaMoDCore.strain.segments import label_segments
from Testing.Slicer import reading_heart
from Testing.Slicer.ring_heart import grid

INSERTION_DEGREES = 130.0


def rotated(spacing_mm: float = 1.4) -> SliceGrid:
    """The oblique plane with rows and columns exchanged and turned."""
    affine = np.array(grid(spacing_mm=spacing_mm).ijk_to_lps)
    affine[:3, [0, 1]] = np.column_stack([-affine[:3, 1], affine[:3, 0]])
    return SliceGrid((128, 128), affine)


def flipped(spacing_mm: float = 1.4) -> SliceGrid:
    """The oblique plane seen from the base: its columns run the other way."""
    affine = np.array(grid(spacing_mm=spacing_mm).ijk_to_lps)
    affine[:3, 3] += affine[:3, 0] * 127
    affine[:3, 0] *= -1
    return SliceGrid((128, 128), affine)


GRIDS = {"as acquired": grid, "rotated": rotated, "flipped": flipped}


@pytest.fixture(scope="module")
def result(host, tmp_path_factory):
    """Base, mid and apex of a ring, with six samples."""
    from LaMoDSlicerLib.Reading.ReadingBuilder import ReadingBuilder
    from LaMoDSlicerLib.Results.ResultFiles import ResultFiles

    drawn = reading_heart.slices(["base", "mid", "apex"], grid())
    folder = tmp_path_factory.mktemp("reading") / "result"
    insertion = reading_heart.insertion_of(drawn[0], INSERTION_DEGREES)
    motions = [reading_heart.motion_of(s, samples=6) for s in drawn]
    strain = reading_heart.write_reading(folder, drawn, motions, insertion)
    files = ResultFiles.read(folder)
    return SimpleNamespace(folder=folder, files=files, strain=strain, reading=ReadingBuilder(files).build())


def test_numbers_are_those_of_the_files(result):
    for given, read in zip(result.strain.slices, result.reading.slices, strict=True):
        assert np.allclose(read.curves["ecc"], given.segment_curves["ecc"], atol=1e-6)
        assert np.allclose(read.mean["err"], given.global_curves["err"], atol=1e-4)
        assert read.segmentNames == given.segment_names
        assert read.aha == given.segment_aha


def test_reading_survives_its_text(result):
    from LaMoDSlicerLib.Reading.Reading import Reading

    again = Reading.fromText(result.reading.toText())
    assert again.summary == json.loads(json.dumps(result.reading.summary))
    for before, after in zip(result.reading.slices, again.slices, strict=True):
        assert np.allclose(before.curves["ecc"], after.curves["ecc"], atol=1e-6)
        assert np.allclose(before.matrix, after.matrix, atol=1e-6, equal_nan=True)
        assert before.label == after.label


@pytest.mark.parametrize("level", ["mid", "apex"])
@pytest.mark.parametrize("name", GRIDS)
def test_sectors_begin_at_the_insertion_however_the_slice_was_acquired(host, tmp_path, name, level):
    """One sector moves less: it must be found where it is, counted from the insertion, seen from the apex."""
    from LaMoDSlicerLib.Reading.ReadingBuilder import ReadingBuilder
    from LaMoDSlicerLib.Results.ResultFiles import ResultFiles

    (drawn,) = reading_heart.slices([level], GRIDS[name]())
    insertion = reading_heart.insertion_of(drawn, INSERTION_DEGREES)
    wall = drawn.myocardium[0]
    y, x = np.nonzero(wall)
    yy, xx = np.indices(wall.shape)
    arm = (np.stack([xx, yy], axis=-1) - [x.mean(), y.mean()]) * drawn.grid.spacing_mm
    turned = np.mod(np.degrees(drawn.grid.angles_from_apex(arm)) - INSERTION_DEGREES, 360)
    weak = 1 - 0.9 * np.exp(-(((turned - 97.5) / 14) ** 2))  # the middle of sector 7 of 24
    reading_heart.write_reading(tmp_path / "r", [drawn], [reading_heart.motion_of(drawn, weak)], insertion)
    slice_ = ReadingBuilder(ResultFiles.read(tmp_path / "r")).build().slices[0]
    labels = label_segments(wall, drawn.grid, level, insertion)
    assert abs(np.angle(np.exp(1j * (labels.insertion_angle - np.deg2rad(INSERTION_DEGREES))))) < 0.03
    assert abs(int(np.argmax(slice_.matrix[:, 9])) - 6) <= 1
    assert drawn.grid.distance_mm(slice_.insertionLps) == pytest.approx(0, abs=1e-6)
    seen = np.degrees(drawn.grid.angles_from_apex(drawn.grid.lps_to_pixel(slice_.insertionLps) - [x.mean(), y.mean()]))
    assert abs(np.mod(seen - INSERTION_DEGREES + 180, 360) - 180) < 2


def test_intervals_are_taken_from_the_samples_and_said_to_be_uncalibrated(result):
    from LaMoDSlicerLib.Reading.TrustWords import TrustWords

    slice_ = result.reading.slices[1]
    spread = result.strain.slices[1].segment_curves_std["ecc"]
    assert slice_.hasInterval
    assert not slice_.calibrated
    assert np.allclose(slice_.high["ecc"] - slice_.low["ecc"], 2 * 1.645 * spread, atol=1e-5)
    said = TrustWords(result.reading).html()
    assert "1.645 SD of the model's 6 samples, uncalibrated" in said
    assert "contours alone" in said


def _with_csv(result, tmp_path, change):
    """The same result with another segments.csv: `change` edits each row."""
    from dataclasses import replace

    from LaMoDSlicerLib.Reading.ReadingBuilder import ReadingBuilder

    folder = tmp_path / "result"
    folder.mkdir()
    (folder / "motion.npz").write_bytes((result.folder / "motion.npz").read_bytes())
    with (result.folder / "segments.csv").open(newline="") as source:
        rows = [change(row) for row in csv.DictReader(source)]
    with (folder / "segments.csv").open("w", newline="") as target:
        writer = csv.DictWriter(target, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return ReadingBuilder(replace(result.files, folder=folder)).build()


def test_calibrated_intervals_are_preferred(result, tmp_path):
    from LaMoDSlicerLib.Reading.TrustWords import TrustWords

    def calibrated(row):
        ecc, err = float(row["ecc"]), float(row["err"])
        return {**row, "ecc_low": ecc - 0.04, "ecc_high": ecc + 0.02, "err_low": err - 0.1, "err_high": err + 0.1}

    reading = _with_csv(result, tmp_path, calibrated)
    slice_ = reading.slices[0]
    assert slice_.calibrated
    assert np.allclose(slice_.curves["ecc"] - slice_.low["ecc"], 0.04)
    said = TrustWords(reading).html()
    assert "calibrated on synthetic hearts; untested on real ones" in said
    assert "measured" not in said


def test_without_samples_it_says_that_there_is_no_uncertainty(result, tmp_path):
    from LaMoDSlicerLib.Reading.BullseyeQuantity import BullseyeQuantity
    from LaMoDSlicerLib.Reading.TrustWords import TrustWords

    empty = dict.fromkeys(("ecc_std", "err_std", "ecc_low", "ecc_high", "err_low", "err_high"), "")
    reading = _with_csv(result, tmp_path, lambda row: {**row, **{k: v for k, v in empty.items() if k in row}})
    assert not reading.slices[0].hasInterval
    assert "No uncertainty is known" in TrustWords(reading).html()
    assert np.isnan(BullseyeQuantity.UNCERTAINTY.valuesOf(reading.slices[0])).all()


def test_trust_says_what_is_unlike_the_training_hearts_and_names_no_file(result):
    from dataclasses import replace

    from LaMoDSlicerLib.Reading.TrustWords import TrustWords

    summary = json.loads(json.dumps(result.reading.summary))
    flag = {"score": 9.0, "limit": 4.0, "flagged": True, "sentence": "The wall is thicker than any trained on."}
    summary["slices"][1]["unlike_training"] = flag
    summary["slices"][2]["unlike_training"] = {**flag, "flagged": False, "sentence": "usual"}
    summary["slices"][0]["name"] = "Doe_John_SAX1"
    summary["quality"] = ["Doe_John_SAX1: the motion folds at 3 pixels (J ≤ 0); their strain means nothing."]
    words = TrustWords(replace(result.reading, summary=summary))
    first, second = words.warnings()[:2]
    assert first == "Slice 2: The wall is thicker than any trained on."
    assert second.startswith("Slice 1: the motion folds")
    assert "Doe" not in words.html() + words.plain()
    assert "GLS: not available from short axis" in words.html()


def test_what_was_assumed_of_the_input_is_said_and_usual_guesses_wait_in_the_tool_tip(result):
    from dataclasses import replace

    from LaMoDSlicerLib.Reading.TrustWords import TrustWords

    summary = json.loads(json.dumps(result.reading.summary))
    summary["provenance"] = {**summary.get("provenance", {}), "inputs": [{"name": "Doe_John.nii.gz"}]}
    summary["notes"] = [
        "Labels were told by their place in Doe_John.nii.gz.",
        "Doe_John: no frame times; the 25 frames were spread evenly over an assumed R–R interval of 1000 ms.",
        "slice 4 of Doe_John.nii.gz was left out: its ring is open at frame 7.",
        "The cine begins late: frame 3 was taken as the reference; name another with --reference-frame.",
    ]
    words = TrustWords(replace(result.reading, summary=summary))
    summary["quality"] = ["The motion folds at 3 pixels."]
    first, second, *later = words.warnings()
    assert first == "Slice 4 of the masks was left out: its ring is open at frame 7."
    assert second == "The motion folds at 3 pixels."  # what may be wrong comes before what was assumed
    assert later[-2].startswith("The masks: no frame times")
    assert later[-1].endswith("frame 3 was taken as the reference.")  # the panel has no such option
    assert "was left out" in words.html()
    assert "Labels were told" not in words.html()
    assert "Labels were told by their place in the masks." in words.plain()
    assert "Doe" not in words.html() + words.plain()


def test_segments_that_are_uncertain_are_named_once(result, tmp_path):
    from LaMoDSlicerLib.Reading.TrustWords import TrustWords

    def wide(row):
        ecc, err, half = float(row["ecc"]), float(row["err"]), 0.06 if row["name"] == "inferior" else 0.01
        return {**row, "ecc_low": ecc - half, "ecc_high": ecc + half, "err_low": err, "err_high": err}

    reading = _with_csv(result, tmp_path, wide)
    reading.summary["quality"] = ["ring 1: the samples disagree on segmental Ecc at end-systole by up to 5.3% (SD)."]
    said = TrustWords(reading).warnings()
    assert len(said) == 3
    assert said[0] == "Slice 1, base: peak Ecc is uncertain by more than ±4 %-points: inferior ±6."


def test_every_number_has_unit_and_definition(result):
    from LaMoDSlicerLib.Reading.IndexTable import IndexTable
    from LaMoDSlicerLib.Reading.SegmentTable import SegmentTable

    rows = IndexTable(result.reading).rows()
    assert rows[0][0] == "GCS, peak"
    assert rows[0][1].endswith(" %")
    assert all(definition for *_rest, definition in rows)
    assert rows[-1][:2] == ("GLS", "not available")
    assert any(name.startswith("Twist, inferred") for name, *_rest in rows)
    assert not any(name.startswith("GLS") and "%" in value for name, value, *_rest in rows)
    segments = SegmentTable(result.reading).rows()
    assert len(segments) == 6 + 1 + 6 + 1 + 4 + 1
    assert float(segments[0][3].replace("−", "-")) == pytest.approx(
        100 * result.reading.slices[0].summary["segments"][0]["ecc_peak"], abs=0.05
    )


def test_a_stretching_segment_shows_its_stretch_and_no_time_to_peak(result):
    from dataclasses import replace

    from LaMoDSlicerLib.Reading.BullseyeQuantity import BullseyeQuantity
    from LaMoDSlicerLib.Reading.SegmentTable import SegmentTable

    first = result.reading.slices[0]
    summary = json.loads(json.dumps(first.summary))
    summary["segments"][2].update(ecc_extreme=0.05, ecc_extreme_frame=7, time_to_peak_ms=None)
    low, high = first.low["ecc"].copy(), first.high["ecc"].copy()
    low[2, 7], high[2, 7] = 0.01, 0.09
    slice_ = replace(first, summary=summary, low={**first.low, "ecc": low}, high={**first.high, "ecc": high})
    assert BullseyeQuantity.PEAK_ECC.valuesOf(slice_)[2] == pytest.approx(5.0)
    assert np.isnan(BullseyeQuantity.TIME_TO_PEAK.valuesOf(slice_)[2])
    row = SegmentTable(replace(result.reading, slices=(slice_, *result.reading.slices[1:]))).rows()[2]
    assert row[3:6] == ["+5.0", "+1.0 … +9.0", "–"]
    for part in summary["segments"]:  # as older results are
        part.pop("ecc_extreme")
        part.pop("ecc_extreme_frame")
    assert np.array_equal(replace(slice_, summary=summary).peakFrames(), first.curves["ecc"].argmin(axis=1))


def test_comparison_pairs_walls_and_finds_the_bias(result):
    from dataclasses import replace

    from LaMoDSlicerLib.Reading.Comparison import Comparison

    summary = json.loads(json.dumps(result.reading.summary))
    for part in summary["slices"]:
        for row in part["segments"]:
            row["ecc_extreme"] += 0.02
    slices = tuple(replace(s, summary=part) for s, part in zip(result.reading.slices, summary["slices"], strict=True))
    other = replace(result.reading, summary=summary, slices=slices)
    comparison = Comparison(result.reading, other, "A", "B")
    assert [comparison.partnerOf(i) for i in range(3)] == [0, 1, 2]
    assert comparison.overlies(1)
    found = comparison.statistics("ecc_extreme", 100.0)
    assert found["count"] == 16
    assert found["bias"] == pytest.approx(-2.0, abs=1e-6)
    said = comparison.html()
    assert "−2.0&nbsp;" in said
    assert "16 segments" in said
    assert "first minus" not in said
    assert "green: the difference" in said


def test_slices_of_another_plane_are_matched_by_level(result):
    from dataclasses import replace

    from LaMoDSlicerLib.Reading.Comparison import Comparison

    away = 100 * grid().normal
    moved = tuple(replace(s, centerLps=s.centerLps + away) for s in result.reading.slices[1:])
    comparison = Comparison(result.reading, replace(result.reading, slices=moved), "A", "B")
    assert [comparison.partnerOf(i) for i in range(3)] == [None, 0, 1]
    assert not comparison.overlies(1)


def test_linked_frames_have_the_same_phase():
    from LaMoDSlicerLib.Scene.LinkedBrowsers import LinkedBrowsers

    phases = np.arange(40) / 40
    assert LinkedBrowsers.nearest(0.5, phases) == 20
    assert LinkedBrowsers.nearest(0.995, phases) == 0
