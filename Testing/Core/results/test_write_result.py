"""The files of the public contract: names, keys, geometry and units; the same result gives the same bytes."""

from __future__ import annotations

import csv
import dataclasses
import json
import time

import numpy as np
import pytest
import SimpleITK as sitk
from contracting_heart import contracting_heart, short_axis_grid

from LaMoDCore.io import write_result
from LaMoDCore.io.images.seq_nrrd import read_seq_nrrd
from LaMoDCore.io.results.strain_json import write_strain_json
from LaMoDCore.runtime.errors import LaMoDInputError

SMALL = {"shape": (64, 72), "spacing": (1.4, 1.3)}


@pytest.fixture(scope="module")
def stack():
    grids = [short_axis_grid(**SMALL, offset_mm=-8.0 * z) for z in range(3)]
    return contracting_heart(("base", "mid", "apex"), frames=10, samples=4, grids=grids, reference_frame=2)


@pytest.fixture(scope="module")
def written(stack, tmp_path_factory):
    out = tmp_path_factory.mktemp("result") / "out"
    return out, write_result(stack, out, report=False)


def _names(out):
    return sorted(str(p.relative_to(out)) for p in out.rglob("*") if p.is_file())


def test_the_files_are_the_contracts(written):
    out, files = written
    expected = ["ecc.seq.nrrd", "err.seq.nrrd", "motion.npz", "segments.csv", "strain.json"]
    expected += [f"displacement/frame_{t:03d}.nrrd" for t in range(10)]
    assert _names(out) == sorted([*expected, ".lamod.json"])
    assert sorted(files) == sorted(out / name for name in expected)


def test_motion_holds_every_field_in_its_shape(written, stack):
    with np.load(written[0] / "motion.npz") as motion:
        arrays = dict(motion)
    assert arrays["displacement_mm"].shape == (10, 3, 64, 72, 3)
    for name in ("ecc", "err", "e1", "e2", "jacobian"):
        for key in (name, f"{name}_std"):
            assert arrays[key].shape == (10, 3, 64, 72), key
            assert arrays[key].dtype == np.float32
    assert arrays["displacement_mm_std"].shape == (10, 3, 64, 72, 3)
    assert arrays["myocardium"].shape == arrays["segment"].shape == (3, 64, 72)
    assert arrays["myocardium"].dtype == bool
    assert arrays["ijk_to_lps"].shape == (3, 4, 4)
    assert arrays["frame_times_ms"].shape == (3, 10)
    assert int(arrays["reference_frame"]) == 2
    inside = arrays["myocardium"]
    assert np.isfinite(arrays["displacement_mm"][:, inside]).all()
    assert np.isnan(arrays["displacement_mm"][:, ~inside]).all()
    assert np.isnan(arrays["ecc"][:, ~inside]).all()
    np.testing.assert_array_equal(arrays["segment"] > 0, inside)
    np.testing.assert_allclose(arrays["displacement_mm"][2, inside], 0, atol=1e-5)
    np.testing.assert_array_equal(arrays["ecc"][:, 1], stack.slices[1].fields["ecc"])


def test_displacement_in_lps_moves_the_pixel_where_the_motion_says(written, stack):
    with np.load(written[0] / "motion.npz") as motion:
        lps = motion["displacement_mm"]
    grid, strain = stack.case.slices[1].grid, stack.slices[1]
    row, column = np.argwhere(strain.myocardium)[37]
    start = np.array([column, row], dtype=float)
    step = strain.displacement_mm[5, :, row, column] / np.array(grid.spacing_mm)
    expected = grid.pixel_to_lps(start + step)
    np.testing.assert_allclose(grid.pixel_to_lps(start) + lps[5, 1, row, column], expected, atol=1e-4)


