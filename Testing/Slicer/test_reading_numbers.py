"""The numbers and notes that the reading room shows, without a window."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from LaMoDCore.heart.geometry import SliceGrid
from LaMoDCore.heart.notes import CODES, note
from LaMoDCore.strain.segments import label_segments
from Testing.Slicer import reading_heart
from Testing.Slicer.ring_heart import grid, heart

INSERTION_DEGREES = 130.0


def rotated(spacing_mm: float = 1.4) -> SliceGrid:
    """The oblique plane, rotated by 90°."""
    affine = np.array(grid(spacing_mm=spacing_mm).ijk_to_lps)
    affine[:3, [0, 1]] = np.column_stack([-affine[:3, 1], affine[:3, 0]])
    return SliceGrid((128, 128), affine)


def flipped(spacing_mm: float = 1.4) -> SliceGrid:
    """The oblique plane seen from the base: the columns are in reverse order."""
    affine = np.array(grid(spacing_mm=spacing_mm).ijk_to_lps)
    affine[:3, 3] += affine[:3, 0] * 127
    affine[:3, 0] *= -1
    return SliceGrid((128, 128), affine)


GRIDS = {"as acquired": grid, "rotated": rotated, "flipped": flipped}


@pytest.fixture(scope="module")
def result(host, tmp_path_factory):
    """Basal, mid and apical slices of a ring, with six samples."""
    from LaMoDSlicerLib.Results import ResultImport
    from LaMoDSlicerLib.Results.ResultNumbers import ResultNumbers

    drawn = reading_heart.slices(["base", "mid", "apex"], grid())
    folder = tmp_path_factory.mktemp("reading") / "result"
    insertion = reading_heart.insertion_of(drawn[0], INSERTION_DEGREES)
    motions = [reading_heart.motion_of(s, samples=6) for s in drawn]
    strain = reading_heart.write_reading(folder, drawn, motions, insertion)
    numbers = ResultNumbers.ofResult(ResultImport.read(folder))
    return SimpleNamespace(folder=folder, strain=strain, numbers=numbers)


def test_numbers_are_those_of_the_files(result):
    for given, read in zip(result.strain.slices, result.numbers.slices, strict=True):
        assert np.allclose(read.curves["ecc"], given.segment_curves["ecc"], atol=1e-6)
        assert np.allclose(read.mean["err"], given.global_curves["err"], atol=1e-4)
        assert read.segmentNames == given.segment_names
        assert read.aha == given.segment_aha


def test_numbers_survive_their_text(result):
    from LaMoDSlicerLib.Results.ResultNumbers import ResultNumbers

    again = ResultNumbers.fromText(result.numbers.toText())
    assert again.summary == json.loads(json.dumps(result.numbers.summary))
    for before, after in zip(result.numbers.slices, again.slices, strict=True):
        assert np.allclose(before.curves["ecc"], after.curves["ecc"], atol=1e-6)
        assert np.allclose(before.matrix, after.matrix, atol=1e-6, equal_nan=True)
        assert before.label == after.label


@pytest.mark.parametrize("level", ["mid", "apex"])
@pytest.mark.parametrize("name", GRIDS)
def test_sectors_start_at_the_insertion_for_every_orientation_of_the_slice(host, tmp_path, name, level):
    """A weak sector has its number, counted counter-clockwise from the insertion and seen from the apex."""
    from LaMoDSlicerLib.Results import ResultImport
    from LaMoDSlicerLib.Results.ResultNumbers import ResultNumbers

    (drawn,) = reading_heart.slices([level], GRIDS[name]())
    insertion = reading_heart.insertion_of(drawn, INSERTION_DEGREES)
    wall = drawn.myocardium[0]
    y, x = np.nonzero(wall)
    yy, xx = np.indices(wall.shape)
    arm = (np.stack([xx, yy], axis=-1) - [x.mean(), y.mean()]) * drawn.grid.spacing_mm
    turned = np.mod(np.degrees(drawn.grid.angles_from_apex(arm)) - INSERTION_DEGREES, 360)
    weak = 1 - 0.9 * np.exp(-(((turned - 97.5) / 14) ** 2))  # the middle of sector 7 of 24
    reading_heart.write_reading(tmp_path / "r", [drawn], [reading_heart.motion_of(drawn, weak)], insertion)
    slice_ = ResultNumbers.ofResult(ResultImport.read(tmp_path / "r")).slices[0]
    labels = label_segments(wall, drawn.grid, level, insertion)
    assert abs(np.angle(np.exp(1j * (labels.insertion_angle - np.deg2rad(INSERTION_DEGREES))))) < 0.03
    assert abs(int(np.argmax(slice_.matrix[:, 9])) - 6) <= 1
    assert np.array_equal(slice_.rvInsertionLps, insertion)


def test_intervals_come_from_the_samples_and_are_reported_as_uncalibrated(result):
    from LaMoDSlicerLib.Results.ResultNotes import ResultNotes

    slice_ = result.numbers.slices[1]
    spread = result.strain.slices[1].segment_curves_std["ecc"]
    assert slice_.hasInterval
    assert not slice_.calibrated
    assert np.allclose(slice_.high["ecc"] - slice_.low["ecc"], 2 * 1.645 * spread, atol=1e-5)
    text = ResultNotes(result.numbers).html()
    assert "1.645 SD of the model's 6 samples, uncalibrated" in text
    assert "contours alone" in text


def _with_csv(result, tmp_path, change):
    """The numbers of the same result with another segments.csv: `change` edits each row."""
    from LaMoDSlicerLib.Results import ResultImport
    from LaMoDSlicerLib.Results.ResultNumbers import ResultNumbers

    folder = tmp_path / "result"
    folder.mkdir()
    for name in ("motion.npz", "strain.json"):
        (folder / name).write_bytes((result.folder / name).read_bytes())
    with (result.folder / "segments.csv").open(newline="") as source:
        rows = [change(row) for row in csv.DictReader(source)]
    with (folder / "segments.csv").open("w", newline="") as target:
        writer = csv.DictWriter(target, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)
    return ResultNumbers.ofResult(ResultImport.read(folder))


def test_calibrated_intervals_are_preferred(result, tmp_path):
    from LaMoDSlicerLib.Results.ResultNotes import ResultNotes

    def calibrated(row):
        ecc, err = float(row["ecc"]), float(row["err"])
        return {**row, "ecc_low": ecc - 0.04, "ecc_high": ecc + 0.02, "err_low": err - 0.1, "err_high": err + 0.1}

    numbers = _with_csv(result, tmp_path, calibrated)
    slice_ = numbers.slices[0]
    assert slice_.calibrated
    assert np.allclose(slice_.curves["ecc"] - slice_.low["ecc"], 0.04)
    text = ResultNotes(numbers).html()
    assert "calibrated on synthetic hearts; not tested on real hearts" in text
    assert "measured" not in text


def test_one_sample_gives_no_uncertainty(result, tmp_path):
    from LaMoDSlicerLib.Reading.BullseyePicture import BullseyeQuantity
    from LaMoDSlicerLib.Results.ResultNotes import ResultNotes

    empty = dict.fromkeys(("ecc_std", "err_std", "ecc_low", "ecc_high", "err_low", "err_high"), "")
    numbers = _with_csv(result, tmp_path, lambda row: {**row, **{k: v for k, v in empty.items() if k in row}})
    assert not numbers.slices[0].hasInterval
    assert "One sample gives no uncertainty" in ResultNotes(numbers).html()
    assert np.isnan(BullseyeQuantity.UNCERTAINTY.valuesOf(numbers.slices[0])).all()


def test_the_contour_convention_is_stated(result):
    from LaMoDSlicerLib.Results.ResultNotes import ResultNotes

    stored = {"given": "auto", "used": "tissue", "left_out_layer_mm": 0.2, "left_out_layer_sd_mm": 0.3}
    parts = [{**part, "contour_convention": stored} for part in result.numbers.summary["slices"]]
    numbers = replace(result.numbers, summary={**result.numbers.summary, "slices": parts})
    text = "Contours: tissue (inferred, "
    assert text in ResultNotes(numbers).html()
    assert text in ResultNotes(numbers).plain()
    assert "Contours:" not in ResultNotes(result.numbers).html(), "results of earlier versions do not store it"


def _notes_of(result, *notes):
    from LaMoDSlicerLib.Results.ResultNotes import ResultNotes

    return ResultNotes(replace(result.numbers, notes=notes))


def test_notes_are_grouped_by_slices_and_ordered_by_severity_and_name_no_file(result):
    name = "Doe_John_SAX1.nii.gz"
    notes = _notes_of(
        result,
        note("labels_by_shape", "The labels were identified by their shape.", source=name),
        note("frame_times_assumed", "Frame times were assumed.", slice=1, source=name),
        note("contours_unsure", "The contour is unsure.", slice=2, frame=4),
        note("contours_unsure", "The contour is unsure.", slice=2, frame=5),
        *(note("motion_folds", "The motion folds at 3 pixels.", slice=n, source=name) for n in (1, 2, 3)),
        note("unlike_training", "The wall is unlike the training data.", slice=2, source=name),
    )
    warnings = notes.warnings()
    assert warnings == [
        "Slices 1–3: The motion folds at 3 pixels. Check the contours of this slice in the Contours section.",
        "Slice 2: The wall is unlike the training data.",
        "Slice 1: Frame times were assumed. Strain does not depend on it; times and rates do.",
        "Slice 2, frames 5 and 6: The contour is unsure. Check the contours of these frames in the Contours section.",
    ]
    html, plain = notes.html(), notes.plain()
    lines = html.split("<br>")
    assert lines[0] == "<b>✕ 1 error · ⚠ 3 warnings · ℹ 4 notes</b>"
    assert lines[1] == "<b>✕ Error</b>: Slices 1–3: The motion folds at 3 pixels."
    assert lines[4] == "<b>⚠ Warning</b>: Slice 2, frames 5 and 6: The contour is unsure."
    cells = [remark.cells() for remark in notes.remarks()]
    assert cells[3] == [
        "⚠ Warning",
        "slice 2, frames 5 and 6",
        "The contour is unsure. → Check the contours of these frames in the Contours section.",
    ]
    assert "identified by their shape" not in html
    assert "If this is wrong, select the segment or label under “Myocardium”." in plain
    assert "Doe" not in html + plain
    assert "GLS: not available from short axis" in html


def test_equal_warnings_of_many_slices_are_one_line_with_their_number(result):
    """Version 1 wrote one paragraph per slice into the box above the bullseye."""
    many = replace(result.numbers, slices=tuple(replace(result.numbers.slices[0], number=n) for n in range(1, 11)))
    automatic = [note("contours_automatic", "The contours are automatic.", slice=n) for n in range(1, 11)]
    unsure = [note("contours_unsure", f"Confidence {n}.", slice=n, frame=3) for n in range(1, 9)]
    notes = _notes_from(replace(many, notes=(*automatic, *unsure)))
    lines = notes.html().split("<br>")
    assert lines[0].startswith("<b>⚠ 2 warnings · ")
    assert lines[1] == "<b>⚠ Warning</b>: 10 slices: The contours are automatic."
    assert lines[2] == f"<b>⚠ Warning</b>: 8 slices: {CODES['contours_unsure'].meaning}"
    assert [remark.text for remark in notes.remarks() if remark.code == "contours_unsure"] == [
        f"Confidence {n}." for n in range(1, 9)
    ], "the table has each of them"


def _notes_from(numbers):
    from LaMoDSlicerLib.Results.ResultNotes import ResultNotes

    return ResultNotes(numbers)


def test_the_state_out_of_date_has_a_sign_and_a_word_and_comes_first(result):
    from LaMoDSlicerLib.Results.ResultNotes import ResultNotes

    notes = ResultNotes(result.numbers, isOutOfDate=True)
    assert notes.remarks()[0].state() == "↻ Out of date"
    assert notes.html().startswith("<b>↻ out of date · ")
    assert "↻" not in ResultNotes(result.numbers).html()


def test_many_warnings_are_counted(result):
    codes = (
        "frames_missing",
        "frame_interval_varies",
        "cycles_differ",
        "wall_too_thin",
        "segments_empty",
        "several_cines",
    )
    notes = _notes_of(result, *(note(code, f"{code}.") for code in codes))
    assert notes.html().startswith(f"<b>⚠ {len(codes)} warnings · ")
    assert all(f"{code}." in notes.html() for code in codes)
    assert all(f"{code}." in notes.plain() for code in codes)


def test_a_single_slice_is_not_named(result):
    from LaMoDSlicerLib.Results.ResultNotes import ResultNotes

    single = replace(result.numbers, slices=result.numbers.slices[:1])
    single = replace(single, notes=(note("wall_too_thin", "The wall is thin.", slice=1),))
    assert ResultNotes(single).warnings() == ["The wall is thin. Draw the wall at least two pixels thick."]


def test_remedies_belong_to_codes_and_name_no_option_of_the_command_line(host):
    from LaMoDSlicerLib.Results.ResultNotes import remedies

    assert set(remedies()) <= set(CODES)
    assert not any("--" in text for text in remedies().values())


def test_uncertain_segments_replace_the_note_about_the_samples(result, tmp_path):
    from LaMoDSlicerLib.Results.ResultNotes import ResultNotes

    def wide(row):
        ecc, err, half = float(row["ecc"]), float(row["err"]), 0.06 if row["name"] == "inferior" else 0.01
        return {**row, "ecc_low": ecc - half, "ecc_high": ecc + half, "err_low": err, "err_high": err}

    disagree = note("samples_disagree", "The samples disagree.", slice=1)
    numbers = replace(_with_csv(result, tmp_path, wide), notes=(disagree,))
    warnings = ResultNotes(numbers).warnings()
    assert len(warnings) == 3
    text = "Peak Ecc of some segments is uncertain by more than ±4 percentage points"
    assert warnings[0] == f"Slice 1: {text}: inferior ±6."
    assert f"<b>⚠ Warning</b>: Slices 1–3: {text}." in ResultNotes(numbers).html()
    assert "The samples disagree." in _notes_of(result, disagree).warnings()[0]


def version_1_text(numbers):
    """The text that LaMoD 1.x stored in a scene."""
    content = json.loads(numbers.toText())
    content["version"] = 1
    del content["notes"]
    for stored in content["slices"]:
        stored["insertionLps"] = stored.pop("rvInsertionLps")
    flag = {"score": 9.0, "limit": 4.0, "flagged": True, "sentence": "The wall is thicker than in the training data."}
    content["summary"]["slices"][1]["unlike_training"] = flag
    content["summary"].update(
        schema_version=1, notes=["Doe_John: no frame times."], quality=["Doe_John: the motion folds at 3 pixels."]
    )
    return json.dumps(content)


def test_the_text_of_version_1_is_read_without_showing_its_sentences(result):
    from LaMoDSlicerLib.Results.ResultNotes import ResultNotes
    from LaMoDSlicerLib.Results.ResultNumbers import ResultNumbers

    numbers = ResultNumbers.fromText(version_1_text(result.numbers))
    assert np.allclose(numbers.slices[0].rvInsertionLps, result.numbers.slices[0].rvInsertionLps)
    notes = ResultNotes(numbers)
    assert notes.warnings() == [
        "Slice 2: The wall is thicker than in the training data.",
        "LaMoD 1.x stored 2 notes that may name files and are not shown. Predict again to see them.",
    ]
    assert "Doe" not in notes.html() + notes.plain()
    again = ResultNumbers.fromText(numbers.toText())
    assert again.notes == numbers.notes


def test_a_result_folder_of_version_1_has_no_matrix_if_the_insertion_is_unknown(result, tmp_path):
    """motion.npz of version 1 lacks the point, but its segments start there."""
    from LaMoDSlicerLib.Results import ResultImport
    from LaMoDSlicerLib.Results.ResultNumbers import ResultNumbers

    shutil.copytree(result.folder, tmp_path / "old")
    with np.load(tmp_path / "old" / "motion.npz") as motion:
        arrays = {name: motion[name] for name in motion.files if name != "rv_insertion_lps"}
    np.savez(tmp_path / "old" / "motion.npz", **arrays)
    numbers = ResultNumbers.ofResult(ResultImport.read(tmp_path / "old"))
    for old, new in zip(numbers.slices, result.numbers.slices, strict=True):
        assert np.isnan(old.matrix).all()
        assert np.isnan(old.rvInsertionLps).all()
        assert np.array_equal(old.curves["ecc"], new.curves["ecc"])


def test_errors_name_the_file_without_its_path(result, tmp_path):
    from LaMoDSlicerLib.Inputs.InputError import InputError
    from LaMoDSlicerLib.Results import ResultImport

    shutil.copytree(result.folder, tmp_path / "damaged")
    (tmp_path / "damaged" / "segments.csv").unlink()
    with pytest.raises(InputError, match=r"“damaged” cannot be read \(segments.csv: the file does not exist\)"):
        ResultImport.read(tmp_path / "damaged")


def test_every_number_has_unit_and_definition(result):
    from LaMoDSlicerLib.Reading.IndexTable import IndexTable
    from LaMoDSlicerLib.Reading.SegmentTable import SegmentTable

    table = IndexTable(result.numbers)
    rows = table.rows()
    frame = result.strain.summary["global"]["gcs_peak_frame"]
    assert table.titles[3] == "When (frames from 1)"
    assert rows[0][3].startswith(f"frame {frame + 1}, ")
    assert table.fileRows()[0][4] == str(frame), "files count frames from 0"
    assert rows[0][0] == "GCS, peak"
    assert float(rows[0][1].replace("−", "-")) < 0, "a number alone: the unit has its own column"
    assert rows[0][2] == "%"
    assert all(definition for *_rest, definition in rows)
    assert rows[-1][:2] == ["GLS", "not available"]
    assert any(name.startswith("Twist, inferred") for name, *_rest in rows)
    assert not any(name.startswith("GLS") and unit for name, _value, unit, *_rest in rows)
    segments = SegmentTable(result.numbers).rows()
    assert len(segments) == 6 + 1 + 6 + 1 + 4 + 1
    assert float(segments[0][3].replace("−", "-")) == pytest.approx(
        100 * result.numbers.slices[0].summary["segments"][0]["ecc_peak"], abs=0.05
    )


def test_a_stretching_segment_shows_its_stretch_and_no_time_to_peak(result):
    from LaMoDSlicerLib.Reading.BullseyePicture import BullseyeQuantity
    from LaMoDSlicerLib.Reading.SegmentTable import SegmentTable

    first = result.numbers.slices[0]
    summary = json.loads(json.dumps(first.summary))
    summary["segments"][2].update(ecc_extreme=0.05, ecc_extreme_frame=7, time_to_peak_ms=None)
    low, high = first.low["ecc"].copy(), first.high["ecc"].copy()
    low[2, 7], high[2, 7] = 0.01, 0.09
    slice_ = replace(first, summary=summary, low={**first.low, "ecc": low}, high={**first.high, "ecc": high})
    values = BullseyeQuantity.PEAK_ECC.valuesOf(slice_)
    assert values[2] == pytest.approx(5.0)
    assert BullseyeQuantity.PEAK_ECC.title(values) == "Peak Ecc, or systolic stretch (+) (%)"
    assert BullseyeQuantity.PEAK_ECC.title(np.delete(values, 2)) == "Peak Ecc (%)"
    assert np.isnan(BullseyeQuantity.TIME_TO_PEAK.valuesOf(slice_)[2])
    row = SegmentTable(replace(result.numbers, slices=(slice_, *result.numbers.slices[1:]))).rows()[2]
    assert row[3:6] == ["+5.0", "+1.0 … +9.0", "–"]
    for part in summary["segments"]:  # like older results
        part.pop("ecc_extreme")
        part.pop("ecc_extreme_frame")
    assert np.array_equal(replace(slice_, summary=summary).peakFrames(), first.curves["ecc"].argmin(axis=1))


def test_comparison_pairs_walls_and_finds_the_bias(result):
    from LaMoDSlicerLib.Reading.ResultComparison import ResultComparison

    summary = json.loads(json.dumps(result.numbers.summary))
    for part in summary["slices"]:
        for row in part["segments"]:
            row["ecc_extreme"] += 0.02
    slices = tuple(replace(s, summary=part) for s, part in zip(result.numbers.slices, summary["slices"], strict=True))
    other = replace(result.numbers, summary=summary, slices=slices)
    comparison = ResultComparison(result.numbers, other, "A", "B")
    assert [comparison.partnerOf(i) for i in range(3)] == [0, 1, 2]
    assert comparison.overlies(1)
    found = comparison.statistics("ecc_extreme", 100.0)
    assert found["count"] == 16
    assert found["bias"] == pytest.approx(-2.0, abs=1e-6)
    text = comparison.html()
    assert "−2.0&nbsp;" in text
    assert "16 segments" in text
    assert "green: difference" in text


def test_slices_in_other_planes_are_matched_by_level(result):
    from LaMoDSlicerLib.Reading.ResultComparison import ResultComparison

    away = 100 * grid().normal
    moved = tuple(replace(s, centerLps=s.centerLps + away) for s in result.numbers.slices[1:])
    comparison = ResultComparison(result.numbers, replace(result.numbers, slices=moved), "A", "B")
    assert [comparison.partnerOf(i) for i in range(3)] == [None, 0, 1]
    assert not comparison.overlies(1)


def test_linked_frames_have_the_same_phase():
    from LaMoDSlicerLib.Scene.LinkedBrowsers import LinkedBrowsers

    phases = np.arange(40) / 40
    assert LinkedBrowsers.nearest(0.5, phases) == 20
    assert LinkedBrowsers.nearest(0.995, phases) == 0


def _stack_numbers(folder, radii_mm):
    """Numbers of a stack of rings with these inner radii, 10 mm apart, from base to apex; and the masks' volumes."""
    from LaMoDSlicerLib.Results import ResultImport
    from LaMoDSlicerLib.Results.ResultNumbers import ResultNumbers

    affine = np.array(grid().ijk_to_lps)
    affine[:3, 2] *= 10 / np.linalg.norm(affine[:3, 2])
    plane = SliceGrid((128, 128), affine)
    towards_apex = -1 if plane.axis_cosine > 0 else 1
    levels = ["base", "mid", "mid", "mid", "apex", "apex"][: len(radii_mm)]
    drawn = [
        replace(heart(reading_heart.stack_grid(plane, towards_apex * i), inner_mm=radius), level=level)
        for i, (radius, level) in enumerate(zip(radii_mm, levels, strict=True))
    ]
    reading_heart.write_reading(folder, drawn, [reading_heart.motion_of(s) for s in drawn])
    counted = sum(s.cavity.sum(axis=(1, 2)) for s in drawn) * 1.4 * 1.4 * 10 / 1000
    wall = sum(int(s.myocardium[0].sum()) for s in drawn) * 1.4 * 1.4 * 10 / 1000
    return ResultNumbers.ofResult(ResultImport.read(folder)), counted, wall


