"""A pixel's cost, and two readers' difference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from LaMoDCore.case import Case, Motion, SliceMotion, StrainResult
from LaMoDCore.contours import fragility as module
from LaMoDCore.contours.fragility import SHIFTS, FragilityCancelled, fragility_text, measure_fragility, shift_contours
from LaMoDCore.contours.slice_shapes import SliceShapes
from LaMoDCore.contours.two_readers import agreement_csv, agreement_text, compare_contours, draw_agreement
from LaMoDCore.errors import LaMoDInputError
from LaMoDCore.models import LoadedModel
from LaMoDCore.strain import slice_strain
from Testing.Slicer.ring_heart import heart


@pytest.fixture(scope="module")
def ring():
    return heart(frames=10)


def radii(slice_, frame=0):
    endo, epi = SliceShapes.of(slice_).shapes[frame].radii_mm
    return endo.mean(), epi.mean()


@pytest.mark.parametrize(("which", "pixels"), [*SHIFTS, ("endo", 0.5)])
def test_a_contour_moves_by_a_pixel_and_the_other_stays(ring, which, pixels):
    before, after = radii(ring), radii(shift_contours(ring, which, pixels))
    step = pixels * 1.4
    assert after[0] - before[0] == pytest.approx(step if which in ("endo", "both") else 0.0, abs=0.25)
    assert after[1] - before[1] == pytest.approx(step if which in ("epi", "both") else 0.0, abs=0.25)


def predict_by_radii(case, _model, **options):
    """A stand-in for the model: every point moves as the drawn endocardium does."""
    strains, motions = [], []
    for slice_ in case.slices:
        endo = np.array([radii(slice_, t)[0] for t in range(slice_.frames)])
        shapes = SliceShapes.of(slice_)
        center = shapes.measure("center_mm")[0]
        x, y = slice_.grid.pixel_centers_mm()
        u = np.stack([(e / endo[0] - 1) * np.stack([x - center[0], y - center[1]]) for e in endo]).astype(np.float32)
        motions.append(SliceMotion(u))
        strains.append(slice_strain(slice_, motions[-1], 0, case.rv_insertion_lps))
    return StrainResult(case, Motion(tuple(motions)), tuple(strains), 4, {})


@pytest.fixture
def stand_in(monkeypatch):
    monkeypatch.setattr("LaMoDCore.predict.predict_strain", predict_by_radii)
    monkeypatch.setattr(module, "load_model", lambda *_: object())
    return LoadedModel.__new__(LoadedModel)


def test_what_a_pixel_costs_and_what_is_fragile(ring, stand_in):
    told = []

    class Told:
        def update(self, stage, fraction, message):
            told.append((stage, fraction))

    (part,) = measure_fragility(Case((ring,)), stand_in, progress=Told())
    assert part.changes.shape == (len(SHIFTS), 6)
    by_name = dict(zip(SHIFTS, part.changes, strict=True))
    # a wider cavity by the same pixel in all frames shortens by a smaller part of itself
    assert (by_name["endo", 1] > 0).all()
    assert (by_name["endo", -1] < 0).all()
    assert np.abs(by_name["epi", 1]).max() < 0.01
    assert np.array_equal(part.is_fragile, part.worst > 0.02)
    assert [fraction for _, fraction in told] == sorted(fraction for _, fraction in told)
    text = fragility_text((part,))
    assert text.count("fragile") == part.is_fragile.sum()
    assert part.as_dictionary()["changes"]["endo+1px"][0] == pytest.approx(by_name["endo", 1][0], abs=1e-3)


def test_it_can_be_cancelled(ring, stand_in):
    asked = []

    def is_cancelled():
        asked.append(1)
        return len(asked) > 2

    with pytest.raises(FragilityCancelled):
        measure_fragility(Case((ring,)), stand_in, is_cancelled=is_cancelled)
    assert len(asked) == 3


def test_two_readers(tmp_path, ring):
    other = shift_contours(ring, "epi", 2)
    agreement = compare_contours(ring, other)
    assert agreement.mean_distance_mm["epi"].mean() == pytest.approx(2.8, abs=0.35)
    assert agreement.mean_distance_mm["endo"].max() < 0.2
    assert (agreement.hausdorff_mm["epi"] >= agreement.mean_distance_mm["epi"]).all()
    assert (agreement.dice < 0.9).all()
    same = compare_contours(ring, ring)
    assert (same.dice == 1).all()
    assert same.hausdorff_mm["epi"].max() == same.hausdorff_mm["endo"].max() == 0
    missing = ring.myocardium.copy()
    missing[3] = False
    partial = compare_contours(ring, replace(ring, myocardium=missing))
    assert np.isnan(partial.dice[3])
    assert partial.as_dictionary()["dice"][3] is None
    assert len(agreement_csv([agreement]).splitlines()) == 1 + ring.frames
    assert "ring" in agreement_text([agreement])
    draw_agreement(ring, other, agreement, tmp_path / "readers.png")
    assert (tmp_path / "readers.png").stat().st_size > 5000
    with pytest.raises(LaMoDInputError, match="same series"):
        compare_contours(ring, heart(frames=12))