def test_spread_in_lps_is_that_of_the_samples(written, stack):
    with np.load(written[0] / "motion.npz") as motion:
        std = motion["displacement_mm_std"]
    grid, wall = stack.case.slices[0].grid, stack.slices[0].myocardium
    samples = grid.vectors_to_lps(np.moveaxis(stack.motion.slices[0].samples_mm, 2, -1))
    np.testing.assert_allclose(std[6, 0][wall], samples[:, 6].std(axis=0, ddof=1)[wall], rtol=1e-3, atol=1e-4)


def test_one_sample_has_no_spread(tmp_path):
    write_result(contracting_heart(frames=4, grids=[short_axis_grid(**SMALL)]), tmp_path / "out", report=False)
    with np.load(tmp_path / "out" / "motion.npz") as motion:
        assert not [key for key in motion if key.endswith("_std")]
    with (tmp_path / "out" / "segments.csv").open() as handle:
        assert {row["ecc_std"] for row in csv.DictReader(handle)} == {""}


def test_the_table_is_tidy(written, stack):
    with (written[0] / "segments.csv").open() as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == (6 + 6 + 4) * 10
    keys = [(r["slice"], r["segment"], r["frame"]) for r in rows]
    assert len(set(keys)) == len(rows)
    row = next(r for r in rows if r["slice"] == "2" and r["segment"] == "3" and r["frame"] == "5")
    assert (row["level"], row["aha"], row["name"], float(row["time_ms"])) == ("mid", "10", "inferior", 400.0)
    assert float(row["ecc"]) == pytest.approx(stack.slices[1].segment_curves["ecc"][2, 5], abs=1e-6)
    assert float(row["err_std"]) == pytest.approx(stack.slices[1].segment_curves_std["err"][2, 5], abs=1e-6)