def test_volumes_and_ejection_fraction_are_those_of_the_masks(host, tmp_path):
    from LaMoDSlicerLib.Reading.IndexTable import IndexTable
    from LaMoDSlicerLib.Results.ResultHeadline import ResultHeadline

    numbers, volume, wall = _stack_numbers(tmp_path / "result", [24, 24, 22, 19, 15, 10])
    edv, esv = volume.max(), volume.min()
    table = {row[0]: row for row in IndexTable(numbers).rows()}
    assert table["EF"][1:3] == [f"{100 * (edv - esv) / edv:.0f}", "%"]
    assert table["EDV"][1:3] == [f"{edv:.0f}", "ml"]
    frame = int(table["EDV"][3].split()[1].rstrip(","))
    assert volume[frame - 1] == pytest.approx(edv, abs=0.05)
    assert table["ESV"][1:3] == [f"{esv:.0f}", "ml"]
    assert table["Stroke volume"][1:3] == [f"{edv - esv:.0f}", "ml"]
    assert table["LV mass"][1:3] == [f"{1.05 * wall:.0f}", "g"]
    assert all(row[4] for row in table.values()), "each number has a definition"
    headline = ResultHeadline(numbers).html().replace("\u00a0", " ")
    assert f"EF {100 * (edv - esv) / edv:.0f} %" in headline
    assert f"EDV {edv:.0f} ml, ESV {esv:.0f} ml" in headline
    assert "ontours drawn automatically" not in headline


