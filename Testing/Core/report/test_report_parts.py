"""The report's pure parts: where segments go, which numbers are shown, what is said."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from contracting_heart import contracting_heart, short_axis_grid

from LaMoDCore.heart.case import InputRecord
from LaMoDCore.report.bullseye import rings_of, sector
from LaMoDCore.report.maps import arrow_pixels, direction_letters, smooth_map, window_of
from LaMoDCore.report.numbers import segment_peaks, table_rows
from LaMoDCore.report.page import _bullets
from LaMoDCore.report.style import colour_limit, percent
from LaMoDCore.report.wording import doubt_lines, provenance_line, sample_count, slices_left_out, warning_line


def test_sectors_are_the_heart_associations():
    assert sector("anterior", 6) == (60, 120)
    assert sector("anteroseptal", 6) == (120, 180)  # septum to the left, counter-clockwise from anterior
    assert sector("inferior", 6) == (240, 300)
    assert sector("lateral", 4) == (315, 405)
    assert sector("septal", 4) == (135, 225)


def test_a_whole_heart_has_a_ring_a_level_and_the_mean_of_its_slices():
    result = contracting_heart(("base", "base", "mid", "apex"), frames=4)
    values = [np.full(6, -0.1), np.full(6, -0.2), np.full(6, -0.3), np.full(4, -0.4)]
    rings = rings_of(result, values, values)
    assert [r.label for r in rings] == ["base", "mid", "apex"]
    np.testing.assert_allclose(rings[0].values, -0.15)
    assert len(rings[2].values) == 4


def test_part_of_a_heart_has_a_ring_a_slice():
    result = contracting_heart(("base", "mid"), frames=4)
    values = [np.zeros(6), np.zeros(6)]
    assert [r.label for r in rings_of(result, values, values)] == ["slice 1", "slice 2"]


def test_peaks_are_those_of_the_summary():
    result = contracting_heart(frames=20, reference_frame=15)
    values, times = segment_peaks(result)
    np.testing.assert_allclose(values[0], result.slices[0].segment_curves["ecc"].min(axis=1))
    np.testing.assert_allclose(times[0], 0.4 * 800)  # the peak lies in the next turn of the cycle


def test_the_table_has_definition_frame_and_unit():
    rows = {row.name: row for row in table_rows(contracting_heart(("base", "mid", "apex"), frames=25))}
    gcs = rows["GCS, peak"]
    assert gcs.value.startswith("−")
    assert gcs.value.endswith(" %")
    assert "frame 10" in gcs.when
    assert rows["Mean displacement"].value.endswith(" mm")
    assert "inferred" in next(name for name in rows if name.startswith("Twist"))
    assert rows["GLS"].value == "not available"
    assert all(row.definition for row in rows.values())


def test_what_is_unknown_is_left_out_of_the_table():
    result = contracting_heart(frames=4)
    heart = {**result.summary["global"], "gcs_peak": None, "gcs_peak_frame": None}
    rows = table_rows(dataclasses.replace(result, summary={**result.summary, "global": heart}))
    assert "GCS, peak" not in [row.name for row in rows]


def test_percent_is_signed_and_says_nothing_of_the_unknown():
    assert percent(-0.1834) == "−18.3"
    assert percent(0.0123) == "+1.2"
    assert percent(float("nan")) == "–"


def test_the_colour_scale_covers_nearly_everything():
    assert colour_limit(np.array([-12.0, 3.0])) == 20.0
    assert colour_limit(np.linspace(-31.0, 31.0, 99)) == 35.0
    assert colour_limit(np.array([np.nan])) == 20.0


def test_directions_are_the_patients():
    assert direction_letters(np.array([1.0, 0, 0])) == "L"
    assert direction_letters(np.array([0, -0.8, -0.6])) == "AI"
    assert direction_letters(np.array([-0.3, 0.2, 0.93])) == "S"


def test_the_smooth_map_shows_the_deformed_wall():
    result = contracting_heart(frames=25)
    strain, grid = result.slices[0], result.case.slices[0].grid
    for frame in (0, 10):
        picture, extent = smooth_map(
            strain.fields["ecc"][frame], strain.displacement_mm[frame], strain.myocardium, grid.spacing_mm
        )
        pixel = (extent[1] - extent[0]) / picture.shape[1] * (extent[2] - extent[3]) / picture.shape[0]
        area = np.isfinite(picture).sum() * pixel
        expected = np.pi * (33**2 - 24**2) * np.nanmean(strain.fields["jacobian"][frame])
        assert area == pytest.approx(expected, rel=0.04)
        mean = strain.fields["ecc"][frame][strain.myocardium].mean()
        assert np.nanmean(picture) == pytest.approx(mean, abs=0.01)


def test_arrows_stand_in_the_wall_about_as_far_apart_as_asked():
    strain = contracting_heart(frames=2).slices[0]
    chosen = arrow_pixels(strain.myocardium, (1.4, 1.4), every_mm=4.2)
    assert (chosen <= strain.myocardium).all()
    assert chosen.sum() == pytest.approx(strain.myocardium.sum() / 9, rel=0.2)


def test_the_window_holds_the_wall():
    result = contracting_heart(frames=2)
    window = window_of(result.slices[0], result.case.slices[0].grid)
    assert 33 + 8 < window.half_mm < 33 + 16


def test_doubts_are_said_once_each_without_anyones_name():
    result = contracting_heart(frames=2)
    slices = (dataclasses.replace(result.case.slices[0], name="DOE_JANE"),)
    inputs = (InputRecord("DOE_JANE.nii.gz", ""),)
    case = dataclasses.replace(result.case, slices=slices, inputs=inputs, notes=("No times in DOE_JANE.nii.gz.",) * 2)
    summary = {"quality": ["DOE_JANE: the ring is open."]}
    assert doubt_lines(dataclasses.replace(result, case=case, summary=summary)) == [
        "No times in input 1.",
        "Slice 1: the ring is open.",
    ]


def test_a_stacks_file_is_not_named_either():
    result = contracting_heart(("base", "mid"), frames=2)
    notes = ("DOE_JANE: no R–R interval.", "slice 3 of DOE_JANE.nii.gz was left out: no closed ring.")
    case = dataclasses.replace(result.case, inputs=(InputRecord("DOE_JANE.nii.gz", ""),), notes=notes)
    assert doubt_lines(dataclasses.replace(result, case=case, summary={})) == [
        "input 1: no R–R interval.",
        "slice 3 of input 1 was left out: no closed ring.",
    ]
    assert slices_left_out(dataclasses.replace(result, case=case)) == 1
    assert slices_left_out(result) == 0


def test_a_file_named_by_a_usual_word_leaves_the_word_alone():
    result = contracting_heart(frames=2)
    slices = (dataclasses.replace(result.case.slices[0], name="masks"),)
    notes = ("The masks do not say how they lie.", "Levels were proposed (masks mid); the RV label of masks.")
    case = dataclasses.replace(result.case, slices=slices, inputs=(InputRecord("masks.nii.gz", ""),), notes=notes)
    summary = {"quality": ["masks: end-systole is unusual; check the masks' order in time."]}
    assert doubt_lines(dataclasses.replace(result, case=case, summary=summary)) == [
        "The masks do not say how they lie.",
        "Slice 1: end-systole is unusual; check the masks' order in time.",
        "Levels were proposed (Slice 1 mid); the RV label of Slice 1.",
    ]


def test_provenance_names_model_and_seed():
    result = contracting_heart(frames=2, samples=3, grids=[short_axis_grid((70, 72))])
    provenance = {"model": "lamod-phantom-v1", "model_sha256": "0123456789ab", "seed": 0}
    provenance |= {"diffusion": True, "sampler": "ddim", "steps": 8}
    line = provenance_line(dataclasses.replace(result, summary={"provenance": provenance}))
    for part in ("lamod-phantom-v1 (01234567)", "seed 0", "ddim", "8 steps"):
        assert part in line
    plain = dataclasses.replace(result, summary={"provenance": {**provenance, "diffusion": False}})
    assert "without diffusion" in provenance_line(plain)
    assert "ddim" not in provenance_line(plain)
    assert sample_count(result) == 3


def test_many_doubts_are_counted_not_dropped():
    lines = _bullets([f"Doubt number {n} about this case." for n in range(9)])
    assert len(lines) == 6
    assert lines[-1] == "• and 4 more in strain.json"
    assert _bullets(["one", "two"]) == ["• one", "• two"]
    assert len(_bullets(["word " * 40])) == 3


def test_a_slice_that_is_called_by_a_number_leaves_other_numbers_alone():
    result = contracting_heart(frames=2)
    case = dataclasses.replace(result.case, slices=(dataclasses.replace(result.case.slices[0], name="7"),), notes=())
    summary = {"quality": ["7: open in frames 7, 8; one slice in 7 is."]}
    assert doubt_lines(dataclasses.replace(result, case=case, summary=summary)) == [
        "Slice 1: open in frames 7, 8; one slice in 7 is."
    ]


def test_what_makes_the_numbers_doubtful_is_said_first():
    result = contracting_heart(frames=2)
    case = dataclasses.replace(result.case, notes=("The frame times were guessed.",))
    name = case.slices[0].name
    sentence = "This slice is unlike the training data in its size."
    flag = {"score": 9.0, "limit": 2.5, "flagged": True, "sentence": sentence, "reasons": []}
    quality = [f"{name}: the ring is open.", f"{name}: {sentence}"]
    odd = {"quality": quality, "slices": [{"name": name, "unlike_training": flag}]}
    usual = {"quality": quality[:1], "slices": [{"name": name, "unlike_training": {**flag, "flagged": False}}]}
    said = [doubt_lines(dataclasses.replace(result, case=case, summary=s)) for s in (odd, usual)]
    assert said[0] == [f"Slice 1: {sentence}", "The frame times were guessed.", "Slice 1: the ring is open."]
    assert said[1] == said[0][1:]
    assert warning_line(dataclasses.replace(result, case=case, summary=odd)).startswith("Unlike the training data")
    assert warning_line(dataclasses.replace(result, case=case, summary=usual)) == ""
    three = {"slices": [{}, odd["slices"][0], {}, odd["slices"][0]]}
    assert warning_line(dataclasses.replace(result, summary=three)).startswith("Slices 2, 4 are unlike")
