"""Strain of slices with samples, end-systole, and the summary and quality notes of a case."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from LaMoDCore.heart.case import Case, CineSlice, Motion, SliceMotion
from LaMoDCore.lddmm import carry_mask
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.strain import end_systole, quality_notes, slice_strain, summarise
from Testing.Core.strain.shapes import incompressible_ring, short_axis_grid

FRAMES, ES = 12, 4
COURSE = np.interp(np.arange(FRAMES), [0, ES, 9, FRAMES], [0, 1, 0.1, 0])
SPACING = (2.0, 2.0)


@pytest.fixture(scope="module")
def ring_motion():
    return np.stack(
        [
            incompressible_ring(SPACING, inner_ecc=-0.21 * part, stretch_z=1 - 0.12 * part).displacement_mm
            for part in COURSE
        ]
    ).astype(np.float32)


@pytest.fixture(scope="module")
def masks(ring_motion):
    start = incompressible_ring(SPACING).mask
    return np.stack([carry_mask(start, field, SPACING) for field in ring_motion])


def make_slice(masks, level="mid", depth=0.0, **changes):
    options = {
        "name": f"slice {level}",
        "grid": short_axis_grid(masks.shape[1:], SPACING, depth_mm=depth),
        "myocardium": masks,
        "frame_times_ms": np.arange(FRAMES) * 65.0,
        "rr_ms": 780.0,
        "level": level,
        **changes,
    }
    return CineSlice(**options)


def turned(motion, degrees):
    """The same contraction with a simultaneous rotation, counter-clockwise on the screen."""
    y, x = np.mgrid[: motion.shape[2], : motion.shape[3]] * 2.0 - 49.0
    out = []
    for part, field in zip(COURSE, motion, strict=True):
        angle = np.radians(degrees * part)
        px, py = x + field[0], y + field[1]
        out.append(np.stack((np.cos(angle) * px + np.sin(angle) * py - x, np.cos(angle) * py - np.sin(angle) * px - y)))
    return np.stack(out).astype(np.float32)


def test_slice_strain_holds_fields_segments_and_curves(ring_motion, masks):
    slice_ = make_slice(masks)
    found = slice_strain(slice_, SliceMotion(ring_motion), 0)
    truth = incompressible_ring(SPACING)
    inside = found.myocardium
    assert found.fields["ecc"].shape == masks.shape
    assert np.isnan(found.fields["ecc"][:, ~inside]).all()
    assert np.abs(found.fields["ecc"][ES] - truth.ecc)[inside].mean() < 0.003
    assert found.segment_curves["ecc"].shape == (6, FRAMES)
    assert found.global_curves["ecc"][ES] == pytest.approx(truth.ecc[inside].mean(), abs=0.003)
    assert found.global_curves["ecc"][0] == pytest.approx(0.0, abs=1e-6)
    assert not found.fields_std and not found.segment_curves_std


def test_samples_give_their_spread(ring_motion, masks):
    scales = np.array([0.9, 1.0, 1.1, 1.2])
    samples = ring_motion[None] * scales[:, None, None, None, None].astype(np.float32)
    found = slice_strain(make_slice(masks), SliceMotion(samples.mean(axis=0), samples), 0)
    singles = [slice_strain(make_slice(masks), SliceMotion(sample), 0) for sample in samples]
    inside = found.myocardium
    for name in ("ecc", "err", "ecr", "e1", "e2", "jacobian"):
        expected = np.std([single.fields[name] for single in singles], axis=0, ddof=1)
        assert np.allclose(found.fields_std[name][:, inside], expected[:, inside], atol=1e-6), name
    deviation = samples.std(axis=0, ddof=1)
    assert np.allclose(found.fields_std["displacement_mm"][:, :, inside], deviation[:, :, inside], atol=1e-5)
    assert np.isnan(found.fields_std["displacement_mm"][:, :, ~inside]).all()
    covariance = found.displacement_covariance_mm2
    assert np.allclose(covariance[ES, :, 0], _covariance(samples[:, ES, :, inside][0]), atol=1e-5)
    expected = np.std([single.segment_curves["ecc"] for single in singles], axis=0, ddof=1)
    assert np.allclose(found.segment_curves_std["ecc"], expected, atol=1e-6)


def _covariance(samples):
    """Variance of x and y, and their covariance, of samples [N, 2]."""
    matrix = np.cov(samples, rowvar=False)
    return matrix[0, 0], matrix[1, 1], matrix[0, 1]


def test_reference_frame_need_not_be_the_first(ring_motion, masks):
    rolled = make_slice(np.roll(masks, 5, axis=0))
    found = slice_strain(rolled, SliceMotion(np.roll(ring_motion, 5, axis=0)), 5)
    assert (found.myocardium == masks[0]).all()
    assert found.global_curves["ecc"].argmin() == ES + 5


def test_end_systole_is_the_least_total_cavity(masks):
    assert end_systole(Case((make_slice(masks),))) == ES
    earlier = make_slice(np.roll(masks, -3, axis=0), "apex")
    small = masks[:, 10:-10, 10:-10]
    assert end_systole(Case((make_slice(masks), earlier))) in (1, 2, 3, 4)
    assert end_systole(Case((make_slice(small),))) == ES


def test_end_systole_passes_over_open_rings_and_missing_frames(masks):
    broken = masks.copy()
    broken[1, :, 20:30] = False  # an open ring has no cavity area, rather than a small one
    assert end_systole(Case((make_slice(broken),))) == ES
    missing = make_slice(masks, valid_frames=np.arange(FRAMES) != ES)
    assert end_systole(Case((missing,))) == ES + 1 or end_systole(Case((missing,))) == ES - 1
    with pytest.raises(LaMoDInputError, match="closed ring"):
        end_systole(Case((make_slice(np.stack([broken[1]] * FRAMES)),)))


def test_empty_and_thin_masks_name_slice_and_frame(ring_motion, masks):
    empty = make_slice(np.zeros_like(masks), name="basal")
    with pytest.raises(LaMoDInputError, match="basal: the myocardium of frame 3"):
        slice_strain(empty, SliceMotion(ring_motion), 3)
    line = np.zeros_like(masks)
    line[:, 25, 10:40] = True
    with pytest.raises(LaMoDInputError, match="two pixels thick"):
        slice_strain(make_slice(line), SliceMotion(ring_motion), 0)


@pytest.fixture(scope="module")
def heart(ring_motion, masks):
    levels = {"base": -4.0, "mid": 2.0, "apex": 9.0}
    slices = tuple(make_slice(masks, level, depth) for level, depth in zip(levels, (0.0, 20.0, 40.0), strict=True))
    motions = tuple(SliceMotion(turned(ring_motion, degrees)) for degrees in levels.values())
    case = Case(slices)
    strains = [slice_strain(s, m, 0) for s, m in zip(slices, motions, strict=True)]
    return case, Motion(motions), strains, summarise(case, strains, ES)


def test_summary_is_json_without_nan(heart):
    summary = heart[3]
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    assert {"definitions", "reference_frame", "es_frame", "global", "slices", "indices"} <= set(summary)


def test_summary_of_a_twisting_heart(heart):
    summary = heart[3]
    assert summary["global"]["gcs_peak"] == pytest.approx(-0.131, abs=0.006)
    assert summary["global"]["gcs_peak_frame"] == ES
    assert summary["global"]["gls"] == "not available from short axis"
    first = summary["slices"][0]
    assert first["es_time_ms"] == ES * 65.0
    assert [row["aha"] for row in first["segments"]] == [2, 3, 4, 5, 6, 1]
    assert first["segments"][0]["time_to_peak_fraction"] == pytest.approx(ES * 65 / 780)
    assert first["layers"]["endocardial"]["ecc_es"] < first["layers"]["epicardial"]["ecc_es"]
    assert first["indices"]["rotation_es_degrees"] == pytest.approx(-4.0, abs=0.2)
    assert first["indices"]["cure"] > 0.98
    assert summary["indices"]["twist_es_degrees"] == pytest.approx(13.0, abs=0.3)
    assert summary["indices"]["torsion_es_degrees"] == pytest.approx(13.0 * 37 / 40, abs=0.5)
    assert "inferred, not measured" in summary["indices"]["twist_basis"]


def test_a_segment_that_stretches_has_a_stretch_as_extreme(heart):
    case, _, strains, usual = heart
    curves = {name: values.copy() for name, values in strains[0].segment_curves.items()}
    bulge = np.abs(curves["ecc"][0]) / 2
    bulge[-1] = -0.006  # shortens a little, late in diastole
    curves["ecc"][0] = bulge
    first = summarise(case, [replace(strains[0], segment_curves=curves), *strains[1:]], ES)["slices"][0]
    row = first["segments"][0]
    assert row["ecc_peak"] == pytest.approx(-0.006)
    assert row["ecc_extreme"] == row["ecc_systolic_stretch"] == pytest.approx(bulge.max())
    assert row["ecc_extreme_frame"] == int(bulge.argmax())
    assert row["time_to_peak_ms"] is None
    for before, after in zip(usual["slices"][0]["segments"][1:], first["segments"][1:], strict=True):
        assert before == after
        assert after["ecc_extreme"] == after["ecc_peak"]
    assert first["indices"]["sd_time_to_peak_ms"] is not None  # of the five segments that shorten


def test_quality_notes_name_what_is_doubtful(heart):
    case, motion, strains, _ = heart
    notes = quality_notes(case, motion, strains, ES)
    assert "rv_insertion_assumed" in {note.code for note in notes}
    late = [note for note in quality_notes(case, motion, strains, 10) if note.code == "end_systole_unusual"]
    assert [note.slice for note in late] == [1, 2, 3]


def test_quality_notes_of_damaged_slices(ring_motion, masks):
    """Each slice has one fault; the notes name it by code and slice."""
    folded = np.zeros_like(ring_motion)
    folded[1:, 0] = -3.0 * np.arange(ring_motion.shape[3])  # reflects x
    slices = (make_slice(masks), make_slice(masks, "mid", 20.0))
    slices = (slices[0], replace(slices[1], valid_frames=np.arange(len(masks)) < 8, rr_ms=1000.0))
    motions = (SliceMotion(folded), SliceMotion(ring_motion))
    case = Case(slices, rv_insertion_lps=np.array([-20.0, -20.0, 0.0]))
    strains = [slice_strain(s, m, 0, case.rv_insertion_lps) for s, m in zip(slices, motions, strict=True)]
    found = {(note.code, note.slice) for note in quality_notes(case, Motion(motions), strains, 4)}
    assert {("motion_folds", 1), ("frames_not_acquired", 2), ("cycles_differ", None)} <= found
    assert not any(code == "rv_insertion_assumed" for code, _ in found)


def test_one_slice_has_no_twist(ring_motion, masks):
    case, motion = Case((make_slice(masks),)), Motion((SliceMotion(ring_motion),))
    summary = summarise(case, [slice_strain(case.slices[0], motion.slices[0], 0)], ES)
    assert summary["indices"]["twist_degrees"] is None
    assert summary["indices"]["twist_basis"] == "needs a basal and an apical slice"