def test_without_the_whole_ventricle_the_reason_replaces_the_volumes(host, tmp_path):
    from LaMoDSlicerLib.Reading.IndexTable import IndexTable
    from LaMoDSlicerLib.Results.ResultHeadline import ResultHeadline

    numbers, _volume, _wall = _stack_numbers(tmp_path / "result", [24, 22])
    table = {row[0]: row for row in IndexTable(numbers).rows()}
    reason = "volumes need at least 5 slices from base to apex, and a blood pool is drawn in 2"
    assert table["EF and LV volumes"][1:] == ["not available", "", "", reason]
    assert not {"EF", "EDV", "ESV", "LV mass"} & set(table)
    assert "EF: not available" in ResultHeadline(numbers).html()
    assert ResultHeadline(numbers).whyNoFunction() == f"EF and volumes: not available; {reason}."


def _with_intervals(numbers, **intervals):
    heart = {**numbers.summary["global"], "intervals": intervals} if intervals else numbers.summary["global"]
    return replace(numbers, summary={**numbers.summary, "global": heart})


def test_intervals_of_gcs_and_grs_are_shown_and_a_bound_is_named(host, tmp_path):
    from LaMoDSlicerLib.Reading.IndexTable import IndexTable
    from LaMoDSlicerLib.Results.ResultHeadline import ResultHeadline

    numbers, _volume, _wall = _stack_numbers(tmp_path / "result", [24, 22])
    limits = {"gcs_peak": [-0.25, -0.15], "grs_peak": [0.2, 0.3]}
    calibrated = _with_intervals(numbers, basis="calibrated", **limits)
    assert "90 %: GCS −25.0 to −15.0, GRS +20.0 to +30.0\u00a0%" in ResultHeadline(calibrated).html()
    rows = {row[0]: row for row in IndexTable(calibrated).rows()}
    assert rows["GCS, peak: lower limit"][1:3] == ["−25.0", "%"]
    assert rows["GRS, peak: upper limit"][1:3] == ["+30.0", "%"]
    assert rows["GCS, peak: lower limit"][4].startswith("90 % interval, calibrated")
    assert next(r for r in IndexTable(calibrated).fileRows() if r[0] == "GCS, peak: lower limit")[1:3] == [
        "-25.000",
        "%",
    ]
    bound = _with_intervals(numbers, basis="bound", **limits)
    assert "90 % at most: GCS −25.0 to −15.0, GRS" in ResultHeadline(bound).html()
    assert "at most" in {row[0]: row for row in IndexTable(bound).rows()}["GCS, peak: lower limit"][4]


