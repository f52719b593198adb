"""Slices that a person did not draw in every frame: which count for volumes, and when volumes are not given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from LaMoDCore import load_case
from LaMoDCore.function.summary import function_summary
from LaMoDCore.io.images.seq_nrrd import write_seq_nrrd

FRAMES, SLICES = 20, 8
MYO, LV = 2, 3


def labels() -> np.ndarray:
    y, x = np.indices((64, 64)) - 31.5
    distance = np.hypot(x, y) * 2.0
    stack = np.zeros((FRAMES, SLICES, 64, 64), dtype=np.uint8)
    for frame in range(FRAMES):
        for k in range(SLICES):
            endo = np.sqrt(1 - (k / SLICES) ** 2) * 26.0 * (1 - 0.3 * np.sin(np.pi * frame / FRAMES) ** 2)
            stack[frame, k][distance < endo + 9] = MYO
            stack[frame, k][distance < endo] = LV
    return stack


def ef(tmp_path: Path, stack: np.ndarray) -> tuple[float | None, str]:
    apex = np.array([1.0, -1.0, -1.0]) / np.sqrt(3)
    x = np.array([1.0, 1.0, 0.0]) / np.sqrt(2)
    affine = np.eye(4)
    affine[:3, :3] = np.stack([2 * x, 2 * np.cross(apex, x), 8 * apex], axis=1)
    file = tmp_path / "masks.seq.nrrd"
    write_seq_nrrd(file, stack, affine, np.arange(FRAMES) * 45.0, rr_ms=900.0)
    function, _, _ = function_summary(load_case(file), FRAMES // 2)
    return function["ef"], function["incomplete"]


def test_a_stack_that_is_drawn_throughout_has_an_ejection_fraction(tmp_path):
    found, incomplete = ef(tmp_path, labels())
    assert incomplete == ""
    assert found == pytest.approx(0.51, abs=0.02)


def test_a_basal_slice_that_leaves_the_ventricle_in_systole_counts(tmp_path):
    stack = labels()
    stack[7:14, 0] = 0
    found, incomplete = ef(tmp_path, stack)
    assert incomplete == ""
    assert found == pytest.approx(0.59, abs=0.03)


@pytest.mark.parametrize(
    "forget",
    [
        lambda stack: stack[5:7, 3].fill(0),  # two frames of a slice within the stack
        lambda stack: stack[6:7, 0].fill(0),  # one frame at the base
        lambda stack: (stack[3:5, 0].fill(0), stack[9:12, 0].fill(0)),  # two gaps at the base
    ],
)
def test_forgotten_frames_never_change_the_ejection_fraction_silently(tmp_path, forget):
    stack = labels()
    forget(stack)
    found, incomplete = ef(tmp_path, stack)
    assert found is None
    assert "left out" in incomplete


def test_an_open_wall_without_a_cavity_label_is_no_empty_ventricle(tmp_path):
    stack = np.where(labels() == MYO, 1, 0).astype(np.uint8)
    stack[4:9, 0, 28:36, 32:] = 0
    found, incomplete = ef(tmp_path, stack)
    assert found is None
    assert "left out" in incomplete
