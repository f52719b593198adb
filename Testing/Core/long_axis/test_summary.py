import json
from dataclasses import replace

import numpy as np
import pytest
from long_axis_files import FRAMES, RR_MS, write_masks
from long_axis_shapes import ANGLES, beat, true_length

from LaMoDCore.function.biplane import best_pair, disc_diameters_mm, disc_volumes
from LaMoDCore.heart.long_axis.checks import landmark_jumps, length_jumps
from LaMoDCore.heart.long_axis.end_diastole import at_phases, common_phases, reference_frame
from LaMoDCore.heart.long_axis.mid_wall import mid_wall_mm
from LaMoDCore.heart.long_axis.view import LINE_NAMES
from LaMoDCore.heart.long_axis.wall_lines import INTERVALS
from LaMoDCore.io.long_axis.reader import load_long_axis
from LaMoDCore.prediction.long_axis import end_systole_notes
from LaMoDCore.strain.long_axis.segments import bullseye
from LaMoDCore.strain.long_axis.summary import long_axis_summary

TRUTH = np.array([true_length(r, le, base) for r, le, _, base, _ in beat(FRAMES)])


@pytest.fixture(scope="module")
def views(tmp_path_factory):
    folder = tmp_path_factory.mktemp("views")
    return load_long_axis([write_masks(folder / f"{kind}.seq.nrrd", kind) for kind in ANGLES]).views


@pytest.fixture(scope="module")
def summary(views):
    return long_axis_summary(views)


def test_gls_is_engineering_strain_of_length(summary):
    gls = summary["gls"]
    assert gls["endocardial"] == pytest.approx((TRUTH / TRUTH[0] - 1).min(), abs=0.01)
    for line in LINE_NAMES:
        e = gls[line]
        assert gls[f"{line}_green_lagrange"] == pytest.approx(0.5 * ((1 + e) ** 2 - 1))
        assert gls[f"{line}_es"] >= e
        low, high = gls["interval"][line]
        assert low < e < high
    assert gls["endocardial"] < gls["mid_wall"] < gls["epicardial"] < 0


def test_peak_is_systolic(views):
    early = long_axis_summary(views, es_phase=0.2)
    late = long_axis_summary(views)
    assert early["es_phase"] == 0.2 and late["es_phase"] == pytest.approx(0.5)
    assert early["gls"]["mid_wall"] > late["gls"]["mid_wall"] + 0.02
    assert early["gls"]["mid_wall"] == pytest.approx(early["gls"]["mid_wall_es"])
    assert "smallest cavity" in late["definitions"]["es"] and "was given" in early["definitions"]["es"]


def test_end_systole_of_another_clock_is_noted(summary):
    """Another R–R interval, or end-systole more than two frames away."""

    def codes(es_ms, rr_ms):
        return [each.code for each in end_systole_notes(summary, es_ms, rr_ms, frame_ms=90.0)]

    assert codes(450.0, RR_MS) == codes(300.0, RR_MS) == []
    assert codes(450.0, 1300.0) == codes(200.0, RR_MS) == ["long_axis_end_systole_differs"]


def test_mapse_is_the_excursion_of_each_annulus_point(summary):
    _, le, _, base, shift = (np.array(each) for each in zip(*beat(FRAMES), strict=True))
    excursion = (shift - base) - (shift[0] - base[0])
    for view in summary["views"]:
        assert list(view["mapse_mm"].values()) == pytest.approx([excursion.max()] * 2, abs=1.6)
        assert view["length_mm"] == pytest.approx(le + base, abs=2.0)
        assert abs(view["drift"]["mid_wall"]) < 0.05


def test_rates_have_the_sign_and_the_unit_of_strain_per_second(summary):
    curve = np.array(summary["curves"]["endocardial"])
    slope = np.gradient(curve, RR_MS / FRAMES / 1000)
    assert summary["gls"]["endocardial_systolic_rate_per_s"] == pytest.approx(slope[:6].min(), rel=0.2)
    assert summary["gls"]["endocardial_early_diastolic_rate_per_s"] == pytest.approx(slope[5:8].max(), rel=0.2)