def test_without_samples_there_is_no_interval_of_gcs(host, tmp_path):
    from LaMoDSlicerLib.Reading.IndexTable import IndexTable
    from LaMoDSlicerLib.Results.ResultHeadline import ResultHeadline

    numbers, _volume, _wall = _stack_numbers(tmp_path / "result", [24, 22])
    assert "90 %" not in ResultHeadline(numbers).html()
    assert "No intervals: predicted with one sample" in ResultHeadline(numbers).html()
    assert not [row for row in IndexTable(numbers).rows() if "limit" in row[0]]


def test_results_of_earlier_versions_have_the_bound_by_the_segments(host, tmp_path):
    """It assumes that the errors of all segments agree."""
    numbers, _volume, _wall = _stack_numbers(tmp_path / "result", [24, 22])
    halves = [
        np.arange(1.0, 1 + len(s.segmentNames))[:, None] * np.full(numbers.numberOfFrames, 0.01) for s in numbers.slices
    ]
    slices = [
        replace(s, calibrated=True, low={"ecc": s.curves["ecc"] - h}, high={"ecc": s.curves["ecc"] + h})
        for s, h in zip(numbers.slices, halves, strict=True)
    ]
    old = replace(numbers, slices=tuple(slices))
    found = old.globalInterval("gcs_peak")
    areas = np.concatenate([s.segmentValues("pixels") for s in numbers.slices])
    half = np.average(np.concatenate([h[:, 0] for h in halves]), weights=areas)
    assert found.is_bound and found.high - found.low == pytest.approx(2 * half)
    assert old.globalInterval("grs_peak") is None
