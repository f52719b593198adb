"""Registration by shooting recovers known motion."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import ndimage

from LaMoDCore.lddmm import FluidMetric, carry_mask, match, shoot, warp_image
from LaMoDCore.lddmm.minimise import minimise
from Testing.Core.lddmm.shapes import contraction, grid_mm, ring

CINE = Path(__file__).resolve().parents[3] / "../shared/data/cine_biv_me"


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


def as_picture(mask):
    return torch.as_tensor(np.asarray(mask), dtype=torch.float32)[None, None]


def test_known_contraction_of_masks_is_recovered():
    spacing = (1.5, 1.5)
    start = ring(72, 22, 31, spacing).numpy()
    truth = shoot(contraction(72, spacing, dtype=torch.float32), FluidMetric(25.0, 1.0), spacing)
    end = carry_mask(start, truth.forward[0].numpy(), spacing)
    assert dice(start, end) < 0.4
    found = match(as_picture(start), as_picture(end), spacing)
    assert dice(found.carry_contour(start, spacing), end) >= 0.97
    assert float(found.shot.jacobian.min()) > 0


def test_known_motion_of_an_image_is_recovered():
    spacing = (2.0, 2.0)
    x, y = grid_mm(56, spacing, torch.float32)
    texture = ndimage.gaussian_filter(np.random.default_rng(0).standard_normal((56, 56)), 2.0)
    image = torch.from_numpy(texture / texture.std()).float()[None, None]
    v0 = contraction(56, spacing, inward_mm=3.0, turn=0.5, dtype=torch.float32)
    truth = shoot(v0, FluidMetric(25.0, 1.0), spacing)
    found = match(image, warp_image(image, truth.inverse, spacing), spacing, content="image")
    seen = torch.hypot(x, y) < 35
    error = (found.shot.forward - truth.forward)[0].norm(dim=0)[seen]
    moved = float(truth.forward[0].norm(dim=0)[seen].mean())
    assert moved > 2.0
    assert float(error.mean()) < 0.2 * moved


@pytest.mark.skipif(not CINE.exists(), reason="the real cine series is not beside the checkout")
@pytest.mark.parametrize("series", ["Se3", "Se4"])
def test_real_heart_from_end_diastole_to_end_systole(series):
    sitk = pytest.importorskip("SimpleITK")
    image = sitk.ReadImage(str(CINE / f"{series}_labels.nii.gz"))
    labels = sitk.GetArrayFromImage(image)[:, 0]
    es = int(np.argmin((labels == 3).sum(axis=(1, 2))))
    rows, columns = np.nonzero((labels == 2).any(axis=0))
    window = (slice(rows.min() - 12, rows.max() + 13), slice(columns.min() - 12, columns.max() + 13))
    start, end = (labels[frame][window] == 2 for frame in (0, es))
    spacing = image.GetSpacing()[:2]
    found = match(as_picture(start), as_picture(end), spacing)
    assert dice(start, end) < 0.6
    assert dice(found.carry_contour(start, spacing), end) >= 0.97
    assert float(found.shot.jacobian.min()) > 0


def test_minimisation_recovers_from_infinite_energy():
    def energy(point):
        value = (1 - point[0]) ** 2 + 100 * (point[1] - point[0] ** 2) ** 2
        return torch.where(point[0] > 1.3, torch.full_like(value, float("inf")), value)

    end = minimise(energy, torch.tensor([-1.2, 1.0], dtype=torch.float64), 200)
    assert torch.allclose(end, torch.ones(2, dtype=torch.float64), atol=0.02)


def test_start_must_be_allowed():
    with pytest.raises(ValueError, match="not finite"):
        minimise(lambda point: point.sum() * float("inf"), torch.ones(2), 3)


@pytest.mark.parametrize(
    ("source", "target", "content", "words"),
    [
        (torch.ones(1, 1, 16, 16), torch.ones(1, 1, 16, 18), "mask", r"\[N, C, H, W\]"),
        (torch.ones(1, 1, 16, 16), torch.zeros(1, 1, 16, 16), "mask", "empty"),
        (torch.ones(1, 1, 16, 16), torch.ones(1, 1, 16, 16), "contour", "mask or image"),
    ],
)
def test_invalid_images_are_refused(source, target, content, words):
    with pytest.raises(ValueError, match=words):
        match(source, target, content=content)
