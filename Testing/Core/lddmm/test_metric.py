"""The fluid metric: L is the documented operator and K its inverse on every grid."""

from __future__ import annotations

import math

import pytest
import torch

from LaMoDCore.lddmm import FluidMetric

METRICS = [FluidMetric(4.0, 1.0), FluidMetric(9.0, 0.5, power=1.0, beta=3.0), FluidMetric(2.0, 1.0, power=1.5)]


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(("shape", "spacing"), [((32, 40), (1.0, 1.0)), ((33, 25), (1.3, 2.1))])
def test_smoothing_undoes_sharpening(metric, shape, spacing):
    velocity = torch.randn(2, 2, *shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    there_and_back = metric.apply_K(metric.apply_L(velocity, spacing), spacing)
    assert torch.allclose(there_and_back, velocity, atol=1e-10)


def test_operator_is_minus_alpha_laplacian_minus_beta_grad_div_plus_gamma():
    metric = FluidMetric(alpha=2.0, gamma=0.7, power=1.0, beta=1.5)
    size, spacing = 64, (1.0, 1.25)
    x = torch.arange(size, dtype=torch.float64)[None, :] * (2 * math.pi / size)
    y = torch.arange(size, dtype=torch.float64)[:, None] * (2 * math.pi / size)
    a, b = 2 * math.pi / (size * spacing[0]), 2 * math.pi / (size * spacing[1])  # dx/dX, dy/dY per mm
    # v = (sin x cos 2y, 0): Δv and ∇div v by hand, with X = x/a, Y = y/b in mm.
    velocity = torch.stack((torch.sin(x) * torch.cos(2 * y), torch.zeros(size, size, dtype=x.dtype)))[None]
    laplacian = -(a**2 + 4 * b**2) * velocity
    grad_div = torch.stack((-(a**2) * torch.sin(x) * torch.cos(2 * y), -2 * a * b * torch.cos(x) * torch.sin(2 * y)))
    expected = -2.0 * laplacian - 1.5 * grad_div + 0.7 * velocity
    assert torch.allclose(metric.apply_L(velocity, spacing), expected, atol=1e-5)


def test_energy_is_positive_and_the_same_on_finer_grids():
    def energy(spacing: tuple[float, float]) -> float:
        x, y = (torch.arange(round(64 / s), dtype=torch.float64) * s - 32 for s in spacing)
        bump = torch.exp(-(x[None, :] ** 2 + y[:, None] ** 2) / 50)
        return float(FluidMetric(9.0, 1.0, beta=2.0).energy(torch.stack((bump, -bump))[None], spacing))

    assert energy((1.0, 1.0)) > 0
    assert energy((1.0, 2.0)) == pytest.approx(energy((1.0, 1.0)), rel=1e-2)
    assert energy((0.5, 1.0)) == pytest.approx(energy((1.0, 1.0)), rel=1e-3)


@pytest.mark.parametrize("wrong", [{"gamma": 0.0}, {"alpha": -1.0}, {"power": 0.0}, {"beta": -0.1}])
def test_invalid_weights_are_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        FluidMetric(**{"alpha": 1.0, "gamma": 1.0, **wrong})


def test_a_field_of_the_wrong_shape_is_refused():
    with pytest.raises(ValueError, match=r"\[N, 2, H, W\]"):
        FluidMetric(1.0, 1.0).apply_L(torch.zeros(1, 3, 8, 8), (1.0, 1.0))
