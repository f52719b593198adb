"""Fragility (strain change per pixel of contour shift), and the comparison of two readers."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from LaMoDCore.cli import main
from LaMoDCore.heart.canonical import to_canonical
from LaMoDCore.heart.case import Case, Motion, SliceMotion, StrainResult
from LaMoDCore.heart.contour_convention import ConventionUsed, LeftOutLayer
from LaMoDCore.heart.cycle.shapes import SliceShapes
from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd
from LaMoDCore.models.folder import LoadedModel
from LaMoDCore.runtime.errors import LaMoDInputError
from LaMoDCore.strain import slice_strain
from LaMoDCore.studies import fragility, two_readers
from LaMoDCore.studies.fragility import (
    SHIFTS,
    FragilityCancelled,
    draw_fragility,
    fragility_csv,
    fragility_text,
    measure_fragility,
    shift_contours,
)
from LaMoDCore.studies.two_readers import (
    agreement_csv,
    agreement_text,
    compare_contours,
    compare_strain,
    difference_csv,
    difference_text,
    draw_agreement,
    draw_difference,
)
from Testing.Slicer.ring_heart import heart


@pytest.fixture(scope="module")
def ring():
    return heart(frames=10)


def radii(slice_, frame=0):
    endo, epi = SliceShapes.of(slice_).shapes[frame].radii_mm
    return endo.mean(), epi.mean()


@pytest.mark.parametrize(("which", "pixels"), [*SHIFTS, ("endo", 0.5)])
def test_one_contour_is_shifted_by_a_pixel_and_the_other_stays(ring, which, pixels):
    before, after = radii(ring), radii(shift_contours(ring, which, pixels))
    step = pixels * 1.4
    assert after[0] - before[0] == pytest.approx(step if which in ("endo", "both") else 0.0, abs=0.25)
    assert after[1] - before[1] == pytest.approx(step if which in ("epi", "both") else 0.0, abs=0.25)


def predict_by_radii(case, _model, **options):
    """Replace the model: every point moves as the drawn endocardium does."""
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
    monkeypatch.setattr("LaMoDCore.prediction.predict.predict_strain", predict_by_radii)
    for user in (fragility, two_readers):
        monkeypatch.setattr(user, "load_model", lambda *_: object())
    return LoadedModel.__new__(LoadedModel)


def test_pixels_far_from_the_wall_do_not_matter(ring):
    near = fragility._cropped(ring)
    assert np.prod(near.grid.shape) < 0.6 * np.prod(ring.grid.shape)
    whole, cropped = to_canonical(ring), to_canonical(near)
    assert np.allclose(whole.grid.ijk_to_lps, cropped.grid.ijk_to_lps)
    assert np.abs(whole.occupancy - cropped.occupancy).max() < 1e-3


def test_fragility_of_segments(tmp_path, ring, stand_in):
    updates = []

    class Recorder:
        def update(self, stage, fraction, message):
            updates.append((stage, fraction))

    (part,) = measure_fragility(Case((ring,)), stand_in, progress=Recorder())
    assert part.changes.shape == (len(SHIFTS), 6)
    by_name = dict(zip(SHIFTS, part.changes, strict=True))
    # a cavity widened by one pixel in all frames shortens by a smaller fraction
    assert (by_name["endo", 1] > 0).all()
    assert (by_name["endo", -1] < 0).all()
    assert np.abs(by_name["epi", 1]).max() < 0.01
    assert np.array_equal(part.is_fragile, part.worst > 0.02)
    assert [fraction for _, fraction in updates] == sorted(fraction for _, fraction in updates)
    text = fragility_text((part,))
    assert text.count("fragile") == part.is_fragile.sum()
    assert part.as_dictionary()["changes"]["endo+1px"][0] == pytest.approx(by_name["endo", 1][0], abs=1e-3)
    rows = fragility_csv((part,)).splitlines()
    assert len(rows) == 7
    assert [row.endswith("yes") for row in rows[1:]] == part.is_fragile.tolist()
    draw_fragility((part,), tmp_path / "fragility.png")
    assert (tmp_path / "fragility.png").stat().st_size > 5000


def test_the_number_of_workers_does_not_change_the_numbers(ring, stand_in):
    case = Case((ring, shift_contours(ring, "endo", 1)))
    one, two = (measure_fragility(case, stand_in, workers=n) for n in (1, 2))
    assert [a.slice_name for a in one] == [b.slice_name for b in two]
    assert all(np.array_equal(a.changes, b.changes) for a, b in zip(one, two, strict=True))
    assert not np.array_equal(one[0].changes, one[1].changes)


def test_it_can_be_cancelled(ring, stand_in, monkeypatch):
    predicted = []

    def predict(case, model, **options):
        predicted.append(1)
        return predict_by_radii(case, model, **options)

    monkeypatch.setattr("LaMoDCore.prediction.predict.predict_strain", predict)
    with pytest.raises(FragilityCancelled):
        measure_fragility(Case((ring,)), stand_in, is_cancelled=lambda: len(predicted) > 1, workers=1)
    assert len(predicted) == 2


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


def test_strain_from_the_contours_of_two_readers(ring, stand_in):
    wider = shift_contours(ring, "endo", 1)
    (part,) = compare_strain(Case((ring,)), Case((wider,)), stand_in)
    assert (part.difference > 0.003).all()  # the wider cavity shortens by a smaller fraction
    (same,) = compare_strain(Case((ring,)), Case((ring,)), stand_in)
    assert (same.difference == 0).all()
    assert difference_text((part,)).count("ring") == 6
    turned = replace(wider, rv_insertion_lps=ring.grid.pixel_to_lps((10.0, 10.0)))
    (same_point,) = compare_strain(Case((ring,)), Case((turned,), rv_insertion_lps=np.zeros(3)), stand_in)
    assert np.array_equal(same_point.difference, part.difference)
    with pytest.raises(LaMoDInputError, match="same slices"):
        compare_strain(Case((ring,)), Case((ring, ring)), stand_in)


def test_the_contour_conventions_of_two_readers_are_stated(tmp_path, ring, stand_in, monkeypatch):
    (plain,) = compare_strain(Case((ring,)), Case((ring,)), stand_in)
    assert "contours" not in difference_text((plain,))
    given = replace(ring, contour_convention="tissue")

    def predict(case, model, **options):
        convention = case.slices[0].contour_convention
        used = ConventionUsed(convention, LeftOutLayer(1.6, 0.4), is_input=True)
        return replace(predict_by_radii(case, model, **options), conventions=(used,))

    monkeypatch.setattr("LaMoDCore.prediction.predict.predict_strain", predict)
    (part,) = compare_strain(Case((ring,)), Case((given,)), stand_in)
    texts = "first reader: blood pool (inferred, 1.6 ± 0.4 mm left out); second reader: tissue (given)"
    assert difference_text((part,)).splitlines()[-1].split(maxsplit=2) == ["ring", "contours", texts]
    rows = list(csv.DictReader(io.StringIO(difference_csv((part,)))))
    assert {row["contour_convention_first"] for row in rows} == {"blood-pool"}
    assert {row["contour_convention_second"] for row in rows} == {"tissue"}
    stored = part.as_dictionary()
    assert stored["contour_convention_first"]["used"] == "blood-pool"
    assert stored["contour_convention_second"]["given"] == "tissue"
    for name, difference in (("plain", plain), ("stated", replace(plain, conventions=part.conventions))):
        draw_difference((difference,), tmp_path / f"{name}.png")
    assert (tmp_path / "plain.png").read_bytes() != (tmp_path / "stated.png").read_bytes()


def write_masks(path, slice_):
    labels = (2 * slice_.myocardium + 3 * slice_.cavity).astype(np.uint8)
    write_seq_nrrd(path, labels[:, None], slice_.grid.ijk_to_lps, slice_.frame_times_ms, rr_ms=slice_.rr_ms)


def test_the_command_compares_readers_and_computes_fragility(tmp_path, capsys, ring, stand_in):
    narrower = shift_contours(ring, "epi", -1)
    write_masks(tmp_path / "first.seq.nrrd", ring)
    write_masks(tmp_path / "second.seq.nrrd", replace(narrower, cavity=ring.cavity))
    words = ["check", str(tmp_path / "first.seq.nrrd"), "--second", str(tmp_path / "second.seq.nrrd"), "--fragility"]
    assert main([*words, "--out", str(tmp_path / "out"), "--labels", "myo=2,lv=3"]) in (0, 3)
    output = capsys.readouterr().out
    assert "difference" in output
    assert "model ±" in output
    names = {p.name for p in (tmp_path / "out").iterdir()}
    readers = {"readers.csv", "readers_slice1.png", "readers_strain.csv", "readers_strain.png"}
    assert readers | {"fragility.csv", "fragility.png"} <= names
    assert len((tmp_path / "out" / "readers_strain.csv").read_text().splitlines()) == 7
    assert main([*words[:4], "--no-strain", "--out", str(tmp_path / "out"), "--labels", "myo=2,lv=3"]) in (0, 3)
    assert "readers_strain.csv" not in {p.name for p in (tmp_path / "out").iterdir()}


def test_the_command_predicts_with_the_given_convention(tmp_path, ring, stand_in, monkeypatch, capsys):
    used = []

    def predict(case, model, **options):
        used.extend(slice_.contour_convention for slice_ in case.slices)
        return predict_by_radii(case, model, **options)

    monkeypatch.setattr("LaMoDCore.prediction.predict.predict_strain", predict)
    masks = tmp_path / "first.seq.nrrd"
    write_masks(masks, ring)
    words = ["check", str(masks), "--fragility", "--labels", "myo=2,lv=3", "--contour-convention"]
    assert main([*words, "tissue"]) in (0, 3)
    assert set(used) == {"tissue"}
    assert main([*words, "tissue,auto"]) == 1
    assert "2 conventions for 1 slice" in capsys.readouterr().err
    cohort = ["check", str(tmp_path), "--cohort", "--out", str(tmp_path / "out"), "--contour-convention", "tissue"]
    assert main(cohort) == 1
    assert "it is for a single heart" in capsys.readouterr().err
