"""Images without a heart are refused: noise, a water bottle, a head; the default engine draws on some of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage
from toy_cine import contracting, ring_frame, write_cine
from toy_engine import write_engine

from LaMoDCore.cli import main
from LaMoDCore.contours.automatic.draw import draw_contours
from LaMoDCore.contours.automatic.registry import find_engine
from LaMoDCore.runtime.errors import LaMoDInputError

pytest.importorskip("onnx", reason="the toy engines need onnx")
pytest.importorskip("onnxruntime", reason="contour engines need onnxruntime")
SHAPE = (128, 128)
FRAMES = 8
Y, X = (np.indices(SHAPE) - 63.5) * 2.0


def ellipse(a: float, b: float, x: float = 0.0, y: float = 0.0) -> np.ndarray:
    return ((X - x) / a) ** 2 + ((Y - y) / b) ** 2 < 1


def with_noise(frames: np.ndarray, level: float) -> np.ndarray:
    """Rician noise."""
    real, imaginary = np.random.default_rng(3).normal(0, level, (2, *frames.shape))
    return np.hypot(frames + real, imaginary)


def noise() -> np.ndarray:
    return with_noise(np.zeros((FRAMES, *SHAPE)), 50.0)


def bottle() -> np.ndarray:
    return with_noise(np.stack([300.0 * ellipse(45, 45)] * FRAMES), 10.0)


def head() -> np.ndarray:
    """Scalp, skull, grey and white matter, and fluid that pulsates."""
    texture = ndimage.gaussian_filter(np.random.default_rng(3).normal(0, 1, SHAPE), 2)
    texture /= texture.std()
    frames = []
    for frame in range(FRAMES):
        size = 1 + 0.05 * np.sin(2 * np.pi * frame / FRAMES)
        fluid = ellipse(7 * size, 22 * size, -9) | ellipse(7 * size, 22 * size, 9) | ellipse(4, 10, 0, 60)
        tissues = (
            (ellipse(80, 100), 350.0),
            (ellipse(74, 94), 20.0),
            (ellipse(68, 88), 330.0),
            (ellipse(65, 85), 200 + 40 * texture),
            (ellipse(56, 74), 130 + 20 * texture),
            (fluid, 340.0),
        )
        picture = np.zeros(SHAPE)
        for inside, value in tissues:
            picture = np.where(inside, value, picture)
        frames.append(ndimage.gaussian_filter(picture, 0.6))
    return with_noise(np.stack(frames), 12.0)


@pytest.mark.parametrize("picture", [head, *(pytest.param(each, marks=pytest.mark.slow) for each in (noise, bottle))])
def test_the_default_engine_refuses_it_in_one_line(tmp_path: Path, capsys, picture):
    if find_engine().onnx_file is None:
        pytest.skip("the engine's weights are not installed")
    path = write_cine(tmp_path / "cine.nii.gz", [picture()])
    out = tmp_path / "out"
    assert main(["contour", str(path), "--out", str(out), "--fast", "--progress", "none"]) == 1
    error = capsys.readouterr().err
    assert "no slice shows the left ventricle" in error or "no beating ventricle was found" in error
    assert len(error.strip().splitlines()) == 1
    assert not out.exists()


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_engine(tmp_path_factory.mktemp("engine") / "toy")


def test_a_ring_that_does_not_beat_is_refused(tmp_path, engine):
    path = write_cine(tmp_path / "cine.nii.gz", [np.stack([ring_frame(24.0, 33.0)] * FRAMES)])
    with pytest.raises(LaMoDInputError, match="does not change over the cycle"):
        draw_contours(path, engine=engine)


def test_contours_that_move_in_images_that_do_not_change_are_refused(tmp_path, engine, monkeypatch):
    """As if the network drew another ring in each frame by chance."""
    from LaMoDCore.contours.automatic import heart_contours

    drawn = heart_contours.contour_slice

    def on_other_images(network, stack, center_xy, per_frame=2, after_frame=None):
        from dataclasses import replace

        return drawn(network, replace(stack, frames=beating), center_xy, per_frame, after_frame)

    beating = contracting().astype(np.float32)[:, None]
    still = write_cine(tmp_path / "still.nii.gz", [np.stack([ring_frame(24.0, 33.0)] * len(beating))])
    monkeypatch.setattr(heart_contours, "contour_slice", on_other_images)
    with pytest.raises(LaMoDInputError, match="the images do not change where the contours move"):
        draw_contours(still, engine=engine)


@pytest.mark.parametrize("share", [1.0, 0.35])
def test_a_heart_that_beats_weakly_is_drawn(tmp_path, engine, share):
    """Strokes of the cavity of 0.51 and 0.2."""
    frames = []
    for frame in range(12):
        endo = 24.0 * (1 - 0.3 * share * np.sin(np.pi * frame / 12) ** 2)
        frames.append(ring_frame(endo, float(np.sqrt(endo**2 + 33.0**2 - 24.0**2))))
    path = write_cine(tmp_path / "cine.nii.gz", [np.stack(frames)])
    assert len(draw_contours(path, engine=engine).slices) == 1
