"""Indices of the whole heart over slices of different cycle length are computed in phase, on one stated clock."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from LaMoDCore.heart.case import Case, CineSlice, Motion, SliceMotion
from LaMoDCore.strain import quality_notes, slice_strain, summarise
from Testing.Core.strain.shapes import incompressible_ring, short_axis_grid

FRAMES, ES, SPACING = 20, 8, (2.5, 2.5)
COURSE = np.interp(np.arange(FRAMES), [0, ES, 15, FRAMES], [0, 1, 0.1, 0])


def slices_of(*cycles_ms):
    ring = incompressible_ring(SPACING)
    return tuple(
        CineSlice(
            name=f"slice {number}",
            grid=short_axis_grid(ring.mask.shape, SPACING, depth_mm=15.0 * number),
            myocardium=np.repeat(ring.mask[None], FRAMES, axis=0),
            frame_times_ms=np.arange(FRAMES) * rr / FRAMES,
            rr_ms=rr,
            level=level,
        )
        for number, (rr, level) in enumerate(zip(cycles_ms, ("base", "mid", "apex"), strict=False))
    )


@pytest.fixture(scope="module")
def motion():
    return np.stack([incompressible_ring(SPACING, inner_ecc=-0.2 * part).displacement_mm for part in COURSE])


@pytest.fixture(scope="module")
def found(motion):
    def summary(*cycles_ms):
        case = Case(slices_of(*cycles_ms))
        moved = SliceMotion(motion.astype(np.float32))
        strains = [slice_strain(s, moved, 0) for s in case.slices]
        notes = quality_notes(case, Motion((moved,) * len(strains)), strains, ES)
        return case, strains, summarise(case, strains, ES), notes

    return {cycles: summary(*cycles) for cycles in ((800.0, 1100.0), (1100.0, 800.0), (950.0, 950.0))}


def test_synchronous_slices_have_no_spread_of_time_to_peak(found):
    for _, _, summary, _ in found.values():
        assert summary["indices"]["sd_time_to_peak_ms"] == pytest.approx(0.0, abs=1e-9)


def test_times_and_rates_of_the_heart_refer_to_the_median_cycle(found):
    usual = found[950.0, 950.0][2]["global"]
    for case, _, summary, notes in found.values():
        assert case.rr_ms == summary["global"]["rr_ms"] == 950.0
        for key in ("gcs_time_to_peak_ms", "gcs_systolic_rate_per_s", "gcs_early_diastolic_rate_per_s", "gcs_peak"):
            assert summary["global"][key] == pytest.approx(usual[key], rel=1e-6), key
        differ = [note.text for note in notes if note.code == "cycles_differ"]
        assert bool(differ) == (case.slices[0].rr_ms != case.slices[1].rr_ms)
        assert all("950 ms" in text for text in differ)
    assert usual["gcs_time_to_peak_ms"] == pytest.approx(ES / FRAMES * 950)


def test_times_of_a_slice_are_its_own(found):
    for case, _, summary, _ in found.values():
        for slice_, part in zip(case.slices, summary["slices"], strict=True):
            assert part["global"]["gcs_time_to_peak_ms"] == pytest.approx(ES / FRAMES * slice_.rr_ms)


def test_the_spread_between_slices_is_that_of_their_phases(found):
    """A slice that peaks two frames later: the spread does not depend on which slice has the longer cycle."""
    spreads = []
    for case, strains, _, _ in found.values():
        curves = {name: np.roll(values, 2, axis=1) for name, values in strains[1].segment_curves.items()}
        late = [strains[0], replace(strains[1], segment_curves=curves)]
        spreads.append(summarise(case, late, ES)["indices"]["sd_time_to_peak_ms"])
    two_frames = 2 / FRAMES * 950
    assert spreads == pytest.approx([np.std([0.0] * 6 + [two_frames] * 6, ddof=1)] * 3)
