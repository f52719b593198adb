"""Neighbouring slices: a ring that does not fit them is marked as unsure, another structure is left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from toy_cine import FRAMES, contracting, write_cine
from toy_engine import write_engine

from LaMoDCore.contours.automatic.heart_contours import contour_study
from LaMoDCore.contours.automatic.slice_contours import UNSURE

pytest.importorskip("onnx", reason="the toy engines need onnx")
pytest.importorskip("onnxruntime", reason="contour engines need onnxruntime")
SIZES = (1.0, 0.97, 0.93, 0.86, 0.74)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_engine(tmp_path_factory.mktemp("engine") / "toy")


def draw(tmp_path: Path, engine: Path, slices: list[np.ndarray]):
    return contour_study([write_cine(tmp_path / "cine.nii.gz", slices)], engine=engine, per_frame=1).slices


def test_a_steady_heart_has_no_unsure_frame(tmp_path, engine):
    slices = draw(tmp_path, engine, [contracting(size) for size in SIZES])
    assert len(slices) == len(SIZES)
    assert all((each.contours.confidence >= UNSURE).all() for each in slices)


def test_a_ring_of_another_size_is_unsure(tmp_path, engine):
    sizes = [1.0, 0.97, 0.65, 0.86, 0.74]
    slices = draw(tmp_path, engine, [contracting(size) for size in sizes])
    unsure = [bool((each.contours.confidence < UNSURE).any()) for each in slices]
    assert unsure == [False, False, True, False, False]
    assert "neighbouring slices" in slices[2].contours.frame_reasons[0]
    assert slices[2].contours.myocardium.any(axis=(1, 2)).all()


def test_only_the_frames_that_jump_are_unsure(tmp_path, engine):
    moved = contracting(0.93)
    moved[4:7] = np.roll(moved[4:7], 6, axis=1)  # 12 mm; the centre is smooth over the cycle
    stack = [contracting(1.0), contracting(0.97), moved, contracting(0.86), contracting(0.74)]
    contours = draw(tmp_path, engine, stack)[2].contours
    unsure = np.flatnonzero(contours.confidence < UNSURE)
    assert 5 in unsure
    assert not {0, 1, 9, 10, FRAMES - 1} & set(unsure)


def test_another_structure_is_left_out(tmp_path, engine):
    far = np.roll(contracting(0.45), (-14, 14), axis=(1, 2))
    stack = [contracting(1.0), contracting(0.97), contracting(0.93), far, contracting(0.74)]
    slices = draw(tmp_path, engine, stack)
    assert slices[3].contours.verdict == "left out"
    assert "another structure" in slices[3].contours.reason
