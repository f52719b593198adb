"""Each reader of a result file gives back what its writer was given."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from contracting_heart import contracting_heart, short_axis_grid

from LaMoDCore.heart.notes import note
from LaMoDCore.io import read_result, write_result
from LaMoDCore.io.results import (
    read_displacement,
    read_function_csv,
    read_motion_npz,
    read_segments_csv,
    read_spatial,
    read_strain_json,
    read_thickness_csv,
    write_function_csv,
    write_motion_npz,
    write_strain_json,
    write_thickness_csv,
)
from LaMoDCore.io.results.motion_npz import motion_arrays
from LaMoDCore.io.results.segments_csv import segment_rows
from LaMoDCore.io.results.spatial_files import spatial_fields
from LaMoDCore.runtime.errors import LaMoDInputError

SMALL = {"shape": (64, 72), "spacing": (1.4, 1.3)}
CALIBRATED = {"uncertainty": {"calibrated": True, "half_width_sd": 1.645, "confidence": 0.9}}


def heart(stack: bool = True, samples: int = 4):
    """Three slices with calibrated intervals, an insertion point and notes; without `stack`, of different sizes."""
    grids = [short_axis_grid(**SMALL, offset_mm=-8.0 * z) for z in range(3)]
    if not stack:
        grids[1] = short_axis_grid((70, 66), (1.3, 1.5), turn_deg=70, offset_mm=-8.0)
    result = contracting_heart(("base", "mid", "apex"), frames=6, samples=samples, grids=grids, reference_frame=2)
    insertion = np.array([-31.0, -20.5, 12.25])
    slices = (result.case.slices[0], dataclasses.replace(result.case.slices[1], rv_insertion_lps=-insertion))
    case = dataclasses.replace(
        result.case,
        slices=(*slices, result.case.slices[2]),
        rv_insertion_lps=insertion,
        notes=(note("rr_assumed", "The frames were assumed to cover the cycle.", source="a.nii"),),
    )
    summary = {**result.summary, **(CALIBRATED if samples > 1 else {})}
    findings = (note("motion_folds", "The motion folds at 3 pixels.", slice=2, frame=4),)
    return dataclasses.replace(result, case=case, summary=summary, findings=findings)


@pytest.fixture(scope="module", params=[True, False], ids=["one stack", "own grids"])
def written(request, tmp_path_factory):
    result = heart(request.param)
    out = tmp_path_factory.mktemp("result") / "out"
    write_result(result, out, report=False)
    return result, out


def test_arrays_that_are_not_needed_are_not_read(written):
    _result, out = written
    whole = read_result(out)
    lean = read_result(out, leave_out=("jacobian", "ecr", "displacement_mm_std", "err_std"))
    for one, other in zip(whole.slices, lean.slices, strict=True):
        assert sorted(set(one.strain.fields) - set(other.strain.fields)) == ["ecr", "jacobian"]
        assert "err" not in other.strain.fields_std and other.displacement_std_lps_mm is None
        np.testing.assert_array_equal(one.strain.fields["e1"], other.strain.fields["e1"])
        np.testing.assert_array_equal(one.strain.displacement_mm, other.strain.displacement_mm)
        np.testing.assert_array_equal(one.intervals["ecc"], other.intervals["ecc"])


def test_motion_arrays_are_read_back(written):
    result, out = written
    arrays, read = motion_arrays(result), read_motion_npz(out / "motion.npz")
    np.testing.assert_array_equal(read.displacement_mm, arrays["displacement_mm"])
    np.testing.assert_array_equal(read.displacement_std_mm, arrays["displacement_mm_std"])
    for name in ("ecc", "err", "ecr", "e1", "e2", "jacobian"):
        np.testing.assert_array_equal(read.fields[name], arrays[name])
        np.testing.assert_array_equal(read.fields_std[name], arrays[f"{name}_std"])
    for name in ("myocardium", "segment", "ijk_to_lps", "frame_times_ms", "slice_shape", "rv_insertion_lps"):
        np.testing.assert_array_equal(getattr(read, name), arrays[name])
    assert (read.reference_frame, read.es_frame) == (2, result.es_frame)
    assert [read.grid(z).shape for z in range(3)] == [cine.grid.shape for cine in result.case.slices]


def test_insertion_points_are_those_of_the_slices_and_nan_where_unknown(tmp_path):
    result = heart()
    write_motion_npz(result, tmp_path / "motion.npz")
    points = read_motion_npz(tmp_path / "motion.npz").rv_insertion_lps
    assert points.shape == (3, 3) and points.dtype == np.float64
    np.testing.assert_array_equal(points[0], result.case.rv_insertion_lps)
    np.testing.assert_array_equal(points[1], -result.case.rv_insertion_lps)
    unknown = dataclasses.replace(result, case=dataclasses.replace(result.case, rv_insertion_lps=None))
    write_motion_npz(unknown, tmp_path / "unknown.npz")
    points = read_motion_npz(tmp_path / "unknown.npz").rv_insertion_lps
    assert np.isnan(points[[0, 2]]).all() and np.isfinite(points[1]).all()


def test_motion_of_version_1_has_no_insertion_points(tmp_path):
    arrays = motion_arrays(heart(samples=1))
    del arrays["rv_insertion_lps"]
    np.savez(tmp_path / "motion.npz", **arrays)
    read = read_motion_npz(tmp_path / "motion.npz")
    assert np.isnan(read.rv_insertion_lps).all() and read.rv_insertion_lps.shape == (3, 3)
    assert read.displacement_std_mm is None and read.fields_std == {}


def test_segment_rows_are_read_back(written):
    result, out = written
    read = read_segments_csv(out / "segments.csv")
    for found, expected in zip(read, segment_rows(result), strict=True):
        for field in dataclasses.fields(expected):
            value, wanted = getattr(found, field.name), getattr(expected, field.name)
            assert value == (pytest.approx(wanted, abs=6e-4, nan_ok=True) if isinstance(wanted, float) else wanted)
            assert type(value) is type(wanted)


def test_empty_cells_are_nan(tmp_path):
    write_result(heart(samples=1), tmp_path / "out", report=False)
    row = read_segments_csv(tmp_path / "out" / "segments.csv")[3]
    assert np.isnan([row.ecc_std, row.err_std, row.ecc_low, row.err_high]).all() and np.isfinite(row.ecc)


def test_the_summary_and_its_notes_are_read_back(written):
    result, out = written
    read = read_strain_json(out / "strain.json")
    assert read.notes == result.notes
    assert read.summary["schema_version"] == 2
    assert read.summary["global"] == result.summary["global"]
    assert "notes" not in read.summary and "quality" not in read.summary


def test_sentences_of_version_1_become_notes(tmp_path):
    write_strain_json(heart(), tmp_path / "strain.json")
    stored = json.loads((tmp_path / "strain.json").read_text(encoding="utf-8"))
    del stored["schema_version"]
    stored |= {"notes": ["No R–R interval."], "quality": ["slice 2: the ring is open.", "No R–R interval."]}
    (tmp_path / "strain.json").write_text(json.dumps(stored), encoding="utf-8")
    notes = read_strain_json(tmp_path / "strain.json").notes
    assert [(each.code, each.severity) for each in notes] == 2 * [("version_1_note", "warning")]
    assert [each.text for each in notes] == ["No R–R interval.", "slice 2: the ring is open."]


def test_spatial_strain_is_read_back(written):
    result, out = written
    stacks = read_spatial(out, "ecc")
    frames = [stack.frames[:, z] for stack in stacks for z in range(stack.frames.shape[1])]
    for index, values in enumerate(frames):
        expected = spatial_fields(result, index).frames("ecc")
        np.testing.assert_array_equal(np.isnan(values), np.isnan(expected))
        np.testing.assert_allclose(values, expected, atol=1.1e-6)
    assert stacks[0].rr_ms == result.case.slices[0].rr_ms
    assert read_spatial(out, "e1") == ()


def test_displacement_is_read_back(written):
    result, out = written
    volumes = read_displacement(out)
    lps = [volume.displacement_mm[:, z] for volume in volumes for z in range(volume.displacement_mm.shape[1])]
    for cine, motion, values in zip(result.case.slices, result.motion.slices, lps, strict=True):
        expected = cine.grid.vectors_to_lps(np.moveaxis(motion.displacement_mm, 1, -1))
        np.testing.assert_allclose(values, expected, atol=1e-5)
    assert [volume.slice for volume in volumes] in ([None], [1, 2, 3])
    np.testing.assert_allclose(volumes[0].ijk_to_lps[:3, 3], result.case.slices[0].grid.ijk_to_lps[:3, 3])


def test_a_result_is_read_back(written):
    result, out = written
    read = read_result(out)
    assert (read.reference_frame, read.es_frame, read.frames) == (2, result.es_frame, 6)
    assert read.notes == result.notes and read.folder == out
    for z, (found, cine, strain) in enumerate(zip(read.slices, result.case.slices, result.slices, strict=True)):
        assert (found.level, found.rr_ms) == (cine.level, cine.rr_ms)
        np.testing.assert_array_equal(found.grid.ijk_to_lps, cine.grid.ijk_to_lps)
        np.testing.assert_array_equal(found.frame_times_ms, cine.frame_times_ms)
        np.testing.assert_array_equal(found.rv_insertion_lps, result.case.insertion_of(cine))
        np.testing.assert_array_equal(found.strain.myocardium, strain.myocardium)
        np.testing.assert_array_equal(found.strain.segment, strain.segment)
        np.testing.assert_allclose(found.strain.displacement_mm, strain.displacement_mm, atol=1e-5)
        assert found.strain.segment_names == strain.segment_names and found.strain.segment_aha == strain.segment_aha
        for name, values in strain.fields.items():
            np.testing.assert_array_equal(found.strain.fields[name], values)
        for name, curves in strain.segment_curves.items():
            np.testing.assert_allclose(found.strain.segment_curves[name], curves, atol=6e-7)
            deviation = strain.segment_curves_std[name]
            np.testing.assert_allclose(found.strain.segment_curves_std[name], deviation, atol=6e-7)
            np.testing.assert_allclose(found.strain.global_curves[name], strain.global_curves[name], atol=1e-6)
            low, high = found.intervals[name]
            np.testing.assert_allclose(high - low, 2 * 1.645 * deviation, atol=2e-6)
        assert found.displacement_std_lps_mm.shape == (6, *cine.grid.shape, 3), z


def test_volumes_and_thickness_are_read_back(tmp_path):
    result = heart(samples=1)
    row = {"segment": 1, "aha": 2, "name": "anteroseptal", "ed_mm": 8.25, "es_mm": 11.5, "thickening": 0.3939}
    unknown = {**row, "segment": 2, "aha": 3, "es_mm": None, "thickening": None}
    parts = [{**part, "thickness": [row, unknown] if z == 1 else []} for z, part in enumerate(result.summary["slices"])]
    volumes = [120.5, 110.25, 90.125, 70.0, 65.5, 100.0]
    result = dataclasses.replace(
        result, summary={**result.summary, "slices": parts, "function": {"volume_ml": volumes}}
    )
    write_function_csv(result, tmp_path / "function.csv")
    write_thickness_csv(result, tmp_path / "thickness.csv")
    times = result.case.slices[0].frame_times_ms
    read = read_function_csv(tmp_path / "function.csv")
    assert [(frame, volume) for frame, _, volume in read] == list(enumerate(volumes))
    np.testing.assert_allclose([time for _, time, _ in read], times, atol=5e-4)
    first, second = read_thickness_csv(tmp_path / "thickness.csv")
    assert dataclasses.asdict(first) == {"slice": 2, "level": "mid", **row}
    assert second.ed_mm == 8.25 and np.isnan([second.es_mm, second.thickening]).all()


def test_without_displacement_images_the_motion_is_that_of_the_wall(tmp_path):
    result = heart(samples=1)
    files = write_result(result, tmp_path / "out", report=False)
    for path in files:
        if path.parent.name == "displacement":
            path.unlink()
    (found, *_) = read_result(tmp_path / "out").slices
    wall = found.strain.myocardium
    np.testing.assert_allclose(
        found.strain.displacement_mm[:, :, wall], result.slices[0].displacement_mm[:, :, wall], atol=1e-5
    )
    assert np.isnan(found.strain.displacement_mm[:, :, ~wall]).all()
    assert found.intervals == {} and found.strain.segment_curves_std == {} and found.displacement_std_lps_mm is None


@pytest.mark.parametrize("name", ["strain.json", "motion.npz", "segments.csv"])
@pytest.mark.parametrize("damage", ["missing", "cut off", "other"])
def test_damaged_files_are_refused(tmp_path, name, damage):
    write_result(heart(samples=1), tmp_path / "out", report=False)
    path = tmp_path / "out" / name
    if damage == "missing":
        path.unlink()
    elif damage == "cut off":
        path.write_bytes(path.read_bytes()[:-200])
    else:
        path.write_text("something else\n", encoding="utf-8")
    with pytest.raises(LaMoDInputError, match=name.replace(".", r"\.") + "|out: "):
        read_result(tmp_path / "out")


def test_files_of_different_results_are_refused(tmp_path):
    write_result(heart(samples=1), tmp_path / "out", report=False)
    one = contracting_heart(frames=6, grids=[short_axis_grid(**SMALL)])
    write_motion_npz(one, tmp_path / "out" / "motion.npz")
    with pytest.raises(LaMoDInputError, match="different numbers of slices"):
        read_result(tmp_path / "out")


def test_a_later_schema_is_refused(tmp_path):
    (tmp_path / "strain.json").write_text('{"schema_version": 3}', encoding="utf-8")
    with pytest.raises(LaMoDInputError, match="schema version is 3; update LaMoD"):
        read_strain_json(tmp_path / "strain.json")