def test_bullseye_has_seventeen_values_from_three_views(summary):
    assert len(summary["bullseye"]) == 17 and None not in summary["bullseye"]
    assert all(len(view["segments"]) == 6 for view in summary["views"])
    walls = {row["wall"]: row["strain_systolic_peak"] for view in summary["views"] for row in view["segments"]}
    assert summary["bullseye"][13] == pytest.approx((walls["inferoseptal"] + walls["anteroseptal"]) / 2)
    assert summary["bullseye"][0] == pytest.approx(walls["anterior"])
    one = bullseye([{3: [-0.2], 9: [-0.2], 14: [-0.2]}])
    assert one[2] == -0.2 and one[0] is None and one[16] is None


def test_summary_is_json_without_nan(summary):
    assert "NaN" not in json.dumps(summary, allow_nan=False)


def test_views_of_different_frames_are_averaged_at_common_phases(tmp_path):
    one = write_masks(tmp_path / "a.seq.nrrd", "four_chamber")
    other = write_masks(tmp_path / "b.seq.nrrd", "two_chamber", frames=15, rr_ms=1100.0)
    views = load_long_axis([one, other]).views
    assert len(common_phases(views)) == 15
    summary = long_axis_summary(views)
    assert summary["rr_ms"] == 1000.0
    assert summary["gls"]["endocardial"] == pytest.approx((TRUTH / TRUTH[0] - 1).min(), abs=0.015)


def test_a_cine_that_begins_in_systole_has_another_reference(views):
    view = views[0]
    order = np.roll(np.arange(FRAMES), 4)
    rolled = replace(view, endo_mm=view.endo_mm[order], epi_mm=view.epi_mm[order], annulus_mm=view.annulus_mm[order])
    assert reference_frame(rolled) == 4
    values = np.arange(FRAMES, dtype=float)
    assert at_phases(values[order], rolled, common_phases([view])) == pytest.approx(values)
    assert long_axis_summary([rolled])["gls"]["mid_wall"] == pytest.approx(long_axis_summary([view])["gls"]["mid_wall"])


def test_discs_give_the_volume_of_the_ellipsoid(views):
    pair = best_pair(views)
    assert [views[k].kind for k in pair] == ["four_chamber", "two_chamber"]
    measured = [disc_diameters_mm(views[k]) for k in pair]
    volumes = disc_volumes([d for d, _ in measured], [le for _, le in measured])
    for frame in (0, 5):
        r, le, _, base, _ = beat(FRAMES)[frame]
        depth = np.linspace(-base, le, 20001)
        truth = float((np.pi * r**2 * (1 - (depth / le) ** 2)).mean() * (le + base) / 1000)
        assert volumes[frame] == pytest.approx(truth, rel=0.03)


def test_carried_contours_have_peaks_but_no_rates(views):
    part = replace(views[0], drawn=np.isin(np.arange(FRAMES), [0, 5]))
    found, whole = long_axis_summary([part]), long_axis_summary([views[0]])
    assert found["gls"]["mid_wall"] == whole["gls"]["mid_wall"]
    assert whole["gls"]["mid_wall_systolic_rate_per_s"] < 0
    assert found["gls"]["mid_wall_systolic_rate_per_s"] is None is found["gls"]["mid_wall_time_to_peak_ms"]
    assert all(row["time_to_peak_ms"] is None for row in found["views"][0]["segments"])
    assert found["views"][0]["frames_carried"] == FRAMES - 2


def test_a_part_of_the_cycle_has_no_drift_and_no_jump_at_its_ends(views):
    """Its last frame is not followed by the first one."""
    part = int(0.7 * FRAMES)
    view = views[0]
    arrays = {
        name: getattr(view, name)[:part] for name in ("endo_mm", "epi_mm", "annulus_mm", "frame_times_ms", "drawn")
    }
    short = replace(view, cine=None, **arrays)
    assert view.covers_cycle and not short.covers_cycle
    assert length_jumps(short) == landmark_jumps(short) == []
    assert long_axis_summary([short])["views"][0]["drift"]["mid_wall"] is None
    assert abs(long_axis_summary([view])["views"][0]["drift"]["mid_wall"]) < 0.05


def test_the_mid_wall_line_passes_between_the_contours_at_the_apex(views):
    """Also where both contours meet the long axis at the apex, so that they have no distance from it."""
    view = views[0]
    middle = mid_wall_mm(view)[:, INTERVALS]
    wall = view.epi_mm[:, INTERVALS] - view.endo_mm[:, INTERVALS]
    along = ((middle - view.endo_mm[:, INTERVALS]) * wall).sum(axis=-1) / (wall**2).sum(axis=-1)
    assert along == pytest.approx(0.5, abs=0.05)
