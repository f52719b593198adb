"""Parts of the report without drawing: positions of segments, numbers, texts."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from contracting_heart import contracting_heart, short_axis_grid

from LaMoDCore.heart.notes import note
from LaMoDCore.report.bullseye import rings_of, sector
from LaMoDCore.report.maps import arrow_pixels, direction_letters, smooth_map, window_of
from LaMoDCore.report.numbers import function_rows, segment_peaks, table_rows
from LaMoDCore.report.parts import bullets
from LaMoDCore.report.style import colour_limit, percent
from LaMoDCore.report.wording import (
    NOTES_HEADING,
    contour_line,
    definition_lines,
    note_lines,
    provenance_line,
    sample_count,
    slices_left_out,
    warning_line,
)


def test_sectors_are_the_heart_associations():
    assert sector("anterior", 6) == (60, 120)
    assert sector("anteroseptal", 6) == (120, 180)  # septum to the left, counter-clockwise from anterior
    assert sector("inferior", 6) == (240, 300)
    assert sector("lateral", 4) == (315, 405)
    assert sector("septal", 4) == (135, 225)


def test_a_whole_heart_has_one_ring_per_level_with_the_mean_of_its_slices():
    result = contracting_heart(("base", "base", "mid", "apex"), frames=4)
    values = [np.full(6, -0.1), np.full(6, -0.2), np.full(6, -0.3), np.full(4, -0.4)]
    rings = rings_of(result, values, values)
    assert [r.label for r in rings] == ["base", "mid", "apex"]
    np.testing.assert_allclose(rings[0].values, -0.15)
    assert len(rings[2].values) == 4


def test_part_of_a_heart_has_one_ring_per_slice():
    result = contracting_heart(("base", "mid"), frames=4)
    values = [np.zeros(6), np.zeros(6)]
    assert [r.label for r in rings_of(result, values, values)] == ["slice 1", "slice 2"]


def test_peaks_are_those_of_the_summary():
    result = contracting_heart(frames=20, reference_frame=15)
    values, times = segment_peaks(result)
    np.testing.assert_allclose(values[0], result.slices[0].segment_curves["ecc"].min(axis=1))
    np.testing.assert_allclose(times[0], 0.4 * 800)  # the peak lies in the next cycle


def test_the_table_has_definition_frame_and_unit():
    rows = {row.name: row for row in table_rows(contracting_heart(("base", "mid", "apex"), frames=25))}
    gcs = rows["GCS, peak"]
    assert gcs.value.startswith("−")
    assert gcs.value.endswith(" %")
    assert "frame 11" in gcs.when
    assert rows["Mean displacement"].value.endswith(" mm")
    assert "inferred" in next(name for name in rows if name.startswith("Twist"))
    assert rows["GLS"].value == "not available"
    assert all(row.definition for row in rows.values())


def test_unknown_values_are_left_out_of_the_table():
    result = contracting_heart(frames=4)
    heart = {**result.summary["global"], "gcs_peak": None, "gcs_peak_frame": None}
    rows = table_rows(dataclasses.replace(result, summary={**result.summary, "global": heart}))
    assert "GCS, peak" not in [row.name for row in rows]


def test_percent_is_signed_and_unknown_is_a_dash():
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


def test_arrows_are_in_the_wall_at_about_the_wanted_distance():
    strain = contracting_heart(frames=2).slices[0]
    chosen = arrow_pixels(strain.myocardium, (1.4, 1.4), every_mm=4.2)
    assert (chosen <= strain.myocardium).all()
    assert chosen.sum() == pytest.approx(strain.myocardium.sum() / 9, rel=0.2)


def test_the_window_holds_the_wall():
    result = contracting_heart(frames=2)
    window = window_of(result.slices[0], result.case.slices[0].grid)
    assert 33 + 8 < window.half_mm < 33 + 16


def with_notes(result, *notes):
    return dataclasses.replace(result, case=dataclasses.replace(result.case, notes=notes), findings=())


def test_notes_name_slices_by_number_and_no_source():
    result = contracting_heart(("base", "mid", "apex"), frames=2)
    notes = (
        note("rr_assumed", "There is no R–R interval.", source="DOE_JANE.nii.gz"),
        note("ring_open_at_reference", "The ring is open.", slice=1, source="DOE_JANE", remedy=""),
        note("ring_open_at_reference", "The ring is open.", slice=2, source="DOE_JOHN", remedy=""),
        note("motion_folds", "The motion folds.", slice=3, frame=4, remedy="Check the contours."),
    )
    assert note_lines(with_notes(result, *notes)) == [
        "Slice 3, frame 5: The motion folds. Check the contours.",
        "Slices 1 and 2: The ring is open.",
        "There is no R–R interval.",
    ]


def test_one_slice_is_not_numbered():
    lines = note_lines(with_notes(contracting_heart(frames=2), note("rr_too_short", "Too short.", slice=1, remedy="")))
    assert lines == ["Too short."]


def test_slices_left_out_are_counted():
    result = contracting_heart(("base", "mid"), frames=2)
    assert slices_left_out(with_notes(result, note("slice_left_out", "No closed ring.", source="a"))) == 1
    assert slices_left_out(with_notes(result)) == 0


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


def test_notes_that_do_not_fit_are_counted():
    lines = bullets([f"Note number {n} about this case." for n in range(9)])
    assert len(lines) == 6
    assert lines[-1] == "• and 4 more in strain.json"
    assert bullets(["one", "two"]) == ["• one", "• two"]
    assert len(bullets(["word " * 40])) == 3


def test_slices_unlike_the_training_data_come_first():
    result = contracting_heart(("base", "mid", "apex"), frames=2)
    unlike = [note("unlike_training", "Unlike the training data in its size.", slice=z) for z in (2, 3)]
    result = with_notes(result, note("ring_open_at_reference", "The ring is open.", slice=1), *unlike)
    assert note_lines(result)[0] == "Slices 2 and 3: Unlike the training data in its size."
    assert warning_line(result).startswith("Slices 2 and 3 are unlike the training data")
    assert NOTES_HEADING in warning_line(result)
    single = with_notes(contracting_heart(frames=2), note("unlike_training", "Unlike.", slice=1))
    assert warning_line(single).startswith("Unlike the training data")
    assert warning_line(with_notes(result)) == ""


def with_summary(result, **changes):
    return dataclasses.replace(result, summary={**result.summary, **changes})


def test_volumes_are_shown_only_if_the_slices_cover_the_ventricle():
    result = contracting_heart(frames=4)
    unknown = dict.fromkeys(("edv_ml", "esv_ml", "stroke_volume_ml", "ef", "mass_g"))
    known = {"edv_ml": 140.2, "esv_ml": 60.1, "stroke_volume_ml": 80.1, "ef": 0.571, "mass_g": 99.6}
    frames = {"ed_frame": 0, "es_frame": 3}
    assert function_rows(result) == []
    assert function_rows(with_summary(result, function={**unknown, **frames})) == []
    rows = {row.name: row for row in function_rows(with_summary(result, function={**known, **frames}))}
    shown = {name: row.value for name, row in rows.items()}
    assert shown == {"EDV": "140 ml", "ESV": "60 ml", "EF": "57 %", "SV": "80 ml", "Mass": "100 g"}
    assert rows["ESV"].when == "frame 4"
    assert all(row.definition for row in rows.values())
    without_mass = with_summary(result, function={**known, **frames, "mass_g": None})
    assert "Mass" not in [row.name for row in function_rows(without_mass)]


def test_automatic_contours_are_named_with_engine_review_and_licence():
    result = contracting_heart(("base", "mid"), frames=2)
    contours = {"engine": "myopari-acdc", "engine_sha256": "794d775a4977", "licence": "weights MIT", "slices": 2}
    plain = with_summary(result, provenance={"contours": None})
    assert contour_line(plain) == ""
    assert not any("Contours:" in line for line in definition_lines(plain))
    automatic = with_summary(result, provenance={"contours": {**contours, "reviewed": False}})
    assert contour_line(automatic) == "Contours drawn automatically by myopari-acdc, not reviewed."
    assert definition_lines(automatic)[-1] == "Contours: myopari-acdc (794d775a); licence: weights MIT."
    reviewed = with_summary(result, provenance={"contours": {**contours, "reviewed": True, "slices": 1}})
    assert contour_line(reviewed) == "Contours of 1 of 2 slices drawn automatically by myopari-acdc, reviewed."