def test_the_summary_is_strict_json(stack, tmp_path):
    summary = {**stack.summary, "unknown": np.float32(np.nan), "curve": np.array([0.0, np.inf])}
    write_strain_json(dataclasses.replace(stack, summary=summary), tmp_path / "strain.json")
    read = json.loads((tmp_path / "strain.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    assert read["unknown"] is None
    assert read["curve"] == [0.0, None]
    assert read["provenance"]["model"] == "closed-form"
    assert read["global"]["gcs_peak"] == pytest.approx(stack.summary["global"]["gcs_peak"])
    assert read["global"]["gls"] == "not available from short axis"


def test_the_summary_has_the_notes_and_the_slice_numbers(written, stack):
    read = json.loads((written[0] / "strain.json").read_text(encoding="utf-8"))
    assert read["schema_version"] == 2
    assert read["notes"] == [note.to_dict() for note in stack.notes]
    assert {note["code"] for note in read["notes"]} >= {"rv_insertion_assumed"}
    assert [part["number"] for part in read["slices"]] == [1, 2, 3]


def test_spatial_strain_reads_back_in_place(written, stack):
    sequence = read_seq_nrrd(written[0] / "ecc.seq.nrrd")
    assert sequence.frames.shape == (10, 3, 64, 72)
    np.testing.assert_allclose(sequence.frame_times_ms, stack.case.slices[0].frame_times_ms)
    for z, cine in enumerate(stack.case.slices):
        origin = sequence.ijk_to_lps @ np.array([0, 0, z, 1.0])
        np.testing.assert_allclose(origin[:3], cine.grid.ijk_to_lps[:3, 3], atol=1e-6)
        np.testing.assert_array_equal(sequence.frames[2, z] != 0, stack.slices[z].myocardium)
    assert np.isfinite(sequence.frames).all()
    es = sequence.frames[stack.es_frame]
    wall = es[es != 0]
    assert -0.35 < wall.min() < wall.mean() < -0.1  # fractions
    image = sitk.ReadImage(str(written[0] / "err.seq.nrrd"))
    assert image.GetSize()[:2] == (72, 64)


def test_displacement_images_carry_points_in_itk(written, stack):
    image = sitk.ReadImage(str(written[0] / "displacement" / "frame_006.nrrd"))
    assert image.GetNumberOfComponentsPerPixel() == 3
    assert image.GetSize() == (72, 64, 3)
    assert np.isfinite(sitk.GetArrayViewFromImage(image)).all()
    transform = sitk.DisplacementFieldTransform(sitk.Cast(image, sitk.sitkVectorFloat64))
    grid, strain = stack.case.slices[1].grid, stack.slices[1]
    row, column = np.argwhere(strain.myocardium)[11]
    start = grid.pixel_to_lps([column, row])
    step = strain.displacement_mm[6, :, row, column] / np.array(grid.spacing_mm)
    moved = transform.TransformPoint(start.tolist())
    np.testing.assert_allclose(moved, grid.pixel_to_lps(np.array([column, row]) + step), atol=1e-3)


def test_slices_of_their_own_geometry_get_files_of_their_own(tmp_path):
    grids = [short_axis_grid(**SMALL), short_axis_grid((70, 66), (1.3, 1.5), turn_deg=70, offset_mm=-11)]
    result = contracting_heart(("base", "mid"), frames=4, grids=grids)
    write_result(result, tmp_path / "out", report=False)
    names = _names(tmp_path / "out")
    assert [n for n in names if n.startswith("ecc")] == ["ecc_slice1.seq.nrrd", "ecc_slice2.seq.nrrd"]
    assert [n for n in names if n.startswith("disp")][:2] == [
        "displacement/frame_000_slice1.nrrd",
        "displacement/frame_000_slice2.nrrd",
    ]
    sequence = read_seq_nrrd(tmp_path / "out" / "ecc_slice2.seq.nrrd")
    np.testing.assert_allclose(sequence.ijk_to_lps, grids[1].ijk_to_lps, atol=1e-9)
    with np.load(tmp_path / "out" / "motion.npz") as motion:
        assert motion["ecc"].shape == (4, 2, 70, 72)
        assert motion["slice_shape"].tolist() == [[64, 72], [70, 66]]
        np.testing.assert_array_equal(motion["ecc"][:, 0, :64, :72], result.slices[0].fields["ecc"])
        assert np.isnan(motion["ecc"][:, 0, 64:]).all()


def test_a_stack_with_a_gap_is_not_one_volume(tmp_path):
    grids = [short_axis_grid(**SMALL, offset_mm=offset) for offset in (0, -8, -24)]
    write_result(contracting_heart(("base", "mid", "mid"), frames=3, grids=grids), tmp_path / "out", report=False)
    assert (tmp_path / "out" / "ecc_slice3.seq.nrrd").exists()


def test_the_same_result_gives_the_same_bytes(stack, written, tmp_path, monkeypatch):
    clock = time.time
    monkeypatch.setattr(time, "time", lambda: clock() + 86_400)
    write_result(stack, tmp_path / "again", report=False)
    for name in _names(written[0]):
        assert (tmp_path / "again" / name).read_bytes() == (written[0] / name).read_bytes(), name


def test_a_result_replaces_a_result(tmp_path):
    several = contracting_heart(("base", "mid"), frames=3, grids=[short_axis_grid(**SMALL), short_axis_grid((50, 60))])
    write_result(several, tmp_path / "out", report=False)
    write_result(contracting_heart(frames=3, grids=[short_axis_grid(**SMALL)]), tmp_path / "out", report=False)
    assert not (tmp_path / "out" / "ecc_slice1.seq.nrrd").exists()
    assert (tmp_path / "out" / "ecc.seq.nrrd").exists()


def test_nothing_is_left_when_a_writer_fails(stack, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("LaMoDCore.prediction.writer.write_displacement", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_result(stack, tmp_path / "out", report=False)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_something_else_is_refused(stack, tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"a memory")
    with pytest.raises(LaMoDInputError, match=r"photo\.jpg"):
        write_result(stack, tmp_path, report=False)
    assert [p.name for p in tmp_path.iterdir()] == ["photo.jpg"]
